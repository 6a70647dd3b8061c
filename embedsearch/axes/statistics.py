"""Agreement of coordinates with ratings: rank correlation, pairs ordered right, bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_RESAMPLES = 1000
_NOTHING = 1e-12  # of a sum of squares: rounding
_FARTHEST = math.log(100)  # from a share of variance to the ends of its interval: that far, nothing is known


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with an interval of 95%.

    Attributes:
        value: the figure for the sample at hand.
        low: where the interval begins: the 2.5th percentile over resamples of the rated texts, but for R².
        high: where it ends: the 97.5th percentile.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} … {self.high:.3f})"


def ranks(values: ArrayLike) -> NDArray[np.float64]:
    """Return the rank of each value, from 1; equal values share the mean of their ranks."""
    _, places, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: NDArray[np.float64] = ends - (counts - 1) / 2
    return means[places]


def pearson(one: ArrayLike, other: ArrayLike) -> float:
    """Return the correlation of two samples, 0 if one of them does not vary."""
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    a, b = a - a.mean(), b - b.mean()
    length = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / length if length > 1e-15 else 0.0


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Return the correlation of the ranks of two samples."""
    return pearson(ranks(one), ranks(other))


def determination(values: ArrayLike, residuals: ArrayLike) -> Estimate:
    """Return R² of predictions of n values, each left out: 0 is as good as the mean of the others, below it is worse.

    It is 1 minus the residuals' sum of squares over that of the mean's own residuals where each value is left out,
    n/(n-1) times those about the mean (Quan, "The prediction sum of squares as a general measure for regression
    diagnostics", Journal of Business and Economic Statistics 6, 1988). Beside a mean that has seen them, the mean of
    the others itself would have -.56 at five values.

    The interval is that of the jackknife of log(1 - R²), with Student's t (Tukey, "Bias and confidence in not quite
    large samples", Annals of Mathematical Statistics 29, 1958). In benchmarks/axes_intervals.py it held the R² of
    new texts in 82 to 96% of the cases, where percentiles of resamples held it in 34 to 82%.

    Args:
        values: shape (n,), n at least 3.
        residuals: each value minus the one predicted without it, shape (n,).
    """
    wanted, missed = np.asarray(values, dtype=np.float64), np.asarray(residuals, dtype=np.float64)
    count, squares = len(wanted), missed**2
    apart = (wanted - wanted.mean()) ** 2
    total, left = float(apart.sum()), float(squares.sum())
    if total <= 0:
        return Estimate(0.0, 0.0, 0.0)
    share = left / total * ((count - 1) / count) ** 2
    # Without one value each: the whole sums minus that value's share, n/(n-1) of its square about the mean.
    totals, lefts = total - apart * count / (count - 1), left - squares
    half = _FARTHEST
    if (totals > _NOTHING * total).all() and (lefts > _NOTHING * left).all():  # else one value is all that varies
        from scipy.special import stdtrit

        spread = math.sqrt((count - 1) * float(np.log(lefts / totals).var()))
        half = min(float(stdtrit(count - 1, 0.975)) * spread, _FARTHEST)
    return Estimate(1 - share, 1 - share * math.exp(half), 1 - share * math.exp(-half))


def bootstrap(function: Callable[[NDArray[np.int64]], float], count: int, *, seed: int = 0) -> Estimate:
    """Return a figure with its percentile interval over resamples of *count* texts, drawn with replacement.

    Source: Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).

    Args:
        function: computes the figure for a sample, given as places, shape (count,); NaN where it is not defined.
        count: the number of texts.
        seed: the seed of the drawing; the same seed gives the same interval.
    """
    random = np.random.default_rng(seed)
    found = [function(random.integers(0, count, count)) for _ in range(_RESAMPLES)]
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return Estimate(function(np.arange(count)), float(low), float(high))


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """How often pairs of texts were ordered as their ratings are, with both left out of the fit.

    Attributes:
        right: how often each pair was ordered right, symmetric, shape (n, n); a tie of coordinates counts half.
        counted: how often it was compared, shape (n, n).
    """

    right: NDArray[np.float64]
    counted: NDArray[np.float64]

    @classmethod
    def none(cls, count: int) -> Pairs:
        """Return a record of *count* texts in which nothing was compared yet."""
        return cls(np.zeros((count, count)), np.zeros((count, count)))

    def count(self, places: NDArray[np.int64], coordinates: NDArray[np.float64], ratings: NDArray[np.float64]) -> None:
        """Compare all pairs of the texts at *places*, by coordinates and ratings of shape (len(places),)."""
        wanted = np.sign(ratings[:, None] - ratings)
        found = np.sign(coordinates[:, None] - coordinates)
        block = np.ix_(places, places)
        self.counted[block] += wanted != 0
        self.right[block] += np.where(wanted == 0, 0.0, (found == wanted) + 0.5 * (found == 0))

    def tally(self, places: NDArray[np.int64] | None = None) -> tuple[float, float]:
        """Return how many pairs were ordered right and how many were compared, of all texts or of a resample."""
        weights = np.ones(len(self.right)) if places is None else np.bincount(places, minlength=len(self.right))
        return float(weights @ self.right @ weights), float(weights @ self.counted @ weights)

    def share(self, places: NDArray[np.int64] | None = None) -> float:
        """Return the share ordered right, of all texts or of a resample; NaN if nothing was compared."""
        right, counted = self.tally(places)
        return right / counted if counted else float("nan")
