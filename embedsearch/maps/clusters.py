"""Regions of a layout, named by words that their texts have and others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from embedsearch.maps.fitting import Points
from embedsearch.terms import characteristic, find_terms, first_unlike

_FEWEST, _MOST = 3, 16  # regions
_FEW = 20  # passages; fewer are read sooner than named
_TERMS = 3
_OFTEN = 2  # passages of a region that a term must occur in


@dataclass(frozen=True, slots=True)
class Cluster:
    """A region of a layout.

    Attributes:
        name: its most characteristic words.
        at: its middle, x and y.
        count: how many passages it has.
    """

    name: str
    at: tuple[float, float]
    count: int


def find_clusters(points: Points, texts: Sequence[str]) -> list[Cluster]:
    """Divide a layout into regions and name them; largest first.

    The regions are those of k-means: each passage is in one. HDBSCAN was tried. It left half of the passages of the
    demo without a region, and all passages of a PCA.

    Args:
        points: shape (n, 2).
        texts: the texts of the n passages.
    """
    if len(points) < _FEW or not (points != points[0]).any():
        return []
    from sklearn.cluster import KMeans

    regions = int(np.clip(round(len(points) ** 0.5 / 2.6), _FEWEST, _MOST))
    labels = KMeans(min(regions, len(np.unique(points, axis=0))), n_init=3, random_state=0).fit_predict(points)
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    groups.sort(key=lambda group: (-len(group), group[0]))
    names = _names([[texts[place] for place in group.tolist()] for group in groups])
    middles = [np.median(points[group], axis=0).tolist() for group in groups]
    found = zip(names, middles, groups, strict=True)
    return [Cluster(name, (x, y), len(group)) for name, (x, y), group in found if name]


def _names(groups: Sequence[Sequence[str]]) -> list[str]:
    """Return for each group of texts its most characteristic words or pairs of words; empty if there are none."""
    terms = find_terms([text for group in groups for text in group], pairs=True)
    if terms is None:
        return [""] * len(groups)
    ends = np.cumsum([0, *(len(group) for group in groups)])
    counts = [terms.counts(slice(start, end)) for start, end in pairwise(ends.tolist())]
    weights = characteristic(np.stack(counts), np.diff(ends))
    return [_name(terms.names, row, own) for row, own in zip(weights, counts, strict=True)]


def _name(terms: Sequence[str], weights: NDArray[np.float64], counts: NDArray[np.int64]) -> str:
    often = counts >= min(_OFTEN, counts.max())
    return ", ".join(terms[place] for place in first_unlike(terms, np.where(often, weights, 0), _TERMS))
