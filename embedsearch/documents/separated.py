"""Readers of CSV and TSV, each record with the very text that it was read from."""

from __future__ import annotations

import csv
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from embedsearch.documents.document import Document
from embedsearch.documents.fields import RawRecord, documents_of
from embedsearch.documents.sources import Lines, ReadOptions, Source
from embedsearch.errors import SourceError
from embedsearch.wording import count_of

# A quote that is never closed makes the rest of a file one record; this bounds the memory it takes.
_RECORD_CHARACTERS = 1 << 26
_QUOTED = re.compile('"[^"]*"')
# A first line that tells Excel what separates the fields; it is no record, and goes wherever the header goes.
_SEPARATOR = re.compile(r'"?sep=([^"\w\s]|\t)"?[ \r\n]*', re.IGNORECASE)


def read_csv(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each record of comma-separated values (semicolons or tabs, if the header has only these)."""
    names, records = separated_records(source, options, ",")
    yield from documents_of(records, source, options, names)


def read_tsv(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each record of tab-separated values, quoted as in CSV."""
    names, records = separated_records(source, options, "\t")
    yield from documents_of(records, source, options, names)


def separated_records(source: Source, options: ReadOptions, delimiter: str) -> tuple[list[str], Iterator[RawRecord]]:
    """Return the names of the header, and the records of CSV or TSV with their values by these; broken ones count."""
    lines = Lines(source, options)
    rows = SeparatedRows(lines, source.name, delimiter)
    header = next(rows, None)
    if header is None:
        return [], iter(())
    names = column_names(header.values, header.place)
    return names, _records(rows, names, rows.told + header.text, lines, options)


def _records(
    rows: SeparatedRows, names: list[str], header: str, lines: Lines, options: ReadOptions
) -> Iterator[RawRecord]:
    are_closed: bool | None = None  # Web of Science has a tab behind each record, and none behind the header
    for number in count(1):
        try:
            row = next(rows)
            if are_closed is None:
                are_closed = rows.delimiter == "\t" and len(row.values) == len(names) + 1 and not row.values[-1]
            if are_closed and not row.values[-1]:
                row.values.pop()
            fields = _by_name(names, row, rows.delimiter)
        except StopIteration:
            return
        except SourceError as error:
            options.broken(error)
        else:
            yield RawRecord(number, row.place, row.text, fields, header, lines.encoding)


class SeparatedRow(NamedTuple):
    """A record: where it begins, as messages say it, its very text, and its values."""

    place: str
    text: str
    values: list[str]


def column_names(header: Sequence[str], place: str) -> list[str]:
    """Return the names of columns; those without one are numbered.

    Raises:
        SourceError: two have the same.
    """
    names = [name.strip() or f"column {number}" for number, name in enumerate(header, start=1)]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SourceError(f"{place}: two columns are named {twice!r}; rename one of them")
    return names


def _by_name(names: list[str], row: SeparatedRow, delimiter: str) -> dict[str, str]:
    if len(names) != len(row.values):
        raise SourceError(miscounted(names, row, delimiter))
    return dict(zip(names, row.values, strict=True))


def miscounted(names: list[str], row: SeparatedRow, delimiter: str) -> str:
    """Return the sentence that a record has more or fewer fields than the header."""
    seen = f"{row.place}: {count_of(len(row.values), 'field')} where the header names {len(names)}. "
    if delimiter != "\t" and any("\t" in name for name in names):
        return f"{seen}The header holds tabs: if they separate the fields, rename the file to end in .tsv"
    mark = "a tab" if delimiter == "\t" else repr(delimiter)
    return f"{seen}A field that holds {mark} must stand in double quotes"


class _Feed:
    """An iterator that can go on behind an error or the end, as generators and ``iter(callable, …)`` cannot."""

    def __init__(self, following: Callable[[], str]) -> None:
        self._following = following

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        return self._following()


class SeparatedRows:
    """The records of a CSV source, the header among them, with the very text each was read from.

    A broken record raises SourceError; iteration then goes on with the line behind the broken record's first.

    Attributes:
        delimiter: that the source has.
        told: the line before the header that says so, if there is one.
    """

    def __init__(self, lines: Lines, name: str, delimiter: str) -> None:
        self._lines = lines
        self._name = name
        self._again: deque[tuple[int, str]] = deque()
        self._taken: list[tuple[int, str]] = []
        self._size = 0
        self._wide = False
        self.told = ""
        self.delimiter = self._find(delimiter)
        self._reader = csv.reader(_Feed(self._line), delimiter=self.delimiter, strict=True)

    def _find(self, delimiter: str) -> str:
        """Return *delimiter*, or what the first line tells; without commas, the semicolon (of 0,5), or the tab."""
        for line in self._lines:
            if self._lines.number == 1 and (told := _SEPARATOR.fullmatch(line)):
                self.told = line
                return told[1]
            self._again.append((self._lines.number, line))
            if line.strip():
                bare = _QUOTED.sub("", line).strip()
                others = ";\t" if delimiter == "," and "," not in bare else ""
                return next((other for other in others if other in bare), delimiter)
        return delimiter

    def __iter__(self) -> SeparatedRows:
        return self

    def __next__(self) -> SeparatedRow:
        while True:
            row = self._next()
            if row.text.strip(" \r\n"):
                return row

    def _next(self) -> SeparatedRow:
        self._taken, self._size = [], 0
        try:
            values = next(self._reader)
        except (csv.Error, SourceError) as error:
            self._again.extendleft(reversed(self._taken[1:]))
            raise self._explained(error) from error.__cause__
        finally:
            if self._wide:
                _restore_field_limit()
                self._wide = False
        return SeparatedRow(f"{self._name}:{self._taken[0][0]}", "".join(line for _, line in self._taken), values)

    def _line(self) -> str:
        if self._again:
            number, line = self._again.popleft()
        else:
            line = next(self._lines)
            number = self._lines.number
        self._taken.append((number, line))
        self._size += len(line)
        self._check(number, line)
        return line

    def _check(self, number: int, line: str) -> None:
        if "\0" in line:
            raise SourceError(
                f"{self._name}:{number}: a NUL byte, which CSV cannot hold. "
                "If the file is UTF-16, name it: --encoding utf-16-le"
            )
        if self._size > _RECORD_CHARACTERS:
            raise csv.Error("unexpected end of data")
        if not self._wide and self._size > _free_characters():
            _raise_field_limit()
            self._wide = True

    def _explained(self, error: Exception) -> SourceError:
        if isinstance(error, SourceError):
            begun = f" (in the record that begins at line {self._taken[0][0]})" if len(self._taken) > 1 else ""
            return SourceError(f"{error}{begun}")
        cause = str(error)
        if "end of data" in cause:
            cause = "a quote opens in this record and is never closed"
        elif "expected after" in cause:
            cause = 'text behind a closing quote; a quote inside a quoted field is written twice: ""'
        elif "new-line" in cause:
            cause = "a carriage return outside of quotes; end lines with a line feed"
        return SourceError(f"{self._name}:{self._taken[0][0]}: {cause}")


# csv limits the length of a field for the whole process. The limit is lifted only while a record longer than it,
# or than this, is being parsed, and put back as it was; the count keeps readers in several threads apart.
_FREE_CHARACTERS = 1 << 16
_limit_lock = threading.Lock()
_limit = {"users": 0, "before": 0}


def _free_characters() -> int:
    return min(_FREE_CHARACTERS, _limit["before"] if _limit["users"] else csv.field_size_limit())


def _raise_field_limit() -> None:
    with _limit_lock:
        if _limit["users"] == 0:
            _limit["before"] = csv.field_size_limit()
        _limit["users"] += 1
        csv.field_size_limit(2**31 - 1)


def _restore_field_limit() -> None:
    with _limit_lock:
        _limit["users"] -= 1
        if _limit["users"] == 0:
            csv.field_size_limit(_limit["before"])
