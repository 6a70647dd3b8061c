"""File systems of a few kilobytes, or that cannot be written, which only root may mount.

Limits on the size of files, and permissions, show much the same to others.
"""

import contextlib
import shutil
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


@contextlib.contextmanager
def read_only(folder: Path, index: Path):
    """Have a copy of an index in *folder* that cannot be written, not even by root."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder]
    mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    copy = shutil.copytree(index, folder / "index")
    try:
        if mounted:
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        else:  # not root, so that permissions hold
            for file in copy.iterdir():
                file.chmod(0o444)
            copy.chmod(0o555)
        yield copy
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)
        else:
            copy.chmod(0o755)
