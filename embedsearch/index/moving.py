"""Moving phrases along axes, and finding what lies where they arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes import ScaledAxis
from embedsearch.errors import AxisError
from embedsearch.index.searching import Searcher
from embedsearch.mapped import gather
from embedsearch.results import Hits
from embedsearch.vectors import Rows, Vectors, thinned, unit

_SAMPLE = 500  # so many passages' own nearest neighbours say what is near
_FAR_PERCENT = 5.0
_STEEP = 1e-6
_MISSED = 0.5  # standard deviations; a move of three along a straight axis ends within .4 of its target


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """A phrase moved along axes, and the passages that lie there.

    Attributes:
        start: the coordinates of the phrase, by axis, in standard deviations.
        wanted: the coordinates that it was to be moved to.
        reached: the coordinates of the point where it arrived: on the unit sphere, where cosines are taken.
        hits: the passages nearest to that point by cosine, without the phrase itself.
        nearest: the cosine of the nearest hit; NaN if there is none.
        usual: the cosines of real passages to their own nearest neighbours: 5th percentile and median. NaN if there
            are few passages.
        versions: the version of each axis, by name.
    """

    start: Mapping[str, float]
    wanted: Mapping[str, float]
    reached: Mapping[str, float]
    hits: Hits
    nearest: float
    usual: tuple[float, float]
    versions: Mapping[str, int]

    @property
    def is_far(self) -> bool:
        """Whether the nearest passage is farther than 95 % of real passages are from their nearest neighbour."""
        return self.nearest < self.usual[0]

    @property
    def missed(self) -> tuple[str, ...]:
        """The axes on which the point reached is more than half a standard deviation from the one wanted."""
        return tuple(name for name, wanted in self.wanted.items() if abs(self.reached[name] - wanted) > _MISSED)

    @property
    def note(self) -> str:
        """A warning in one sentence; empty if the point is near both what was wanted and real passages."""
        notes = []
        if self.missed:
            off = [f"{name} {self.reached[name]:.2f} instead of {self.wanted[name]:.2f}" for name in self.missed]
            notes.append(
                f"the point reached has {', '.join(off)}: "
                "phrases are moved as if formulas, curves and the sphere were straight"
            )
        if self.is_far:
            notes.append(
                f"the point is far from anything real: the nearest passage has cosine {self.nearest:.2f}, while 95 % "
                f"of real passages have a neighbour at {self.usual[0]:.2f} or nearer (median {self.usual[1]:.2f})"
            )
        return "; ".join(notes)

    def _repr_html_(self) -> str:
        """Show the move, a warning if there is one, and the answers."""
        moved = ", ".join(f"{name} {self.start[name]:.2f} to {self.reached[name]:.2f}" for name in self.wanted)
        return self.hits.as_html(f"{moved}{self.note and f'; mind that {self.note}'}")

    def to_dict(self) -> dict[str, Any]:
        """Return the move as JSON values."""
        return {
            "start": dict(self.start),
            "wanted": dict(self.wanted),
            "reached": dict(self.reached),
            "nearest": _or_none(self.nearest),
            "usual": [_or_none(cosine) for cosine in self.usual],
            "far": self.is_far,
            "missed": list(self.missed),
            "versions": dict(self.versions),
            "hits": self.hits.to_dicts(),
        }


def _or_none(number: float) -> float | None:
    """Return a number, or None for NaN, which JSON does not have."""
    return None if np.isnan(number) else number


class Mover:
    """Moves vectors along the axes of one index."""

    def __init__(self, searcher: Searcher) -> None:
        """Read nothing yet."""
        self._searcher = searcher

    def move(
        self,
        vector: Vectors,
        axes: Mapping[str, ScaledAxis],
        by: Mapping[str, float],
        *,
        k: int,
        rows: Rows | None,
        leave_out: str,
    ) -> Move:
        """Return what lies where a phrase arrives when it is moved along axes.

        Args:
            vector: the unit vector of the phrase, shape (d,).
            axes: the axes by name.
            by: how far to move on each of *axes*, in standard deviations.
            k: the number of answers.
            rows: the rows that may be answers.
            leave_out: a text that is no answer: the phrase itself.
        """
        start = {name: float(axis.coordinates(vector)[0]) for name, axis in axes.items()}
        moved = unit(vector + displacement(list(axes.values()), vector, [by[name] for name in axes]))
        passages = self._searcher.nearest_but(moved, k, rows, [leave_out])
        cosine = float(passages[0].score or 0.0) if passages else float("nan")
        reached = {name: float(axis.coordinates(moved)[0]) for name, axis in axes.items()}
        wanted = {name: start[name] + by[name] for name in axes}
        versions = {name: axis.version for name, axis in axes.items()}
        return Move(start, wanted, reached, passages, cosine, self._usual(rows), versions)

    def _usual(self, rows: Rows | None) -> tuple[float, float]:
        """Return the 5th percentile and the median of the cosines of passages to their nearest other passage."""
        vectors, allowed = self._searcher.vectors(rows)
        if len(allowed) < 3:
            return float("nan"), float("nan")
        sample = thinned(allowed, _SAMPLE)
        found = self._searcher.neighbors.search_many(gather(vectors, sample), 2, rows)
        cosines = [
            max((score for near, score in zip(nears, scores, strict=True) if near != row), default=np.nan)
            for row, (nears, scores) in zip(sample, found, strict=True)
        ]
        low, middle = np.nanpercentile(np.array(cosines, dtype=np.float64), [_FAR_PERCENT, 50])
        return float(low), float(middle)


def displacement(axes: Sequence[ScaledAxis], vector: Vectors, by: Sequence[float]) -> NDArray[np.float64]:
    """Return what to add to a vector so that its coordinates change by *by* standard deviations, shape (d,).

    On straight axes the vector moves by the axes' steps: the multiples t of the steps solve
    ``gradientᵢ · Σⱼ tⱼ stepⱼ = byᵢ · deviationᵢ``, so that moving on one axis does not shift the others named.
    On a series of groups the vector is carried along the curve. Both hold before the sum is scaled back to
    length 1. Formulas are taken as straight at the population's mean.

    Raises:
        AxisError: the steps of the axes cannot be told apart, so that no move changes one axis and not the other, or an
            axis rises in no direction.
    """
    total = np.zeros(len(vector))
    straight = [place for place, axis in enumerate(axes) if axis.fitted.curve is None]
    for place, axis in enumerate(axes):
        if axis.fitted.curve is not None:
            here = float(axis.raw(vector)[0])
            there = here + by[place] * axis.scale.deviation
            total += axis.fitted.curve.point(there) - axis.fitted.curve.point(here)
    if not straight:
        return total
    gradients = np.stack([axes[place].gradient for place in straight]).astype(np.float64)
    steps = np.stack([axes[place].step for place in straight]).astype(np.float64)
    wanted = np.array([by[place] * axes[place].scale.deviation for place in straight]) - gradients @ total
    effects = gradients @ steps.T
    lengths = np.linalg.norm(gradients, axis=1)[:, None] * np.linalg.norm(steps, axis=1)
    if len(flat := np.flatnonzero(lengths.diagonal() == 0)):
        raise AxisError(
            f"axis {axes[straight[flat[0]]].name!r} rises in no direction at the mean of the index, so that no step "
            "along it is known; name the axes that it is made from"
        )
    if abs(np.linalg.det(effects / lengths)) < _STEEP:
        names = ", ".join(axes[place].name for place in straight)
        raise AxisError(f"no move changes {names} one by one: they point the same way; name fewer axes")
    return total + np.linalg.solve(effects, wanted) @ steps
