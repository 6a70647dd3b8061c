"""How far a layout can be trusted: whether texts that are near on it are near in meaning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embedsearch.maps.fitting import Points
from embedsearch.vectors import Vectors

NEIGHBORS = 10
MOST = 2_000  # the ranks of n texts among one another take n² numbers


def trust(vectors: Vectors, points: Points, k: int = NEIGHBORS) -> NDArray[np.float64]:
    """Return, for each text, how far its nearest texts on the layout are its nearest in meaning; 1 if all are.

    The mean over all texts is the trustworthiness of Venna and Kaski, "Neighborhood preservation in nonlinear
    projection methods: an experimental study" (ICANN 2001), equation 1. A text is penalised for each of its k nearest
    on the layout by how far behind the k nearest in meaning that one comes.

    Args:
        vectors: unit rows, shape (n, d).
        points: where they lie, shape (n, 2).
        k: how many neighbours; fewer than n / 2 are used if n is small.

    Returns:
        float64 of shape (n,); ones if there are fewer than 4 texts.
    """
    count = len(vectors)
    k = min(k, (count - 1) // 2)
    if k < 1:
        return np.ones(count)
    ranks = _ranks(1 - vectors.astype(np.float64) @ vectors.T.astype(np.float64))
    flat = points.astype(np.float64)
    near = np.argsort(_without_self(((flat[:, None] - flat[None]) ** 2).sum(axis=2)), axis=1, kind="stable")[:, :k]
    behind = np.maximum(np.take_along_axis(ranks, near, axis=1) - k, 0).sum(axis=1)
    charged: NDArray[np.float64] = 1 - behind * 2 / (k * (2 * count - 3 * k - 1))
    return charged


def _without_self(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    np.fill_diagonal(distances, np.inf)
    return distances


def _ranks(distances: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each text which nearest the others are, 1 for the nearest; shape (n, n)."""
    order = np.argsort(_without_self(distances), axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, len(order) + 1)[None], axis=1)
    return ranks
