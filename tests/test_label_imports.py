"""A whole import of labels taken back."""

import json

import pytest
from conftest import run
from labelled_papers import write

import embedsearch as es
from embedsearch.testing import HashEncoder


def held_by(labels):
    """Return the labels that stand as {id: (value, by)}."""
    return {id: (label.value, label.by) for id, label in labels.items()}


def test_an_import_is_taken_back_whole(papers, tmp_path):
    """What it overruled holds again, what was labelled since stays, and the journal has an event for each."""
    labels = papers.labels
    labels.add("p1", "relevant", author="ada")
    labels.take(write(tmp_path, "id,label\np1,0\np2,1\np3,0\np4,1\n", "wrong.csv"))
    labels.add("p3", "relevant", author="ada")
    labels.undo(6)  # that of p4
    back = labels.undo_import(author="ben")
    assert (back.number, back.file, back.labels, back.restored, back.kept) == (2, "wrong.csv", 3, 1, 1)
    assert held_by(labels) == {"p1": (1.0, ""), "p3": (1.0, "")}
    assert [(event.kind, event.document, event.details.get("undoes")) for event in labels.history()[6:]] == [
        ("label", "p3", None), ("undo", "p4", 6), ("undo", "p1", 3), ("undo", "p2", 4), ("undo", "p3", 5),
    ]  # fmt: skip
    assert {event.author for event in labels.history()[8:]} == {"ben"}
    labels.undo(7)
    assert "p3" not in labels, "the label of the import does not come back from below"


def test_the_last_import_is_taken_back_or_the_one_that_is_named(papers, tmp_path):
    """A second time it is the import before; none is taken back twice, and a number that is none is told."""
    labels = papers.labels
    for number in range(1, 4):
        labels.take(write(tmp_path, f"id,label\np{number},1\n", f"{number}.csv"))
    assert (labels.undo_import(1).file, list(labels)) == ("1.csv", ["p2", "p3"])
    assert [labels.undo_import().file for _ in range(2)] == ["3.csv", "2.csv"]
    for number, said in (
        (None, "there is no import to undo in the screening 'main'$"),
        (1, "no import number 1 to undo in the screening 'main' any more: it was undone already"),
        (2, "no import number 2 to undo .* that is a label: embedsearch screen undo 2"),
        (99, "no import number 99 to undo in the screening 'main'$"),
    ):
        with pytest.raises(es.QueryError, match=said):
            labels.undo_import(number)
    with pytest.raises(es.QueryError, match=r"no label number 1 .* an import: embedsearch screen undo --import 1"):
        labels.undo(1)
    assert labels.take(tmp_path / "1.csv").labelled == 1
    assert held_by(labels) == {"p1": (1.0, "import")}
    with pytest.raises(es.QueryError, match="no import to undo in the screening 'second'"):
        labels.named("second").undo_import()


def test_an_import_that_changes_nothing_or_fails_is_no_event(papers, tmp_path):
    """Neither is there to be undone."""
    file = write(tmp_path, "id,label\np1,1\n")
    assert [papers.labels.take(file).labelled for _ in range(2)] == [1, 0]
    with pytest.raises(es.SourceError):
        papers.labels.take(write(tmp_path, "id,label\np2,1\np9,1\n", "broken.csv"))
    assert [event.kind for event in papers.labels.history()] == ["import", "label"]


def test_the_command_takes_an_import_back(papers, tmp_path):
    """It tells which file, when it came, and what became of its labels; nothing left to undo leaves with 2."""
    run("screen", "label", "p1", "--relevant", "-i", papers.path)
    file = write(tmp_path, "id,label\np1,0\np2,1\np3,0\np4,0\n", "wrong\n\udce4.csv")
    assert run("screen", "import", file, "-i", papers.path).exit_code == 0
    run("screen", "label", "p3", "--relevant", "-i", papers.path)
    time = papers.labels.history()[1].time
    done = run("screen", "undo", "--import", "-i", papers.path)
    assert done.stderr == (
        f"{papers.path}: 4 labels of wrong \\udce4.csv, imported {time}, taken back. "
        "Documents not labelled now: 2; labelled as before: 1; labelled since, left so: 1.\n"
    )
    again = run("screen", "undo", "--import", "2", "-i", papers.path)
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    record = json.loads(run("screen", "report", "-f", "json", "-i", papers.path).stdout)
    shown = next(event for event in record["events"] if event["kind"] == "import")
    assert (shown["event"], shown["file"], shown["labels"]) == (2, "wrong \\udce4.csv", 4)
    assert sum(event["kind"] == "undo" for event in record["events"]) == 4


def test_what_is_labelled_while_a_file_is_read_is_told_to_be_overruled(papers, tmp_path, monkeypatch):
    """Whom the file overrules is asked when nobody else can write any more."""
    file, told = write(tmp_path, "id,label\np1,0\n"), []
    lock = papers._store.locked

    def late(wait):
        monkeypatch.setattr(papers._store, "locked", lock)
        with es.open(papers.path, HashEncoder(8)) as other:
            other.labels.add("p1", "relevant", author="ada")
        return lock(wait)

    monkeypatch.setattr(papers._store, "locked", late)
    assert papers.labels.take(file, reading={"report": told.append}).overruled == 1
    assert told == [f"{file}:2: 'p1' was labelled relevant by ada; overruled by not relevant"]
