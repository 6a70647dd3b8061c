"""Poles extended by the passages of an index: a direction drawn towards what lies at its own ends."""

from __future__ import annotations

import numpy as np

from embedsearch.errors import AxisError
from embedsearch.vectors import Vectors, project, unit

# Chosen on 13 tasks over the open sets at once (docs/axes.md); a fifth or a tenth at either end did less.
SHARE = 3
WEIGHT = 0.6
FEWEST_PASSAGES = 30  # of fewer passages a third is a handful


def extended(direction: Vectors, vectors: Vectors, *, name: str) -> Vectors:
    """Return ``unit(direction + 0.6·unit(mean of the highest third - mean of the lowest third))``, shape (d,).

    Which passages lie at the ends is read off the poles. Where those passages differ in more than the poles'
    words say, the direction learns it. No rating is used. It is one step of self-training (Scudder,
    "Probability of error of some adaptive pattern-recognition machines", IEEE Transactions on Information
    Theory 11, 1965), and the weight keeps it close to the poles.

    Args:
        direction: unit, from the low to the high pole, shape (d,).
        vectors: the vectors of the passages, shape (n, d).
        name: the name of the axis, for messages.

    Raises:
        AxisError: there are fewer than 30 passages.
    """
    if len(vectors) < FEWEST_PASSAGES:
        raise AxisError(f"axis {name!r}: 'extend' needs at least {FEWEST_PASSAGES} passages; there are {len(vectors)}")
    order = np.argsort(project(vectors, direction)[:, 0], kind="stable")
    third = len(order) // SHARE
    high = vectors[np.sort(order[-third:])].mean(axis=0, dtype=np.float64)
    low = vectors[np.sort(order[:third])].mean(axis=0, dtype=np.float64)
    return unit(direction + WEIGHT * unit(high - low, error=AxisError), error=AxisError)
