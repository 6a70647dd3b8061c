"""Passages as a file: those chosen on the page, with where they lie."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from io import TextIOWrapper
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from embedsearch.errors import QueryError
from embedsearch.explorer.desk import Desk
from embedsearch.explorer.fields import Fields
from embedsearch.explorer.points import is_numeric, written
from embedsearch.index.arguments import one_of
from embedsearch.results import flatten
from embedsearch.vectors import Rows

KINDS: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
_AT_ONCE = 2000
_IN_MEMORY = 8 << 20  # bytes; what is longer waits in a file
_MOST_ROWS = 5_000_000


def export(desk: Desk, asked: Fields) -> tuple[IO[bytes], str]:
    """Return a file of passages, at its beginning, and its kind.

    Raises:
        QueryError: there is no such format, or what it needs is not installed.
    """
    kind, axes, where = asked.text("format"), asked.texts("axes", []), asked.text("where", "")
    rows = desk.index.rows(where) if where else desk.chosen(asked, most=_MOST_ROWS)
    asked.finish()
    one_of("format", kind, tuple(KINDS))
    if kind == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise QueryError('pyarrow is not installed; add the extra: pip install "embedsearch[parquet]"')
    records = _records(desk, rows, axes)
    stream: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it is sent
    names = ["id", "document", "title", "text", "source", *axes]
    fields = [f"metadata.{name}" for name in desk.index.info()["fields"]]
    if kind == "jsonl":
        _write_lines(stream, records)
    elif kind == "csv":
        _write_csv(stream, records, [*names, *fields])
    else:
        _write_parquet(stream, records, [*names, *fields], desk)
    stream.seek(0)
    return stream, kind


def _records(desk: Desk, rows: Rows, axes: Sequence[str]) -> Iterator[dict[str, Any]]:
    columns = {name: desk.plane.column(name) for name in axes}
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        places: list[int] = desk.plane.places(part).tolist()
        for place, one in zip(places, desk.index.passages(part), strict=True):
            record: dict[str, Any] = {"id": one.id, "document": one.document, "title": one.title}
            record |= {"text": one.text, "source": one.source}
            record.update({name: float(column[place]) for name, column in columns.items()})
            yield record | {"metadata": dict(one.metadata)}


def _write_lines(stream: IO[bytes], records: Iterator[dict[str, Any]]) -> None:
    for record in records:
        stream.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")


def _write_csv(stream: IO[bytes], records: Iterator[dict[str, Any]], names: Sequence[str]) -> None:
    text = TextIOWrapper(stream, "utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flatten(record) for record in records)
    text.detach()


def _write_parquet(stream: IO[bytes], records: Iterator[dict[str, Any]], names: Sequence[str], desk: Desk) -> None:
    """Write one type a column: numbers where a field has nothing else in the whole index, else texts."""
    import pyarrow as pa
    from pyarrow import parquet

    numeric = {name for name in names if _is_numeric(name, desk)}
    schema = pa.schema([(name, pa.float64() if name in numeric else pa.string()) for name in names])
    with parquet.ParquetWriter(stream, schema) as writer:
        while rows := [flatten(record) for record in islice(records, 10 * _AT_ONCE)]:
            cells = {name: [_cell(row.get(name), name in numeric) for row in rows] for name in names}
            writer.write_table(pa.table(cells, schema))


def _is_numeric(name: str, desk: Desk) -> bool:
    if name.startswith("metadata."):
        return is_numeric(desk.plane.field(name.removeprefix("metadata.")))
    return name in desk.index.axes


def _cell(value: Any, is_number: bool) -> float | str | None:
    if value is None:
        return None
    return float(value) if is_number else written(value)
