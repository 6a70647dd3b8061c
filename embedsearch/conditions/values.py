"""What single JSON values mean: missing or not, yes or no, as a number, as a text, and how they compare."""

from __future__ import annotations

import math
import operator
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from embedsearch.conditions.nodes import Scalar, Sign

_TRUE = frozenset({"true", "yes", "y", "t", "1", "1.0"})
_FALSE = frozenset({"false", "no", "n", "f", "0", "0.0"})
# Stricter than float(), for which "1_0", "nan" and "infinity" are numbers too.
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)

OPERATORS: dict[Sign, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def is_missing(value: Any) -> bool:
    """Return whether a value is None, the empty text, the empty list or NaN, which coordinates can be."""
    return value is None or value in ("", []) or (isinstance(value, float) and math.isnan(value))


def truth(value: Any) -> bool | None:
    """Return whether a value says yes (true, yes, y, t, 1) or no (false, no, n, f, 0); None for anything else."""
    text = str(value).strip().casefold()
    return True if text in _TRUE else False if text in _FALSE else None


def as_number(value: Any) -> int | float | None:
    """Return a number, or what a text such as ``" 2.5e3"`` says, whole numbers exactly; None for anything else."""
    if isinstance(value, int | float):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    if math.isinf(number):  # too large to compare with
        return None
    # A float would confuse ids of more than 15 digits; int() refuses texts of more than 4,300, leading zeros too.
    return int(Decimal(text)) if text.lstrip("+-").isdecimal() else number


def as_text(value: Any) -> str | None:
    """Return a text in composed form (NFC), or a number or boolean as JSON writes it; None for a list or an object."""
    if isinstance(value, bool):
        return str(value).lower()
    # Texts of PDF files and of names on a Mac have accents behind their letters, where keyboards write them in one.
    return unicodedata.normalize("NFC", str(value)) if isinstance(value, str | int | float) else None


def reading_as(literal: Scalar) -> Callable[[Any], Any]:
    """Return the function that reads a value in the kind of a literal, None where that is impossible."""
    return truth if isinstance(literal, bool) else as_text if isinstance(literal, str) else as_number


def satisfies(value: Any, sign: Sign, literal: Scalar) -> bool:
    """Compare a value that is not missing with a literal, in the kind of the literal."""
    read = reading_as(literal)
    found = read(value)
    return found is not None and bool(OPERATORS[sign](found, read(literal)))


def agree(left: Any, sign: Sign, right: Any) -> bool:
    """Compare two values that are not missing.

    They are compared as booleans if either is one, else as numbers if both can be read so, else as texts.
    """
    boolean = isinstance(left, bool) or isinstance(right, bool)
    readings: tuple[Callable[[Any], Any], ...] = (truth,) if boolean else (as_number, as_text)
    for read in readings:
        pair = read(left), read(right)
        if None not in pair:
            return bool(OPERATORS[sign](*pair))
    return False


def contains(value: Any, part: str) -> bool:
    """Return whether a text, or any value of a list, has *part* in it, whatever the case and the normal form."""
    parts = value if isinstance(value, list) else [value]
    return any(_folded(part) in _folded(inner) for inner in parts)


def _folded(value: Any) -> str:
    return (as_text(value) or "").casefold()
