"""What a power cut, kill -9 and a full disk leave: every committed document whole, none half there.

EMBEDSEARCH_KILLS sets how many processes are killed at random moments (20 if it is not set; seeds are printed).
EMBEDSEARCH_SEED sets the first seed, so that a failure can be seen again.
"""

# ruff: noqa: T201 - what a test prints is shown when it fails: the seed that brings the failure back
import contextlib
import os
import random
import resource
import shutil
import signal
import time
from pathlib import Path

import pytest
from disks import make_room, small_disk
from processes import PROCESSES
from stored_texts import check_holds

import embedsearch as es
from embedsearch.index import upkeep
from embedsearch.testing import HashEncoder

KILLS = int(os.environ.get("EMBEDSEARCH_KILLS", "20"))
FIRST_SEED = int(os.environ.get("EMBEDSEARCH_SEED", str(random.SystemRandom().randrange(10**6))))
ENCODER = HashEncoder(16)


def corpus(version: str = "") -> list[es.Document]:
    """Return 100 documents of one to five passages."""
    words = random.Random(7)
    texts = [" ".join(f"w{words.randrange(10**6)}" for _ in range(words.randrange(4, 40))) for _ in range(100)]
    return [
        es.Document(f"d{place}", f"{version}{text}", title="", metadata={"place": place, "version": version})
        for place, text in enumerate(texts)
    ]


def create(folder: Path) -> es.Index:
    """Open the index in *folder*, made if it is not there."""
    if (folder / "index.db").exists():
        return es.open(folder, HashEncoder(16))
    return es.Index.create(folder, HashEncoder(16), chunk_words=8, overlap=2)


@contextlib.contextmanager
def small_transactions():
    """Commit after every twelve passages, until the end of the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("embedsearch.index.ingest.BATCH_PASSAGES", 12)
        patch.setattr("embedsearch.index.ingest.BATCH_GROWTH", 1)
        yield


def ingest(folder: Path, version: str = "") -> None:
    """Put the corpus into an index in small transactions."""
    with small_transactions(), create(folder) as index:
        index.add(corpus(version))


def compact(folder: Path) -> None:
    """Compact an index."""
    with es.open(folder, HashEncoder(16)) as index:
        index.compact()


def repair(folder: Path) -> None:
    """Mend an index."""
    upkeep.repair(folder, HashEncoder(16))


def announced(target, folder: Path, begun) -> None:
    """Say that the work begins, and do it."""
    begun.set()
    target(folder)


def begin(target, folder: Path):
    """Return a process at the moment when it begins to work."""
    begun = PROCESSES.Event()
    process = PROCESSES.Process(target=announced, args=(target, folder, begun))
    process.start()
    assert begun.wait(60)
    return process


def duration(target, folder: Path) -> float:
    """Return the seconds that *target* takes when it is left alone."""
    process = begin(target, folder)
    start = time.perf_counter()
    process.join(120)
    assert process.exitcode == 0
    return time.perf_counter() - start


def kill_at(moment: float, target, folder: Path) -> bool:
    """Run *target* in a process and kill it after *moment* seconds of work; return whether it was cut off."""
    process = begin(target, folder)
    process.join(moment)
    process.kill()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL), "the process failed by itself"
    return process.exitcode != 0


def check_committed(folder: Path, *choices: list[es.Document]) -> int:
    """Check that the index opens and each document in it is whole; return how many there are.

    Each may be as in any of the *choices*.
    """
    if not (folder / "index.db").exists():
        return 0
    verification = upkeep.verify(folder)
    assert verification.is_sound, [str(finding) for finding in verification.findings]
    allowed = [{document.id: document for document in choice} for choice in choices]
    with es.open(folder, HashEncoder(16)) as index:
        held = {}
        for id in index._store.ids(10**6):
            found = index.get(id)
            (held[id],) = [choice[id] for choice in allowed if choice[id].text == found.text]
        check_holds(index, held)
        assert index.search(corpus()[0].text, k=3) or not held
    return len(held)


def test_killed_ingests_lose_nothing_committed(tmp_path):
    """An ingest killed at any moment leaves whole documents only, and a second run completes to the same content."""
    duration(ingest, tmp_path / "first")  # imports what the server of processes has not
    usual = duration(ingest, tmp_path / "undisturbed")
    wanted = {document.id: document for document in corpus()}
    cut, counts = 0, []
    for seed in range(FIRST_SEED, FIRST_SEED + KILLS):
        folder = tmp_path / "index"
        moment = random.Random(seed).uniform(0, usual)
        print(f"seed {seed}: killed after {moment:.4f} of {usual:.4f} s")
        if kill_at(moment, ingest, folder):
            cut += 1
        else:
            usual = moment  # it takes less than that; a busy machine had it take longer when it was measured
        counts.append(check_committed(folder, corpus()))
        ingest(folder)
        with es.open(folder, HashEncoder(16)) as index:
            check_holds(index, wanted)
            # Nothing was embedded twice: what was committed was found again by its key.
            assert index._store.rows == len(index)
        assert upkeep.verify(folder).is_sound
        shutil.rmtree(folder)
    print(f"{cut} of {KILLS} were cut off, with {sorted(counts)} documents committed")
    assert cut > KILLS // 2
    assert any(0 < count < 100 for count in counts), "no kill fell between two transactions"


def changed(folder: Path) -> None:
    """Put another version of the corpus into an index."""
    ingest(folder, "changed ")


def test_killed_updates_leave_each_document_old_or_new(tmp_path):
    """An update killed at any moment leaves each document whole in its old or its new version."""
    ingest(tmp_path / "made")
    shutil.copytree(tmp_path / "made", tmp_path / "undisturbed")
    usual = duration(changed, tmp_path / "undisturbed")
    for seed in range(FIRST_SEED, FIRST_SEED + max(3, KILLS // 4)):
        folder = shutil.copytree(tmp_path / "made", tmp_path / "index")
        moment = random.Random(seed).uniform(0, usual)
        print(f"seed {seed}: killed after {moment:.4f} of {usual:.4f} s")
        kill_at(moment, changed, folder)
        assert check_committed(folder, corpus(), corpus("changed ")) == 100
        changed(folder)
        with es.open(folder, HashEncoder(16)) as index:
            check_holds(index, {document.id: document for document in corpus("changed ")})
        shutil.rmtree(folder)


def with_dead_rows(folder: Path) -> dict[str, es.Document]:
    """Make an index of which much was deleted; return what is left."""
    ingest(folder)
    with es.open(folder, HashEncoder(16)) as index:
        index.delete([f"d{place}" for place in range(0, 100, 3)])
    return {document.id: document for document in corpus() if int(document.id[1:]) % 3}


def test_killed_compactions_leave_one_whole_state(tmp_path):
    """A compaction killed at any moment leaves the index as it was or compacted; the next one completes."""
    wanted = with_dead_rows(tmp_path / "made")
    shutil.copytree(tmp_path / "made", tmp_path / "undisturbed")
    usual = duration(compact, tmp_path / "undisturbed")
    epochs = []
    for seed in range(FIRST_SEED, FIRST_SEED + KILLS):
        folder = shutil.copytree(tmp_path / "made", tmp_path / "index")
        moment = random.Random(seed).uniform(0, usual)
        print(f"seed {seed}: killed after {moment:.4f} of {usual:.4f} s")
        kill_at(moment, compact, folder)
        assert upkeep.verify(folder).is_sound
        with es.open(folder, HashEncoder(16)) as index:
            check_holds(index, wanted)
            epochs.append(index._store.epoch)
            index.compact()
            check_holds(index, wanted)
            assert index._store.rows == len(index)
            current = {index._store.vectors_file.name, index._store.neighbors_file.name}
        assert {file.name for file in folder.iterdir()} == {"index.db", "lock"} | current
        shutil.rmtree(folder)
    print(f"{epochs.count(0)} as they were, {epochs.count(1)} compacted")


def test_killed_repairs_can_be_done_again(tmp_path):
    """A repair killed at any moment loses nothing that was whole, and the next one mends the rest."""
    wanted = with_dead_rows(tmp_path / "made")
    with open(tmp_path / "made" / "vectors.f32", "r+b") as stream:
        stream.truncate(stream.seek(0, 2) // 3)
    shutil.copytree(tmp_path / "made", tmp_path / "undisturbed")
    usual = duration(repair, tmp_path / "undisturbed")
    for seed in range(FIRST_SEED, FIRST_SEED + max(3, KILLS // 2)):
        folder = shutil.copytree(tmp_path / "made", tmp_path / "index")
        moment = random.Random(seed).uniform(0, usual)
        print(f"seed {seed}: killed after {moment:.4f} of {usual:.4f} s")
        kill_at(moment, repair, folder)
        repair(folder)
        assert upkeep.verify(folder).is_sound
        with es.open(folder, HashEncoder(16)) as index:
            check_holds(index, wanted)
        shutil.rmtree(folder)


# -- a full disk --------------------------------------------------------------------------------------------


def limited(folder: Path, bytes_a_file: int, version: str, answer) -> None:
    """Ingest where no file may grow beyond a limit, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file, resource.RLIM_INFINITY))
    try:
        ingest(folder, version)
        answer.send("done")
    except es.StoreError as error:
        answer.send(str(error))


def run_limited(folder: Path, limit: int, version: str = "") -> str:
    """Return what an ingest under a limit said."""
    mine, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=limited, args=(folder, limit, version, theirs))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    return mine.recv()


@pytest.mark.parametrize("limit", [8_000, 20_000, 60_000, 100_000, 150_000])
def test_a_file_that_cannot_grow_loses_nothing_committed(tmp_path, limit):
    """An ingest that meets a limit says so in one sentence, and goes on where it was when there is room again."""
    message = run_limited(tmp_path / "index", limit)
    assert message != "done"
    assert "\n" not in message
    if (tmp_path / "index" / "index.db").exists():
        check_committed(tmp_path / "index", corpus())
    ingest(tmp_path / "index")
    assert check_committed(tmp_path / "index", corpus()) == 100


@pytest.mark.parametrize("kilobytes", [150, 200, 260, 320])
def test_a_full_disk_loses_nothing_committed(tmp_path, kilobytes):
    """On a full disk the index can still be read, nothing committed is lost, and with room again it goes on."""
    with small_disk(tmp_path / "disk", kilobytes):
        folder = tmp_path / "disk" / "index"
        with pytest.raises(es.StoreError) as caught:
            ingest(folder)
        assert "\n" not in str(caught.value)
        count = check_committed(folder, corpus()) if (folder / "index.db").exists() else 0
        print(f"{kilobytes} KiB: {count} documents committed; {caught.value}")
        make_room(tmp_path / "disk")
        ingest(folder)
        assert check_committed(folder, corpus()) == 100


def test_a_full_disk_keeps_an_index_from_being_compacted_and_no_more(tmp_path):
    """Compacting without room for a second copy changes nothing."""
    wanted = with_dead_rows(tmp_path / "made")
    size = sum(file.stat().st_size for file in (tmp_path / "made").iterdir())
    with small_disk(tmp_path / "disk", size // 1024 + 60):
        folder = shutil.copytree(tmp_path / "made", tmp_path / "disk" / "index")
        (tmp_path / "disk" / "ballast").write_bytes(b"\0" * 20_000)
        with es.open(folder, HashEncoder(16)) as index:
            with pytest.raises(es.StoreError, match="No space left on device"):
                index.compact()
            check_holds(index, wanted)
        assert [file.name for file in folder.glob("vectors*")] == ["vectors.f32"]  # what was begun takes no room
        assert upkeep.verify(folder).is_sound
        (tmp_path / "disk" / "ballast").unlink()
        make_room(tmp_path / "disk")
        compact(folder)
        with es.open(folder, HashEncoder(16)) as index:
            check_holds(index, wanted)
