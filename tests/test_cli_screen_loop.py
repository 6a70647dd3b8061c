"""screen: the loop from the command line, as somebody works through a pile of records."""

import csv
import io
import json
import shutil

import pytest
from conftest import CORPUS, run
from processes import PROCESSES, python

import embedsearch as es
from embedsearch.cli.reading_commands import _Desk
from embedsearch.screening import Screening
from embedsearch.testing import HashEncoder

TRUTH = {f"d{number:02}": number % 4 == 0 for number in range(24)}


@pytest.fixture
def pile(tmp_path):
    """Return the folder of an index of 24 records, every fourth about wolves."""
    folder = tmp_path / "pile"
    with es.Index.create(folder, HashEncoder(16)) as index:
        index.add(
            es.Document(
                id,
                f"{'wolves hunt deer at night' if wanted else 'grain prices fell today'} {id}",
                title=f"T {id}",
                metadata={"year": 2000 + int(id[1:])},
            )
            for id, wanted in TRUTH.items()
        )
    return folder


def screen(folder, *arguments, **more):
    """Run a command of screen on an index."""
    words, rest = arguments[:1], arguments[1:]
    return run("screen", *words, "-i", folder, *rest, **more)


def lines(result):
    """Return the JSON lines that a command printed."""
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_label_is_given_shown_and_taken_back(pile):
    """label, list, status, undo; each says what it did."""
    done = screen(pile, "label", "d00", "d04", "--relevant", "--note", "good", "--author", "ada")
    assert (done.exit_code, done.stderr) == (0, f"{pile}: 2 labelled relevant.\n")
    assert screen(pile, "label", "-", "--grade", "0.25", input="d01\n\nd02\n").stderr.endswith("2 labelled 0.25.\n")
    assert lines(screen(pile, "list")) == [{"id": "main", "labels": 4, "topic": "", "where": ""}]
    (status,) = lines(screen(pile, "status"))
    assert (status["read"], status["found"], status["unread"]) == (4, 2, 20)
    assert screen(pile, "undo", "1").stderr == f"{pile}: d00 was relevant; now it is not labelled.\n"
    screen(pile, "label", "d04", "--not-relevant")
    assert screen(pile, "undo").stderr == f"{pile}: d04 was not relevant; now it is relevant.\n"
    with es.open(pile) as index:
        first = next(iter(index.labels.values()))
        assert (first.document, first.note, first.author) == ("d04", "good", "ada")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("label", "d00"), "give one label: --relevant, --not-relevant, --undecided, or --grade 0.7"),
        (("label", "d00", "--relevant", "--grade", "1"), "give one label"),
        (("label", "d00", "--grade", "7"), "a grade must be from 0 (not relevant) to 1 (relevant), not 7"),
        (("label", "d00", "d99", "--relevant"), "there is no document 'd99'; nothing was labelled"),
        (("undo",), "there is no label to undo in the screening 'main'"),
        (("undo", "9"), "there is no label number 9 to undo"),
        (("next",), "nothing to start from"),
        (("next", "--by", "audit"), "no audit sample was drawn yet; draw one with: embedsearch screen audit -n 24"),
        (("next", "--where", "year > 3000"), "no document of the index satisfies 'year > 3000'"),
        (("next", "--axis", "size"), "there is no axis 'size'"),
        (("start", "--recall", "2"), "the target recall must be above 0 and at most 1, not 2"),
        (("audit", "-n", "25", "--seed", "3"), "from 24 records that were not read; draw from 1 to 24"),
        (("status", "--name", " "), "a screening cannot be called ' '"),
        (("import", "none.csv"), "none.csv: cannot be read: No such file"),
    ],
)
def test_wrong_use_is_one_line(pile, arguments, message):
    """What was seen, what was wanted, what to do; exit code 2 and no traceback."""
    done = screen(pile, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    with es.open(pile) as index:
        assert index.labels.history() == []


@pytest.mark.parametrize(
    "labels", [("--relevant", "--not-relevant"), ("--undecided", "--relevant"), ("--not-relevant", "--grade", "0.2")]
)
def test_one_label_at_a_time(pile, labels):
    """Two labels in one command are refused, and none is given."""
    refused = screen(pile, "label", "d00", *labels)
    assert refused.exit_code == 2
    assert "give one label: --relevant, --not-relevant" in refused.stderr
    assert lines(screen(pile, "status"))[0]["read"] == 0
    assert screen(pile, "label", "d00", "--relevant", "--relevant").exit_code == 0


def test_a_session_from_first_to_last_record(pile):
    """Start, label an example, read what is likely until the wolves are found, audit the rest, stop, report, export."""
    started = lines(screen(pile, "start", "--where", "year < 2020", "--seed", "3"))
    assert (started[0]["records"], started[0]["seed"]) == (20, 3)
    assert screen(pile, "label", "d00", "--relevant").exit_code == 0
    assert screen(pile, "label", "d01", "--not-relevant").exit_code == 0
    for _ in range(4):
        (shown,) = lines(screen(pile, "next"))
        assert TRUTH[shown["id"]]
        assert shown["by"] == "likely"
        screen(pile, "label", shown["id"], "--relevant")
    ranked = lines(screen(pile, "rank"))
    assert [one["rank"] for one in ranked] == list(range(1, 15))
    assert [one["score"] for one in ranked] == sorted((one["score"] for one in ranked), reverse=True)
    drawn = screen(pile, "audit", "-n", "14", "-f", "ids").stdout.split()
    assert sorted(drawn) == sorted(one["id"] for one in ranked)
    done = screen(pile, "read", "--by", "audit", "--author", "ada", input="n\n" * 14)
    assert done.stderr.endswith(
        "There is nothing left to read.\n14 labels given; 5 relevant of 20 read, of 20 records.\n"
    )
    (status,) = lines(screen(pile, "status"))
    assert (status["read"], status["found"], status["unread"], status["since_last_relevant"]) == (20, 5, 0, 14)
    assert status["samples"][0]["read"] == 14
    assert status["stop"]["met"] is True
    assert [estimate["recall_at_least"] for estimate in status["estimates"]] == [1.0, 1.0]
    assert screen(pile, "next").exit_code == 1
    assert "Nothing found: every record has been read\n" in screen(pile, "next").stderr
    assert screen(pile, "next", "-f", "csv").stdout == "rank,id,score,by,title,text,source,sentence\n"
    assert screen(pile, "rank", "-f", "tsv").stdout == "rank\tid\tscore\n"
    report = screen(pile, "report").stdout
    assert "| records identified (in the index, or deleted as duplicates) | 24 |" in report
    assert "**met**" in report
    record = json.loads(screen(pile, "report", "-f", "json").stdout)
    assert (record["flow"]["included"], record["flow"]["not_screened"]) == (5, 0)
    held = list(csv.DictReader(io.StringIO(screen(pile, "export", "-f", "csv").stdout)))
    assert {row["id"]: row["label"] == "relevant" for row in held} == {
        id: wanted for id, wanted in TRUTH.items() if int(id[1:]) < 20
    }


def test_reading_by_keys(pile):
    """Each key does what it says: labels, grades, skips, notes, takes back; an unknown one is asked for again."""
    screen(pile, "label", "d00", "--relevant")
    done = screen(pile, "read", "--author", "ada", input="r\nx\nt\nsee page 3\n7\ns\nn\nu\nz\nq\n")
    assert done.exit_code == 0, done.stderr
    assert "'x' is not one of the keys: r relevant, n not relevant" in done.stderr
    assert "Undone: " in done.stderr
    assert done.stderr.endswith("3 labels given; 3 relevant of 4 read, of 24 records.\n")
    with es.open(pile) as index:
        kept = [(label.value, label.note, label.author) for label in index.labels.values()][1:]
        assert kept == [(1.0, "", "ada"), (0.7, "see page 3", "ada"), (0.0, "", "ada")]
        shown = [event.details["ids"] for event in index.labels.history() if event.kind == "shown"]
    skipped = shown[2][0]
    assert skipped in screen(pile, "rank", "-f", "ids").stdout
    again = screen(pile, "read", "-n", "1", input="n\n")
    assert again.stderr.endswith("1 label given; 3 relevant of 5 read, of 24 records.\n")


AT_A_TERMINAL = """
import os, pty, sys, termios, time

child, terminal = pty.fork()
if not child:
    command = ["-m", "embedsearch", "screen", "read", "-i", sys.argv[1], "--by", "random"]
    os.execv(sys.executable, [sys.executable, *command])
shown = b""
for prompt, keys in eval(sys.argv[2]):
    seen = shown.count(prompt)
    while shown.count(prompt) == seen:
        shown += os.read(terminal, 4096)
    # What is typed before a single key is waited for is thrown away.
    while prompt == b"> " and termios.tcgetattr(terminal)[3] & termios.ICANON:
        time.sleep(0.01)
    os.write(terminal, keys)
try:
    while piece := os.read(terminal, 4096):
        shown += piece
except OSError:  # Linux says so that the other side is closed
    pass
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode())
"""


@pytest.mark.parametrize(
    ("note", "last", "code", "said"),
    [(b"\x04", [(b"> ", b"\x04")], "0", "1 label given; 0 relevant of 1 read, of 24 records."),
     (b"page 3\r", [(b"> ", b"t"), (b"note: ", b"pa\x03")], "130", "Interrupted. What was committed is kept; ")],
)  # fmt: skip
def test_keys_at_a_terminal(pile, note, last, code, said):
    """Control-D ends a note, or the reading; Control-C interrupts both; the label given before stays."""
    typed = [(b"> ", b"t"), (b"note: ", note), (b"> ", b"n"), *last]
    ended, _, shown = python(AT_A_TERMINAL, pile, typed).partition(" ")
    assert ended == code
    assert said in shown
    with es.open(pile) as index:
        kept = [(label.name, label.note) for label in index.labels.values()]
    assert kept == [("not relevant", note.decode().strip("\x04\r"))]


def test_what_was_skipped_is_not_said_to_be_read(pile):
    """Where only skipped records are left, the last line tells how many; what was undone is none of them."""
    done = screen(pile, "read", "--by", "random", input="s\n" * 2 + "n\n" * 22)
    assert "There is nothing left to read but 2 skipped.\n" in done.stderr
    done = screen(pile, "read", "--by", "random", input="n\n" * 2)
    assert "There is nothing left to read.\n" in done.stderr


def test_what_is_advised_can_be_done(pile):
    """No sample larger than what is left; where all is read none at all, and no reading on but to decide the rest."""

    def status():
        return screen(pile, "status", "-f", "table").stdout

    assert "the audit says nothing. Draw a sample: embedsearch screen audit -n 24\n" in status()
    screen(pile, "label", "d00", "d04", "--relevant")
    screen(pile, "label", *(id for id, wanted in TRUTH.items() if not wanted), "--not-relevant")
    screen(pile, "label", "d08", "--undecided")
    assert "not met: read on, or decide the 1 undecided, which count as missed.\n" in status()
    screen(pile, "label", "d12", "d16", "d20", "--undecided")
    assert "not met: decide the 4 undecided, which count as missed.\n" in status()
    assert "audit -n" not in status()
    assert lines(screen(pile, "status"))[0]["stop"]["advice"] == "decide the 4 undecided, which count as missed"
    screen(pile, "label", "d08", "d12", "d16", "d20", "--relevant")
    assert status().endswith("met: you may stop.\n")


def test_two_read_at_once(pile, capsys):
    """Who is second is told of the first label, which stands; z takes back what was labelled at this desk alone."""
    with es.open(pile, HashEncoder(16)) as one, es.open(pile, HashEncoder(16)) as two:
        one.labels.add("d00", "relevant", author="eve")
        ada, ben = _Desk(Screening(one), None, "ada"), _Desk(Screening(two), None, "ben")
        shown, same = ada._proposal(), ben._proposal()
        assert shown.id == same.id
        ada._act("r", shown)
        ben._act("n", same)
        assert f"Not labelled: {shown.id!r} was labelled relevant by ada in the meantime" in capsys.readouterr().err
        assert (one.labels[shown.id].name, one.labels[shown.id].author) == ("relevant", "ada")
        assert ben._proposal().id != shown.id
        ben._act("z", ben._proposal())
        assert "Not undone: no label given here is left" in capsys.readouterr().err
        first, second = ben._proposal(), None
        ben._act("n", first)
        ada._act("z", ada._proposal())
        assert f"Undone: {shown.id} was labelled relevant." in capsys.readouterr().err
        # What somebody has undone by its number is told, and then the label before it is the last.
        second = ben._proposal()
        ben._act("u", second)
        one.labels.undo(one.labels[second.id].number)
        for said in ("Not undone: there is no label number", f"Undone: {first.id} was labelled not relevant."):
            ben._act("z", ben._proposal())
            assert said in capsys.readouterr().err
        assert set(one.labels) == {"d00"}


def test_reading_ends_with_the_input(pile):
    """No more answers is the same as q; nothing that was labelled is lost."""
    done = screen(pile, "read", "--by", "random", input="n\nn\n")
    assert done.exit_code == 0
    assert "2 labels given; 0 relevant of 2 read" in done.stderr


def test_several_screenings_of_an_index(pile):
    """Each has a name, and settings and labels of its own."""
    screen(pile, "label", "d00", "--relevant")
    screen(pile, "label", "d01", "--not-relevant")
    screen(pile, "label", "d01", "--relevant", "--name", "prices")
    screen(pile, "label", "d00", "--not-relevant", "--name", "prices")
    (first,) = lines(screen(pile, "next", "-f", "jsonl"))
    (second,) = lines(screen(pile, "next", "--name", "prices"))
    assert (TRUTH[first["id"]], TRUTH[second["id"]]) == (True, False)
    assert [one["id"] for one in lines(screen(pile, "list"))] == ["main", "prices"]
    for command in ("status", "report", "export"):
        said = screen(pile, command, "--name", "prizes").stderr.splitlines()
        assert said[0] == "The screening 'prizes' has not begun. Did you mean 'prices'?"
        assert "has not begun" not in screen(pile, command, "--name", "prices").stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rank", "--axis", ""), "nothing to start from"),
        (("next", "--axis", "", "--by", "uncertain"), "nothing to start from"),
        (("read", "--axis", "", "--where", "year >= 2000"), "nothing to start from"),
        (("next", "--axis", "", "--by", "audit"), "no audit sample was drawn yet"),
    ],
)
def test_what_is_refused_takes_no_setting_back(pile, arguments, message):
    """A command that leaves nothing to start from changes nothing: the axis is kept, and no event is added."""
    with es.open(pile, HashEncoder(16)) as index:
        index.axes.save(es.Axis("size", ["small"], ["large"]))
    (before,) = lines(screen(pile, "start", "--axis", "size"))
    refused = screen(pile, *arguments)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert message in refused.stderr
    assert lines(screen(pile, "start")) == [before]
    assert before["axes"] == ["size"]
    with es.open(pile) as index:
        assert len(index.labels.history()) == 1
    assert screen(pile, "next", "--axis", "", "--by", "random", "-f", "ids").exit_code == 0


def test_settings_can_be_taken_back(pile):
    """An empty value takes a setting back; what is not given stays."""
    screen(pile, "start", "--where", "year < 2020", "--seed", "4")
    with es.open(pile, HashEncoder(16)) as index:
        index.axes.save(es.Axis("size", ["small"], ["large"]))
    (held,) = lines(screen(pile, "start", "--where", "", "--topic", "", "--axis=-size"))
    assert (held["records"], held["topic"], held["where"], held["axes"], held["seed"]) == (24, "", "", ["-size"], 4)
    assert lines(screen(pile, "start", "--axis", ""))[0]["axes"] == []


def test_help_offers_what_is_taken():
    """The audit sample is offered where it can be read, not where it is refused."""
    shown = {
        command: " ".join(run("screen", command, "--help").stdout.split()) for command in ("start", "next", "read")
    }
    assert {command: "or the audit sample" in text for command, text in shown.items()} == {
        "start": False, "next": True, "read": True,
    }  # fmt: skip


def test_the_sample_that_is_advised_can_be_drawn(pile):
    """The command that status and next print asks for no more records than there are; when all are read, for none."""
    screen(pile, "label", "d00", "--relevant")
    advice = "embedsearch screen audit -n 23"
    assert f"the audit says nothing. Draw a sample: {advice}\n" in screen(pile, "status", "-f", "table").stdout
    assert advice in screen(pile, "next", "--by", "audit").stderr
    assert "from 23 records" in screen(pile, "audit", "-n", "200").stderr
    screen(pile, "label", *list(TRUTH)[1:], "--not-relevant")
    assert "audit -n" not in screen(pile, "status", "-f", "table").stdout
    assert screen(pile, "next", "--by", "audit").exit_code == 1
    screen(pile, "undo")
    assert len(lines(screen(pile, "audit", "-n", "1"))) == 1


def test_formats(pile):
    """Tables for people, ids for pipes, CSV for spreadsheets."""
    screen(pile, "label", "d00", "--relevant")
    assert screen(pile, "next", "-n", "2", "-f", "ids").stdout.split() == [
        one["id"] for one in lines(screen(pile, "rank", "-n", "2"))
    ]
    table = screen(pile, "rank", "-n", "1", "-f", "table").stdout
    assert "T d" in table
    assert screen(pile, "rank", "-n", "3", "-f", "csv").stdout.splitlines()[0] == "rank,id,score"
    shown = screen(pile, "status", "-f", "table").stdout
    assert "by the audit" in shown
    assert "Stopping rule, recall 95% at 95% confidence by the ranking: not met: read on." in shown
    shown = screen(pile, "next", "-f", "table").stdout
    assert shown.startswith("1. d")
    assert "T d" in shown


def hold(folder, begun, done):
    """Write to an index until told to end."""
    with es.open(folder, HashEncoder(16)) as index, index._store.locked():
        begun.set()
        done.wait(60)


def test_beside_an_ingest_a_label_is_refused_and_the_session_goes_on(pile):
    """Another process writes: label says so and exits with 2; status and rank answer all the same."""
    screen(pile, "label", "d00", "--relevant")
    begun, done = PROCESSES.Event(), PROCESSES.Event()
    process = PROCESSES.Process(target=hold, args=(pile, begun, done))
    process.start()
    assert begun.wait(60)
    try:
        refused = screen(pile, "label", "d04", "--relevant")
        assert refused.exit_code == 2
        assert f"another process is writing to {pile}; wait until it has finished" in refused.stderr
        assert lines(screen(pile, "status"))[0]["found"] == 1
        assert screen(pile, "rank", "-n", "1").exit_code == 0
    finally:
        done.set()
        process.join(60)
    assert screen(pile, "label", "d04", "--relevant").exit_code == 0


def test_beside_an_ingest_one_reads_on(pile, capsys):
    """What is skipped and shown while another process writes is kept with the label that follows, once it has ended."""
    begun, done = PROCESSES.Event(), PROCESSES.Event()
    process = PROCESSES.Process(target=hold, args=(pile, begun, done))
    with es.open(pile, HashEncoder(16)) as index:
        Screening(index).configure(topic="wolves")
        desk = _Desk(Screening(index), None, "ada")
        first = desk._proposal()
        process.start()
        assert begun.wait(60)
        try:
            desk._act("s", first)
            second = desk._proposal()
            assert second.id != first.id
            desk._act("r", second)
            assert "Not labelled: another process is writing" in capsys.readouterr().err
            assert desk._proposal().id == second.id
        finally:
            done.set()
            process.join(60)
        desk._act("r", second)
        assert [(id, label.by, label.rank) for id, label in index.labels.items()] == [(second.id, "likely", 1)]
        shown = [event.details["ids"] for event in index.labels.history() if event.kind == "shown"]
        assert shown == [[first.id], [second.id]]


def test_the_shipped_articles_are_screened_with_the_real_model(predation, tmp_path):
    """From an axis and a topic, half of the articles on predation are found in far less than half of the reading."""
    folder = shutil.copytree(predation, tmp_path / "predation")
    wanted = {document.id for document in es.read(CORPUS / "articles.jsonl") if document.metadata["relevant"] is True}
    topic = "an animal that hunts its prey, or people who exploit others"
    arguments = ("--topic", topic, "--axis", "predatoriness", "--where", "relevant == true or relevant == false")
    (first,) = lines(screen(folder, "next", *arguments))
    assert first["sentence"] in " ".join(first["text"].split())
    assert first["sentence"]
    from embedsearch.screening import Screening

    with es.open(folder) as index:
        screening = Screening(index)
        total = len(screening.pile)
        found = read = 0
        while found < len(wanted) / 2:
            (proposal,) = screening.next()
            index.labels.add(proposal.id, int(proposal.id in wanted))
            found += proposal.id in wanted
            read += 1
    assert total == 172
    assert read < total / 2 * 0.8
