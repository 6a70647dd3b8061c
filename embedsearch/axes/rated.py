"""When two ratings are of one text, and which of them counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedsearch.vectors import Vectors

_SAME = 1 - 1e-6  # vectors with a cosine above this are the same but for rounding
_BLOCK = 1024


def folded(text: str) -> str:
    """Return a text without what comparing ignores: letter case, and all white space but one space between words."""
    return " ".join(text.casefold().split())


def observations(
    texts: Sequence[str], vectors: Vectors, values: NDArray[np.float64], documents: int
) -> tuple[Vectors, NDArray[np.float64]]:
    """Return what was rated, each text once: a copy that stays when the other is left out would give it away.

    Two ratings are of one text if the text is the same, letter case and white space aside, or if the vectors are. The
    text has the vector of the first. A document's rating goes before a phrase's; of several documents, or several
    phrases, the mean counts.

    Args:
        texts: n texts, those of documents first.
        vectors: unit rows, shape (n, d).
        values: the ratings, shape (n,).
        documents: how many of the texts are those of documents.

    Returns:
        The vectors, shape (m, d), and the ratings, shape (m,), in the order of the first occurrence of each text.
    """
    first = _first_of_all(_first_said(texts), _first_alike(vectors))
    places = np.arange(len(texts))
    counted = (places < documents) | (first >= documents)
    sums = np.bincount(first[counted], values[counted], minlength=len(texts))
    counts = np.bincount(first[counted], minlength=len(texts))
    kept = np.flatnonzero(first == places)
    return vectors[kept], sums[kept] / counts[kept]


def _first_of_all(*partitions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row the place of the first row that it is the same as, directly or through others.

    Args:
        partitions: several ways of being the same, each of shape (n,): equal numbers, 0…n-1, for rows that are the
            same.
    """
    first, before = np.arange(len(partitions[0])), np.array([], dtype=np.int64)
    while not np.array_equal(first, before):
        before = first
        for partition in partitions:
            lowest = np.full(len(first), len(first))
            np.minimum.at(lowest, partition, first)
            first = lowest[partition]
    return first


def _first_said(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return the place at which each text first occurs, shape (n,)."""
    places: dict[str, int] = {}
    return np.array([places.setdefault(folded(text), place) for place, text in enumerate(texts)], dtype=np.int64)


def _first_alike(vectors: Vectors) -> NDArray[np.int64]:
    """Return the place of the first row that equals each row, shape (n,)."""
    first = np.arange(len(vectors))
    for start in range(0, len(vectors), _BLOCK):
        part = slice(start, start + _BLOCK)
        alike = vectors[part] @ vectors[: start + _BLOCK].T > _SAME
        np.fill_diagonal(alike[:, start:], val=True)  # whatever the rounding
        first[part] = alike.argmax(axis=1)
    return first
