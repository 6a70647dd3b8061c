"""Principal components of vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embedsearch.vectors import Vectors, blocks


def principal_components(
    vectors: Vectors, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean, the directions of greatest variance, and the standard deviation along each.

    The covariance is summed block by block, so that a memory-mapped array is never held whole. The sign of a
    direction is mathematically arbitrary; here its largest entry is positive, so that a run can be repeated.

    Args:
        vectors: shape (n, d).
        count: the most components; you get fewer if the vectors have fewer.

    Returns:
        The mean, shape (d,); unit directions, shape (m, d), largest variance first; deviations, shape (m,), above 0.
    """
    dimension = vectors.shape[1]
    total, squares = np.zeros(dimension), np.zeros((dimension, dimension))
    for _, block in blocks(vectors):
        wide = block.astype(np.float64)
        total += wide.sum(axis=0)
        squares += wide.T @ wide
    center = total / max(1, len(vectors))
    values, directions = np.linalg.eigh(squares / max(1, len(vectors)) - np.outer(center, center))
    order = np.argsort(-values)[:count]
    order = order[values[order] > 1e-12]
    found = directions[:, order].T
    signs = np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])
    return center, found * signs[:, None], np.sqrt(values[order])
