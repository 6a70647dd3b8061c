"""Fitting layouts to vectors, with UMAP and PCA, and placing new vectors among those that are laid out."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.components import principal_components
from embedsearch.errors import EmbedSearchError
from embedsearch.neighbors import nearest_exact_many
from embedsearch.vectors import Vectors, project

Points = NDArray[np.float32]
FEWEST = 10  # texts; fewer have no neighbourhoods that UMAP could keep
_NEIGHBORS = 15
_PLACED_BY = 5
_APART = 0.1


def require_umap() -> None:
    """Find out, without importing it, whether UMAP can be computed.

    Raises:
        EmbedSearchError: umap-learn is not installed.
    """
    if find_spec("umap") is None:
        raise EmbedSearchError(
            'umap-learn is not installed; a layout by UMAP needs it: pip install "embedsearch[map]" '
            "(--layout pca does without)"
        )


def fit_umap(vectors: Vectors, seed: int) -> Points:
    """Return a layout in which texts near in meaning are near; distances between groups mean little.

    Args:
        vectors: unit rows, at least `FEWEST`, no two the same; shape (n, d).
        seed: the same seed gives the same layout on the same machine.

    Returns:
        float32 of shape (n, 2).

    Raises:
        EmbedSearchError: umap-learn is not installed.
    """
    require_umap()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it names libraries that it could use and we do not
        from umap import UMAP

        # With a seed it computes in one thread; said here, since it warns where it finds that out by itself.
        umap = UMAP(
            n_components=2, metric="cosine", n_neighbors=min(_NEIGHBORS, len(vectors) - 1), min_dist=_APART,
            random_state=seed, n_jobs=1,
        )  # fmt: skip
        points: Points = np.asarray(umap.fit_transform(vectors), dtype=np.float32)
    points -= points.mean(axis=0)
    return points


def fit_pca(vectors: Vectors) -> tuple[Vectors, Vectors]:
    """Return the mean, shape (d,), and the two directions of greatest variance, shape (2, d); zeros if there is none.

    Args:
        vectors: shape (n, d).
    """
    mean, directions, _ = principal_components(vectors, 2)
    padded = np.zeros((2, vectors.shape[1]), dtype=np.float32)
    padded[: len(directions)] = directions
    return mean.astype(np.float32), padded


def project_pca(vectors: Vectors, mean: Vectors, directions: Vectors) -> Points:
    """Return where vectors lie on components, shape (n, 2)."""
    return project(vectors, directions) - project(mean[None], directions)


def place_among(vectors: Vectors, anchors: Vectors, points: Points) -> tuple[Points, NDArray[np.float32]]:
    """Place vectors in a layout that stays as it is: each at the weighted mean of its nearest neighbours' points.

    The weight of a neighbour is how much nearer it is than the first neighbour that is no longer counted.

    Args:
        vectors: the vectors to place, shape (m, d).
        anchors: the vectors that are laid out, shape (n, d), n at least 1.
        points: where *anchors* lie, shape (n, 2).

    Returns:
        Points, shape (m, 2), and for each the mean cosine to the neighbours that it was placed by, shape (m,).
    """
    placed = np.empty((len(vectors), 2), dtype=np.float32)
    nearness = np.empty(len(vectors), dtype=np.float32)
    for place, (rows, cosines) in enumerate(nearest_exact_many(anchors, vectors, _PLACED_BY + 1)):
        weights = np.maximum(cosines - (cosines[-1] if len(rows) > _PLACED_BY else -1), 0)[:_PLACED_BY].astype(float)
        weights = weights if weights.sum() > 0 else np.ones(len(weights))
        placed[place] = np.average(points[rows[:_PLACED_BY]], axis=0, weights=weights)
        nearness[place] = cosines[:_PLACED_BY].mean()
    return placed, nearness
