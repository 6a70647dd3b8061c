"""What labels were given to: who ingests something else under a labelled id is told."""

import logging

import pytest

import embedsearch as es
from embedsearch.cli.reading_commands import _Desk
from embedsearch.screening import Screening
from embedsearch.screening.exporting import label_records
from embedsearch.store import Event
from embedsearch.testing import HashEncoder

RECORDS = ["wolves hunt deer in packs at night", "prices of grain fell on the market", "a spider spins its web at dusk"]
NEW = "sheep graze on the slope all day long"


@pytest.fixture
def made(tmp_path):
    """Return an index of a CSV without ids, and what ingests another state of it; the second record is labelled."""
    file = tmp_path / "p.csv"

    def ingest(*texts, **options):
        file.write_text("".join(f"{line}\n" for line in ("abstract", *texts)), "utf-8")
        return index.add(es.read(file), **options)

    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        ingest(*RECORDS)
        index.labels.add("p.csv#2", "relevant")
        index.ingest = ingest
        yield index


def told(caplog):
    """Return the warnings since it was asked last."""
    found = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    caplog.clear()
    return found


def test_a_record_that_moves_in_its_file_is_told(made, caplog):
    """Ids that are numbers are other records' once one is added before them; the former file puts that right."""
    made.ingest(NEW, *RECORDS)
    (said,) = told(caplog)
    assert (
        "1 labelled id is no longer the text that was judged: 'p.csv#2'. The labels were given to the text before it"
        in said
    )
    assert made.get("p.csv#2").text == RECORDS[0]
    made.ingest(*RECORDS)
    assert len(told(caplog)) == 1
    assert made.get("p.csv#2").text == RECORDS[1]


def test_labels_of_every_screening_are_looked_at(made, caplog):
    """Those that stand: one that was taken back is nobody's."""
    made.labels.undo()
    made.labels.named("second").add(["p.csv#1", "p.csv#3"], "undecided")
    made.ingest(NEW, *RECORDS)
    (said,) = told(caplog)
    assert "2 labelled ids are no longer the text that was judged: 'p.csv#1', 'p.csv#3'. The" in said


@pytest.mark.parametrize("text", [f"{RECORDS[1]} today", RECORDS[1].upper(), f"{RECORDS[1]} (corrected)"])
def test_a_record_that_is_corrected_is_the_same(made, caplog, text):
    """Its label is right as before; nor is anything told of what has no label."""
    assert made.ingest(NEW, text, RECORDS[2]).updated == 2
    assert told(caplog) == []


def test_a_record_under_the_id_of_one_that_was_deleted_is_told(made, caplog):
    """The label holds again when its record is back, and when another comes, which is told."""
    made.delete("p.csv#2")
    made.ingest(*RECORDS)
    assert told(caplog) == []
    made.delete("p.csv#2")
    made.ingest(RECORDS[0], NEW)
    (said,) = told(caplog)
    assert "1 labelled id is no longer the text that was judged: 'p.csv#2'. The" in said


def test_labels_that_do_not_say_what_was_judged_are_taken_at_their_word(made, caplog):
    """So are those of an index that was labelled before this was kept."""
    with made.labels.alone():
        made._store.labels.append([Event(0, "main", "label", "p.csv#1", 1.0, "ada", "2026-01-01T00:00:00+00:00", {})])
    assert made.labels["p.csv#1"].seen == ""
    made.delete("p.csv#1")
    made.ingest(NEW, RECORDS[1])
    assert told(caplog) == []


def test_it_is_told_where_the_ingest_fails(made, caplog):
    """What was committed by then will not be told again."""

    def broken():
        yield es.Document("p.csv#2", NEW)
        raise es.SourceError("the rest cannot be read")

    with pytest.raises(es.SourceError, match="the rest"):
        made.add(broken())
    assert "'p.csv#2'" in told(caplog)[0]
    assert made.get("p.csv#2").text == NEW


def test_damaged_labels_keep_nobody_from_adding(made, caplog):
    """They are for verify to name."""
    made._store.database.execute("DROP TRIGGER labels_stay")
    made._store.database.execute("UPDATE labels SET author = 'eve'")
    assert made.ingest(NEW, *RECORDS).updated == 3
    assert told(caplog) == []


@pytest.mark.parametrize(("text", "title"), [(NEW, ""), (RECORDS[0], "A title")])
def test_what_has_changed_since_it_was_shown_is_read_again(made, capsys, text, title):
    """A label is of what was read: another text or title under that id is shown before it can have one."""
    desk = _Desk(Screening(made), "random", "ada")
    shown = desk._proposal()
    assert shown.id in ("p.csv#1", "p.csv#3")
    made.add(es.Document(shown.id, text if text != shown.text else RECORDS[1], title=title))
    desk._act("r", shown)
    assert f"Not labelled: {shown.id!r} has changed since it was shown" in capsys.readouterr().err
    assert set(made.labels) == {"p.csv#2"}
    again = desk._proposal()
    assert (again.id, again.title, again.text) == (shown.id, title, made.get(shown.id).text)
    desk._act("r", again)
    assert set(made.labels) == {"p.csv#2", shown.id}


def test_another_field_is_no_other_record(made):
    """What was read are title and text."""
    desk = _Desk(Screening(made), "random", "ada")
    shown = desk._proposal()
    made.add(es.Document(shown.id, shown.text, metadata={"year": 2001}))
    desk._act("n", shown)
    assert made.labels[shown.id].value == 0


# -- labels from a file -------------------------------------------------------------------------------------

TITLES = {"1": "Wolves of the north: nine packs", "2": "Grain prices", "3": "The web at dusk", "4": ""}


@pytest.fixture
def titled(tmp_path):
    """Return an index of four records, the last one without a title, and what imports lines of CSV into it."""
    file = tmp_path / "labels.csv"

    def take(*lines):
        file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        told = []
        index.labels.take(file, reading={"report": told.append})
        return told

    with es.Index.create(tmp_path / "titled", HashEncoder()) as index:
        index.add(es.Document(id, f"the text of {id}", title=title) for id, title in TITLES.items())
        index.take = take
        yield index


def test_a_file_of_another_review_is_told(titled):
    """Ids that are numbers fit any index; the titles beside them say that the labels are of other records."""
    told = titled.take(
        "id,label,title", "1,1,Grain prices", "2,0,Wolves of the north", "3,1,The web at dusk", "4,1,Any"
    )
    (said,) = told
    assert ":2: '1' is 'Grain prices' here and 'Wolves of the north: nine packs' in the index, and 1 other" in said
    assert said.endswith("To take them back: embedsearch screen undo --import")
    assert len(titled.labels) == 4


@pytest.mark.parametrize(
    "lines",
    [
        ("id,label,title", "1,1,WOLVES OF THE NORTH.", "2,0,Grain &amp; prices", "3,1,"),
        ("id,label,name", "1,1,Ada", "2,0,Ben"),
        ("id,label", "1,1", "2,0"),
    ],
)
def test_a_title_that_is_spelled_otherwise_is_the_same(titled, lines):
    """Nor is anything told where the file has no titles, or the name of who judged."""
    assert titled.take(*lines) == []


def test_what_is_brought_back_is_its_own(titled):
    """An export has the titles of its records."""
    titled.labels.add(list(TITLES), "relevant")
    rows = [f'{one["id"]},{one["label"]},"{one["title"]}"' for one in label_records(Screening(titled))]
    titled.labels.add(list(TITLES), "undecided")
    assert not [said for said in titled.take("id,label,title", *rows) if "in the index" in said]
