"""Axes and ratings in files: ``axes.toml``, and tables of ratings, as CSV or spreadsheets."""

from __future__ import annotations

import io
import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedsearch.axes.checks import check_table
from embedsearch.axes.definition import Axis
from embedsearch.axes.rated import folded
from embedsearch.columns import delimited
from embedsearch.compressed import suffix_of
from embedsearch.documents.separated import SeparatedRow, SeparatedRows, miscounted
from embedsearch.documents.sources import Lines, ReadOptions, Source, opened_source
from embedsearch.documents.spreadsheets import SUFFIXES as SPREADSHEETS
from embedsearch.documents.spreadsheets import sheet_rows
from embedsearch.errors import AxisError, QueryError, SourceError, reason
from embedsearch.given import require_kind, require_path, require_text, require_texts
from embedsearch.whole import is_special, place_of, write_whole

_TEXT_COLUMNS = ("text", "phrase", "word")
_ID_COLUMNS = ("id", "document")
_VALUE_COLUMNS = ("rating", "value", "score")
_FILE_KEYS: dict[str, type] = {"file": str, "text": str, "rating": str}


def read_axes(file: str | os.PathLike[str]) -> list[Axis]:
    """Return the axes that a TOML file defines, one for each table, in their order.

    A table can give its ratings in another file, beside this one: ``ratings = "ratings.csv"``. If the columns of that
    file have other names, as in published norms, name them: ``ratings = {file = "norms.csv", text = "Word",
    rating = "Size.M"}``; see `read_ratings`.

    Raises:
        AxisError: the file cannot be read, is not TOML, or a definition is wrong.
    """
    path = require_path("a file of axes", file, error=AxisError)
    try:
        tables = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise AxisError(f"there is no file {path}; it should hold one table [NAME] for each axis") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AxisError(f"{path} cannot be read: {reason(error)}") from error
    axes = []
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise AxisError(f"{path}: {name!r} stands outside a table; each axis is a table [NAME]")
        try:
            axes.append(Axis.from_dict(name, _with_ratings(name, table, path.parent)))
        except AxisError as error:
            raise AxisError(f"{path}: {error}") from error
    if not axes:
        raise AxisError(f"{path} defines no axis; write one table [NAME] for each, with low = [...] and high = [...]")
    return axes


def _with_ratings(name: str, table: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Return a table of an ``axes.toml`` with the ratings of the file that it names, if it names one."""
    named = table.get("ratings")
    if isinstance(named, str):
        named = {"file": named}
    if not isinstance(named, dict) or not isinstance(named.get("file"), str):
        return table
    if "rated_documents" in table:
        raise AxisError(f"axis {name!r}: 'rated_documents' goes with ratings in the file itself, not in a CSV")
    wanted = check_table(name, "ratings", named, wanted=_FILE_KEYS, needed=["file"])
    ratings, documents = read_ratings(folder / wanted["file"], text=wanted.get("text"), rating=wanted.get("rating"))
    return {**table, "ratings": ratings, "rated_documents": documents}


def read_ratings(
    file: str | os.PathLike[str], *, text: str | None = None, rating: str | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the ratings in a table: those of phrases, by text, and those of documents, by id.

    The first line names the columns: ``text`` (or ``phrase``, ``word``) or ``id`` (or ``document``), and ``rating`` (or
    ``value``, ``score``), unless you name others; letter case does not matter. In a line with both a text and an id,
    the text is rated. Other columns are ignored, whatever they are called. Lines with an empty rating are left out:
    they are still to be rated.

    The file is read as documents are: a semicolon, a tab, or what a ``sep=`` line says, can separate the cells of a
    CSV, and a tab separates those of a file called ``.tsv`` or ``.tab``.

    Args:
        file: a CSV in UTF-8, or in the encoding of its byte order mark; or a spreadsheet.
        text: the name of the column of phrases.
        rating: the name of the column of ratings.

    Raises:
        AxisError: the file cannot be read, a column is missing or there twice, a row is longer than the first line, a
            rating is not a number, or a text is rated twice, letter case and white space aside.
    """
    path = require_path("a file of ratings", file, error=AxisError)
    for what, column in (("phrases", text), ("ratings", rating)):
        if column is not None:
            require_text(f"the column of {what}", column, error=AxisError)
    names, delimiter, rows = _table(path)
    phrase = _column(path, names, _TEXT_COLUMNS if text is None else (text,))
    id = _column(path, names, _ID_COLUMNS) if text is None else None
    value = _column(path, names, _VALUE_COLUMNS if rating is None else (rating,))
    if value is None or (phrase is None and id is None):
        wanted = f"{text or 'text (or id)'} and {rating or 'rating'}"
        raise AxisError(f"{path} has the columns {', '.join(names) or 'none'}; wanted are {wanted}")
    phrases: dict[str, float] = {}
    documents: dict[str, float] = {}
    known: set[tuple[bool, str]] = set()
    for row in rows:
        if any(row.values[len(names) :]):
            raise AxisError(miscounted(names, row, delimiter))
        if not (given := _cell(row.values, value)):
            continue
        said, named = _cell(row.values, phrase), _cell(row.values, id)
        twin = (bool(said), folded(said) if said else named)
        if not (said or named) or twin in known:
            what = f"{said or named!r} is rated twice" if said or named else "nothing is named"
            raise AxisError(f"{row.place}: {what}; keep one")
        known.add(twin)
        (phrases if said else documents)[said or named] = _number(given, row.place)
    return phrases, documents


def _table(path: Path) -> tuple[list[str], str, list[SeparatedRow]]:
    """Return the names of a table's columns, in lower case, its delimiter, and the rows below them.

    Raises:
        AxisError: the file cannot be read, or a quote is not closed.
    """
    try:
        with opened_source(path) as source:
            delimiter, rows = _rows(source, suffix_of(path)[1:])
            header, *others = rows or [SeparatedRow(str(path), "", [])]
    except FileNotFoundError as error:
        raise AxisError(f"there is no file {path}; ratings are a CSV with the columns text and rating") from error
    except SourceError as error:
        if isinstance(undecoded := error.__cause__, UnicodeError):
            raise AxisError(f"{path} cannot be read: {reason(undecoded)}; save it as UTF-8") from error
        raise AxisError(str(error)) from error
    except OSError as error:
        raise AxisError(f"{path} cannot be read: {reason(error)}") from error
    return [name.strip().casefold() for name in header.values], delimiter, others


def _rows(source: Source, suffix: str) -> tuple[str, list[SeparatedRow]]:
    """Return the delimiter of a table, and all its rows."""
    if suffix in SPREADSHEETS:
        found = sheet_rows(source, ReadOptions())
        texts = ((row.number, ["" if value is None else str(value) for value in row.values]) for row in found)
        return ",", [SeparatedRow(f"{source.name}:{number}", "", values) for number, values in texts]
    rows = SeparatedRows(Lines(source, ReadOptions()), source.name, _delimiter(suffix))
    return rows.delimiter, list(rows)


def _delimiter(suffix: str) -> str:
    """Return the delimiter of a file by its suffix."""
    return "\t" if suffix in ("tsv", "tab") else ","


def write_to_rate(
    file: str | os.PathLike[str], texts: Sequence[str], ratings: Mapping[str, float] | None = None
) -> None:
    """Write texts into a CSV with an empty column for their ratings; `read_ratings` reads it back.

    Ratings that are given are filled in. In a file called .tsv or .tab, tabs separate the cells instead of commas.

    Raises:
        AxisError: the file exists already, or its name is that of a spreadsheet.
        QueryError: the path is a folder, its folder is missing or is an index, or an argument is of the wrong kind.
        StoreError: the file cannot be written.
    """
    file = require_path("the file to rate in", file, error=QueryError)
    phrases = require_texts("a text to rate", texts)
    given = {} if ratings is None else ratings
    require_kind("what is rated already", given, Mapping, "ratings by text")
    suffix = suffix_of(file)[1:]
    if suffix in SPREADSHEETS:
        raise AxisError(f"{file} has the name of a spreadsheet; name a .csv file, which spreadsheet programs open")
    if not is_special(file) and place_of(file).exists():
        raise AxisError(f"{file} exists; it may hold ratings. Choose another name")
    lines = io.StringIO()
    rows = ({"text": text, "rating": given.get(text, "")} for text in phrases)
    delimited(["text", "rating"], rows, lines, _delimiter(suffix))
    write_whole(file, lines.getvalue().encode())


def _column(path: Path, names: list[str], known: tuple[str, ...]) -> int | None:
    """Return the place of the first of the *known* columns that there is.

    Raises:
        AxisError: there are two of that name.
    """
    name = next((name for name in (one.strip().casefold() for one in known) if name in names), None)
    if name is not None and names.count(name) > 1:
        raise AxisError(f"{path} has {names.count(name)} columns {name!r}; keep one, or rename the others")
    return None if name is None else names.index(name)


def _cell(cells: list[str], place: int | None) -> str:
    """Return the text of a cell; empty where there is none, as in a row that ends early."""
    return cells[place].strip() if place is not None and place < len(cells) else ""


def _number(text: str, place: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise AxisError(f"{place}: the rating {text!r} is not a number; write it as in 2.5")
    return number
