"""The reader of Parquet files, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from embedsearch.documents.document import Document
from embedsearch.documents.fields import RawRecord, documents_of
from embedsearch.documents.json_values import json_fields
from embedsearch.documents.sources import ReadOptions, Source, seekable
from embedsearch.errors import SourceError

_BATCH_ROWS = 1024


def read_parquet(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each row; its values become those of JSON."""
    _require_pyarrow(source)
    with seekable(source.stream) as stream, _opened(stream, source) as file:
        yield from documents_of(_records(file, source, options), source, options, file.schema_arrow.names)


def _records(file: Any, source: Source, options: ReadOptions) -> Iterator[RawRecord]:
    for number, row in enumerate(_rows(file, source), start=1):
        place = f"{source.name}:{number}"
        try:
            fields = json_fields(row)
        except ValueError as error:
            options.broken(SourceError(f"{place}: {error}"))
        else:
            yield RawRecord(number, place, "", fields)


def _require_pyarrow(source: Source) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise SourceError(
            f'{source.name}: Parquet needs pyarrow; install it with: pip install "embedsearch[parquet]"'
        ) from None


def _opened(stream: Any, source: Source) -> Any:
    from pyarrow import parquet

    with _as_ours(source):
        file = parquet.ParquetFile(stream, pre_buffer=False)
    _check_columns(file.schema_arrow, source)
    return file


def _rows(file: Any, source: Source) -> Iterator[dict[str, Any]]:
    with _as_ours(source):
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            yield from _in_microseconds(batch).to_pylist()


@contextmanager
def _as_ours(source: Source) -> Iterator[None]:
    import pyarrow

    try:
        yield
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
    """Return *batch* with what counts nanoseconds cut to the microseconds that Python's datetime knows."""
    import pyarrow as pa

    def cut(column: Any) -> Any:
        if getattr(column.type, "unit", "") != "ns":
            return column
        if pa.types.is_timestamp(column.type):
            return column.cast(pa.timestamp("us", column.type.tz), safe=False)
        return column.cast(pa.duration("us") if pa.types.is_duration(column.type) else pa.time64("us"), safe=False)

    return pa.RecordBatch.from_arrays([cut(column) for column in batch.columns], names=batch.schema.names)
