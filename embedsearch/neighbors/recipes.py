"""Which type of faiss index suits how many vectors of what length."""

from __future__ import annotations

import numpy as np

FLAT_VALUES = 20_000 * 384  # up to here every row is compared in about 2 ms, and there is nothing to build
IVF_ROWS = 300_000  # beyond, even a scan of 4-bit codes takes longer than probing some of the lists
_FEWEST_PQ_DIMENSIONS = 32  # below, 4 bits for two dimensions keep too little, and whole vectors are small


def recipe(rows: int, dimension: int) -> str:
    """Return the faiss factory string for an index of so many rows.

    ``Flat`` compares every row. ``PQ{d/2}x4fs`` keeps 4 bits for every two dimensions and scans them with SIMD
    instructions. ``IVF{lists}`` puts rows into lists about centroids, of which a search visits the nearest. Short
    vectors are kept whole in their lists, and those of odd length with one byte a dimension.
    """
    if rows * dimension <= FLAT_VALUES:
        return "Flat"
    if dimension < _FEWEST_PQ_DIMENSIONS:
        return f"IVF{lists(rows)},Flat"
    if dimension % 2:
        return f"IVF{lists(rows)},SQ8"
    codes = f"PQ{dimension // 2}x4fs"
    return codes if rows <= IVF_ROWS else f"IVF{lists(rows)},{codes}"


def lists(rows: int) -> int:
    """Return how many inverted lists suit so many rows: the power of two at or below their square root, twice."""
    return 2 << int(np.log2(np.sqrt(rows)))
