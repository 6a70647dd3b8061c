"""What a workbook holds and how far its cells reach, found before they are read.

The library makes one table of all cells from the first to the last: a single cell in the outmost corner of an empty
sheet would take 550 GB, for which Rust ends the process. It ends it for damaged files of the old format too (.xls), and
does not come back from those of OpenDocument that are cut off; so neither is given to it.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from embedsearch.documents import foreign
from embedsearch.errors import SourceError

_MOST_CELLS = 1 << 25  # of 32 bytes each
_CHUNK_BYTES = 1 << 20
_TAG_BYTES = 1 << 12  # that a tag has at most
# Cells that hold something.
_CELL = re.compile(rb"""<(?:\w+:)?c\s(?:[^<>]*\s)?r=["']([A-Z]{1,3})([0-9]+)["'](?:[^<>]*[^<>/])?>(?!</)""")


def require_workbook(stream: BinaryIO, name: str) -> None:
    """Refuse what is no workbook of Excel, and one with a sheet of which something stands too far from the first cell.

    Raises:
        SourceError: the message says what it is, or how far that is.
    """
    head = foreign.office_head(stream, name, "Excel", "xls")
    try:
        with zipfile.ZipFile(stream) as packed:
            parts = packed.namelist()
            if "xl/workbook.xml" not in parts:
                raise SourceError(f"{name}: not an Excel workbook, but another archive; save tables as .xlsx or CSV")
            for part in parts:
                if part.startswith("xl/worksheets/") and part.endswith(".xml"):
                    _require_moderate(*_extent(packed, part), name)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, zlib.error) as error:
        known = foreign.by_mark(head) if not head.startswith(b"PK") else ""
        cause = f"by its first bytes {known}" if known else " ".join(str(error).split())
        raise SourceError(f"{name}: not an Excel workbook that can be read: {cause}") from None


def _require_moderate(rows: int, columns: int, name: str) -> None:
    if rows * columns > _MOST_CELLS:
        raise SourceError(
            f"{name}: one of its sheets reaches to row {rows:,} and column {columns:,}, a table of {rows * columns:,} "
            f"cells, wanted {_MOST_CELLS:,} at most; delete what is far from the table, or save the table as CSV UTF-8"
        )


def _extent(packed: zipfile.ZipFile, part: str) -> tuple[int, int]:
    """Return the last row and the last column of a sheet in which something stands."""
    rows = columns = 0
    known: set[bytes] = set()
    for cell in _cells(packed, part):
        rows = max(rows, int(cell[2]))
        if cell[1] not in known:
            known.add(cell[1])
            columns = max(columns, _number_of(cell[1]))
    return rows, columns


def _number_of(letters: bytes) -> int:
    """Return the number of a column: ``AB`` is 28."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def _cells(packed: zipfile.ZipFile, part: str) -> Iterator[re.Match[bytes]]:
    """Yield the tags of cells, of which one may be parted between two chunks."""
    held, is_last = b"", False
    with packed.open(part) as stream:
        while not is_last:
            chunk = stream.read(_CHUNK_BYTES)
            is_last = not chunk
            held += chunk
            end = len(held) if is_last else max(held.rfind(b"<", 0, held.rfind(b"<")), 0)  # a tag and the one behind it
            yield from _CELL.finditer(held, 0, end)
            held = held[end:][-_TAG_BYTES:]
