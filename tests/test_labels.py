"""Labels: given, taken back, kept through everything that happens to an index, and safe from what can happen to it."""

import os
import resource
import shutil
import signal
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from conftest import ROOT, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from processes import PROCESSES

import embedsearch as es
from embedsearch.index import upkeep
from embedsearch.index.label import Decision, Label, default_author, label_value
from embedsearch.index.label_files import parsed_label
from embedsearch.store import Store
from embedsearch.testing import HashEncoder

IDS = [f"d{number}" for number in range(6)]
VALUES = {"relevant": 1.0, "not relevant": 0.0, "undecided": None, 0.7: 0.7, 1: 1.0, None: None}


def documents(ids=IDS):
    """Return one short document an id."""
    return [es.Document(id, f"the text of {id}") for id in ids]


@pytest.fixture
def made(tmp_path):
    """Return an index of six documents."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(documents())
        yield index


def standing(index, name="main"):
    """Return the labels that stand, as (id, value)."""
    return [(label.document, label.value) for label in index.labels.named(name).values()]


# -- giving and taking back ---------------------------------------------------------------------------------


def test_a_label_is_kept_with_all_that_is_known_of_it(made):
    """Value, note, author, time and number are those given; the name says what the value means."""
    (label,) = made.labels.add("d1", "relevant", note="see page 3", author="ada")
    assert (label.value, label.note, label.author, label.by, label.rank, label.number) == (
        1.0, "see page 3", "ada", "", None, 1,
    )  # fmt: skip
    assert label.time.endswith("+00:00")
    assert label == made.labels["d1"]
    made.labels.add("d2", 0.25)
    made.labels.add("d3", None)
    assert {id: (one.name, one.is_relevant) for id, one in made.labels.items()} == {
        "d1": ("relevant", True),
        "d2": ("0.25", False),
        "d3": ("undecided", False),
    }
    assert made.labels["d2"].author == default_author()
    assert made.labels["d1"].to_dict() == {
        "id": "d1", "label": "relevant", "value": 1.0, "note": "see page 3", "author": "ada", "time": label.time,
        "by": "", "rank": None, "number": 1,
    }  # fmt: skip


def test_a_note_is_kept_as_text_alone(made):
    """Escape sequences lose what a terminal would obey, line ends stay, spaces around it go; so for a name."""
    (label,) = made.labels.add("d1", 1, note="  see\x1b[31m p. 3\r\n\tred\x07\x9b ", author=" ada\x1b\nl. ")
    assert (label.note, label.author) == ("see [31m p. 3\n red", "ada l.")
    assert made.labels["d1"] == label


@given(st.floats(0, 1))
def test_a_grade_is_named_by_a_text_that_is_read_as_the_same_number(value):
    """A grade just below .5 does not become relevant on its way through a file."""
    name = Label("d", value, "", "", "", "", None, 1).name
    assert parsed_label(name, "here") == (value, True)
    assert Label("d", 0.4999996, "", "", "", "", None, 1).name == "0.4999996"


def test_undoing_brings_back_what_was_there_before(made, monkeypatch):
    """A label that replaced another gives way to it; nothing leaves the history."""
    made.labels.add("d1", "relevant")
    made.labels.add("d1", "not relevant")
    assert made.labels.undo().value == 0.0
    assert made.labels["d1"].value == 1.0
    assert made.labels.undo(1).number == 1
    assert "d1" not in made.labels
    assert [(event.kind, event.value, event.details.get("undoes")) for event in made.labels.history()] == [
        ("label", 1.0, None),
        ("label", 0.0, None),
        ("undo", None, 2),
        ("undo", None, 1),
    ]
    assert [made.labels.is_undone(number) for number in (1, 2, 3)] == [True, True, False]
    monkeypatch.setattr("embedsearch.store.labels._FETCHED", 2)  # a longer journal is read in parts
    assert made.labels.named("main").history() == made.labels.history()
    assert made._store.labels.damaged() == []


def test_what_cannot_be_undone_is_said(made):
    """An unknown number, a number undone already, and no label at all each have their message."""
    with pytest.raises(es.QueryError, match="no label to undo in the screening 'main'"):
        made.labels.undo()
    made.labels.add("d1", 1)
    with pytest.raises(es.QueryError, match="no label number 7 to undo"):
        made.labels.undo(7)
    made.labels.undo(1)
    with pytest.raises(
        es.QueryError, match="no label number 1 to undo in the screening 'main' any more: it was undone"
    ):
        made.labels.undo(1)


@pytest.mark.parametrize(
    ("value", "message"),
    [("relevnt", "no label 'relevnt'. Did you mean 'relevant'"), (1.5, "not 1.5"), (-0.1, "0 .*not -0.1"),
     (float("nan"), "not nan")],
)  # fmt: skip
def test_a_value_that_is_none_is_refused(made, value, message):
    """Nothing but the three names and numbers from 0 to 1 is a label; nothing is written."""
    with pytest.raises(es.QueryError, match=message):
        made.labels.add("d1", value)
    assert made.labels.history() == []


def test_labels_are_given_all_or_none(made):
    """One unknown id among many, or a note that is no UTF-8, and nothing is labelled."""
    with pytest.raises(es.QueryError, match="no document 'd9'; nothing was labelled"):
        made.labels.add(["d1", "d9"], "relevant")
    with pytest.raises(es.QueryError, match="UTF-8"):
        made.labels.add_all([Decision("d1", 1), Decision("d2", 1, note="\udc80")])
    assert len(made.labels) == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"note": "\udc80"}, "the note '\\\\udc80' holds bytes that are not UTF-8"),
        ({"note": 5}, "the note is 5 .int., wanted a text"),
        ({"author": "\udc80"}, "the author '\\\\udc80' holds bytes that are not UTF-8"),
        ({"by": "\udc80"}, "what proposed a document '\\\\udc80' holds bytes that are not UTF-8"),
    ],
)
def test_what_is_kept_with_a_label_is_text(made, given, said):
    """Notes and names that cannot be kept are refused as other texts are; so is the name of a screening."""
    with pytest.raises(es.QueryError, match=said):
        made.labels.add("d1", 1, **given)
    with pytest.raises(es.QueryError, match="the name of a screening is 5"):
        made.labels.named(5)
    assert made.labels.history() == []


def test_what_was_not_kept_is_not_remembered(made):
    """Labels that were read within a block that fails are gone with it, and later ones are all seen."""

    def broken_off():
        with made.labels.alone():
            made.labels.add("d1", "relevant")
            assert list(made.labels) == ["d1"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_off()
    assert standing(made) == []
    made.labels.add("d2", "relevant")
    assert standing(made) == [("d2", 1.0)]
    assert [event.number for event in made.labels.history()] == [1]


def test_a_document_that_goes_meanwhile_is_not_labelled(made, monkeypatch):
    """Whether there is such a document is asked when nobody else can write any more."""
    lock = made._store.locked

    def late(wait):
        with es.open(made._store.path, HashEncoder()) as other:
            other.delete(["d1"])
        return lock(wait)

    monkeypatch.setattr(made._store, "locked", late)
    with pytest.raises(es.QueryError, match="no document 'd1'; nothing was labelled"):
        made.labels.add("d1", "relevant")


def test_a_label_remembers_what_proposed_it(made):
    """The last proposal that showed a document, and its place there; what is said with the label wins."""
    made.labels.record("shown", {"by": "uncertain", "ids": ["d1", "d2"]})
    made.labels.record("audit", {"ids": ["d3", "d4"], "seed": 1})
    made.labels.record("shown", {"by": "likely", "ids": ["d5", "d1"]})
    made.labels.add(["d1", "d2", "d4", "d0"], 1)
    made.labels.add("d3", 1, by="import")
    assert [(label.document, label.by, label.rank) for label in made.labels.values()] == [
        ("d1", "likely", 2),
        ("d2", "uncertain", 2),
        ("d4", "audit", 2),
        ("d0", "", None),
        ("d3", "import", None),
    ]


def test_nobody_overrules_another_unawares(made):
    """Who was shown a record as unread is told what it was labelled since, and nothing of the request is kept."""
    with es.open(made.path) as other:
        assert "d1" not in other.labels
        made.labels.add("d1", "relevant", author="ada")
        with pytest.raises(es.QueryError, match="'d1' was labelled relevant by ada in the meantime; that label stands"):
            other.labels.add(["d0", "d1"], "not relevant", author="ben", only_unread=True)
        assert standing(made) == [("d1", 1.0)]
        made.labels.undo()
        other.labels.add("d1", "not relevant", author="ben", only_unread=True)
    assert (made.labels["d1"].value, made.labels["d1"].author) == (0.0, "ben")


def test_screenings_of_an_index_keep_apart(made):
    """Each has labels and undos of its own; their names are told."""
    second = made.labels.named("tumours")
    made.labels.add("d1", "relevant")
    second.add("d1", "not relevant")
    assert made.labels.names() == ["main", "tumours"]
    assert (made.labels["d1"].value, second["d1"].value) == (1.0, 0.0)
    with pytest.raises(es.QueryError, match="no label number 1 to undo in the screening 'tumours'"):
        second.undo(1)
    for name in ("", " ", "a\nb"):
        with pytest.raises(es.QueryError, match="cannot be called"):
            made.labels.named(name)


def test_labels_outlive_their_documents(made):
    """A document that is deleted, compacted away and added again has the label it had."""
    made.labels.add("d1", "relevant", author="ada")
    made.delete(["d1"])
    made.compact()
    assert made.labels["d1"].author == "ada"
    made.add(documents(["d1"]))
    assert standing(made) == [("d1", 1.0)]
    with pytest.raises(es.QueryError, match="no document 'd7'"):
        made.labels.add("d7", 1)


def test_another_process_sees_a_label_at_once(made):
    """A reader that was open before sees what a writer has labelled since."""
    with es.open(made._store.path) as reader:
        assert len(reader.labels) == 0
        made.labels.add("d1", "relevant")
        made.labels.add("d1", "undecided")
        assert standing(reader) == [("d1", None)]


class LabelMachine(RuleBasedStateMachine):
    """Any sequence of labelling, undoing, deleting, compacting and reopening, beside a plain list."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.index = es.Index.create(Path(self.folder.name) / "index", HashEncoder())
        self.index.add(documents())
        self.held = set(IDS)
        self.given: list[tuple[int, str, str, float | None]] = []
        self.events = 0

    def teardown(self):
        self.index.close()
        self.folder.cleanup()

    @rule(id=st.sampled_from(IDS), value=st.sampled_from(list(VALUES)), name=st.sampled_from(["main", "second"]))
    def label(self, id, value, name):
        if id not in self.held:
            with pytest.raises(es.QueryError, match="no document"):
                self.index.labels.named(name).add(id, value)
            return
        self.events += 1
        (label,) = self.index.labels.named(name).add(id, value)
        assert label.number == self.events
        self.given.append((self.events, name, id, VALUES[value]))

    @precondition(lambda self: self.given)
    @rule(which=st.integers(0, 99))
    def undo(self, which):
        number, name, id, value = self.given.pop(which % len(self.given))
        label = self.index.labels.named(name).undo(number)
        assert (label.document, label.value) == (id, value)
        self.events += 1

    @rule(id=st.sampled_from(IDS))
    def delete_or_bring_back(self, id):
        if id in self.held:
            self.index.delete([id])
        else:
            self.index.add(documents([id]))
        self.held ^= {id}

    @rule()
    def compact(self):
        self.index.compact()

    @rule()
    def reopen(self):
        self.index.close()
        self.index = es.open(self.index.path, HashEncoder())

    @invariant()
    def labels_are_those_of_the_list(self):
        for name in ("main", "second"):
            expected: dict[str, float | None] = {}
            for _, own, id, value in self.given:
                if own == name:
                    expected[id] = value
            assert dict(standing(self.index, name)) == expected


def test_any_sequence_of_labels_is_that_of_a_plain_list():
    """Labels that stand are the last of each document that were not undone, whatever else happens to the index."""
    few = settings(max_examples=8, stateful_step_count=20, suppress_health_check=list(HealthCheck), deadline=None)
    run_state_machine_as_test(LabelMachine, settings=few)


# -- what can happen to them --------------------------------------------------------------------------------


def label_for_ever(folder, begun):
    """Label one document after another until killed, each in an event of its own, and say how many are committed."""
    with es.open(folder, HashEncoder()) as index:
        for number in range(10**6):
            index.labels.add(IDS[number % 6], number % 2, author="worker")
            begun.value = number + 1


@pytest.mark.parametrize("seed", range(3))
def test_a_process_killed_while_labelling_loses_no_label(tmp_path, seed):
    """After kill -9 at any moment every label whose writing had returned is there, and at most one more."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(documents())
    done = PROCESSES.Value("q", 0)
    process = PROCESSES.Process(target=label_for_ever, args=(tmp_path / "index", done))
    process.start()
    while done.value < 5 + seed * 7:
        process.join(0.002)
    process.kill()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    with es.open(tmp_path / "index", HashEncoder()) as index:
        events = index.labels.history()
        assert done.value <= len(events) <= done.value + 1
        assert [event.value for event in events] == [number % 2 for number in range(len(events))]
        index.labels.undo()
    assert upkeep.verify(tmp_path / "index").is_sound


def upgrade_and_die(folder):
    """Die where an upgrade has made its tables and not committed yet."""
    store = Store.open(folder)
    store.database.seal_schema = lambda: os.kill(os.getpid(), signal.SIGKILL)
    with store.locked():
        store.upgrade()


def test_a_process_killed_in_the_upgrade_leaves_the_old_index(tmp_path):
    """An index of format 1 is of format 1 after a kill in the middle, and its first label upgrades it whole."""
    folder = shutil.copytree(ROOT / "tests" / "golden" / "format-1", tmp_path / "index")
    process = PROCESSES.Process(target=upgrade_and_die, args=(folder,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    with es.open(folder) as index:
        assert index.info()["format"] == 1
        assert len(index.labels) == 0
        index.labels.add("id-wolf", "relevant")
        assert index.info()["format"] == 3
    assert upkeep.verify(folder).is_sound


def test_a_reader_opened_before_an_upgrade_goes_on(tmp_path):
    """One who had an index of format 1 open sees the labels that were written after it was upgraded."""
    folder = shutil.copytree(ROOT / "tests" / "golden" / "format-1", tmp_path / "index")
    with es.open(folder) as reader, es.open(folder) as writer:
        assert len(reader.labels) == 0
        writer.labels.add("id-wolf", 0.5)
        assert standing(reader) == [("id-wolf", 0.5)]
        assert reader.search("sheep", k=1)[0].text == "sheep"


def test_labelling_beside_an_ingest_is_refused_with_a_reason(made):
    """There is one writer: the second is told so at once, and what it wanted to label stays as it was."""
    with es.open(made._store.path, HashEncoder()) as other, made._store.locked():
        with pytest.raises(es.StoreError, match=r"another process is writing to .*index; wait until it has finished"):
            other.labels.add("d1", "relevant")
        assert len(other.labels) == 0


def label_on_a_full_disk(folder, answer):
    """Label until no file may grow any more, and say how many labels were given and why it ended."""
    given = 0
    try:
        with es.open(folder, HashEncoder()) as index:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
            for number in range(1000):
                index.labels.add(IDS[number % 6], number % 2, note="x" * 200)
                given += 1
        answer.send((given, "done"))
    except es.StoreError as error:
        answer.send((given, str(error)))


def test_a_full_disk_refuses_a_label_and_loses_none(made):
    """One sentence says so; every label before is there, and there can be more when there is room again."""
    mine, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=label_on_a_full_disk, args=(made.path, theirs))
    process.start()
    process.join(60)
    given, message = mine.recv()
    assert "What was committed before is safe" in message
    assert "\n" not in message
    assert len(made.labels.history()) == given > 5
    made.labels.add("d1", "relevant")
    assert upkeep.verify(made.path).is_sound


def label_many(folder, name):
    """Label 30 times, as one of several at once."""
    with es.open(folder, HashEncoder()) as index:
        for number in range(30):
            index.labels.add(IDS[number % 6], number % 2, author=name)


def test_several_can_label_at_once(made):
    """Each waits for the others' milliseconds: all labels are there, each number once, each author's in order."""
    processes = [PROCESSES.Process(target=label_many, args=(made.path, name)) for name in ("ada", "bob", "eve")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    events = made.labels.history()
    assert [event.number for event in events] == list(range(1, 91))
    for name in ("ada", "bob", "eve"):
        assert [event.value for event in events if event.author == name] == [number % 2 for number in range(30)]


@pytest.mark.parametrize("column", ["screening", "kind", "document", "value", "author", "time", "details", "number"])
def test_damage_to_a_label_is_named_and_can_be_set_aside(made, column):
    """A changed or missing event is an error that numbers it; verify finds it, a repair sets it aside."""
    made.labels.add(["d1", "d2", "d3"], "relevant", author="ada")
    folder = made._store.path
    with closing(sqlite3.connect(folder / "index.db", isolation_level=None)) as connection:
        sql = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        for name in ("labels_stay", "labels_last"):
            connection.execute(f"DROP TRIGGER {name}")
        if column == "number":
            connection.execute("DELETE FROM labels WHERE number = 2")
        else:
            connection.execute(f"UPDATE labels SET {column} = '0.4' WHERE number = 2")
        for name in ("labels_stay", "labels_last"):
            connection.execute(sql[name])
    with es.open(folder, HashEncoder()) as index, pytest.raises(es.StoreError, match="event 2 of the labels is not"):
        len(index.labels)
    (finding,) = upkeep.verify(folder).findings
    assert str(finding) == ("index.db: event 2 of the labels is not what was written (embedsearch verify --repair)")
    assert run("verify", "-i", folder).exit_code == 1
    made.close()
    assert upkeep.repair(folder, HashEncoder()).is_sound
    with es.open(folder, HashEncoder()) as index:
        assert standing(index) == [("d1", 1.0), ("d3", 1.0)]
        assert index.labels.add("d2", 1)[0].number == 4


def test_the_journal_only_grows(made):
    """Neither this program nor another can change or take out an event without taking the guards away first."""
    made.labels.add("d1", "relevant")
    with closing(sqlite3.connect(made._store.path / "index.db", isolation_level=None)) as connection:
        for statement, why in (
            ("UPDATE labels SET value = 0", "labels are never changed"),
            ("DELETE FROM labels", "labels are never taken out"),
        ):
            with pytest.raises(sqlite3.IntegrityError, match=why):
                connection.execute(statement)


def test_who_labels(monkeypatch):
    """The author is named by the environment, else by the account, else by nobody."""
    monkeypatch.setenv("EMBEDSEARCH_AUTHOR", "grace")
    assert default_author() == "grace"
    monkeypatch.delenv("EMBEDSEARCH_AUTHOR")
    monkeypatch.setattr("getpass.getuser", lambda: "account")
    assert default_author() == "account"

    def nobody():
        raise OSError("no account")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert default_author() == ""


def test_values_have_names():
    """The three names stand for 1, 0 and None; numbers stand for themselves, whole ones too."""
    assert [label_value(value) for value in VALUES] == [1.0, 0.0, None, 0.7, 1.0, None]
    with pytest.raises(es.QueryError, match="there is no label ''"):
        label_value("")
