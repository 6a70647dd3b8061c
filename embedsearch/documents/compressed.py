"""Files that are compressed as a whole: what is in them is read as it is unpacked."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, BinaryIO

from embedsearch.errors import SourceError

_OPENERS: dict[str, Callable[[BinaryIO], Any]] = {
    "gz": lambda stream: gzip.GzipFile(fileobj=stream),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
_AT_ONCE = 1 << 16


def without_suffix(name: str) -> str:
    """Return the name of what is in a file called *name*: without ``.gz``, ``.bz2`` or ``.xz``."""
    return PurePath(name).stem if _suffix(name) in _OPENERS else name


def is_compressed(name: str) -> bool:
    """Is a file called *name* compressed as a whole?"""
    return _suffix(name) in _OPENERS


def unpacked(stream: BinaryIO, name: str) -> BinaryIO:
    """Return what is in a compressed file, as it is read; closing that leaves the stream open.

    Args:
        stream: the bytes of the file.
        name: what messages call it; by its suffix it is unpacked.
    """
    return io.BufferedReader(_Unpacked(_OPENERS[_suffix(name)](stream), name), _AT_ONCE)


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
