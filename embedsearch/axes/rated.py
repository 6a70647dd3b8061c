"""When two ratings are of one text."""

from __future__ import annotations


def folded(text: str) -> str:
    """Return a text without what does not count: upper case, and all white space but one space between words."""
    return " ".join(text.casefold().split())
