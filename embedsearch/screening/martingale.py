"""Evidence against a supposed number of missed records, gathered record by record: a test martingale.

If K relevant records were unread now, the probability that each record read was relevant would be known. Whoever bets
at these odds that fewer will be relevant multiplies the stake by 20 with a probability of at most 1/20, at whatever
moment, and however often, one looks (Ville's inequality; Shafer et al., "Test martingales, Bayes factors and p-values",
Statistical Science 26(1), 2011; for draws without replacement Waudby-Smith and Ramdas, "Confidence sequences for
sampling without replacement", 2020). So the inverse of the capital is a p-value that holds at every moment.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Logarithms = NDArray[np.float64]

# How many times as likely as supposed a bet takes relevant records to be: one bet that nothing more is to be found, one
# that less is. The stakes are divided equally between the two.
RATES = (0.02, 0.4)
_NEARLY_SURE = 1 - 1e-12


class Capital(NamedTuple):
    """What bets that begin with 1 have come to, as logarithms, for each of g suppositions.

    Attributes:
        together: shape (g,): all bets together, those that begin with each record and those that have not begun.
        best: shape (g,), at least 0: the best bet. This is not a p-value, because the bet was chosen by its result.
    """

    together: Logarithms
    best: Logarithms


def capital(relevant: NDArray[np.bool_], unread: NDArray[np.int64], there: NDArray[np.int64], bias: float) -> Capital:
    """Return the capital of bets that hits are rarer than supposed, one beginning with each record.

    With u records unread, r of them relevant, the next is supposed to be a relevant one with probability
    ``p = bias·r / (bias·r + u - r)`` or more; a bet takes it to be ``rate·p``, and is multiplied by ``rate`` at each
    hit and by ``(1 - rate·p) / (1 - p)`` otherwise. Its stake is in proportion to what was unread when it began.

    Args:
        relevant: shape (m,), in the order of reading.
        unread: shape (m,): how many records were unread before each.
        there: shape (m, g): how many relevant ones among them, under each supposition.
        bias: at least 1.
    """
    read, suppositions = there.shape
    if not read:
        return Capital(np.zeros(suppositions), np.zeros(suppositions))
    others = np.maximum(unread[:, None] - there, 0)
    hit = np.minimum(bias * there / np.maximum(bias * there + others, 1), _NEARLY_SURE)
    records = max(int(unread[0]), read)
    stakes = np.log(2 / (records * (records + 1)) * (records - np.arange(read)) / len(RATES))[:, None]
    waiting = (records - read) * (records - read + 1) / (records * (records + 1))
    together = [np.full((1, suppositions), np.log(waiting) if waiting else -np.inf)]
    best = np.zeros(suppositions)
    for rate in RATES:
        gains = np.where(relevant[:, None], np.log(rate), np.log1p(-rate * hit) - np.log1p(-hit))
        since = np.cumsum(gains[::-1], axis=0)[::-1]
        together.append(np.logaddexp.reduce(since + stakes, axis=0, keepdims=True))
        best = np.maximum(best, since.max(axis=0))
    return Capital(np.logaddexp.reduce(np.concatenate(together), axis=0), best)
