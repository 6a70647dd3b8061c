"""What users may write for the parameters of a query."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import TypeVar

from embedsearch.errors import QueryError, StoreError, did_you_mean

OVERLAP = 25  # words that passages repeat where nobody says how many

_T = TypeVar("_T", bound=str)


def one_of(what: str, given: _T, known: Sequence[_T]) -> _T:
    """Return *given* if it is one of the known names.

    Raises:
        QueryError: it is not.
    """
    if given not in known:
        raise QueryError(f"there is no {what} {given!r}.{did_you_mean(str(given), map(str, known))}")
    return given


def checked_overlap(overlap: int | None, chunk_words: int | None, usual: int = OVERLAP) -> int:
    """Return the most words that passages repeat; where *overlap* is None the usual ones, or half a passage if less.

    Raises:
        StoreError: *overlap* is negative, or more than half of *chunk_words*, which no passage repeats.
    """
    half = None if chunk_words is None else chunk_words // 2
    if overlap is None:
        return usual if half is None else min(usual, half)
    if overlap < 0:
        raise StoreError(f"the overlap of passages cannot be {overlap} words; 0 is none")
    if half is not None and overlap > half:
        raise StoreError(
            f"passages of {chunk_words} words repeat {half} of them at most, half a passage, and not {overlap}; "
            f"ask for an overlap of {half} or less, or for longer passages"
        )
    return overlap


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
