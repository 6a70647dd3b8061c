"""What users may write for the parameters of a query."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from embedsearch.errors import QueryError, did_you_mean

_T = TypeVar("_T", bound=str)
_PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)$")


def one_of(what: str, given: _T, known: Sequence[_T]) -> _T:
    """Return *given* if it is one of the known names.

    Raises:
        QueryError: it is not.
    """
    if given not in known:
        raise QueryError(f"there is no {what} {given!r}.{did_you_mean(str(given), map(str, known))}")
    return given


def coordinate(name: str, value: float | str, at_percentile: Callable[[float], float]) -> float:
    """Return a coordinate in standard deviations from a number, or from a percentile such as ``p90``.

    Raises:
        QueryError: it is neither.
    """
    text = str(value).strip()
    match = _PERCENTILE.match(text)
    if match and float(match[1]) <= 100:
        return at_percentile(float(match[1]))
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise QueryError(
            f"{name}={text}: wanted a number of standard deviations, such as 1.5, or a percentile, such as p90"
        )
    return number
