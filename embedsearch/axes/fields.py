"""Metadata fields as numbers: the values of documents, and bins of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.checks import FEWEST_RATINGS, are_equal, finite
from embedsearch.conditions.values import as_number as number_said
from embedsearch.errors import AxisError
from embedsearch.wording import count_of

_COMPACT = re.compile(r"[0-9]{8}")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_SHOWN = 60  # characters of a value in a message
_NOT_NUMBERS = (bool, list, dict)
_TRUTH = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}


def as_numbers(name: str, field: str, values: Sequence[Any]) -> NDArray[np.float64]:
    """Return the values of a field as numbers; those of a two-valued field as 0 and 1, in the order of their texts.

    ``yes`` and ``true`` are 1, ``no`` and ``false`` 0. Dates are years with their fractions.

    Raises:
        AxisError: the field is text with more than two values, has fewer than 5 values, has one value only, or has a
            number too large.
    """
    _check_size(name, field, values)
    kinds = {str(value).casefold() for value in values}
    if kinds <= set(_TRUTH):
        numbers = [_TRUTH[str(value).casefold()] for value in values]
    elif (found := numbers_of(values)) and None not in found:
        numbers = [number for number in found if number is not None]
    elif len(kinds) == 2:
        high = max(kinds)
        numbers = [float(str(value).casefold() == high) for value in values]
    else:
        texts = [value for value, number in zip(values, found, strict=True) if number is None]
        example = _shown(texts[0]) if texts else "nothing"
        raise AxisError(
            f"axis {name!r}: the field {field!r} holds text of {len(kinds)} values, such as {example}; "
            "wanted are numbers, dates, or two values"
        )
    if len(numbers) < FEWEST_RATINGS:
        few = count_of(len(numbers), "document has", "documents have")
        raise AxisError(f"axis {name!r}: {few} {field!r}; at least {FEWEST_RATINGS} are wanted")
    if are_equal(numbers):
        raise AxisError(
            f"axis {name!r}: the field {field!r} is {numbers[0]:g} in all documents, so it gives no direction"
        )
    return np.array(numbers, dtype=np.float64)


def numbers_of(values: Sequence[Any]) -> list[float | None]:
    """Return each value of a field as `as_number` does; if others are dates, ``20150301`` is a date as well."""
    numbers = [as_number(value) for value in values]
    if not any(is_date(value) for value in values):
        return numbers
    days = [_year(str(value).strip()) if _is_compact(value) else None for value in values]
    return [number if day is None else day for number, day in zip(numbers, days, strict=True)]


def all_numbers(values: Sequence[Any]) -> NDArray[np.float64] | None:
    """Return values that are there, as `numbers_of` does; None if there are none, or one is neither number nor date.

    A boolean is not a number here, and neither is a list or a record.
    """
    if not values or any(isinstance(value, _NOT_NUMBERS) for value in values):
        return None
    different = list(dict.fromkeys(values))  # a field has few: reading a date takes its time
    if any(as_number(value) is None for value in different):  # a field of text is left at its first value
        return None
    number_of = dict(zip(different, numbers_of(different), strict=True))
    return np.array([number_of[value] for value in values], dtype=np.float64)


def is_number(value: Any) -> bool:
    """Return whether a value is one of those that `all_numbers` takes for numbers and dates."""
    return not isinstance(value, _NOT_NUMBERS) and as_number(value) is not None


def _is_compact(value: Any) -> bool:
    return not isinstance(value, float) and bool(_COMPACT.fullmatch(str(value).strip()))


def is_date(value: Any) -> bool:
    """Return whether a value is a date that cannot be a number."""
    if isinstance(value, int | float) or _is_compact(value):
        return False
    return number_said(value) is None and _year(str(value)) is not None


def as_number(value: Any) -> float | None:
    """Return a number, or a date as a year with its fraction; None for anything else.

    The numbers are those that conditions take for numbers: ``1_2`` is the number of a section, not twelve.
    """
    number = number_said(value)
    return _year(str(value)) if number is None else finite(number)


def _year(text: str) -> float | None:
    """Return a date, or the first day of a month, as a year with its fraction; None where it is none."""
    text = text.strip()
    try:
        day = datetime.fromisoformat(f"{text}-01" if _MONTH.fullmatch(text) else text).date()
    except ValueError:
        return None
    begin, end = date(day.year, 1, 1), date(day.year + 1, 1, 1) if day.year < 9999 else date(9999, 12, 31)
    return day.year + (day - begin).days / max(1, (end - begin).days)


def binned(name: str, field: str, values: Sequence[Any], bins: int) -> tuple[NDArray[np.int64], list[float]]:
    """Return which of *bins* groups of similar size each value is in, and the mean value of each group.

    Equal values are never separated: each quantile is moved to the nearest place between two different values, or to
    the lower of two equally near ones. You can therefore get fewer groups.

    Raises:
        AxisError: the field is not a number or date, or has fewer than two different values.
    """
    _check_size(name, field, values)
    found = numbers_of(values)
    if not found or None in found:
        wrong = next((value for value, number in zip(values, found, strict=True) if number is None), None)
        raise AxisError(
            f"axis {name!r}: the field {field!r} holds {_shown(wrong)}, which is neither a number nor a date"
        )
    numbers = np.array(found, dtype=np.float64)
    distinct, inverse, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    if len(distinct) < 2:
        raise AxisError(
            f"axis {name!r}: the field {field!r} is {distinct[0]:g} in all documents, so it gives no series"
        )
    below = np.cumsum(counts)[:-1]  # how many documents lie below each place between two values
    quantiles = len(numbers) * np.arange(1, bins) / bins
    after = np.minimum(np.searchsorted(below, quantiles), len(below) - 1)
    before = np.maximum(after - 1, 0)
    cuts = np.unique(np.where(quantiles - below[before] <= below[after] - quantiles, before, after))
    places = np.searchsorted(cuts, inverse, side="left")
    return places, [float(numbers[places == place].mean()) for place in range(len(cuts) + 1)]


def _check_size(name: str, field: str, values: Sequence[Any]) -> None:
    if any(isinstance(value, int) and finite(value) is None for value in values):
        raise AxisError(f"axis {name!r}: the field {field!r} holds a number beyond 1e308, which is too large to count")


def _shown(value: Any) -> str:
    text = str(value)
    return repr(value if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
