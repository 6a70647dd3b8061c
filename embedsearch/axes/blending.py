"""Ratings and poles together: a linear axis, averaged over how far each can be trusted.

The ratings, in standard deviations, are modelled as the sum of three parts: a times the coordinate, in standard
deviations, on a direction believed beforehand; what a linear function of the vector adds; and noise. These have the
shares a², s·(1-a²) and (1-s)·(1-a²) of the variance. For given shares that is ridge regression on what the belief
leaves over (Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, section 2.7, with a fixed mean
function). Neither the shares nor the belief are chosen. They are averaged over, each weighted by its prior and by the
likelihood of the ratings (their equation 2.30). The beliefs are the poles, the poles extended, another axis, and their
sum. So the poles prevail when ratings are few or agree with no direction, and the ratings take over as they
become many. Nothing is random. Alternatives that were tried are in docs/axes.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.errors import AxisError

# How far poles alone agree with people is known from the published sets: r is mostly between .3 and .6.
POLE_SHARES = (0.3, 0.45, 0.6)
SIGNAL_SHARES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.9)
# Two-valued ratings of which one value is rare say mostly which few things happen to have it: poles alone read such
# traits better than poles with a free direction. Eight was chosen on two tasks (docs/axes.md).
FEW_SIGNAL_SHARES = (0.02, 0.05, 0.1, 0.2)
FEWEST_OF_A_VALUE = 8
_NO_SPREAD = 1e-12  # share of the largest squared singular value: what rounding leaves of vectors that are the same
_PRIOR_COUNT = 10  # how many ratings the spread 1/√d of a random direction counts for
_MOST_LEFT_OUT = 200  # above so many, ratings are left out in tenths, not one by one
_FOLDS = 10

Clear = Callable[[NDArray[Any]], NDArray[np.float64]]  # takes the directions of other axes out of vectors


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


def blend(
    vectors: ArrayLike,
    ratings: ArrayLike,
    beliefs: ArrayLike | None,
    center: ArrayLike | None = None,
    clear: Clear | None = None,
) -> Blend:
    """Return the direction that ratings, and beliefs if there are any, agree on.

    Args:
        vectors: the vectors of what is rated, unit rows, shape (n, d).
        ratings: in any unit, shape (n,), not all the same.
        beliefs: unit directions from low to high, shape (k, d), or one, shape (d,); None for none.
        center: where the raw coordinate is 0, shape (d,); if None, the mean of the rated vectors.
        clear: what is done to a fitted direction before texts that were left out are read with it, for an axis that
            other axes are taken out of; the weights are those before.

    Raises:
        AxisError: all rated texts have the same vector, so that no direction can be learned.
    """
    rows, wanted = np.asarray(vectors, dtype=np.float64), np.asarray(ratings, dtype=np.float64)
    middle = rows.mean(axis=0) if center is None else np.asarray(center, dtype=np.float64)
    weights = fit_weights(rows, wanted, beliefs)
    left_out = np.empty(len(rows))
    for fold in folds(len(rows)):
        part = fit_weights(np.delete(rows, fold, axis=0), np.delete(wanted, fold), beliefs)
        direction = part / max(float(np.linalg.norm(part)), 1e-12)
        if clear is None:
            left_out[fold] = (rows[fold] - middle) @ direction
            continue
        rest = clear(direction)
        rest /= max(float(np.linalg.norm(rest)), 1e-12)
        left_out[fold] = rows[fold] @ rest - (middle @ direction) * (direction @ rest)
    return Blend(weights, left_out)


def folds(count: int) -> list[NDArray[np.int64]]:
    """Return which ratings are left out together: each alone, or, of many, every tenth."""
    places = np.arange(count)
    return list(places[:, None]) if count <= _MOST_LEFT_OUT else [places[start::_FOLDS] for start in range(_FOLDS)]


def fit_weights(
    vectors: NDArray[np.float64],
    ratings: NDArray[np.float64],
    beliefs: ArrayLike | None,
    *,
    pole_shares: Sequence[float] = POLE_SHARES,
    signal_shares: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """Return the weights, shape (d,), averaged over beliefs and shares; see `Design`.

    Raises:
        AxisError: all vectors are the same.
    """
    return Design(vectors, beliefs, pole_shares=pole_shares, signal_shares=signal_shares).weights(ratings)


def signal_shares_of(ratings: ArrayLike) -> Sequence[float]:
    """Return the shares of signal to average over if there are beliefs: small ones if one of two values is rare.

    Args:
        ratings: shape (n,).
    """
    counts = np.unique(np.asarray(ratings), return_counts=True)[1]
    return FEW_SIGNAL_SHARES if len(counts) == 2 and counts.min() < FEWEST_OF_A_VALUE else SIGNAL_SHARES


class Design:
    """Rated texts, factored once, so that many sets of ratings of the same texts can be fitted quickly."""

    def __init__(
        self,
        vectors: NDArray[np.float64],
        beliefs: ArrayLike | None,
        *,
        pole_shares: Sequence[float] = POLE_SHARES,
        signal_shares: Sequence[float] | None = None,
    ) -> None:
        """Factor the vectors.

        Args:
            vectors: shape (n, d), n at least 2.
            beliefs: unit directions, shape (k, d) or (d,), each as likely beforehand; None for none.
            pole_shares: the values of a to average over, with equal prior weight; without beliefs, 0 alone.
            signal_shares: the values of s to average over, with equal prior weight; if None and there are beliefs,
                those of `signal_shares_of`.

        Raises:
            AxisError: all vectors are the same.
        """
        centered = vectors - vectors.mean(axis=0)
        self._width = float(np.sqrt((centered**2).sum(axis=1).mean()))
        if self._width < 1e-6:
            raise AxisError("all that is rated has the same vector; rate phrases that differ")
        squares, directions = _factored(centered / self._width)
        kept = squares > _NO_SPREAD * squares.max()
        self._vectors, self._squares, self._turn = vectors, squares[kept], directions[kept]
        self._free = len(vectors) - 1 - len(self._squares)
        none = np.zeros((1, vectors.shape[1]))
        believed = none if beliefs is None else np.atleast_2d(np.asarray(beliefs, dtype=np.float64))
        self._poles = none if beliefs is None else believed / _deviations(centered, believed)[:, None]
        self._along = self._width * np.sqrt(self._squares)[:, None] * (self._turn @ self._poles.T)
        self._believes = beliefs is not None
        self._pole_shares = (0.0,) if beliefs is None else pole_shares
        self._signal_shares = signal_shares

    def weights(self, ratings: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights for ratings of shape (n,): the average over beliefs and shares, shape (d,)."""
        deviation = float(ratings.std(ddof=1))
        # Ratings that do not vary (within a fold) say nothing: the beliefs alone remain.
        standard = (ratings - ratings.mean()) / (deviation if deviation > 0 else 1.0)
        singular = np.sqrt(self._squares)
        # The ratings have mean 0, so that the mean of the vectors need not be taken out.
        turned = self._turn @ (standard @ self._vectors) / (singular * self._width)
        outside = max(0.0, float(standard @ standard - turned @ turned))
        shares_of_signal = self._signal_shares or (signal_shares_of(ratings) if self._believes else SIGNAL_SHARES)
        logs, parts = [], []
        for place, pole in enumerate(self._poles):
            for a in self._pole_shares:
                rest = turned - a * self._along[:, place]
                for s in shares_of_signal:
                    noise = (1 - a * a) * (1 - s)
                    variances = (1 - a * a) * s * self._squares + noise
                    misfit = float((rest**2 / variances).sum() + np.log(variances).sum())
                    logs.append(-(misfit + outside / noise + self._free * np.log(noise)) / 2)
                    parts.append((a * pole, rest * (1 - a * a) * s / variances))
        shares = np.exp(np.array(logs) - max(logs))
        shares /= shares.sum()
        believed, learned = (shares @ np.array(column) for column in zip(*parts, strict=True))
        averaged: NDArray[np.float64] = believed + (learned * singular) @ self._turn / self._width
        return averaged


def _factored(centered: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the squared singular values of (n, d), shape (r,), and the unit directions they belong to, (r, d).

    Of more texts than dimensions they are those of the (d, d) products, a tenth of the work.
    """
    if len(centered) <= centered.shape[1]:
        _, singular, right = np.linalg.svd(centered, full_matrices=False)
        return singular**2, right
    squares, columns = np.linalg.eigh(centered.T @ centered)
    return squares, columns.T


def _deviations(centered: NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the spread of the rated texts along each direction, drawn towards 1/√d if they are few, shape (k,)."""
    n, dimension = centered.shape
    squares = ((centered @ directions.T) ** 2).sum(axis=0)
    spread: NDArray[np.float64] = np.sqrt((squares + _PRIOR_COUNT / dimension) / (n + _PRIOR_COUNT))
    return spread
