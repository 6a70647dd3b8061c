"""Where relevant and other records meet: from the values of a ranker to scores between 0 and 1.

A support vector machine puts the records it was taught far out, the relevant on one side and the others on the other,
and the records it was not taught in between. So the value of a record that was read cannot be compared with those of
records that were not, unless it is the value that it would have had without its own label. For a squared hinge loss
that value follows from the machine that has learned all, since leaving out a record changes the others little: the
formula is that of kernel ridge regression on the support vectors
(Cawley and Talbot, "Fast exact leave-one-out cross-validation of sparse least-squares support vector machines", 2004).
A logistic curve through these values and labels (Platt, "Probabilistic outputs for support vector machines", 1999)
says what a value is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

# Assumptions that count as records seen, until labels say otherwise: a record at the mean of the records not read is
# relevant with probability .1, one that lies 5 of their deviations above it with probability .9.
_ASSUMED_VALUES = (0.0, 5.0)
_ASSUMED_SHARES = (0.1, 0.9)
_LEAST_SLOPE = 0.3  # one deviation more raises the logarithm of the odds by at least this
_FURTHEST = 12.0  # logarithms of odds stay within this, where float64 can tell scores apart
_WEAK_PENALTY = 1e6
_NOTHING = 1e-6  # a deviation below it is rounding


@dataclass(frozen=True, slots=True)
class Boundary:
    """A rising curve from values to scores.

    Attributes:
        slope: of the logarithm of the odds, positive.
        middle: the value whose score is .5.
    """

    slope: float
    middle: float

    def scores(self, values: Values) -> Values:
        """Return scores strictly between 0 and 1; higher for higher values, as far as float64 goes."""
        odds = self.slope * (values - self.middle)
        # The curve is bent, because beyond 36 it is 1 to the last bit, and the order there would be lost.
        odds = odds / np.sqrt(1 + (odds / _FURTHEST) ** 2)
        return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float64)


def boundary(values: Values, labels: Values, weights: Values, *, assumed: float = 3.0) -> Boundary:
    """Return the curve that fits labels best.

    Args:
        values: shape (m,): the values of records that were read, each without its own label, in deviations of the
            values of those not read.
        labels: shape (m,), 0…1.
        weights: shape (m,): how many records each counts for.
        assumed: how many records each of the two assumptions counts for.
    """
    from sklearn.linear_model import LogisticRegression

    while True:
        at = np.concatenate((values, _ASSUMED_VALUES))
        share = np.concatenate((labels, _ASSUMED_SHARES))
        count = np.concatenate((weights, (assumed, assumed)))
        both, kinds = np.concatenate((at, at))[:, None], np.repeat((1, 0), len(at))
        model = LogisticRegression(C=_WEAK_PENALTY, solver="newton-cholesky")
        model.fit(both, kinds, sample_weight=np.concatenate((count * share, count * (1 - share))))
        slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
        if slope >= _LEAST_SLOPE:
            return Boundary(slope, -offset / slope)
        assumed *= 2  # outweighs labels that contradict the ranking: the order is the ranker's


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """What a support vector machine with squared hinge loss, which learns its offset as a weight, was taught in m rows.

    Attributes:
        rows: shape (m, d), an array or a scipy matrix: their features.
        decided: shape (m,), the values that the machine gives them.
        relevant: shape (m,).
        costs: shape (m,), the C of each.
        places: shape (m,), 0…k-1: rows of the same place are one record, which is left out as a whole.
    """

    rows: Any
    decided: Values
    relevant: NDArray[np.bool_]
    costs: Values
    places: NDArray[np.int64]


def left_out(taught: Taught, others: Any, decided: Values) -> Values:
    """Return the values of the k records that were taught, each by what the rest teaches, shape (k,).

    They are standard ones, about the mean and in the deviation that this rest gives to other records: without a record
    on one side all values move to the other side.

    Args:
        taught: the lesson.
        others: shape (o, d), the features of records that were not read.
        decided: shape (o,), their values.
    """
    from scipy.linalg import cho_factor, cho_solve

    _, first = np.unique(taught.places, return_index=True)
    sides = np.where(taught.relevant, 1.0, -1.0)
    slack = np.maximum(0.0, 1 - sides * taught.decided)
    pull = np.bincount(taught.places, 2 * taught.costs * slack * sides)
    hold = np.bincount(taught.places, 2 * taught.costs * (slack > 0))
    supports = np.flatnonzero(hold)
    found = taught.decided[first]
    means, spreads = np.full(len(found), decided.mean()), np.full(len(found), decided.std())
    if len(supports):
        rows = taught.rows[first[supports]]
        ridge = 1 / hold[supports]
        likeness = _products(rows, rows)
        likeness[np.diag_indices_from(likeness)] += ridge
        inverse = cho_solve(cho_factor(likeness, lower=True), np.eye(len(supports)))
        step = pull[supports] / np.diag(inverse)
        found[supports] -= step * (1 - ridge * np.diag(inverse))
        moved = decided - step[:, None] * (inverse @ _products(rows, others))
        means[supports], spreads[supports] = moved.mean(axis=1), moved.std(axis=1)
    return np.asarray((found - means) / np.where(spreads > _NOTHING, spreads, 1.0), dtype=np.float64)


def _products(some: Any, others: Any) -> Values:
    """Return the products of rows to which a 1 is appended."""
    products = some @ others.T
    return np.asarray(products.toarray() if hasattr(products, "toarray") else products, dtype=np.float64) + 1
