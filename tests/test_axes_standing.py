"""Where rated phrases and documents stand in conditions and filters, and the versions that placements name."""

import csv
import json

import pytest
from conftest import run

import embedsearch as es
from embedsearch.testing import HashEncoder, TableEncoder

SIZES = {"flea": -0.8, "mouse": -0.6, "dog": 0.0, "bear": 0.6, "whale": 0.8, "cat": -0.28, "horse": 0.28}
TABLE = {name: [0.0, y, (1 - y * y) ** 0.5] for name, y in SIZES.items()} | {"small": [0, -1, 0], "large": [0, 1, 0]}
NUL = "flea\0 of a dog"  # at a NUL the texts of SQLite end


@pytest.fixture
def laid_out(tmp_path):
    """Return an index of seven animals: the flea is rated the largest, and the cat's document, by its id, as well."""
    with es.Index.create(tmp_path / "laid-out", TableEncoder(TABLE | {NUL: TABLE["mouse"]})) as index:
        index.add([es.Document(f"id-{name}", name) for name in SIZES])
        ratings = {"mouse": 7.0, "dog": 60.0, "bear": 200.0, "whale": 2000.0, "flea": 2000.0}
        index.axes.save(es.Axis("size", ["small"], ["large"], ratings=ratings, rated_documents={"id-cat": 2000.0}))
        yield index


def found(index, where, **more):
    return {place.text for place in index.place_all(["size"], where=where, **more)}


def test_conditions_take_rated_passages_where_they_stand(laid_out):
    """The flea, rated the largest, satisfies what the whale does; predicted, it is measured and does not."""
    top = min(place.coordinates["size"] for place in laid_out.place(["flea", "whale"])) - 1e-6
    assert found(laid_out, f"size > {top}") >= {"flea", "cat", "whale"}
    measured = found(laid_out, f"size > {top}", predicted=True)
    assert not measured & {"flea", "cat"}


def test_a_filter_takes_rated_documents_where_they_stand(laid_out):
    """Documents of the index and of a stream: a text that is a rated phrase, an id only with the same text."""
    top = laid_out.place(["flea"])[0].coordinates["size"] - 1e-6
    assert {"id-flea", "id-cat"} <= {document.id for document in laid_out.filter(f"size > {top}")}
    stream = [es.Document("n1", "flea "), es.Document("id-cat", "cat"), es.Document("id-cat", "mouse")]
    passed = [document.text for document in laid_out.filter(f"size > {top}", stream)]
    assert [text.strip() for text in passed] == ["flea", "cat"]


def test_rated_passages_stand_where_they_were_rated_in_any_order_of_rows(laid_out):
    """Rows that are given in another order, or twice, have the coordinates that they have in order."""
    laid_out.add([es.Document("id-nul", NUL)])  # begins like a phrase that was rated, and is measured
    whole = laid_out.population(["size"]).coordinates[:, 0]
    assert whole[7] == pytest.approx(laid_out.place([NUL])[0].coordinates["size"])
    order = [6, 0, 5, 0, 3, 1]
    assert laid_out.population(["size"], drawn=order).coordinates[:, 0].tolist() == whole[order].tolist()
    assert whole[0] == whole[5] == laid_out.place(["flea"], ["size"])[0].coordinates["size"]


def test_a_rated_document_is_said_to_stand_elsewhere(laid_out, monkeypatch):
    """place --document measures its passages and says where the rating puts it."""
    (cat,) = laid_out.place_documents(["id-cat"], ["size"])
    (stands,) = [place for place in laid_out.place_all(["size"]) if place.id == "id-cat"]
    assert cat.rated == pytest.approx(stands.coordinates["size"], abs=1e-9)
    assert cat.mean < 0 < cat.rated
    (rating,) = laid_out.place_documents(["id-cat"], ["size"], unit="rating")
    assert rating.rated == pytest.approx(laid_out.axes.definitions()["size"].rated_documents["id-cat"])
    measured = laid_out.place_all(["size"], unit="rating", predicted=True)
    assert [rating.mean] == [pytest.approx(one.coordinates["size"]) for one in measured if one.id == "id-cat"]
    with pytest.raises(es.QueryError, match="what sentences add is in standard deviations"):
        laid_out.place_documents(["id-cat"], ["size"], unit="rating", evidence=True)
    (horse,) = laid_out.place_documents(["id-horse"], ["size"])
    assert (horse.rated, "rated" in horse.to_dict()) == (None, False)
    monkeypatch.setattr("embedsearch.cli.placing_commands.open_index", lambda *_: laid_out)
    shown = run("place", "--document", "id-cat", "-f", "table")
    assert f"id-cat was rated on size and stands at {cat.rated:.3f}" in shown.stderr


def test_everything_placed_names_the_version(laid_out, monkeypatch):
    """Every format of place, and the coordinates of locate, calc, shift, filter and --document, name it."""
    laid_out.axes.refit(["size"])
    for command in ("placing_commands", "query_commands"):
        monkeypatch.setattr(f"embedsearch.cli.{command}.open_index", lambda *_: laid_out)
    assert json.loads(run("place", "dog", "-f", "json").output)[0]["versions"] == {"size": 2}
    for format, separator in (("csv", ","), ("tsv", "\t")):
        head, line = run("place", "horse", "-f", format).output.splitlines()[:2]
        assert dict(zip(head.split(separator), line.split(separator), strict=True))["versions.size"] == "2"
    placed = laid_out.place(["dog"])
    assert placed.to_pandas()["versions"][0] == {"size": 2}
    assert placed.to_polars()["versions"].to_list() == [{"size": 2}]
    assert placed.to_arrow().to_pylist()[0]["versions"] == {"size": 2}
    assert laid_out.locate({"size": 0}, k=1)[0].to_dict()["versions"] == {"size": 2}
    assert laid_out.calc("dog + cat", on=["size"], k=1).hits[0].versions == {"size": 2}
    assert json.loads(run("shift", "dog", "size=1", "-f", "json").stdout)["versions"] == {"size": 2}
    assert json.loads(run("place", "--document", "id-dog", "-f", "json").output)[0]["version"] == 2
    passed = run(
        "filter", "--where", "size < 100", "-a", "size", "-f", "jsonl", "-i", laid_out.path
    ).output.splitlines()
    assert json.loads(passed[0])["versions"] == {"size": 2}


def test_phrases_and_passages_are_sorted_by_an_axis_that_they_are_placed_on(laid_out, monkeypatch):
    """Highest first, or lowest with a minus; another axis is named in one message for both."""
    monkeypatch.setattr("embedsearch.cli.placing_commands.open_index", lambda *_: laid_out)
    phrases = ("place", "horse", "mouse", "bear", "-a", "size", "--predicted", "-f", "jsonl")
    for sort, wanted in (("size", ["bear", "horse", "mouse"]), ("-size", ["mouse", "horse", "bear"])):
        placed = run(*phrases, f"--sort={sort}").stdout.splitlines()
        assert [json.loads(line)["text"] for line in placed] == wanted
    for given in (phrases, ("place", "--all", "-a", "size")):
        refused = run(*given, "--sort", "sise")
        assert refused.exit_code == 2
        assert "sorted by 'sise', which is not among its axes. Did you mean 'size'?" in refused.stderr


def test_a_word_of_placements_is_no_name_of_an_axis(laid_out):
    """An axis called 'rated' would hide which axes a phrase was rated on."""
    for name in ("rated", "text", "id", "versions", "intervals", "distances"):
        with pytest.raises(es.AxisError, match=f"cannot be called '{name}'"):
            laid_out.axes.save(es.Axis(name, ["small"], ["large"]))


def test_lists_stand_in_delimited_files_as_json(laid_out, monkeypatch):
    """The axes that a phrase stands rated on are a list that another program reads."""
    laid_out.axes.save(es.Axis("mass", ratings=dict(laid_out.axes.definitions()["size"].ratings)))
    monkeypatch.setattr("embedsearch.cli.placing_commands.open_index", lambda *_: laid_out)
    (row,) = csv.DictReader(run("place", "dog", "-f", "csv").output.splitlines())
    assert json.loads(row["rated"]) == ["size", "mass"]


def test_an_axis_that_another_process_saved_is_seen(laid_out, tmp_path):
    """An index that is open reads the new version, though no document was added."""
    before = laid_out.place(["dog"], ["size"])[0]
    with es.open(tmp_path / "laid-out", encoder=laid_out.encoder) as other:
        other.axes.save(es.Axis("size", ["large"], ["small"]))
    after = laid_out.place(["whale"], ["size"])[0]
    assert (before.versions["size"], after.versions["size"]) == (1, 2)
    assert after.coordinates["size"] < 0


@pytest.fixture
def spelled(tmp_path):
    """Return an index with one phrase in several spellings, of which the encoder makes different vectors."""
    ratings = {"wolf": 2.0, "blue whale": 5.0, "flea": 0.0, "Mouse": 1.0, "sheep": 3.0, "straße": 4.0}
    texts = {"plain": "wolf", "upper": "WOLF", "spaced": "  Wolf \n", "whale": "blue\n  WHALE", "street": "STRASSE"}
    texts |= {"wolves": "wolf wolf", "mouse": "mouse", "far": f"blue{' ' * 100}whale", "long": "wolf " * 50}
    with es.Index.create(tmp_path / "spelled", HashEncoder(16)) as index:
        index.add([es.Document(id, text) for id, text in texts.items()])
        index.add([es.Document("titled", "wolf", title="Animals"), es.Document("own", "wolf", title="A book")])
        index.axes.save(es.Axis("size", ["small"], ["large"], ratings=ratings, rated_documents={"own": 0.5}))
        yield index


def test_one_rule_says_what_stands_where_it_was_rated(spelled):
    """Phrases, passages and documents, of the index or given: case, white space and titles aside, and ids first."""
    axis = spelled.axes["size"]
    wanted = {"plain": 2, "upper": 2, "spaced": 2, "titled": 2, "whale": 5, "street": 4, "mouse": 1, "own": 0.5}
    stands = {id: axis.scale.standardise(axis.fitted.calibration.raw_of([value]))[0] for id, value in wanted.items()}
    placed = {place.id: place for place in spelled.place_all(["size"])}
    documents = [spelled.get(id) for id in placed]
    judged = {verdict.document.id: verdict for verdict in spelled.judge(None, documents, axes=["size"])}
    whole = {place.document: place.rated for place in spelled.place_documents(list(placed), ["size"])}
    for id, place in placed.items():
        assert bool(place.rated) == (id in wanted), id
        assert place.coordinates["size"] == pytest.approx(judged[id].coordinates["size"], abs=1e-6), id
        assert whole[id] == (pytest.approx(stands[id]) if id in wanted else None), id
        for where in ("size > 0", "size <= 0"):
            passes = id in {document.id for document in spelled.filter(where)}
            assert passes == (id in {document.id for document in spelled.filter(where, documents)})
            assert passes == (id in {hit.id for hit in spelled.place_all(["size"], where=where)})
    for where in ("size > 0", "size <= 0"):
        assert spelled.count(where).documents == len(list(spelled.filter(where)))
    assert {id: placed[id].coordinates["size"] for id in wanted} == pytest.approx(stands)
    phrases = spelled.place([spelled.get(id).text for id in placed if id != "own"], ["size"])
    for id, phrase in zip([id for id in placed if id != "own"], phrases, strict=True):
        assert bool(phrase.rated) == (id in wanted), id


def test_what_stands_rated_follows_the_index(spelled, monkeypatch):
    """Texts are read once in each state: what is added, taken out or rated anew counts at once."""
    store, read = spelled._store, []
    texts = store.short_texts

    def noted(longest):
        read.append(longest)
        yield from texts(longest)

    def rated():
        return {place.id for place in spelled.place_all(["size"]) if place.rated}

    monkeypatch.setattr(store, "short_texts", noted)
    before = [rated() for _ in range(3)][-1]
    assert read == [2 * len("blue whale") + 16]  # in characters, of the longest phrase
    spelled.add([es.Document("new", "Flea")])
    assert rated() - before == {"new"}
    assert len(read) == 2
    spelled.delete(["new"])
    assert rated() == before
    spelled.axes.save(es.Axis("size", ["small"], ["large"], ratings=dict.fromkeys("abcd", 1.0) | {"Wolf wolf": 2.0}))
    assert rated() == {"wolves"}
