"""Means of samples with their intervals, and how far two samples are apart.

An interval is that of a sample drawn independently from something larger. A single number says nothing about the
spread; the ends of its interval are infinite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.statistics import spearman

Values = NDArray[np.float64]
FEWEST_FOR_A_TREND = 10


class Interval(NamedTuple):
    """A figure with the ends of its interval, which are infinite if nothing bounds it."""

    value: float
    low: float
    high: float


class Sample(NamedTuple):
    """What intervals need to know about n numbers.

    Attributes:
        size: n, at least 1.
        mean: the mean of the numbers.
        variance: the variance of what they were drawn from, estimated with n - 1; 0 for a single number.
    """

    size: int
    mean: float
    variance: float

    @classmethod
    def of(cls, values: Values) -> Sample:
        """Return the sample of *values*, shape (n,)."""
        count = len(values)
        return cls(count, float(values.mean()), float(values.var(ddof=1)) if count > 1 else 0.0)


def mean_of(sample: Sample, confidence: float) -> Interval:
    """Return the mean with Student's interval ("The probable error of a mean", Biometrika 6, 1908).

    Args:
        sample: a sample of n numbers.
        confidence: between 0 and 1.
    """
    return _interval(sample.mean, sample.variance / sample.size, sample.size - 1, confidence)


def difference_of(one: Sample, other: Sample, confidence: float) -> Interval:
    """Return how much higher the mean of *one* is, with the interval of Welch, for samples of unequal variance.

    Source: Welch, "The generalization of Student's problem when several different population variances are involved",
    Biometrika 34 (1947).
    """
    shares = [sample.variance / sample.size for sample in (one, other)]
    alone = min(one.size, other.size) < 2
    weights = sum(share**2 / max(1, sample.size - 1) for share, sample in zip(shares, (one, other), strict=True))
    freedom = 0.0 if alone else sum(shares) ** 2 / weights if weights > 0 else 1.0
    return _interval(one.mean - other.mean, sum(shares), freedom, confidence)


def _interval(value: float, variance: float, freedom: float, confidence: float) -> Interval:
    """Return a value with the interval of Student's t; *variance* is that of the value."""
    if freedom <= 0:
        return Interval(value, -math.inf, math.inf)
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(variance)
    return Interval(value, value - half, value + half)


def superiority(rank_sum: float, count: int, others: int) -> float:
    """Return how often a number of one sample lies above one of another, 0…1; equal ones count half.

    Source: Vargha and Delaney, "A critique and improvement of the CL common language effect size statistics", Journal
    of Educational and Behavioral Statistics 25 (2000).

    Args:
        rank_sum: the rank sum of the sample, among the numbers of both.
        count: how many numbers it has.
        others: how many numbers the other sample has.
    """
    return (rank_sum - count * (count + 1) / 2) / (count * others)


def explained(samples: Sequence[Sample]) -> float | None:
    """Return the share of the variance that lies between samples; below 0 if it is less than chance would give.

    It is Kelley's epsilon squared ("An unbiased correlation ratio measure", PNAS 21, 1935), in regression called the
    adjusted R²; None if there is one sample, or no variance.
    """
    count = sum(sample.size for sample in samples)
    within = sum((sample.size - 1) * sample.variance for sample in samples)
    middle = sum(sample.size * sample.mean for sample in samples) / max(1, count)
    between = sum(sample.size * (sample.mean - middle) ** 2 for sample in samples)
    if len(samples) < 2 or count <= len(samples) or within + between <= 0:
        return None
    return 1 - (within / (count - len(samples))) / ((within + between) / (count - 1))


def trend_of(numbers: Values, values: Values, confidence: float) -> Interval | None:
    """Return Spearman's rank correlation of *values* with *numbers*, both of shape (n,).

    The interval is that of Bonett and Wright, "Sample size requirements for estimating Pearson, Kendall and Spearman
    correlations", Psychometrika 65 (2000). At a correlation of 1 it would have no width, however few the numbers. Ranks
    that agree entirely therefore have the interval of ranks of which two neighbours are exchanged.

    Returns:
        The correlation; None if there are fewer than 10 numbers, or if numbers or values are all the same.
    """
    count = len(values)
    if count < FEWEST_FOR_A_TREND or np.ptp(numbers) == 0 or np.ptp(values) == 0:
        return None
    from scipy.special import ndtri

    rho, most = spearman(numbers, values), 1 - 12 / (count**3 - count)
    middle = math.atanh(min(max(rho, -most), most))
    half = float(ndtri((1 + confidence) / 2)) * math.sqrt((1 + rho**2 / 2) / (count - 3))
    return Interval(rho, min(rho, math.tanh(middle - half)), max(rho, math.tanh(middle + half)))
