"""The values of a field as groups of documents: one for each value, or steps of numbers and dates."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.fields import all_numbers, as_number, is_date, is_number
from embedsearch.conditions import Field, operand_written
from embedsearch.conditions.values import is_missing
from embedsearch.errors import QueryError
from embedsearch.wording import shown

MOST_VALUES = 8  # numbers with at most so many values have a group for each
MONTH, DAY = 1 / 12, 1 / 365  # about, in years: the steps of groups of dates by the calendar
_MOST_STEPS = 12
_TOLD = 5  # values in a sentence
_FEW = 0.1  # of the documents: so many values that are not numbers may be mistakes
_YEARS_FROM, _MONTHS_FROM = 0.5, 0.02  # years; smaller steps than these become calendar months, and days

Members = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Division:
    """Documents divided by the values of a field.

    Attributes:
        names: the names of the groups; of numbers ascending, else in the order in which they were met.
        members: the documents of each group, ascending; a document with a list of values is in several.
        valued: the documents that have a value, ascending.
        numbers: their values, shape (len(valued),), if all are numbers or dates; dates are years with fractions.
        step: the width of the groups of numbers, approximate for months and days; None if each value is a group.
        starts: where each group of numbers begins, if there is a step.
        odd: the values, as `written`, that are neither numbers nor dates, if nine tenths of the documents have
            numbers or dates of more than eight different values: without them there would be steps and a trend.
    """

    names: tuple[str, ...]
    members: tuple[Members, ...]
    valued: Members
    numbers: NDArray[np.float64] | None = None
    step: float | None = None
    starts: tuple[float, ...] = ()
    odd: tuple[str, ...] = ()

    @property
    def overlaps(self) -> bool:
        """Whether a document is in several groups."""
        return bool(self.members) and bool((np.unique_counts(np.concatenate(self.members)).counts > 1).any())


def divide(field: str, values: Sequence[Any], *, step: float | None = None) -> Division:
    """Divide documents into groups by a field.

    Numbers and dates of more than eight different values are put into steps of a round width: dates that span two
    years, for example, into months, and dates that span six weeks into days.

    Args:
        field: the name of the field, for messages.
        values: the value of each document; None, an empty text or an empty list if it has none.
        step: the width of the groups, in the numbers' unit; for dates, in years.

    Raises:
        QueryError: the step is not a number above 0; or there is a step, and a value is not a number or date.
    """
    if step is not None and not (isinstance(step, Real) and 0 < step < math.inf):
        raise QueryError(f"the step is {shown(step)}; wanted a number above 0, such as 10")
    valued = np.array([place for place, value in enumerate(values) if not is_missing(value)], dtype=np.int64)
    given = [values[place] for place in valued.tolist()]
    numbers = all_numbers(given)
    if numbers is None:
        if step is not None and given:
            raise _no_number(field, next(value for value in given if not is_number(value)))
        return Division(*_by_name(given, valued), valued, odd=odd_values(given))
    if step is None and len(np.unique(numbers)) <= MOST_VALUES:
        names = {number: written(given[place]) for place, number in enumerate(numbers.tolist())}
        order, members = _parted(numbers, valued)
        return Division(tuple(names[number] for number in order), members, valued, numbers)
    are_dates = any(map(is_date, given))
    width = float(step or _round_step(numbers))
    if are_dates and step is None and width < 1:
        if width < _YEARS_FROM:
            return _by_calendar(numbers, valued, are_months=width >= _MONTHS_FROM)
        width = 1.0
    order, members = _parted(_steps(numbers, width), valued)
    are_whole = width.is_integer() and (are_dates or _are_whole(numbers))
    starts = tuple(key * width for key in order)
    names_of_steps = tuple(_step_name(low, width, are_whole=are_whole, are_dates=are_dates) for low in starts)
    return Division(names_of_steps, members, valued, numbers, width, starts)


def written(value: Any) -> str:
    """Return a value of a field as a group's name: in full, since a cut or rounded one could name another too."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(written(part) for part in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _no_number(field: str, wrong: Any) -> QueryError:
    leaving = "" if isinstance(wrong, list | dict) else f", or ask only where {leaving_out(field, [written(wrong)])}"
    return QueryError(
        f"{field!r} holds {shown(wrong)}, which is neither a number nor a date; leave the step out{leaving}"
    )


def odd_values(given: Sequence[Any]) -> tuple[str, ...]:
    """Return the few values, as `written`, because of which the others are not taken as numbers or dates."""
    odd = [value for value in given if not is_number(value)]
    if len(odd) > _FEW * len(given) or any(isinstance(value, list | dict) for value in odd):
        return ()
    different = {as_number(value) for value in given if is_number(value)}
    return tuple(dict.fromkeys(map(written, odd))) if len(different) > MOST_VALUES else ()


def odd_told(field: str, odd: Sequence[str]) -> str:
    """Return the sentence that says what `odd_values` lead to, and how to leave them out."""
    named = ", ".join(odd[:_TOLD]) + (", …" if len(odd) > _TOLD else "")
    return (
        f"Nearly all documents have a number or a date as {field}; because of the others ({named}), all values are "
        "taken as text, without steps, ranges or trend. The condition "
        f"{leaving_out(field, odd[:_TOLD])} leaves the others out."
    )


def leaving_out(field: str, values: Sequence[str]) -> str:
    """Return the condition that leaves out documents with any of some values of a field."""
    return f"{operand_written(Field(field))} not in {json.dumps(list(values), ensure_ascii=False)}"


def _parted(keys: NDArray[np.float64], valued: Members) -> tuple[list[float], tuple[Members, ...]]:
    """Return the different keys, ascending, and the members of *valued* that have each."""
    order, counts = np.unique(keys, return_counts=True)
    members = np.split(valued[np.argsort(keys, kind="stable")], np.cumsum(counts)[:-1])
    return order.tolist(), tuple(members)


def _by_name(given: Sequence[Any], valued: Members) -> tuple[tuple[str, ...], tuple[Members, ...]]:
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, value in zip(valued.tolist(), given, strict=True):
        for name in dict.fromkeys(map(written, value)) if isinstance(value, list) else [written(value)]:
            places[name].append(place)
    return tuple(map(str, places)), tuple(np.array(own, dtype=np.int64) for own in places.values())


def _round_step(numbers: NDArray[np.float64]) -> float:
    """Return the least of 1, 2 and 5 times a power of ten that divides nine tenths of the numbers into at most 12.

    Otherwise a few numbers far out would get steps of their own, and all others would share one. Whole numbers have a
    whole step.
    """
    low, high = np.quantile(numbers, [0.05, 0.95], method="inverted_cdf")
    if low == high:
        low, high = numbers.min(), numbers.max()
    power = 10.0 ** math.floor(math.log10((high - low) / _MOST_STEPS))
    are_whole = _are_whole(numbers)
    return next(
        step
        for step in (factor * power for factor in (1, 2, 5, 10, 20, 50, 100))
        if np.ptp(_steps(np.array([low, high]), step)) < _MOST_STEPS and (step >= 1 or not are_whole)
    )


def _by_calendar(numbers: NDArray[np.float64], valued: Members, *, are_months: bool) -> Division:
    """Return dates by months, or by days."""
    days = [_day(number) for number in numbers.tolist()]
    begin = [day.replace(day=1) if are_months else day for day in days]
    order, members = _parted(np.array([day.toordinal() for day in begin], dtype=np.float64), valued)
    first = [date.fromordinal(int(key)) for key in order]
    names = tuple(day.isoformat()[: 7 if are_months else 10] for day in first)
    starts = tuple(as_number(day.isoformat()) or 0.0 for day in first)
    return Division(names, members, valued, numbers, MONTH if are_months else DAY, starts)


def _day(number: float) -> date:
    """Return the date of a year with its fraction."""
    year = int(number)
    begin, end = date(year, 1, 1), date(year + 1, 1, 1) if year < 9999 else date(9999, 12, 31)
    return begin + timedelta(days=round((number - year) * (end - begin).days))


def _step_name(low: float, step: float, *, are_whole: bool, are_dates: bool) -> str:
    if are_whole:
        return f"{low:.0f}" if step == 1 else f"{low:.0f} to {low + step - 1:.0f}"
    if are_dates and low >= 1 and low + step < 9999:
        return f"{_day(low)} to <{_day(low + step)}"
    return f"{low:.12g} to <{low + step:.12g}"


def _steps(numbers: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Return how many steps from 0 each number lies, rounded down; one within rounding of a step is on it."""
    exact = numbers / step
    near = np.round(exact)
    return np.where(np.isclose(exact, near, rtol=1e-12, atol=0), near, np.floor(exact))


def _are_whole(numbers: NDArray[np.float64]) -> bool:
    return bool((numbers == np.floor(numbers)).all())
