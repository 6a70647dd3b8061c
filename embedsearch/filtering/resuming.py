"""The output of a long run, whose work an interruption does not lose."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from embedsearch.errors import StoreError
from embedsearch.store.cache import CACHE
from embedsearch.whole import WholeFile

# The lock file, held while a run goes on. It stays after an interruption, and says that the folder is ours.
_LOCK = "embedsearch.lock"


class Resumable(WholeFile):
    """The output of a long run, which can be interrupted and started again.

    While the run goes on, the folder .FILE.part stands beside FILE. It holds the output so far, which is begun anew
    after an interruption, and the vectors of all texts embedded, which are kept. If you run the same command again, it
    reads the sources from their beginning, finds the vectors, and is soon where the other run ended. Since a vector is
    known by its text, nothing has to be remembered about how far that run came; if the command or a source was changed
    meanwhile, the answer is right for the change. At the end the output takes the place of FILE, and the folder is
    removed. Its name begins with a dot so that it is not read if FILE lies in a folder of sources.

    A device or a pipe is written to directly, and nothing of the run is kept.

    Attributes:
        folder: the folder beside the file; None for a device or a pipe.
        goes_on: whether an interrupted run left vectors.
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        """Prepare to write; nothing is written yet.

        Raises:
            QueryError: the path is a folder, its folder is missing or is an index.
        """
        super().__init__(file)
        self.folder: Path | None = None
        self.goes_on = False
        if not self.is_special:
            self.folder = self.place.with_name(f".{self.place.name}.part")
            self.part = self.folder / "output"
            self.advice = (
                ". Make room and run the same command again; what was embedded and kept by then is not embedded again"
            )

    @property
    def cache(self) -> Path | None:
        """The folder for vectors; None if ``EMBEDSEARCH_CACHE`` names another, which serves as well."""
        return None if os.environ.get(CACHE) or self.folder is None else self.folder / "vectors"

    def __enter__(self) -> Self:
        """Make the folder, or find it, and begin the output.

        Raises:
            StoreError: it cannot be made or is not ours, or another process is at work on the same file.
        """
        if self.folder is None:
            return super().__enter__()
        self._take(self.folder)
        self.goes_on = (self.folder / "vectors").is_dir()
        try:
            return super().__enter__()
        except BaseException:
            self._leave(self.folder)
            raise

    def _take(self, folder: Path) -> None:
        from filelock import FileLock, Timeout

        self._lock = FileLock(folder / _LOCK)
        with self.telling():
            folder.mkdir(exist_ok=True)
            if (found := {entry.name for entry in folder.iterdir()}) and _LOCK not in found:
                raise StoreError(
                    f"{folder} was not left by an interrupted run, and this run needs that name; move it away, "
                    "or name another file for the output"
                )
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                raise StoreError(f"another process is writing {self.file}; wait for it, or name another file") from None

    def _leave(self, folder: Path) -> None:
        """Remove what is ours, unless there are vectors to go on with, and release the lock last."""
        if self.is_committed or not (folder / "vectors").is_dir():
            shutil.rmtree(folder / "vectors", ignore_errors=True)
            with suppress(OSError):
                (folder / _LOCK).unlink()
                folder.rmdir()
        self._lock.release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if self.folder is not None:
            self._leave(self.folder)
