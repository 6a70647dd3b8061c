"""What users give from Python is of the kind that is wanted, or is refused by its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from embedsearch.errors import EmbedSearchError, QueryError
from embedsearch.wording import shown


def require_text(what: str, given: Any, *, error: type[EmbedSearchError] = QueryError) -> str:
    """Return *given* if it is a text.

    Args:
        what: it is, with its article.
        given: by the user.
        error: the class of the error to raise.

    Raises:
        error: it is none.
    """
    if not isinstance(given, str):
        raise error(f"{what} is {shown(given)} ({type(given).__name__}), wanted a text; give str(…)")
    return given


def require_path(what: str, given: Any, *, error: type[EmbedSearchError]) -> Path:
    """Return a path in any form as one; see `require_text`.

    Raises:
        error: it is none.
    """
    if not isinstance(given, str | bytes | os.PathLike):
        raise error(f"{what} is {shown(given)} ({type(given).__name__}), wanted a path")
    return Path(os.fsdecode(given))


def require_kind(
    what: str, given: Any, kind: type | tuple[type, ...], wanted: str, *, error: type[EmbedSearchError] = QueryError
) -> None:
    """See that *given* is of a kind; see `require_text`.

    Raises:
        error: it is of another; the message says what is *wanted*.
    """
    if not isinstance(given, kind):
        raise error(f"{what} is {shown(given)} ({type(given).__name__}), wanted {wanted}")


def require_callables(**given: Any) -> None:
    """See that what is to be told of something, by the name of its parameter, can be called, or is None.

    Raises:
        QueryError: it is neither.
    """
    for name, one in given.items():
        if one is not None and not callable(one):
            raise QueryError(f"{name} is {shown(one)} ({type(one).__name__}), wanted a function that is told, or None")


@contextmanager
def taking_back(what: str, given: Any, *, error: type[EmbedSearchError]) -> Iterator[None]:
    """Make of *given*, inside, what has a ``to_dict``; anything else than what that gives is refused.

    Raises:
        error: something is missing in it, or is of another kind.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        said = f"{cause} is missing" if isinstance(cause, KeyError) else str(cause)
        raise error(f"{shown(given)} is no {what} as its to_dict gives one: {said}") from cause
