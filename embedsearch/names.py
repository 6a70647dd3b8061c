"""Names, texts and paths that people give, and counts that they are told."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Any

from embedsearch.errors import EmbedSearchError, QueryError

_SHOWN = 60  # characters of what was given


def normal(name: str) -> str:
    """Return a name in the normal form NFC: an accent typed behind its letter makes no other name."""
    return unicodedata.normalize("NFC", name)


def count_of(count: int, noun: str, several: str = "") -> str:
    """Return a count with what was counted: 1 document, 2,000 documents.

    Args:
        count: how many.
        noun: what one of them is called, with a verb if that is to agree: ``record was``.
        several: what others are called, such as ``records were``; the noun with an s if empty.
    """
    return f"{count:,} {noun if count == 1 else several or f'{noun}s'}"


def shown(given: object) -> str:
    """Return *given* as it is written, on one line and no longer than is good in a message."""
    written = " ".join(repr(given).split())
    return written if len(written) <= _SHOWN else written[:_SHOWN] + "…"


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
