"""Deleting and compacting an index, and asking it while others write, or where nobody may."""

import json
import os
import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from conftest import run
from disks import read_only
from hypothesis import given
from hypothesis import strategies as st
from processes import PROCESSES, python
from stored_texts import TEXTS, check_holds, documents

import embedsearch as es
from embedsearch.index import upkeep
from embedsearch.store import Store, database
from embedsearch.store.records import is_same_metadata
from embedsearch.testing import HashEncoder


def whole(index: es.Index) -> bool:
    """Return whether `verify` finds nothing."""
    return upkeep.verify(index._store.path).is_sound


def test_deleted_documents_are_gone_at_once(made):
    """A deleted document is neither found nor got, the others are as they were, and its id can be used again."""
    wanted = {document.id: document for document in documents()}
    assert made.delete(["d1", "d2", "d1"]) == 2
    del wanted["d1"], wanted["d2"]
    check_holds(made, wanted)
    assert "d1" not in {hit.document for hit in made.search(TEXTS["d1"].strip(), k=100)}
    with pytest.raises(es.QueryError, match="there is no document 'd1'"):
        made.get("d1")
    made.add([es.Document("d1", "again")])
    assert made.get("d1").text == "again"
    assert whole(made)


def test_deleting_what_is_not_there_deletes_nothing(made):
    """One unknown id among several keeps all of them in the index, and the nearest known one is named."""
    with pytest.raises(es.QueryError, match=r"no document 'd99'; nothing was deleted. Did you mean 'd9'"):
        made.delete(["d1", "d99"])
    assert made.get("d1").text == TEXTS["d1"].strip()


def test_a_deleted_text_is_not_embedded_again(made):
    """Content that was deleted or replaced is found again by its key as long as its row is in the file."""
    made.delete(["d1"])
    made.add([es.Document("d3", "something else", title="A title")])
    report = made.add([document for document in documents() if document.id in ("d1", "d3")])
    assert (report.added, report.updated, report.embedded) == (1, 1, 0)
    check_holds(made, {document.id: document for document in documents()})
    assert whole(made)


def test_compacting_keeps_what_is_live_and_nothing_else(made):
    """After compacting, the file holds one row a passage, the deleted text is in no file, and answers are the same."""
    made.add([es.Document("secret", "the unmistakable zebrafish")])
    made.delete(["secret", "d0", "d5"])
    before = made.search("text number 7", k=5)
    done = made.compact()
    wanted = {document.id: document for document in documents() if document.id not in ("d0", "d5")}
    check_holds(made, wanted)
    assert made._store.rows == len(made)
    assert done.rows > 0
    assert [(hit.id, hit.score) for hit in made.search("text number 7", k=5)] == [(hit.id, hit.score) for hit in before]
    near = made._store.neighbors_file.name
    made.close()
    files = list(made._store.path.iterdir())
    assert {file.name for file in files} == {"index.db", "vectors.1.f32", near, "lock"}
    assert not any(b"zebrafish" in file.read_bytes() for file in files)
    assert upkeep.verify(made._store.path).is_sound


def test_compacting_twice_and_adding_after_it(made):
    """Epochs follow one another, and rows are appended to the newest file."""
    for id in ("d3", "d4"):
        made.delete([id])
        made.compact()
    made.add([es.Document("new", "new text")])
    wanted = {document.id: document for document in documents() if document.id not in ("d3", "d4")}
    check_holds(made, wanted | {"new": es.Document("new", "new text")})
    assert made._store.vectors_file.name == "vectors.2.f32"
    assert whole(made)


def test_compacting_an_empty_index(tmp_path):
    """An index that has lost all its documents becomes an empty one."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add([es.Document("a", "wolf")])
        index.delete(["a"])
        index.compact()
        assert (len(index), index._store.rows) == (0, 0)
        index.add([es.Document("b", "sheep")])
        assert [hit.text for hit in index.search("sheep")] == ["sheep"]


def compact_rounds(folder: Path, rounds: int) -> None:
    """Replace a document and compact, again and again."""
    with es.open(folder, HashEncoder()) as index:
        for number in range(rounds):
            index.add([es.Document("d0", f"round {number}", title="A title")])
            index.compact()


def test_readers_keep_a_consistent_state_while_another_process_compacts(made):
    """While rows are renumbered and files replaced, a reader's answers are those of one state, each vector its own."""
    process = PROCESSES.Process(target=compact_rounds, args=(made._store.path, 25))
    process.start()
    epochs = set()
    try:
        while process.is_alive():
            with made._store.reading():
                passages = made._store.passages(made._store.live_rows())
                epochs.add(made._store.epoch)
            others = {passage.document for passage in passages} - {"d0"}
            assert others == set(TEXTS) - {"d0"}
            hit = made.search("A title\ntext number 7 text", k=1)[0]
            assert (hit.document, round(hit.score, 5)) == ("d7", 1.0)
    finally:
        process.join(60)
    assert process.exitcode == 0
    assert len(epochs) > 2, "the reader saw nothing of the compacting"


def test_a_folder_whose_name_is_not_utf8_holds_an_index(tmp_path):
    """Names of bytes, as old archives have, are as good as others."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    with es.Index.create(folder, HashEncoder()) as index:
        index.add(documents())
        index.delete(["d0"])
        index.compact()
        index.axes.save(es.Axis("size", ["small"], ["large"]))
    assert upkeep.verify(folder).is_sound
    with es.open(folder, HashEncoder()) as index:
        assert {hit.document for hit in index.search("text number 7", k=99)} == TEXTS.keys() - {"d0"}
        assert index._store.neighbors()[0] is not None
    es.reindex(folder, HashEncoder(16))
    assert upkeep.repair(folder, HashEncoder(16)).is_sound


@pytest.fixture
def no_vacuum(monkeypatch):
    """Let a compaction leave the database as large as it is: to shrink it waits half a minute for who reads to end."""
    monkeypatch.setattr(database.Database, "vacuum", lambda _: None)


@pytest.mark.usefixtures("no_vacuum")
def test_info_is_of_one_state(made, monkeypatch):
    """What is counted first and last belongs together, whatever another process commits in between."""
    before = made.info()
    count = Store.count_documents
    with es.open(made._store.path, HashEncoder()) as writer:

        def counted(store):
            found = count(store)
            if store is made._store:
                writer.delete(["d0"])
                writer.compact()
            return found

        monkeypatch.setattr(Store, "count_documents", counted)
        found = made.info()
        monkeypatch.setattr(Store, "count_documents", count)
    assert (found["documents"], found["passages"]) == (before["documents"], before["passages"])
    assert made.info()["documents"] == 19


def test_the_size_is_that_of_the_files_that_are_left(made, monkeypatch):
    """A file that another process removes while the bytes are counted has none."""
    files = [file for file in made._store.path.iterdir() if not file.name.endswith(("-wal", "-shm"))]
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter([*files, folder / "gone"]))
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    assert made._store.size() == sum(file.stat().st_size for file in files)


def test_deleting_on_the_command_line(made):
    """`delete` takes ids from arguments and from stdin, and names what is left."""
    result = run("delete", "d1", "-", "-i", made._store.path, input="d2\r\n\nd3\n")
    assert result.exit_code == 0, result.stderr
    assert "3 documents deleted" in result.stderr
    assert made._store.count_documents() == 17
    unknown = run("delete", "d1", "-i", made._store.path)
    assert unknown.exit_code == 2
    assert "there is no document 'd1'; nothing was deleted" in unknown.stderr


def test_compacting_on_the_command_line(made):
    """`compact` says how many rows it took out, and sizes that are those of the files, whoever asks for them again."""
    made.delete(["d1"])
    folder = made._store.path
    result = run("compact", "-i", folder, "-f", "json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["rows"] == 2
    assert whole(made)
    made.close()
    sizes = [json.loads(result.stdout)]
    for _ in range(2):
        sizes.append(json.loads(run("compact", "-i", folder, "-f", "json").stdout))
    held = json.loads(run("info", "-i", folder, "-f", "json").stdout)["bytes"]
    lying = sum(file.stat().st_size for file in folder.iterdir())
    assert {sizes[0]["after"], *(size[key] for size in sizes[1:] for key in ("before", "after"))} == {held} == {lying}


# -- without permission to write ----------------------------------------------------------------------------

_SEARCH = (
    "import sys, embedsearch as es; from embedsearch.testing import HashEncoder\n"
    "with es.open(sys.argv[1], HashEncoder()) as index:\n"
    "    print(index.search('text number 7', k=1)[0].document, index.get('d1').id, len(index))\n"
    "    try:\n"
    "        index.delete(['d1'])\n"
    "    except es.StoreError as error:\n"
    "        print('refused:', error)\n"
)


def test_a_folder_without_write_permission_can_be_searched(made, tmp_path):
    """An index on read-only ground is opened and answers; writing to it is refused with the reason."""
    made.close()
    with read_only(tmp_path / "ground", made._store.path) as folder:
        first, second = python(_SEARCH, folder).splitlines()
        assert first.split()[1:] == ["d1", str(made_passages())]
        assert second.startswith("refused:")
        assert "cannot be written" in second
        assert upkeep.verify(folder).is_sound


def test_committed_transactions_are_not_passed_over_on_read_only_ground(made, tmp_path):
    """Where the last writer was cut off and nothing can be written, the index is refused rather than read half."""
    made.delete(["d1"])  # stands in the journal as long as the index is open
    assert (made._store.path / "index.db-wal").stat().st_size > 0
    with read_only(tmp_path / "ground", made._store.path) as folder, es.open(folder, HashEncoder()) as index:
        assert len(index) == made_passages() - 2  # SQLite finds the journal's own index there, and reads both
    copy = shutil.copytree(made._store.path, tmp_path / "copy")
    (copy / "index.db-shm").unlink()
    with (
        read_only(tmp_path / "without", copy) as folder,
        pytest.raises(es.StoreError, match="Open the index once where its folder can be written"),
    ):
        es.open(folder, HashEncoder())


def test_who_may_not_write_follows_those_who_do(made, monkeypatch):
    """A reader without permission sees what others have committed since, and is told what was torn meanwhile."""
    made.close()
    path, may_write = made._store.path, [False]
    monkeypatch.setattr(database, "_is_writable", lambda file: may_write[0])

    def write(wanted: list[es.Document], *, compact: bool) -> es.Index:
        may_write[0] = True
        writer = es.open(path, HashEncoder())
        writer.delete(writer.ids())
        writer.add(wanted)
        if compact:
            writer.compact()
        may_write[0] = False
        return writer

    def seen(index: es.Index) -> list[str]:
        assert [hit.document for hit in index.search("fresh", k=1, mode="lexical")] == [index.ids()[0]]
        assert sorted(one.id for one in index.filter("length > 0")) == sorted(index.ids())
        return sorted(index.ids())

    with es.open(path, HashEncoder()) as reader:
        assert sorted(reader.ids()) == sorted(TEXTS)
        for compact in (False, True):
            wanted = documents({f"{compact}{n}": f"fresh {n}" for n in range(900)})
            with write(wanted, compact=compact):  # readers and writers meet in files of the writer's
                assert seen(reader) == sorted(one.id for one in wanted)
            assert seen(reader) == sorted(one.id for one in wanted)
    write(wanted, compact=False).close()  # nobody reads meanwhile, so that the files to meet in are gone
    assert not (path / "index.db-wal").exists()
    with es.open(path, HashEncoder()) as reader:

        def read_while_another_writes() -> None:
            with reader.reading():
                assert len(reader.ids()) == 900
                write(documents({"last": "fresh"}), compact=True).close()

        with pytest.raises(es.StoreError, match="was written to while it was read; run the command again"):
            read_while_another_writes()
        assert seen(reader) == ["last"]


def made_passages() -> int:
    """Return how many passages the twenty documents have: 3, 6 or 9 words in pieces of 4."""
    return sum(-(-len(text.split()) // 4) for text in TEXTS.values())


@pytest.mark.usefixtures("no_vacuum")
def test_looked_up_vectors_are_of_the_state_in_which_they_were_found(made, monkeypatch):
    """Another process that compacts just then gives rows other numbers, but nobody another text's vector."""
    texts = made._embedding.passages_of(documents()[7])[1]
    wanted, found = made.text_vectors(texts), Store.rows_of_keys
    with es.open(made._store.path, HashEncoder()) as writer:

        def late(store, keys):
            rows = found(store, keys)
            if store is made._store:
                writer.delete(["d0", "d1"])
                writer.compact()
            return rows

        monkeypatch.setattr(Store, "rows_of_keys", late)
        assert np.array_equal(made.text_vectors(texts), wanted)


@pytest.mark.parametrize(
    "ask",
    [
        lambda index: index.explorer.discover(1, None, 3),
        lambda index: index.explorer.propose("size", 5, None),
        lambda index: index.explorer.compare("size", HashEncoder(name="other"), None),
    ],
)
@pytest.mark.usefixtures("no_vacuum")
def test_what_looks_through_all_passages_sees_one_state(made, monkeypatch, ask):
    """Another process that compacts meanwhile puts no other text in the place of what was chosen."""
    made.axes.save(es.Axis("size", ["small"], ["large"]))
    wanted, live = ask(made), Store.live_rows
    with es.open(made._store.path, HashEncoder()) as writer:

        def late(store):
            rows = live(store)
            if store is made._store and "d0" in writer.ids():
                writer.delete(["d0", "d1"])
                writer.compact()
            return rows

        monkeypatch.setattr(Store, "live_rows", late)
        assert ask(made) == wanted
        assert "d0" not in writer.ids()


def test_two_stores_see_each_others_commits(made):
    """A store that is open sees what another has committed since, without being opened anew."""
    with closing(Store.open(made._store.path)) as other:
        made.delete(["d1"])
        assert other.document("d1") is None
        made.compact()
        assert other.passages(other.live_rows())
        assert len(other.vectors()) == len(made)


def test_rows_of_deleted_documents_are_no_passages(made):
    """Rows drawn before a deletion give no other document's values, vectors or coordinates, and no talk of damage."""
    made.axes.save(es.Axis("size", low=["small"], high=["large"]))
    drawn = made.draw(8).rows
    before = made.population(drawn=drawn, field="length")
    assert before.values == [made.get(one.document).metadata["length"] for one in made.passages(drawn)]
    hits = made.search("text", k=len(made), mode="dense")
    gone, kept = made.passages(drawn[:1])[0].document, made.passages(drawn[-1:])[0].document
    assert gone != kept
    made.delete(gone)
    questions = (
        lambda rows: made.population(drawn=rows, field="length"),
        lambda rows: made.field_of_passages("length", rows),
        made.passages,
        made.passage_vectors,
    )
    for ask in questions:
        for rows in (drawn, drawn.tolist(), drawn[:1]):
            with pytest.raises(es.QueryError, match=f"row {drawn[0]} of .* is not a passage, or no longer one"):
                ask(rows)
        for never in (-1, 10**6):
            with pytest.raises(es.QueryError, match=f"row {never} of"):
                ask([never])
        for strange in (np.ones(3, dtype=bool), [0.5], [[1]], 1):
            with pytest.raises(es.QueryError, match="wanted whole numbers"):
                ask(strange)
    with pytest.raises(es.QueryError, match="no longer in the index"):
        made.rows_of(hits)
    own = [hit for hit in hits if hit.document == kept]
    assert [made.passages([row])[0].id for row in made.rows_of(own)] == [hit.id for hit in own]
    assert made.field_of_passages("length", drawn[-1:]) == [made.get(kept).metadata["length"]]


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([0.0, 1.0, 1.5]), st.text(max_size=2))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=1), inner))


@given(
    st.dictionaries(st.text(max_size=1), VALUES, max_size=2), st.dictionaries(st.text(max_size=1), VALUES, max_size=2)
)
def test_metadata_are_the_same_where_their_json_is(one, other):
    """What is reported as unchanged is what reads the same as JSON: 1, 1.0 and true are three, and order is nothing."""
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert is_same_metadata(one, other) == same
    assert is_same_metadata(one, json.loads(json.dumps(one)))


def test_an_ingest_counts_what_json_tells_apart(made):
    """A tuple is a list and is unchanged; 1 and True are two values."""
    made.add([es.Document("m", "text", metadata={"v": 1, "t": (1, 2)})])
    assert made.add([es.Document("m", "text", metadata={"t": [1, 2], "v": 1})]).unchanged == 1
    for value in (True, 1.0):
        document = es.Document("m", "text", metadata={"v": value, "t": [1, 2]})
        assert made.plan([document]).updated == 1
        assert made.add([document]).updated == 1
        assert repr(made.get("m").metadata["v"]) == repr(value)
