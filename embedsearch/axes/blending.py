"""Ratings and poles together: a linear axis averaged over how far each can be trusted.

The ratings, in standard deviations, are taken to be a·(pole coordinate, in standard deviations) + what a linear
function of the vector adds + noise, where the three parts have the shares a², s·(1-a²) and (1-s)·(1-a²) of the
variance. For given shares that is ridge regression on what the poles leave over (Rasmussen and Williams,
"Gaussian Processes for Machine Learning", 2006, section 2.7, with a fixed mean function); the shares are not
chosen but averaged over, each pair weighted by its prior and by the likelihood of the ratings (their equation
2.30). So the poles speak when ratings are few or disagree with every direction, and the ratings take over as
they become many. Nothing is random. What was tried beside it is in docs/axes.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.errors import AxisError

# How far poles alone agree with people is known from the published sets: r is mostly between .3 and .6.
POLE_SHARES = ((0.3, 1.0), (0.45, 1.0), (0.6, 1.0))
SIGNAL_SHARES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.9)
_PRIOR_COUNT = 10  # how many ratings the spread 1/√d of a random direction counts for
_MOST_LEFT_OUT = 200  # above so many ratings they are left out in tenths, not one by one
_FOLDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """A direction learned from ratings.

    Attributes:
        weights: shape (d,), of any length but zero.
        left_out: the raw coordinate of each rated text, read off the fit without it: the dot product of its
            vector, from the center given, with the unit direction; shape (n,).
    """

    weights: NDArray[np.float64]
    left_out: NDArray[np.float64]


def blend(vectors: ArrayLike, ratings: ArrayLike, poles: ArrayLike | None, center: ArrayLike | None = None) -> Blend:
    """Return the direction that ratings and, where there are any, poles agree on.

    Args:
        vectors: of what is rated, unit rows, shape (n, d).
        ratings: in any unit, shape (n,), not all the same.
        poles: the unit direction from the low to the high pole, shape (d,).
        center: where the raw coordinate is 0, shape (d,); the mean of the rated vectors if None.

    Raises:
        AxisError: all rated texts have the same vector, so that no direction can be learned.
    """
    rows, wanted = np.asarray(vectors, dtype=np.float64), np.asarray(ratings, dtype=np.float64)
    middle = rows.mean(axis=0) if center is None else np.asarray(center, dtype=np.float64)
    direction = None if poles is None else np.asarray(poles, dtype=np.float64)
    weights = fit_weights(rows, wanted, direction)
    left_out = np.empty(len(rows))
    for fold in folds(len(rows)):
        part = fit_weights(np.delete(rows, fold, axis=0), np.delete(wanted, fold), direction)
        left_out[fold] = (rows[fold] - middle) @ part / max(float(np.linalg.norm(part)), 1e-12)
    return Blend(weights, left_out)


def folds(count: int) -> list[NDArray[np.int64]]:
    """Return which ratings are left out together: each alone, or every tenth where there are many."""
    places = np.arange(count)
    return list(places[:, None]) if count <= _MOST_LEFT_OUT else [places[start::_FOLDS] for start in range(_FOLDS)]


def fit_weights(
    vectors: NDArray[np.float64],
    ratings: NDArray[np.float64],
    poles: NDArray[np.float64] | None,
    *,
    pole_shares: Sequence[tuple[float, float]] = POLE_SHARES,
    signal_shares: Sequence[float] = SIGNAL_SHARES,
) -> NDArray[np.float64]:
    """Return the weights, shape (d,), averaged over the shares of poles and signal.

    Args:
        vectors: shape (n, d), n at least 2.
        ratings: shape (n,).
        poles: a unit direction, shape (d,), or None.
        pole_shares: the a to average over, each with its prior weight; (0, 1) alone without poles.
        signal_shares: the s to average over, of equal prior weight.

    Raises:
        AxisError: all vectors are the same.
    """
    centered = vectors - vectors.mean(axis=0)
    width = float(np.sqrt((centered**2).sum(axis=1).mean()))
    if width < 1e-6:
        raise AxisError("all that is rated has the same vector; rate phrases that differ")
    deviation = float(ratings.std(ddof=1))
    # Ratings that do not vary (within a fold) say nothing: the poles alone remain.
    standard = (ratings - ratings.mean()) / (deviation if deviation > 0 else 1.0)
    pole = np.zeros(vectors.shape[1]) if poles is None else poles / _pole_deviation(centered, poles)
    left, singular, right = np.linalg.svd(centered / width, full_matrices=False)
    kept = singular > 1e-9
    left, squares, right = left[:, kept], singular[kept] ** 2, singular[kept, None] * right[kept]
    outside = float(standard @ standard - ((left.T @ standard) ** 2).sum())
    free = len(ratings) - 1 - len(squares)
    logs, weights = [], []
    for a, prior in pole_shares if poles is not None else ((0.0, 1.0),):
        turned = left.T @ (standard - a * (centered @ pole))
        for s in signal_shares:
            noise = (1 - a * a) * (1 - s)
            variances = (1 - a * a) * s * squares + noise
            misfit = float((turned**2 / variances).sum() + np.log(variances).sum())
            misfit += max(outside, 0.0) / noise + free * np.log(noise)
            logs.append(np.log(prior) - misfit / 2)
            weights.append(a * pole + right.T @ (turned * (1 - a * a) * s / variances) / width)
    shares = np.exp(np.array(logs) - max(logs))
    averaged: NDArray[np.float64] = shares @ np.array(weights) / shares.sum()
    return averaged


def _pole_deviation(centered: NDArray[np.float64], poles: NDArray[np.float64]) -> float:
    """Return the spread of pole coordinates: that of the rated texts, drawn towards 1/√d where they are few."""
    n, dimension = centered.shape
    squares = float(((centered @ poles) ** 2).sum())
    return float(np.sqrt((squares + _PRIOR_COUNT / dimension) / (n + _PRIOR_COUNT)))
