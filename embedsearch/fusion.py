"""One ranking from two: cosines and BM25 scores, each divided by its best, added with weights.

    fused = w · cosine / best cosine  +  (1 - w) · BM25 / best BM25

This is the convex combination of Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval"
(ACM TOIS 42(1), 2023), with 0 as the least score of both. The best of each is taken over all passages that may
be answers. A fused score therefore depends on the passage and the query alone, not on how many candidates were looked
at, so that the first k can be known to be exact: see `ceiling`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# On Cranfield and CISI every weight from .5 to .8 does better than either parent alone (docs/search.md).
DENSE_WEIGHT = 0.6

# FTS5 gives a word that more than half of the passages have an inverse document frequency of 1e-6. Where no better
# word matches, words tell nothing, and dividing by the best would make much of that.
_TELLING_BM25 = 1e-3


def combine(
    cosines: ArrayLike, lexical: ArrayLike, *, best_cosine: float, best_lexical: float, weight: float = DENSE_WEIGHT
) -> NDArray[np.float64]:
    """Return the fused scores of n passages, shape (n,): at most 1, higher is better.

    Args:
        cosines: shape (n,), -1…1.
        lexical: BM25 scores, shape (n,); 0 for a passage without any of the words.
        best_cosine: the highest cosine of all passages that may be answers, not only of these n.
        best_lexical: the highest BM25 score likewise.
        weight: of the cosines, 0…1.
    """
    words = (1 - weight) * _scaled(lexical, best_lexical) if best_lexical >= _TELLING_BM25 else 0.0
    return weight * _scaled(cosines, best_cosine) + words


def ceiling(
    last_cosine: float, last_lexical: float, *, best_cosine: float, best_lexical: float, weight: float = DENSE_WEIGHT
) -> float:
    """Return an upper bound for passages outside two ranked lists (the threshold of Fagin, Lotem and Naor, 2003).

    Args:
        last_cosine: the lowest cosine in the list of candidates by cosine.
        last_lexical: the lowest BM25 score in the list of candidates by BM25; 0 if all that match are in it.
        best_cosine: as for `combine`.
        best_lexical: as for `combine`.
        weight: as for `combine`.
    """
    scores = combine([last_cosine], [last_lexical], best_cosine=best_cosine, best_lexical=best_lexical, weight=weight)
    return float(scores[0])


def _scaled(scores: ArrayLike, best: float) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    # Where even the best is not above 0, a division would turn the order round.
    return values / best if best > 0 else values
