"""Nearest passages: in meaning, to a sum of meanings, to a point on axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes import ScaledAxis
from embedsearch.errors import QueryError
from embedsearch.expressions import Expression
from embedsearch.index.embedding import Embedding
from embedsearch.neighbors import FLAT_ROWS, Neighbors, build
from embedsearch.results import Calculation, Hit, Hits, Placement, Placements
from embedsearch.store import Store, StoredPassage
from embedsearch.vectors import Rows, Vectors, project, top, unit

_STALE_SHARE = 10  # the faiss file is built anew when more than one row in ten is newer than it

Ranking = Callable[[int], Rows]  # the so many best rows, best first


class Searcher:
    """Answers queries from one index."""

    def __init__(self, store: Store, embedding: Embedding) -> None:
        """Read nothing yet."""
        self._store = store
        self._embedding = embedding
        self._neighbors: Neighbors | None = None
        self._state: Any = None

    @property
    def neighbors(self) -> Neighbors:
        """The nearest-row search over what the index holds now."""
        with self._store.reading():
            state = (self._store.generation, self._store.setting("neighbors", None))
            if self._neighbors is None or self._state != state:
                file, _ = self._store.neighbors()
                self._neighbors = Neighbors(self._store.vectors(), self._store.live_rows(), file)
                self._state = state
        return self._neighbors

    def refresh_neighbors(self) -> None:
        """Build the faiss file anew if it is missing or many rows are newer than it. The caller holds the lock."""
        rows = self._store.rows
        held = self._store.setting("neighbors", None) or {}
        indexed = held.get("rows", 0) if self._store.neighbors_file.is_file() else 0
        newer = rows - indexed
        if rows == 0 or newer == 0 or (rows > FLAT_ROWS and newer * _STALE_SHARE <= rows):
            return
        self.rebuild_neighbors()

    def rebuild_neighbors(self) -> None:
        """Build the faiss file anew. The caller holds the lock."""
        rows = self._store.rows
        if rows == 0:
            return
        file = self._store.neighbors_file
        built = file.with_name(f"{file.name}.built")
        kind = build(self._store.vectors(), built)
        self._store.keep_neighbors(built, {"kind": kind, "rows": rows})
        self._neighbors = None

    def nearest(self, query: Vectors, k: int, rows: Rows | None) -> Hits:
        """Return the passages nearest to a unit vector, among *rows*."""
        return self._hits(*self.neighbors.search(query, k, rows))

    def add_meanings(
        self, expression: Expression, vectors: Vectors, k: int, rows: Rows | None, *, keep_inputs: bool
    ) -> Calculation:
        """Return what lies nearest to the weighted sum of the terms' unit vectors.

        Args:
            expression: the terms.
            vectors: their unit vectors, shape (terms, d).
            k: how many.
            rows: among these.
            keep_inputs: may passages that are a term's text be among the hits?
        """
        total = np.asarray(expression.weights) @ vectors.astype(np.float64)
        query = _direction(total, expression)
        taken = self._ranked(self._ranking(query, rows), k, expression, keep_inputs)
        alone = self._alone(expression, vectors, k, rows, keep_inputs=keep_inputs)
        return Calculation(expression, self._explained(taken, expression, vectors, total, alone), alone)

    def add_coordinates(
        self,
        expression: Expression,
        vectors: Vectors,
        axes: Mapping[str, ScaledAxis],
        k: int,
        rows: Rows | None,
        *,
        keep_inputs: bool,
    ) -> Calculation:
        """Return what lies nearest to the weighted sum of the terms' coordinates on axes."""
        columns = {name: axis.coordinates(vectors) for name, axis in axes.items()}
        point = {name: float(np.dot(expression.weights, column)) for name, column in columns.items()}
        terms = Placements(
            Placement(text, {name: float(column[place]) for name, column in columns.items()})
            for place, text in enumerate(expression.texts)
        )
        rows, places, distances = self._distances(point, axes, rows)
        order = top(-distances, len(rows))
        taken = self._ranked(lambda count: rows[order[:count]], k, expression, keep_inputs)
        alone = self._alone(expression, vectors, k, rows, keep_inputs=keep_inputs)
        total = np.asarray(expression.weights) @ vectors.astype(np.float64)
        hits = self._explained(
            taken, expression, vectors, total, alone, on=_Measured(rows, places, distances, list(axes))
        )
        return Calculation(expression, hits, alone, point, terms)

    def nearest_point(
        self, point: Mapping[str, float], axes: Mapping[str, ScaledAxis], k: int, rows: Rows | None
    ) -> Hits:
        """Return the passages nearest to a point on axes."""
        if k < 1:
            raise QueryError(f"k is {k}; at least 1 must be asked for")
        rows, places, distances = self._distances(point, axes, rows)
        best = top(-distances, k)
        measured = _Measured(rows, places, distances, list(axes))
        return Hits(
            _hit(rank, None, passage, **measured.of(passage.row))
            for rank, passage in enumerate(self._store.passages(rows[best]), 1)
        )

    def _distances(
        self, point: Mapping[str, float], axes: Mapping[str, ScaledAxis], rows: Rows | None
    ) -> tuple[Rows, Any, Any]:
        """Return rows, their coordinates (n, axes), and their distances from *point* in standard deviations."""
        live = self._store.live_rows() if rows is None else rows
        directions = np.stack([axis.fitted.direction for axis in axes.values()])
        products = project(self._store.vectors(), directions, live)
        places = np.stack(
            [axis.from_products(column) for axis, column in zip(axes.values(), products.T, strict=True)], axis=1
        )
        return live, places, np.linalg.norm(places - np.array(list(point.values())), axis=1)

    def _ranking(self, query: Vectors, rows: Rows | None) -> Ranking:
        return lambda count: self.neighbors.search(query, count, rows)[0]

    def _ranked(self, ranking: Ranking, k: int, expression: Expression, keep_inputs: bool) -> list[StoredPassage]:
        """Return the *k* best passages of a ranking, those left out that are a term's text themselves."""
        if k < 1:
            raise QueryError(f"k is {k}; at least 1 must be asked for")
        inputs = set() if keep_inputs else {_folded(text) for text in expression.texts}
        count = k + 2 * len(inputs)
        while True:
            rows = ranking(count)
            kept = [passage for passage in self._store.passages(rows) if _folded(passage.text) not in inputs]
            if len(kept) >= k or len(rows) < count:
                return kept[:k]
            count *= 2

    def _alone(
        self, expression: Expression, vectors: Vectors, k: int, rows: Rows | None, *, keep_inputs: bool
    ) -> dict[str, Hits]:
        """Return the plain neighbours of each term, the terms themselves left out as from the sum's."""
        alone = {}
        for text, vector in zip(expression.texts, vectors, strict=True):
            passages = self._ranked(self._ranking(vector, rows), k, expression, keep_inputs)
            scores = self._store.vectors()[[passage.row for passage in passages]] @ vector
            pairs = zip(passages, scores, strict=True)
            alone[text] = Hits(_hit(rank, float(score), passage) for rank, (passage, score) in enumerate(pairs, 1))
        return alone

    def _explained(
        self,
        passages: Sequence[StoredPassage],
        expression: Expression,
        vectors: Vectors,
        total: Any,
        alone: Mapping[str, Hits],
        on: _Measured | None = None,
    ) -> Hits:
        """Return hits with what each term adds to the cosine: weight · (term · hit) / |sum|."""
        length = float(np.linalg.norm(total))
        own = self._store.vectors()[[passage.row for passage in passages]].astype(np.float64)
        shares = (own @ vectors.T.astype(np.float64)) * np.asarray(expression.weights) / (length or np.inf)
        found = {text: {hit.id for hit in hits} for text, hits in alone.items()}
        hits = []
        for rank, (passage, share) in enumerate(zip(passages, shares, strict=True), 1):
            more = on.of(passage.row) if on else {}
            contributions = dict(zip(expression.texts, map(float, share), strict=True))
            hit = _hit(rank, float(share.sum()), passage, contributions=contributions, **more)
            hits.append(replace(hit, near_alone=tuple(text for text, ids in found.items() if hit.id in ids)))
        return Hits(hits)

    def _hits(self, rows: Rows, scores: Vectors) -> Hits:
        passages = self._store.passages(rows)
        pairs = zip(passages, scores, strict=True)
        return Hits(_hit(rank, float(score), passage) for rank, (passage, score) in enumerate(pairs, 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """The coordinates of rows, and their distances from a point.

    Attributes:
        rows: ascending, shape (n,).
        places: shape (n, axes), in standard deviations.
        distances: shape (n,).
        names: of the axes.
    """

    rows: Rows
    places: NDArray[np.float64]
    distances: NDArray[np.float64]
    names: Sequence[str]

    def of(self, row: int) -> dict[str, Any]:
        """Return what a hit in *row* says of itself."""
        place = int(np.searchsorted(self.rows, row))
        coordinates = dict(zip(self.names, map(float, self.places[place]), strict=True))
        return {"distance": float(self.distances[place]), "coordinates": coordinates}


def _hit(rank: int, score: float | None, passage: StoredPassage, **more: Any) -> Hit:
    return Hit(
        rank=rank,
        score=score,
        document=passage.document,
        position=passage.position,
        text=passage.text,
        title=passage.title,
        start=passage.start,
        end=passage.end,
        source=passage.source,
        metadata=passage.metadata,
        **more,
    )


def _direction(total: NDArray[np.float64], expression: Expression) -> Vectors:
    if np.linalg.norm(total) < 1e-6:
        raise QueryError(f"the terms of {expression.source!r} cancel out: their sum points nowhere")
    return unit(total)


def _folded(text: str) -> str:
    """Return *text* without what does not make it another phrase: case, outer punctuation, folded spaces."""
    return " ".join(text.casefold().split()).strip(" .,;:!?\"'“”‘’()")
