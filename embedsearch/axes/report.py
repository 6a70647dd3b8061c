"""The report on axes: how far each can be trusted, and how much they overlap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.blending import blend
from embedsearch.axes.checks import FEWEST_RATINGS, are_equal
from embedsearch.axes.definition import Axis
from embedsearch.axes.fitting import beliefs, clearing, middle, rated_vectors
from embedsearch.axes.material import Material
from embedsearch.axes.scaled import ScaledAxis, rises
from embedsearch.axes.separation import Separation, separate
from embedsearch.axes.statistics import pearson
from embedsearch.axes.validation import Validation, validate
from embedsearch.vectors import thinned
from embedsearch.wording import count_of

_OVERLAP = 0.7  # a correlation above which two axes are said to measure nearly the same
_MOST_DOCUMENTS = 5_000  # with a field; at most so many are looked at
_WEAK = 0.8  # the share of pole phrases on their own side below which the poles are called unclear


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much two axes overlap.

    Attributes:
        first: the name of one axis.
        second: the name of the other.
        correlation: of their coordinates over the reference population.
        cosine: between the directions in which they rise, 0 if one of them rises in no direction; see `rises`.
        left_over: the share of either's variance over the population that the other does not predict: 1 - r².
        left_direction: the length of what is left of either's unit direction when the other's is taken out.
    """

    first: str
    second: str
    correlation: float
    cosine: float
    left_over: float
    left_direction: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as a dict of JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class AxisReport:
    """How far one axis can be trusted.

    Attributes:
        name: the name of the axis.
        version: the version of its definition in the index; 0 for an axis that was lent and not saved.
        kinds: what it is defined by.
        population: size, mean and standard deviation of the raw coordinates of the passages that it is scaled on.
        separation: how well its poles stand apart; None without poles.
        validation: agreement with its ratings, or with the field that it is learned from; None without either.
        advice: what would make it better, one sentence each.
        cosines: if poles are extended or there is a prior, the cosine of the direction in use to that of the
            ``poles`` alone and to the ``prior``, as far as the axis has these.
    """

    name: str
    version: int
    kinds: tuple[str, ...]
    population: Mapping[str, float]
    separation: Separation | None
    validation: Validation | None
    advice: tuple[str, ...]
    cosines: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a dict of JSON values."""
        return {
            "name": self.name,
            "version": self.version,
            "kinds": list(self.kinds),
            "population": dict(self.population),
            "separation": self.separation.to_dict() if self.separation else None,
            "validation": self.validation.to_dict() if self.validation else None,
            "advice": list(self.advice),
            "cosines": dict(self.cosines),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Reports on several axes of one index, and on how much they overlap."""

    axes: tuple[AxisReport, ...]
    overlaps: tuple[Overlap, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a dict of JSON values."""
        return {
            "axes": [report.to_dict() for report in self.axes],
            "overlaps": [overlap.to_dict() for overlap in self.overlaps],
        }

    def __repr__(self) -> str:
        return str(self)  # at a prompt or in a notebook, people want to read the report

    def __str__(self) -> str:
        lines = [line for report in self.axes for line in _lines(report)]
        return "\n".join([*lines, *_overlap_lines(self.overlaps)])


def report_on(axis: ScaledAxis, material: Material) -> AxisReport:
    """Return how far one axis can be trusted."""
    definition = axis.fitted.axis
    separation = separate(definition, material) if definition.low else None
    validation = _validated(definition, material) if definition.is_learned else None
    population = {"passages": axis.scale.count, "mean": axis.scale.mean, "deviation": axis.scale.deviation}
    advice = tuple(_advice(definition, separation, validation))
    cosines = _cosines(axis, material) if definition.extend or definition.prior else {}
    return AxisReport(axis.name, axis.version, definition.kinds, population, separation, validation, advice, cosines)


def _cosines(axis: ScaledAxis, material: Material) -> dict[str, float]:
    """Return how far the direction in use has moved away from the poles, and how near it is to the prior."""
    definition, direction = axis.fitted.axis, axis.fitted.direction
    found = {}
    if definition.low:
        found["poles"] = float(direction @ beliefs(definition, material)[0])
    if definition.prior:
        found["prior"] = float(direction @ material.axis(definition.prior).direction)
    return found


def _validated(axis: Axis, material: Material) -> Validation | None:
    """Return how well an axis predicts what it is learned from when that is left out; None if too little differs.

    Documents with a field that have the same vector count once, since a copy left in would give away the other. If
    there are very many, an even sample is looked at.
    """
    vectors, ratings = rated_vectors(axis, material)
    if axis.field:
        _, first = np.unique(vectors, axis=0, return_index=True)
        kept = thinned(np.sort(first), _MOST_DOCUMENTS)
        vectors, ratings = vectors[kept], ratings[kept]
        if len(kept) < FEWEST_RATINGS or are_equal(ratings.tolist()):
            return None
    rows = vectors.astype(np.float64)
    center = middle(axis, material) if axis.low else rows.mean(axis=0)
    known = beliefs(axis, material).astype(np.float64) if axis.low or axis.prior else None
    if not axis.orthogonal_to:
        return validate(rows, ratings, known, blend(rows, ratings, known, center))
    # Fitted as the axis is, before others are taken out; judged by what is left.
    clear = clearing(axis, material)
    return validate(rows, ratings, known, blend(rows, ratings, known, center, clear), clear(rows))


def overlap(axes: Sequence[ScaledAxis], coordinates: NDArray[np.float64]) -> tuple[Overlap, ...]:
    """Return how much each two of *axes* overlap, given their coordinates over a population, shape (n, m)."""
    directions, found = rises(axes), []
    for one, other in combinations(range(len(axes)), 2):
        r = pearson(coordinates[:, one], coordinates[:, other])
        cosine = float(directions[one] @ directions[other])
        left = float(np.sqrt(max(0.0, 1 - cosine**2)))
        found.append(Overlap(axes[one].name, axes[other].name, r, cosine, 1 - r**2, left))
    return tuple(found)


def _advice(axis: Axis, separation: Separation | None, validation: Validation | None) -> Iterator[str]:
    if separation is not None:
        if separation.bare:
            best = f'these poles separate best with frames = ["{separation.suggested_frame}"]'
            yield (
                f"{', '.join(separation.bare)} stand bare, in another register than the things placed; "
                f"{best if separation.suggested_frame else 'put them into frames'}"
            )
        if separation.against:
            phrases = ", ".join(phrase.text for phrase in separation.against)
            yield f"take out or replace {phrases}: left out, they lie on the wrong side"
        if separation.right is not None and separation.right < _WEAK:
            share = f"{separation.right:.0%}"
            yield f"only {share} of the phrases lie on their own side when left out; choose poles that differ more"
        if min(len(axis.low), len(axis.high)) < 5:
            yield "more phrases a side help, up to about eight"
        if validation is None and not axis.unratable:
            yield "rate 20 phrases: nothing helps more (embedsearch axes rate)"
    ratings, more = ("documents", "the texts may not tell it") if axis.field else ("ratings", "rate more phrases")
    if validation is not None and validation.p > 0.05:
        yield f"the {ratings} are ordered no better than chance would (p {validation.p:.2f}); {more}"
    if validation is not None and validation.gain is not None and validation.gain.low <= 0:
        yield f"the gain of the {ratings} on poles alone is not certain{'' if axis.field else ' yet'}; {more}"
    if isinstance(axis.groups, Mapping) and axis.groups:
        yield (
            f"that its documents agree with {axis.groups['field']} follows from how it is made; whether others would "
            "is told of an axis with field = …, here as well"
        )


def _lines(report: AxisReport) -> Iterator[str]:
    population = report.population
    version = f"version {report.version}" if report.version else "not saved"
    yield f"{report.name}, {version}, by {' and '.join(report.kinds)}"
    yield (
        f"  scaled on {count_of(int(population['passages']), 'passage')}, raw mean {population['mean']:.3f}, "
        f"deviation {population['deviation']:.3f}"
    )
    if (poles := report.separation) is not None:
        yield f"  poles: {_on_their_side(poles)}"
        for phrase in poles.against:
            yield f"    pulls against the rest: {phrase.text!r} ({phrase.side}, margin {phrase.margin:.2f})"
    if report.cosines:
        parts = [
            f"{cosine:.2f} to the {name}" + " alone" * (name == "poles") for name, cosine in report.cosines.items()
        ]
        yield f"  read in a direction with cosine {' and '.join(parts)}"
    if (found := report.validation) is not None:
        by_field = "field" in report.kinds
        judged = ("different documents", "those") if by_field else ("ratings", "phrases")
        yield f"  {found.count:,} {judged[0]}; among {judged[1]} that were left out, with 95 % intervals:"
        yield f"    pairs ordered right  {found.ordered}   chance .5, p {found.p:.3f}"
        if found.poles is not None:
            yield f"    without {'the field' if by_field else 'ratings  '}    {found.poles}   gain {found.gain}"
        yield f"    Spearman             {found.spearman}"
        if found.determination is not None:
            yield f"    R²                   {found.determination}"
        else:
            yield "    no R²: other axes are taken out of this one, and what is left is not in the unit of the ratings"
    for sentence in report.advice:
        yield f"  * {sentence}"


def _on_their_side(poles: Separation) -> str:
    """Return how many phrases lie on their own side, and which were not left out."""
    alone = " and ".join(f"the {phrase.side} pole" for phrase in poles.phrases if phrase.margin is None)
    if poles.right is None:
        return "one phrase each, which cannot be left out"
    left_out = sum(phrase.margin is not None for phrase in poles.phrases)
    told = f"{poles.right:.0%} of {left_out} phrases on their own side when left out"
    return f"{told}; {alone} is one phrase, which cannot be" if alone else told


def _overlap_lines(overlaps: Sequence[Overlap]) -> Iterator[str]:
    for found in overlaps:
        same = "; they measure nearly the same" if abs(found.correlation) > _OVERLAP else ""
        yield (
            f"{found.first} and {found.second}: correlation {found.correlation:+.2f}, cosine {found.cosine:+.2f}; "
            f"{found.left_over:.0%} of the variance is left when the other is taken out{same}"
        )
