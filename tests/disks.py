"""File systems of a few kilobytes, which only root may mount; limits on the size of files show the same to others."""

import contextlib
import subprocess
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int):
    """Have a file system of so many kilobytes in a new folder; the test is skipped where that is not permitted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def make_room(folder: Path) -> None:
    """Let a small disk be as large as a test needs."""
    subprocess.run(["mount", "-o", "remount,size=16m", folder], check=True)
