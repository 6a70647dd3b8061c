"""Which axes must be fitted before which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from embedsearch.axes.definition import Axis
from embedsearch.errors import AxisError, did_you_mean


def in_order(axes: Mapping[str, Axis]) -> list[str]:
    """Return the names of axes so that each comes after those that it is derived from.

    Raises:
        AxisError: axes are derived from one another in a circle, or from an axis that does not exist.
    """
    for name, axis in axes.items():
        for other in axis.depends_on:
            if other not in axes:
                raise AxisError(
                    f"axis {name!r} is derived from {other!r}, which is not there.{did_you_mean(other, axes)}"
                )
    try:
        return list(TopologicalSorter({name: axis.derived_from(axes) for name, axis in axes.items()}).static_order())
    except CycleError as error:
        circle = " from ".join(repr(name) for name in reversed(error.args[1]))
        raise AxisError(
            f"axes are derived from one another in a circle: {circle}; define one of them by poles"
        ) from error


def dependents(axes: Mapping[str, Axis], changed: Iterable[str]) -> set[str]:
    """Return *changed* and the names of all axes that are derived from them, directly or through others."""
    found = set(changed)
    for name in in_order(axes):
        if found & set(axes[name].derived_from(axes)):
            found.add(name)
    return found


def with_inputs(axes: Mapping[str, Axis], names: Iterable[str]) -> list[str]:
    """Return *names* and the inputs of their formulas, inputs first, each once."""
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        for other in axes[name].depends_on if axes[name].formula else ():
            visit(other)
        ordered[name] = None

    for name in names:
        visit(name)
    return list(ordered)
