"""Which phrases to rate next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embedsearch.vectors import Rows, Vectors

_STRATA = 5


def propose(vectors: Vectors, coordinates: NDArray[np.float64], known: Vectors, count: int) -> Rows:
    """Return the rows whose rating would help most: spread over the range, uncertain, not redundant.

    The candidates are parted into five strata by coordinate, from lowest to highest, each of like size. The strata
    are visited in turn, the ends first, and from each the row is taken that the ratings so far say least about:
    the greatest posterior variance under a linear model with noise of the vectors' own size, given what is rated
    and what was proposed before (Rasmussen and Williams 2006, equation 2.26). Nothing is random.

    Args:
        vectors: of the candidates, shape (n, d).
        coordinates: where they lie on the axis now, shape (n,).
        known: vectors of what is rated already, shape (m, d).
        count: how many to propose; fewer where there are fewer candidates.

    Returns:
        Places among the candidates, best first.
    """
    center = vectors.mean(axis=0, dtype=np.float64)
    rows = vectors.astype(np.float64) - center
    noise = float((rows**2).sum(axis=1).mean()) or 1.0
    variances = (rows**2).sum(axis=1)
    # The covariance is reduced one observation at a time (a rank-one update), never inverted.
    reduced = np.eye(rows.shape[1])
    for vector in known.astype(np.float64) - center:
        reduced = _observed(reduced, vector, noise)
    variances = ((rows @ reduced) * rows).sum(axis=1)
    strata = np.minimum(np.argsort(np.argsort(coordinates)) * _STRATA // max(1, len(coordinates)), _STRATA - 1)
    order = [0, _STRATA - 1, _STRATA // 2, 1, _STRATA - 2]
    chosen: list[int] = []
    while len(chosen) < min(count, len(rows)):
        stratum = order[len(chosen) % _STRATA]
        free = [int(place) for place in np.flatnonzero(strata == stratum) if place not in chosen]
        free = free or [place for place in range(len(rows)) if place not in chosen]
        best = max(free, key=lambda place: (variances[place], -place))
        chosen.append(int(best))
        reduced = _observed(reduced, rows[best], noise)
        variances = ((rows @ reduced) * rows).sum(axis=1)
    return np.array(chosen, dtype=np.int64)


def _observed(covariance: NDArray[np.float64], vector: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    """Return the covariance of the weights after one more observation (Sherman and Morrison 1950)."""
    towards = covariance @ vector
    less: NDArray[np.float64] = covariance - np.outer(towards, towards) / (noise + vector @ towards)
    return less
