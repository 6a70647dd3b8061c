"""Metadata fields as numbers: values of documents, and bins of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.checks import check_enough_ratings
from embedsearch.errors import AxisError

_TRUTH = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}


def as_numbers(name: str, field: str, values: Sequence[Any]) -> NDArray[np.float64]:
    """Return the values of a field as numbers; a two-valued one as 0 and 1 in the order of their texts.

    ``yes`` and ``true`` are 1, ``no`` and ``false`` 0. Dates are years with their fractions.

    Raises:
        AxisError: the field is text of more than two values, or has one value only.
    """
    kinds = {str(value).casefold() for value in values}
    if kinds <= set(_TRUTH):
        numbers = [_TRUTH[str(value).casefold()] for value in values]
    elif (found := [as_number(value) for value in values]) and None not in found:
        numbers = [number for number in found if number is not None]
    elif len(kinds) == 2:
        high = max(kinds)
        numbers = [float(str(value).casefold() == high) for value in values]
    else:
        texts = [value for value, number in zip(values, found, strict=True) if number is None]
        example = repr(texts[0]) if texts else "nothing"
        raise AxisError(
            f"axis {name!r}: the field {field!r} holds text of {len(kinds)} values, such as {example}; "
            "wanted are numbers, dates, or two values"
        )
    check_enough_ratings(name, numbers)
    return np.array(numbers, dtype=np.float64)


def as_number(value: Any) -> float | None:
    """Return a number, or a date as a year with its fraction; None for anything else."""
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    text = str(value).strip()
    try:
        number = float(text)
        return number if math.isfinite(number) else None
    except ValueError:
        pass
    try:
        day = datetime.fromisoformat(text).date()
    except ValueError:
        return None
    begin, end = date(day.year, 1, 1), date(day.year + 1, 1, 1) if day.year < 9999 else date(9999, 12, 31)
    return day.year + (day - begin).days / max(1, (end - begin).days)


def binned(name: str, field: str, values: Sequence[Any], bins: int) -> tuple[NDArray[np.int64], list[float]]:
    """Return which of *bins* groups of like size each value is in, and the mean value of each group.

    Equal values are never parted, so that fewer groups can come of it.

    Raises:
        AxisError: the field is no number or date, or has fewer than two different values.
    """
    found = [as_number(value) for value in values]
    if not found or None in found:
        wrong = next((value for value, number in zip(values, found, strict=True) if number is None), None)
        raise AxisError(f"axis {name!r}: the field {field!r} holds {wrong!r}, which is neither a number nor a date")
    numbers = np.array(found, dtype=np.float64)
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, bins + 1)[1:-1]))
    places = np.searchsorted(edges, numbers, side="left")
    used = np.unique(places)
    if len(used) < 2:
        raise AxisError(
            f"axis {name!r}: the field {field!r} has one value for nearly all documents; no series comes of it"
        )
    places = np.searchsorted(used, places)
    return places, [float(numbers[places == place].mean()) for place in range(len(used))]
