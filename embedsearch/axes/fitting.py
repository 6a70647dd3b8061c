"""From definitions to fitted axes: one function for each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.blending import Clear, blend
from embedsearch.axes.calibration import Calibration
from embedsearch.axes.checks import check_enough_ratings
from embedsearch.axes.curve import Curve
from embedsearch.axes.definition import Axis
from embedsearch.axes.extending import FEWEST_PASSAGES, extended
from embedsearch.axes.fields import as_numbers, binned
from embedsearch.axes.fitted import FittedAxis
from embedsearch.axes.material import Material
from embedsearch.axes.rated import observations
from embedsearch.errors import AxisError, QueryError
from embedsearch.expressions import parse_expression
from embedsearch.given import require_kind
from embedsearch.vectors import Vectors, unit
from embedsearch.wording import count_of

_PARALLEL = 1e-6
_OPPOSED = 0.1


def fit_axis(axis: Axis, material: Material) -> FittedAxis:
    """Fit an axis on an encoder and, if there is one, an index.

    Raises:
        AxisError: it cannot be fitted; the message says why.
    """
    require_kind("what is fitted", axis, Axis, "an embedsearch.Axis", error=AxisError)
    fitted = _fit_learned(axis, material) if axis.is_learned else _FITTERS[axis.kinds[0]](axis, material)
    return _without(fitted, material) if axis.orthogonal_to else fitted


def _fit_poles(axis: Axis, material: Material) -> FittedAxis:
    """Return the axis along the difference of the means of the unit vectors of the two poles.

    If the poles are extended, or another axis is believed beside them, coordinates are read with the last of
    `beliefs`; phrases are still moved with the difference of the means.
    """
    fitted = _between_poles(axis, material)
    if not (axis.extend or axis.prior):
        return fitted
    direction = beliefs(axis, material)[-1]
    return replace(fitted, direction=direction, origin=float(middle(axis, material) @ direction))


def _between_poles(axis: Axis, material: Material) -> FittedAxis:
    low, high = (side.mean(axis=0) for side in pole_vectors(axis, material))
    return FittedAxis.between(axis, low, high, encoder=material.key)


def beliefs(axis: Axis, material: Material) -> Vectors:
    """Return the unit directions that may be believed before any rating, shape (k, d).

    In order: the direction of the poles; that of the poles extended; that of the prior; and last the direction that is
    used while there are no ratings: the poles, extended if asked for, plus the prior. Ratings and fields weigh the
    beliefs; for them, poles are extended unless that is refused or there are too few passages.

    Raises:
        AxisError: the prior does not have a single direction, or points against the poles so that nothing is left.
    """
    found: list[Vectors] = []
    if axis.low:
        found.append(_between_poles(axis, material).direction)
    by_default = axis.extend is None and axis.low and axis.is_learned
    if axis.extend or (by_default and material.passage_count >= FEWEST_PASSAGES):
        found.append(extended(found[0], material.passages(None), name=axis.name))
    if axis.prior:
        prior = _linear(axis, axis.prior, material).direction
        if not found:
            return prior[None]
        if np.linalg.norm(found[-1] + prior) < _OPPOSED:
            raise AxisError(
                f"axis {axis.name!r}: its prior {axis.prior!r} points the opposite way to its poles; "
                "swap the ends of one of them"
            )
        found += [prior, unit(found[-1] + prior, error=AxisError)]
    return np.stack(found)


def pole_vectors(axis: Axis, material: Material) -> tuple[Vectors, Vectors]:
    """Return the unit vectors of the framed phrases of the low and of the high pole."""
    vectors = material.encode([*axis.low_texts, *axis.high_texts])
    return vectors[: len(axis.low_texts)], vectors[len(axis.low_texts) :]


def rated_vectors(axis: Axis, material: Material) -> tuple[Vectors, NDArray[np.float64]]:
    """Return the unit vectors of what is rated, or of the documents with a field, and the values.

    A text that was rated both as a phrase and as a document occurs once; see `embedsearch.axes.rated.observations`.

    Raises:
        AxisError: a rated document or the field is not in the index, or too little is left to learn from.
    """
    if axis.field:
        vectors, values = _field(axis, axis.field, material)
        return vectors, as_numbers(axis.name, axis.field, values)
    texts: list[str] = []
    parts: list[Vectors] = []
    if axis.rated_documents:
        vectors, texts = material.documents(list(axis.rated_documents))
        parts.append(vectors)
    if axis.ratings:
        parts.append(material.encode(list(axis.ratings)))
    ratings = np.array([*axis.rated_documents.values(), *axis.ratings.values()], dtype=np.float64)
    vectors, ratings = observations([*texts, *axis.ratings], np.concatenate(parts), ratings, len(texts))
    check_enough_ratings(
        axis.name, ratings.tolist(), what="ratings, those of the same text or the same vector taken as one"
    )
    return vectors, ratings


def _field(axis: Axis, name: str, material: Material) -> tuple[Vectors, list[Any]]:
    try:
        return material.field(name)
    except AxisError as error:
        raise AxisError(f"axis {axis.name!r}: {error}") from error


def _fit_learned(axis: Axis, material: Material) -> FittedAxis:
    """Return the axis learned from ratings or from a field; poles and prior are what is believed beforehand."""
    vectors, values = rated_vectors(axis, material)
    known = beliefs(axis, material) if axis.low or axis.prior else None
    center = middle(axis, material) if axis.low else vectors.mean(axis=0, dtype=np.float64)
    try:
        found = blend(vectors, values, known, center)
        direction = unit(found.weights, error=AxisError)
    except AxisError as error:
        raise AxisError(f"axis {axis.name!r}: {error}") from error
    # Of a two-valued field the values are names, and a line through them has no unit.
    named = axis.field and len(set(values)) == 2
    calibration = None if named else Calibration.of(values, found.left_out, unit=axis.unit)
    step = _between_poles(axis, material).step if axis.low else _learned_step(vectors, values)
    return FittedAxis(axis, material.key, direction, step, float(center @ direction), calibration)


def middle(axis: Axis, material: Material) -> NDArray[np.float64]:
    """Return the point half-way between the means of the poles, shape (d,)."""
    low, high = pole_vectors(axis, material)
    middle: NDArray[np.float64] = (low.mean(axis=0, dtype=np.float64) + high.mean(axis=0)) / 2
    return middle


def _learned_step(vectors: Vectors, values: NDArray[np.float64]) -> Vectors:
    """Return the difference of the mean vectors above and below the mean value, shape (d,)."""
    above = values > values.mean()
    step: Vectors = (vectors[above].mean(axis=0) - vectors[~above].mean(axis=0)).astype(np.float32)
    return step


def _fit_groups(axis: Axis, material: Material) -> FittedAxis:
    """Return the axis along the curve through the means of an ordered series of groups."""
    means, values = group_means(axis, material)
    curve = Curve.through(means, values, name=axis.name)
    low, high = curve.nodes[0], curve.nodes[-1]
    if not np.any(high - low):
        raise AxisError(f"axis {axis.name!r}: the first and the last group have the same mean; choose others")
    return replace(FittedAxis.between(axis, low, high, encoder=material.key), curve=curve)


def group_means(axis: Axis, material: Material) -> tuple[NDArray[np.float64], Any]:
    """Return the mean unit vector of each group, shape (g, d), and the groups' values (empty: arc length)."""
    if isinstance(axis.groups, dict):
        vectors, given = _field(axis, axis.groups["field"], material)
        places, values = binned(axis.name, axis.groups["field"], given, axis.groups["bins"])
        means = [vectors[places == place].mean(axis=0, dtype=np.float64) for place in range(len(values))]
        return np.stack(means), values
    means = [material.encode(axis.framed(list(group))).mean(axis=0, dtype=np.float64) for group in axis.groups]
    return np.stack(means), axis.values


def _fit_expression(axis: Axis, material: Material) -> FittedAxis:
    """Return the axis along the weighted sum of the unit vectors of an expression's phrases."""
    expression = parse_expression(axis.expression)
    total = np.asarray(expression.weights) @ material.encode(expression.texts).astype(np.float64)
    return _along(axis, material, total, total)


def _fit_difference(axis: Axis, material: Material) -> FittedAxis:
    """Return the axis along the first axis's direction minus the second's."""
    first, second = (_linear(axis, name, material) for name in axis.difference)
    total = first.direction.astype(np.float64) - second.direction
    return _along(axis, material, total, first.step - second.step, origin=first.origin - second.origin)


def _fit_rotation(axis: Axis, material: Material) -> FittedAxis:
    """Return the start's direction turned by an angle in the plane of two axes, towards the other."""
    start = _linear(axis, axis.rotation["start"], material)
    towards = _linear(axis, axis.rotation["towards"], material)
    base, other = start.direction.astype(np.float64), towards.direction.astype(np.float64)
    upright = other - (other @ base) * base
    length = np.linalg.norm(upright)
    if length < _PARALLEL:
        raise AxisError(f"axis {axis.name!r}: {start.name!r} and {towards.name!r} are parallel and span no plane")
    angle = np.deg2rad(axis.rotation["degrees"])
    direction = np.cos(angle) * base + np.sin(angle) * upright / length
    return _along(
        axis,
        material,
        direction,
        direction,
        origin=float(
            np.cos(angle) * start.origin + np.sin(angle) * (towards.origin - (other @ base) * start.origin) / length
        ),
    )


def _fit_formula(axis: Axis, material: Material) -> FittedAxis:
    """Return an axis without a direction of its own: its coordinate is computed from those of others."""
    inputs = [material.axis(name) for name in axis.depends_on]
    if axis.formula_unit == "rating":
        for fitted in inputs:
            if fitted.calibration is None:
                raise AxisError(
                    f"axis {axis.name!r}: formula_unit is 'rating', but axis {fitted.name!r} has no unit of ratings"
                )
    zeros = np.zeros_like(inputs[0].direction)
    return FittedAxis(axis, material.key, zeros, zeros, 0.0)


def _fit_component(axis: Axis, material: Material) -> FittedAxis:
    """Return the axis along a principal component of passages."""
    from embedsearch.axes.components import principal_components

    number = int(axis.component["number"])
    try:
        vectors = material.passages(axis.component.get("where"))
    except QueryError as error:
        raise AxisError(f"axis {axis.name!r}: {error}") from error
    center, components, deviations = principal_components(vectors, number)
    if len(components) < number:
        raise AxisError(
            f"axis {axis.name!r}: {count_of(len(vectors), 'passage has', 'passages have')} "
            f"{count_of(len(components), 'component')}; number {number} is wanted"
        )
    direction = components[number - 1]
    step = direction * deviations[number - 1]
    return _along(axis, material, direction, step, origin=float(center @ direction))


_FITTERS: dict[str, Callable[[Axis, Material], FittedAxis]] = {
    "poles": _fit_poles,
    "groups": _fit_groups,
    "expression": _fit_expression,
    "difference": _fit_difference,
    "rotation": _fit_rotation,
    "formula": _fit_formula,
    "component": _fit_component,
}


def _linear(axis: Axis, name: str, material: Material) -> FittedAxis:
    fitted = material.axis(name)
    if fitted.axis.formula or fitted.curve is not None:
        kind = "a formula" if fitted.axis.formula else "a series of groups"
        raise AxisError(f"axis {axis.name!r}: {name!r} is {kind} and has no one direction to derive from")
    return fitted


def _along(
    axis: Axis, material: Material, direction: NDArray[Any], step: NDArray[Any], *, origin: float = 0.0
) -> FittedAxis:
    """Return the axis along a direction of any length; *origin* is a dot product with it at that length."""
    length = float(np.linalg.norm(direction))
    if length < _PARALLEL:
        raise AxisError(f"axis {axis.name!r}: the parts that it is made of cancel out; no direction is left")
    reading = unit(direction, error=AxisError)
    return FittedAxis(axis, material.key, reading, np.asarray(step, dtype=np.float32), origin / length)


def _without(fitted: FittedAxis, material: Material) -> FittedAxis:
    """Return an axis with the directions that it is orthogonal to taken out of what it reads and moves with.

    The origin keeps its meaning: it is the zero point on the old direction, read with the new one.
    """
    clear = clearing(fitted.axis, material)
    rest = clear(fitted.direction)
    if np.linalg.norm(rest) < _PARALLEL:
        names = ", ".join(fitted.axis.orthogonal_to)
        raise AxisError(f"axis {fitted.name!r}: nothing is left of it when {names} is taken out")
    direction = unit(rest, error=AxisError)
    origin = fitted.origin * float(fitted.direction.astype(np.float64) @ direction)
    # The calibration belongs to the direction before clearing; the direction that is left reads something else.
    return replace(
        fitted, direction=direction, step=clear(fitted.step).astype(np.float32), origin=origin, calibration=None
    )


def clearing(axis: Axis, material: Material) -> Clear:
    """Return a function that takes the directions *axis* is orthogonal to out of vectors, shape (d,) or (n, d).

    If the axis is orthogonal to none, the function leaves vectors as they are.
    """
    if not axis.orthogonal_to:
        return lambda vectors: np.asarray(vectors, dtype=np.float64)
    others = np.stack([_linear(axis, name, material).direction for name in axis.orthogonal_to]).astype(np.float64)
    _, lengths, basis = np.linalg.svd(others, full_matrices=False)
    basis = basis[lengths > _PARALLEL]

    def clear(vectors: NDArray[Any]) -> NDArray[np.float64]:
        rows = vectors.astype(np.float64)
        rest: NDArray[np.float64] = rows - rows @ basis.T @ basis
        return rest

    return clear
