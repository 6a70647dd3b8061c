"""The cache of compiled models: what has long been unused goes, what is in use stays."""

import os
import time
from pathlib import Path

import pytest

from embedsearch.encoders import cache
from embedsearch.encoders.choosing import held

DAY = 86_400


def entry(parent: Path, name: str, days: float) -> Path:
    """Make an entry of the cache that was last used so many days ago."""
    folder = parent / name
    folder.mkdir(parents=True)
    (folder / "model.blob").write_bytes(bytes(1000))
    os.utime(folder, (time.time() - days * DAY,) * 2)
    return folder


def folders(parent: Path) -> list[str]:
    """Return the names of the folders, without the locks."""
    return sorted(path.name for path in parent.iterdir() if path.is_dir())


def test_what_was_unused_for_sixty_days_goes(tmp_path):
    """An entry of 61 days goes, as does what a killed process left then; one of 59 days stays, files stay."""
    entry(tmp_path, "old", 61)
    entry(tmp_path, "new.killed.part", 61)
    entry(tmp_path, "new", 59)
    entry(tmp_path, "other.busy.part", 0.1)
    (tmp_path / "file").write_text("")
    os.utime(tmp_path / "file", (0, 0))
    assert cache.prune(tmp_path) == 2
    assert folders(tmp_path) == ["new", "other.busy.part"]
    assert (tmp_path / "file").exists()
    assert cache.prune(tmp_path / "absent") == 0


def test_use_is_noted_once_a_day(tmp_path):
    """An entry that is used is as new; one that was used within a day is not written to."""
    used, recent = entry(tmp_path, "used", 61), entry(tmp_path, "recent", 0.5)
    before = recent.stat().st_mtime_ns
    for folder in (used, recent, tmp_path / "absent"):
        cache.note_use(folder)
    assert cache.prune(tmp_path) == 0
    assert time.time() - used.stat().st_mtime < 60
    assert recent.stat().st_mtime_ns == before


def test_what_another_process_began_to_use_meanwhile_stays(tmp_path, monkeypatch):
    """Whether an entry is unused is looked at once more when it is locked."""
    import filelock

    folder = entry(tmp_path, "old", 61)
    lock = filelock.FileLock.acquire

    def used_before_it_is_locked(self, *given, **named):
        os.utime(folder)
        return lock(self, *given, **named)

    monkeypatch.setattr(filelock.FileLock, "acquire", used_before_it_is_locked)
    assert cache.prune(tmp_path) == 0
    assert folders(tmp_path) == ["old"]


def test_a_process_that_wants_what_is_pruned_makes_it_again(tmp_path):
    """After pruning, the entry is made anew under the same name."""
    folder = entry(tmp_path, "old", 61)
    cache.prune(tmp_path)
    cache.make_once(folder, lambda part: (part / "made").touch())
    assert [path.name for path in folder.iterdir()] == ["made"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_cache_is_left_alone(tmp_path):
    """What cannot be taken out stays, and nothing is raised."""
    entry(tmp_path, "old", 61)
    tmp_path.chmod(0o500)
    try:
        assert cache.prune(tmp_path) == 0
    finally:
        tmp_path.chmod(0o700)


def test_people_are_told_size_and_place(tmp_path, monkeypatch):
    """`info --encoder` tells where the cache is and how many MB all of it takes."""
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path))
    (entry(tmp_path / "compiled", "one", 1) / "more").write_bytes(bytes(2_499_000))
    told = held(tmp_path / "compiled" / "absent")
    assert told == {"compiled": "not yet; will be at the first text", "cache": str(tmp_path), "cache size": "2.5 MB"}
    assert cache.bytes_held(tmp_path / "absent") == 0
