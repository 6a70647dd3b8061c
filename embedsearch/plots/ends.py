"""What stands along an axis of a figure: the names of its ends and of its groups, and a second scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes import FittedAxis, ScaledAxis

_PIECES = 12  # that each stretch between two groups is drawn in


@dataclass(frozen=True, slots=True)
class OwnScale:
    """A second scale, on which a grouped axis is read in the values of its groups.

    A coordinate of c standard deviations is ``origin + factor * c``.
    """

    origin: float
    factor: float
    name: str


def pole_names(fitted: FittedAxis) -> tuple[str, str]:
    """Return the names of the low and the high end of an axis.

    They are the first phrase of either pole. Without poles, they are the first phrase of the first and of the last
    group, or what was rated lowest and highest; else the axis's name, or the field's, with *low* and *high* before it.
    """
    definition = fitted.axis
    if definition.low:
        return definition.low[0], definition.high[0]
    if definition.groups and not isinstance(definition.groups, Mapping):
        ends = definition.groups[0][0], definition.groups[-1][0]
        curve = fitted.curve
        return ends if curve is None or curve.values[0] < curve.values[-1] else ends[::-1]
    if definition.ratings:
        ranked = sorted(definition.ratings, key=lambda text: definition.ratings[text])
        return ranked[0], ranked[-1]
    field = definition.groups["field"] if isinstance(definition.groups, Mapping) and definition.groups else None
    name = field or definition.field or fitted.name
    return f"low {name}", f"high {name}"


def group_names(axis: ScaledAxis) -> list[str]:
    """Return the names of an axis's groups: their first phrase, or their mean value of the field."""
    definition, curve = axis.fitted.axis, axis.fitted.curve
    if curve is None:
        return []
    if isinstance(definition.groups, Mapping):
        return [f"{definition.groups['field']} {value:.5g}" for value in curve.values]
    return [f"{group[0]} (+{len(group) - 1})" if len(group) > 1 else group[0] for group in definition.groups]


def own_scale(axis: ScaledAxis) -> OwnScale | None:
    """Return the scale in the values of an axis's groups; None unless they have values other than the arc length."""
    definition = axis.fitted.axis
    field = definition.groups["field"] if isinstance(definition.groups, Mapping) and definition.groups else ""
    if axis.fitted.curve is None or not (definition.values or field):
        return None
    return OwnScale(axis.scale.mean, axis.scale.deviation, definition.unit or field or f"{axis.name}, value of group")


def curve_through(axis: ScaledAxis, others: tuple[ScaledAxis, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the curve of a grouped axis runs, and where the means of its groups lie on it.

    On an axis with one direction the mean of a group lies at the mean of its members' coordinates.

    Args:
        axis: it has a curve.
        others: m axes to place the curve on, *axis* among them.

    Returns:
        Coordinates in standard deviations: of points along the curve, shape (p, m), and of its g nodes, shape (g, m).
    """
    curve = axis.fitted.curve
    assert curve is not None
    shares = np.linspace(0, 1, _PIECES, endpoint=False)[:, None]
    pairs = zip(curve.nodes[:-1], curve.nodes[1:], strict=True)
    line = np.concatenate([*(start + shares * (end - start) for start, end in pairs), curve.nodes[-1:]])
    places = [np.stack([other.coordinates(points) for other in others], axis=1) for points in (line, curve.nodes)]
    return places[0], places[1]
