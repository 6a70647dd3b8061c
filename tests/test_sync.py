"""Making an index equal to its sources: which documents are theirs, wherever these lie and are named from."""

import io
import json
import shutil
from pathlib import Path

import pytest
from conftest import run

import embedsearch as es
from embedsearch.documents import read_stream
from embedsearch.index import upkeep
from embedsearch.testing import HashEncoder


@pytest.fixture
def folder(tmp_path):
    """Return a folder of three files with two records in one of them."""
    folder = tmp_path / "articles"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jsonl").write_text('{"id": "a1", "text": "one"}\n{"id": "a2", "text": "two", "year": 1}\n')
    (folder / "b.txt").write_text("bee")
    (folder / "deep" / "c.md").write_text("sea")
    return folder


def sync(index, *sources):
    """Make *index* equal to *sources*."""
    return index.sync(es.read(*sources), sources)


def test_sync_adds_changes_removes_and_counts(tmp_path, folder):
    """After a sync the index is equal to the folder, and the report says what was done for it."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        assert sync(index, folder).added == 4
        (folder / "a.jsonl").write_text('{"id": "a2", "text": "two", "year": 2}\n{"id": "a3", "text": "three"}\n')
        (folder / "deep" / "c.md").unlink()
        report = sync(index, folder)
        assert (report.added, report.updated, report.unchanged, report.removed) == (1, 1, 1, 2)
        assert sorted(index._store.ids(9)) == ["a2", "a3", "b.txt"]
        assert index.get("a2").metadata == {"year": 2}
        assert sync(index, folder) == es.AddReport(unchanged=3)
        assert upkeep.verify(index.path).is_sound


def test_sync_leaves_documents_from_elsewhere(tmp_path, folder, monkeypatch):
    """Only what came from the sources given is removed, however they were written; a like-named neighbour stays."""
    other = tmp_path / "articles-2"
    shutil.copytree(folder, other)
    for file in ("a.jsonl", "b.txt"):
        (other / file).unlink()
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(es.read(folder))
        index.add([es.Document("by hand", "mine")])
        index.add([es.Document("other", "theirs", source=str(other / "x.txt"))])
        (folder / "b.txt").unlink()
        monkeypatch.chdir(tmp_path)
        report = sync(index, "./articles/../articles/")
        assert report.removed == 1
        assert sorted(index._store.ids(9)) == ["a1", "a2", "by hand", "deep/c.md", "other"]
        (folder / "a.jsonl").write_text('{"id": "a1", "text": "one"}\n')
        assert sync(index, "articles/a.jsonl").removed == 1
        assert sorted(index._store.ids(9)) == ["a1", "by hand", "deep/c.md", "other"]


def test_sync_with_a_folder_that_is_gone(tmp_path, monkeypatch):
    """What came from a folder is known as its own when the folder is there no more, with documents made in Python."""
    monkeypatch.chdir(tmp_path)
    with es.Index.create("index", HashEncoder()) as index:
        index.add(es.Document(name, name, source=name) for name in ("made/a.txt", "made/b.txt", "made-2/c.txt"))
        assert index.sync([es.Document("made/a.txt", "made/a.txt", source="made/a.txt")], ["made/"]).removed == 1
        assert index.ids() == ["made/a.txt", "made-2/c.txt"]


@pytest.fixture
def two(tmp_path):
    """Return two folders with the notes of two people in each, under other names, and an empty index beside them."""
    for person in ("a", "b"):
        (tmp_path / person / "notes").mkdir(parents=True)
        for number in (1, 2):
            (tmp_path / person / "notes" / f"{person}{number}.txt").write_text(f"note {number} of {person}")
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        yield tmp_path / "a", tmp_path / "b", index


@pytest.mark.parametrize("name", ["notes/", "notes", "./notes", ".", "../b/notes", "notes/b1.txt"])
def test_sync_leaves_a_folder_of_the_same_name_elsewhere(two, monkeypatch, name):
    """What was ingested as notes/ in one working folder has nothing to do with notes/ in another."""
    a, b, index = two
    monkeypatch.chdir(a)
    index.add(es.read("notes/"))
    monkeypatch.chdir(b)
    assert sync(index, name).removed == 0
    assert {"a1.txt", "a2.txt"} < {Path(id).name for id in index.ids()}


@pytest.mark.parametrize("ingested", ["notes/", "../a/notes", "{a}/notes", "link"])
@pytest.mark.parametrize("synced", ["a/notes/", "a/../a/notes", "{a}/notes/", "link", "b/link"])
def test_sync_recognises_a_source_from_any_working_folder(two, monkeypatch, ingested, synced):
    """A file that is gone is removed whether its folder was named from here or there, relative, absolute or a link."""
    a, b, index = two
    for link in (a / "link", a.parent / "link", b / "link"):
        link.symlink_to(a / "notes")
    monkeypatch.chdir(a)
    index.add(es.read(ingested.format(a=a)))
    (a / "notes" / "a2.txt").unlink()
    monkeypatch.chdir(a.parent)
    assert sync(index, synced.format(a=a)).removed == 1
    assert index.ids() == ["a1.txt"]


def test_a_linked_folder_is_a_source_of_its_own(two):
    """Reading a folder does not follow a link to another, so that a sync of it removes nothing that lies there."""
    a, b, index = two
    (a / "notes" / "more").symlink_to(b / "notes")
    index.add(es.read(a / "notes" / "more"))
    assert sync(index, a / "notes").removed == 0
    (b / "notes" / "b2.txt").unlink()
    assert sync(index, a / "notes" / "more").removed == 1
    assert index.ids() == ["b1.txt", "a1.txt", "a2.txt"]


def test_a_neighbour_with_a_colon_in_its_name_stays(two):
    """Behind a colon a file has its records; a folder has none."""
    a, _, index = two
    (a / "notes").rename(a / "notes:old")
    index.add(es.read(a / "notes:old"))
    (a / "notes").mkdir()
    (a / "notes" / "new.txt").write_text("new")
    assert sync(index, a / "notes").removed == 0


def test_what_has_no_place_is_known_by_its_name(two, monkeypatch):
    """The standard input and documents made in Python are no files of the working folder, and keep their names."""
    a, b, index = two
    monkeypatch.chdir(a)
    index.add(read_stream(io.BytesIO(b"one\ntwo\n"), format="lines"))
    index.add([es.Document("by hand", "mine"), es.Document("made", "theirs", source="a program")])
    assert sync(index, ".").removed == 1  # "a program" might be a file that is gone
    assert index.ids() == ["stdin#1", "stdin#2", "by hand", "notes/a1.txt", "notes/a2.txt"]
    index.add([es.Document("made", "theirs", source="a program"), es.Document("row", "its", source="a program:2")])
    monkeypatch.chdir(b)
    assert index.sync(read_stream(io.BytesIO(b"one\n"), format="lines"), ["-"]).removed == 1
    assert index.sync([es.Document("other", "theirs", source="a program")], ["a program"]).removed == 2
    assert index.ids() == ["stdin#1", "by hand", "notes/a1.txt", "notes/a2.txt", "other"]


@pytest.mark.parametrize("moved", ["index", "both"])
def test_sync_knows_its_sources_after_the_index_has_moved(two, tmp_path, monkeypatch, moved):
    """The index finds its sources where they were, or where they have moved together with it."""
    a, b, index = two
    monkeypatch.chdir(a)
    index.add(es.read("notes/"))
    index.close()
    if moved == "index":
        index.path.rename(b / "index")
        home, path = a, b / "index"
    else:
        (a.parent / "index").rename(a / "index")
        with es.open(a / "index", HashEncoder()) as made:
            made.add(es.read("notes/"))
        home, path = tmp_path / "elsewhere", tmp_path / "elsewhere" / "index"
        a.rename(home)
    (home / "notes" / "a2.txt").unlink()
    with es.open(path, HashEncoder()) as found:
        monkeypatch.chdir(b)
        assert sync(found, "notes").removed == 0
        monkeypatch.chdir(home.parent)
        assert sync(found, f"{home.name}/notes").removed == 1
        assert found.ids() == ["a1.txt", "b1.txt", "b2.txt"]


def test_sync_of_an_index_that_remembers_no_folder(two, monkeypatch):
    """Relative sources that were ingested before are taken as named from the working folder of today."""
    a, _, index = two
    monkeypatch.chdir(a)
    index.add(es.read("notes/"))
    with index._store.writing():
        index._store.database.execute("DELETE FROM settings WHERE name = 'named_from'")
    (a / "notes" / "a2.txt").unlink()
    assert sync(index, "notes").removed == 1
    monkeypatch.chdir(a.parent)
    (a / "notes" / "a1.txt").rename(a / "notes" / "a3.txt")
    assert sync(index, "a/notes").removed == 1
    assert index.ids() == ["a3.txt"]


def test_the_folder_is_remembered_once(two, monkeypatch):
    """An index that is filled from one folder again and again grows by nothing."""
    a, b, index = two
    for folder in (a, a, b, b, b, a):
        monkeypatch.chdir(folder)
        index.add(es.read("notes"))
    kept = [(run, folder) for run, folder, _ in index._store.setting("named_from", [])]
    assert kept == [(1, str(a)), (3, str(b)), (6, str(a))]


def test_sync_removes_nothing_when_reading_fails(tmp_path, folder):
    """A broken record, a missing folder and sources without any document all keep what is in the index."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(es.read(folder))
        (folder / "b.txt").unlink()
        (folder / "a.jsonl").write_text('{"id": "a1", "text": "one"}\n{broken\n')
        with pytest.raises(es.SourceError, match=r"a\.jsonl:2"):
            sync(index, folder)
        with pytest.raises(es.SourceError):
            sync(index, tmp_path / "gone")
        with pytest.raises(es.SourceError, match="no document was read"):
            index.sync([], [folder])
        assert index._store.count_documents() == 4


def test_files_of_one_name_in_two_folders_do_not_replace_each_other(tmp_path, monkeypatch):
    """An id made from a file's name is refused where another file that is still there has it; its own is updated."""
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "notes.txt").write_text(f"Wolves of {folder}.\n")
        (tmp_path / folder / "x.csv").write_text(f"abstract\nfirst of {folder}\nsecond of {folder}\n")

    def texts() -> dict[str, str]:
        with es.open("ix") as index:
            return {document.id: document.text.strip() for document in index.documents()}

    first = {"notes.txt": "Wolves of a.", "x.csv#1": "first of a", "x.csv#2": "second of a"}
    assert run("ingest", "a", "-i", "ix").exit_code == 0
    refused = run("ingest", "b", "-i", "ix")
    assert (refused.exit_code, texts()) == (2, first)
    assert "b/notes.txt: the id 'notes.txt', made from the name of the file" in refused.stderr
    assert f"is taken by {tmp_path / 'a' / 'notes.txt'}. Ingest the folder above both" in refused.stderr
    skipped = run("ingest", "b", "-i", "ix", "--on-error", "skip")
    assert (skipped.exit_code, texts()) == (0, first)
    (tmp_path / "a" / "notes.txt").write_text("Wolves again.\n")
    monkeypatch.chdir(tmp_path / "b")  # its own file, named from elsewhere
    assert run("ingest", "../a/notes.txt", "-i", "../ix").exit_code == 0
    monkeypatch.chdir(tmp_path)
    assert texts() == first | {"notes.txt": "Wolves again."}
    shutil.rmtree("a")  # what is gone may have moved
    assert run("ingest", "b", "-i", "ix").exit_code == 0
    assert texts() == {"notes.txt": "Wolves of b.", "x.csv#1": "first of b", "x.csv#2": "second of b"}


def test_a_source_that_is_no_file_stands_in_nobodys_way(tmp_path, monkeypatch):
    """A document made in Python under the name of a file replaces it, whatever its source is called."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("read from a file")
    with es.Index.create("index", HashEncoder()) as index:
        index.add(es.read("notes.txt"))
        report = index.add([es.Document("notes.txt", "made by hand", source="elsewhere/notes.txt")])
        assert (report.updated, index.get("notes.txt").text) == (1, "made by hand")


class TestSkipping:
    """A sync that passes over what cannot be read keeps what came from there."""

    @pytest.fixture
    def made(self, tmp_path, folder, monkeypatch):
        """Return an index of a folder whose files have all lost a document, but for those that a test spoils."""
        monkeypatch.chdir(tmp_path)
        (folder / "d.csv").write_text("id,text\nd1,one\nd2,two\nd3,three\n")
        (folder / "e.csv").write_text("abstract\none\ntwo\nthree\n")
        with es.Index.create(tmp_path / "index", HashEncoder()) as index:
            index.add(es.read("articles"))
            (folder / "a.jsonl").write_text('{"id": "a2", "text": "two"}\n')
            (folder / "b.txt").unlink()
            yield index

    def skipped(self, index, *sources):
        """Make *index* equal to *sources* as far as they can be read; return what was done, and what was told."""
        told = []
        return index.sync(es.read(*sources, on_error="skip", report=told.append), sources), told

    def test_a_file_that_cannot_be_read_keeps_its_documents(self, made, folder):
        """All else is made equal: what changed, what is gone, what is new."""
        (folder / "deep" / "c.md").write_bytes(b"\xff")
        (folder / "f.txt").write_text("new")
        report, told = self.skipped(made, "articles")
        assert (report.added, report.updated, report.removed, report.kept) == (1, 1, 2, 1)
        assert "articles/deep/c.md:1: byte 0xff" in told[0]
        assert set(made.ids()) == {"a2", "d1", "d2", "d3", "e.csv#1", "e.csv#2", "e.csv#3", "deep/c.md", "f.txt"}
        (folder / "deep" / "c.md").unlink()
        assert self.skipped(made, "articles")[0].removed == 1

    def test_a_broken_record_keeps_all_that_came_from_its_file(self, made, folder):
        """It has no id, so that nobody knows which of the documents it was; its neighbours are updated."""
        (folder / "d.csv").write_text('id,text\nd1,other\nd2,"two\n')
        report, _ = self.skipped(made, "articles")
        assert (report.updated, report.removed, report.kept) == (2, 2, 2)
        assert [made.get(id).text for id in ("d1", "d2", "d3")] == ["other", "two", "three"]

    def test_numbers_of_records_stay_those_of_their_places(self, made, folder):
        """Where a record is broken, the others keep the names that were made of file and number."""
        (folder / "e.csv").write_text("abstract\none\ntwo,too many\nthird\n")
        report, _ = self.skipped(made, "articles")
        assert (report.removed, report.kept) == (2, 1)
        assert [made.get(f"e.csv#{number}").text for number in (1, 2, 3)] == ["one", "two", "third"]

    @pytest.mark.parametrize("named", ["articles", "articles/deep", "{folder}", "link"])
    def test_what_was_not_read_is_known_however_it_is_named(self, made, folder, named):
        """From here or there, relative, absolute, or by a link."""
        Path("link").symlink_to(folder)
        for file in folder.rglob("c.md"):
            file.write_bytes(b"\xff")
        (folder / "deep" / "g.txt").write_text("another, so that there is one")
        self.skipped(made, named.format(folder=folder))
        assert "deep/c.md" in made.ids()

    def test_a_source_that_is_not_there_keeps_what_came_from_it(self, made, folder):
        """A disk that is not mounted empties nothing; another source beside it is synced."""
        (folder / "deep").rename("elsewhere")
        report, told = self.skipped(made, "articles/deep", "articles/a.jsonl")
        assert (report.removed, report.kept) == (1, 1)
        assert told[0].startswith("articles/deep: there is no such file or folder")
        with pytest.raises(es.SourceError, match="no document was read"):
            self.skipped(made, "articles/deep")

    def test_a_folder_that_cannot_be_listed_keeps_what_came_from_below_it(self, made, folder, monkeypatch):
        """Like a file that cannot be read."""
        real = Path.iterdir

        def closed(path):
            if path.name == "deep":
                raise PermissionError(13, "Permission denied")
            return real(path)

        monkeypatch.setattr(Path, "iterdir", closed)
        reading = es.read("articles", on_error="skip")
        assert list(reading.unread) == ["articles/deep"]
        assert made.sync(reading, "articles").kept == 1

    def test_documents_without_sources_keep_theirs_too(self, made, folder):
        """Where all that is not met is removed, wherever it came from."""
        made.add([es.Document("by hand", "mine")])
        (folder / "deep" / "c.md").write_bytes(b"\xff")
        report = made.sync(es.read("articles", on_error="skip"))
        assert (report.removed, report.kept) == (3, 1)
        assert "by hand" not in made.ids()

    def test_what_reads_in_between_tells_what_was_not_read(self, made, folder):
        """A generator of one's own knows nothing of it; the list that grows meanwhile is given beside it."""
        (folder / "deep" / "c.md").write_bytes(b"\xff")
        reading = es.read("articles", on_error="skip")
        changed = (es.Document(one.id, one.text.upper(), source=one.source) for one in reading)
        assert made.sync(changed, "articles", unread=reading.unread).kept == 1
        for wrong in (3, [3]):
            with pytest.raises(es.QueryError, match="unread is 3"):
                made.sync([es.Document("a", "b")], unread=wrong)
        with pytest.raises(es.QueryError, match="wanted a path, or a list of them that is looked at later"):
            made.sync([es.Document("a", "b")], unread=iter(["x"]))
        assert "a2" in made.ids()

    def test_the_standard_input_is_a_source_too(self, made):
        """What came through it stays where a line of it cannot be read."""
        made.add(read_stream(io.BytesIO(b'{"text": "a"}\n{"text": "b"}\n'), format="jsonl"))
        reading = read_stream(io.BytesIO(b'{"text": "a"}\n{\n'), format="jsonl", on_error="skip")
        assert made.sync(reading, ["-"]).kept == 1


def test_sync_on_the_command_line(tmp_path, folder, monkeypatch):
    """`ingest --sync` counts what it removed; with --on-error skip it says what stayed, and that is no failure."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(es.read(folder))
    monkeypatch.setattr("embedsearch.index.embedding.load_identified", lambda name, identity: HashEncoder())
    (folder / "b.txt").unlink()
    result = run("ingest", "--sync", folder, "-i", tmp_path / "index", "-f", "json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["removed"] == 1
    assert "1 removed" in result.stderr
    (folder / "a.jsonl").write_text('{"id": "a1", "text": "one"}\n{"id": "a1", "text": "again"}\n{broken\n')
    (folder / "deep" / "c.md").unlink()
    skipped = run("ingest", "--sync", "--on-error", "skip", folder, "-i", tmp_path / "index", "-f", "json")
    assert skipped.exit_code == 0, skipped.stderr
    counted = json.loads(skipped.stdout)
    assert (counted["unchanged"], counted["removed"], counted["kept"]) == (1, 1, 1)
    assert "a.jsonl:2: the id 'a1' occurred before" in skipped.stderr
    assert "a.jsonl:3: not a JSON object" in skipped.stderr
    assert "1 document not found again was kept, because its file could not be read in full." in skipped.stderr
