"""How likely it is to see so few hits."""

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
    for probability in probabilities[:, :, None]:
        with_draw = at_most - probability * at_most
        with_draw[:, 1:] += probability * at_most[:, :-1]
        at_most = with_draw
    return at_most[:, hits]
