"""Axes written as an ``axes.toml``: the reverse of `embedsearch.axes.files.read_axes`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedsearch.axes.definition import Axis

_BARE = re.compile(r"[A-Za-z0-9_-]+")  # keys that need no quotes
_ESCAPED = {place: f"\\u{place:04x}" for place in (*range(0x20), 0x7F)} | {ord('"'): '\\"', ord("\\"): "\\\\"}
_ESCAPED |= {ord("\n"): "\\n", ord("\t"): "\\t", ord("\r"): "\\r"}
_WIDTH = 110  # characters of a line; a longer list gets one line for each of its texts
_TABLES = ("ratings", "rated_documents")  # get one line for each rating
_UNSAID: tuple[Any, ...] = ("", ["{}"])  # values that are the default, so that they need not be written


def axes_toml(axes: Iterable[Axis]) -> str:
    """Return the text of a file that defines axes, one table each, in their order; `read_axes` reads it back.

    Ratings that came from a CSV are written into the table itself.
    """
    return "\n".join(map(_table, axes))


def _table(axis: Axis) -> str:
    definition = {key: value for key, value in axis.to_dict().items() if value not in _UNSAID}
    lines = [f"[{_key(axis.name)}]"]
    lines += [_line(key, value) for key, value in definition.items() if key not in _TABLES]
    for key in _TABLES:
        if key in definition:
            lines += [f"[{_key(axis.name)}.{key}]", *(_line(*rated) for rated in definition[key].items())]
    return "".join(f"{line}\n" for line in lines)


def _line(key: str, value: Any) -> str:
    line = f"{_key(key)} = {_value(value)}"
    if len(line) <= _WIDTH or not isinstance(value, list):
        return line
    return "\n".join([f"{_key(key)} = [", *(f"    {_value(part)}," for part in value), "]"])


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    """Return a text, number, truth, list or table as TOML has it on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPED)}"'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return f"{value:.0f}" if abs(value) < 1e15 and value == int(value) else repr(value)
