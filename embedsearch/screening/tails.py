"""How likely so few hits would be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]
Counts = NDArray[np.int64]


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


def _before(at_most: Probabilities, hit: Probabilities) -> Probabilities:
    """Return the probabilities of at most 0, 1, … hits with one more draw in front."""
    with_draw = at_most - hit * at_most
    with_draw[:, 1:] += hit[:, 1:] * at_most[:, :-1]
    return with_draw
