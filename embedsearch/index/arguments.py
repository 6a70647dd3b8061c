"""What users may write for the parameters of a query."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import TypeVar

from embedsearch.errors import QueryError, did_you_mean

_T = TypeVar("_T", bound=str)


def one_of(what: str, given: _T, known: Sequence[_T]) -> _T:
    """Return *given* if it is one of the known names.

    Raises:
        QueryError: it is not.
    """
    if given not in known:
        raise QueryError(f"there is no {what} {given!r}.{did_you_mean(str(given), map(str, known))}")
    return given


def require_count(count: int, what: str = "k") -> None:
    """Refuse what is no number of things to ask for.

    Raises:
        QueryError: *count* is no whole number, or below 1.
    """
    try:
        whole = index(count)
    except TypeError as error:
        raise QueryError(f"{what} is {count!r}; wanted a whole number, at least 1") from error
    if whole < 1:
        raise QueryError(f"{what} is {count}; at least 1 must be asked for")
