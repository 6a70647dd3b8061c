"""An axis as one encoder sees it: what raw coordinates are read with, and what phrases are moved with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.axes.calibration import Calibration
from embedsearch.axes.checks import as_products
from embedsearch.axes.curve import Curve
from embedsearch.axes.definition import Axis
from embedsearch.axes.packing import pack, unpack
from embedsearch.axes.showing import axis_html
from embedsearch.errors import AxisError
from embedsearch.given import taking_back
from embedsearch.offering import keeps_back
from embedsearch.vectors import Vectors, as_rows, unit


@keeps_back("between", "directions", "from_products", "step")
@dataclass(frozen=True, slots=True, eq=False)
class FittedAxis:
    """An axis as one encoder sees it.

    Attributes:
        axis: the definition.
        encoder: the key of the encoder's identity.
        direction: the unit vector that coordinates are read with, shape (d,). For a series of groups it points from
            the first mean to the last, and coordinates are read off the curve; for a formula it is all zeros.
        step: the vector that phrases are moved with: the mean of the high side minus the mean of the low side,
            shape (d,).
        origin: the dot product with *direction* that counts as raw 0: half-way between the poles.
        calibration: raw coordinates in the unit of the ratings; None without ratings.
        curve: the curve through the means of the groups; None without groups.
    """

    axis: Axis
    encoder: str
    direction: Vectors
    step: Vectors
    origin: float
    calibration: Calibration | None = None
    curve: Curve | None = None

    @classmethod
    def between(cls, axis: Axis, low: ArrayLike, high: ArrayLike, *, encoder: str = "") -> FittedAxis:
        """Return the axis that runs from the vector *low* to the vector *high*, each of shape (d,).

        Raises:
            AxisError: the two vectors are the same, or not finite.
        """
        start = as_rows(low, error=AxisError)
        ends = np.concatenate([start, as_rows(high, dimension=start.shape[1], error=AxisError)])
        if len(ends) != 2:
            raise AxisError(f"axis {axis.name!r}: it runs between two vectors, not {len(ends)}; give one for each end")
        step = ends[1] - ends[0]
        if not step.any():
            raise AxisError(
                f"axis {axis.name!r}: both poles have the same mean vector; choose phrases that differ more"
            )
        direction = unit(step, error=AxisError)
        origin = float(np.dot((ends[0].astype(np.float64) + ends[1]) / 2, direction))
        return cls(axis, encoder, direction, step, origin)

    def __repr__(self) -> str:
        return f"FittedAxis({self.axis!r}, {len(self.direction)} dimensions)"

    def _repr_html_(self) -> str:
        """Show the axis in a notebook."""
        return axis_html(self.axis, {"dimensions": len(self.direction)})

    @property
    def name(self) -> str:
        """The name of the axis."""
        return self.axis.name

    @property
    def directions(self) -> Vectors:
        """The vectors whose dot products `from_products` takes, shape (m, d): one direction, or a curve's nodes."""
        if self.curve is not None:
            return self.curve.nodes.astype(np.float32)
        return self.direction[None] if not self.axis.formula else self.direction[:0].reshape(0, len(self.direction))

    def read(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Return the raw coordinates of unit vectors: shape (n,) for (n, d); higher is nearer the high side.

        The raw coordinate is the dot product with the unit direction, 0 half-way between the poles; with
        groups it is the value at the nearest point of the curve.

        Raises:
            AxisError: the vectors have another dimension or are not finite, or the axis is a formula.
        """
        rows = as_rows(vectors, dimension=len(self.direction), error=AxisError).astype(np.float64)
        return self.from_products(rows @ self._reading().T)

    def _reading(self) -> NDArray[np.float64]:
        return self.curve.nodes if self.curve is not None else self.directions.astype(np.float64)

    def from_products(self, products: ArrayLike) -> NDArray[np.float64]:
        """Return raw coordinates, shape (n,), for dot products with `directions`, shape (n, m), or (n,) for m = 1."""
        if self.axis.formula:
            raise AxisError(f"axis {self.name!r} is a formula over coordinates: it is read in an index, not alone")
        columns = as_products(products, len(self.directions))
        return self.curve.read(columns) if self.curve is not None else columns[:, 0] - self.origin

    def distances(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Return how far unit vectors lie from the curve through the groups: shape (n,) for (n, d).

        Raises:
            AxisError: the axis is not a series of groups.
        """
        if self.curve is None:
            raise AxisError(
                f"axis {self.name!r} is not a series of groups; only such an axis has a curve to be distant from"
            )
        rows = as_rows(vectors, dimension=len(self.direction), error=AxisError).astype(np.float64)
        return self.curve.distances(rows @ self.curve.nodes.T)

    def to_dict(self) -> dict[str, Any]:
        """Return what fitting found, as a dict of JSON values; `from_dict` reads it back."""
        fitted = {
            "encoder": self.encoder,
            "direction": pack(self.direction),
            "step": pack(self.step),
            "origin": self.origin,
        }
        if self.calibration is not None:
            fitted["calibration"] = self.calibration.to_dict()
        if self.curve is not None:
            fitted |= {"nodes": pack(self.curve.nodes), "values": pack(self.curve.values)}
        return fitted

    @classmethod
    def from_dict(cls, axis: Axis, fitted: Mapping[str, Any]) -> FittedAxis:
        """Return the fitted axis that `to_dict` wrote.

        Raises:
            AxisError: *fitted* is not such a dict.
        """
        with taking_back("fitted axis", fitted, error=AxisError):
            calibration = Calibration.from_dict(fitted["calibration"]) if "calibration" in fitted else None
            curve = None
            if "nodes" in fitted:
                values = unpack(fitted["values"], "<f8")
                curve = Curve(unpack(fitted["nodes"], "<f8").reshape(len(values), -1), values)
            direction, step = unpack(fitted["direction"]), unpack(fitted["step"])
            return cls(axis, fitted["encoder"], direction, step, fitted["origin"], calibration, curve)
