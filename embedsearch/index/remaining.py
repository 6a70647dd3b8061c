"""What axes leave out: the share of meaning that they hold, and what is nearest if only they are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from embedsearch.axes import ScaledAxis
from embedsearch.axes.scaled import rises
from embedsearch.columns import Schema
from embedsearch.index.embedding import Embedding
from embedsearch.index.searching import Searcher
from embedsearch.mapped import gather
from embedsearch.results import Records
from embedsearch.vectors import Vectors, thinned

_SAMPLE = 20_000  # so many passages stand for the population


@dataclass(frozen=True, slots=True)
class Remainder:
    """How much of a text's meaning some axes hold.

    Attributes:
        text: the phrase.
        share: the share of the squared length of its vector, taken from the mean of the index, that lies in the
            plane (or space) of the axes' directions, 0…1.
        population: the same share of the variance of the index's passages.
        nearest: the nearest texts by their coordinates alone.
        whole: the nearest texts by the whole vector.
    """

    text: str
    share: float
    population: float
    nearest: tuple[str, ...]
    whole: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        record = asdict(self)
        return record | {"nearest": list(self.nearest), "whole": list(self.whole)}


class Remainders(Records[Remainder]):
    """How much of the meaning of phrases some axes hold: one `Remainder` for each phrase, in their order."""

    def _schema(self) -> Schema:
        return {"text": "text", "share": "number", "population": "number", "nearest": "texts", "whole": "texts"}


def shares_held(axes: Sequence[ScaledAxis], vectors: Vectors, sample: Vectors) -> tuple[list[float], float]:
    """Return the share of each vector's distance from the mean that axes hold, and that of the population's variance.

    Shares are of squared lengths, so that the shares of two axes at right angles add up (Pythagoras).

    Args:
        axes: at least one. A curve or a formula counts with the direction in which it rises; one that rises in no
            direction does not count.
        vectors: shape (n, d).
        sample: vectors of the population, shape (m, d), m at least 1.
    """
    _, lengths, basis = np.linalg.svd(rises(axes), full_matrices=False)
    basis = basis[lengths > 1e-6]
    center = sample.mean(axis=0, dtype=np.float64)

    def squares(rows: Vectors) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        offsets = rows.astype(np.float64) - center
        return ((offsets @ basis.T) ** 2).sum(axis=1), (offsets**2).sum(axis=1)

    held, whole = squares(vectors)
    held_all, whole_all = squares(sample)
    total = float(whole_all.sum())
    shares = [float(part / length) if length > 0 else 0.0 for part, length in zip(held, whole, strict=True)]
    return shares, float(held_all.sum()) / total if total > 0 else 0.0


class Explainer:
    """Computes what the axes of one index hold of a phrase, and what they leave out."""

    def __init__(self, embedding: Embedding, searcher: Searcher) -> None:
        """Read nothing yet."""
        self._embedding = embedding
        self._searcher = searcher

    def explain(self, texts: Sequence[str], axes: Mapping[str, ScaledAxis], k: int) -> Remainders:
        """Return one remainder for each phrase, with *k* nearest texts of either kind."""
        vectors = self._embedding.vectors_of(list(texts))
        everything, live = self._searcher.vectors(None)
        sample = gather(everything, thinned(live, _SAMPLE))
        shares, population = shares_held(list(axes.values()), vectors, sample)
        found = []
        for text, vector, share in zip(texts, vectors, shares, strict=True):
            point = {name: float(axis.coordinates(vector)[0]) for name, axis in axes.items()}
            known = self._searcher.nearest_point(point, axes, k, None, [text])
            whole = self._searcher.nearest_but(vector, k, None, [text])
            nearest = [tuple(hit.text for hit in hits) for hits in (known, whole)]
            found.append(Remainder(text, share, population, *nearest))
        return Remainders(found)
