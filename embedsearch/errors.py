"""Every error that embedsearch raises on purpose.

::

    EmbedSearchError
    ├── SourceError    a file or record that cannot be read
    ├── EncoderError   a model that cannot be found, loaded or trusted
    ├── StoreError     an index folder that is missing, damaged, locked or of another encoder
    │   └── OutOfReachError  what it holds may be whole: the system does not let it be read or written
    │       └── BusyError    another process is writing to it: the same again will do later
    ├── QueryError     a query, expression or condition that cannot be answered (also a ValueError)
    └── AxisError      an axis whose definition or use is wrong

A message says what was seen, what was wanted and what to do next. Errors of the libraries below (faiss,
sqlite3, torch, pyarrow) never reach the caller: each is translated where it is caught.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EmbedSearchError(Exception):
    """The root of all errors raised on purpose."""


class SourceError(EmbedSearchError):
    """A source cannot be read; the message names the file and, where there is one, the line."""


class EncoderError(EmbedSearchError):
    """A model cannot be found, loaded or trusted."""


class StoreError(EmbedSearchError):
    """An index folder is missing, damaged, in use by another writer, or made by another encoder."""


class OutOfReachError(StoreError):
    """An index cannot be read or written for want of permission, room or memory; nothing is said of what it holds."""


class BusyError(OutOfReachError):
    """Another process is writing to the index folder; nothing is wrong with it."""


class QueryError(EmbedSearchError, ValueError):
    """A query, an expression or a condition cannot be answered."""


class AxisError(EmbedSearchError):
    """An axis is unknown, or its definition is wrong."""


class MissingKeyError(KeyError):
    """What a mapping of names raises beside one of the errors above, so that its ``get`` finds nothing there."""

    __str__ = Exception.__str__  # a KeyError shows the repr of its message


def first_line(error: BaseException) -> str:
    """Return the first line of what a library's error says; its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def reason(error: BaseException) -> str:
    """Return what the system says is wrong, without the path: the message names it already."""
    return getattr(error, "strerror", None) or str(error)


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the known name nearest to *name*, else the known names, else ``""``.

    The text begins with a space, so that it can be put straight behind a sentence. What is no text is near to none.
    """
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6) if isinstance(name, str) else []
    if close:
        return f" Did you mean {close[0]!r}?"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f" There are: {shown}."
