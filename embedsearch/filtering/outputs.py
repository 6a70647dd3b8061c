"""Writing records as they stood in their sources, byte for byte, and rows of Parquet files with their types."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from embedsearch.compressed import suffix_of
from embedsearch.documents import Document
from embedsearch.errors import QueryError
from embedsearch.index import Verdict

ROWS_AT_ONCE = 4096
_ABBREVIATION = re.compile(r"@\s*string\s*[{(]\s*([^\s=]+)\s*=", re.IGNORECASE)


class RecordWriter:
    """Writes records as they stood in their sources, with the header once; documents without a record as JSON lines.

    It refuses to write a file that nothing could read: records of several formats, under several headers, or in
    several encodings.
    """

    def __init__(self, stream: BinaryIO, encoding: str | None = None, format: str | None = None) -> None:
        """Prepare to write; nothing is written yet.

        Args:
            stream: takes the bytes.
            encoding: the encoding of sources without a byte order mark; if None, UTF-8.
            format: the format that all sources are read as; if None, by their suffixes.
        """
        self._stream = stream
        self._encoding = encoding or "utf-8"
        self._format = format
        self._kind: tuple[str, str, str] | None = None
        self._first = ""
        self._like: tuple[str, str] | None = None  # what was looked at last
        self._header = ""
        self._defined: dict[str, list[str]] = {}  # the BibTeX abbreviations written so far
        self._source = ""
        self._mark, self._own_encoding = b"", self._encoding
        self._ended = True
        self._begun = False

    def write(self, verdicts: Iterable[Verdict]) -> None:
        """Write the records of documents as they come.

        Raises:
            QueryError: a record cannot be in one file with those before it.
        """
        for verdict in verdicts:
            document = verdict.document
            if document.record:
                self._look_at(document)
            self._require_same_kind(document)
            if document.record:
                self._put_header(document)
                self._put(document.record, self._own_encoding)
            else:
                self._put(json.dumps(verdict.to_dict(), ensure_ascii=False) + "\n", "utf-8")

    def write_header(self, document: Document) -> None:
        """Write the CSV or TSV header that stands before *document*, if no record was written below it."""
        self._look_at(document)
        if self._kind is None and self._kind_of(document)[0] == "separated":
            self._put_header(document)

    def _require_same_kind(self, document: Document) -> None:
        like = (self._source, document.header) if document.record else None
        if like == self._like and self._kind is not None:
            return
        kind, self._like = self._kind_of(document), like
        if self._kind is None:
            self._kind, self._first = kind, document.source or document.id
        elif kind != self._kind:
            pairs = zip(
                ("of another format", "under another header", "in another encoding"), kind, self._kind, strict=True
            )
            what = next(what for what, own, first in pairs if own != first)
            raise QueryError(
                f"{document.source or document.id} is {what} than {self._first}: unchanged, they would not make a file "
                "that can be read; filter the sources one by one, or name a format, such as -f jsonl"
            )

    def _kind_of(self, document: Document) -> tuple[str, str, str]:
        """Return format, header and encoding, equal for records that can stand in one file."""
        if not document.record:
            return "jsonl", "", "utf-8"
        encoding = codecs.lookup(self._own_encoding).name.removesuffix("-sig")
        format = self._format or suffix_of(self._source)[1:]
        if format in ("jsonl", "ndjson") or (not format and document.record.lstrip().startswith("{")):
            return "jsonl", "", encoding
        if document.header and format != "bib":  # BibTeX abbreviations may stand anywhere
            return "separated", document.header.rstrip("\r\n"), encoding
        return format, "", encoding

    def _look_at(self, document: Document) -> None:
        """Note the source of a record, its encoding and its byte order mark."""
        self._source = document.source.rpartition(":")[0]
        self._own_encoding, self._mark = document.encoding or (self._encoding, b"")

    def _put_header(self, document: Document) -> None:
        """Write what a record needs before it, unless it has been written already."""
        header = document.header
        if (bare := header.rstrip("\r\n")) and bare != self._header:
            is_bibtex = self._kind is not None and self._kind[0] == "bib"
            for part in self._undefined(document) if is_bibtex else [header]:
                self._put(part, self._own_encoding)
            self._header = bare

    def _undefined(self, document: Document) -> list[str]:
        """Return the abbreviations before a BibTeX entry that the output does not define."""
        header, own, left = document.header, dict[str, list[str]](), []
        found = list(_ABBREVIATION.finditer(header))
        ends = [*(one.start() for one in found[1:]), len(header)]
        for one, end in zip(found, ends, strict=True):
            name, definition = one[1].lower(), header[one.start() : end].strip()
            definitions, held = own.setdefault(name, []), self._defined.setdefault(name, [])
            if definitions[-1:] != [definition]:
                definitions.append(definition)
                if len(definitions) > len(held):
                    held.append(definition)
                    left.append(header[one.start() : end])
        for name, definitions in own.items():
            if definitions != self._defined[name]:
                raise QueryError(
                    f"{document.source} defines the abbreviation {name!r} differently from what was written before it: "
                    "unchanged, they would not make a file that can be read; filter the sources one by one, or name a "
                    "format, such as -f jsonl"
                )
        return left

    def _put(self, text: str, encoding: str) -> None:
        if not self._begun and self._mark:
            self._stream.write(self._mark)
        self._begun = True
        if not self._ended:  # the last record of a file may lack its line end
            self._stream.write(_encoded("\n", encoding))
        self._stream.write(_encoded(text, encoding))
        self._ended = text.endswith(("\n", "\r"))


def _encoded(text: str, encoding: str) -> bytes:
    """Return *text* without the byte order mark that utf-8-sig puts before every text."""
    return text.encode(encoding).removeprefix("".encode(encoding))


class ParquetWriter:
    """Writes rows of Parquet files as they stood, with their column types; all files must have the same columns."""

    def __init__(self, stream: BinaryIO, sources: Sequence[str] = ()) -> None:
        """Prepare to write; nothing is written yet.

        Args:
            stream: takes the bytes.
            sources: the files that are read; the first gives the columns if no row passes.
        """
        self._stream = stream
        self._sources = sources
        self._writer: Any = None
        self._rows: _Rows | None = None  # of the file read last; only one is held open

    def write(self, verdicts: Iterable[Verdict], *, at_once: int = ROWS_AT_ONCE) -> None:
        """Write the rows of documents in their order; if that is a file's own order, the file is read only once.

        Args:
            verdicts: verdicts on documents read from Parquet files.
            at_once: how many rows are held in memory.

        Raises:
            QueryError: a document comes from elsewhere, or from a file with other columns.
        """
        stream = iter(verdicts)
        try:
            while batch := [_place(verdict.document) for verdict in islice(stream, at_once)]:
                self._write_rows(batch)
            self._write_nothing()
        finally:
            for opened in (self._writer, self._rows):
                if opened is not None:
                    opened.close()

    def _write_rows(self, places: Sequence[tuple[str, int]]) -> None:
        import pyarrow as pa

        by_file: dict[str, list[int]] = {}
        for place in sorted(range(len(places)), key=lambda place: places[place][1]):
            by_file.setdefault(places[place][0], []).append(place)
        order, tables = [], []
        for name in dict.fromkeys(name for name, _ in places):
            rows = self._rows_of(name)
            tables += rows.take([places[place][1] for place in by_file[name]])
            order += by_file[name]
            self._open(rows.schema, name)
        whole = pa.Table.from_batches([batch.cast(self._writer.schema) for batch in tables])
        back = sorted(range(len(order)), key=order.__getitem__)
        self._writer.write_table(whole if back == list(range(len(order))) else whole.take(back))

    def _rows_of(self, name: str) -> _Rows:
        if self._rows is not None and self._rows.name != name:
            self._rows.close()
            self._rows = None
        self._rows = self._rows or _Rows(name)
        return self._rows

    def _open(self, schema: Any, name: str) -> None:
        from pyarrow import parquet

        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._stream, schema)
        elif not self._writer.schema.equals(schema):
            raise QueryError(f"{name} has different columns from the file before it; filter them one by one")

    def _write_nothing(self) -> None:
        for name in [source for source in self._sources if Path(source).is_file()][:1]:
            if self._writer is None:
                self._open(self._rows_of(name).schema, name)


def _place(document: Document) -> tuple[str, int]:
    """Return the file and the number of the row that a document was read from."""
    name, _, number = document.source.rpartition(":")
    if not name.casefold().endswith(".parquet") or not number.isdecimal():
        raise QueryError(
            f"{document.source or document.id} is not a row of a .parquet file, and only such rows can be written "
            "unchanged to one; name another file for the output"
        )
    return name, int(number)


class _Rows:
    """The rows of a Parquet file, read forwards; if earlier ones are asked for, from the beginning again."""

    def __init__(self, name: str) -> None:
        from pyarrow import parquet

        self.name = name
        self._file = parquet.ParquetFile(name)
        self.schema = self._file.schema_arrow
        self._batches: Iterator[Any] = iter(())
        self._batch: Any = None
        self._first = 1 << 62  # the number of the batch's first row

    def close(self) -> None:
        self._file.close()

    def take(self, numbers: Sequence[int]) -> list[Any]:
        """Return batches that hold the rows of these numbers, counted from 1, ascending."""
        if numbers[0] < self._first:
            self._batches, self._batch, self._first = self._file.iter_batches(batch_size=ROWS_AT_ONCE), None, 1
        taken = []
        left = list(numbers)
        while left:
            if self._batch is None or left[0] >= self._first + self._batch.num_rows:
                self._first += self._batch.num_rows if self._batch is not None else 0
                self._batch = next(self._batches)
                continue
            here = [number for number in left if number < self._first + self._batch.num_rows]
            taken.append(self._batch.take([number - self._first for number in here]))
            left = left[len(here) :]
        return taken
