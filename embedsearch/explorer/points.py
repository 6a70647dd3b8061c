"""Points of a plane for the page: coordinates kept between requests, and a sample of what is in view."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.fields import all_numbers
from embedsearch.conditions.values import is_missing
from embedsearch.groups import written
from embedsearch.groups.dividing import MOST_VALUES
from embedsearch.index import Index
from embedsearch.plots.histogram import bin_edges
from embedsearch.vectors import Rows

Box = tuple[float, float, float, float]
Column = NDArray[np.float32]

_MOST_CATEGORIES = 9  # that have a colour of their own; the page has one more, for all others
_LARGEST = float(np.finfo(np.float32).max)
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio: neighbouring rows come to lie far apart


class Plane:
    """Where the passages of an index lie, one column of float32 an axis, measured when it is first asked for.

    What was measured is forgotten when the index has changed, here or in another process.
    """

    def __init__(self, index: Index) -> None:
        """Measure nothing yet."""
        self._index = index
        self._state: object = None
        self._columns: dict[str, Column] = {}
        self._fields: dict[str, list[Any]] = {}
        self._colours: dict[str, tuple[list[str] | None, NDArray[Any]]] = {}
        self._rows: Rows = np.empty(0, np.int64)

    def _refresh(self) -> None:
        if (state := self._index.state) != self._state:
            self._state, self._columns, self._fields, self._colours = state, {}, {}, {}
            self._rows = self._index.rows()

    def forget(self, axis: str) -> None:
        """Measure an axis anew: it is another one under the same name."""
        self._columns.pop(axis, None)

    def rows(self) -> Rows:
        """Return the rows of all passages, ascending."""
        self._refresh()
        return self._rows

    def column(self, axis: str) -> Column:
        """Return the coordinates of all passages on an axis; see `columns`."""
        return self.columns([axis])[0]

    def columns(self, axes: Sequence[str]) -> list[Column]:
        """Return the coordinates of all passages on axes, in standard deviations, in the order of `rows`.

        What was not measured before is measured in one pass.

        Raises:
            AxisError: there is no such axis.
        """
        self._refresh()
        if missing := [name for name in dict.fromkeys(axes) if name not in self._columns]:
            measured = self._index.population(missing).coordinates.astype(np.float32)
            self._columns |= dict(zip(missing, np.ascontiguousarray(measured.T), strict=True))
        return [self._columns[name] for name in axes]

    def field(self, name: str) -> list[Any]:
        """Return the value of a field for all passages, None where there is none, in the order of `rows`.

        Raises:
            QueryError: no document has the field.
        """
        self._refresh()
        if name not in self._fields:
            self._fields[name] = self._index.field_of_passages(name, self._rows)
        return self._fields[name]

    def places(self, rows: Rows) -> NDArray[np.intp]:
        """Return where *rows* stand in `rows`; those that are gone are left out."""
        found = np.searchsorted(self.rows(), rows)
        inside = found < len(self._rows)
        kept: NDArray[np.intp] = found[inside][self._rows[found[inside]] == rows[inside]]
        return kept

    def points(
        self, x: str, y: str | None, *, where: str | None, field: str | None, box: Box | None, limit: int
    ) -> dict[str, Any]:
        """Return the passages on axes as the page draws them: all where they are few, else a sample.

        Args:
            x: the name of an axis.
            y: the name of another; if None, passages that lie at about the same place are `piled`.
            where: a condition that they must satisfy.
            field: of the documents, that gives them a colour.
            box: left, right, bottom, top of what is in view; all if None.
            limit: the most that are returned. The sample is the same each time, and what is in it stays in it when
                the view becomes smaller.
        """
        columns = self.columns([x] if y is None else [x, y])
        chosen = np.arange(len(self._rows)) if where is None else self.places(self._index.rows(where))
        total = len(chosen)
        across = columns[0][chosen]
        up = piled(across) if y is None else columns[1][chosen]
        ranges = {"x": spread(across), "y": spread(up) if y is not None else [0.0, float(up.max(initial=0.5)) + 0.5]}
        inside = np.arange(total)
        if box is not None:
            left, right, bottom, top = np.array(box)  # of float64, which holds numbers that no float32 does
            inside = np.flatnonzero((across >= left) & (across <= right) & (up >= bottom) & (up <= top))
        places = np.searchsorted(chosen, sampled(chosen[inside], limit))
        shown = chosen[places]
        return {
            "epoch": self._index.epoch,
            "total": total,
            "inside": len(inside),
            "shown": len(shown),
            "rows": packed(self._rows[shown], "<i4"),
            "x": packed(across[places], "<f4"),
            "y": packed(up[places], "<f4"),
            "field": None if field is None else self._coloured(field, shown),
            "range": ranges,
        }

    def _coloured(self, field: str, shown: NDArray[np.intp]) -> dict[str, Any]:
        if field not in self._colours:
            self._colours[field] = colours(self.field(field))
        names, values = self._colours[field]
        if names is None:
            return {"kind": "number", "values": packed(values[shown], "<f4")}
        return {"kind": "text", "names": names, "codes": packed(values[shown], "<i4")}

    def histogram(self, axis: str, bins: int, where: str | None) -> dict[str, Any]:
        """Return how passages are spread along an axis: all, and those that satisfy a condition.

        Of each percentile it says how many passages lie above; where texts repeat, that is not what is left of 100 %.
        """
        column = self.column(axis)
        low, high = spread(column)
        counts, edges = np.histogram(column, bins=bins, range=(low, high))
        passing = counts
        if where is not None:
            passing, _ = np.histogram(column[self.places(self._index.rows(where))], bins=bins, range=(low, high))
        scale = self._index.axes.scaled([axis])[axis].scale
        percentiles = np.array([scale.at_percentile(percent) for percent in range(101)])
        above = len(column) - np.searchsorted(np.sort(column), percentiles.astype(np.float32), side="right")
        return {"edges": edges.tolist(), "counts": counts.tolist(), "passing": passing.tolist(),
                "percentiles": percentiles.tolist(), "above": above.tolist()}  # fmt: skip


def sampled(places: NDArray[np.intp], limit: int) -> NDArray[np.intp]:
    """Return *limit* of the places, ascending, or all where they are fewer: those whose mixed number is smallest."""
    if len(places) <= limit:
        return places
    mixed = (places.astype(np.uint64) * _MIX) >> np.uint64(20)
    return np.sort(places[np.argpartition(mixed, limit - 1)[:limit]])


def piled(column: Column) -> Column:
    """Return how high each coordinate lies where those in one bin of a histogram lie on one another, in their order.

    The lowest lies at .5, each other 1 higher, so that the pile of a bin is as high as its count.
    """
    bins = np.searchsorted(bin_edges(column.astype(np.float64)), column).astype(np.int16)
    order, counts = np.argsort(bins, kind="stable"), np.bincount(bins)
    heights = np.empty(len(column), np.float32)
    heights[order] = np.arange(len(column)) - np.repeat(np.cumsum(counts) - counts, counts) + 0.5
    return heights


def spread(column: Column) -> list[float]:
    """Return the lowest and the highest coordinate."""
    return [float(column.min()), float(column.max())] if len(column) else [-1.0, 1.0]


def packed(values: NDArray[Any], kind: str) -> str:
    """Return numbers as base64 of little-endian values."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()


def colours(values: Sequence[Any]) -> tuple[list[str] | None, NDArray[Any]]:
    """Return what gives points their colour, by the values of a field of all passages.

    Returns:
        None and the values, where they are more different numbers than are a group each; else the commonest of them
        and codes of these, -1 for all others.
    """
    found = numbers(values)
    if found is not None and len(np.unique(found[~np.isnan(found)])) > MOST_VALUES:
        return None, np.where(np.abs(found) <= _LARGEST, found, np.nan).astype(np.float32)
    names = [name for name, _ in common(values, _MOST_CATEGORIES)]
    code = {name: place for place, name in enumerate(names)}
    return names, np.array([-1 if is_missing(value) else code.get(written(value), -1) for value in values], np.int32)


def numbers(values: Sequence[Any]) -> NDArray[np.float64] | None:
    """Return the values of a field as numbers, dates as years with their fractions, NaN where there is none.

    Returns:
        None where a value is neither number nor date, or where there are no values.
    """
    there = np.array([not is_missing(value) for value in values], dtype=bool)
    present = all_numbers([value for value, is_there in zip(values, there, strict=True) if is_there])
    if present is None:
        return None
    found = np.full(len(values), np.nan)
    found[there] = present
    return found


def common(values: Sequence[Any], most: int) -> list[tuple[str, int]]:
    """Return the commonest values as they are written, with their counts, commonest first; what is missing is none."""
    counts = Counter(written(value) for value in values if not is_missing(value))
    return sorted(counts.most_common(most), key=lambda one: (-one[1], one[0]))
