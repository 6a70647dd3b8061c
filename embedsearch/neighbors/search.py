"""The nearest of those rows that count, by the plan that is quickest for them."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from embedsearch.errors import QueryError
from embedsearch.mapped import gather
from embedsearch.neighbors.exact import best_of, nearest_exact, nearest_exact_many
from embedsearch.neighbors.faiss_index import FaissIndex
from embedsearch.neighbors.tuning import TESTED, Effort, growth
from embedsearch.vectors import Mask, Rows, Vectors, as_rows, project
from embedsearch.wording import count_of

_EXACT_SHARE = 100  # one allowed row in a hundred is scored sooner than a whole index proposes rows
_FEWEST_EXACT = 2_000  # half a millisecond at 384 dimensions
_CANDIDATES_A_HIT = 4  # more for each hit beyond those that the effort was measured for
_ENOUGH = 0.8  # of the wanted candidates; another round would cost more than the others are worth
_GROWTH = 4  # times as many rows are proposed, from as many more lists, when too few of them are allowed
_DEAREST = 4  # proposing more than one row in so many costs more than scoring the allowed ones
_KEPT_BYTES = 16 << 20  # of the vectors of few allowed rows: one condition is often asked several questions

Answer = tuple[Rows, Vectors]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a search was answered.

    Attributes:
        kind: ``exact`` (every allowed row was scored) or ``index`` (those that the faiss index proposed).
        allowed: how many rows were allowed.
        scored: how many of them were scored from the vectors file.
        proposed: how many rows the index proposed, allowed or not.
        probes: how many inverted lists were visited; 0 where there are none.
        newer: how many of those scored are newer than the index.
        propose_seconds: what the index took.
        seconds: what all of it took.
    """

    kind: str
    allowed: int
    scored: int
    proposed: int = 0
    probes: int = 0
    newer: int = 0
    propose_seconds: float = 0.0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        if not self.probes and not self.proposed:
            return f"exact over {count_of(self.allowed, 'row')}"
        lists = f" from {count_of(self.probes, 'list')}" if self.probes else ""
        asked = f"{count_of(self.proposed, 'row')} proposed{lists} in {1000 * self.propose_seconds:.1f} ms"
        if self.kind == "exact":
            return f"{asked}, too few of them allowed; exact over {count_of(self.allowed, 'row')}"
        newer = f" ({self.newer:,} newer than the index)" if self.newer else ""
        return f"index, {asked}; {self.scored:,}{newer} of {self.allowed:,} allowed scored"


class Neighbors:
    """Nearest rows among the live rows of an index."""

    def __init__(
        self, vectors: Vectors, dead: Rows | None = None, index: FaissIndex | None = None, effort: Effort | None = None
    ) -> None:
        """Take what is to be searched; nothing is read.

        Args:
            vectors: unit rows, shape (n, d), deleted ones included.
            dead: the deleted rows, ascending; none if None.
            index: covers the first rows of *vectors*; rows behind those are compared one by one. None: all are.
            effort: what `self_test` found for *index*.

        Attributes:
            indexed: how many rows *index* covers.
            latest: how the latest search for one query was answered.
        """
        self.vectors = vectors
        self._dead = np.empty(0, dtype=np.int64) if dead is None else dead
        self._index = index
        self._effort = effort or Effort()
        self.indexed = len(index) if index else 0
        self.latest: Plan | None = None
        self._kept: Answer = np.empty(0, dtype=np.int64), np.empty((0, vectors.shape[1]), dtype=np.float32)

    def search(self, query: Any, k: int, rows: Rows | None = None) -> Answer:
        """Return the *k* live rows nearest to *query*; fewer only where fewer are allowed.

        Args:
            query: a unit vector, shape (d,).
            k: how many, at least 1.
            rows: live rows to choose among, ascending; all live rows if None.

        Returns:
            Rows (int64) and their cosines (float32), best first, ties by ascending row.

        Raises:
            QueryError: the query is not a finite, non-zero vector of d values, or k is below 1.
        """
        return self.explain(query, k, rows)[0]

    def explain(self, query: Any, k: int, rows: Rows | None = None) -> tuple[Answer, Plan]:
        """Return what `search` returns, and how it was found."""
        started = time.perf_counter()
        vector = self._checked(query, k)[:1]
        answer, plan = self._answer(vector, k, rows)
        self.latest = replace(plan, seconds=time.perf_counter() - started)
        return answer, self.latest

    def search_many(self, queries: Any, k: int, rows: Rows | None = None) -> list[Answer]:
        """Return for each of *queries*, shape (m, d), what `search` returns for it; all together are quicker."""
        vectors = self._checked(queries, k)
        times = growth(self.indexed, self._older(rows))
        fetch = self._first_round(k, times)
        if self._index is None or self._is_exact(fetch, rows):
            return nearest_exact_many(self.vectors, vectors, k, self._read_singly(rows), self._dead)
        proposed = self._index.propose(vectors, fetch, self._effort.lists(self._index, vectors, times))
        answers = []
        for vector, found in zip(vectors, proposed, strict=True):
            kept = self._allowed_among(found, rows)
            is_enough = len(kept) >= self._enough(k, self._older(rows))
            answers.append(self._scored(vector, k, kept, rows) if is_enough else self._answer(vector[None], k, rows)[0])
        return answers

    def _checked(self, queries: Any, k: int) -> Vectors:
        if k < 1:
            raise QueryError(f"k is {k}; at least 1 neighbour must be asked for")
        vectors = as_rows(queries, dimension=self.vectors.shape[1])
        if not vectors.any(axis=1).all():
            raise QueryError("the query is a zero vector and points nowhere")
        return vectors

    def _answer(self, query: Vectors, k: int, rows: Rows | None) -> tuple[Answer, Plan]:
        """Ask the index for ever more rows until enough allowed ones are among them, or score all that are allowed."""
        older, allowed = self._older(rows), self._count(rows)
        times = growth(self.indexed, older)
        fetch, probes = self._first_round(k, times), None
        seconds, proposed = 0.0, 0
        while self._index is not None and not self._is_exact(fetch, rows):
            started = time.perf_counter()
            if probes is None:
                probes = self._effort.lists(self._index, query, times)
            found = self._index.propose(query, fetch, probes)[0]
            seconds += time.perf_counter() - started
            proposed += fetch
            kept = self._allowed_among(found, rows)
            if len(kept) >= self._enough(k, older):
                newer = allowed - older
                plan = Plan("index", allowed, len(kept) + newer, proposed, int(probes[0]), newer, seconds)
                return self._scored(query[0], k, kept, rows), plan
            fetch, probes = _GROWTH * fetch, np.minimum(_GROWTH * probes, self._index.lists)
        return self._exact(query, k, rows), Plan("exact", allowed, allowed, proposed, 0, allowed - older, seconds)

    def _exact(self, query: Vectors, k: int, rows: Rows | None) -> Answer:
        rows = self._read_singly(rows)
        if rows is None and len(self._dead):
            return nearest_exact_many(self.vectors, query, k, None, self._dead)[0]
        if rows is None or len(rows) * self.vectors.strides[0] > _KEPT_BYTES:
            return nearest_exact(self.vectors, query[0], k, rows)
        places, scores = nearest_exact(self._gathered(rows), query[0], k)
        return rows[places], scores

    def _read_singly(self, rows: Rows | None) -> Rows | None:
        """Return which rows are read one by one; None where the whole file is, since few of them are deleted."""
        return self._live if rows is None and 2 * len(self._dead) > len(self.vectors) else rows

    @cached_property
    def _live(self) -> Rows:
        return np.setdiff1d(np.arange(len(self.vectors)), self._dead, assume_unique=True)

    def _gathered(self, rows: Rows) -> Vectors:
        """Return the vectors of few rows, which are kept for the next question among the same."""
        kept, vectors = self._kept
        if not np.array_equal(kept, rows):
            vectors = gather(self.vectors, rows)
            self._kept = rows.copy(), vectors
        return vectors

    def _wanted(self, k: int) -> int:
        return self._effort.candidates + _CANDIDATES_A_HIT * max(0, min(k, len(self.vectors)) - TESTED)

    def _enough(self, k: int, older: int) -> int:
        return min(older, max(k, int(_ENOUGH * self._wanted(k))))

    def _first_round(self, k: int, times: float) -> int:
        """Return how many rows to ask for, so that as many allowed ones as are wanted may be among them."""
        return int(np.ceil(times * self._wanted(k)))

    def _is_exact(self, fetch: int, rows: Rows | None) -> bool:
        """Is scoring every allowed row quicker than asking the index for *fetch* rows?"""
        allowed = self._count(rows)
        few = max(_FEWEST_EXACT, self.indexed // _EXACT_SHARE)
        return allowed <= few or _DEAREST * fetch > min(allowed, self.indexed)

    def _count(self, rows: Rows | None) -> int:
        """Return how many rows are allowed."""
        return len(self.vectors) - len(self._dead) if rows is None else len(rows)

    def _older(self, rows: Rows | None) -> int:
        """Return how many of the allowed rows the index covers."""
        if rows is not None:
            return int(np.searchsorted(rows, self.indexed))
        return self.indexed - int(np.searchsorted(self._dead, self.indexed))

    def _allowed_among(self, found: Rows, rows: Rows | None) -> Rows:
        proposed: Rows = found[found >= 0]  # faiss pads with row -1 where it has fewer
        if rows is not None:
            return proposed[_are_in(proposed, rows)]
        return proposed[~_are_in(proposed, self._dead)]

    def _scored(self, vector: Vectors, k: int, kept: Rows, rows: Rows | None) -> Answer:
        """Return the *k* best of the proposed rows and of those that are newer than the index."""
        chosen = np.sort(kept)
        scores = project(self.vectors, vector, chosen)[:, 0]
        newer, newer_scores = self._newer(vector, rows)
        rows = np.concatenate([chosen, newer])
        return best_of(self.vectors, vector, k, np.concatenate([scores, newer_scores]), rows)

    def _newer(self, vector: Vectors, rows: Rows | None) -> Answer:
        """Return the allowed rows that are newer than the index, and their scores."""
        if rows is not None:
            newer = rows[np.searchsorted(rows, self.indexed) :]
            return newer, project(self.vectors, vector, newer)[:, 0]
        # Without gathering a scan is several times faster; dead rows among them are left out afterwards.
        newer = np.arange(self.indexed, len(self.vectors))
        scores = project(self.vectors[self.indexed :], vector)[:, 0]
        alive = ~_are_in(newer, self._dead)
        return newer[alive], scores[alive]


def _are_in(values: Rows, ascending: Rows) -> Mask:
    """Return for each of *values* whether it is among *ascending*."""
    if not len(ascending):
        return np.zeros(len(values), dtype=bool)
    places = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    found: Mask = ascending[places] == values
    return found
