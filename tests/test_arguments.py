"""What users give for parameters: one or several, of the kind wanted, or refused in one line and nothing is done."""

import os
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.index import arguments
from embedsearch.screening import Screening
from embedsearch.testing import HashEncoder

HALF = "W\udcf6lfe"  # Latin-1 bytes as Python reads them from a command line


def refused(call, error=es.QueryError):
    """Return the message of the error that a call raises: one line of ours."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("sources", ["notes/", b"notes/", Path("notes"), ["notes/"], ("notes",), iter(["notes/"])])
def test_sync_removes_from_the_one_source_that_is_named(tmp_path, monkeypatch, sources):
    """One path is one source, in whatever form: documents of other folders stay."""
    monkeypatch.chdir(tmp_path)
    for folder in ("notes", "papers"):
        Path(folder).mkdir()
        for number in range(3):
            Path(folder, f"{folder}{number}.txt").write_text(f"A {folder} {number}.")
    with es.Index.create("ix", HashEncoder()) as index:
        index.add(es.read("notes/"))
        index.add(es.read("papers/"))
        Path("notes", "notes0.txt").unlink()
        report = index.sync(es.read("notes/"), sources)
        assert (report.unchanged, report.removed) == (2, 1)
        assert index.ids() == ["notes1.txt", "notes2.txt", "papers0.txt", "papers1.txt", "papers2.txt"]


def test_sync_refuses_what_is_no_path_before_it_adds(tmp_path):
    """Sources are looked at before any document is."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        assert "a source is 7 (int), wanted a path" in refused(lambda: index.sync([es.Document("a", "b")], [7]))
        assert index.ids() == []


ID_QUESTIONS = {
    "get": lambda index, id: index.get(id),
    "search": lambda index, id: index.search(like=id),
    "delete": lambda index, id: index.delete(id),
    "delete several": lambda index, id: index.delete([id]),
    "document_vectors": lambda index, id: index.document_vectors([id]),
    "place_documents": lambda index, id: index.place_documents([id]),
    "population": lambda index, id: index.population(documents=[id]),
    "label": lambda index, id: index.labels.add([id], "relevant"),
}


@pytest.mark.parametrize("ask", ID_QUESTIONS.values(), ids=ID_QUESTIONS)
def test_an_id_is_a_text(index, ask):
    """Numbers, as a data frame has them, are refused everywhere, and so are bytes that were no UTF-8."""
    for number in (5, np.int64(5), Decimal(5), b"id-wolf"):
        assert "wanted a text; give str(…)" in refused(lambda given=number: ask(index, given))
    assert "holds bytes that are not UTF-8" in refused(lambda: ask(index, HALF))
    assert "there is no document 'id-wulf'" in refused(lambda: ask(index, "id-wulf"))
    assert len(index.ids()) == 8


TEXT_QUESTIONS = {
    "search": lambda index, text: index.search(text),
    "snippets": lambda index, text: index.snippets([], text),
    "lexical": lambda index, text: index.search(text, mode="lexical"),
    "where": lambda index, text: index.search("wolf", where=text),
    "calc": lambda index, text: index.calc(text),
    "shift": lambda index, text: index.shift(text, {"size": 1}),
    "locate_like": lambda index, text: index.locate_like(text, {"size": 1}),
    "place": lambda index, text: index.place([text]),
    "explain": lambda index, text: index.explain([text]),
    "text_vectors": lambda index, text: index.text_vectors([text]),
    "query_vector": lambda index, text: index.query_vector(text),
    "filter": lambda index, text: list(index.filter(text)),
    "rank": lambda index, text: list(index.sift(None, rank=text)),
    "axes": lambda index, text: index.place(["wolf"], [text]),
    "axis": lambda index, text: index.axes[text],
    "sort": lambda index, text: index.place_all(sort=text),
    "field": lambda index, text: index.population(field=text),
    "on": lambda index, text: index.calc("wolf", on=[text]),
}


@pytest.mark.parametrize("ask", TEXT_QUESTIONS.values(), ids=TEXT_QUESTIONS)
def test_a_text_is_a_text_in_utf8(index, ask):
    """What is no text, or holds lone surrogates, reaches no tokenizer, parser or database."""
    for number in (5, b"wolf", float("nan")):
        assert "wanted a text" in refused(lambda given=number: ask(index, given))
    assert "not UTF-8" in refused(lambda: ask(index, HALF))


def test_one_is_as_good_as_several(index):
    """A single text counts as one, never as its letters; generators are lists."""
    assert [one.text for one in index.place("wolf", "size")] == ["wolf"]
    assert index.place(iter(["wolf", "mouse"]), iter(["size"])) == index.place(["wolf", "mouse"], ["size"])
    assert [one.text for one in index.explain("wolf", k=1)] == ["wolf"]
    assert index.document_vectors("id-wolf").shape == (1, 3)
    assert len(index.population("size", documents="id-wolf")) == 1
    assert [one.document for one in index.place_documents("id-wolf", "size")] == ["id-wolf"]
    assert set(next(iter(index.judge(None, axes="size"))).coordinates) == {"size"}
    assert list(index.calc("wolf + mouse", on="size", k=1).point) == ["size"]
    assert index.delete(one for one in ["id-wolf", "id-wolf"]) == 1


def test_a_vector_is_one_vector_of_real_numbers(index):
    """Neither two vectors nor complex numbers are taken for one vector."""
    one = index.search(vector=[[0, -7, 0]], k=1)
    assert one == index.search(vector=[0, -7, 0], k=1)
    assert "2 dimensions where 3" in refused(lambda: index.search(vector=np.ones((3, 2))))
    assert "there are 2 vectors where one is wanted" in refused(lambda: index.search(vector=np.ones((2, 3))))
    for strange in (np.ones(3) * 1j, ["1", "2", "3"], [[1, 2], [3]], "wolf"):
        assert "vectors must be rows of numbers" in refused(lambda given=strange: index.search(vector=given))
    assert "too large for float32" in refused(lambda: index.search(vector=[1e300, 0, 0]))


def test_numbers_of_things_are_whole(index):
    """How many to ask for is a whole number, of numpy too; none can be below what makes sense."""
    assert len(index.search("wolf", k=np.int64(2))) == 2
    assert len(index.draw(0)) == 0
    assert "most is -1; at least 0" in refused(lambda: index.draw(-1))
    for ask in (
        lambda: index.search("wolf", k="3"),
        lambda: index.shift("wolf", {"size": 1}, k="3"),
        lambda: index.shift("wolf", {"size": 1}, k=2.5),
        lambda: index.place_all(k="3"),
    ):
        assert "wanted a whole number, at least 1" in refused(ask)
    assert "the recall is 'x'" in refused(lambda: index.tune("x"))


def test_a_point_is_a_mapping(index):
    """Values come with the names of their axes."""
    for strange in (["size"], "size", {}, None):
        assert "a point needs at least one axis with a value" in refused(lambda given=strange: index.locate(given))
        assert "a move needs at least one axis with a value" in refused(
            lambda given=strange: index.shift("wolf", given)
        )


@pytest.mark.parametrize("value", [1e308, -1e7, "inf", float("nan")])
def test_a_coordinate_is_one_that_something_could_lie_at(index, value):
    """What is beyond a million standard deviations is no place, and no step."""
    assert "wanted a number of standard deviations" in refused(lambda: index.locate({"size": value}))
    assert "wanted a number of standard deviations" in refused(lambda: index.shift("wolf", {"size": value}))


def test_texts_and_numbers_of_numpy_are_those_of_python(index):
    """Nothing that is returned has types of numpy; a definition of an axis has none either."""
    names = np.array(["size"])
    answers = index.calc("wolf + mouse", on=names, k=1).point, index.place(np.array(["wolf"]), names)[0].to_dict()
    assert {type(name) for answer in answers for name in answer} == {str}
    assert type(index.place(np.array(["wolf"]))[0].text) is str
    ratings = dict(zip("abcde", [np.int64(1), np.float32(2), np.uint8(3), np.float64(4), 5], strict=True))
    assert repr(es.Axis("rated", ratings=ratings).ratings) == "{'a': 1.0, 'b': 2.0, 'c': 3.0, 'd': 4.0, 'e': 5.0}"


def test_an_axis_is_saved_by_its_definition(index):
    """Neither a list nor an axis that is fitted already is one; no other is saved."""
    for strange in ([es.Axis("new", low=["mouse"], high=["whale"])], index.axes["size"], "size"):
        said = refused(
            lambda given=strange: index.axes.save_all([es.Axis("new", ["mouse"], ["whale"]), given]), es.AxisError
        )
        assert "is no definition of an axis; make one with embedsearch.Axis(" in said
    assert "is no definition of an axis" in refused(lambda: index.axes.save(["size"]), es.AxisError)
    assert list(index.axes) == ["predatoriness", "size"]


@pytest.mark.parametrize("step", ["p90", "p0", "", "nan", None, True])
def test_a_step_is_a_number(index, step):
    """A percentile is a point, which a phrase is moved to by `locate --like`, and never by so much."""
    assert "embedsearch locate AXIS=p90 --like PHRASE" in refused(lambda: index.shift("wolf", {"size": step}))


def test_what_is_made_with_numbers_of_words(tmp_path):
    """Numbers of numpy are kept as numbers; others are refused before a folder is made."""
    with es.Index.create(tmp_path / "i", HashEncoder(), chunk_words=np.int64(5), overlap=np.int64(1)) as index:
        assert (index.info()["chunk_words"], index.info()["overlap"]) == (5, 1)
    for wrong in ({"chunk_words": 0}, {"chunk_words": "5"}, {"overlap": -1}, {"recall": "high"}):
        refused(lambda given=wrong: es.Index.create(tmp_path / "j", HashEncoder(), **given))
    assert "object is not an encoder" in refused(lambda: es.Index.create(tmp_path / "j", object()), es.EncoderError)
    assert not (tmp_path / "j").exists()
    assert "object is not an encoder" in refused(lambda: es.open(tmp_path / "i", object()), es.EncoderError)
    with es.open(tmp_path / "i") as index:
        assert "pass it, as in embedsearch.open(path, encoder)" in refused(lambda: index.encoder, es.EncoderError)


def test_documents_are_documents(index):
    """One document is a stream of one; a dict or the columns of a data frame are none."""
    assert index.add(es.Document("id-wolf", "wolf")).documents == 1
    frame = pandas.DataFrame({"id": ["a"], "text": ["b"]})
    for strange in ([{"id": "a", "text": "b"}], frame, "wolf", 5):
        for ask in (index.add, index.plan, index.sync, lambda given: list(index.filter("size > 0", given))):
            assert "is not a document; make one with embedsearch.Document(id, text)" in refused(
                lambda ask=ask, given=strange: ask(given), es.SourceError
            )
    assert len(index.ids()) == 8


def test_documents_that_cannot_be_stored_leave_what_came_before(tmp_path):
    """A document with text or an id that is no UTF-8 is refused before it is looked up; those before it are kept."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        for number, bad in enumerate((es.Document(HALF, "t"), es.Document("b", HALF), es.Document("c", "t", HALF))):
            good = es.Document(f"good {number}", "text")
            refused(lambda stream=(good, bad): index.add(stream), es.SourceError)
        assert index.ids() == ["good 0", "good 1", "good 2"]
        assert "not UTF-8" in refused(
            lambda: list(index.filter('near("a") > -2', [es.Document("b", HALF)])), es.SourceError
        )


def test_nothing_is_written_within_reading(index):
    """Who holds a state to read it is told so when they write."""
    with index.reading():
        assert "cannot be written to within index.reading()" in refused(
            lambda: index.add(es.Document("new", "wolf")), es.StoreError
        )
    assert index.add(es.Document("new", "wolf")).added == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda index: index.add(es.Document("new", "wolf")),
        lambda index: index.delete(index.ids()[:1]),
        lambda index: index.labels.add(index.ids()[:1], 1),
        lambda index: index.axes.save(es.Axis("other", ["small"], ["large"])),
        lambda index: index.compact(),
        lambda index: index.tune(0.9),
    ],
)
def test_nothing_is_written_within_what_writes(index, write):
    """A document that is made by writing to the index that it is given to is refused with the reason, and at once."""

    def documents():
        write(index)
        yield es.Document("made", "a wolf")

    said = refused(lambda: index.add(documents()), es.StoreError)
    assert "is being written to by the call that this runs inside of, such as add" in said
    assert "another process" not in said
    with index.labels.alone():
        assert "by the call that this runs inside of" in refused(lambda: index.delete("x"), es.StoreError)
    assert "made" not in index.ids()
    write(index)


FRAME = pandas.DataFrame({"text": ["wolf"]})
STRANGE = {
    "an expression is": lambda _, it: es.parse_expression(it),
    "a condition is": lambda _, it: es.parse_condition(it),
    "snippets need hits": lambda index, it: index.snippets(it),
    "a field is": lambda index, it: index.field_of_passages(it, index.rows()),
    "is not an index; open one with embedsearch.open(path)": lambda _, it: Screening(it),
    "is not an index; open one": lambda _, it: es.plot_plane(it, "size", "predatoriness"),
    "is not an index; open": lambda _, it: es.map_index(it, "size", "predatoriness"),
    "sample is": lambda index, it: es.map_index(index, "size", "predatoriness", sample=it),
    "extremes is": lambda index, it: es.plot_axis(index, "size", extremes=it or "few"),
    "the number of a label is": lambda index, it: index.labels.undo(it or "last"),
    "size is": lambda index, it: Screening(index).draw_audit(it),
    "the field to match by is": lambda index, it: index.labels.take("a.csv", match=it),
}
STRANGE_AXES = {
    "is no definition of an axis": lambda index, it: index.axes.save_all(it),
    "is no definition of": lambda index, it: index.axes.lend(it),
    "wanted a path": lambda _, it: es.read_axes(it),
    "ratings are a table of texts with numbers": lambda _, it: es.Axis("n", ["a"], ["b"]).with_ratings(it),
    "coordinates are": lambda _, it: es.Scale.of({"a": it}, name="n"),
    "vector": lambda _, it: es.FittedAxis.between(es.Axis("n", ["a"], ["b"]), [1, 2], it),
}
STRANGE_SOURCES = {
    "the format is": lambda _, it: es.read("a.csv", format=it or 1),
    "the encoding is": lambda _, it: es.read("a.csv", encoding=it or 1),
    "the field of the title is": lambda _, it: es.read("a.csv", title=it or 1),
    "a field of the text is": lambda _, it: es.read("a.csv", text=it or 1),
    "a suffix is": lambda _, it: es.register_reader(it, print),
    "a file of labels is": lambda index, it: index.labels.take(it),
}


@pytest.mark.parametrize("strange", [None, 3, object()], ids=["none", "number", "object"])
@pytest.mark.parametrize(
    ("said", "error", "call"),
    [
        (said, error, call)
        for calls, error in ((STRANGE, es.QueryError), (STRANGE_AXES, es.AxisError), (STRANGE_SOURCES, es.SourceError))
        for said, call in calls.items()
    ],
)
def test_what_is_of_another_kind_is_named(index, said, error, call, strange):
    """Whatever a parameter is given that it cannot take: an error of ours that says what it is and what is wanted."""
    if said in ("sample is", "size is", "extremes is", "the number of a label is") and strange == 3:
        strange = 2.5
    assert said in refused(lambda: call(index, strange), error)


def test_an_index_and_an_encoder_are_told_from_their_names(index, tmp_path):
    """A path where an open index is wanted, a name where an encoder is, and the other way round."""
    assert "is not an index; open one with embedsearch.open(path)" in refused(lambda: es.plot_axis("indexes/x", "size"))
    for strange in (None, "all-MiniLM-L6-v2"):
        said = refused(lambda given=strange: es.Axis("n", ["a"], ["b"]).fit(given), es.EncoderError)
        assert "is not an encoder; give an object with name, dimension and encode(texts)" in said
    assert "is not an encoder" in refused(lambda: es.reindex(index.path, object()), es.EncoderError)
    assert "the encoder's name is 3 (int)" in refused(lambda: es.load_encoder(3), es.EncoderError)
    assert "the engine is 3 (int)" in refused(lambda: es.load_encoder(engine=3), es.EncoderError)
    for call in (es.open, es.Index.create, es.reindex):
        assert "an index is None (NoneType), wanted a path" in refused(lambda call=call: call(None), es.StoreError)


def test_a_data_frame_is_no_texts(index):
    """Going through one gives the names of its columns, which would be placed; one of its columns is several texts."""
    for ask in (
        lambda: index.place(FRAME),
        lambda: index.place(["wolf"], FRAME),
        lambda: index.calc("wolf", on=FRAME),
        lambda: index.text_vectors(FRAME),
        lambda: es.plot_axis(index, "size", phrases=FRAME),
    ):
        assert 'one of its columns is wanted; give that, as in frame["text"]' in refused(ask)
    assert [one.text for one in index.place(FRAME["text"], "size")] == ["wolf"]
    assert index.calc("mouse", on=pandas.Series(["size"]), k=1).point is not None
    plot = es.plot_axis(index, "size", phrases=FRAME["text"], documents="id-mouse")
    assert [mark.text for mark in plot.scene.marks if mark.role in ("phrase", "passage")] == ["wolf", "mouse"]


@given(st.one_of(st.text(), st.binary(), st.integers(), st.none(), st.lists(st.one_of(st.text(), st.integers()))))
def test_texts_are_texts_or_refused(anything):
    """Whatever is given, what comes back is a list of texts that UTF-8 holds, the same ones."""
    try:
        found = arguments.texts("a text", anything)
    except es.QueryError:
        return
    assert found == ([anything] if isinstance(anything, str) else list(anything))
    assert all(one.encode().decode() == one for one in found)


def test_paths_are_texts():
    """Paths in any form become texts, one or several."""
    assert arguments.paths("a source", Path("a")) == ["a"]
    assert arguments.paths("a source", [b"a", Path("b"), "c"]) == ["a", "b", "c"]
    assert arguments.paths("a source", os.fsencode(HALF)) == [HALF]
