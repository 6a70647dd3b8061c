"""ingest: sources of all kinds into an index, once."""

import json
import os
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import ANIMALS, CORPUS, run

import embedsearch as es
from embedsearch.cli.output import write

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode there")


@pytest.fixture
def folder(tmp_path):
    """Return where a new index goes."""
    return tmp_path / "index"


def counts(result):
    """Return the counts that ingest -f json prints."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_folder_of_all_kinds_is_read(tmp_path, folder):
    """CSV, JSON lines, text, Markdown and HTML in one folder become documents; its axes.toml is fitted."""
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "a.csv").write_text("id,text,year\n1,a wolf,1999\n2,a sheep,2001\n")
    (source / "b.jsonl").write_text('{"id": "j", "text": "a loan shark", "tags": ["x"]}\n')
    (source / "deep" / "c.txt").write_text("A spider waits.")
    (source / "d.md").write_text("# Whales\n\nThey are huge.")
    (source / "e.html").write_text("<title>Mice</title><p>They are small.</p><script>alert(1)</script>")
    (source / "axes.toml").write_text('[size]\nlow = ["small"]\nhigh = ["large"]\n')
    (source / "README.md").write_text("not a document")
    result = run("ingest", source, "-i", folder, "-f", "json")
    assert counts(result) == {"added": 6, "updated": 0, "unchanged": 0, "removed": 0, "embedded": 6, "reused": 0,
                              "replaced": 0, "kept": 0}  # fmt: skip
    assert "Axes: size." in result.stderr
    with es.open(folder) as index:
        assert index.get("1").metadata == {"year": "1999"}
        assert index.get("j").metadata == {"tags": ["x"]}
        assert index.get("d.md").title == "Whales"
        assert index.get("e.html").text == "They are small."
        assert index.get("deep/c.txt").source.endswith("c.txt")
        assert list(index.axes) == ["size"]


def test_a_second_run_keeps_axes_that_were_changed_by_hand(tmp_path, folder):
    """Ratings, and an axis fitted from elsewhere, stay; what was changed in the folder's file alone is taken."""
    source, other = tmp_path / "source", tmp_path / "other.toml"
    source.mkdir()
    (source / "a.txt").write_text("a wolf")
    (source / "b.txt").write_text("a whale")
    text = "".join(f'[{name}]\nlow = ["small"]\nhigh = ["large"]\n' for name in ("size", "fitted", "plain"))
    (source / "axes.toml").write_text(text)
    other.write_text('[fitted]\nlow = ["meek"]\nhigh = ["fierce"]\n')
    rated = tmp_path / "rated.csv"
    rated.write_text("text,rating\nmouse,1\ncat,2\ndog,3\nhorse,4\nwhale,5\n")
    assert run("ingest", source, "-i", folder).exit_code == 0
    assert run("axes", "rate", "size", "--take", rated, "-i", folder).exit_code == 0
    assert run("axes", "fit", other, "-i", folder).exit_code == 0
    (source / "axes.toml").write_text(text.replace("small", "tiny"))
    for _ in range(2):
        again = run("ingest", source, "-i", folder)
        assert again.exit_code == 0
        assert "Axes: plain." in again.stderr
        kept = [
            line
            for line in again.stderr.splitlines()
            if line.startswith("Kept, because they were changed in the index")
        ]
        assert len(kept) == 1
        assert (
            f"size, fitted. To take them from the file instead: embedsearch axes fit {source / 'axes.toml'} -i {folder}"
            in kept[0]
        )
    with es.open(folder) as index:
        held = index.axes.definitions()
        assert held["size"].ratings == {"mouse": 1, "cat": 2, "dog": 3, "horse": 4, "whale": 5}
        assert (held["fitted"].low, held["plain"].low) == (("meek",), ("tiny",))
        assert index.axes.versions() == {"size": 2, "fitted": 2, "plain": 2}
    assert run("axes", "fit", source / "axes.toml", "-i", folder).exit_code == 0
    with es.open(folder) as index:
        assert index.axes.versions() == {"size": 3, "fitted": 3, "plain": 2}
        assert index.axes.definitions()["size"].low == ("tiny",)
    assert "Kept" not in run("ingest", source, "-i", folder).stderr


def test_a_second_run_embeds_nothing_and_says_so(tmp_path, folder):
    """The same files again: nothing is embedded, and the line on stderr says it; one new line embeds one text."""
    file = tmp_path / "a.csv"
    file.write_text("id,text\n1,a wolf\n2,a sheep\n")
    run("ingest", file, "-i", folder)
    again = run("ingest", file, "-i", folder)
    assert again.exit_code == 0
    assert "nothing new; 2 documents unchanged, 0 passages embedded" in again.stderr
    file.write_text("id,text\n3,a fox\n2,a sheep\n1,a wolf\n")
    assert counts(run("ingest", file, "-i", folder, "-f", "json")) == {
        "added": 1, "updated": 0, "unchanged": 2, "removed": 0, "embedded": 1, "reused": 0, "replaced": 0, "kept": 0,
    }  # fmt: skip


def test_records_that_take_the_place_of_another_files_are_told(tmp_path, folder):
    """As where the DOI is the id in the exports of two databases; with ids of each one's own all are kept."""
    (tmp_path / "scopus.csv").write_text(
        "title,text,doi,EID\nWolves,of wolves,10.5555/a,s1\nSheep,of sheep,10.5555/b,s2\n"
    )
    (tmp_path / "embase.csv").write_text(
        "title,text,doi,AN\nWolves,of wolves (C),10.5555/a,e1\nFoxes,of foxes,10.5555/c,e2\n"
    )
    told = "1 document replaced a document with the same id from another file."
    assert told not in run("ingest", tmp_path / "scopus.csv", "-i", folder).stderr
    assert told in run("ingest", tmp_path / "embase.csv", "-i", folder).stderr
    again = run("ingest", f"{tmp_path}/./embase.csv", "-i", folder)
    assert "nothing new; 2 documents unchanged" in again.stderr
    assert told not in again.stderr
    (tmp_path / "embase.csv").write_text(
        "title,text,doi,AN\nWolves,of wolves,10.5555/a,e1\nFoxes,of red foxes,10.5555/c,e2\n"
    )
    assert counts(run("ingest", tmp_path / "embase.csv", "-i", folder, "-f", "json"))["replaced"] == 0
    for name, key in (("scopus", "EID"), ("embase", "AN")):
        assert told not in run("ingest", tmp_path / f"{name}.csv", "--id", key, "-i", tmp_path / "all").stderr
    with es.open(tmp_path / "all") as index:
        assert sorted(index.ids()) == ["e1", "e2", "s1", "s2"]
        assert [(one.id, one.kept, one.by[0]) for one in index.duplicates()] == [("e1", "s1", "doi")]


def test_the_axes_of_a_folder_may_speak_of_its_documents(tmp_path, folder):
    """They are fitted when the documents are there, but what is wrong in their file is told before any is read."""
    source = tmp_path / "source"
    source.mkdir()
    rows = "".join(f"{number},the year of the {animal},{1990 + number}\n" for number, animal in enumerate(ANIMALS))
    (source / "a.csv").write_text("id,text,year\n" + rows)
    (source / "axes.toml").write_text('[time]\nfield = "yaer"\n[size]\nlow = ["small"]\nhigh = []\n')
    wrong = run("ingest", source, "-i", folder)
    assert wrong.exit_code == 2
    assert "'size' has nothing in 'high'" in wrong.stderr
    assert not folder.exists()
    (source / "axes.toml").write_text('[time]\nfield = "year"\n')
    done = run("ingest", source, "-i", folder)
    assert done.exit_code == 0, done.stderr
    assert "8 documents added" in done.stderr
    assert done.stderr.endswith("Axes: time.\n")
    assert run("axes", "list", "-f", "ids", "-i", folder).stdout == "time\n"


def test_fields_can_be_named(tmp_path, folder):
    """--text (several are joined), --title and --id name the fields; unknown ones are suggested."""
    file = tmp_path / "papers.csv"
    file.write_text("pmid,headline,abstract,methods\n7,Wolves,They hunt.,We watched.\n")
    words = ("ingest", file, "-i", folder, "--title", "headline", "--id", "pmid")
    assert run(*words, "--text", "abstract", "--text", "methods").exit_code == 0
    with es.open(folder) as index:
        document = index.get("7")
    assert (document.title, document.text) == ("Wolves", "They hunt.\n\nWe watched.")
    wrong = run(*words, "--text", "abstact")
    assert wrong.exit_code == 2
    assert "Did you mean 'abstract'?" in wrong.stderr


def test_stdin_is_a_source(folder):
    """JSON lines, and one document a line, can be piped in."""
    assert counts(run("ingest", "-", "-i", folder, "-f", "json", input='{"id": "a", "text": "wolf"}\n'))["added"] == 1
    assert counts(run("ingest", "-", "--as", "lines", "-i", folder, "-f", "json", input="one\ntwo\n"))["added"] == 2


def test_a_broken_line_is_named_and_can_be_skipped(tmp_path, folder):
    """By default ingest stops at a broken record and names file and line; with --on-error skip it goes on."""
    file = tmp_path / "a.jsonl"
    file.write_text('{"id": "a", "text": "wolf"}\n{"id": "b", "text": \n{"id": "c", "text": "fox"}\n')
    stopped = run("ingest", file, "-i", folder)
    assert stopped.exit_code == 2
    assert "a.jsonl:2" in stopped.stderr
    assert stopped.stderr.count("\n") == 1
    with es.open(folder) as index:
        assert index.info()["documents"] == 1  # what came before the broken line is kept
    skipped = run("ingest", file, "-i", folder, "--on-error", "skip", "-f", "json")
    assert counts(skipped)["added"] == 1
    assert "a.jsonl:2" in skipped.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"caf\xe9 \xff", "--encoding"),
        ("a.csv", b"a,b\n1,2\n", "--text"),
        ("a.csv", b"id,text\n1,x\n1,y\n", "the id '1' occurred before"),
        ("a.xyz", b"x", ".xyz"),
        ("a.pdf", b"no pdf", "a.pdf"),
        ("a.parquet", b"no parquet", "a.parquet"),
        ("a.jsonl", b"[1]\n", "a.jsonl:1"),
    ],
)
def test_files_that_cannot_be_read_are_one_clear_line(tmp_path, folder, name, content, message):
    """A file that cannot be read is named with the cause and the remedy, on one line, with exit code 2."""
    (tmp_path / name).write_bytes(content)
    result = run("ingest", tmp_path / name, "-i", folder)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1, result.stderr
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_dry_run_refuses_what_an_ingest_refuses(tmp_path, folder, monkeypatch):
    """Ids that occurred before, on two lines, or of another file: the same line, or with skip the same counts."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("a", "wolf"), ("b", "fox")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").write_text(text)
    assert run("ingest", "a/notes.txt", "-i", folder).exit_code == 0
    (tmp_path / "twice.csv").write_text("id,text\n1,x\n1,y\n2,z\n")
    (tmp_path / "broken.jsonl").write_text('{"id": "3\\n4", "text": "x"}\n{"id": "5", "text": "y"}\n')
    for file, said, added in (
        ("twice.csv", "the id '1' occurred before", 2),
        ("broken.jsonl", r"the id '3\n4' holds a line break", 1),
        ("b/notes.txt", "the id 'notes.txt', made from the name of the file", 0),
    ):
        words = ("ingest", file, "-i", folder)
        planned, done = run(*words, "--dry-run"), run(*words)
        assert (planned.exit_code, planned.stderr) == (2, done.stderr)
        assert said in done.stderr
        run("delete", "1", "-i", folder)
        planned = run(*words, "--on-error", "skip", "--dry-run", "-f", "json")
        done = run(*words, "--on-error", "skip", "-f", "json")
        assert said in planned.stderr
        assert counts(planned)["added"] == counts(done)["added"] == added


@pytest.mark.parametrize(
    ("chunk_words", "overlap", "most", "repeated"),
    [(40, 20, 20, 20), (40, 7, 7, 6), (40, None, 20, 20), (60, None, 25, 24), (3, 1, 1, 1), (1, None, 0, 0)],
)
def test_passages_repeat_what_info_says(tmp_path, folder, chunk_words, overlap, most, repeated):
    """The most words are those that were asked for, else 25 or half a passage."""
    (tmp_path / "long.txt").write_text(" ".join(f"w{number}" for number in range(500)))
    options = [] if overlap is None else ["--overlap", str(overlap)]
    run("ingest", tmp_path / "long.txt", "-i", folder, "--chunk-words", str(chunk_words), *options)
    with es.open(folder) as index:
        words = [set(passage.text.split()) for passage in index.passages(range(len(index)))]
        assert index.info()["overlap"] == most
    assert {len(one & other) for one, other in pairwise(words[:-1])} == {repeated}


def test_an_overlap_of_more_than_half_a_passage_is_refused(tmp_path, folder):
    """It is no number that passages could have; no index is made."""
    (tmp_path / "a.txt").write_text("a wolf")
    result = run("ingest", tmp_path / "a.txt", "-i", folder, "--chunk-words", "40", "--overlap", "21")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: passages of 40 words can repeat at most 20 of them (half a passage), not 21; "
        "ask for an overlap of 20 or less, or for longer passages\n"
    )
    assert not folder.exists()


def test_a_missing_file_makes_no_index(tmp_path, folder):
    """A typing error in a path is answered with the file meant."""
    (tmp_path / "phrases.csv").write_text("text\nwolf\n")
    result = run("ingest", tmp_path / "phrase.csv", "-i", folder)
    assert result.exit_code == 2
    assert "Did you mean" in result.stderr
    assert not folder.exists()


@LINUX
def test_names_of_files_that_are_no_utf8_are_written_out(tmp_path, folder):
    """Each file is a document with an id of its own, and is known again by a second run."""
    source = tmp_path / "source"
    source.mkdir()
    for name in (b"caf\xe9", b"caf\xe8", "café".encode()):
        Path(os.fsdecode(bytes(source) + b"/" + name + b".txt")).write_bytes(b"a wolf in a " + name.hex().encode())
    (source / os.fsdecode(b"odd\xff.xyz")).write_text("of no known format")
    assert counts(run("ingest", source, "-i", folder, "-f", "json"))["added"] == 3
    (source / os.fsdecode(b"caf\xe8.txt")).unlink()
    again = counts(run("ingest", source, "-i", folder, "--sync", "-f", "json"))
    assert (again["unchanged"], again["removed"]) == (2, 1)
    with es.open(folder) as index:
        assert index.get(r"caf\xe9.txt").text == "a wolf in a 636166e9"
        assert index.get(r"caf\xe9.txt").source == f"{source}{os.sep}caf\\xe9.txt"
        assert index.get("café.txt").text == "a wolf in a 636166c3a9"


@LINUX
def test_a_file_whose_name_is_no_utf8_is_synced(tmp_path, folder):
    """Records that such a file no longer holds go, where it is named itself."""
    file = tmp_path / os.fsdecode(b"caf\xe9.jsonl")
    file.write_text('{"text": "a wolf"}\n{"text": "a sheep"}\n')
    assert counts(run("ingest", file, "-i", folder, "-f", "json"))["added"] == 2
    file.write_text('{"text": "a wolf"}\n')
    again = counts(run("ingest", file, "-i", folder, "--sync", "-f", "json"))
    assert (again["unchanged"], again["removed"]) == (1, 1)


def test_odd_texts_are_kept(tmp_path, folder):
    """10 MB in one line, NUL bytes, right-to-left text and emoji are read, divided and found; blanks are told."""
    records = [
        {"id": "long", "text": "x" * 10_000_000},
        {"id": "nul", "text": "wolf\0sheep"},
        {"id": "rtl", "text": "الذئب يأكل الخروف"},
        {"id": "emoji", "text": "🐺🐑🕷️"},
        {"id": "blank", "text": "  "},
    ]
    file = tmp_path / "odd.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records[1:]))
    result = run("ingest", file, "-i", folder, "-f", "json")
    assert counts(result)["added"] == 3
    assert "odd.jsonl:4" in result.stderr
    hits = json.loads(run("search", "🐺🐑🕷️", "-k", 1, "-f", "json", "-i", folder).stdout)
    assert hits[0]["document"] == "emoji"


def test_chunking_belongs_to_the_index(tmp_path, folder):
    """--chunk-words divides documents; another value for the same index is refused."""
    file = tmp_path / "long.txt"
    file.write_text("One sentence here. " * 30)
    assert run("ingest", file, "--chunk-words", 12, "--overlap", 0, "-i", folder).exit_code == 0
    with es.open(folder) as index:
        assert len(index) == 8  # four sentences of three words a passage
    again = run("ingest", file, "--chunk-words", 20, "-i", folder)
    assert again.exit_code == 2
    assert "made with --chunk-words 12, not with 20" in again.stderr
    other = run("ingest", file, "--overlap", 5, "-i", folder)
    assert "made with --overlap 0, not with 5" in other.stderr
    assert f"embedsearch reindex --overlap 5 -i {folder}\n" in other.stderr
    assert run("ingest", file, "--chunk-words", 12, "-i", folder).exit_code == 0


def test_the_corpus_is_what_the_issue_asks(predation):
    """The shipped corpus has its columns, its size, its shares, unique ids and no shared sentence."""
    import csv
    import re

    with (CORPUS / "phrases.csv").open(encoding="utf-8", newline="") as stream:
        phrases = list(csv.DictReader(stream))
    assert list(phrases[0]) == ["id", "text", "kind", "domain"]
    assert len(phrases) >= 600
    assert len({phrase["id"] for phrase in phrases}) == len(phrases)
    assert len({phrase["text"].lower() for phrase in phrases}) == len(phrases)
    kinds = {"animal", "plant", "person", "organisation", "act", "thing", "place", "event"}
    assert {phrase["kind"] for phrase in phrases} == kinds
    assert {phrase["domain"] for phrase in phrases} == {"nature", "society", "both", "neither"}
    wanted = {"sheep", "spider", "politician", "wolf", "shark", "loan shark", "con artist", "blue whale", "plankton",
              "hedge fund", "charity"}  # fmt: skip
    assert wanted <= {phrase["text"] for phrase in phrases}
    articles = [json.loads(line) for line in (CORPUS / "articles.jsonl").read_text("utf-8").splitlines()]
    assert len(articles) >= 120
    assert 0.40 <= sum(article["relevant"] for article in articles) / len(articles) <= 0.50
    seen: dict[str, str] = {}
    for article in articles:
        assert list(article) == ["id", "title", "text", "domain", "topic", "year", "relevant"]
        assert 120 <= len(article["text"].split()) <= 400, article["id"]
        for sentence in re.split(r"(?<=[.!?])\s+", article["text"]):
            if len(sentence.split()) > 5:
                assert seen.setdefault(sentence, article["id"]) == article["id"]
    with es.open(predation) as index:
        assert index.info()["documents"] == len(phrases) + len(articles)


@pytest.mark.parametrize("id", ["a\nb", "a\rb", "a\r\nb"])
def test_an_id_with_a_line_break_is_refused(tmp_path, id):
    """Lists of ids have one a line: such an id would delete others; `--on-error skip` passes it over by name."""
    lines = [json.dumps({"id": one, "text": f"text {one}"}) for one in (id, "a", "b")]
    (tmp_path / "d.jsonl").write_text("\n".join(lines))
    refused = run("ingest", tmp_path / "d.jsonl", "-i", tmp_path / "i")
    assert refused.exit_code == 2
    assert f"d.jsonl:1: the id {id!r} holds a line break; wanted an id on one line" in refused.stderr
    skipped = run("ingest", tmp_path / "d.jsonl", "--on-error", "skip", "-i", tmp_path / "i")
    assert f"the id {id!r} holds a line break" in skipped.stderr
    with es.open(tmp_path / "i") as index:
        assert index.ids() == ["a", "b"]
        with pytest.raises(es.SourceError, match="holds a line break"):
            index.add([es.Document(id, "text")])
    with pytest.raises(es.QueryError, match="would be read as several ids"):
        write([{"id": id}], "ids")
