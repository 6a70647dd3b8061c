"""What users give from Python is of the kind that is wanted, or is refused by its name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
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


def require_utf8(what: str, given: Any, *, error: type[EmbedSearchError] = QueryError) -> str:
    """Return *given* if it is a text that UTF-8 can hold, as SQLite and the tokenizers want it; see `require_text`.

    Raises:
        error: it is none, or holds bytes that were no UTF-8 (lone surrogates).
    """
    text = require_text(what, given, error=error)
    try:
        text.encode()
    except UnicodeEncodeError as cause:
        raise error(
            f"{what} {shown(text)} holds bytes that are not UTF-8 (lone surrogates); give it in UTF-8"
        ) from cause
    return str.__str__(text)  # the text alone, of numpy's too


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


def several(given: Any, *, error: type[EmbedSearchError] = QueryError) -> list[Any]:
    """Return what was given as a list: a text or a path is one, and so is what cannot be gone through.

    Raises:
        error: it is a data frame, of which its names would be taken.
    """
    if hasattr(given, "columns") and hasattr(given, "dtypes"):
        raise error('a data frame, where one of its columns is wanted; give that, as in frame["text"]')
    if isinstance(given, str | bytes | os.PathLike):
        return [given]
    try:
        return list(given)
    except TypeError:
        return [given]


def require_texts(what: str, given: str | Iterable[str], *, error: type[EmbedSearchError] = QueryError) -> list[str]:
    """Return one text or several as a list; *what* each of them is, see `require_utf8`.

    Raises:
        error: one is no text, or it is a data frame.
    """
    return [require_utf8(what, one, error=error) for one in several(given, error=error)]


def require_flags(**given: Any) -> None:
    """See that each answer to yes or no, by the name of its parameter, is one; "no" would count as yes.

    Raises:
        QueryError: one is neither True nor False.
    """
    for name, one in given.items():
        if type(one).__name__ != "bool":  # Python's or numpy's, which is not loaded for this
            raise QueryError(f"{name} is {shown(one)} ({type(one).__name__}), wanted True or False")


def require_function(what: str, given: Any) -> None:
    """See that *given* can be called; see `require_text`.

    Raises:
        QueryError: it cannot.
    """
    if not callable(given):
        raise QueryError(f"{what} is {shown(given)} ({type(given).__name__}), wanted a function")


def require_callables(**given: Any) -> None:
    """See that what is to be told of something, by the name of its parameter, can be called, or is None.

    Raises:
        QueryError: it is neither.
    """
    for name, one in given.items():
        if one is not None and not callable(one):
            raise QueryError(f"{name} is {shown(one)} ({type(one).__name__}), wanted a function to call, or None")


@contextmanager
def taking_back(what: str, given: Any, *, error: type[EmbedSearchError]) -> Iterator[None]:
    """Make of *given*, inside, what has a ``to_dict``; anything else than what that gives is refused.

    Raises:
        error: something is missing in it, or is of another kind.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as cause:
        said = f"{cause} is missing" if isinstance(cause, KeyError) else str(cause)
        raise error(f"{shown(given)} is no {what} as its to_dict gives one: {said}") from cause
