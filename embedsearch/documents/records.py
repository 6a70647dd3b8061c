"""Where the records of a bibliography begin and end, found line by line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from embedsearch.documents.sources import Lines
from embedsearch.errors import SourceError

# A record that is never closed ends here, so that it does not take all memory.
_RECORD_CHARACTERS = 1 << 24

_BIBTEX_ENTRY = re.compile(r"\s*@\s*([A-Za-z]+)\s*[{(]")
# Behind the type a key and a comma, or nothing: no line of a text looks so; an entry that meets one was never closed.
_BIBTEX_KEYED = re.compile(
    r"\s{0,3}@\s*[a-z]+\s*\{\s*(?:[^\s,{}=\"]+\s*,|$)|\s{0,3}@\s*string\s*\{\s*\w+\s*=", re.IGNORECASE
)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_UNREAD = ("comment", "preamble")


@dataclass(slots=True)
class Parted:
    """A record as it stands in its source.

    Attributes:
        name: of its source.
        number: of its first line, from 1.
        text: all its lines, with the blank ones behind it.
        header: what it needs before it: the abbreviations that a BibTeX file defines.
        fault: what is wrong with it; empty for a whole one.
    """

    name: str
    number: int
    text: str = ""
    header: str = ""
    fault: str = ""

    @property
    def place(self) -> str:
        """What messages call it: its first line, as ``refs.ris:12``."""
        return f"{self.name}:{self.number}"


@dataclass(slots=True)
class _Open:
    """A record that is being read.

    Attributes:
        part: as far as it is known.
        lines: read so far.
        size: characters of these.
        is_whole: its end was met; what may follow are blank lines.
    """

    part: Parted
    lines: list[str] = field(default_factory=list)
    size: int = 0
    is_whole: bool = False

    def take(self, line: str) -> None:
        self.lines.append(line)
        self.size += len(line)

    def closed(self, fault: str = "") -> Parted:
        self.part.text = "".join(self.lines)
        self.part.fault = self.part.fault or fault
        return self.part


def ris_parts(lines: Lines, name: str) -> Iterator[Parted]:
    """Yield the references of a RIS file, from their line TY to their line ER; those that are broken too."""
    return _tagged(lines, name, begins="TY  -", ends=lambda line: line.startswith("ER  -"), kind="reference")


def nbib_parts(lines: Lines, name: str) -> Iterator[Parted]:
    """Yield the citations of a file in PubMed's format, from their line PMID to a blank line or the next."""
    return _tagged(lines, name, begins="PMID-", ends=None, kind="citation")


def _tagged(lines: Lines, name: str, *, begins: str, ends: Callable[[str], bool] | None, kind: str) -> Iterator[Parted]:
    current: _Open | None = None
    is_stray = False  # the lines outside of a record are named once for each stretch of them
    for number, line, error in _lines(lines):
        if line.startswith(begins):
            if current:
                yield current.closed("" if current.is_whole or ends is None else _endless(current.part, kind, number))
            current, is_stray = _Open(Parted(name, number)), False
            current.take(line)
        elif current and not current.is_whole and (line.strip() or error):
            current.take(line)
            current.part.fault = current.part.fault or error
            current.is_whole = ends is not None and ends(line)
            if current.size > _RECORD_CHARACTERS:
                long = f"the {kind} that begins here has no end within {_RECORD_CHARACTERS:,} characters"
                yield current.closed(f"{current.part.place}: {long}")
                current = None
        elif current and not line.strip() and not error:
            current.take(line)
            # A line of blanks alone may continue a field of a citation; only an empty one ends it.
            current.is_whole = current.is_whole or (ends is None and not line.rstrip("\r\n"))
        elif (line.strip() or error) and not is_stray:
            if current:
                yield current.closed()
                current = None
            is_stray = True
            wanted = f"a {kind} begins with a line {begins.rstrip(' -')}"
            yield Parted(name, number, fault=error or f"{name}:{number}: a line outside of a {kind}; {wanted}")
        elif not line.strip() and not error:
            is_stray = False
    if current:
        cut = f"{current.part.place}: the {kind} that begins here is cut off: its last line, ER, is missing"
        yield current.closed("" if current.is_whole or ends is None else cut)


def _endless(part: Parted, kind: str, number: int) -> str:
    return (
        f"{part.place}: the {kind} that begins here has no end (a line ER) before line {number}, where another begins"
    )


def bibtex_parts(lines: Lines, name: str) -> Iterator[Parted]:
    """Yield the entries of a BibTeX file; what stands between them is a comment."""
    return _Entries(name).read(lines)


class _Entries:
    """The entries of one BibTeX file, found by their braces."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._header = ""
        self._entry: _Open | None = None
        self._kind = ""
        self._depth = 0
        self._in_parentheses = False

    def read(self, lines: Lines) -> Iterator[Parted]:
        for number, line, error in _lines(lines):
            if self._is_open and self._kind != "comment" and _BIBTEX_KEYED.match(line):
                yield from self._close(f"is not closed before line {number}, where another begins; a brace is missing")
            rest, fault = line, error
            while rest or fault:
                if not self._is_open:
                    yield from self._between(number, rest, fault)
                rest, fault = self._inside(rest, fault) if self._is_open else "", ""
                yield from self._settled()
        yield from self._close("is never closed; a brace is missing" if self._is_open else "")

    @property
    def _is_open(self) -> bool:
        return self._entry is not None and not self._entry.is_whole

    def _between(self, number: int, line: str, error: str) -> Iterator[Parted]:
        """Begin an entry, or pass over a line that belongs to none; blank ones go with the entry before."""
        begun = _BIBTEX_ENTRY.match(line)
        if not line.strip() and not error:
            if self._entry:
                self._entry.take(line)
            return
        yield from self._close()
        if error:
            yield Parted(self._name, number, fault=error)
        if begun:
            self._entry = _Open(Parted(self._name, number, header=self._header))
            self._kind, self._depth, self._in_parentheses = begun[1].lower(), 0, begun[0].endswith("(")

    def _inside(self, line: str, error: str) -> str:
        """Take *line* into the entry; return what is left of it where another entry begins behind this one's end."""
        assert self._entry is not None
        end = self._end_in(line)
        self._entry.is_whole = end is not None
        if not _BIBTEX_ENTRY.match(line, end or 0) or not end:
            end = None
        self._entry.take(line[:end])
        self._entry.part.fault = self._entry.part.fault or error
        return "" if end is None else line[end:]

    def _end_in(self, line: str) -> int | None:
        """Return where the entry ends in *line*, None if it goes on; braces are counted."""
        for mark in _BRACE.finditer(line):
            self._depth += {"{": 1, "}": -1}.get(mark[0], 0)
            if self._depth <= 0 and mark[0] == "}" and not self._in_parentheses:
                return mark.end()
        return len(line) if self._in_parentheses and self._depth <= 0 and line.rstrip().endswith(")") else None

    def _settled(self) -> Iterator[Parted]:
        """Put away what is no document, and give up what is too long to be one."""
        if self._entry is None:
            return
        if self._entry.is_whole and self._kind in ("string", *_UNREAD):
            self._header += "".join(self._entry.lines) if self._kind == "string" else ""
            self._entry = None
        elif self._is_open and self._entry.size > _RECORD_CHARACTERS:
            yield from self._close("is never closed; a brace is missing")

    def _close(self, fault: str = "") -> Iterator[Parted]:
        if self._entry:
            yield self._entry.closed(fault and f"{self._entry.part.place}: the entry that begins here {fault}")
        self._entry = None


def _lines(lines: Lines) -> Iterator[tuple[int, str, str]]:
    """Yield number, line and, for one that cannot be decoded, what is wrong with it."""
    while True:
        try:
            line = next(lines)
        except StopIteration:
            return
        except SourceError as error:
            yield lines.number, "", str(error)
        else:
            yield lines.number, line, ""
