"""Where the messages of a mailbox (mbox) begin and end, found line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from embedsearch.errors import SourceError

# Every message is held whole with what is attached to it; this bounds the memory that one takes.
_MESSAGE_BYTES = 1 << 28
_LINE_BYTES = 1 << 16  # pieces of what has no line ends

# "From ada@example.org Mon May 14 16:39:00 2001", with a time zone or remarks somewhere, as Gmail and Mailman have.
_ENVELOPE = re.compile(
    rb"From .*\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?:[A-Z][a-z]{2} +\d{1,2}|\d{1,2} +[A-Z][a-z]{2})\b.* \d\d:\d\d"
)
_HEADER = re.compile(rb"[!-9;-~]+:[ \t\r\n]|[!-9;-~]+:\S|>From ")
_USUAL = re.compile(
    rb"(?:return-path|received|delivered-to|message-id|date|from|to|subject|mime-version|content-type|status|reply-to"
    rb"|x-[\w-]+):",
    re.IGNORECASE,
)
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


@dataclass(slots=True)
class Mail:
    """A message as it stands in its mailbox.

    Attributes:
        number: of its first line, from 1.
        raw: all of its lines, the one that begins it among them.
        fault: what is wrong with it; empty for a whole one.
    """

    number: int
    raw: bytes = b""
    fault: str = ""

    @property
    def message(self) -> bytes:
        """The message itself: without its first line, and with ``From`` as it was written at the beginning of lines."""
        return _ESCAPED.sub(rb"\1", self.raw.partition(b"\n")[2])


@dataclass(slots=True)
class _Open:
    mail: Mail
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0

    def take(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > _MESSAGE_BYTES:
            self.mail.fault = f"the message that begins here is longer than {_MESSAGE_BYTES:,} bytes"
            self.pieces.clear()
        else:
            self.pieces.append(piece)

    def closed(self) -> Mail:
        self.mail.raw = b"".join(self.pieces)
        return self.mail


def messages(stream: BinaryIO, name: str) -> Iterator[Mail]:
    """Yield the messages of a mailbox, from their line ``From`` up to the next.

    A line of a text may begin so too, and few programs mark it as they should: one begins a message where it has a
    date as mail programs write it there, or stands behind a blank line, and a header follows.

    Raises:
        SourceError: something else stands before the first message.
    """
    current: _Open | None = None
    is_blank = True  # is the line before?
    for number, line, following in _lines(stream):
        if line.startswith(b"From ") and _begins(line, following, is_behind_blank=is_blank):
            if current:
                yield current.closed()
            current = _Open(Mail(number))
        elif current is None and line.strip():
            raise SourceError(
                f"{name}:{number}: not a mailbox: before each message there must be a line that begins with 'From '. "
                "A single message is read as eml: --as eml (in Python: format)"
            )
        if current:
            current.take(line)
        is_blank = line in (b"\n", b"\r\n")
    if current:
        yield current.closed()


def _begins(line: bytes, following: bytes, *, is_behind_blank: bool) -> bool:
    if _ENVELOPE.match(line):
        return bool(_HEADER.match(following))
    return is_behind_blank and bool(_USUAL.match(following))


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield each line with its number and the line behind it; very long ones come in pieces, of the same number."""
    number, line = 1, stream.readline(_LINE_BYTES)
    while line:
        following = stream.readline(_LINE_BYTES)
        yield number, line, following
        number += line.endswith(b"\n")
        line = following
