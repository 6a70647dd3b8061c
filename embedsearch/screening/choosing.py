"""Choosing which record to read next."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from embedsearch.index.arguments import one_of
from embedsearch.screening.ranking import Labels, Scores, checked_labels
from embedsearch.vectors import Rows

Choice = Literal["likely", "uncertain", "random", "mixed"]
CHOICES: tuple[Choice, ...] = get_args(Choice)

_MIXED_RANDOM = 0.05  # the share of records that "mixed" draws at random


def choose(
    scores: ArrayLike, labels: ArrayLike, *, by: str = "likely", count: int = 1, seed: int = 0
) -> tuple[Rows, bool]:
    """Return the records to read next, and whether they were drawn at random.

    Args:
        scores: shape (n,), from `Ranker.scores`.
        labels: shape (n,); NaN for a record not read.
        by: ``likely`` takes the highest score; ``uncertain`` the score nearest to .5, from either side; ``random`` any
            record, each as likely; ``mixed`` is ``likely``, except that one draw in twenty is ``random`` (the seed
            decides which).
        count: how many; fewer if fewer are left.
        seed: the seed of what is drawn at random. Give the same one throughout a review: how many records have been
            read is mixed into it.

    Returns:
        Rows of records not read, int64, the first to read first. Records with equal scores come in an order that the
        seed decides.

    Raises:
        QueryError: *by* is none of these, or shapes differ.
    """
    one_of("way to choose records called", by, CHOICES)
    given = np.asarray(scores, dtype=np.float64)
    known = checked_labels(labels, len(given))
    read = int((~np.isnan(known)).sum())
    draws = np.random.default_rng((seed, read))
    at_random = by == "random" or (by == "mixed" and bool(draws.random() < _MIXED_RANDOM))
    if at_random:
        return draws.permutation(np.flatnonzero(np.isnan(known)))[:count], True
    ranked = order(-np.abs(given - 0.5) if by == "uncertain" else given, known, seed=seed)
    return ranked[:count], False


def order(scores: Scores, labels: Labels, *, seed: int = 0) -> Rows:
    """Return the rows of records not read, highest score first, int64; the seed decides the order of equal scores."""
    ties = np.random.default_rng(seed).permutation(len(scores))
    unread = np.flatnonzero(np.isnan(labels))
    return unread[np.lexsort((ties[unread], -scores[unread]))].astype(np.int64)
