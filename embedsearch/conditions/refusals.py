"""The messages about conditions that cannot be read."""

from __future__ import annotations

import keyword
import re

from embedsearch.errors import QueryError

_SHOWN = 200
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
_WORDS = frozenset(keyword.kwlist) - {"and", "or", "not", "in", "is", "True", "False", "None"}
# Python's advice about its own syntax, and the places in its messages that say nothing to an analyst.
_ASIDES = re.compile(r"\s*\((?:detected|U\+)[^)]*\)|\. .*")
_HINTS = (
    (re.compile(r"\bp\d+\.\d"), "write a fraction of a percentile as p99_5"),
    (re.compile(r"(?<![=<>!:])=(?!=)"), "write == for equality"),
    (re.compile(r"[≥≤≠]"), "write >=, <= or !="),
    (re.compile(r"[−–]"), "write - for a minus sign"),
    (re.compile("[\u00a0\u2007\u202f]"), "write plain spaces, not non-breaking ones"),
    (re.compile("[“”„‘’«»]"), "write texts in straight quotes"),
    (re.compile(r"&&|\|\||<>|!(?!=)|\b(?:AND|OR|NOT|IN)\b"), "write and, or, not, in, !="),
)


def refusal(source: str, why: str) -> QueryError:
    """Return the error that a condition cannot be read, and why."""
    return QueryError(
        f'the condition {shortened(source)!r} cannot be read: {why}. Example: predatoriness > p80 and kind == "animal"'
    )


def shortened(source: str) -> str:
    """Return *source* in a length that fits a message."""
    return source if len(source) <= _SHOWN else source[:_SHOWN] + "…"


def misspelling(source: str, error: SyntaxError) -> QueryError:
    """Return our error for one of Python's parser, with a hint if the mistake is a known one."""
    if "digits" in error.msg:
        return refusal(source, "a number in it is too large")
    where = f", at column {error.offset}" if error.offset else ""
    hint = _hint(_QUOTED.sub('""', source))
    return refusal(source, _ASIDES.sub("", error.msg) + where + (f"; {hint}" if hint else ""))


def _hint(unquoted: str) -> str:
    for slip, advice in _HINTS:
        if slip.search(unquoted):
            return advice
    for word in re.findall(r"\w+", unquoted):
        if word in _WORDS:
            return f'write field("{word}") for a field of that name'
    return ""
