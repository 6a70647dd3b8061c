"""What users may write for the parameters of a query."""

from __future__ import annotations

from collections.abc import Sequence
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
