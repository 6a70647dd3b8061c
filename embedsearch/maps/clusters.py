"""Regions of a layout, named by what their texts say and others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from embedsearch.maps.fitting import Points

_FEWEST, _MOST = 3, 16  # regions
_FEW = 20  # passages; fewer are read sooner than named
_TERMS = 3
_OFTEN = 2  # passages of a region that a term must occur in
_PRIOR = 0.5  # passages, spread over all terms as they are spread over the whole
_LOOKED_AT = 200
_WORDS = r"(?u)\b[^\W\d_]{3,}\b"


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

    The regions are those of k-means: each passage is in one. HDBSCAN was tried, and left half of the passages of the
    demo without a region, and those of a PCA without any.

    Args:
        points: shape (n, 2).
        texts: of the n passages.
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
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(ngram_range=(1, 2), stop_words="english", binary=True, token_pattern=_WORDS)
    try:
        found = vectorizer.fit_transform([text for group in groups for text in group])
    except ValueError:  # no text has a word in it
        return [""] * len(groups)
    ends = np.cumsum([0, *(len(group) for group in groups)])
    counts = np.stack([np.asarray(found[start:end].sum(axis=0)).ravel() for start, end in pairwise(ends.tolist())])
    weights = characteristic(counts, np.diff(ends))
    terms = vectorizer.get_feature_names_out().tolist()
    return [", ".join(_first_unlike(terms, row, own)) for row, own in zip(weights, counts, strict=True)]


def characteristic(counts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how characteristic terms are of groups: the log-odds ratio to all others, in standard errors.

    It is equation 22 of Monroe, Colaresi and Quinn, "Fightin' Words" (Political Analysis 2008), with a prior as the
    terms are spread over all groups. On the demo it read better than class-based TF-IDF, which prefers words that are
    frequent everywhere.

    Args:
        counts: texts of each of g groups that have each of t terms, each term in at least one; shape (g, t).
        sizes: texts of each group, shape (g,).

    Returns:
        Shape (g, t), higher is more characteristic.
    """
    total = sizes.sum()
    everywhere = counts.sum(axis=0)
    prior = _PRIOR * everywhere / total
    inside, outside = counts + prior, everywhere - counts + prior
    without, without_outside = sizes[:, None] + _PRIOR - inside, (total - sizes)[:, None] + _PRIOR - outside
    # A term of all texts has all of the prior, and nothing is left of those without it.
    odds = np.log(inside / np.maximum(without, 1e-3)) - np.log(outside / np.maximum(without_outside, 1e-3))
    weights: NDArray[np.float64] = odds / np.sqrt(1 / inside + 1 / outside)
    return weights


def _first_unlike(terms: Sequence[str], weights: NDArray[np.float64], counts: NDArray[np.int64]) -> list[str]:
    """Return the heaviest terms that occur often enough, and share no word with one before them."""
    chosen: list[str] = []
    taken: set[str] = set()
    often = np.flatnonzero((counts >= min(_OFTEN, counts.max())) & (weights > 0))
    for place in often[np.argsort(-weights[often], kind="stable")][:_LOOKED_AT].tolist():
        words = {word.removesuffix("s") for word in terms[place].split()}
        if words & taken:
            continue
        taken |= words
        chosen.append(terms[place])
        if len(chosen) == _TERMS:
            break
    return chosen
