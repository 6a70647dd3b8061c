"""Pure float32 array mathematics: check, normalise, rank, project. Imports numpy, `errors` and `mapped` only.

Vectors are rows. A *unit* row has Euclidean length 1, so that the dot product of two of them is their
cosine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.errors import EmbedSearchError, QueryError
from embedsearch.mapped import gather, visited

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Rows of a memory-mapped file are visited in blocks of about this many bytes: large enough for the matrix
# product to run at full speed, small enough that no pass over a file needs more than this in memory.
BLOCK_BYTES = 8 << 20
_FEW = 8  # directions whose dot products are taken one after the other
_MOST_THREADS = 8  # each holds a block; so many read as fast as most memories give


def as_rows(vectors: ArrayLike, *, dimension: int | None = None, error: type[EmbedSearchError] = QueryError) -> Vectors:
    """Return *vectors* as a finite, contiguous float32 array of shape (n, d); a single vector becomes (1, d).

    Args:
        vectors: anything numpy can make a one- or two-dimensional float array of.
        dimension: the d that is wanted, if any.
        error: the class of the error to raise.

    Raises:
        error: wrong number of axes, wrong d, NaN or infinite values.
    """
    try:
        # Of another kind are complex numbers, whose imaginary part would be lost, and texts that look like numbers.
        with np.errstate(over="ignore"):  # what becomes infinite is refused below
            given = np.asarray(vectors).astype(np.float32, casting="same_kind", copy=False)
        rows = np.ascontiguousarray(np.atleast_2d(given))
    except (TypeError, ValueError) as cause:
        raise error(f"vectors must be rows of numbers, all of one length: {cause}") from cause
    if rows.ndim != 2:
        raise error(f"vectors must have shape (n, d), not {rows.shape}")
    if dimension is not None and rows.shape[1] != dimension:
        raise error(f"vectors have {rows.shape[1]} dimensions where {dimension} are wanted")
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise error(f"vector {int(np.argmin(finite))} holds NaN or infinite values, or some too large for float32")
    return rows


def unit(vectors: ArrayLike, *, error: type[EmbedSearchError] = QueryError) -> Vectors:
    """Return the rows of *vectors* scaled to length 1, in the shape they came in, float32.

    Raises:
        error: a row is all zeros (it points nowhere) or not finite.
    """
    given = np.asarray(vectors)
    rows = as_rows(given, error=error)
    scaled = np.empty_like(rows)
    for part, block in blocks(rows):
        # float64 lengths: the squares of very small or very large float32 values leave float32's range.
        lengths = np.linalg.norm(block.astype(np.float64), axis=1)
        if not lengths.all():
            raise error(f"vector {part.start + int(np.argmin(lengths))} is all zeros and has no direction")
        scaled[part] = block / lengths[:, None]
    return scaled.reshape(given.shape)


def top(scores: NDArray[Any], k: int) -> Rows:
    """Return the positions of the *k* largest scores, best first; ties by ascending position.

    Args:
        scores: shape (n,).
        k: how many, at least 0; more than n gives n.
    """
    n = len(scores)
    k = min(k, n)
    if k <= 0:
        return np.empty(0, dtype=np.int64)
    if k < n:
        # All scores tied with the k-th stay in, so that which of them is kept depends on position alone.
        threshold = np.partition(scores, n - k)[n - k]
        candidates = np.flatnonzero(scores >= threshold)
    else:
        candidates = np.arange(n)
    order = np.lexsort((candidates, -scores[candidates]))
    return candidates[order[:k]].astype(np.int64)


def thinned(rows: Rows, most: int) -> Rows:
    """Return *most* of the rows, evenly spaced over all of them from the first on; all where they are no more."""
    return rows if len(rows) <= most else rows[np.arange(most) * len(rows) // most]


def block_rows(dimension: int) -> int:
    """Return how many rows of *dimension* float32 values make one block of `BLOCK_BYTES`."""
    return max(1, BLOCK_BYTES // (4 * max(1, dimension)))


def project(vectors: Vectors, directions: ArrayLike, rows: Rows | None = None, *, alike: bool = False) -> Vectors:
    """Return the dot products of *vectors* with *directions*, reading a memory-mapped array block by block.

    Args:
        vectors: shape (n, d).
        directions: shape (m, d).
        rows: the rows wanted; all of them if None.
        alike: see `take_products`.

    Returns:
        float32 of shape (n, m), or (len(rows), m); ``result[i, j] = vectors[i] · directions[j]``.
    """
    wanted = np.atleast_2d(np.asarray(directions, dtype=np.float32))
    result = np.empty((len(vectors) if rows is None else len(rows), len(wanted)), dtype=np.float32)
    take_products(vectors, wanted, result.__setitem__, rows, alike=alike)
    return result


def take_products(
    vectors: Vectors,
    directions: Vectors,
    take: Callable[[slice, Vectors], None],
    rows: Rows | None = None,
    *,
    alike: bool = False,
) -> None:
    """Hand on the dot products of *vectors* with *directions* block by block: none of them is kept.

    Few directions are taken one after the other, by several threads that read blocks of their own: a matrix product
    with five columns takes twice as long, since it first rearranges what it reads.

    Args:
        vectors: shape (n, d).
        directions: shape (m, d).
        take: called with a block's place among the rows wanted and its products, (b, m); by several threads at once.
        rows: the rows wanted; all of them if None.
        alike: take many one after the other as well. Each product is then the same to the last bit whatever else
            is asked for with it, where a matrix product rounds by the shape of what it is given.
    """
    if len(directions) > _FEW and not alike:  # the matrix product takes all cores by itself
        columns = np.ascontiguousarray(directions.T)
        for part, block in blocks(vectors, rows):
            take(part, block @ columns)
        return

    def work(part: slice) -> None:
        block = _block(vectors, rows, part)
        take(part, np.vecdot(block[:, None], directions))
        visited(block)

    parts = _parts(vectors, rows)
    if len(parts) == 1:
        work(parts[0])
    elif parts:
        with ThreadPoolExecutor(min(len(parts), _cores(), _MOST_THREADS)) as pool:
            for _ in pool.map(work, parts):
                pass


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def blocks(vectors: Vectors, rows: Rows | None = None) -> Iterator[tuple[slice, Vectors]]:
    """Yield the rows of what may be a memory-mapped array block by block, each with its place among the rows.

    Args:
        vectors: shape (n, d).
        rows: the rows wanted; all of them if None.
    """
    for part in _parts(vectors, rows):
        block = _block(vectors, rows, part)
        yield part, block
        visited(block)


def _parts(vectors: Vectors, rows: Rows | None) -> list[slice]:
    """Return the places of the blocks among the rows wanted."""
    count, step = len(vectors) if rows is None else len(rows), block_rows(vectors.shape[1])
    return [slice(start, start + step) for start in range(0, count, step)]


def _block(vectors: Vectors, rows: Rows | None, part: slice) -> Vectors:
    """Return one block; not copied if its rows follow one another, as in an index without dead rows."""
    if rows is None:
        return vectors[part]
    own = rows[part]
    if own[-1] - own[0] == len(own) - 1 and own[-1] < len(vectors) and (np.diff(own) == 1).all():
        return vectors[own[0] : own[-1] + 1]
    return gather(vectors, own)
