"""An opened source, the options that it is read with, and its bytes as text."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from embedsearch.compressed import is_compressed, opened
from embedsearch.documents import foreign
from embedsearch.documents.document import Document, Encoding
from embedsearch.errors import SourceError
from embedsearch.given import require_text

OnError = Literal["stop", "skip"]

# The marks of UTF-32 come first: that of UTF-32-LE begins with that of UTF-16-LE.
_MARKED = (
    Encoding("utf-8", codecs.BOM_UTF8),
    Encoding("utf-32-le", codecs.BOM_UTF32_LE),
    Encoding("utf-32-be", codecs.BOM_UTF32_BE),
    Encoding("utf-16-le", codecs.BOM_UTF16_LE),
    Encoding("utf-16-be", codecs.BOM_UTF16_BE),
)
_STATEFUL = ("utf-7", "hz", "iso2022")  # their lines cannot be decoded one by one
_CHUNK_BYTES = 1 << 16
_SPOOL_BYTES = 1 << 26  # a stream that a format must seek in stays in memory up to this size


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How sources are read.

    Attributes:
        text: the fields whose texts make the text; empty to find one.
        title: the field of the title; None to find one.
        id: the field of the id; None to find one.
        encoding: the encoding of sources without a byte order mark; None for UTF-8.
        on_error: ``stop`` raises at a broken record, ``skip`` reports it and goes on.
        report: called with one sentence for everything that is skipped.
        place: the name of the file or folder that is being read.
        unread: the places at which something could not be read.
    """

    text: tuple[str, ...] = ()
    title: str | None = None
    id: str | None = None
    encoding: str | None = None
    on_error: OnError = "stop"
    report: Callable[[str], None] | None = None
    place: str = ""
    unread: dict[str, None] = field(default_factory=dict)

    def at(self, place: str) -> ReadOptions:
        """Return the same options for reading at another place."""
        return replace(self, place=place)

    def tell(self, sentence: str) -> None:
        """Call `report` with a sentence, if there is one."""
        if self.report is not None:
            self.report(sentence)

    def tell_empty(self, source: Source) -> None:
        """Report that there is no record in a source."""
        self.tell(f"{source.name}: holds no record of its format")

    def broken(self, error: SourceError) -> None:
        """Raise *error*, or report it if broken records are to be skipped."""
        if self.on_error == "stop":
            raise error
        self.unread[self.place] = None
        self.tell(str(error))


@dataclass(frozen=True, slots=True)
class Source:
    """A file or stream that is open for reading.

    Attributes:
        name: the name that messages give it, such as ``corpus/notes/wolf.md`` or ``stdin``.
        key: what ids are made from: the path below the folder that was given, or the file's name.
        stream: its bytes, at the beginning; perhaps not seekable.
        path: its path; None for a stream.
    """

    name: str
    key: str
    stream: BinaryIO
    path: Path | None = None


Reader = Callable[[Source, ReadOptions], Iterator[Document]]


@contextlib.contextmanager
def opened_source(path: Path) -> Iterator[Source]:
    """Open a file of records that stands alone, such as one of labels; what is compressed is unpacked as it is read."""
    with opened(path) as stream:
        yield Source(str(path), path.name, stream, None if is_compressed(path.name) else path)


class _Rejoined(io.RawIOBase):
    """Bytes that were taken from a stream, and then the rest of it. Closing it leaves the stream open."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._head = head
        self._read = getattr(rest, "read1", rest.read)  # of a pipe: what has come, not as much as is asked for

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        if not piece:
            piece = self._read(len(buffer)) or b""
        buffer[: len(piece)] = piece
        return len(piece)


def name_of(path: str | os.PathLike[str]) -> str:
    r"""Return a path as a text that can be stored; bytes that are no UTF-8 are written out, as ``\xe9``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def rejoin(head: bytes, rest: BinaryIO) -> BinaryIO:
    """Return a stream of *head* and, behind it, what is left of *rest*."""
    return io.BufferedReader(_Rejoined(head, rest), _CHUNK_BYTES) if head else rest


def check_encoding(encoding: str | None) -> None:
    """Raise SourceError unless *encoding* is None or the name of a text encoding that Python knows."""
    if encoding is None:
        return
    try:
        "".encode(require_text("the encoding", encoding, error=SourceError))
    except (LookupError, UnicodeError):  # Python has an encoding "undefined" that can write nothing
        raise SourceError(f"unknown encoding {encoding!r}; try utf-8, latin-1, cp1252 or utf-16") from None


def open_marked(source: Source) -> tuple[Encoding | None, BinaryIO]:
    """Return the encoding that a byte order mark tells, if there is one, and the bytes behind it.

    Raises:
        SourceError: the first bytes are those of a file that is no text.
    """
    head = source.stream.read(4)
    if known := foreign.by_mark(head):
        raise SourceError(f"{source.name}: by its first bytes not text, but {known}")
    for encoding in _MARKED:
        if head.startswith(encoding.mark):
            return encoding, rejoin(head[len(encoding.mark) :], source.stream)
    return None, rejoin(head, source.stream)


def undecodable(place: str, encoding: str, error: UnicodeError) -> SourceError:
    """Return the SourceError for bytes at *place* that are not text in *encoding*."""
    if isinstance(error, UnicodeDecodeError) and error.start < len(error.object):
        seen = f"byte 0x{error.object[error.start]:02x} is not {encoding} ({error.reason})"
    else:
        seen = f"not {encoding} ({error})"
    if encoding.startswith(("utf-16", "utf-32")):
        return SourceError(f"{place}: {seen}. The file is damaged or cut off")
    return SourceError(f"{place}: {seen}. Name the file's encoding, for example --encoding {_likely(error, encoding)}")


def _likely(error: UnicodeError, encoding: str) -> str:
    """Return the encoding that bytes are likely in which are not text in *encoding*."""
    if isinstance(error, UnicodeDecodeError) and _is_wide(error.object):
        return "utf-16-le"
    # Windows writes cp1252, also where it says latin-1; a few bytes are no character of it, but all are of latin-1.
    return "cp1252" if codecs.lookup(encoding).name != "cp1252" else "latin-1"


def _is_wide(raw: bytes) -> bool:
    """Are so many bytes NUL as in UTF-16, and in no text of an encoding that has one byte for a letter?"""
    return raw.count(0) * 4 > len(raw)


class Lines:
    r"""The lines of a source as texts, each with its line end; only ``\n`` ends a line.

    An undecodable line raises SourceError; iteration can go on after it.

    Attributes:
        number: the number of the line returned last, from 1.
        encoding: the encoding of the source.
    """

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.number = 0
        self._name = source.name
        marked, self._stream = open_marked(source)
        self.encoding = marked or Encoding(options.encoding or "utf-8")
        codec = codecs.lookup(self.encoding.name).name
        bytewise = "\n".encode(codec) == b"\n" and not codec.startswith(_STATEFUL)
        self._decoded = None if bytewise else self._decode_chunks()

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if self._decoded is not None:
            line = next(self._decoded)
            self.number += 1
            return line
        raw = self._stream.readline()
        if not raw:
            raise StopIteration
        self.number += 1
        try:
            return raw.decode(self.encoding.name)
        except UnicodeError as error:
            raise undecodable(f"{self._name}:{self.number}", self.encoding.name, error) from error

    def _decode_chunks(self) -> Iterator[str]:
        """Yield lines of an encoding, such as UTF-16, whose bytes cannot be split at 0x0A."""
        decoder = codecs.getincrementaldecoder(self.encoding.name)()
        unfinished: list[str] = []
        at_end = False
        while not at_end:
            raw = self._stream.read(_CHUNK_BYTES)
            at_end = not raw
            try:
                *finished, rest = decoder.decode(raw, at_end).split("\n")
            except UnicodeError as error:
                place = f"{self._name}: reading stopped at line {self.number}"
                raise undecodable(place, self.encoding.name, error) from error
            for piece in finished:
                yield "".join((*unfinished, piece, "\n"))
                unfinished.clear()
            unfinished.append(rest)
        if any(unfinished):
            yield "".join(unfinished)


def good_lines(lines: Lines, options: ReadOptions) -> Iterator[str]:
    """Yield the decodable lines; what becomes of the others is up to the options."""
    while True:
        try:
            line = next(lines)
        except StopIteration:
            return
        except SourceError as error:
            options.broken(error)
        else:
            yield line


def whole_text(source: Source, options: ReadOptions) -> str:
    """Return all of *source* as text.

    Raises:
        SourceError: it has bytes that are not text in its encoding; the message names the line.
    """
    marked, stream = open_marked(source)
    return decode(stream.read(), marked.name if marked else options.encoding or "utf-8", source.name)


def decode(raw: bytes, encoding: str, name: str) -> str:
    """Return *raw* as text; see `whole_text`."""
    try:
        text = raw.decode(encoding)
    except UnicodeError as error:
        line = raw.count(b"\n", 0, getattr(error, "start", 0)) + 1
        raise undecodable(f"{name}:{line}", encoding, error) from None
    if _is_wide(raw) and text.count("\0") * 4 > len(text):
        raise SourceError(
            f"{name}: every second character is NUL, as where UTF-16 is read as {encoding}. Name the file's encoding, "
            "for example --encoding utf-16-le"
        )
    return text


@contextlib.contextmanager
def seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """Lend *stream*, or a temporary copy of it where it is a pipe and cannot be read out of order."""
    if stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as copy:
        shutil.copyfileobj(stream, copy)
        copy.seek(0)
        yield cast("BinaryIO", copy)
