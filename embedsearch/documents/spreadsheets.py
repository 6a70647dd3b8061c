"""The reader of spreadsheets: a sheet is a table, and its first row names the fields."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from embedsearch.documents.document import Document
from embedsearch.documents.extents import require_workbook
from embedsearch.documents.fields import RawRecord, documents_of
from embedsearch.documents.json_values import json_fields
from embedsearch.documents.separated import column_names
from embedsearch.documents.sources import ReadOptions, Source, seekable
from embedsearch.errors import SourceError

SUFFIXES = ("xlsx", "xlsm")

_AHEAD_ROWS = 100  # by which it is told whether the first row names the columns
_EXACT = 1 << 53  # whole numbers up to this one are float64


class SheetRow(NamedTuple):
    """A row that is not empty.

    Attributes:
        number: as the spreadsheet program shows it, from 1.
        values: of its columns: texts, numbers, booleans, dates and times; None for an empty cell.
    """

    number: int
    values: list[Any]


def read_sheet(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each row of the first sheet that is not empty or hidden; its values become those of JSON."""
    names, records = sheet_records(source, options)
    yield from documents_of(records, source, options, names)


def sheet_records(source: Source, options: ReadOptions) -> tuple[list[str], Iterator[RawRecord]]:
    """Return the names of the columns, and the rows below them with their values by these."""
    rows = sheet_rows(source, options)
    header = next(rows, None)
    if header is None:
        options.tell_empty(source)
        return [], iter(())
    place = f"{source.name}:{header.number}"
    texts = ["" if value is None else str(value) for value in header.values]
    ahead = list(islice(rows, _AHEAD_ROWS))
    filled = {column for row in (header, *ahead) for column, value in enumerate(row.values) if value is not None}
    named = [text.strip() for text in texts if text.strip()]
    if 2 * len(named) < len(filled):
        raise SourceError(
            f"{place}: the first row names {len(named)} of {len(filled)} columns ({named[0]!r}, …); wanted a first "
            "row with the names of the fields. Delete any rows above it"
        )
    names = column_names(texts, place)
    known = [name for column, name in enumerate(names) if column in filled]
    return known, _records(names, texts, chain(ahead, rows), source, options)


def _records(
    names: list[str], texts: list[str], rows: Iterator[SheetRow], source: Source, options: ReadOptions
) -> Iterator[RawRecord]:
    for number, row in enumerate(rows, start=1):
        place = f"{source.name}:{row.number}"
        # A column without a name is none where nothing stands in it: often it only has a colour.
        named = zip(names, texts, row.values, strict=True)
        try:
            fields = json_fields({name: value for name, text, value in named if text.strip() or value is not None})
        except ValueError as error:
            options.broken(SourceError(f"{place}: {error}"))
        else:
            yield RawRecord(number, place, "", fields)


def sheet_rows(source: Source, options: ReadOptions) -> Iterator[SheetRow]:
    """Yield the rows of the first sheet that holds something and is not hidden; which others there are is told.

    A cell that was merged of several below each other stands in each of their rows.

    Raises:
        SourceError: it is no workbook of Excel, or has a password.
    """
    sheets = _sheets(source)
    shown = next((sheet for sheet, is_hidden in sheets if not is_hidden), None)
    if shown is None:
        return
    if others := [f"{one.name!r}{' (hidden)' * is_hidden}" for one, is_hidden in sheets if one is not shown]:
        options.tell(
            f"{source.name}: the sheet {shown.name!r} is read, and not {', '.join(others)}; "
            "to read another one, move it to the front, or save it as CSV"
        )
    yield from _merged(shown)


def _merged(sheet: Any) -> Iterator[SheetRow]:
    left = sheet.start[1]
    begun: dict[int, list[tuple[int, int]]] = {}
    for (top, column), (bottom, _) in sheet.merged_cell_ranges or ():
        if bottom > top and column >= left:
            begun.setdefault(top, []).append((column - left, bottom))
    carried: dict[int, tuple[int, Any]] = {}
    is_below = False
    for place, row in enumerate(sheet.iter_rows()):
        values = [_plain(value) for value in row]
        if all(value is None for value in values):
            continue
        for column, (bottom, value) in carried.items():
            if place <= bottom:
                values[column] = value
        if is_below:
            carried |= {column: (bottom, values[column]) for column, bottom in begun.get(place, ())}
        is_below = True
        yield SheetRow(place + 1, values)


def _plain(value: Any) -> Any:
    """Return the value of a cell: None for nothing; all numbers of a sheet are floats, of which some count things."""
    if value == "":
        return None
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value


def _sheets(source: Source) -> list[tuple[Any, bool]]:
    """Return the sheets that hold something, and whether each is hidden."""
    calamine = _library(source)
    with seekable(source.stream) as stream:
        require_workbook(stream, source.name)
        stream.seek(0)
        try:
            book = calamine.load_workbook(stream)
            kinds = [(one.name, one.visible != calamine.SheetVisibleEnum.Visible) for one in book.sheets_metadata]
            sheets = [(book.get_sheet_by_name(name), is_hidden) for name, is_hidden in kinds]
            return [(sheet, is_hidden) for sheet, is_hidden in sheets if sheet.start is not None]
        except calamine.CalamineError as error:
            raise SourceError(
                f"{source.name}: a damaged workbook: {' '.join(str(error).split())}. "
                "Open it in the program that wrote it, and save it again"
            ) from None


def rows_in(path: Path) -> int:
    """Return how many rows the file at *path* has below the first, all sheets taken together.

    Raises:
        SourceError: it cannot be read.
    """
    with path.open("rb") as stream:
        sheets = _sheets(Source(path.name, path.name, stream, path))
    return next((sheet.height - 1 for sheet, is_hidden in sheets if not is_hidden), 0)


def _library(source: Source) -> Any:
    try:
        import python_calamine
    except ImportError:
        raise SourceError(
            f'{source.name}: spreadsheets need python-calamine; install it with: pip install "embedsearch[office]"'
        ) from None
    return python_calamine
