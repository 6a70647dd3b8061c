"""Rankings of passages: by meaning, by words, or by both; one answer for each passage, or one for each document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import QueryError
from embedsearch.fusion import ceiling, combine
from embedsearch.lexical import any_of, match_any, terms, words
from embedsearch.neighbors import Neighbors
from embedsearch.store import Store
from embedsearch.vectors import Rows, Vectors, project, top

Mode = Literal["hybrid", "dense", "lexical"]
By = Literal["passage", "document"]
MODES: tuple[Mode, ...] = ("hybrid", "dense", "lexical")
BYS: tuple[By, ...] = ("passage", "document")

_LEAST_CANDIDATES = 100
_GROWTH = 4
# Scoring a match takes some 3 microseconds, counting it .05: a word with more matches costs more than it tells.
_MOST_MATCHES = 50_000

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Rows of passages, best first, with the scores that they were ranked by.

    Attributes:
        rows: shape (n,), int64.
        cosines: to the query, -1…1; None in a ranking by words alone, which needs no encoder.
        bm25: the BM25 scores of the query's words, 0 for a passage that has none; None in a ranking by meaning alone.
        fused: the fused scores; None in a ranking by one of the two.
    """

    rows: Rows
    cosines: NDArray[Any] | None = None
    bm25: Scores | None = None
    fused: Scores | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: Any) -> Ranked:
        """Return the entries at *places*, in that order."""
        columns = {name: getattr(self, name) for name in ("cosines", "bm25", "fused")}
        taken = {name: column[places] for name, column in columns.items() if column is not None}
        return replace(self, rows=self.rows[places], **taken)


Ranking = Callable[[int], Ranked]  # returns that many answers, best first; fewer only if no more exist
Nearest = Callable[[int], tuple[Rows, Vectors]]  # likewise the rows nearest to a query, with their cosines


def nearest_to(neighbors: Neighbors, query: Vectors, rows: Rows | None) -> Nearest:
    """Return a function that finds those of *rows* (all live rows if None) that are nearest to a unit vector."""
    return lambda count: neighbors.search(query, count, rows)


def nearest_to_each(neighbors: Neighbors, queries: Vectors, rows: Rows | None, k: int) -> list[Nearest]:
    """Return `nearest_to` for each of several unit vectors; what *k* answers need is found for all of them together."""
    depth = _depth(k)

    def after(query: Vectors, found: tuple[Rows, Vectors]) -> Nearest:
        def nearest(count: int) -> tuple[Rows, Vectors]:
            return neighbors.search(query, count, rows) if count > depth else (found[0][:count], found[1][:count])

        return nearest

    return [after(*pair) for pair in zip(queries, neighbors.search_many(queries, depth, rows), strict=True)]


def dense(nearest: Nearest) -> Ranking:
    """Return the ranking by the cosine to a query."""
    return lambda count: Ranked(*nearest(count))


def lexical(store: Store, text: str, rows: Rows | None) -> Ranking:
    """Return the ranking by BM25 of those of *rows* that have any of the words of *text*.

    Raises:
        QueryError: the text has no words.
    """
    expression = match_any(text)
    if not expression:
        raise QueryError(f"the text {text!r} holds no word to look up; search by meaning with mode dense")
    found, scores = _matching(store, expression, rows)

    def best(count: int) -> Ranked:
        places = top(scores, count)
        return Ranked(found[places], bm25=scores[places])

    return best


def hybrid(store: Store, nearest: Nearest, text: str, query: Vectors, rows: Rows | None) -> Ranking:
    """Return the ranking of *rows* by the fused score (see `embedsearch.fusion`) of meaning and words.

    Candidates are taken from both rankings until nothing outside them can reach the k-th best. The answers are
    those that scoring every passage would give, as far as the neighbours are exact. Words that very many passages
    have are looked up only if the query has no rarer one.
    """
    matching = _matching(store, any_of(_telling(store, terms(text))), rows)
    vectors = store.vectors()

    def best(count: int) -> Ranked:
        depth = _depth(count)
        while True:
            ranked, settled = _fused(vectors, query, nearest(depth), matching, depth)
            ranked = ranked.take(top(ranked.fused, count))  # type: ignore[arg-type]
            if settled is None or (len(ranked) == count and ranked.fused[-1] > settled):  # type: ignore[index]
                return ranked
            depth *= _GROWTH

    return best


def _depth(count: int) -> int:
    """Return how many candidates to look at first for *count* answers."""
    return max(_LEAST_CANDIDATES, 2 * count)


def _fused(
    vectors: Vectors, query: Vectors, nearest: tuple[Rows, Vectors], matching: tuple[Rows, Scores], depth: int
) -> tuple[Ranked, float | None]:
    """Return the candidates with their scores, and a bound for all other rows; None if there are no others."""
    found, scores = matching
    near, near_cosines = nearest
    worded = top(scores, depth)
    rows = np.union1d(near, found[worded])
    bests = {
        "best_cosine": float(near_cosines[0]) if len(near) else 0.0,
        "best_lexical": float(scores[worded[0]]) if len(worded) else 0.0,
    }
    cosines, bm25 = project(vectors, query, rows)[:, 0], _looked_up(found, scores, rows)
    ranked = Ranked(rows, cosines, bm25, combine(cosines, bm25, **bests))
    if len(near) < depth:
        return ranked, None
    last_lexical = float(scores[worded[-1]]) if len(found) > depth else 0.0
    return ranked, ceiling(float(near_cosines[-1]), last_lexical, **bests)


def _telling(store: Store, asked: Sequence[str]) -> list[str]:
    """Return the words that at most `_MOST_MATCHES` passages have; if there are none, the rarest word."""
    if store.rows <= _MOST_MATCHES:
        return list(asked)
    counts = {word: store.fulltext.count(any_of([word])) for word in dict.fromkeys(asked)}
    most = max(_MOST_MATCHES, min((count for count in counts.values() if count), default=0))
    return [word for word in asked if counts[word] <= most]


def _matching(store: Store, expression: str, rows: Rows | None) -> tuple[Rows, Scores]:
    """Return those of *rows* that match, ascending, and their BM25 scores, taken over the whole index."""
    found, scores = store.fulltext.search(expression)
    if rows is None:
        return found, scores
    allowed = np.isin(found, rows, assume_unique=True)
    return found[allowed], scores[allowed]


def _looked_up(found: Rows, scores: Scores, rows: Rows) -> Scores:
    """Return the scores of *rows*, 0 for those that are not among the ascending *found*."""
    if not len(found):
        return np.zeros(len(rows))
    places = np.minimum(np.searchsorted(found, rows), len(found) - 1)
    return np.where(found[places] == rows, scores[places], 0.0)


def best_documents(ranking: Ranking, k: int, store: Store) -> Ranked:
    """Return the best passage of each of the *k* best documents, however many passages of one come first."""
    count = 2 * k
    while True:
        ranked = ranking(count)
        _, first = np.unique(store.document_numbers(ranked.rows), return_index=True)
        if len(first) >= k or len(ranked) < count:
            return ranked.take(np.sort(first)[:k])
        count *= _GROWTH


def default_mode(text: str | None) -> Mode:
    """Return ``hybrid`` for a text of more than one word, else ``dense``: a lone word says more by its meaning."""
    return "hybrid" if text is not None and len(words(text)) > 1 else "dense"
