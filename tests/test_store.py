"""The index folder: what is committed comes back, what is damaged is named, who writes is alone."""

import contextlib
import errno
import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import pytest
from processes import PROCESSES

import embedsearch as es
from embedsearch.documents import Document, Passage
from embedsearch.store import Entry, Store, compact, creating
from embedsearch.store.database import Database
from embedsearch.store.records import DocumentRecord
from embedsearch.testing import HashEncoder
from embedsearch.vectors import unit

DIMENSION = 4


def vector(text: str) -> np.ndarray:
    """Return the unit vector of a text, from its checksum alone."""
    return unit(np.random.default_rng(zlib.crc32(text.encode())).standard_normal(DIMENSION))


def entry(id: str, *texts: str, title: str = "", **metadata: object) -> Entry:
    """Return a document whose passages are *texts*."""
    whole = " ".join(texts)
    passages, start = [], 0
    for position, text in enumerate(texts):
        passages.append(Passage(id, position, start, start + len(text), text))
        start += len(text) + 1
    document = Document(id, whole, title=title, metadata=metadata, source=f"{id}.txt")
    keys = [text.encode().ljust(16, b".")[:16] for text in texts]
    return Entry(document, passages, keys)


def put(store: Store, *entries: Entry) -> None:
    """Commit *entries* as one batch of a new run."""
    vectors = [vector(passage.text) for entry in entries for passage in entry.passages]
    with store.locked(), store.writing():
        store.put(entries, np.array(vectors, dtype=np.float32), store.next_run())


def texts(store: Store) -> dict[int, str]:
    """Return the passages by row, each checked against its vector."""
    found = store.passages(store.live_rows())
    for passage in found:
        assert np.array_equal(store.vectors()[passage.row], vector(passage.text))
    return {passage.row: passage.text for passage in found}


def held_in(folder: Path) -> dict[str, bytes]:
    """Return the content of the files of an index."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm")}


@pytest.fixture
def store(tmp_path):
    """Return an empty store of four dimensions."""
    with closing(Store.create(tmp_path / "index", {"dimension": DIMENSION})) as made:
        yield made


def test_what_is_put_comes_back_after_opening_anew(store):
    """A document comes back with its texts, its title, all its metadata and exactly its vectors."""
    metadata = {"year": 1999, "tags": ["a", "ü"], "nested": {"deep": None}, "share": 0.1, "": "empty name"}
    put(store, entry("d1", "a wolf", "a sheep 狼 🐺", title="On\nwolves", **metadata), entry("d2", "grass"))
    with closing(Store.open(store.path)) as opened:
        assert opened.document("d1") == Document(
            "d1", "a wolf a sheep 狼 🐺", title="On\nwolves", metadata=metadata, source="d1.txt"
        )
        assert texts(opened) == {0: "a wolf", 1: "a sheep 狼 🐺", 2: "grass"}
        assert (opened.count_documents(), opened.count_passages(), opened.rows) == (2, 3, 3)
        assert opened.rows_of_document("d1").tolist() == [0, 1]
        assert opened.document("d3") is None


def test_replacing_a_document_keeps_no_passage_of_the_old_one(store):
    """A document put again has its new passages only, in new rows; the old rows are no longer live."""
    put(store, entry("d1", "old one", "old two"), entry("d2", "other"))
    put(store, entry("d1", "new"))
    assert texts(store) == {2: "other", 3: "new"}
    assert store.count_documents() == 2


def test_a_transaction_that_fails_leaves_nothing(store):
    """An error inside a transaction undoes all of it, and its rows are used by the next one."""
    put(store, entry("d1", "kept"))
    with pytest.raises(KeyError), store.locked(), store.writing():  # noqa: PT012 - the error comes after the change
        store.put([entry("d2", "lost", "lost too")], np.ones((2, DIMENSION), np.float32), 2)
        raise KeyError("stop")
    assert texts(store) == {0: "kept"}
    put(store, entry("d3", "next"))
    assert texts(store) == {0: "kept", 1: "next"}


def test_records_that_fail_beside_their_vectors_leave_neither(store, tmp_path):
    """The vectors are being written when the records fail: they are given back, and the next batch takes their rows."""
    put(store, entry("d1", "a wolf"))
    broken = entry("d2", *(f"text {number}" for number in range(5_000)))
    broken.keys[-1] = None
    vectors = np.zeros((5_000, DIMENSION), dtype=np.float32)
    with pytest.raises(es.StoreError, match="NOT NULL"), store.locked(), store.writing():
        store.put([broken], vectors, store.next_run())
    assert (tmp_path / "index/vectors.f32").stat().st_size == 4 * DIMENSION
    put(store, entry("d3", "grass"))
    assert texts(store) == {0: "a wolf", 1: "grass"}


def test_vectors_that_fail_beside_their_records_leave_neither(store, tmp_path, monkeypatch):
    """The disk is full for the vectors alone: no record of theirs is committed."""
    put(store, entry("d1", "a wolf"))

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("embedsearch.store.vectors_file.os.fsync", full)
        with pytest.raises(es.StoreError, match=r"No space left on device\. What was committed before is safe"):
            put(store, entry("d2", "a sheep"))
    assert (tmp_path / "index/vectors.f32").stat().st_size == 4 * DIMENSION
    assert (texts(store), store.ids(9)) == ({0: "a wolf"}, ["d1"])


def change_in_vain(store: Store) -> None:
    """Change a setting, see that it is changed, and have it undone."""
    with store.locked(), store.writing():
        store.set_setting("mood", "wild")
        assert store.setting("mood", "none") == "wild"
        raise RuntimeError("undone")


def test_a_setting_is_that_of_the_state_that_is_held(store):
    """It stays while a state is held, whatever is written meanwhile; what is undone is not remembered."""
    with closing(Store.open(store.path)) as other:
        with store.reading():
            assert store.setting("mood", "none") == "none"
            with other.locked(), other.writing():
                other.set_setting("mood", "calm")
                assert other.setting("mood", "none") == "calm"
            assert store.setting("mood", "none") == "none"
        assert store.setting("mood", "none") == "calm"
        with pytest.raises(RuntimeError, match="undone"):
            change_in_vain(store)
        with store.reading():
            assert store.setting("mood", "none") == other.setting("mood", "none") == "calm"


def test_rows_behind_the_committed_ones_are_ignored_and_reused(store):
    """What a dead process left behind the last committed row is not read, and the next writer overwrites it."""
    put(store, entry("d1", "kept"))
    with open(store.path / "vectors.f32", "ab") as stream:
        stream.write(b"\xff" * (3 * 4 * DIMENSION + 5))
    assert store.vectors().shape == (1, DIMENSION)
    put(store, entry("d2", "one", "two"))
    assert texts(store) == {0: "kept", 1: "one", 2: "two"}


def test_a_document_is_read_once_for_all_of_its_passages(store, monkeypatch):
    """What the passages of a book cost grows with the book, not with its square."""
    put(store, entry("a", *(f"sentence {number}" for number in range(50))), entry("b", "one", "two"))
    digests = []
    taken = DocumentRecord.digest
    monkeypatch.setattr(
        DocumentRecord, "digest", property(lambda record: digests.append(record.id) or taken.fget(record))
    )
    found = store.passages([51, 3, 50, 49, 3])
    assert [(passage.id, passage.text) for passage in found] == [
        ("b#1", "two"), ("a#3", "sentence 3"), ("b", "one"), ("a#49", "sentence 49"), ("a#3", "sentence 3"),
    ]  # fmt: skip
    assert sorted(digests) == ["a", "b"]
    digests.clear()
    assert [row for row, *_ in store.whole_passages(range(52))] == list(range(52))
    assert sorted(digests) == ["a", "b"]


def test_describing_changes_metadata_and_keeps_passages(store):
    """Metadata can be replaced without touching texts or vectors."""
    put(store, entry("d1", "a wolf", year=1))
    with store.locked(), store.writing():
        store.describe([Document("d1", "a wolf", metadata={"year": 2}, source="elsewhere")], 2)
    held = store.document("d1")
    assert (held.metadata, held.source, held.text) == ({"year": 2}, "elsewhere", "a wolf")
    assert texts(store) == {0: "a wolf"}


def test_a_folder_that_is_no_index_is_refused(tmp_path):
    """A missing folder, an empty one and a foreign one each get a message that says what to do."""
    with pytest.raises(es.StoreError, match=r"does not exist. Make one with: embedsearch ingest"):
        Store.open(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(es.StoreError, match="holds no index"):
        Store.open(tmp_path / "empty")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "letter.txt").write_text("dear")
    with pytest.raises(es.StoreError, match=r"exists and is not an index; choose another folder"):
        Store.create(tmp_path / "foreign", {"dimension": 4})
    assert [file.name for file in (tmp_path / "foreign").iterdir()] == ["letter.txt"]


def test_an_index_is_not_made_over_another(store):
    """Creating where an index is refuses and changes nothing."""
    put(store, entry("d1", "kept"))
    with pytest.raises(es.StoreError, match="is an index already"):
        Store.create(store.path, {"dimension": 4})
    assert texts(store) == {0: "kept"}


def test_two_creations_at_once_make_one_index(tmp_path, monkeypatch):
    """Whoever is second waits for the first, and finds an index that is not overwritten."""
    make = Database.make

    def beset(*given, **named):
        monkeypatch.setattr(creating, "_WAIT_SECONDS", 0.05)
        with pytest.raises(es.StoreError, match="another process is writing to"):
            Store.create(tmp_path / "index", {"dimension": 4})
        make(*given, **named)

    monkeypatch.setattr(Database, "make", staticmethod(beset))
    with closing(Store.create(tmp_path / "index", {"dimension": 4})) as store:
        put(store, entry("d1", "kept"))
        with pytest.raises(es.StoreError, match="is an index already"):
            Store.create(tmp_path / "index", {"dimension": 4})
        assert texts(store) == {0: "kept"}


def create_one(path: Path, ready, id: str) -> None:
    """Make an index, or add to the one that is there, at the same moment as another process."""
    ready.wait(60)
    with contextlib.suppress(es.StoreError):
        Store.create(path, {"dimension": 4}).close()
    with closing(Store.open(path)) as store, store.locked(60), store.writing():
        store.put([entry(id, id)], np.eye(4, dtype=np.float32)[:1], 1)


def test_processes_that_create_together_lose_nothing(tmp_path):
    """Two processes make the same index at the same moment, eight times; what both have written is there."""
    for trial in range(8):
        path, ready = tmp_path / str(trial), PROCESSES.Barrier(2)
        both = [PROCESSES.Process(target=create_one, args=(path, ready, id)) for id in ("one", "two")]
        for process in both:
            process.start()
        for process in both:
            process.join(60)
        with closing(Store.open(path)) as store:
            assert sorted(store.ids(10)) == ["one", "two"]
            assert len(store.passages(store.live_rows())) == 2


@pytest.mark.parametrize(
    "left", [(), ("vectors.f32",), ("vectors.f32", "index.db.new", "index.db.new-journal", "lock")]
)
def test_a_creation_that_died_can_be_done_again(tmp_path, left):
    """Files that a killed creation left do not keep the folder from becoming an index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in left:
        (folder / name).write_bytes(b"")
    with closing(Store.create(folder, {"dimension": 4})) as store:
        put(store, entry("d1", "here"))
        assert texts(store) == {0: "here"}


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may read everything")
@pytest.mark.parametrize("name", ["index.db", "."])
def test_an_index_that_may_not_be_read_is_named_in_one_line(store, name):
    """Without permission to read the folder or its database a command says so and no more."""
    put(store, entry("d1", "one"))
    store.close()
    place = store.path / name
    place.chmod(0)
    without = "--bounding-set=-dac_override,-dac_read_search"
    drop = ["setpriv", without, "--inh-caps=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    for command in ("info", "verify"):
        code = f"from embedsearch.cli import main; main(['{command}', '-i', {str(store.path)!r}])"
        done = subprocess.run([*drop, sys.executable, "-c", code], capture_output=True, text=True, check=False)
        said = f"Error: the index in {store.path} cannot be read: Permission denied. Ask its owner for permission"
        assert (done.returncode, done.stderr) == (2, f"{said}, or name another one\n")
    place.chmod(0o755)


def test_a_database_that_is_none_is_named(tmp_path):
    """Text under the name of the database is damage that is named with the file."""
    (tmp_path / "index.db").write_text("this is no database at all, " * 100)
    with pytest.raises(es.StoreError, match=r"index\.db is damaged: file is not a database"):
        Store.open(tmp_path)


def test_an_empty_or_foreign_database_is_named(tmp_path):
    """An empty file and another program's database are refused, not taken for an empty index."""
    (tmp_path / "index.db").touch()
    with pytest.raises(es.StoreError, match=r"index\.db"):
        Store.open(tmp_path)
    with closing(sqlite3.connect(tmp_path / "index.db")) as connection:
        connection.execute("CREATE TABLE cats (name TEXT)")
    with pytest.raises(es.StoreError, match=r"index\.db"):
        Store.open(tmp_path)


def test_a_truncated_database_is_named(store):
    """A database cut in the middle is refused or found damaged when it is read."""
    put(store, *[entry(f"d{number}", f"text {number}" * 50) for number in range(200)])
    store.close()
    file = store.path / "index.db"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(es.StoreError, match=r"index\.db"), closing(Store.open(store.path)) as opened:
        opened.passages(range(200))


@pytest.mark.parametrize("size", [0, 4 * DIMENSION, 2 * 4 * DIMENSION - 1])
def test_a_vectors_file_that_is_too_short_is_named(store, size):
    """A truncated vectors file is refused with the rows that it has and should have."""
    put(store, entry("d1", "one", "two"))
    store.close()
    with open(store.path / "vectors.f32", "r+b") as stream:
        stream.truncate(size)
    with pytest.raises(es.StoreError, match=rf"vectors\.f32 holds {size // 16} complete rows where 2 are recorded"):
        Store.open(store.path)


def test_a_missing_vectors_file_is_named(store):
    """An index without its vectors file is refused."""
    put(store, entry("d1", "one"))
    store.close()
    (store.path / "vectors.f32").unlink()
    with pytest.raises(es.StoreError, match=r"vectors\.f32 is missing where 1 rows are recorded"):
        Store.open(store.path)


def test_a_vector_that_is_not_what_was_written_is_not_answered_from(store):
    """A passage whose vector has changed on disk is an error that names the row, never an answer."""
    put(store, entry("d1", "one", "two"))
    with open(store.path / "vectors.f32", "r+b") as stream:
        stream.seek(4 * DIMENSION + 3)
        stream.write(b"\x7e")
    assert [passage.text for passage in store.passages([0])] == ["one"]
    with pytest.raises(es.StoreError, match=r"row 1 of vectors\.f32 is not what was written"):
        store.passages([0, 1])


def set_format(folder: Path, value: str) -> None:
    """Write another format into an index."""
    with closing(sqlite3.connect(folder / "index.db")) as connection, connection:
        connection.execute("UPDATE settings SET value = ? WHERE name = 'format'", (value,))


@pytest.mark.parametrize("format", [0, 999, "1"])
def test_another_format_is_refused(store, format):
    """An index of a format that this version does not read is refused with both numbers."""
    set_format(store.path, json.dumps(format))
    with pytest.raises(
        es.StoreError, match=rf"has index format \"?{format}\"?, this embedsearch reads formats 1 to \d"
    ):
        Store.open(store.path)


def hold_lock(folder: Path, held, done) -> None:
    """Be the writer of *folder* until told to stop."""
    with closing(Store.open(folder)) as store, store.locked():
        held.set()
        done.wait(60)


def test_a_second_writer_is_refused(store):
    """While one process writes, another is told so at once; when it has finished, it can write."""
    held, done = PROCESSES.Event(), PROCESSES.Event()
    process = PROCESSES.Process(target=hold_lock, args=(store.path, held, done))
    process.start()
    try:
        assert held.wait(60)
        with pytest.raises(es.StoreError, match="another process is writing to"):
            put(store, entry("d1", "one"))
    finally:
        done.set()
        process.join(60)
    put(store, entry("d1", "one"))
    assert texts(store) == {0: "one"}


def write_rounds(folder: Path, enough: Event) -> None:
    """Replace all documents again and again, each time with texts of one round; every round is one commit."""
    rounds = itertools.count(1)
    with closing(Store.open(folder)) as store:
        while not enough.is_set():
            number = next(rounds)
            put(store, *[entry(f"d{place}", f"round {number}", f"place {place}") for place in range(5)])


def test_a_reader_sees_one_round_while_another_process_writes(store):
    """All that is read inside `reading` belongs to one commit, and a read outside it is never torn."""
    put(store, *[entry(f"d{place}", "round 0", f"place {place}") for place in range(5)])
    enough = PROCESSES.Event()
    process = PROCESSES.Process(target=write_rounds, args=(store.path, enough))
    process.start()
    seen = []
    try:
        while len(set(seen)) < 12:
            with store.reading():
                found = [passage.text for passage in store.passages(store.live_rows())]
                again = list(texts(store).values())
            (written,) = set(found[::2])
            assert found == again
            assert len(found) == 10
            assert process.is_alive()
            seen.append(int(written.removeprefix("round ")))
    finally:
        enough.set()
        process.join(60)
    assert process.exitcode == 0
    assert seen == sorted(seen)
    last = max(int(text.removeprefix("round ")) for text in texts(store).values() if text.startswith("round "))
    assert last >= seen[-1]
    assert set(texts(store).values()) == {f"round {last}", *(f"place {place}" for place in range(5))}


@pytest.mark.parametrize(
    "write",
    [lambda store: put(store, entry("x", "one more")), compact, Store.sweep],
    ids=["put", "compact", "sweep"],
)
def test_an_index_made_anew_is_not_touched_by_who_has_the_old_one_open(store, write):
    """Whoever has the index open that was in the folder before writes and removes nothing there, and is told."""
    put(store, entry("o", "old one", "old two"), entry("p", "old three"))
    with store.locked():
        with store.writing():
            store.remove(["p"])
        compact(store)  # another epoch than that of the new index
    shutil.rmtree(store.path)
    with closing(Store.create(store.path, {"dimension": DIMENSION})) as another:
        put(another, entry("n", "new one", "new two", "new three"))
        before = held_in(store.path)
        with pytest.raises(es.StoreError, match="removed or replaced since it was opened; open it again"):
            write(store)
        with pytest.raises(es.StoreError, match="removed or replaced"):
            texts(store)
        store.close()
        assert held_in(store.path) == before
        put(another, entry("m", "and one"))
        assert list(texts(another).values()) == ["new one", "new two", "new three", "and one"]


def replaced_while_writing(store: Store) -> None:
    """Put a document into an index, in whose place another one is made meanwhile."""
    with store.writing():
        store.path.rename(store.path.with_name("moved"))
        with closing(Store.create(store.path, {"dimension": DIMENSION})) as another:
            put(another, entry("n", "new one", "new two", "new three"))
        store.put([entry("x", "one more")], np.array([vector("one more")]), 1)


def test_an_index_made_in_the_midst_of_a_transaction_is_not_touched(store):
    """What goes into files by their names is refused where they are another index's; so is the commit."""
    put(store, entry("o", "old one"))
    with pytest.raises(es.StoreError, match="another file has its name since it was opened"):
        replaced_while_writing(store)
    with pytest.raises(es.StoreError, match="removed or replaced"), store.database.writing():
        store.set_setting("kept", "no")
    assert store.setting("kept", None) is None
    with closing(Store.open(store.path)) as another:
        assert list(texts(another).values()) == ["new one", "new two", "new three"]
        assert len(another.held_vectors()) == another.vectors_file.stat().st_size // (4 * DIMENSION) == 3


def test_a_folder_that_is_gone_is_not_made_anew(store):
    """Who has an index open whose folder was removed is told, and leaves no folder behind."""
    shutil.rmtree(store.path)
    with pytest.raises(es.StoreError, match="removed or replaced"):
        put(store, entry("x", "one more"))
    assert not store.path.exists()


def test_an_index_is_where_it_was_opened(tmp_path, monkeypatch):
    """A path is that of the working folder in which it was given, whatever folder is worked in later."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        Store.create("index", {"dimension": DIMENSION}).close()
    with closing(Store.open("index")) as b:
        monkeypatch.chdir(tmp_path / "a")
        before = held_in(tmp_path / "a" / "index")
        with closing(Store.open(tmp_path / "b" / "index")) as same:
            put(same, entry("x", "one"), entry("y", "two"))
            with same.locked(), same.writing():
                same.remove(["x"])
            with same.locked():
                compact(same)
        put(b, entry("z", "three"))
        assert list(texts(b).values()) == ["two", "three"]
        assert b.path == tmp_path / "b" / "index"
        assert held_in(tmp_path / "a" / "index") == before


def test_the_same_text_is_encoded_once(tmp_path):
    """A text that the index holds already is not encoded again, in whatever document and order it comes."""
    encoder = HashEncoder()
    with es.Index.create(tmp_path / "index", encoder) as index:
        index.add([Document("a", "wolf"), Document("b", "sheep"), Document("c", "wolf")])
        index.add([Document("d", "sheep"), Document("e", "lamb")])
        assert sorted(encoder.encoded) == ["lamb", "sheep", "wolf"]
        assert np.array_equal(index._store.vectors()[0], index._store.vectors()[2])
