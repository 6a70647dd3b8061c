"""Axes and ratings in files: ``axes.toml``, and CSV tables of ratings."""

from __future__ import annotations

import csv
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedsearch.axes.checks import check_table
from embedsearch.axes.definition import Axis
from embedsearch.errors import AxisError

_TEXT_COLUMNS = ("text", "phrase", "word")
_ID_COLUMNS = ("id", "document")
_VALUE_COLUMNS = ("rating", "value", "score")
_FILE_KEYS: dict[str, type] = {"file": str, "text": str, "rating": str}


def read_axes(file: str | os.PathLike[str]) -> list[Axis]:
    """Return the axes that a TOML file defines, one table each, in their order.

    ``ratings = "ratings.csv"`` names a table beside the file, ``ratings = {file = "norms.csv", text = "Word",
    rating = "Size.M"}`` one with columns of other names, as published norms have; see `read_ratings`.

    Raises:
        AxisError: the file cannot be read, is not TOML, or a definition is wrong.
    """
    path = Path(file)
    try:
        tables = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise AxisError(f"there is no file {path}; it should hold one table [NAME] for each axis") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AxisError(f"{path} cannot be read: {error}") from error
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
    """Return a table with the ratings of the CSV file that it names, if it names one."""
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
    """Return the ratings in a CSV file: of phrases by text, and of documents by id.

    The first line names the columns: ``text`` (or ``phrase``, ``word``) or ``id`` (or ``document``), and
    ``rating`` (or ``value``, ``score``), unless other names are given. Lines whose rating is empty are left out: they
    are still to be rated.

    Args:
        file: a CSV in UTF-8.
        text: the column of the phrases.
        rating: the column of the ratings.

    Raises:
        AxisError: the file cannot be read, a column is missing, a rating is no number, or a text is rated twice.
    """
    path = Path(file)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            names = [name.strip().casefold() for name in reader.fieldnames or []]
            records = [dict(zip(names, record.values(), strict=False)) for record in reader]
    except FileNotFoundError as error:
        raise AxisError(f"there is no file {path}; ratings are a CSV with the columns text and rating") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AxisError(f"{path} cannot be read: {error}") from error
    phrase = _column(names, _TEXT_COLUMNS if text is None else (text.casefold(),))
    id = _column(names, _ID_COLUMNS) if text is None else None
    value = _column(names, _VALUE_COLUMNS if rating is None else (rating.casefold(),))
    if value is None or (phrase is None and id is None):
        wanted = f"{text or 'text (or id)'} and {rating or 'rating'}"
        raise AxisError(f"{path} has the columns {', '.join(names) or 'none'}; wanted are {wanted}")
    phrases: dict[str, float] = {}
    documents: dict[str, float] = {}
    for line, record in enumerate(records, 2):
        if not (given := (record[value] or "").strip()):
            continue
        rated = phrases if phrase is not None and (record[phrase] or "").strip() else documents
        key = (record[phrase or ""] if rated is phrases else record.get(id or "") or "").strip()
        if not key or key in rated:
            raise AxisError(
                f"{path}, line {line}: {f'{key!r} is rated twice' if key else 'nothing is named'}; keep one"
            )
        rated[key] = _number(given, path, line)
    return phrases, documents


def write_to_rate(
    file: str | os.PathLike[str], texts: Sequence[str], ratings: Mapping[str, float] | None = None
) -> None:
    """Write texts into a CSV with a column for their ratings, empty but for those given; `read_ratings` takes it back.

    Raises:
        AxisError: the file is there already, or cannot be written.
    """
    try:
        with Path(file).open("x", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["text", "rating"])
            writer.writerows([text, (ratings or {}).get(text, "")] for text in texts)
    except FileExistsError as error:
        raise AxisError(f"{file} exists; it may hold ratings. Choose another name") from error
    except OSError as error:
        raise AxisError(f"{file} cannot be written: {error}") from error


def _column(names: list[str], known: tuple[str, ...]) -> str | None:
    return next((name for name in known if name in names), None)


def _number(text: str, path: Path, line: int) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise AxisError(f"{path}, line {line}: the rating {text!r} is no number") from error
