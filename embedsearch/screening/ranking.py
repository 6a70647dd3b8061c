"""How likely each record is to be relevant, learned from the labels so far.

Three linear support vector machines look at the records: one at their words, one at the words of their titles, one at
their meaning and their places on axes. Words tell apart records on one topic, titles say what a record is mainly about,
and meaning finds what is said in other words. The values of each are scaled to mean 0 and deviation 1 among the records
not read. Their sum ranks, with `RankerSettings.titles` and `RankerSettings.meaning` as weights beside 1 for the words.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.errors import QueryError
from embedsearch.screening.boundary import Taught, boundary, left_out
from embedsearch.screening.features import Features
from embedsearch.vectors import Rows, blocks

Scores = NDArray[np.float64]
Labels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RankerSettings:
    """How a ranker learns.

    The first two settings are what ASReview publishes for its default model (ELAS u4, asreview/models/models.py,
    version 2); the others were chosen on the six open reviews together (docs/simulation.md).

    Attributes:
        word_regularisation: the C of the support vector machine on words.
        word_balance: the weight of the relevant records in it, as a multiple of that of all others together.
        titles: the weight of the words of titles, beside 1 for all words; 0 leaves them out.
        meaning: the weight of meaning and axes, likewise.
        meaning_regularisation: the C of the support vector machine on meaning.
        background: how many records not read are taken as not relevant while learning, drawn anew for each seed; most
            of them are not relevant (Cormack and Grossman, "Autonomy and reliability of continuous active learning",
            2015).
        prior_labels: how many relevant records weigh as much as a prior does.
    """

    word_regularisation: float = 0.11
    word_balance: float = 9.8
    titles: float = 0.2
    meaning: float = 0.5
    meaning_regularisation: float = 10.0
    background: int = 30
    prior_labels: float = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class _Lesson:
    """What a classifier is taught: rows, whether each is relevant, and how much it counts."""

    rows: Rows
    relevant: NDArray[np.bool_]
    counts: NDArray[np.float64]

    def weights(self, balance: float) -> NDArray[np.float64]:
        """Return weights with mean 1 under which relevant rows weigh *balance* times as much as all others."""
        mine, others = self.counts[self.relevant].sum(), self.counts[~self.relevant].sum()
        weights = np.where(self.relevant, self.counts, self.counts * mine / (balance * others))
        return np.asarray(weights * (len(weights) / weights.sum()), dtype=np.float64)


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
            features: the features of n records.
            prior: shape (n,), finite, higher is more likely relevant, in any unit: what is known before the first
                label, such as the cosine to a topic or a coordinate on an axis. It counts less and less as relevant
                records are found.
            settings: how to learn.
            seed: the seed of all that is drawn at random; the same seed, features and labels give the same scores.

        Raises:
            QueryError: the prior has another shape, or a value that is not finite.
        """
        self.features = features
        self.settings = settings or RankerSettings()
        self.seed = seed
        self._prior = None if prior is None else _checked_prior(prior, len(features))
        self._drawn = np.random.default_rng(seed).permutation(len(features))

    def values(self, labels: ArrayLike) -> Scores:
        """Return the values that rank the records, shape (n,), float64, about 0, in deviations of those not read.

        Their order is that of `scores`, which take about twice as long.

        Args:
            labels: as for `scores`.

        Raises:
            QueryError: the shape is wrong, or a label is outside 0…1.
        """
        return self._values(checked_labels(labels, len(self.features)), _NONE)[0]

    def scores(self, labels: ArrayLike) -> Scores:
        """Return a score for each record, shape (n,), float64, 0…1: higher is more likely relevant.

        At .5, relevant and other records meet: among the records read, about as many of either kind would have had that
        score if they had not been read (see `embedsearch.screening.boundary`). While few are read, that place is
        assumed. Records that were read score higher, or lower, than that. If nothing is known, without a prior and
        without a relevant record, all scores are equal.

        Args:
            labels: shape (n,); NaN for a record not read, else 0 (not relevant) to 1 (relevant). A record between them
                counts as both, in these shares.

        Raises:
            QueryError: the shape is wrong, or a label is outside 0…1.
        """
        known = checked_labels(labels, len(self.features))
        judged, weights = self._judged(known)
        values, unaided = self._values(known, judged)
        return boundary(unaided, known[judged], weights).scores(values)

    def _judged(self, known: Labels) -> tuple[Rows, Scores]:
        """Return the records read that show where .5 lies, and how many records each counts for."""
        read = self._drawn[~np.isnan(known[self._drawn])]
        kinds = (read[known[read] >= 0.5], read[known[read] < 0.5])
        judged = np.concatenate([kind[:_MOST_JUDGED] for kind in kinds])
        counts = np.concatenate(
            [np.full(len(kind), max(1.0, len(kind) / _MOST_JUDGED))[:_MOST_JUDGED] for kind in kinds]
        )
        # A relevant record shows how well the others find it: nothing, if it is the only one.
        rest = np.maximum(np.nansum(known) - known[judged], 0.0)
        return judged, np.where(known[judged] >= 0.5, counts * rest / (rest + 1), counts)

    def _values(self, known: Labels, judged: Rows) -> tuple[Scores, Scores]:
        """Return the values of all records, and those of the ones judged without their own labels."""
        lesson, unread = self._lesson(known), np.isnan(known)
        if not lesson.relevant.any() or lesson.relevant.all():
            values, unaided, evidence = np.zeros(len(known)), np.zeros(len(judged)), 0.0
        else:
            (values, unaided), evidence = self._learned(lesson, unread, judged), float(np.nansum(known))
        if self._prior is not None:
            weight = self.settings.prior_labels / (self.settings.prior_labels + evidence)
            prior = weight * _standard(self._prior, unread)
            values, unaided = values + prior, unaided + prior[judged]
        return values, unaided

    def _lesson(self, known: Labels) -> _Lesson:
        read = np.flatnonzero(~np.isnan(known))
        graded, refused = read[known[read] > 0], read[known[read] < 1]
        unread = self._drawn[np.isnan(known[self._drawn])]
        # At most a quarter of a small pile: if all of it were taken as not relevant, nothing would be left to find.
        background = unread[: min(self.settings.background, len(unread) // 4)]
        rows = np.concatenate((graded, refused, background))
        counts = np.concatenate((known[graded], 1 - known[refused], np.ones(len(background))))
        return _Lesson(rows, np.arange(len(rows)) < len(graded), counts)

    def _learned(self, lesson: _Lesson, unread: NDArray[np.bool_], judged: Rows) -> tuple[Scores, Scores]:
        total, unaided = np.zeros(len(unread)), np.zeros(len(judged))
        for share, matrix, regularisation, balance in self._views():
            values = _decided(matrix, lesson, regularisation, balance, seed=self.seed)
            total += share * _standard(values, unread)
            if len(judged):
                costs = regularisation * lesson.weights(balance)
                unaided += share * self._unaided(matrix, values, lesson, costs, unread, judged)
        return total, unaided

    def _views(self) -> Iterator[tuple[float, Any, float, float]]:
        """Yield the weight and the matrix of each view, the C of its support vector machine and its balance."""
        settings = self.settings
        words = (settings.word_regularisation, settings.word_balance)
        yield 1.0, self.features.lexical, *words
        if settings.titles:
            yield settings.titles, self.features.titles, *words
        if settings.meaning:
            yield settings.meaning, self._meaning, settings.meaning_regularisation, 1.0

    def _unaided(
        self, matrix: Any, values: Scores, lesson: _Lesson, costs: Scores, unread: NDArray[np.bool_], judged: Rows
    ) -> Scores:
        """Return the standard values of the records judged, each without its own label."""
        kept = np.flatnonzero(np.isin(lesson.rows, judged) | unread[lesson.rows])
        rows = lesson.rows[kept]
        distinct, places = np.unique(rows, return_inverse=True)
        others = self._drawn[unread[self._drawn]][-_MOST_OTHERS:]  # records in the lesson come first
        others = others if len(others) else distinct
        taught = Taught(matrix[rows], values[rows], lesson.relevant[kept], costs[kept], places)
        return left_out(taught, matrix[others], values[others])[np.searchsorted(distinct, judged)]

    @cached_property
    def _meaning(self) -> _Meaning:
        return _Meaning(self.features)


class _Meaning:
    """A matrix of the vectors about their mean, rows of length 1, and beside them the scaled coordinates.

    It is never made whole: in float64 it would take twice the memory of the vectors.
    """

    def __init__(self, features: Features) -> None:
        self._vectors = features.vectors
        self._mean = features.vectors.mean(axis=0, dtype=np.float64)
        lengths = np.concatenate([np.linalg.norm(block - self._mean, axis=1) for _, block in blocks(features.vectors)])
        self._lengths = np.where(lengths > _NOTHING, lengths, 1.0)
        everywhere = np.ones(len(lengths), dtype=bool)
        columns = () if features.coordinates is None else features.coordinates.T
        # An axis weighs as much as all vectors do in a tenth of their length, so that a handful of axes counts.
        axes = [_AXIS_LENGTH * _standard(column, everywhere) for column in columns]
        self._axes = np.stack(axes, axis=1) if axes else np.empty((len(lengths), 0))

    def __getitem__(self, rows: Rows) -> NDArray[np.float64]:
        centred = (self._vectors[rows] - self._mean) / self._lengths[rows, None]
        return np.hstack([centred, self._axes[rows]])

    def __matmul__(self, weights: NDArray[np.float64]) -> Scores:
        own, of_axes = np.split(weights, [len(self._mean)])
        products = np.concatenate([block @ own for _, block in blocks(self._vectors)])
        return np.asarray((products - self._mean @ own) / self._lengths + self._axes @ of_axes, dtype=np.float64)


# The best fifty of nudging are the same as at 1e-6, in two thirds of the time.
_TOLERANCE = 1e-3
_NOTHING = 1e-6  # the length below which a float32 vector about its mean is rounding
_AXIS_LENGTH = 0.1
# Two numbers are learned from the records judged; more of either kind would hardly change them, and take longer.
_MOST_JUDGED = 500
_MOST_OTHERS = 300  # records not read; the mean and the deviation are computed from so many at most
_NONE = np.zeros(0, dtype=np.int64)


def _decided(matrix: Any, lesson: _Lesson, regularisation: float, balance: float, *, seed: int) -> Scores:
    """Return the signed distances of all rows from the boundary that separates the lesson's, shape (n,)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    model = LinearSVC(C=regularisation, random_state=seed % 2**32, tol=_TOLERANCE)  # it takes 32 bits
    with warnings.catch_warnings():
        # A model that has not converged after a thousand rounds (equal records labelled differently) still ranks.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(matrix[lesson.rows], lesson.relevant, sample_weight=lesson.weights(balance))
    return np.asarray(matrix @ model.coef_[0] + model.intercept_[0], dtype=np.float64)


def _standard(values: Scores, among: NDArray[np.bool_]) -> Scores:
    """Return *values* shifted and scaled to mean 0 and deviation 1 among some; not scaled if these are equal."""
    some = values[among] if among.any() else values
    spread = float(some.std())
    return np.asarray((values - some.mean()) / (spread if spread > _NOTHING else 1.0), dtype=np.float64)


def _checked_prior(prior: ArrayLike, count: int) -> Scores:
    found = np.asarray(prior, dtype=np.float64)
    if found.shape != (count,) or not np.isfinite(found).all():
        raise QueryError(f"a prior must be finite, of shape ({count},), not {found.shape}")
    return found


def checked_labels(labels: ArrayLike, count: int) -> Labels:
    """Return *labels* as a float64 array of shape (count,).

    Raises:
        QueryError: the shape is wrong, or a label is outside 0…1.
    """
    found = np.asarray(labels, dtype=np.float64)
    if found.shape != (count,):
        raise QueryError(f"there are labels of shape {found.shape} for {count} records; NaN is for those not read")
    known = found[~np.isnan(found)]
    if ((known < 0) | (known > 1)).any():
        raise QueryError(f"a label is {known[(known < 0) | (known > 1)][0]:g}; wanted 0 (not relevant) to 1 (relevant)")
    return found
