"""The reader of Parquet files, a batch of rows at a time."""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from embedsearch.documents.document import Document
from embedsearch.documents.fields import Records, encodable
from embedsearch.documents.sources import ReadOptions, Source, seekable
from embedsearch.errors import SourceError

_BATCH_ROWS = 1024


def read_parquet(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each row; dates become ISO texts, and NaN, which JSON does not know, null."""
    _require_pyarrow(source)
    records = Records(source, options)
    with seekable(source.stream) as stream:
        for number, row in enumerate(_rows(stream, source, records), start=1):
            place = f"{source.name}:{number}"
            try:
                fields = {name: _json_value(value, name) for name, value in row.items()}
                document = records.document(fields, number, place)
            except ValueError as error:
                options.broken(SourceError(f"{place}: {error}"))
            except SourceError as error:
                options.broken(error)
            else:
                if document is not None:
                    yield document
    records.finish()


def _require_pyarrow(source: Source) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise SourceError(
            f'{source.name}: Parquet needs pyarrow; install it with: pip install "embedsearch[parquet]"'
        ) from None


def _rows(stream: Any, source: Source, records: Records) -> Iterator[dict[str, Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(stream, pre_buffer=False) as file:
            _check_columns(file.schema_arrow, source)
            records.meet(file.schema_arrow.names)
            records.settle()
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                yield from _in_microseconds(batch).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        cause = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise SourceError(f"{source.name}: not a Parquet file that can be read: {cause}") from None


def _check_columns(schema: Any, source: Source) -> None:
    from pyarrow import types

    for field in schema:
        if types.is_binary(field.type) or types.is_large_binary(field.type) or types.is_fixed_size_binary(field.type):
            raise SourceError(
                f"{source.name}: the column {field.name!r} holds bytes, which are neither text nor metadata; "
                "cast it to string, or leave it out"
            )
    twice = [name for name in schema.names if schema.names.count(name) > 1]
    if twice:
        raise SourceError(f"{source.name}: two columns are named {twice[0]!r}; rename one of them")


def _in_microseconds(batch: Any) -> Any:
    """Return *batch* with its nanosecond timestamps cut to the microseconds that Python's datetime knows."""
    import pyarrow

    def cut(column: Any) -> Any:
        if pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns":
            return column.cast(pyarrow.timestamp("us", column.type.tz), safe=False)
        return column

    return pyarrow.RecordBatch.from_arrays([cut(column) for column in batch.columns], names=batch.schema.names)


def _json_value(value: Any, name: str) -> Any:
    """Return *value*, of the column *name*, as a JSON value.

    Raises:
        ValueError: there is none for it.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, (list, tuple)):
        return [_json_value(item, name) for item in value]
    if isinstance(value, dict):
        return {key: _json_value(item, name) for key, item in value.items()}
    for kinds, convert in _CONVERSIONS:
        if isinstance(value, kinds):
            return convert(value)
    raise ValueError(f"the column {name!r} holds {type(value).__name__}, which is no JSON value; leave it out")


def _decimal(value: decimal.Decimal) -> float:
    """Return a whole number exactly, anything else as the nearest float."""
    return int(value) if value == value.to_integral_value() else float(value)


def _number(number: float) -> float | None:
    if math.isinf(number):
        raise ValueError("an infinite number, which JSON cannot hold; write null")
    return None if math.isnan(number) else number


_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (str, encodable),
    (float, _number),
    (decimal.Decimal, _decimal),
    ((datetime.date, datetime.time), lambda moment: moment.isoformat()),
    (datetime.timedelta, lambda span: span.total_seconds()),
    (uuid.UUID, str),
)
