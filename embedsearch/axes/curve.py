"""The curve through the means of an ordered series of groups, and where vectors lie along it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.errors import AxisError


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A curve of straight pieces from one group's mean to the next.

    Attributes:
        nodes: the means of the groups in their order, shape (g, d), g at least 2, no two neighbours the same.
        values: the coordinate at each node, ascending or descending; the arc length if nothing else is given.
    """

    nodes: NDArray[np.float64]
    values: NDArray[np.float64]

    @classmethod
    def through(cls, nodes: ArrayLike, values: Sequence[float] = (), *, name: str = "groups") -> Curve:
        """Return the curve through points of shape (g, d).

        Args:
            nodes: at least two; no two that follow one another lie at the same place.
            values: one for each node, all ascending or all descending; if empty, the arc length from the first node.
            name: the name of the axis, for messages.

        Raises:
            AxisError: there are fewer than two groups, two lie at one place, or the values do not run one way.
        """
        points = np.asarray(nodes, dtype=np.float64)
        if len(points) < 2:
            raise AxisError(f"axis {name!r} has {len(points)} group; an ordered series needs at least 2")
        lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
        if (lengths < 1e-9).any():
            place = int(np.argmin(lengths))
            raise AxisError(f"axis {name!r}: groups {place + 1} and {place + 2} have the same mean; choose others")
        if not len(values):
            return cls(points, np.concatenate([[0.0], np.cumsum(lengths)]))
        steps = np.diff(values)
        if len(values) != len(points) or not ((steps > 0).all() or (steps < 0).all()):
            raise AxisError(
                f"axis {name!r}: the groups' values must be {len(points)} numbers, all rising or all falling, "
                f"not {list(values)}"
            )
        return cls(points, np.asarray(values, dtype=np.float64))

    def read(self, products: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values at the points of the curve nearest to unit vectors, shape (n,).

        A vector before the first group is read off the first piece extended; one beyond the last, off the last piece
        extended.

        Args:
            products: dot products of the vectors with the nodes, shape (n, g).
        """
        return self._nearest(products)[0]

    def distances(self, products: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far unit vectors lie from the curve (extended at its ends), shape (n,).

        Args:
            products: dot products of the vectors with the nodes, shape (n, g).
        """
        return np.sqrt(np.maximum(self._nearest(products)[1], 0.0))

    def _nearest(self, products: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return values and squared distances, from products alone: |x - p|² = 1 - 2 x·p + |p|² for unit x."""
        steps = np.diff(self.nodes, axis=0)
        squares = (steps**2).sum(axis=1)
        starts = (self.nodes[:-1] * steps).sum(axis=1)
        shares = (np.diff(products, axis=1) - starts) / squares
        lowest, highest = np.zeros(len(steps)), np.ones(len(steps))
        lowest[0], highest[-1] = -np.inf, np.inf
        shares = np.clip(shares, lowest, highest)
        along = 1 - 2 * products[:, :-1] + (self.nodes[:-1] ** 2).sum(axis=1)
        distances = along - 2 * shares * (np.diff(products, axis=1) - starts) + shares**2 * squares
        best = distances.argmin(axis=1)
        rows = np.arange(len(products))
        share = shares[rows, best]
        value = self.values[best] + share * np.diff(self.values)[best]
        return value, distances[rows, best]

    def point(self, value: float) -> NDArray[np.float64]:
        """Return the point of the curve (extended at its ends) at which the coordinate is *value*, shape (d,)."""
        rising = self.values[-1] > self.values[0]
        order = self.values if rising else -self.values
        piece = int(np.clip(np.searchsorted(order, value if rising else -value) - 1, 0, len(self.values) - 2))
        share = (value - self.values[piece]) / (self.values[piece + 1] - self.values[piece])
        node: NDArray[np.float64] = self.nodes[piece] + share * (self.nodes[piece + 1] - self.nodes[piece])
        return node
