"""Damage to an index: each flipped bit, lost file or foreign text is named, never answered with, and mended."""

import json
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from conftest import run
from stored_texts import check_holds, documents, flip

import embedsearch as es
from embedsearch.index import upkeep
from embedsearch.store.fulltext import FullText
from embedsearch.testing import HashEncoder


def test_a_sound_index_has_no_findings(made):
    """`verify` says that all is well, counts what it looked at, and leaves with 0."""
    made.delete(["d3"])
    result = run("verify", "-i", made._store.path, "-f", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "path": str(made._store.path), "sound": True, "documents": 19, "embedded": 0, "findings": [],
    }  # fmt: skip


def test_an_encoder_goes_with_a_repair_alone(made):
    """A check embeds nothing; an encoder that would be passed over is refused."""
    refused = run("verify", "--encoder", "all-MiniLM-L6-v2", "-i", made._store.path)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--encoder goes with --repair" in refused.stderr


def test_damaged_vectors_are_named_and_embedded_anew(made):
    """Flipped bytes in vectors are named by row; repair embeds just these passages from the stored texts."""
    made.close()
    folder = made._store.path
    for row in (4, 5, 9):
        flip(folder / "vectors.f32", row * 32 + 7)
    result = run("verify", "-i", folder)
    assert result.exit_code == 1
    assert "rows 4 to 5 are not what was written (embedsearch verify --repair)" in result.stdout
    assert "row 9 is not what was written" in result.stdout
    encoder = HashEncoder()
    mended = upkeep.repair(folder, encoder)
    assert (mended.is_sound, mended.embedded, len(encoder.encoded)) == (True, 3, 3)
    with es.open(folder, HashEncoder()) as index:
        check_holds(index, {document.id: document for document in documents()})


def test_a_vector_that_has_become_nan_is_named_by_a_search(made):
    """Values that compare with nothing do not make hits disappear without a word."""
    with open(made._store.path / "vectors.f32", "r+b") as stream:
        stream.seek(4 * 32)
        stream.write(b"\xff" * 32)
    with pytest.raises(es.StoreError, match="damaged"):
        made.search("text number 7", k=len(made))
    made._store.neighbors_file.unlink()
    with (
        es.open(made._store.path, HashEncoder()) as index,
        pytest.raises(es.StoreError, match=r"the file is damaged. Run embedsearch verify"),
    ):
        index.search("text number 7", k=1)


@pytest.mark.parametrize("size", [None, 0, 100])
def test_lost_vectors_are_embedded_anew(made, size):
    """A vectors file that is missing, empty or cut short is named, and made again from the texts."""
    made.close()
    folder = made._store.path
    if size is None:
        (folder / "vectors.f32").unlink()
    else:
        with open(folder / "vectors.f32", "r+b") as stream:
            stream.truncate(size)
    result = run("verify", "-i", folder)
    assert result.exit_code == 1
    assert "vectors.f32: rows" in result.stdout
    assert upkeep.repair(folder, HashEncoder()).is_sound
    with es.open(folder, HashEncoder()) as index:
        check_holds(index, {document.id: document for document in documents()})


@pytest.mark.parametrize("place", [8, 200, -20, -1])
def test_a_damaged_neighbors_file_is_named_not_used_and_rebuilt(made, place, caplog):
    """Any flipped byte of the faiss file is found; answers come from the vectors meanwhile; repair builds it anew."""
    folder, file = made._store.path, made._store.neighbors_file
    before = made.search("text number 7", k=20)
    flip(file, place % file.stat().st_size)
    result = run("verify", "-i", folder)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{file.name}: is not what was written")
    with es.open(folder, HashEncoder()) as index:
        assert index.search("text number 7", k=20) == before
    assert "is not the file that was written" in caplog.text
    assert upkeep.repair(folder, HashEncoder()).is_sound


def test_a_lost_neighbors_file_is_named(made):
    """A missing faiss file is a finding, and what repair always makes anew."""
    file = made._store.neighbors_file
    file.unlink()
    assert [str(one) for one in upkeep.verify(made._store.path).findings] == [
        f"{file.name}: is missing (embedsearch verify --repair)"
    ]
    assert upkeep.repair(made._store.path, HashEncoder()).is_sound


def test_any_flipped_byte_of_the_database_is_named_or_harmless(made, tmp_path):
    """Wherever index.db is changed: what verify passes reads back exactly, what it names is never answered from."""
    made.axes.save(es.Axis("size", ["small"], ["large"]))
    made.close()
    wanted = {document.id: document for document in documents()}
    size = (made._store.path / "index.db").stat().st_size
    random = np.random.default_rng(0)
    named = 0
    for number, place in enumerate(random.integers(0, size, 120)):
        folder = tmp_path / f"flipped-{number}"
        shutil.copytree(made._store.path, folder)
        flip(folder / "index.db", int(place), 1 << int(random.integers(8)))
        sound = upkeep.verify(folder).is_sound
        named += not sound
        try:
            with es.open(folder, HashEncoder()) as index:
                if sound:
                    check_holds(index, wanted)
                for hit in index.search("text number 7", k=50):
                    assert hit.text == wanted[hit.document].text[hit.start : hit.end]
                    assert hit.metadata == wanted[hit.document].metadata
                for id, document in wanted.items():
                    assert index.get(id).text == document.text
        except es.EmbedSearchError:
            assert not sound
        shutil.rmtree(folder)
    assert named > 10


def test_a_damaged_document_is_replaced_by_its_source(made):
    """A text that has changed on disk is named, never answered, and whole again when it is ingested again."""
    made.close()
    folder = made._store.path
    raw = (folder / "index.db").read_bytes()
    (folder / "index.db").write_bytes(raw.replace(b"text number 7 text", b"text number 8 text", 1))
    result = run("verify", "-i", folder)
    assert "document 'd7' is not what was written (ingest the sources again)" in result.stdout
    with es.open(folder, HashEncoder()) as index:
        with pytest.raises(es.StoreError, match="'d7' is not what was written"):
            index.get("d7")
        with pytest.raises(es.StoreError, match="'d7' is not what was written"):
            index.search("text number 7", k=100)
        report = index.add(documents())
        assert (report.updated, report.unchanged, report.embedded) == (1, 19, 0)
        check_holds(index, {document.id: document for document in documents()})
    assert upkeep.verify(folder).is_sound


def test_a_foreign_text_under_a_passage_is_named(made):
    """A vector that belongs to another text is named although every checksum fits it."""
    with made._store.locked(), made._store.writing():
        entry = made._store.passages([0])[0]
        (key,) = made._store.database.query("SELECT key FROM passages WHERE row = 9")[0]
        made._store.replace_vectors([0], [key], made._store.vectors()[[9]])
        last = made._store.rows - 1
        made._store.database.execute("UPDATE passages SET key = ? WHERE row = ?", (key, last))
        made._store.keys.rebuild()
    findings = [str(one) for one in upkeep.verify(made._store.path).findings]
    assert findings == [
        f"index.db: the passage of row {last}, of document {entry.document!r}, has the key of another text "
        f"(embedsearch delete {entry.document!r}, and ingest its source again)"
    ]


def change(folder, statement):
    """Change the database of an index behind its back, as a flipped bit does."""
    with closing(sqlite3.connect(folder / "index.db", isolation_level=None)) as connection:
        connection.execute(statement)


@pytest.mark.parametrize("column", ["position", "start", "end", "seal"])
def test_a_damaged_passage_is_mended_as_verify_says(made, column):
    """To ingest its unchanged document again changes nothing; to delete it first does, and leaves no words behind."""
    folder = made._store.path
    change(folder, f"UPDATE passages SET {column} = {column} + 1 WHERE row = 9")
    (document,) = made._store.database.query("SELECT document FROM passages WHERE row = 9")[0]
    id = made._store.ids(-1)[document - 1]
    (finding,) = [one for one in upkeep.verify(folder).findings if "passage of row 9" in one.what]
    assert finding.remedy == f"embedsearch delete {id!r}, and ingest its source again"
    with pytest.raises(es.StoreError, match="passage of row 9 is not what was written"):
        made.passages([9])
    made.delete([id])
    made.add(documents())
    assert upkeep.verify(folder).is_sound
    check_holds(made, {document.id: document for document in documents()})


def test_an_entry_that_an_index_of_sqlite_has_lost_is_found_and_mended(made):
    """It hides a passage from other checks: what these say is to be mended first, and is gone then."""
    folder = made._store.path
    query = made._store.database.query
    ((root,),) = query("SELECT rootpage FROM sqlite_master WHERE name = 'passages_by_document'")
    ((page,),) = query("PRAGMA page_size")
    made.close()
    raw = bytearray((folder / "index.db").read_bytes())
    entries = (root - 1) * page + 3  # where a page says how many it has
    assert raw[entries - 3] == 10, "a leaf of an index"
    raw[entries + 1] -= 1
    (folder / "index.db").write_bytes(raw)
    findings = upkeep.verify(folder).findings
    assert any("missing from index passages_by_document" in one.what for one in findings)
    assert any("is named 0 times" in one.what for one in findings)
    assert {one.remedy.partition(";")[0] for one in findings} == {"embedsearch verify --repair"}
    assert upkeep.repair(folder, HashEncoder()).is_sound
    with es.open(folder, HashEncoder()) as again:
        check_holds(again, {document.id: document for document in documents()})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE settings SET name = 'encodes' WHERE name = 'encoder'",
        "UPDATE settings SET name = 'sows' WHERE name = 'rows'",
        "UPDATE settings SET value = CAST(value AS BLOB) WHERE name = 'chunk_words'",
        "UPDATE settings SET value = CAST(value AS BLOB) WHERE name = 'generation'",
        "UPDATE documents SET metadata = '{' WHERE number = 3",
        "DELETE FROM passages WHERE row = 4",
        "UPDATE passages SET document = 99 WHERE row = 4",
        "UPDATE passages SET document = 'x' WHERE row = 4",
    ],
)
def test_damage_is_named_by_every_question(made, statement):
    """Whatever record it is in: an error of ours that says so, from verify and from whoever needs the record."""
    folder = made._store.path
    made.close()
    change(folder, statement)
    verified = upkeep.verify(folder)
    assert not verified.is_sound
    assert all(finding.remedy for finding in verified.findings)

    def ask():
        with es.open(folder, HashEncoder()) as index:
            index.search("text number 7", k=50, mode="lexical", by="document")
            index.add([es.Document("new", "a text")])
            index.search("text number 7", k=50, where="length > 0")
            index.field_of_passages("length", index.rows())

    with pytest.raises(es.StoreError, match="is damaged"):
        ask()


def test_any_flipped_byte_on_the_way_from_documents_to_passages_is_named_or_harmless(tmp_path):
    """A filter passes over no document, and measures none with another's vectors, whatever an index of SQLite says."""
    folder = tmp_path / "index"

    def ask(index):
        measured = index.judge("length > 0", axes=["size"])
        return [one.id for one in index.filter("size > -100")], [(one.document.id, one.coordinates) for one in measured]

    with es.Index.create(folder, HashEncoder()) as index:
        index.add(documents())
        index.axes.save(es.Axis("size", ["small"], ["large"]))
        wanted = ask(index)
        tables = "sqlite_schema, pragma_page_size WHERE name = 'passages_by_document'"
        ((root, size),) = index._store.database.query(f"SELECT rootpage, page_size FROM {tables}")
    first = (root - 1) * size
    page = (folder / "index.db").read_bytes()[first : first + size]
    answers = set()
    for place in (place for place in range(size) if page[place]):
        flip(folder / "index.db", first + place, 1 << place % 8)
        try:
            with es.open(folder, HashEncoder()) as index:
                answers.add(str(ask(index)))
        except es.StoreError as error:
            answers.add(str(error).partition(": ")[0])
        flip(folder / "index.db", first + place, 1 << place % 8)
    assert answers == {str(wanted), f"{folder / 'index.db'} is damaged"}


def test_damage_to_where_documents_came_from_keeps_nobody_from_asking(made):
    """A source or an ingest that is of another type is read as text or number; verify names the document."""
    change(made._store.path, "UPDATE documents SET source = 7, run = x'31' WHERE id = 'd3'")
    assert made.sources() == {"": 19, "7": 1}
    assert [(id, run) for id, _, run in made._store.sources_before(-1)][3] == ("d3", 1)
    assert "document 'd3' is not what was written" in str(upkeep.verify(made._store.path).findings[0])


@pytest.mark.parametrize("row", [-3, 500])
def test_a_row_that_the_file_does_not_have_is_named(made, row):
    """And is not counted from the end, as numpy does."""
    change(made._store.path, f"UPDATE passages SET row = {row} WHERE row = 9")
    with pytest.raises(es.StoreError, match="a row is asked for that the 39 vectors do not have"):
        made.search("text number 7", k=5, where="length > 0", mode="dense")


def test_a_repair_takes_in_the_words_of_what_it_mends_and_of_nothing_else(made, monkeypatch):
    """However many batches there are, each costs what is in it; words and keys lead to the new rows."""
    folder = made._store.path
    ids = made._store.ids(-1)
    (folder / "vectors.f32").unlink()
    monkeypatch.setattr(upkeep, "_MENDED_AT_ONCE", 2)
    monkeypatch.setattr(FullText, "rebuild", lambda _: pytest.fail("all words were taken in anew"))
    mended = upkeep.repair(folder, HashEncoder())
    assert mended.is_sound
    assert mended.embedded == len(made)
    with es.open(folder, HashEncoder()) as again:
        assert again._store.ids(-1) == ids


def test_a_live_row_without_its_passage_is_damage(made):
    """A row that is no dead one and has no passage is told as what it is."""
    row = int(made.rows()[0])
    made._store.database.execute("DELETE FROM passages WHERE row = ?", (row,))
    made._store.database.execute("DELETE FROM dead WHERE row = ?", (row,))
    with pytest.raises(es.StoreError, match=f"is damaged: the passage of row {row} is missing"):
        made.passages([row])
