"""JSON values, which are what the fields of a document hold, and how other Python values become them."""

from __future__ import annotations

import datetime
import decimal
import math
import sys
import uuid
from collections.abc import Mapping
from typing import Any

from embedsearch.wording import shown

# Of lists and objects in one another. Whatever handles them later calls itself once or twice for each.
_DEEPEST = 200
_LARGEST = 10**4300  # whole numbers from here on are neither written nor read by Python
_AS_THEY_ARE = frozenset((str, bool, type(None)))  # most fields, which need not be looked at any further


def json_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a record as JSON values.

    - Dates and times become texts in ISO 8601, UUIDs texts, and time spans seconds.
    - Decimal fractions become floats, and whole decimals whole numbers.
    - Tuples become lists, and values of numpy those of Python.
    - NaN, NaT and pandas' NA, which JSON does not know, become null.

    Raises:
        ValueError: a name is not a text, or a field holds something that has no JSON value; the message names the
            field.
    """
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if not isinstance(name, str):
            raise ValueError(f"the key {shown(name)} is no text")
        try:
            found[name] = value if type(value) in _AS_THEY_ARE else _json_value(value, 1)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"the field {name!r} holds {error}") from error
    return found


def _json_value(value: Any, depth: int) -> Any:  # noqa: PLR0912 - a branch for each kind of value
    if type(value) in _AS_THEY_ARE:
        return value
    if depth > _DEEPEST:
        raise ValueError("lists or objects nested too deeply")
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, list | tuple):
        return [_json_value(inner, depth + 1) for inner in value]
    if isinstance(value, str):
        return str.__str__(value)  # the text alone of what is a text of a class of its own
    if isinstance(value, Mapping):
        return {_key(name): _json_value(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, decimal.Decimal):
        return _decimal(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat() if value == value else None  # noqa: PLR0124 - pandas' NaT is not what it is
    if isinstance(value, datetime.timedelta):
        return _number(value.total_seconds())
    if isinstance(value, uuid.UUID):
        return str(value)
    if _is_missing(value):
        return None
    if _is_numpys(value):
        # Python's dates and times know microseconds; what is finer is cut.
        cut = value.astype(f"{value.dtype.kind}8[us]") if value.dtype.kind in "mM" else value
        return _json_value(cut.tolist(), depth + 1)
    raise ValueError(
        f"a value of the type {type(value).__name__}, which JSON cannot hold; leave it out, or give str(…)"
    )


def _is_numpys(value: Any) -> bool:
    numpy = sys.modules.get("numpy")  # where nobody has imported it there are none of its values
    return numpy is not None and isinstance(value, numpy.generic | numpy.ndarray)


def _is_missing(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and value is pandas.NA


def _key(name: Any) -> str:
    if not isinstance(name, str):
        raise ValueError(f"the key {shown(name)}, which is no text")
    return name


def _whole(number: int) -> int:
    if not -_LARGEST < number < _LARGEST:
        raise ValueError("a whole number of more than 4,300 digits; give it as a text")
    return int(number)


def _decimal(number: decimal.Decimal) -> int | float | None:
    """Return a whole number exactly, anything else as the nearest float."""
    if number.is_nan():
        return None
    if number.is_finite() and number.adjusted() < 4300 and number == number.to_integral_value():
        return int(number)
    return _number(float(number))


def _number(number: float) -> float | None:
    if math.isinf(number):
        raise ValueError("an infinite number, which JSON cannot hold; give None")
    return None if math.isnan(number) else number
