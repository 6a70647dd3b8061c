"""Broken records: each is one line with its place, and nothing else is lost."""

from __future__ import annotations

import click
import pytest
from conftest import run

import embedsearch as es
from embedsearch.testing import HashEncoder

CSV = "id,text\n1,wolf\n2,sheep\n"
RIS = "TY  - JOUR\nID  - 1\nTI  - wolf\nER  - \n\nTY  - JOUR\nID  - 2\nTI  - sheep\nER  - \n\n"
BIB = "@misc{k1, title = {wolf}}\n@misc{k2, title = {sheep}}\n"
NBIB = "PMID- 1\nTI  - wolf\n\nPMID- 2\nTI  - sheep\n\n"

BROKEN = [
    ("bad.csv", CSV + '3,"a" b\n4,fox\n', "bad.csv:4: text behind a closing quote", 3),
    ("bad.csv", CSV + '3,"never closed\n4,fox\n', "bad.csv:4: a quote opens in this record and is never closed", 3),
    ("bad.csv", CSV + "3\n4,fox\n", "bad.csv:4: 1 field where the header names 2", 3),
    ("twice.csv", CSV + "1,hare\n4,fox\n", "twice.csv:4: the id '1' occurred before in this run", 3),
    ("cut.ris", RIS + "TY  - JOUR\nTI  - cut", "cut.ris:11: the reference that begins here is cut off", 2),
    ("twice.ris", RIS + RIS.replace("2", "3"), "twice.ris:11: the id '1' occurred before in this run", 3),
    ("open.bib", "@misc{k0, title = {open}\n" + BIB, "open.bib:1: the entry that begins here is not closed", 2),
    ("twice.bib", BIB + BIB.replace("k2", "k3"), "twice.bib:3: the id 'k1' occurred before in this run", 3),
    ("lost.nbib", "TI  - lost\n\n" + NBIB, "lost.nbib:1: a line outside of a citation", 2),
    ("twice.nbib", NBIB + NBIB.replace("2", "3"), "twice.nbib:7: the id '1' occurred before in this run", 3),
]


@pytest.fixture
def path(tmp_path):
    """Return the folder of an empty index."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as made:
        made.add([])
    return tmp_path / "index"


@pytest.mark.parametrize(("name", "text", "said", "kept"), BROKEN)
def test_ingest_names_what_is_broken_and_can_go_on(tmp_path, monkeypatch, name, text, said, kept):
    """One line and exit code 2; with --on-error skip one line, and every other record is in the index."""
    monkeypatch.setattr("embedsearch.cli.document_commands._open_or_create", lambda path, *_: _index(path))
    file = tmp_path / name
    file.write_text(text, "utf-8", newline="")
    stopped = run("ingest", file, "-i", tmp_path / "stopped")
    assert (stopped.exit_code, stopped.stderr.count("\n")) == (2, 1)
    assert said in stopped.stderr
    skipped = run("ingest", file, "--on-error", "skip", "-i", tmp_path / "skipped", "-f", "json")
    assert skipped.exit_code == 0, skipped.stderr
    assert [said in line for line in skipped.stderr.splitlines()] == [True, False]
    assert f'"added": {kept},' in skipped.stdout


def _index(path: str) -> es.Index:
    """Return a new index that the command closes."""
    index = es.Index.create(path, HashEncoder())
    click.get_current_context().call_on_close(index.close)
    return index


def test_documents_with_one_id_are_told_and_left_out(path):
    """The first stands; each later one is told, whether it came in the same batch or not."""
    told: list[es.SourceError] = []
    documents = [es.Document("a", "wolf", source="x:1"), es.Document("a", "sheep", source="x:2")]
    documents += [es.Document(f"d{number}", f"hare {number}") for number in range(1500)]
    with es.open(path, HashEncoder()) as index:
        report = index.add([*documents, es.Document("a", "fox", source="x:9")], repeated=told.append)
        assert index.get("a").text == "wolf"
    assert (report.added, report.updated, report.unchanged) == (1501, 0, 0)
    assert [str(error)[:4] for error in told] == ["x:2:", "x:9:"]


def test_identical_records_are_embedded_once(tmp_path, path):
    """Records that are the same but have no id are documents of their own with one vector between them."""
    file = tmp_path / "same.csv"
    file.write_text("text\n" + "the wolf waits\n" * 3000, "utf-8")
    with es.open(path, HashEncoder()) as index:
        report = index.add(es.read(file))
    assert (report.added, report.embedded, report.reused) == (3000, 1, 2999)
