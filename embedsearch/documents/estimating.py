"""About how many documents a file holds, without reading all of it."""

from __future__ import annotations

from pathlib import Path

from embedsearch.errors import SourceError

_SAMPLE_BYTES = 1 << 24
_CHUNK_BYTES = 1 << 20
_LINE_BASED = {"csv": 1, "tsv": 1, "jsonl": 0, "ndjson": 0, "lines": 0}  # and the lines that are no record


def documents_in(path: Path | None, format: str) -> int:
    """Return about how many documents the file at *path* holds.

    Raises:
        SourceError: nobody can know before it is read.
        OSError: it cannot be opened.
    """
    if path is None or not path.is_file():
        raise SourceError("a stream")
    if format == "parquet":
        return _parquet_rows(path)
    if format in _LINE_BASED:
        return max(0, _lines_in(path) - _LINE_BASED[format])
    return 1


def _lines_in(path: Path) -> int:
    """Return the number of lines, as far as the first `_SAMPLE_BYTES` tell."""
    size = path.stat().st_size
    seen = ends = 0
    last = b"\n"
    with path.open("rb") as stream:
        while seen < _SAMPLE_BYTES and (chunk := stream.read(_CHUNK_BYTES)):
            seen += len(chunk)
            ends += chunk.count(b"\n")
            last = chunk[-1:]
    if seen < size:
        return round(ends * size / seen)
    return ends + (last != b"\n")


def _parquet_rows(path: Path) -> int:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise SourceError("pyarrow is missing") from None
    try:
        return int(parquet.read_metadata(path).num_rows)
    except pyarrow.ArrowException as error:
        raise SourceError(str(error)) from None
