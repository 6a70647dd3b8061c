"""Finding the rows of keys: two tables that grow in step with the index, and that nothing is answered from."""

import itertools
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from conftest import ROOT, run
from hypothesis import given, settings
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.index import ingest, upkeep
from embedsearch.store import Store, keys
from embedsearch.testing import HashEncoder

BATCHES = st.lists(st.lists(st.binary(min_size=6, max_size=8), max_size=7), max_size=25)


def tables(database) -> tuple[list[tuple[bytes, int]], list[tuple[bytes, int]]]:
    """Return what the small and the large table hold."""
    recent, settled = (database.query(f"SELECT start, row FROM {name}") for name in ("recent_keys", "settled_keys"))
    return recent, settled


@given(BATCHES)
@settings(deadline=None, max_examples=60)
def test_every_key_leads_to_all_its_rows(tmp_path_factory, batches):
    """However keys come and begin, each is found, in one of the tables, and the small one stays small."""
    with pytest.MonkeyPatch.context() as patch, closing(
        Store.create(tmp_path_factory.mktemp("keys") / "index", {"dimension": 1})
    ) as store:  # fmt: skip
        patch.setattr(keys, "_AT_ONCE", 4)
        expected: list[bytes] = []
        for batch in batches:
            with store.writing():
                store.keys.add(len(expected), batch)
            expected += batch
            recent, settled = tables(store.database)
            assert sorted(recent + settled, key=lambda pair: pair[1]) == [
                (key[:6], row) for row, key in enumerate(expected)
            ]
            assert len(recent) < 4 or len(recent) ** 2 < 4 * len(settled)
        for key in {*expected, b"another"}:
            assert store.keys.rows([key]) == [row for row, one in enumerate(expected) if one[:6] == key[:6]]
        assert store.keys.rows(expected) == list(range(len(expected)))


def test_a_key_is_written_to_each_table_once(tmp_path, monkeypatch):
    """The work for a key does not grow with the index: it moves once, and moves become rarer as the index grows."""
    monkeypatch.setattr(keys, "_AT_ONCE", 16)
    chance = np.random.default_rng(0)
    with closing(Store.create(tmp_path / "index", {"dimension": 1})) as store:
        moves, before = [], 0
        for first in range(0, 8000, 16):
            with store.writing():
                store.keys.add(first, [chance.bytes(16) for _ in range(16)])
            settled = len(tables(store.database)[1])
            if settled != before:
                moves.append(settled - before)
                before = settled
    assert sum(moves) == before
    assert moves == sorted(moves)  # each larger than the one before, while batches stay as they are
    assert moves[-1] >= np.sqrt(16 * 7000)


@pytest.fixture
def made(tmp_path):
    """Return the folder of an index of twelve documents, one of them deleted; the keys are in the large table."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index, pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "_AT_ONCE", 4)
        index.add(es.Document(f"d{number}", f"text number {number}") for number in range(12))
        index.delete(["d3"])
        assert [len(table) for table in tables(index._store.database)] == [0, 12]
    return tmp_path / "index"


def change(folder, statement: str) -> None:
    """Run a statement on the database of an index."""
    with closing(sqlite3.connect(folder / "index.db")) as connection, connection:
        connection.execute(statement)


def reused(folder, *texts: str) -> int:
    """Add documents; return how many vectors the index had, checked against those of their texts."""
    encoder = HashEncoder()
    with es.open(folder, encoder) as index:
        report = index.add(es.Document(f"new {text}", text) for text in texts)
        for text in texts:
            held = index._store.vectors()[index._store.rows_of_document(f"new {text}")[0]]
            assert np.array_equal(held, HashEncoder().encode([text])[0])
    return report.reused


def test_vectors_of_live_and_deleted_texts_are_used_again(made):
    """A text that is there, or was, is not embedded again; nor after compaction, which gives rows other numbers."""
    assert reused(made, "text number 3", "text number 7", "other") == 2
    with es.open(made) as index:
        index.delete(["new text number 3", "d0"])
        index.compact()
    assert reused(made, "text number 3", "text number 11") == 1
    assert upkeep.verify(made).is_sound


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM settled_keys WHERE row = 7",
        "UPDATE settled_keys SET row = 8 WHERE row = 7",
        "UPDATE settled_keys SET start = x'000000000000' WHERE row = 7",
        "INSERT INTO recent_keys SELECT start, 99 FROM settled_keys WHERE row = 7",
    ],
)
def test_damaged_leads_are_named_and_never_answered_from(made, damage):
    """A lead that is lost or wrong costs an embedding at most; verify names it and repair makes the tables anew."""
    change(made, damage)
    result = run("verify", "-i", made)
    assert result.exit_code == 1
    assert result.stdout == (
        "index.db: the keys by which vectors are found are not those of the passages (embedsearch verify --repair)\n"
    )
    assert reused(made, "text number 7") == ("INSERT" in damage)
    assert upkeep.repair(made, HashEncoder()).is_sound
    assert upkeep.verify(made).is_sound
    assert reused(made, "text number 8", "text number 9", "text number 10") == 3


def test_a_lead_to_a_key_that_only_begins_alike_is_passed_over(made):
    """Six bytes lead to a row, and the whole key decides."""
    store = Store.open(made)
    with closing(store):
        (key,) = store.database.query("SELECT key FROM passages WHERE row = 7")[0]
        other = key[:6] + bytes(10)
        assert store.keys.rows([other]) == [7]
        assert store.rows_of_keys([other]) == {}
        assert store.rows_of_keys([key, other]) == {key: 7}


@pytest.mark.parametrize("format", [1, 2])
def test_an_index_of_an_older_format_finds_its_keys_before_and_after(tmp_path, format):
    """It is read by the B-trees it has; the first ingest makes the tables and embeds nothing that was there."""
    from conftest import ANIMALS

    from embedsearch.testing import TableEncoder

    folder = shutil.copytree(ROOT / "tests" / "golden" / f"format-{format}", tmp_path / "index")
    with closing(Store.open(folder)) as store:
        held = dict(store.database.query("SELECT key, row FROM passages"))
        assert store.rows_of_keys(held) == held
    with es.open(folder, TableEncoder(ANIMALS | {"doomed": [1, 1, 1]})) as index:
        report = index.add([es.Document("again", "wolf"), es.Document("doomed", "doomed")])
        assert (report.added, report.reused, report.embedded) == (2, 2, 0)
        assert index.info()["format"] == 3
        assert len(tables(index._store.database)[1]) >= len(held)
    assert upkeep.verify(folder).is_sound


def test_a_text_that_is_everywhere_is_looked_up_once(tmp_path, monkeypatch):
    """A thousand documents with the same text have one vector between them, and to find it one row is read."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(es.Document(f"d{number}", "all rights reserved") for number in range(1000))
        store = index._store
        (key,) = store.database.query("SELECT DISTINCT key FROM passages")[0]
        read, own = [], store._intact
        monkeypatch.setattr(store, "_intact", lambda keys, rows: read.extend(rows) or own(keys, rows))
        assert store.rows_of_keys([key]) == {key: 0}
        assert read == [0]
        with open(store.vectors_file, "r+b") as stream:
            stream.write(b"\x7e" * 4)
        assert store.rows_of_keys([key]) == {key: 1}
        assert read == [0, 0, *range(1000)]


@given(BATCHES, st.lists(st.binary(min_size=6, max_size=6), max_size=7))
def test_the_starts_in_memory_are_those_of_a_plain_set(batches, others):
    """Starts that were taken in are held, and no others; runs of them are few, however they came."""
    starts, expected = keys.Starts(), set()
    for batch in batches:
        added = [key[:6] for key in batch]
        starts.add(added)
        expected.update(added)
        asked = [*added, *others, *expected]
        assert starts.hold(asked).tolist() == [start in expected for start in asked]
    assert all(len(one) > 2 * len(next) for one, next in itertools.pairwise(starts._runs))


def asked_for(index, documents) -> tuple[es.AddReport, int]:
    """Add documents; return what was done, and for how many keys the tables were asked."""
    database, asked = index._store.database, []
    query = database.query_in

    def query_in(statement, values):
        asked.extend(values if "settled_keys" in statement else [])
        return query(statement, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "query_in", query_in)
        return index.add(documents), len(asked)


def numbered(prefix, count) -> list[es.Document]:
    """Return documents with a text each."""
    return [es.Document(f"{prefix} {number}", f"{prefix} {number}") for number in range(count)]


def test_a_long_ingest_asks_the_tables_for_no_new_key(tmp_path, monkeypatch):
    """Of new texts none is looked up; texts that are there, from before or from this ingest, are found as ever."""
    monkeypatch.setattr(ingest, "BATCH_PASSAGES", 8)
    folder = tmp_path / "index"
    with es.Index.create(folder, HashEncoder()) as index:
        report, asked = asked_for(index, numbered("text", 100))
        assert (report.embedded, asked) == (100, 0)
        # The next ingest goes on with what this one knows.
        report, asked = asked_for(index, [es.Document("known", "text 7"), *numbered("next", 20)])
        assert (report.embedded, report.reused, asked) == (20, 1, 1)
    with es.open(folder, HashEncoder()) as index:
        # Few: they are looked up one by one, the tables are not read whole.
        report, asked = asked_for(index, [es.Document("few", "text 7"), es.Document("new", "another")])
        assert (report.embedded, report.reused, asked) == (1, 1, 2)
        # Many: from half as many as there are rows on, only those are looked up that may be there.
        many = [*numbered("many", 300), es.Document("again", "many 3"), es.Document("known again", "text 8")]
        report, asked = asked_for(index, many)
        assert (report.embedded, report.reused) == (300, 2)
        assert 0 < asked <= 140
    assert upkeep.verify(folder).is_sound


def test_what_another_has_written_is_not_missed(tmp_path):
    """What is in memory of the keys is forgotten when anything has changed meanwhile: by another, or by compaction."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(numbered("text", 50))
        with es.open(tmp_path / "index", HashEncoder()) as other:
            other.add(numbered("other", 50))
        report = index.add(es.Document(f"copy {one.id}", one.text) for one in numbered("other", 60))
        assert (report.embedded, report.reused) == (10, 50)
        index.delete(["text 9"])
        index.compact()
        report = index.add(es.Document(f"copy {one.id}", one.text) for one in numbered("text", 50))
        assert (report.embedded, report.reused) == (1, 49)
    assert upkeep.verify(tmp_path / "index").is_sound


def test_an_ingest_that_failed_leaves_nothing_in_memory(tmp_path):
    """After an error in the middle the next ingest finds what was committed, and takes nothing else for known."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:

        def broken():
            yield from numbered("text", 600)
            raise RuntimeError("the source is gone")

        with pytest.raises(RuntimeError, match="the source is gone"):
            index.add(broken())
        held = len(index)
        report = index.add(numbered("text", 700))
        assert (report.unchanged, report.embedded) == (held, 700 - held)
    assert upkeep.verify(tmp_path / "index").is_sound
