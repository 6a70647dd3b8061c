"""Nearest rows by comparing a query with every one of them: always right, and quick where they are few."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedsearch.vectors import Rows, Vectors, block_rows, project, top

_SCORES_AT_ONCE = 1 << 24  # 64 MiB of scores


def nearest_exact(vectors: Vectors, query: Any, k: int, rows: Rows | None = None) -> tuple[Rows, Vectors]:
    """Return the *k* rows nearest to *query* by comparing it with every one.

    Args:
        vectors: unit rows, shape (n, d).
        query: a unit vector, shape (d,).
        k: how many; all of them if there are fewer.
        rows: the rows to choose among, ascending; all of them if None.

    Returns:
        Rows and their cosines, best first, ties by ascending row.
    """
    return best_of(project(vectors, query, rows)[:, 0], k, rows)


def nearest_exact_many(
    vectors: Vectors, queries: Vectors, k: int, rows: Rows | None = None, dead: Rows | None = None
) -> list[tuple[Rows, Vectors]]:
    """Return for each of *queries*, shape (m, d), what `nearest_exact` returns for it, with one pass over the vectors.

    Args:
        vectors: as for `nearest_exact`.
        queries: unit vectors, shape (m, d).
        k: as for `nearest_exact`.
        rows: as for `nearest_exact`.
        dead: rows to leave out; only where *rows* is None.
    """
    count = len(vectors) if rows is None else len(rows)
    step = max(1, _SCORES_AT_ONCE // max(1, count))
    answers = []
    for start in range(0, len(queries), step):
        scores = project(vectors, queries[start : start + step], rows)
        if rows is None and dead is not None:
            scores[dead] = -np.inf
        answers += [_without_dead(*best_of(column, k, rows)) for column in scores.T]
    return answers


def _without_dead(rows: Rows, scores: Vectors) -> tuple[Rows, Vectors]:
    alive = scores > -np.inf
    return rows[alive], scores[alive]


def best_of(scores: Any, k: int, rows: Rows | None) -> tuple[Rows, Vectors]:
    """Return the *k* best of *scores* and their rows; they belong to *rows*, ascending, or to 0, 1, ...."""
    best = top(scores, k)
    return (best if rows is None else rows[best]), scores[best]


def kth_scores(vectors: Vectors, own: Rows, k: int) -> Vectors:
    """Return, for each of the rows *own*, the score of its *k*-th nearest other row, shape (len(own),).

    The whole array is read once, block by block.
    """
    queries = vectors[own]
    best = np.full((k, len(own)), -np.inf, dtype=np.float32)
    step = block_rows(vectors.shape[1])
    for start in range(0, len(vectors), step):
        scores = project(vectors[start : start + step], queries)
        inside = np.flatnonzero((own >= start) & (own < start + len(scores)))
        scores[own[inside] - start, inside] = -np.inf
        both = np.concatenate([best, scores])
        best = np.partition(both, len(both) - k, axis=0)[len(both) - k :]
    lowest: Vectors = best.min(axis=0)
    return lowest
