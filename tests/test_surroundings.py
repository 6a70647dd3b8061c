"""Where a command is started: what it may read and write there, its streams, and what it may take of the machine."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, run

import embedsearch as es
from embedsearch.index.upkeep import verify
from embedsearch.testing import HashEncoder

# Root reads and writes all, until it gives that up.
PLAIN = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.name == "posix" and not os.getuid() else []


@pytest.fixture
def index(tmp_path):
    """Return the folder of an index of two documents, with one label."""
    folder = tmp_path / "index"
    with es.Index.create(folder, HashEncoder()) as made:
        made.add([es.Document("a", "wolf"), es.Document("b", "sheep")])
        made.labels.add("a", 1)
    return folder


def embedsearch(*arguments, before=(), streams="", **given):
    """Run a command as a shell does, whose streams are as is said, such as ``>&-``."""
    command = [*before, sys.executable, "-m", "embedsearch", *map(str, arguments)]
    shell = ["bash", "-c", f'"$@" {streams}', "bash"]
    return subprocess.run([*shell, *command], capture_output=True, text=True, cwd=ROOT, check=False, **given)


@pytest.fixture
def closed():
    """Return what takes permissions from a file or folder; they come back at the end."""
    before = {}

    def close(path, mode):
        before[path] = path.stat().st_mode
        path.chmod(mode)

    yield close
    for path, mode in before.items():
        path.chmod(mode)


@pytest.fixture
def plain():
    """Return the words before a command that give up what root may; the test is skipped where that cannot be done."""
    if PLAIN and not shutil.which("setpriv"):
        pytest.skip("root cannot be told to be refused anything")
    return PLAIN


WRITING = [
    ("screen", "label", "a", "--relevant"), ("compact",), ("delete", "a"), ("verify", "--repair"),
    ("ingest", "corpus/phrases.csv"),
]  # fmt: skip


@pytest.mark.parametrize("words", WRITING, ids=" ".join)
@pytest.mark.parametrize(("name", "mode"), [("", 0o555), ("index.db", 0o444), ("lock", 0o444)])
def test_an_index_that_may_not_be_written_is_one_line(index, closed, plain, words, name, mode):
    """What cannot be written, and what helps: which is not to make room."""
    closed(index / name, mode)
    done = embedsearch(*words, "-i", index, before=plain)
    said = "cannot be written: Permission denied. Ask its owner for permission, or write to a copy"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"Error: {index} {said}\n")


@pytest.mark.parametrize("words", [("verify",), ("search", "wolf"), ("info",)], ids=" ".join)
def test_vectors_that_may_not_be_read_are_not_told_to_be_damaged(index, closed, plain, words):
    """An index that may not be read can be whole."""
    closed(index / "vectors.f32", 0)
    done = embedsearch(*words, "-i", index, before=plain)
    said = f"Error: {index}/vectors.f32 cannot be read: Permission denied\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("info", "-f", "json"), 0, ""),
        (("screen", "export", "-f", "ris"), 0, "2 records.\n"),
        (("place", "-"), 2, "Error: stdin held no phrase; give one per line\n"),
        (("screen", "label", "-", "--relevant"), 0, "{index}: no id was given.\n"),
        (("delete", "c"), 2, "Error: there is no document 'c'; nothing was deleted. There are: a, b.\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_without_standard_streams_there_is_no_traceback(index, words, code, said):
    """A stream that is closed leads nowhere, as the null device does; words still go to stderr."""
    done = embedsearch(*words, "-i", index, streams="<&- >&-")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", said.format(index=index))
    assert embedsearch(*words, "-i", index, streams="<&- >&- 2>&-").returncode == code


def test_no_file_takes_the_number_of_a_stream_that_is_closed(index):
    """What a library prints must not be written into an index."""
    shown = (
        "import os, sys; from embedsearch.cli import main; main(['info'], standalone_mode=False); "
        "import embedsearch as es; index = es.open(sys.argv[1]); "
        "print([os.readlink(f'/proc/self/fd/{number}') for number in range(3)], file=open(sys.argv[2], 'w'))"
    )
    file = index.parent / "shown"
    command = ["bash", "-c", '"$@" <&- >&- 2>&-', "bash", sys.executable, "-c", shown, index, file]
    variables = os.environ | {"EMBEDSEARCH_INDEX": str(index)}
    subprocess.run(command, cwd=ROOT, env=variables, check=True)
    assert file.read_text("utf-8") == "['/dev/null', '/dev/null', '/dev/null']\n"


def test_too_little_memory_is_one_line(index, monkeypatch):
    """Also where a library cannot be loaded for want of it; any other one that cannot be is a fault to be seen."""
    errors = [ImportError("no module"), MemoryError(), ImportError("libgomp.so: failed to map segment from a file")]

    def fail(*_arguments, **_given):
        raise errors[-1]

    monkeypatch.setattr(es, "open", fail)
    said = "Error: there is not enough memory. What was committed is kept; free some memory and run the command again\n"
    while len(errors) > 1:
        done = run("info", "-i", index)
        assert (done.exit_code, done.stdout, done.stderr) == (2, "", said)
        errors.pop()
    assert run("info", "-i", index).exception is errors[0]


@pytest.mark.parametrize("words", [("verify",), ("search", "wolf"), ("delete", "b")], ids=" ".join)
def test_a_disk_without_any_room_is_not_damage(index, words):
    """Nothing is told to be lost where not even the files can be made through which processes meet."""
    done = embedsearch(*words, "-i", index, before=["prlimit", "--fsize=0"])
    said = "cannot be used: disk I/O error. What was committed before is safe; make room on the disk"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"Error: {index}/index.db {said}\n")
    assert verify(index).is_sound


def test_a_second_interrupt_ends_the_process_at_once():
    """The first has what is under way finished; the second is not an exception in the middle of that."""
    code = (
        "import sys, time\n"
        "from embedsearch.cli import main\n"
        "@main.command()\n"
        "def wait():\n"
        "    try:\n"
        "        print('begun', flush=True); time.sleep(60)\n"
        "    finally:\n"
        "        print('ending', flush=True); time.sleep(60)\n"
        "main(['wait'])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as one:
        for line in ("begun\n", "ending\n"):
            assert one.stdout.readline() == line
            one.send_signal(signal.SIGINT)
        said = one.stderr.read()
    assert (one.returncode, said) == (-signal.SIGINT, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_words_that_cannot_be_written_change_no_exit_code(tmp_path):
    """As in a log on a full disk: 1 says that nothing was found, and 2 that something was wrong."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add(es.Document("a", "wolf", metadata={"year": 1990}))
    for condition, code, out in (("year > 1", 0, "a\n"), ("year > 2000", 1, ""), ("yaer > 1", 2, "")):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "embedsearch", "filter", "-i", index.path, "--where", condition, "-f", "ids"],
                stdout=subprocess.PIPE, stderr=full, text=True, check=False, cwd=ROOT,
            )  # fmt: skip
        assert (done.returncode, done.stdout) == (code, out)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_whoever_is_told_to_end_leaves_nothing_behind(tmp_path, number):
    """As `timeout` and systemd tell it: temporary folders go, what was printed stands, the status is the signal's."""
    code = (
        "import signal, sys, tempfile, time\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run behind nohup\n"
        "from embedsearch.cli import main\n"
        "@main.command()\n"
        "def wait():\n"
        "    with tempfile.TemporaryDirectory():\n"
        "        print('half of it'); print('begun', file=sys.stderr, flush=True); time.sleep(60)\n"
        "main(['wait'])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as one:  # fmt: skip
        assert one.stderr.readline() == "begun\n"
        assert list(tmp_path.iterdir())
        one.send_signal(number)
        out, said = one.communicate(timeout=30)
    assert (one.returncode, out) == (-number, "half of it\n")
    assert said == f"Ended by {number.name}. What was committed is kept; run the command again to go on.\n"
    assert not list(tmp_path.iterdir())


def test_an_interrupt_is_handled_as_before_when_a_command_is_done():
    """Whoever runs commands in a program of his own finds its handler of SIGINT as it was."""
    before = signal.getsignal(signal.SIGINT)
    assert run("--version").exit_code == 0
    assert signal.getsignal(signal.SIGINT) is before
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run("axes", "list", "-i", "nowhere").exit_code == 2
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
