"""Passages as a file: those chosen on the page, with where they lie."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from embedsearch.columns import Simple, cells, delimited, require_parquet, type_of, write_parquet
from embedsearch.explorer.desk import Desk, of_one_state
from embedsearch.explorer.fields import Fields
from embedsearch.explorer.points import Column
from embedsearch.index.arguments import one_of
from embedsearch.store import StoredPassage
from embedsearch.vectors import Rows

KINDS: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
_AT_ONCE = 2000
_IN_MEMORY = 8 << 20  # bytes; what is longer waits in a file
_MOST_ROWS = 5_000_000


@of_one_state
def export(desk: Desk, asked: Fields) -> tuple[IO[bytes], str]:
    """Return a file of passages, at its beginning, and its kind.

    Raises:
        QueryError: there is no such format, or what it needs is not installed.
    """
    kind, axes, where = asked.text("format"), asked.texts("axes", []), asked.optional("where")
    rows = desk.index.rows(where) if where else desk.chosen(asked, most=_MOST_ROWS)
    asked.finish()
    one_of("format", kind, tuple(KINDS))
    if kind == "parquet":
        require_parquet()
    columns = _columns(desk, axes)
    records = _records(desk, rows, columns)
    stream: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it is sent
    if kind == "jsonl":
        _write_lines(stream, records, columns)
    elif kind == "csv":
        _write_csv(stream, records, columns)
    else:
        schema = {column.path: column.type for column in columns}
        write_parquet((dict(zip(schema, values, strict=True)) for values in records), schema, stream, 10 * _AT_ONCE)
    stream.seek(0)
    return stream, kind


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of an export.

    Attributes:
        group: ``coordinates`` or ``metadata``; empty for what every passage has.
        name: of the axis or the field.
        type: of its values.
        places: of all passages on the axis; None for all that is no axis.
    """

    group: str
    name: str
    type: Simple
    places: Column | None = None

    @property
    def path(self) -> str:
        """Its name in a table: no two are the same, since what every passage has is called without a dot."""
        return f"{self.group}.{self.name}" if self.group else self.name

    def value(self, passage: StoredPassage, place: int) -> Any:
        """Return the value of a passage that has that place among all; None where it has none."""
        if self.places is not None:
            return float(self.places[place])
        return passage.metadata.get(self.name) if self.group == "metadata" else getattr(passage, self.name)


Row = list[Any]  # the values of a passage, one for each column


def _columns(desk: Desk, axes: Sequence[str]) -> list[_Column]:
    own = [_Column("", name, "text") for name in ("id", "document", "title", "text", "source")]
    places = [_Column("coordinates", name, "number", desk.plane.column(name)) for name in dict.fromkeys(axes)]
    fields = [_Column("metadata", name, type_of(desk.plane.field(name))) for name in desk.index.info()["fields"]]
    return [*own, *places, *fields]


def _records(desk: Desk, rows: Rows, columns: Sequence[_Column]) -> Iterator[Row]:
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        places: list[int] = desk.plane.places(part).tolist()
        for place, passage in zip(places, desk.index.passages(part), strict=True):
            yield [column.value(passage, place) for column in columns]


def _write_lines(stream: IO[bytes], records: Iterator[Row], columns: Sequence[_Column]) -> None:
    """Write coordinates and metadata as objects of their own, of fields those that a document has."""
    for values in records:
        record: dict[str, Any] = {}
        groups: dict[str, dict[str, Any]] = {"": record, "coordinates": {}, "metadata": {}}
        for column, value in zip(columns, values, strict=True):
            if column.group != "metadata" or value is not None:
                groups[column.group][column.name] = value
        record |= {name: inner for name, inner in groups.items() if name}
        stream.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")


def _write_csv(stream: IO[bytes], records: Iterator[Row], columns: Sequence[_Column]) -> None:
    names = [column.path for column in columns]
    text = TextIOWrapper(stream, "utf-8", newline="", write_through=True)
    delimited(names, (cells(dict(zip(names, values, strict=True))) for values in records), text)
    text.detach()
