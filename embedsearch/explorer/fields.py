"""What a request of the page says, checked as it is read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from embedsearch.errors import did_you_mean
from embedsearch.web.refusals import Refusal

_MOST_CHARACTERS = 20_000  # of one text
_REQUIRED: Any = object()


class Fields:
    """The JSON object of a request. What is not read by the time of `finish` is unknown and refused.

    Every method raises `Refusal` (400) where a value is not what is wanted.
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
        """Refuse what nobody asked for."""
        if unknown := sorted(self._given.keys() - self._known):
            advice = did_you_mean(unknown[0], self._known)
            raise Refusal(400, f"there is no field {unknown[0][:40]!r}.{advice}")

    def _take(self, name: str, default: Any) -> Any:
        self._known.add(name)
        value = self._given.get(name)
        if value is not None:
            return value
        if default is _REQUIRED:
            raise Refusal(400, f"{name!r} is missing")
        return default

    def text(self, name: str, default: str = _REQUIRED) -> str:
        """Return a text."""
        value = self._take(name, default)
        if not isinstance(value, str):
            raise _other(name, value, "a text")
        if len(value) > _MOST_CHARACTERS:
            raise Refusal(400, f"{name!r} has {len(value):,} characters; at most {_MOST_CHARACTERS:,} are read")
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise Refusal(400, f"{name!r} holds half of a character (a lone surrogate)")
        return value

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

    def texts(self, name: str, default: list[str] = _REQUIRED, *, most: int = 1000) -> list[str]:
        """Return a list of texts."""
        value = self._take(name, default)
        if not isinstance(value, list) or len(value) > most or not all(isinstance(one, str) for one in value):
            raise _other(name, value, f"a list of at most {most:,} texts")
        return value

    def rows(self, name: str, *, most: int) -> list[int]:
        """Return a list of numbers of passages."""
        value = self._take(name, _REQUIRED)
        if not isinstance(value, list) or not all(type(one) is int and one >= 0 for one in value):
            raise _other(name, value, "a list of passage numbers")
        if len(value) > most:
            raise Refusal(400, f"{name!r} has {len(value):,} passages; at most {most:,} are taken at once")
        return value

    def numbers(self, name: str, default: dict[str, float] = _REQUIRED) -> dict[str, float]:
        """Return an object of finite numbers."""
        value = self._take(name, default)
        if not isinstance(value, dict) or not all(_is_number(one) for one in value.values()):
            raise _other(name, value, "an object of numbers")
        return {key: float(one) for key, one in value.items()}

    def point(self, name: str) -> dict[str, float | str]:
        """Return a place on axes: by axis a number, or a percentile such as ``p90``."""
        value = self._take(name, _REQUIRED)
        if not isinstance(value, dict) or not all(isinstance(one, str) or _is_number(one) for one in value.values()):
            raise _other(name, value, "an object of numbers and percentiles")
        return value

    def box(self, name: str) -> tuple[float, float, float, float] | None:
        """Return left, right, bottom and top of a view, or None."""
        value = self._take(name, None)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
            raise _other(name, value, "four numbers: left, right, bottom, top")
        return value[0], value[1], value[2], value[3]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _other(name: str, value: Any, wanted: str) -> Refusal:
    return Refusal(400, f"{name!r} is {json.dumps(value)[:60]}; wanted {wanted}")
