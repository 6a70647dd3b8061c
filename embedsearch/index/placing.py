"""Where phrases and passages lie on axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import AxisError, QueryError, did_you_mean
from embedsearch.index.arguments import one_of
from embedsearch.index.embedding import Embedding
from embedsearch.index.saved_axes import IndexAxes
from embedsearch.index.tracing import Trace
from embedsearch.results import Placement, Placements
from embedsearch.vectors import Rows, project, top

Unit = Literal["sd", "percentile", "raw"]
UNITS: tuple[Unit, ...] = ("sd", "percentile", "raw")

Columns = Mapping[str, NDArray[np.float64]]


class Placer:
    """Reads coordinates for one index."""

    def __init__(self, embedding: Embedding, axes: IndexAxes, trace: Trace) -> None:
        """Read nothing yet."""
        self._embedding = embedding
        self._store = embedding.store
        self._axes = axes
        self._trace = trace

    def place(self, texts: Sequence[str], axes: Sequence[str] | None, unit: Unit) -> Placements:
        """Return where phrases lie; see `Index.place`."""
        if isinstance(texts, str):
            raise QueryError(f"texts must be a list of phrases, not the single text {texts!r}")
        names = self._names(axes)
        with self._trace.step("vectors of the phrases") as step:
            products = self._embedding.vectors_of(list(texts)) @ self._directions(names).T
            step.plan = f"{len(texts):,} phrases, looked up or encoded"
        columns = self._columns(names, products, unit)
        return Placements(Placement(text, _at(columns, place)) for place, text in enumerate(texts))

    def place_rows(
        self, rows: Rows | None, axes: Sequence[str] | None, *, sort: str | None, k: int | None, unit: Unit
    ) -> Placements:
        """Return where passages lie, all of the index if *rows* is None; see `Index.place_all`."""
        names = self._names(axes)
        if sort is not None and (by := sort.removeprefix("-")) not in names:
            raise AxisError(f"the result is sorted by {by!r}, which is not among its axes.{did_you_mean(by, names)}")
        rows = self._store.live_rows() if rows is None else rows
        with self._trace.step("coordinates") as step:
            columns = self._columns(names, project(self._store.vectors(), self._directions(names), rows), unit)
            step.plan = f"{len(names)} axes, by a scan of {len(rows):,} vectors"
        order = np.arange(len(rows))
        if sort:
            by = sort.removeprefix("-")
            order = top(-columns[by] if sort.startswith("-") else columns[by], len(rows))
        passages = self._store.passages(rows[order[:k]])
        return Placements(
            Placement(passage.text, _at(columns, place), passage.id)
            for place, passage in zip(order[:k], passages, strict=True)
        )

    def _names(self, axes: Sequence[str] | None) -> list[str]:
        names = list(dict.fromkeys(axes if axes is not None else self._axes))
        if not names:
            raise AxisError("the index has no axes yet; add some with: embedsearch axes fit FILE")
        return names

    def _directions(self, names: Sequence[str]) -> NDArray[np.float32]:
        axes = self._axes.scaled(list(names))
        return np.stack([axes[name].fitted.direction for name in names])

    def _columns(self, names: Sequence[str], products: NDArray[Any], unit: Unit) -> Columns:
        """Return the coordinates by axis from dot products of shape (n, axes)."""
        one_of("unit", unit, UNITS)
        axes = self._axes.scaled(list(names))
        columns = {}
        for name, column in zip(names, np.asarray(products, dtype=np.float64).T, strict=True):
            axis = axes[name]
            coordinates = axis.from_products(column)
            if unit == "percentile":
                coordinates = axis.scale.percentile_of(coordinates)
            columns[name] = column - axis.fitted.origin if unit == "raw" else coordinates
        return columns


def _at(columns: Columns, place: int) -> dict[str, float]:
    return {name: float(column[place]) for name, column in columns.items()}
