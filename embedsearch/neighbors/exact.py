"""Nearest rows by comparing a query with every one of them: always right, and quick where they are few."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import StoreError
from embedsearch.mapped import gather
from embedsearch.vectors import Mask, Rows, Vectors, block_rows, project, top

_ROUNDING = 1e-5  # more than float32 sums of up to some thousand products of unit vectors can be off
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

    Raises:
        StoreError: a vector is damaged.
    """
    direction = np.asarray(query, dtype=np.float32)
    return best_of(vectors, direction, k, project(vectors, direction, rows)[:, 0], rows)


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
    alive = count - (len(dead) if rows is None and dead is not None else 0)
    step = max(1, _SCORES_AT_ONCE // max(1, count))
    answers = []
    for start in range(0, len(queries), step):
        scores = project(vectors, queries[start : start + step], rows)
        if rows is None and dead is not None:
            scores[dead] = -np.inf
        for query, rough in zip(queries[start : start + step], scores.T, strict=True):
            answers.append(best_of(vectors, query, min(k, alive), rough, rows))
    return answers


def best_of(vectors: Vectors, query: Vectors, k: int, rough: Vectors, rows: Rows | None) -> tuple[Rows, Vectors]:
    """Return the *k* best rows, and their scores, from scores that a matrix product gave.

    Args:
        vectors: shape (n, d).
        query: shape (d,).
        k: how many.
        rough: the scores of *rows*; -inf leaves one out, if k is not more than the others are.
        rows: ascending; 0, 1, ... if None.

    Raises:
        StoreError: a vector is damaged.
    """
    if np.isnan(rough).any():
        # They compare with nothing, so that the answer would lack hits without a word.
        raise StoreError("the vectors hold values that are not numbers: the file is damaged. Run embedsearch verify")
    if 0 < k < len(rough):
        # The matrix product may give equal rows scores that differ in the last bit; whatever could be among
        # the k best is scored anew, row by row, so that equal rows are equal and ties go by their number.
        places = np.flatnonzero(rough >= np.partition(rough, len(rough) - k)[len(rough) - k] - _ROUNDING)
    else:
        places = np.arange(len(rough))
    candidates = places if rows is None else rows[places]
    scores = _scores(vectors, query, candidates)
    best = top(scores, k)
    return candidates[best], scores[best].astype(np.float32)


def _scores(vectors: Vectors, query: Vectors, rows: Rows) -> NDArray[np.float64]:
    """Return the dot products of *rows* with *query* in float64, each summed in the same order."""
    scores = np.empty(len(rows))
    wide = query.astype(np.float64)
    step = block_rows(2 * vectors.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        np.einsum("ij,j->i", gather(vectors, rows[part]).astype(np.float64), wide, out=scores[part])
    return scores


def kth_scores(vectors: Vectors, own: Rows, k: int, is_live: Mask) -> Vectors:
    """Return, for each of the rows *own*, the score of its *k*-th nearest other live row, shape (len(own),).

    The whole array is read once, block by block.
    """
    queries = gather(vectors, own)
    best = np.full((k, len(own)), -np.inf, dtype=np.float32)
    step = block_rows(vectors.shape[1])
    for start in range(0, len(vectors), step):
        scores = project(vectors[start : start + step], queries)
        scores[~is_live[start : start + step]] = -np.inf
        inside = np.flatnonzero((own >= start) & (own < start + len(scores)))
        scores[own[inside] - start, inside] = -np.inf
        both = np.concatenate([best, scores])
        best = np.partition(both, len(both) - k, axis=0)[len(both) - k :]
    lowest: Vectors = best.min(axis=0)
    return lowest
