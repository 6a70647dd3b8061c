"""A file that is there whole or not at all, and the work on it, which an interruption does not lose."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from io import BufferedWriter, FileIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from embedsearch.errors import StoreError
from embedsearch.store.cache import CACHE

if TYPE_CHECKING:
    from typing_extensions import Buffer


class _Part(FileIO):
    """A file being written, whose errors name the output that it will be."""

    def __init__(self, path: Path, file: Path) -> None:
        super().__init__(path, "wb")
        self._file = file

    def write(self, content: Buffer, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            raise StoreError(
                f"{self._file} cannot be written: {error.strerror or error}. Make room and run the same command again; "
                "what was embedded and kept by then is not embedded again"
            ) from error


class Resumable:
    """The output of a long run.

    Beside FILE stands the folder FILE.part while the run goes on. It holds the output so far, which is begun anew
    after an interruption, and the vectors of all texts embedded, which are not: whoever runs the same command again
    reads the sources from their beginning, finds the vectors, and soon is where the other run ended. Since a vector
    is known by its text, nothing has to be remembered of how far that run came, and a command that was changed
    meanwhile, or a source, gets its own right answer. At the end the output takes the place of FILE and the folder
    goes.

    Attributes:
        file: the output.
        folder: the folder beside it.
        goes_on: did an interrupted run leave vectors?
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        """Write nothing yet."""
        self.file = Path(file)
        self.folder = self.file.with_name(f"{self.file.name}.part")
        self.goes_on = False
        self._stream: BinaryIO | None = None

    @property
    def cache(self) -> Path | None:
        """The folder for vectors; None where ``EMBEDSEARCH_CACHE`` names another, which serves as well."""
        return None if os.environ.get(CACHE) else self.folder / "vectors"

    @property
    def part(self) -> Path:
        """Where the output is written before it is whole."""
        return self.folder / "output"

    @property
    def stream(self) -> BinaryIO:
        """The output so far, open for writing."""
        if self._stream is None:
            self._stream = BufferedWriter(_Part(self.part, self.file))
        return self._stream

    def __enter__(self) -> Self:
        """Make the folder, or find it.

        Raises:
            StoreError: it cannot be made, or another process is at work on the same file.
        """
        from filelock import FileLock, Timeout

        if self.file.is_dir():
            raise StoreError(f"{self.file} is a folder; name a file for the output")
        self.goes_on = (self.folder / "vectors").is_dir()
        try:
            self.folder.mkdir(exist_ok=True)
            self._lock = FileLock(self.folder / "lock")
            self._lock.acquire(timeout=0)
        except Timeout:
            raise StoreError(f"another process is writing {self.file}; wait for it, or name another file") from None
        except OSError as error:
            raise StoreError(f"{self.file} cannot be written: {error.strerror or error}") from error
        return self

    def commit(self) -> None:
        """Put the output in its place."""
        self.stream.close()
        try:
            with self.part.open("rb+") as written:
                os.fsync(written.fileno())
            self.part.replace(self.file)
        except OSError as error:
            raise StoreError(f"{self.file} cannot be written: {error.strerror or error}") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            with suppress(StoreError):  # what is not committed by now is given up
                self._stream.close()
        self._lock.release()
        if kind is None or not (self.folder / "vectors").is_dir():
            shutil.rmtree(self.folder, ignore_errors=True)
