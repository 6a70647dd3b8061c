import logging

import numpy as np
import pytest
from conftest import run

import embedsearch as es
from embedsearch.errors import QueryError
from embedsearch.index import nearby
from embedsearch.neighbors import FaissIndex, recipes, search, tuning
from embedsearch.store.database import Database
from embedsearch.testing import HashEncoder

DIMENSION = 32


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Indexes of hundreds of passages are treated as those of hundreds of thousands are."""
    monkeypatch.setattr(recipes, "FLAT_VALUES", 100 * DIMENSION)
    monkeypatch.setattr(nearby, "FLAT_VALUES", 100 * DIMENSION)
    monkeypatch.setattr(nearby, "_MOST_NEWER", 30)
    monkeypatch.setattr(search, "_FEWEST_EXACT", 5)


@pytest.fixture
def built(monkeypatch):
    """Note how many rows each index was built from anew."""
    rows = []
    build = FaissIndex.build
    monkeypatch.setattr(
        FaissIndex, "build", lambda vectors, *given: rows.append(len(vectors)) or build(vectors, *given)
    )
    return rows


def documents(first, last):
    return [es.Document(f"d{number}", f"text number {number}") for number in range(first, last)]


def stamp(index):
    return index.info()["neighbors"]


@pytest.fixture
def index(tmp_path):
    """An index of 400 passages whose vectors have nothing in common."""
    with es.Index.create(tmp_path / "index", HashEncoder(DIMENSION)) as made:
        made.add(documents(0, 400))
        yield made


def test_info_says_what_the_self_test_measured(index):
    """The kind, the rows, the recall reached and the effort for it are kept in the index."""
    held = stamp(index)
    assert (held["kind"], held["rows"], held["trained"]) == ("PQ16x4fs", 400, 400)
    assert held["recall"] >= held["wanted"] == tuning.RECALL
    assert held["sampled"] == 200
    assert held["candidates"] >= 40


def test_a_few_new_passages_are_found_without_a_build(index, built):
    """Up to a limit new passages leave the file as it is, and are found at once."""
    before = stamp(index)
    index.add(documents(400, 430))
    assert stamp(index) == before
    assert built == []
    assert index.search("text number 429", k=1)[0].document == "d429"


def test_many_new_passages_extend_the_file(index, built):
    """Beyond the limit the new rows are taken into the file, which keeps its centroids and is tested anew."""
    told = []
    index.add(documents(400, 431), indexing=lambda done, total: told.append((done, total)))
    assert built == []
    assert (stamp(index)["rows"], stamp(index)["trained"]) == (431, 400)
    assert told == [(431, 431)]
    assert index.search("text number 430", k=1)[0].document == "d430"


def test_an_index_that_has_doubled_is_built_anew(index, built):
    """Centroids of the first half may not suit the second."""
    index.add(documents(400, 801))
    assert built == [801]
    assert stamp(index)["trained"] == 801


def test_an_extended_file_that_finds_too_little_is_built_anew(index, built, monkeypatch):
    """Extending is given up when the self-test does not reach the recall."""
    monkeypatch.setattr(
        nearby, "self_test", lambda index, vectors, wanted, dead: tuning.SelfTest(tuning.Effort(), 0.5, wanted, 1)
    )
    index.add(documents(400, 431))
    assert built == [431]


def test_what_cannot_be_reached_is_said(index, monkeypatch, caplog):
    """An index whose best recall is too low is kept, with a warning that names both numbers."""
    monkeypatch.setattr(
        nearby, "self_test", lambda index, vectors, wanted, dead: tuning.SelfTest(tuning.Effort(), 0.5, wanted, 1)
    )
    with caplog.at_level(logging.WARNING, "embedsearch"):
        index.tune(0.75)
    assert "searches find 0.5000 of the 10 nearest passages, not the 0.7500 wanted" in caplog.text
    assert stamp(index)["recall"] == 0.5


def test_another_recall_is_measured_and_kept(index, tmp_path):
    """A higher recall takes at least the effort of a lower one; searches of another process use what is kept."""
    index.tune(0.5)
    low = stamp(index)
    index.tune(1.0)
    high = stamp(index)
    assert (low["wanted"], high["wanted"]) == (0.5, 1.0)
    assert high["recall"] == 1.0
    assert high["candidates"] >= low["candidates"]
    with es.open(tmp_path / "index", HashEncoder(DIMENSION)) as other:
        _, plan = other._searcher.neighbors.explain(HashEncoder(DIMENSION).encode(["text number 3"])[0], 10)
        assert plan.kind == ("exact" if 4 * high["candidates"] > 400 else "index")
        assert plan.kind == "exact" or plan.proposed == high["candidates"]


@pytest.mark.parametrize("recall", [0, -0.1, 1.01, float("nan")])
def test_a_recall_that_is_none_is_refused(index, tmp_path, recall):
    """A recall is above 0 and at most 1; nothing is changed otherwise."""
    with pytest.raises(QueryError, match="above 0 and at most 1"):
        index.tune(recall)
    with pytest.raises(QueryError, match="above 0 and at most 1"):
        es.Index.create(tmp_path / "other", HashEncoder(DIMENSION), recall=recall)
    assert stamp(index)["wanted"] == tuning.RECALL


def test_deleted_passages_are_not_found_and_the_file_stays(index, built):
    """Deleting does not touch the file; its rows are left out of the answers."""
    before = stamp(index)
    index.delete([f"d{number}" for number in range(0, 400, 3)])
    assert stamp(index) == before
    assert built == []
    found = {hit.document for hit in index.search("text number 3", k=300)}
    assert found == {f"d{number}" for number in range(400) if number % 3}


def test_an_index_of_which_half_is_deleted_is_tested_anew(index, built):
    """The effort that suits all passages is too little for those left; what info says is measured on these."""
    before = stamp(index)
    index.delete([f"d{number}" for number in range(0, 200)])
    assert stamp(index) == before
    assert before["live"] == 400
    index.delete(["d200"])
    assert (stamp(index)["live"], stamp(index)["sampled"], stamp(index)["rows"]) == (199, 199, 400)
    assert stamp(index)["recall"] >= 0.99
    assert index.search("text number 399", k=1)[0].document == "d399"
    index.delete([f"d{number}" for number in range(201, 400)])
    assert (stamp(index)["live"], stamp(index)["recall"], len(index)) == (0, 1.0, 0)


def test_compacting_drops_the_file_and_builds_one_of_the_new_rows(index, built):
    """After compacting, rows have other numbers; the old file is not used with them."""
    index.delete([f"d{number}" for number in range(0, 400, 3)])
    index.search("text number 4")
    index.compact()
    assert built == [266]
    assert stamp(index)["rows"] == 266
    for number in (1, 200, 398):
        assert index.search(f"text number {number}", k=1)[0].document == f"d{number}"


def test_a_reader_in_an_old_state_is_not_told_that_a_later_file_is_damaged(index, tmp_path, caplog):
    """A reader finds the file of the state that it holds, or none; it is never shown another state's."""
    query = HashEncoder(DIMENSION).encode(["text number 3"])[0]
    with es.open(tmp_path / "index", HashEncoder(DIMENSION)) as reader, caplog.at_level(logging.WARNING, "embedsearch"):
        with reader.reading():
            assert len(reader) == 400  # the state is taken
            index.add(documents(400, 500))
            answers = [reader.search(vector=query, k=5) for _ in range(2)]
            assert stamp(reader)["rows"] == 400
        assert [hit.id for hit in answers[0]] == [hit.id for hit in answers[1]]
        assert len({hit.id for hit in answers[0]} - {f"d{number}" for number in range(400)}) == 0
        assert stamp(reader)["rows"] == 500
        assert reader._store.neighbors()[0] == index._store.neighbors()[0]
    assert caplog.text == ""
    assert [file.name for file in (tmp_path / "index").glob("neighbors*")] == [stamp(index)["file"]]


def test_what_is_no_file_is_as_good_as_a_damaged_one(index, tmp_path, caplog):
    """A folder under the name of the faiss file is told of; every row is compared, and a later file goes elsewhere."""
    before = index.search("text number 3", k=5)
    file = index._store.neighbors_file
    file.unlink()
    file.mkdir()
    with es.open(tmp_path / "index", HashEncoder(DIMENSION)) as other:
        assert other.search("text number 3", k=5) == before
        assert f"{file} cannot be read (Is a directory); every row is compared instead" in caplog.text
        other.add(documents(400, 500))
        assert other._store.neighbors()[0] not in (None, file)


def test_a_database_that_finds_no_room_leaves_the_rows_compacted_and_searched(index, built, monkeypatch):
    """The message says what is done and what is not; the rows have their faiss file all the same."""

    def full(_):
        raise es.StoreError("the disk is full")

    index.delete([f"d{number}" for number in range(0, 400, 3)])
    with monkeypatch.context() as patched:
        patched.setattr(Database, "vacuum", full)
        with pytest.raises(es.StoreError, match="The index is whole: the vectors are compacted, the"):
            index.compact()
        with pytest.raises(es.StoreError, match="The index is whole: nothing was changed; compact it again"):
            index.compact()
    assert built == [266]
    assert (stamp(index)["rows"], index._store.rows) == (266, 266)
    assert index.compact().rows == 0


def test_the_file_is_read_once_while_passages_are_added(index, monkeypatch):
    """A change of the passages that leaves the file as it is does not have it read again."""
    index.search("text number 4")
    monkeypatch.setattr(FaissIndex, "read", lambda *_: pytest.fail("read again"))
    index.add(documents(400, 410))
    index.delete(["d5"])
    assert index.search("text number 409", k=1)[0].document == "d409"


def test_opening_reads_neither_vectors_nor_rows_nor_the_file(index, tmp_path, monkeypatch):
    """What grows with the index is read by the first search, not by opening it."""
    from embedsearch.store import Store

    read = []
    for name in ("dead_rows", "live_rows", "vectors", "neighbors"):
        original = getattr(Store, name)
        monkeypatch.setattr(Store, name, lambda self, name=name, original=original: read.append(name) or original(self))
    with es.open(tmp_path / "index", HashEncoder(DIMENSION)) as other:
        assert read == []
        other.search("text number 4")
        assert "live_rows" not in read


def test_recall_is_an_option_of_ingest(tmp_path):
    """ingest --recall sets the recall of a new index and of one that exists; info shows it."""
    source = tmp_path / "texts.txt"
    source.write_text("a wolf hunts")
    folder = tmp_path / "made"
    with es.Index.create(folder, HashEncoder(DIMENSION)) as made:
        made.add(documents(0, 3))
        made.tune(0.9)
        assert stamp(made)["wanted"] == 0.9
    shown = run("info", "-i", folder, "-f", "json")
    assert '"wanted": 0.9' in shown.stdout
    refused = run("ingest", source, "-i", folder, "--recall", "1.5")
    assert refused.exit_code == 2
    assert "1.5" in refused.stderr
    assert np.isclose(tuning.RECALL, 0.99)
