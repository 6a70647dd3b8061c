"""How likely each record is to be relevant, learned from the labels so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.errors import QueryError
from embedsearch.screening.features import Features

Scores = NDArray[np.float64]
Labels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RankerSettings:
    """How a ranker learns.

    Attributes:
        regularisation: the C of the linear support vector machine.
        balance: the weight of all relevant records together, as a multiple of that of all others together.
    """

    regularisation: float = 0.11
    balance: float = 9.8


class Ranker:
    """Scores records by the labels of some of them."""

    def __init__(
        self,
        features: Features,
        *,
        prior: ArrayLike | None = None,
        settings: RankerSettings | None = None,
        seed: int = 0,
    ) -> None:
        """Prepare to rank.

        Args:
            features: of n records.
            prior: shape (n,), finite, higher is more likely relevant, in any unit: what is known before the first
                label, such as the cosine to a topic or a coordinate on an axis. It counts less and less as
                labels come in.
            settings: how to learn.
            seed: of all that is drawn at random; the same seed, features and labels give the same scores.

        Raises:
            QueryError: the prior has another shape, or a value that is not finite.
        """
        self.features = features
        self.settings = settings or RankerSettings()
        self.seed = seed
        self._prior = None if prior is None else _checked_prior(prior, len(features))

    def scores(self, labels: ArrayLike) -> Scores:
        """Return a score for each record, shape (n,), float64, 0…1: higher is more likely relevant.

        Without a prior and without a relevant record nothing is known, and all scores are equal.

        Args:
            labels: shape (n,); NaN for a record not read, else 0 (not relevant) to 1 (relevant).

        Raises:
            QueryError: wrong shape, or a label outside 0…1.
        """
        known = checked_labels(labels, len(self.features))
        read = np.flatnonzero(~np.isnan(known))
        relevant = known[read] >= 0.5
        if not relevant.any() or relevant.all():
            return self._without_contrast(read[relevant])
        from sklearn.svm import LinearSVC

        weight = self.settings.balance * (~relevant).sum() / relevant.sum()
        model = LinearSVC(C=self.settings.regularisation, class_weight={1: weight}, random_state=self.seed)
        model.fit(self.features.lexical[read], relevant.astype(int))
        return squashed(model.decision_function(self.features.lexical))

    def _without_contrast(self, relevant: NDArray[np.int64]) -> Scores:
        if len(relevant):
            vectors = self.features.vectors
            return squashed(vectors @ vectors[relevant].mean(axis=0))
        return np.full(len(self.features), 0.5) if self._prior is None else squashed(self._prior)


def squashed(values: ArrayLike) -> Scores:
    """Return ``1 / (1 + exp(-x))`` of *values* after division by their standard deviation, where it is not 0."""
    given = np.asarray(values, dtype=np.float64)
    spread = given.std()
    return np.asarray(1 / (1 + np.exp(-(given - given.mean()) / (spread or 1.0))))


def _checked_prior(prior: ArrayLike, count: int) -> Scores:
    found = np.asarray(prior, dtype=np.float64)
    if found.shape != (count,) or not np.isfinite(found).all():
        raise QueryError(f"a prior must be finite, of shape ({count},), not {found.shape}")
    return found


def checked_labels(labels: ArrayLike, count: int) -> Labels:
    """Return *labels* as a float64 array of shape (count,).

    Raises:
        QueryError: wrong shape, or a label outside 0…1.
    """
    found = np.asarray(labels, dtype=np.float64)
    if found.shape != (count,):
        raise QueryError(f"there are labels of shape {found.shape} for {count} records; NaN is for those not read")
    known = found[~np.isnan(found)]
    if ((known < 0) | (known > 1)).any():
        raise QueryError(f"a label is {known[(known < 0) | (known > 1)][0]:g}; wanted 0 (not relevant) to 1 (relevant)")
    return found
