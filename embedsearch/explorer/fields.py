"""The fields of a request from the page, checked as they are read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from embedsearch.errors import did_you_mean
from embedsearch.web.refusals import Refusal

_MOST_CHARACTERS = 20_000  # of one text
_MOST_TEXTS = 1000  # of one list
_MOST_ROW = (1 << 31) - 1  # the page holds the numbers of passages as int32
_REQUIRED: Any = object()


class Fields:
    """The JSON object of a request. A field that has not been read by the time of `finish` is unknown and refused.

    Every method raises `Refusal` (400) if a value is not what is wanted.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        """Hold the object."""
        self._given = given
        self._known: set[str] = set()

    @classmethod
    def parse(cls, body: bytes) -> Fields:
        """Return the fields of a body; an empty one has none."""
        try:
            given = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            raise Refusal(400, "the body is no JSON") from None
        if not isinstance(given, dict):
            raise Refusal(400, f"the body is a {type(given).__name__}; wanted an object")
        return cls(given)

    def finish(self) -> None:
        """Refuse fields that nothing has read."""
        if unknown := sorted(self._given.keys() - self._known):
            advice = did_you_mean(unknown[0], self._known)
            raise Refusal(400, f"there is no field {unknown[0][:40]!r}.{advice}")

    def has(self, name: str) -> bool:
        """Return whether a field is given; one that is null is not."""
        self._known.add(name)
        return self._given.get(name) is not None

    def _take(self, name: str, default: Any) -> Any:
        if self.has(name):
            return self._given[name]
        if default is _REQUIRED:
            raise Refusal(400, f"{name!r} is missing")
        return default

    def text(self, name: str, default: str = _REQUIRED) -> str:
        """Return a text."""
        return _text(name, self._take(name, default), "a text")

    def text_or_number(self, name: str) -> str | float:
        """Return a text or a finite number."""
        return _text_or_number(name, self._take(name, _REQUIRED), "a text or a number")

    def optional(self, name: str) -> str | None:
        """Return a text; None where there is none, or an empty one."""
        return self.text(name, "") or None

    def flag(self, name: str) -> bool:
        """Return true or false; false where it is not given."""
        value = self._take(name, False)
        if not isinstance(value, bool):
            raise _other(name, value, "true or false")
        return value

    def whole(self, name: str, default: int = _REQUIRED, *, least: int = 1, most: int) -> int:
        """Return a whole number from *least* to *most*."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _other(name, value, f"a whole number from {least:,} to {most:,}")
        return value

    def texts(self, name: str, default: list[str] = _REQUIRED) -> list[str]:
        """Return a list of texts."""
        value, wanted = self._take(name, default), f"a list of at most {_MOST_TEXTS:,} texts"
        if not isinstance(value, list) or len(value) > _MOST_TEXTS:
            raise _other(name, value, wanted)
        return [_text(name, one, wanted) for one in value]

    def rows(self, name: str, *, most: int) -> list[int]:
        """Return a list of numbers of passages."""
        value = self._take(name, _REQUIRED)
        if not isinstance(value, list) or not all(type(one) is int and 0 <= one <= _MOST_ROW for one in value):
            raise _other(name, value, "a list of passage numbers")
        if len(value) > most:
            raise Refusal(400, f"{name!r} has {len(value):,} passages; at most {most:,} are taken at once")
        return value

    def numbers(self, name: str, default: dict[str, float] = _REQUIRED) -> dict[str, float]:
        """Return an object of finite numbers."""
        value, wanted = self._take(name, default), "an object of numbers"
        if not isinstance(value, dict):
            raise _other(name, value, wanted)
        return {_text(name, key, wanted): _number(name, one, wanted) for key, one in value.items()}

    def point(self, name: str) -> dict[str, float | str]:
        """Return a place on axes: by axis a number, or a percentile such as ``p90``."""
        value, wanted = self._take(name, _REQUIRED), "an object of numbers and percentiles"
        if not isinstance(value, dict):
            raise _other(name, value, wanted)
        return {_text(name, key, wanted): _text_or_number(name, one, wanted) for key, one in value.items()}

    def box(self, name: str) -> tuple[float, float, float, float] | None:
        """Return left, right, bottom and top of a view, or None."""
        value, wanted = self._take(name, None), "four numbers: left, right, bottom, top"
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 4:
            raise _other(name, value, wanted)
        left, right, bottom, top = (_number(name, one, wanted) for one in value)
        return left, right, bottom, top


def _text(name: str, value: Any, wanted: str) -> str:
    if not isinstance(value, str):
        raise _other(name, value, wanted)
    if len(value) > _MOST_CHARACTERS:
        raise Refusal(400, f"{name!r} has {len(value):,} characters; at most {_MOST_CHARACTERS:,} are read")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise Refusal(400, f"{name!r} holds half of a character (a lone surrogate)")
    return value


def _text_or_number(name: str, value: Any, wanted: str) -> str | float:
    return _text(name, value, wanted) if isinstance(value, str) else _number(name, value, wanted)


def _number(name: str, value: Any, wanted: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _other(name, value, wanted)
    try:
        number = float(value)
    except OverflowError:  # JSON's integers have no end
        number = math.inf
    if not math.isfinite(number):
        raise _other(name, value, wanted)
    return number


def _other(name: str, value: Any, wanted: str) -> Refusal:
    return Refusal(400, f"{name!r} is {json.dumps(value)[:60]}; wanted {wanted}")
