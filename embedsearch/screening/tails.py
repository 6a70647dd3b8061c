"""How likely so few hits would be: tails of draws without replacement, exact or, where that is too slow, too high."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]
Counts = NDArray[np.int64]

# What bounds the work for a long reading. Beyond either, a tail is rounded up, which makes a bound larger, never lower.
_MOST_STEPS = 1_024
_MOST_HITS = 64


def binomial_tail(probabilities: Probabilities, hits: int) -> Probabilities:
    """Return the probabilities that independent events happen at most *hits* times (Poisson's binomial), shape (g,).

    Args:
        probabilities: shape (m, g), 0…1: of m events, under g suppositions.
        hits: at least 0.
    """
    at_most = np.ones((probabilities.shape[1], hits + 1))
    for probability in probabilities:
        at_most = _before(at_most, np.broadcast_to(probability[:, None], at_most.shape))
    return at_most[:, hits]


def least_tail(
    relevant: NDArray[np.bool_],
    records: int,
    missed: Counts,
    bias: float,
    *,
    left: Counts | None = None,
    beside: Counts | None = None,
) -> Probabilities:
    """Return the least probability, over all windows that end now, of so few hits in the window, shape (g,).

    A window begins anywhere in the reading. With *missed* + its hits relevant records unread at its begin, draws
    follow one by one, each a relevant record with probability ``bias·r / (bias·r + u - r)`` where u records, r of
    them relevant, are unread: Wallenius' noncentral hypergeometric distribution; the hypergeometric one for bias 1.

    Going back from now, ``at_most[:, j]`` is the probability of at most j hits from there on, with missed + j
    relevant records unread; one pass serves all windows.

    Args:
        relevant: shape (m,), bool, in the order of reading.
        records: how many there are, read or not.
        missed: g suppositions of how many relevant ones are unread now, each at most ``records - m``.
        bias: at least 1.
        left: shape (m,): how many records were unread before each, where that is not what *records* says.
        beside: shape (m,), never rising: how many more relevant ones are known to have been unread then.
    """
    read = len(relevant)
    unread = records - np.arange(read) if left is None else left
    more = np.zeros(read, dtype=np.int64) if beside is None else beside
    step = math.ceil(read / _MOST_STEPS) or 1
    hits = int(relevant.sum()) - np.concatenate(([0], np.cumsum(relevant)))  # from each position on
    unseen = missed[:, None] + np.arange(min(hits[0], _MOST_HITS) + 1)
    at_most, least = np.ones(unseen.shape), np.ones(len(missed))
    for start in range(read - step, -1, -step):
        there = unseen + more[start + step - 1]
        others = np.maximum(unread[start] - there, 0)
        hit = bias * there / np.maximum(bias * there + others, 1)
        # Of several draws, one hit at most is counted: fewer than there would be, so that the tail is not too low.
        at_most = _before(at_most, hit if step == 1 else 1 - (1 - hit) ** step)
        if hits[start] < unseen.shape[1]:
            least = np.minimum(least, at_most[:, hits[start]])
    return least


def _before(at_most: Probabilities, hit: Probabilities) -> Probabilities:
    """Return the probabilities of at most 0, 1, … hits with one more draw in front."""
    with_draw = at_most - hit * at_most
    with_draw[:, 1:] += hit[:, 1:] * at_most[:, :-1]
    return with_draw
