"""Which phrases to rate next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embedsearch.vectors import Rows, Vectors

_STRATA = 5


def propose(
    vectors: Vectors, coordinates: NDArray[np.float64], known: Vectors, count: int, population: Vectors | None = None
) -> Rows:
    """Return the candidates whose rating would tell most about the others: spread over the range, and not redundant.

    The candidates are divided into five strata of similar size by coordinate, from lowest to highest. The strata are
    visited in turn, the ends first. From each, the candidate is taken whose rating would lower the mean variance of the
    population's coordinates most, given what is rated and what was proposed before, under a linear model with noise of
    the vectors' own size (Rasmussen and Williams 2006, equation 2.26): with the covariance S of the weights and the
    second moment G of the population, a rating lowers it by v'S G S v / (noise + v'S v). The candidate that is least
    certain itself is often an outlier, and tells little about others. Nothing is random.

    Args:
        vectors: the vectors of the candidates, shape (n, d).
        coordinates: where they lie on the axis now, shape (n,).
        known: the vectors of what is rated already, shape (m, d).
        count: how many to propose; fewer if there are fewer candidates.
        population: the vectors of what is to be measured, shape (p, d); if None, the candidates.

    Returns:
        Places among the candidates, best first.
    """
    measured = (vectors if population is None else population).astype(np.float64)
    center = measured.mean(axis=0)
    measured -= center
    spread = measured.T @ measured / len(measured)
    rows = vectors.astype(np.float64) - center
    noise = float(np.trace(spread)) or 1.0
    rated = known.astype(np.float64) - center
    covariance = np.linalg.inv(np.eye(rows.shape[1]) + rated.T @ rated / noise)
    towards = rows @ covariance  # one more observation changes it by a matrix of rank one
    across = towards @ spread
    strata = np.minimum(np.argsort(np.argsort(coordinates)) * _STRATA // max(1, len(coordinates)), _STRATA - 1)
    order = [0, _STRATA - 1, _STRATA // 2, 1, _STRATA - 2]
    free = np.ones(len(rows), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < min(count, len(rows)):
        allowed = free & (strata == order[len(chosen) % _STRATA])
        allowed = allowed if allowed.any() else free
        lowered = (across * towards).sum(axis=1) / (noise + (towards * rows).sum(axis=1))
        best = int(np.where(allowed, lowered, -np.inf).argmax())
        chosen.append(best)
        free[best] = False
        step, moved = towards[best].copy(), across[best].copy()
        learned = rows @ step / (noise + rows[best] @ step)
        towards -= np.outer(learned, step)
        across -= np.outer(learned, moved)
    return np.array(chosen, dtype=np.int64)
