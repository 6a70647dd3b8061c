"""Files that are compressed as a whole: unpacked as they are read, packed as they are written."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePath
from typing import Any, BinaryIO, NamedTuple

from embedsearch.errors import SourceError


class _Form(NamedTuple):
    """How bytes are unpacked, and how packed: the same content gives the same bytes at all times."""

    unpack: Callable[[BinaryIO], Any]
    pack: Callable[[BinaryIO], Any]


_FORMS = {
    "gz": _Form(
        lambda stream: gzip.GzipFile(fileobj=stream),
        lambda stream: gzip.GzipFile("", "wb", compresslevel=6, fileobj=stream, mtime=0),
    ),
    "bz2": _Form(bz2.BZ2File, partial(bz2.BZ2File, mode="wb")),
    "xz": _Form(lzma.LZMAFile, partial(lzma.LZMAFile, mode="wb")),
}
_AT_ONCE = 1 << 16


def without_suffix(name: str) -> str:
    """Return the name of the file inside a compressed one: without ``.gz``, ``.bz2`` or ``.xz``."""
    return PurePath(name).stem if is_compressed(name) else name


def suffix_of(file: str | PurePath) -> str:
    """Return the suffix of a file, or of the one inside a compressed file: ``.csv`` for ``papers.CSV.gz``."""
    return PurePath(without_suffix(PurePath(file).name)).suffix.lower()


def is_compressed(name: str) -> bool:
    """Return whether a file with this name is compressed as a whole."""
    return _suffix(name) in _FORMS


def packed_parquet(name: str) -> str:
    """Return the sentence that refuses to write Parquet to a file with this name; empty if it is not compressed."""
    return f"Parquet is compressed inside; name the file {without_suffix(name)}" if is_compressed(name) else ""


def unpacked(stream: BinaryIO, name: str) -> BinaryIO:
    """Return a stream that unpacks a file as it is read; the stream itself if its name says nothing of compression.

    Closing it leaves the stream open.

    Args:
        stream: the bytes of the file.
        name: the name that messages give it; its suffix decides how it is unpacked.
    """
    if not is_compressed(name):
        return stream
    return io.BufferedReader(_Unpacked(_FORMS[_suffix(name)].unpack(stream), name), _AT_ONCE)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked if its name says that it is compressed."""
    with path.open("rb") as stream:
        yield unpacked(stream, str(path))


def packed(stream: BinaryIO, name: str) -> BinaryIO:
    """Return a stream that packs what is written, by the suffix of *name*; the stream itself if that says nothing.

    Closing it writes the end, and leaves the stream open.
    """
    return _FORMS[_suffix(name)].pack(stream) if is_compressed(name) else stream


class _Unpacked(io.RawIOBase):
    """Bytes as they are unpacked, one after another: to go back would take unpacking all before them again."""

    def __init__(self, stream: Any, name: str) -> None:
        super().__init__()
        self._stream = stream
        self._name = name
        self._is_broken = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._is_broken:  # whoever passes over what cannot be read asks for what is behind it
            return 0
        try:
            piece = self._stream.read(len(buffer))
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            self._is_broken = True
            raise SourceError(
                f"{self._name}: damaged, or cut off, where it is unpacked: {' '.join(str(error).split())}"
            ) from None
        buffer[: len(piece)] = piece
        return len(piece)


def _suffix(name: str) -> str:
    return PurePath(name).suffix[1:].lower()
