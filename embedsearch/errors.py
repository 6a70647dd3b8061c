"""Every error that embedsearch raises on purpose.

::

    EmbedSearchError
    ├── SourceError    a file or record that cannot be read
    ├── EncoderError   a model that cannot be found, loaded or trusted
    ├── StoreError     an index folder that is missing, damaged, locked or of another encoder
    │   └── OutOfReachError  the system does not let the index be read or written; it may be whole
    │       └── BusyError    another process is writing to the index: try again later
    ├── QueryError     a query, expression or condition that cannot be answered (also a ValueError)
    └── AxisError      an axis whose definition or use is wrong

A message says what was seen, what was wanted and what to do next. Errors of the libraries below (faiss,
sqlite3, torch, pyarrow) never reach the caller: each is translated where it is caught.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EmbedSearchError(Exception):
    """The base class of all errors that embedsearch raises on purpose."""


class SourceError(EmbedSearchError):
    """A source cannot be read; the message names the file and, if there is one, the line."""


class EncoderError(EmbedSearchError):
    """A model cannot be found, loaded or trusted."""


class StoreError(EmbedSearchError):
    """An index folder is missing, damaged, in use by another writer, or made by another encoder."""


class OutOfReachError(StoreError):
    """An index cannot be read or written for lack of permission, room or memory; what it holds may be whole."""


class BusyError(OutOfReachError):
    """Another process is writing to the index folder; nothing is wrong with the index."""


class QueryError(EmbedSearchError, ValueError):
    """A query, an expression or a condition cannot be answered."""


class AxisError(EmbedSearchError):
    """An axis is unknown, or its definition is wrong."""


class MissingKeyError(KeyError):
    """Mixed into errors that mappings raise for an unknown name, so that their ``get`` returns its default."""

    __str__ = Exception.__str__  # a KeyError shows the repr of its message


def first_line(error: BaseException) -> str:
    """Return the first line of a library's error message; the error's class name if the message is empty."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def reason(error: BaseException) -> str:
    """Return the system's reason for an error, without the path, which our message names already."""
    return getattr(error, "strerror", None) or str(error)


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the known name nearest to *name*, else the known names, else ``""``.

    The text begins with a space, so that it can follow a sentence directly. A *name* that is not a text is near to
    none.
    """
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6) if isinstance(name, str) else []
    if close:
        return f" Did you mean {close[0]!r}?"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f" There are: {shown}."
