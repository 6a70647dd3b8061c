"""About how many documents a file holds, without reading all of it."""

from __future__ import annotations

from pathlib import Path

from embedsearch.documents import spreadsheets
from embedsearch.errors import SourceError

_SAMPLE_BYTES = 1 << 24
_CHUNK_BYTES = 1 << 20
_BEGINNINGS = {"ris": b"TY  - ", "nbib": b"PMID- ", "bib": b"\n@", "mbox": b"\nFrom "}  # what each record begins with
_LINE_BASED = {"csv": 1, "tsv": 1, "tab": 1, "jsonl": 0, "ndjson": 0, "lines": 0}  # and the lines that are no record


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
    if format in spreadsheets.SUFFIXES:
        return spreadsheets.rows_in(path)
    if format in _LINE_BASED:
        return max(0, _lines_in(path) - _LINE_BASED[format])
    if format in _BEGINNINGS:
        return max(1, _count(path, _BEGINNINGS[format])[0])
    return 1


def _lines_in(path: Path) -> int:
    """Return the number of lines, as far as the first `_SAMPLE_BYTES` tell."""
    ends, last = _count(path, b"\n")
    return ends + (last != b"\n")


def _count(path: Path, mark: bytes) -> tuple[int, bytes]:
    """Return how often a file holds *mark*, as far as the first `_SAMPLE_BYTES` tell, and its last byte.

    For a file that is longer than these the last byte is the mark, whatever it is.
    """
    size = path.stat().st_size
    seen = found = 0
    last = b"\n"
    with path.open("rb") as stream:
        while seen < _SAMPLE_BYTES and (chunk := stream.read(_CHUNK_BYTES)):
            seen += len(chunk)
            found += chunk.count(mark)
            last = chunk[-1:]
    return (round(found * size / seen), mark) if seen < size else (found, last)


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
