"""What users give from Python is of the kind that is wanted, or is refused by its name."""

from __future__ import annotations

import os
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
