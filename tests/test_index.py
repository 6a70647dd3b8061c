"""The index, on vectors that can be worked out in the head, and once on the real model."""

import copy
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import ANIMALS, POLES
from processes import python

import embedsearch as es
from embedsearch.index import embedding, placing
from embedsearch.screening import Screening
from embedsearch.store import Store
from embedsearch.testing import HashEncoder, TableEncoder
from embedsearch.vectors import top


def place(vectors, pole):
    """Return coordinates by plain numpy: projection, centred and scaled on all animals."""
    everyone = np.array([np.array(v) / np.linalg.norm(v) for v in ANIMALS.values()])
    direction = np.array(POLES[pole])
    raw = everyone @ direction
    return (np.asarray(vectors) @ direction - raw.mean()) / raw.std()


def test_placing_agrees_with_hand_arithmetic(index):
    """Coordinates of phrases are standard deviations of the index's own passages, to 1e-6."""
    found = index.place(["wolf", "spider", "whale"], ["predatoriness", "size"])
    for placement in found:
        vector = np.array(ANIMALS[placement.text])
        assert placement.coordinates["predatoriness"] == pytest.approx(place(vector, "predator"), abs=1e-6)
        assert placement.coordinates["size"] == pytest.approx(place(vector, "large"), abs=1e-6)
    # x of all: 0 .8 .6 0 0 1 0 .6, mean .375; sum of squares 2.36, so the deviation is sqrt(.295 - .140625).
    assert found[0].coordinates["predatoriness"] == pytest.approx((0.8 - 0.375) / math.sqrt(0.154375), abs=1e-6)


def test_raw_coordinates_and_percentiles(index):
    """Raw coordinates are projections from half-way between the poles; percentiles run from 0 to 100."""
    raw = index.place(["wolf", "mouse"], ["predatoriness", "size"], unit="raw").to_dicts()
    assert raw[0] == {"text": "wolf", "predatoriness": pytest.approx(0.8, abs=1e-6), "size": pytest.approx(0, abs=1e-6)}
    assert raw[1]["size"] == pytest.approx(-1, abs=1e-6)
    percentiles = index.place(["mouse", "whale"], ["size"], unit="percentile")
    assert [p.coordinates["size"] for p in percentiles] == pytest.approx([0, 100], abs=0.2)


def test_placing_everything_sorts_and_cuts(index):
    """All passages are placed, sorted by an axis either way, restricted by a condition."""
    highest = index.place_all(["predatoriness"], sort="predatoriness", k=2)
    assert [p.text for p in highest] == ["shark", "wolf"]
    lowest = index.place_all(["size"], sort="-size", k=1)
    assert (lowest[0].text, lowest[0].id) == ("mouse", "id-mouse")
    people = index.place_all(["size"], where='kind == "person"')
    assert [p.text for p in people] == ["politician"]
    in_order = index.place_all(["size"])
    assert [p.text for p in in_order] == list(ANIMALS)


def test_placing_one_by_one_is_placing_all_of_one_state(index, monkeypatch):
    """The same placements in the same order, their texts read batch by batch; nothing is written between them."""
    monkeypatch.setattr(placing, "_AT_ONCE", 3)
    for options in ({}, {"sort": "-size"}, {"sort": "predatoriness", "k": 5}, {"where": "size > 0", "unit": "raw"}):
        assert es.Placements(index.place_each(**options)) == index.place_all(**options)
    each = index.place_each(["size"], sort="size")
    assert next(each).text == "whale"
    with pytest.raises(es.StoreError, match="cannot be written to"):
        index.delete(["id-wolf"])
    assert "wolf" in [place.text for place in each]
    index.delete(["id-wolf"])
    each = index.place_each(["size"])
    assert next(each).text != "wolf"
    index.close()
    each.close()  # whoever stops in the midst of it may have closed the index before


def test_search_ranks_by_cosine(index):
    """Scores are cosines: sheep and wolf share .8 * .6 = .48 of their z alone."""
    hits = index.search("sheep", k=3)
    assert [hit.text for hit in hits] == ["sheep", "grass", "politician"]
    assert [hit.score for hit in hits] == pytest.approx([1, 0.8, 0.64], abs=1e-6)
    wolf = next(hit for hit in index.search("sheep", k=8) if hit.text == "wolf")
    assert wolf.score == pytest.approx(0.48, abs=1e-6)
    assert (wolf.rank, wolf.id, wolf.document, wolf.start, wolf.end) == (5, "id-wolf", "id-wolf", 0, 4)
    assert wolf.metadata == {"kind": "animal", "year": 2001}


def test_search_like_a_document_leaves_it_out(index):
    """Searching with a document of the index answers with others, and needs no encoder."""
    hits = index.search(like="id-sheep", k=2)
    assert [hit.text for hit in hits] == ["grass", "politician"]


def test_search_like_several_documents_lies_between_them(index):
    """Each counts alike, however often it is named; none of them is an answer."""
    own = index.document_vectors(["id-sheep", "id-spider"]).sum(axis=0)
    hits = index.search(like=("id-sheep", "id-spider", "id-sheep"), k=99)
    assert {hit.document for hit in hits} == set(index.ids()) - {"id-sheep", "id-spider"}
    wanted = index.document_vectors([hit.document for hit in hits]) @ (own / np.linalg.norm(own))
    assert [hit.score for hit in hits] == pytest.approx(wanted, abs=1e-6)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    with pytest.raises(es.QueryError, match="no document 'id-sheap'"):
        index.search(like=["id-wolf", "id-sheap"])
    with pytest.raises(es.QueryError, match="there is no document to search with"):
        index.search(like=[])


def test_search_with_a_vector(index):
    """Any vector of the right dimension can be asked with; its length does not matter."""
    assert index.search(vector=[0, -7, 0], k=1)[0].text == "mouse"
    with pytest.raises(es.QueryError, match="2 dimensions where 3"):
        index.search(vector=[1, 0])
    with pytest.raises(es.QueryError, match="all zeros"):
        index.search(vector=[0, 0, 0])


def test_a_condition_restricts_and_never_starves(index):
    """As many hits come as exist under the condition, however unlike the query they are."""
    assert [hit.text for hit in index.search("sheep", k=5, where='kind == "person"')] == ["politician"]
    assert len(index.search("sheep", k=8, where="year >= 2002")) == 6
    assert len(index.search("sheep", where="size < -99")) == 0


def test_sums_of_meanings(index):
    """sheep + wolf = (.8, .6, 1.4)/sqrt 2.96; contributions add up to the score, inputs are left out."""
    answer = index.calc("sheep + wolf", k=2)
    length = math.sqrt(0.8**2 + 0.6**2 + 1.4**2)
    assert [hit.text for hit in answer.hits] == ["politician", "grass"]
    politician = answer.hits[0]
    assert politician.score == pytest.approx((0.8 * 0.6 + 1.4 * 0.8) / length, abs=1e-6)
    assert politician.contributions == {
        "sheep": pytest.approx(0.64 / length, abs=1e-6),
        "wolf": pytest.approx((0.48 + 0.48) / length, abs=1e-6),
    }
    assert set(politician.near_alone) == {"sheep", "wolf"}
    assert answer.alone["sheep"][0].text == "grass"
    assert answer.alone["sheep"][0].score == pytest.approx(0.8, abs=1e-6)
    kept = index.calc("sheep + wolf", k=8, keep_inputs=True)
    assert {"sheep", "wolf"} <= {hit.text for hit in kept.hits}


def test_weights_and_signs(index):
    """2*wolf - sheep = (1.6, -.6, .4): the shark lies nearest, with its part of each term."""
    answer = index.calc("2*wolf - sheep", k=1)
    length = math.sqrt(1.6**2 + 0.6**2 + 0.4**2)
    assert answer.hits[0].text == "shark"
    assert answer.hits[0].contributions == {
        "wolf": pytest.approx(1.6 / length, abs=1e-6),
        "sheep": pytest.approx(0, abs=1e-6),
    }


def test_coordinates_add_as_charges_add(index):
    """On axes the coordinates of the terms are added and the nearest passage to that point answers."""
    answer = index.calc("wolf + mouse", on=["predatoriness", "size"], k=8)
    wolf, mouse = np.array(ANIMALS["wolf"]), np.array(ANIMALS["mouse"])
    wanted = [place(wolf, pole) + place(mouse, pole) for pole in ("predator", "large")]
    assert list(answer.point.values()) == pytest.approx(wanted, abs=1e-6)
    assert answer.terms[0].coordinates["size"] == pytest.approx(place(wolf, "large"), abs=1e-6)
    distances = {
        name: math.dist(wanted, [place(np.array(v) / np.linalg.norm(v), pole) for pole in ("predator", "large")])
        for name, v in ANIMALS.items()
        if name not in ("wolf", "mouse")
    }
    assert [hit.text for hit in answer.hits] == sorted(distances, key=distances.get)
    for hit in answer.hits:
        assert hit.distance == pytest.approx(distances[hit.text], abs=1e-6)
        assert sum(hit.contributions.values()) == pytest.approx(hit.score, abs=1e-6)
    people = index.calc("wolf + mouse", on=["size"], where='kind == "person"').hits
    assert [hit.text for hit in people] == ["politician"]


def test_terms_that_cancel_out_are_refused(index):
    """A sum that points nowhere has no neighbours."""
    with pytest.raises(es.QueryError, match="cancel out"):
        index.calc("whale + mouse")
    with pytest.raises(es.QueryError, match="cancel out"):
        index.calc("whale - whale")


def test_locating_a_point(index):
    """What lies at the wolf's own coordinates is the wolf; a percentile is a coordinate."""
    wolf = dict(index.place(["wolf"])[0].coordinates)
    hits = index.locate(wolf, k=2)
    assert hits[0].text == "wolf"
    assert hits[0].distance == pytest.approx(0, abs=1e-6)
    assert hits[0].score is None
    assert hits[0].coordinates == pytest.approx(wolf, abs=1e-6)
    assert index.locate({"size": "p100"}, k=1)[0].text == "whale"
    assert index.locate({"size": "p0"}, k=1, where='kind != "plant"')[0].text == "mouse"


@pytest.mark.parametrize("value", ["big", "p101", "nan", "inf", "-1e39", "", "p"])
def test_values_that_are_no_coordinates_are_refused(index, value):
    """A value is a number that float32 can calculate with, or a percentile up to 100."""
    for ask in (index.locate, lambda point: index.locate_like("wolf", point), lambda by: index.shift("wolf", by)):
        with pytest.raises(es.QueryError, match="wanted a number of standard deviations"):
            ask({"size": value})


def test_filtering_the_index_and_foreign_documents(index, encoder):
    """Documents that satisfy the condition come unchanged and in order; those of the index when none are given."""
    assert [document.id for document in index.filter("predatoriness > p80")] == ["id-wolf", "id-shark"]
    foreign = [es.Document("a", "mouse", metadata={"x": 1}), es.Document("b", "shark"), es.Document("c", "wolf")]
    before = len(encoder.encoded)
    assert list(index.filter("predatoriness > 1 and not missing(id)", foreign)) == [foreign[1], foreign[2]]
    assert encoder.encoded[before:] == []  # all three texts are in the index, so that their vectors are known
    assert [d.id for d in index.filter('near("mouse") > 0.9', foreign)] == ["a"]


def test_a_long_document_lies_at_the_mean_of_its_passages(tmp_path):
    """A document's coordinate is the mean over its passages; its nearness is that of its nearest passage."""
    table = {"one": [1, 0], "two": [0, 1], "far": [-1, 0], "low": [0, -1], "high": [0, 1]}
    with es.Index.create(tmp_path / "i", TableEncoder(table, max_tokens=1), overlap=0) as index:
        index.add([es.Document("both", "one two"), es.Document("far", "far")])
        index.axes.save(es.Axis("size", ["low"], ["high"]))
        assert len(index) == 3
        [both, far] = index.judge("size > -99", axes=["size"])
        raw = np.array([0, 1, 0])
        wanted = (np.array([0.5, 0]) - raw.mean()) / raw.std()
        assert [both.coordinates["size"], far.coordinates["size"]] == pytest.approx(wanted.tolist(), abs=1e-6)
        assert [d.id for d in index.filter('near("two") > 0.99')] == ["both"]
        assert [hit.id for hit in index.search("two", k=3)] == ["both#1", "both", "far"]


def test_titles_are_embedded_with_each_passage(tmp_path):
    """The text that is embedded has the title before it, and the passage keeps its range in the text alone."""
    encoder = HashEncoder()
    with es.Index.create(tmp_path / "i", encoder) as index:
        index.add([es.Document("d", "It hunts.", title="Wolf")])
        assert encoder.encoded == ["Wolf\nIt hunts."]
        assert (index.search("x")[0].text, index.search("x")[0].end) == ("It hunts.", 9)


def test_the_same_text_is_embedded_once(tmp_path):
    """Content is embedded once, within a run, over runs, in any order, under any id."""
    encoder = HashEncoder()
    with es.Index.create(tmp_path / "i", encoder) as index:
        first = index.add([es.Document("a", "wolf"), es.Document("b", "wolf"), es.Document("c", "sheep")])
        assert (first.added, first.embedded, first.reused) == (3, 2, 1)
        second = index.add([es.Document("c", "sheep"), es.Document("a", "wolf"), es.Document("d", "sheep")])
        assert (second.added, second.unchanged, second.embedded, second.reused) == (1, 2, 0, 1)
        assert sorted(encoder.encoded) == ["sheep", "wolf"]
        assert len(index) == 4


def test_changed_documents_are_updated(tmp_path):
    """A new text replaces the old passages; new metadata alone embeds nothing."""
    encoder = HashEncoder()
    with es.Index.create(tmp_path / "i", encoder) as index:
        index.add([es.Document("a", "wolf", metadata={"year": 1}), es.Document("b", "sheep")])
        report = index.add([es.Document("a", "fox", metadata={"year": 2})])
        assert (report.updated, report.embedded) == (1, 1)
        assert (index.get("a").text, index.get("a").metadata) == ("fox", {"year": 2})
        assert {hit.text for hit in index.search("wolf", k=9)} == {"fox", "sheep"}
        report = index.add([es.Document("a", "fox", metadata={"year": 3})])
        assert (report.updated, report.embedded, report.reused) == (1, 0, 0)
        assert index.get("a").metadata == {"year": 3}


def test_two_documents_of_one_id_are_refused(tmp_path):
    """An id that occurs twice in a run is named with its place; what came before is kept."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        with pytest.raises(es.SourceError, match=r"x\.csv:3: the id 'a' occurred before"):
            index.add([es.Document("a", "wolf"), es.Document("b", "fox"), es.Document("a", "dog", source="x.csv:3")])
        assert index.info()["documents"] == 2


def test_an_empty_index_answers_nothing(tmp_path):
    """Searching an empty index gives no hits; placing on it says why it cannot."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        assert list(index.search("wolf")) == []
        assert list(index.filter("missing(title)")) == []
        index.axes.save(es.Axis("size", ["small"], ["large"]))
        with pytest.raises(es.QueryError, match="is empty; add documents"):
            index.place(["wolf"])


def test_an_index_refuses_another_encoder(tmp_path):
    """Both names stand in the message; the same name with another dimension is another encoder too."""
    es.Index.create(tmp_path / "i", HashEncoder(name="first")).close()
    with pytest.raises(es.StoreError, match=r"encoder 'first' \(8 dimensions\).*with 'second' \(8 dimensions\)"):
        es.open(tmp_path / "i", HashEncoder(name="second"))
    with pytest.raises(
        es.StoreError, match=r"16 dimensions\): their vectors have nothing in common. Pass the object that made it"
    ):
        es.open(tmp_path / "i", HashEncoder(16, name="first"))


def test_a_query_is_encoded_once(tmp_path, monkeypatch):
    """What was searched for is not encoded again to be placed or searched for; the oldest phrases are forgotten."""
    encoder = HashEncoder()
    monkeypatch.setattr(embedding, "_RECENT", 2)
    with es.Index.create(tmp_path / "i", encoder) as index:
        index.add([es.Document("a", "a wolf"), es.Document("b", "a sheep")])
        encoder.encoded.clear()
        first = [hit.score for hit in index.search("bear", mode="dense")]
        assert [hit.score for hit in index.search("bear", mode="dense")] == first
        index.calc("bear + wolf")
        assert encoder.encoded == ["bear", "wolf"]
        index.search("fox", mode="dense")
        index.search("bear", mode="dense")
        assert encoder.encoded == ["bear", "wolf", "fox", "bear"]


def test_a_text_that_would_be_cut_off_is_refused(tmp_path):
    """A query longer than the encoder reads is refused with both lengths; a document is divided instead."""
    with es.Index.create(tmp_path / "i", HashEncoder(max_tokens=4)) as index:
        with pytest.raises(es.QueryError, match="has 5 tokens and hash reads 4"):
            index.search("one two three four five")
        index.add([es.Document("d", "one two three four five six seven eight nine.")])
        assert len(index) >= 3


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_empty_queries_are_refused(index, text):
    """An empty text is no question."""
    with pytest.raises(es.QueryError, match="empty"):
        index.search(text)
    with pytest.raises(es.QueryError, match="empty"):
        index.place([text])


def test_names_that_do_not_exist_are_suggested(index):
    """Unknown axes, fields, documents and units say what was likely meant."""
    for ask, wanted in (
        (lambda: index.place(["wolf"], ["predatorines"]), "Did you mean 'predatoriness'"),
        (lambda: index.search("wolf", where="knid == 'x'"), "Did you mean 'kind'"),
        (lambda: index.get("id-wold"), "Did you mean 'id-wolf'"),
        (lambda: index.place(["wolf"], unit="percent"), "Did you mean 'percentile'"),
        (lambda: index.place_all(["size"], sort="sizes"), "Did you mean 'size'"),
        (lambda: index.axes["sice"], "Did you mean 'size'"),
    ):
        with pytest.raises(es.EmbedSearchError) as caught:
            ask()
        assert wanted in str(caught.value)


def test_axes_are_scaled_on_what_the_index_holds_now(index):
    """Coordinates follow the population: after documents are added the same raw value has another coordinate."""
    before = index.place(["wolf"], ["size"])[0].coordinates["size"]
    index.add([es.Document("w2", "whale"), es.Document("w3", "whale", metadata={"copy": True})])
    after = index.place(["wolf"], ["size"])[0].coordinates["size"]
    raw = np.array([v[1] / np.linalg.norm(v) for v in ANIMALS.values()] + [1, 1])
    assert after == pytest.approx((0 - raw.mean()) / raw.std(), abs=1e-6)
    assert after < before


def test_axes_have_versions(index):
    """Saving the same definition changes nothing; another definition is the next version."""
    assert index.axes.versions() == {"predatoriness": 1, "size": 1}
    index.axes.save(es.Axis("size", ["small"], ["large"]))
    assert index.axes["size"].version == 1
    index.axes.save(es.Axis("size", ["mouse"], ["whale"]))
    assert index.axes["size"].version == 2
    index.axes.delete("size")
    assert list(index.axes) == ["predatoriness"]


def test_a_sum_of_many_terms_reads_a_few_passages_for_each(tmp_path, monkeypatch):
    """The other terms are left out of each term's own neighbours, and are not read for it unless they are near."""
    read = []
    passages = Store.passages
    monkeypatch.setattr(Store, "passages", lambda store, rows: read.extend(rows) or passages(store, rows))
    with es.Index.create(tmp_path / "i", HashEncoder(32)) as index:
        index.add(es.Document(str(number), f"text {number}") for number in range(1000))
        found = index.calc(" + ".join(f"text {number}" for number in range(100)), k=5)
        vectors = index.text_vectors([f"text {number}" for number in range(1000)])
    for number in (0, 99):
        cosines = vectors[100:] @ vectors[number]
        assert [int(hit.document) for hit in found.alone[f"text {number}"]] == (100 + top(cosines, 5)).tolist()
    assert len(read) < 100 * 20


def test_an_index_reopens_as_it_was(tmp_path, encoder, animals, axes):
    """Everything is on disk: a reopened index gives the same answers without its encoder where texts are known."""
    with es.Index.create(tmp_path / "i", encoder) as made:
        made.add(animals)
        for axis in axes:
            made.axes.save(axis)
        wanted = made.calc("sheep + wolf", on=["size"]).hits.to_dicts()
    with es.open(tmp_path / "i") as opened:  # "table" is no model: any encoding would fail
        assert opened.calc("sheep + wolf", on=["size"]).hits.to_dicts() == wanted
        assert opened.info()["documents"] == 8
        with pytest.raises(es.EncoderError, match="the encoder 'table' is an object made in Python"):
            opened.search("a text that is not in it")


def test_the_real_model_knows_wolves_from_loans(predation):
    """On the shipped corpus the plain queries of the README find what they should."""
    with es.open(predation) as index:
        assert index.info()["dimension"] == 384
        assert index.info()["documents"] > 800
        hits = index.search("a spider that throws a sticky ball at moths", k=3, where="missing(kind)")
        assert "bolas" in hits[0].text.lower()
        placements = index.place(["wolf", "lamb", "blue whale", "flea"], ["predatoriness", "size"])
        wolf, lamb, whale, flea = (placement.coordinates for placement in placements)
        assert wolf["predatoriness"] > lamb["predatoriness"]
        assert whale["size"] > flea["size"]


def test_progress_is_told_within_a_batch(tmp_path):
    """Documents, passages and tokens only grow, in more than one step a batch, and end at their numbers."""
    told = []
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        documents = [es.Document(str(number), f"text {number}") for number in range(300)]
        index.add(documents, progress=lambda *done: told.append(done))
        assert told[-1] == (300, 300, 600)  # two words each
        again = []
        index.add([es.Document("new", "text 7 text"), *documents], progress=lambda *done: again.append(done))
        assert again[-1] == (301, 1, 3)
    assert told == sorted(told)
    assert len({done for done, *_ in told}) > 3


def test_documents_can_be_deleted_while_they_are_filtered(tmp_path, monkeypatch):
    """The loop over a filter may write: each batch is read as one state, and none is held between them."""
    monkeypatch.setattr("embedsearch.index.selecting._OWN_DOCUMENTS", 128)
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add(
            es.Document(f"d{number}", f"text {number}", metadata={"even": number % 2 == 0}) for number in range(600)
        )
        met = []
        for document in index.filter("even"):
            met.append(document.id)
            if document.id == "d2":
                index.delete(["d0", "d500"])
                index.compact()
        assert met == [f"d{number}" for number in range(0, 600, 2) if number != 500]
        abandoned = index.filter("even")
        assert next(abandoned).id == "d2"
        index.delete(["d2"])
        assert len(list(index.filter("even"))) == 297


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"id": 5, "text": "a"}, r"its id is 5 \(int\), wanted a text"),
        ({"id": "a", "text": None}, r"its text is None \(NoneType\), wanted a text"),
        ({"id": "a", "text": float("nan")}, r"its text is nan \(float\)"),
        ({"id": "a", "text": "a", "title": 2020}, r"its title is 2020 \(int\)"),
        ({"id": "a", "text": "a", "source": Path("a.csv")}, r"its source is PosixPath\('a.csv'\)"),
        ({"id": "a", "text": "a", "metadata": None}, "its metadata is None, wanted a dict"),
    ],
)
def test_what_is_no_text_is_refused_where_it_is_given(given, said):
    """A number from a data frame is refused when the document is made, not taken for damage of the index later."""
    with pytest.raises(es.SourceError, match=said):
        es.Document(**given)


def test_a_document_without_text_is_refused(tmp_path):
    """It would have no passage, and so no place on an axis; what came before it is kept."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        with pytest.raises(es.SourceError, match="'b' has no text; leave it out, or give"):
            index.add([es.Document("a", "wolf"), es.Document("b", " \n ", title="A title")])
        index.add([es.Document("a", "wolf")])
        assert index.ids() == ["a"]


@pytest.mark.parametrize("k", [0, -1, 2.5, "3"])
def test_every_count_is_a_whole_number_above_zero(index, k):
    """All that takes a number of answers refuses the same numbers with an error of ours."""
    for ask in (
        lambda: index.search("wolf", k=k),
        lambda: index.calc("wolf + sheep", k=k),
        lambda: index.locate({"size": 1}, k=k),
        lambda: index.place_all(k=k),
        lambda: index.explain(["wolf"], k=k),
        lambda: index.explorer.discover(k, None, 3),
        lambda: Screening(index).next(k),
    ):
        with pytest.raises(es.QueryError, match=f"(k|count) is {k!r}"):
            ask()


def test_wrong_vectors_and_no_axes_are_errors_of_ours(index):
    """Texts for numbers, rows of different lengths, an empty list of axes."""
    for vector in (["x"] * 3, [[1.0], [1.0, 2.0]], {"a": 1}):
        with pytest.raises(es.QueryError, match="vectors must be rows of numbers"):
            index.search(vector=vector)
    with pytest.raises(es.AxisError, match="no axis is named"):
        index.place(["wolf"], [])


def test_an_index_serves_the_process_that_opened_it(index):
    """SQLite forbids a connection to be used in a forked process: a lock that neither sees may cost the index."""
    for copied in (copy.deepcopy, pickle.dumps):
        for one in (index, index.axes, index.labels, index.explorer):
            with pytest.raises(es.StoreError, match=r"call embedsearch\.open in each process"):
                copied(one)
    code = """
import os, sys, warnings
import embedsearch as es
from embedsearch.testing import TableEncoder
encoder = TableEncoder({"wolf": [1, 0, 0]})
index = es.open(sys.argv[1], encoder)
warnings.simplefilter("ignore")
if child := os.fork():
    os.waitpid(child, 0)
    print(len(index))
else:
    try:
        index.search("wolf")
    except es.StoreError as error:
        print(error)
    index.close()
    with es.open(sys.argv[1], encoder) as own:
        print(own.search("wolf", k=1)[0].id)
    sys.stdout.flush()
    os._exit(0)
"""
    told = python(code, index.path).splitlines()
    assert told == [f"{index.path}: an open index serves the process that opened it; call embedsearch.open in each "
                    "process", "id-wolf", "8"]  # fmt: skip


def test_an_index_serves_the_thread_that_opened_it(index):
    """Another thread is told so, and not that the index is damaged."""
    with ThreadPoolExecutor(1) as pool, pytest.raises(es.StoreError, match=r"call embedsearch\.open in each thread"):
        pool.submit(index.ids).result()
    index.close()
    with pytest.raises(es.StoreError, match="open it again"):
        index.ids()


def test_passages_are_told_apart_where_their_ids_are_alike(tmp_path):
    """The second passage of `a` and a document `a#1` have one id; what is near a term alone is said of its own."""
    table = {"one": [1, 0], "two": [0, 1], "north": [0, 1], "east": [1, 0]}
    with es.Index.create(tmp_path / "i", TableEncoder(table, max_tokens=1), overlap=0) as index:
        index.add([es.Document("a", "one two"), es.Document("a#1", "east")])
        passages = index.passages(index.rows())
        assert [one.id for one in passages] == ["a", "a#1", "a#1"]
        assert len({(one.document, one.position) for one in passages}) == 3
        hits = index.calc("2*east + north", k=1, keep_inputs=True).hits
        assert [(hit.document, hit.position, hit.near_alone) for hit in hits] == [("a", 0, ("east",))]
        both = index.calc("east + north", k=3, keep_inputs=True)
        for hit in both.hits:
            near = [text for text, alone in both.alone.items() if (hit.document, hit.position) in places(alone)]
            assert hit.near_alone == tuple(near)


def places(hits):
    """Return which passages hits are."""
    return {(hit.document, hit.position) for hit in hits}
