"""A fitted axis with the scale of an index's passages: what coordinates are read off with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.axes.checks import as_products
from embedsearch.axes.fitted import FittedAxis
from embedsearch.axes.formulas import parse_formula
from embedsearch.axes.scale import Scale
from embedsearch.axes.showing import axis_html, scale_facts
from embedsearch.errors import AxisError
from embedsearch.given import require_kind
from embedsearch.offering import keeps_back
from embedsearch.vectors import Rows, Vectors, as_rows, project, take_products
from embedsearch.wording import count_of


@keeps_back("directions", "from_products", "gradient", "inputs", "on", "raw_from_products", "step")
@dataclass(frozen=True, slots=True, eq=False)
class ScaledAxis:
    """A fitted axis with the scale of a population: what coordinates are read off with.

    Attributes:
        fitted: the axis as the index's encoder sees it.
        scale: how the index's own passages are spread on it.
        version: how often an axis was saved under this name; 0 for an axis that was lent and not saved.
        inputs: the axes that a formula names, by name; empty for other axes.
    """

    fitted: FittedAxis
    scale: Scale
    version: int = 1
    inputs: Mapping[str, ScaledAxis] = field(default_factory=dict)

    @classmethod
    def on(
        cls,
        fitted: FittedAxis,
        products: ArrayLike,
        *,
        version: int = 1,
        inputs: Mapping[str, ScaledAxis] | None = None,
    ) -> ScaledAxis:
        """Return an axis scaled on a population, given its dot products (n, m) with `directions`, computed alike.

        Raises:
            AxisError: there are fewer than two passages, all lie at one place, a formula gives no number somewhere, or
                *fitted* is not a `FittedAxis`.
        """
        require_kind("what is scaled", fitted, FittedAxis, "a FittedAxis, as Axis.fit gives one", error=AxisError)
        unscaled = cls(fitted, _UNSCALED, version, inputs or {})
        return cls(fitted, Scale.of(unscaled.raw_from_products(products), name=fitted.name), version, unscaled.inputs)

    def __repr__(self) -> str:
        version = f"version {self.version}" if self.version else "not saved"
        return f"ScaledAxis({self.fitted.axis!r}, {version}, on {count_of(self.scale.count, 'passage')})"

    def _repr_html_(self) -> str:
        """Show the axis in a notebook."""
        return axis_html(self.fitted.axis, scale_facts(self.version, self.scale))

    @property
    def name(self) -> str:
        """The name of the axis."""
        return self.fitted.name

    @property
    def directions(self) -> Vectors:
        """The vectors whose dot products `from_products` takes, shape (m, d); for a formula, those of its inputs."""
        if not self.fitted.axis.formula:
            return self.fitted.directions
        return np.concatenate([axis.directions for axis in self.inputs.values()])

    @property
    def step(self) -> Vectors:
        """The vector that phrases are moved with, shape (d,); for a formula, its gradient at the population's mean."""
        step: Vectors = self.gradient if self.fitted.axis.formula else self.fitted.step
        return step

    @property
    def gradient(self) -> Vectors:
        """How the raw coordinate changes with a vector, shape (d,): the direction, or the slope of a formula.

        The slope of a formula is taken at the population's mean by central differences, which are exact where
        the formula is linear. The gradient of a curve is that of its chord.
        """
        if not self.fitted.axis.formula:
            chord = self.fitted.curve
            if chord is None:
                return self.fitted.direction
            span = chord.values[-1] - chord.values[0]
            steepness = float(span / np.linalg.norm(chord.nodes[-1] - chord.nodes[0]))
            return self.fitted.direction * np.float32(steepness)
        means = {name: axis._own_mean(self.fitted.axis.formula_unit) for name, axis in self.inputs.items()}
        formula = parse_formula(self.fitted.axis.formula)
        total = np.zeros(len(self.fitted.direction))
        for name, axis in self.inputs.items():
            width = 1e-4 * max(1.0, abs(means[name]))
            places = {other: np.array([mean, mean]) for other, mean in means.items()}
            places[name] = means[name] + np.array([-width, width])
            values = formula.evaluate(places)
            per_raw = axis._unit_per_raw(self.fitted.axis.formula_unit)
            total += (values[1] - values[0]) / (2 * width) * per_raw * axis.gradient
        return total.astype(np.float32)

    def _own_mean(self, unit_name: str) -> float:
        return float(self._in_unit(np.array([self.scale.mean]), unit_name)[0])

    def _unit_per_raw(self, unit_name: str) -> float:
        return float(np.diff(self._in_unit(np.array([0.0, 1.0]), unit_name))[0])

    def _in_unit(self, raw: NDArray[np.float64], unit_name: str) -> NDArray[np.float64]:
        if unit_name == "sd":
            return self.scale.standardise(raw)
        return self.rating_at(raw) if unit_name == "rating" else raw

    def rating_at(self, raw: ArrayLike) -> NDArray[np.float64]:
        """Return the ratings to expect at raw coordinates, shape (n,).

        Raises:
            AxisError: the axis has no unit of ratings.
        """
        if self.fitted.calibration is None:
            axis = self.fitted.axis
            why = "has no ratings and so no unit of its own; rate at least 5 phrases"
            if axis.unratable:
                why = f"is defined by {axis.unratable}, which has no unit of ratings; ask for another unit"
            elif axis.orthogonal_to:
                why = "has no unit of ratings, since other axes are taken out of it; ask for another unit"
            raise AxisError(f"axis {self.name!r} {why}")
        return self.fitted.calibration.rating_at(raw)

    def raw_from_products(self, products: ArrayLike) -> NDArray[np.float64]:
        """Return raw coordinates, shape (n,), for dot products with `directions`, shape (n, m), or (n,) for m = 1."""
        if not self.fitted.axis.formula:
            return self.fitted.from_products(products)
        columns = as_products(products, len(self.directions))
        places, start = {}, 0
        for name, axis in self.inputs.items():
            count = len(axis.directions)
            raw = axis.raw_from_products(columns[:, start : start + count])
            places[name] = axis._in_unit(raw, self.fitted.axis.formula_unit)
            start += count
        try:
            values = parse_formula(self.fitted.axis.formula).evaluate(places)
        except AxisError as error:
            raise AxisError(f"axis {self.name!r}: {error}") from error
        return np.broadcast_to(values, len(columns)).copy()

    def raw(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Return the raw coordinates of unit vectors: shape (n,) for (n, d).

        They equal those of `measure` to the last bit, so that a text lies at its percentile however you ask for it.
        """
        rows = as_rows(vectors, dimension=len(self.fitted.direction), error=AxisError)
        return self.raw_from_products(project(rows, self.directions, alike=True))

    def coordinates(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Return the coordinates of unit vectors, in standard deviations: shape (n,) for (n, d)."""
        return self.scale.standardise(self.raw(vectors))

    def from_products(self, products: ArrayLike) -> NDArray[np.float64]:
        """Return coordinates, in standard deviations, from dot products with `directions`, shape (n, m) or (n,)."""
        return self.scale.standardise(self.raw_from_products(products))


_UNSCALED = Scale(0, 0.0, 1.0, np.zeros(1))


def measure(axes: Sequence[ScaledAxis], vectors: Vectors, rows: Rows | None = None) -> NDArray[np.float64]:
    """Return the coordinates of vectors on several axes, in one pass over a memory-mapped array.

    Args:
        axes: m axes, at least one.
        vectors: unit rows, shape (n, d).
        rows: the rows to measure; if None, all.

    Returns:
        Standard deviations, shape (n, m), or (len(rows), m).
    """
    directions = [axis.directions for axis in axes]
    ends = np.cumsum([len(own) for own in directions])[:-1]
    coordinates = np.empty((len(vectors) if rows is None else len(rows), len(axes)))

    def place(part: slice, products: Vectors) -> None:
        for column, (axis, own) in enumerate(zip(axes, np.split(products, ends, axis=1), strict=True)):
            coordinates[part, column] = axis.from_products(own)

    take_products(vectors, np.concatenate(directions), place, rows, alike=True)
    return coordinates


def rises(axes: Sequence[ScaledAxis]) -> NDArray[np.float64]:
    """Return the unit direction in which each axis rises fastest, shape (m, d).

    It is zero for a formula that rises in no direction at the population's mean, such as ``size**2``.
    """
    gradients = np.stack([axis.gradient for axis in axes]).astype(np.float64)
    lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
    return gradients / np.where(lengths > 0, lengths, 1.0)
