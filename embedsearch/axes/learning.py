"""The learning curve of an axis of ratings, and what more ratings would bring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.blending import fit_weights
from embedsearch.axes.checks import FEWEST_RATINGS
from embedsearch.axes.statistics import Estimate, Pairs, bootstrap

FEWEST_FOR_CURVE = 2 * FEWEST_RATINGS  # at least as many are judged as are learned from
FEWEST_FOR_GAIN = FEWEST_FOR_CURVE + 2  # the curve has three points
MORE = 5
_MOST_USED = 100
_REPEATS = 20


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """How well ratings order texts that were left out, by how many ratings were used.

    Attributes:
        points: the share of pairs ordered right, by the number of ratings used.
        more: how much that share would grow with five more ratings, by a curve a - b/√n through the points; None if
            the curve has fewer than three points. It can be below 0, because of noise.
    """

    points: dict[int, float]
    more: Estimate | None


def learning_curve(
    vectors: NDArray[np.float64],
    ratings: NDArray[np.float64],
    beliefs: NDArray[np.float64] | None,
    read: NDArray[np.float64],
    judged: NDArray[np.int64],
) -> LearningCurve:
    """Return the learning curve: some seven numbers of ratings from 5 on, as long as 5 are left to judge by.

    For each number, twenty random samples of that many are fitted and judged on all other ratings. A number is left out
    if those others all had the same rating each time.

    Args:
        vectors: the vectors of what is rated, shape (n, d).
        ratings: shape (n,).
        beliefs: the directions believed before any rating, shape (k, d) or (d,); None for none.
        read: the vectors whose coordinates are read, shape (n, d).
        judged: the places of those that are judged where they are left out, shape (m,).
    """
    count, compared = len(ratings), {}
    random = np.random.default_rng(2)
    most = min(count - FEWEST_RATINGS, _MOST_USED)
    for used in range(FEWEST_RATINGS, most + 1, max(1, round((most - FEWEST_RATINGS) / 6))):
        pairs = Pairs.none(len(judged))
        for _ in range(_REPEATS):
            some = random.permutation(count)[:used]
            others = np.flatnonzero(~np.isin(judged, some))
            coordinates = read[judged[others]] @ fit_weights(vectors[some], ratings[some], beliefs)
            pairs.count(others, coordinates, ratings[judged[others]])
        if pairs.counted.any():
            compared[used] = pairs
    points = {used: pairs.share() for used, pairs in compared.items()}
    if len(points) < 3:
        return LearningCurve(points, None)
    return LearningCurve(points, bootstrap(lambda places: _gain(compared, count, places), len(judged)))


def _gain(compared: dict[int, Pairs], count: int, places: NDArray[np.int64]) -> float:
    """Return by how much the share grows from *count* ratings to five more; NaN where fewer than three points remain.

    The curve is that of least squares, each point weighed by how many pairs it compares.
    """
    right, counted = np.array([pairs.tally(places) for pairs in compared.values()]).T
    if np.count_nonzero(counted) < 3:
        return float("nan")
    steps = 1 / np.sqrt(list(compared))
    steps -= steps @ counted / counted.sum()
    slope = steps @ right / (steps**2 @ counted)
    return float(slope * (1 / np.sqrt(count + MORE) - 1 / np.sqrt(count)))
