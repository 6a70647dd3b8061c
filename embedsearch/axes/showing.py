"""How an axis is shown in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from embedsearch.notebooks import facts, phrases, show
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch.axes.definition import Axis
    from embedsearch.axes.scale import Scale

_PERCENTILES = (5, 50, 95)
_BARE = ["{}"]


def axis_html(axis: Axis, more: Mapping[str, Any] | None = None) -> str:
    """Return an HTML table of what an axis is made from, and of what else is known about it."""
    made = {key.replace("_", " "): _told(value) for key, value in axis.to_dict().items() if value != _BARE}
    return facts(made | dict(more or {}), caption=f"Axis {axis.name}")


def scale_facts(version: int, scale: Scale) -> dict[str, str]:
    """Return what the scale of an axis says of a population."""
    places = (f"p{percent} at {scale.at_percentile(percent):.2f}" for percent in _PERCENTILES)
    return {
        "version": str(version),
        "scaled on": f"{count_of(scale.count, 'passage')}, in standard deviations from their mean",
        "spread": ", ".join(places),
    }


def _told(value: Any) -> str:
    """Return an entry of a definition as people read it."""
    if isinstance(value, Mapping):
        return phrases([f"{name} {show(part)}" for name, part in value.items()])
    if isinstance(value, list):
        return phrases([show(part) for part in value])
    return show(value)
