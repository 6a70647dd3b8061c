"""Outputs that go on where they were: whole or not at all, after whatever ended the run."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT

import embedsearch as es
from embedsearch.documents import plan
from embedsearch.filtering import RecordWriter, Resumable, Sieve, measuring_index
from embedsearch.testing import HashEncoder


def test_an_output_is_there_whole_or_not_at_all(tmp_path):
    """An old output stays until the new one is whole; nothing is left beside it then."""
    file = tmp_path / "out"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), Resumable(file) as output:
        output.stream.write(b"half" * (1 // 0))
    assert file.read_text() == "old"
    with Resumable(file) as output:
        with pytest.raises(es.StoreError, match="another process"), Resumable(file):
            pass
        output.stream.write(b"new")
        output.commit()
    assert (file.read_text(), list(tmp_path.iterdir())) == ("new", [file])
    with pytest.raises(es.QueryError, match="is a folder"), Resumable(tmp_path):
        pass
    with pytest.raises(es.QueryError, match="there is no folder"), Resumable(tmp_path / "no" / "out"):
        pass


def test_a_folder_of_someone_else_is_neither_taken_nor_removed(tmp_path):
    """A folder that has the name of a run's own stays as it is; what is put into that of a run stays too."""
    (tmp_path / ".out.part" / "vectors").mkdir(parents=True)
    (tmp_path / ".out.part" / "vectors" / "mine").write_text("mine")
    with (
        pytest.raises(es.StoreError, match=r"\.out\.part was not left by an interrupted run.*move it away"),
        Resumable(tmp_path / "out"),
    ):
        pass
    assert (tmp_path / ".out.part" / "vectors" / "mine").read_text() == "mine"
    (tmp_path / ".other.part").mkdir()  # an empty one holds nothing that could be lost
    with Resumable(tmp_path / "other") as output:
        (tmp_path / ".other.part" / "mine").write_text("mine")
        output.commit()
    assert [file.name for file in (tmp_path / ".other.part").iterdir()] == ["mine"]


def test_no_run_begins_while_another_one_clears_up(tmp_path, monkeypatch):
    """The lock is released last: who comes before that is told, and who comes after has a folder of his own."""
    import shutil

    remove, met = shutil.rmtree, []

    def watched(folder, **given):
        with pytest.raises(es.StoreError, match="another process is writing"), Resumable(tmp_path / "out"):
            pass
        met.append(folder)
        remove(folder, **given)

    with Resumable(tmp_path / "out") as output:
        (tmp_path / ".out.part" / "vectors").mkdir()
        output.commit()
        monkeypatch.setattr("shutil.rmtree", watched)
    assert met == [tmp_path / ".out.part" / "vectors"]
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_what_an_interrupted_run_left_is_no_source(tmp_path):
    """Where the output lies in the folder that is read, under a format for all files, only the sources are read."""
    (tmp_path / "records.txt").write_text('{"id": "a", "text": "wolf"}\n')
    with Resumable(tmp_path / "out") as output:
        (output.folder / "vectors").mkdir()
        (output.folder / "vectors" / "vectors.db").write_bytes(b"\0")
    assert (tmp_path / ".out.part" / "vectors" / "vectors.db").exists()
    with Resumable(tmp_path / "out") as output:
        output.stream.write(b"{")
        output.stream.flush()
        assert output.goes_on
        assert [document.id for document in es.read(tmp_path, format="jsonl")] == ["a"]
        assert [one.name for one in plan(tmp_path, format="jsonl")] == [str(tmp_path / "records.txt")]


WORKER = """
import sys, tempfile, resource
from pathlib import Path
import embedsearch as es
from embedsearch.filtering import Best, RecordWriter, Reservoir, Resumable, Sieve, draw, measuring_index
from embedsearch.index import Wanted
from embedsearch.testing import HashEncoder
source, out = sys.argv[1:]
encoder = HashEncoder(32)
axis = es.Axis("x", ["low"], ["high"])
with Resumable(out) as output, tempfile.TemporaryDirectory() as folder:
    sample, _ = draw(es.read(source), 500, 0)
    with measuring_index(folder + "/i", encoder, axes=[axis], population=sample, cache=output.cache) as index:
        rejected = Reservoir(20, 0)
        verdicts = index.sift('x > p60 and near("y") > 0 and year > 1950', es.read(source), Wanted(axes=("x",)))
        sieve = Sieve(verdicts, rejected=rejected)
        RecordWriter(output.stream).write(sieve)
        RecordWriter(output.stream).write(sieve.sampled())
    output.commit()
print(len(encoder.encoded), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def worker(source: Path, out: Path) -> subprocess.Popen:
    """Start a process that filters *source* into *out*; what it leaves when it is killed lies beside that."""
    temporary = out.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    command, variables = [sys.executable, "-c", WORKER, source, out], os.environ | {"TMPDIR": str(temporary)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=variables, text=True)


def write_records(file: Path, count: int) -> None:
    """Write records of which two thirds are distinct."""
    with file.open("w") as stream:
        for number in range(count):
            record = {"id": str(number), "text": f"the text {number * 2 // 3} of many", "year": 1900 + number % 120}
            stream.write(json.dumps(record) + "\n")


def test_a_run_that_is_killed_goes_on_to_the_same_bytes_and_in_constant_memory(tmp_path):
    """Killed with SIGKILL at random moments, 10,000 records give what one run gives; 40,000 need no more memory."""
    write_records(tmp_path / "records.jsonl", 10_000)
    started = time.perf_counter()
    whole = worker(tmp_path / "records.jsonl", tmp_path / "whole")
    encoded, peak = map(int, whole.communicate()[0].split())
    seconds = time.perf_counter() - started
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    for _ in range(3):
        killed = worker(tmp_path / "records.jsonl", tmp_path / "killed")
        time.sleep(moments.uniform(0.1, 0.7) * seconds)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    last = worker(tmp_path / "records.jsonl", tmp_path / "killed")
    left = int(last.communicate()[0].split()[0])
    assert last.returncode == 0, f"seed {seed}"
    assert (tmp_path / "killed").read_bytes() == (tmp_path / "whole").read_bytes(), f"seed {seed}"
    assert left <= encoded, f"seed {seed}"
    assert {file.name for file in tmp_path.iterdir()} == {"killed", "records.jsonl", "temporary", "whole"}
    write_records(tmp_path / "more.jsonl", 40_000)
    more = worker(tmp_path / "more.jsonl", tmp_path / "more")
    grown = int(more.communicate()[0].split()[1]) - peak
    assert grown < 22_000 * (1 if sys.platform != "darwin" else 1024), f"{grown} KB more for 30,000 more records"


def test_what_was_embedded_before_a_run_ended_is_not_embedded_again(tmp_path):
    """A run that stops at an error behind 1,024 documents leaves their vectors; the next one encodes only the rest."""
    documents = [es.Document(str(number), f"text {number}", record=f"{number}\n") for number in range(2000)]

    def broken():
        yield from documents[:1100]
        raise es.SourceError("broken")

    with pytest.raises(es.SourceError), Resumable(tmp_path / "out") as output:
        run_on(broken(), output, tmp_path / "i", HashEncoder())
    assert (tmp_path / ".out.part").is_dir()
    encoder = HashEncoder()
    with Resumable(tmp_path / "out") as output:
        assert output.goes_on
        run_on(documents, output, tmp_path / "j", encoder)
        output.commit()
    assert len([text for text in encoder.encoded if text.startswith("text")]) == 2000 - 1024
    assert not (tmp_path / ".out.part").exists()


def run_on(documents, output, folder, encoder):
    """Filter documents into an output."""
    with measuring_index(folder, encoder, cache=output.cache) as index:
        RecordWriter(output.stream).write(Sieve(index.sift('near("x") > 0', documents)))


def test_memory_is_measured_in_kilobytes():
    """The unit that the test above relies on: this process takes between 20 MB and 20 GB."""
    assert 20_000 < resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1) < 2e7
