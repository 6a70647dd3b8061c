"""The lock of an index folder: one process writes, the others wait or are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedsearch.errors import BusyError, StoreError

LOCK = "lock"
_POLL_SECONDS = 0.01


@contextmanager
def lock(folder: Path, wait: float = 0) -> Iterator[None]:
    """Be the one writer of a folder.

    Args:
        folder: must exist.
        wait: seconds to wait for another writer to finish.

    Raises:
        BusyError: another process is writing.
        StoreError: the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    held = FileLock(str(folder / LOCK))
    try:
        held.acquire(timeout=wait, poll_interval=_POLL_SECONDS)
    except Timeout as error:
        raise BusyError(
            f"another process is writing to {folder}; wait until it has finished, then run the command again"
        ) from error
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error}") from error
    try:
        yield
    finally:
        held.release()
