"""Output files that users name: each is there whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedWriter, FileIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from embedsearch.compressed import packed
from embedsearch.errors import QueryError, StoreError
from embedsearch.store import is_index

if TYPE_CHECKING:
    from typing_extensions import Buffer

_NAME_CHARACTERS = 40  # of the output's name in that of its unfinished part; the whole may be as long as names can be


def is_special(path: str | os.PathLike[str]) -> bool:
    """Return whether a name leads to a device, a pipe or a socket, which nothing can replace."""
    mode = _mode(path)
    return mode != 0 and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _mode(path: str | os.PathLike[str]) -> int:
    """Return kind and permissions of what a name leads to; 0 where that is nothing, or cannot be seen."""
    try:
        return Path(path).stat().st_mode
    except OSError:
        return 0


def place_of(path: str | os.PathLike[str]) -> Path:
    """Check, before the work, whether a file can be written there; return the file itself, where links lead.

    Raises:
        QueryError: the path is a folder, or ``-``, which means stdout to other programs; or its folder is missing or
            is an index.
    """
    if os.fspath(path) == "-":
        raise QueryError("'-' is not a file to write to; leave it out to write to stdout")
    file = Path(path)
    if is_special(file):
        return file
    place = Path(os.path.realpath(file))
    if stat.S_ISDIR(_mode(place)):
        raise QueryError(f"{str(file)!r} is a folder; give the name of a file")
    for folder in (file.parent, place.parent):
        if not stat.S_ISDIR(_mode(folder)):
            raise QueryError(f"there is no folder {str(folder)!r} to put {file.name!r} in; make it first")
    if is_index(place.parent):
        raise QueryError(f"{str(file)!r} lies in the folder of an index, which holds nothing else; name another file")
    return place


class _Raw(FileIO):
    """The bytes of an output, whose errors name it."""

    def __init__(self, output: WholeFile) -> None:
        self._output = output
        if output.is_special:
            super().__init__(output.file, "wb")
            return
        output.part.unlink(missing_ok=True)
        there = _mode(output.place)
        mode = stat.S_IMODE(there) if there else 0o666
        super().__init__(output.part, "xb", opener=lambda name, flags: os.open(name, flags, mode))
        if there and stat.S_IMODE(os.fstat(self.fileno()).st_mode) != mode:
            os.fchmod(self.fileno(), mode)

    def write(self, content: Buffer, /) -> int:
        with self._output.telling(self._output.advice):
            return super().write(content)


class WholeFile:
    """An output that replaces a file when it is whole; what was there stays until then.

    A link stays a link, and the file that it leads to is replaced; the mode of an existing file stays. A device, a pipe
    or a socket is written to directly. The output is compressed if the name says so: ``.gz``, ``.bz2``, ``.xz``.

    Attributes:
        file: the file as it was named.
        place: the file itself, where links lead.
        is_special: whether it is a device, a pipe or a socket.
        part: where the output is written before it is whole.
        advice: what is added to an error of writing.
        is_committed: whether the output is in its place.
    """

    advice = ""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Prepare to write; nothing is written yet.

        Raises:
            QueryError: the path is a folder, its folder is missing or is an index.
        """
        self.file = Path(path)
        self.place = place_of(path)
        self.is_special = is_special(path)
        self.part = self.place.with_name(f".{self.place.name[:_NAME_CHARACTERS]}.{secrets.token_hex(4)}.part")
        self.is_committed = False
        self._bytes: BufferedWriter | None = None
        self._stream: BinaryIO | None = None

    @property
    def stream(self) -> BinaryIO:
        """The output so far, open for writing."""
        assert self._stream is not None, "write to an output inside its with block"
        return self._stream

    @contextmanager
    def telling(self, advice: str = "") -> Iterator[None]:
        """Name the output in errors of the system."""
        try:
            yield
        except OSError as error:
            raise StoreError(f"{self.file} cannot be written: {error.strerror or error}{advice}") from error

    def __enter__(self) -> Self:
        """Begin the output.

        Raises:
            StoreError: it cannot be written.
        """
        with self.telling():
            self._bytes = BufferedWriter(_Raw(self))
        self._stream = packed(self._bytes, self.file.name)
        return self

    def sync(self) -> None:
        """End the output, and have all of it on the disk.

        Raises:
            StoreError: there is no room.
        """
        assert self._bytes is not None, "write to an output inside its with block"
        with self.telling():
            if self.stream is not self._bytes:
                self.stream.close()  # what is compressed has an end of its own
            self._bytes.flush()
            if not self.is_special:
                os.fsync(self._bytes.fileno())

    def commit(self) -> None:
        """Put the output in its place.

        Raises:
            StoreError: it cannot be written; a file that was there is unchanged.
        """
        self.sync()
        with self.telling():
            self._close()
            if not self.is_special:
                self.part.replace(self.place)
        self.is_committed = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(StoreError, OSError):  # what is not committed by now is given up
            self._close()
        if not self.is_special and not self.is_committed:
            with suppress(OSError):
                self.part.unlink()

    def _close(self) -> None:
        assert self._bytes is not None, "write to an output inside its with block"
        try:
            self.stream.close()
        finally:
            self._bytes.close()


def commit_all(outputs: Sequence[WholeFile]) -> None:
    """Put outputs in their places, none before all of them are on the disk.

    Raises:
        StoreError: one cannot be written.
    """
    for output in outputs:
        output.sync()
    for output in outputs:
        output.commit()


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file; an existing one is replaced when the new one is whole.

    Raises:
        QueryError: the path is a folder, its folder is missing or is an index.
        StoreError: the disk is full or read-only; a file that was there is unchanged.
    """
    with WholeFile(path) as output:
        output.stream.write(content)
        output.commit()
