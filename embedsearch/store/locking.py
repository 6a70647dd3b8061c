"""The lock of an index folder: one process writes, the others wait or are told."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedsearch.errors import BusyError, OutOfReachError, StoreError, reason

LOCK = "lock"
_POLL_SECONDS = 0.01


def unwritable(folder: Path, error: OSError) -> OutOfReachError:
    """Return that a folder cannot be written, and what helps."""
    refused = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    advice = "Ask its owner for permission, or write to a copy" if refused else "What was committed before is safe"
    return OutOfReachError(f"{folder} cannot be written: {reason(error)}. {advice}")


class WriteLock:
    """The lock of one index folder, as one who has the index open sees it."""

    def __init__(self, folder: Path) -> None:
        """Take nothing yet; *folder* must exist when it is held."""
        self._folder = folder
        self._is_held = False

    @contextmanager
    def held(self, wait: float = 0) -> Iterator[None]:
        """Be the one writer of the folder.

        Args:
            wait: seconds to wait for another writer to finish.

        Raises:
            BusyError: another process is writing.
            StoreError: this is within what writes through the same object, or the folder cannot be written.
        """
        from filelock import FileLock, Timeout

        if self._is_held:
            raise StoreError(
                f"{self._folder} is being written to by the call that this runs inside of, such as add, which takes "
                "its documents one by one; write before that call or after it"
            )
        lock = FileLock(str(self._folder / LOCK))
        try:
            lock.acquire(timeout=wait, poll_interval=_POLL_SECONDS)
        except Timeout as error:
            raise BusyError(
                f"another process is writing to {self._folder}; wait until it has finished, then run the command again"
            ) from error
        except OSError as error:
            raise unwritable(self._folder, error) from error
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            lock.release()
