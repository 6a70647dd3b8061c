"""Nearest rows to a vector. The only module that imports faiss; `nearest_exact` is its oracle.

FAISS proposes candidate rows; their scores are always computed anew from the vectors file, so that a score
is a true cosine whatever the type of index, and ties come in ascending row order.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import QueryError, StoreError
from embedsearch.vectors import Rows, Vectors, as_rows, block_rows, project, top

if TYPE_CHECKING:
    import faiss

_log = logging.getLogger("embedsearch")

FLAT_ROWS = 20_000  # up to here a flat index answers in about 2 ms at 384 dimensions and builds at once
IVF_ROWS = 300_000  # beyond, even a scan of 4-bit codes takes longer than probing some of the lists
SCANNED_ROWS = 20_000  # so few rows are compared one by one: as fast as a flat index, and faiss need not be loaded
EXACT_ROWS = 20_000  # so few allowed rows are scored one by one: faster than asking for ever more candidates
TRAINING_ROWS = 65_536  # 16 centroids a sub-quantiser need no more
_LEAST_CANDIDATES = 80  # recall@10 of PQ{d/2}x4fs with exact re-ranking at 384 dimensions: 40 gave .999, 80 gave 1.000
_PROBES = 64
_ROUNDING = 1e-5  # more than float32 sums of up to some thousand products of unit vectors can be off

Progress = Callable[[int, int], None]


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
    rough = project(vectors, direction, rows)[:, 0]
    if np.isnan(rough).any():
        # They compare with nothing, so that the answer would lack hits without a word.
        raise StoreError("the vectors hold values that are no numbers: the file is damaged. Say embedsearch verify")
    if k < len(rough):
        # The matrix product may give equal rows scores that differ in the last bit; whatever could be among
        # the k best is scored anew, row by row, so that equal rows are equal and ties go by their number.
        places = np.flatnonzero(rough >= np.partition(rough, len(rough) - k)[len(rough) - k] - _ROUNDING)
    else:
        places = np.arange(len(rough))
    candidates = places if rows is None else rows[places]
    scores = _scores(vectors, direction, candidates)
    best = top(scores, k)
    return candidates[best], scores[best].astype(np.float32)


def _scores(vectors: Vectors, query: Vectors, rows: Rows) -> NDArray[np.float64]:
    """Return the dot products of *rows* with *query* in float64, each summed in the same order."""
    scores = np.empty(len(rows))
    wide = query.astype(np.float64)
    step = block_rows(2 * vectors.shape[1])
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        np.einsum("ij,j->i", vectors[rows[part]].astype(np.float64), wide, out=scores[part])
    return scores


def recipe(rows: int, dimension: int) -> str:
    """Return the faiss factory string for an index of so many rows."""
    if rows <= FLAT_ROWS or dimension % 2:
        return "Flat"
    codes = f"PQ{dimension // 2}x4fs"
    if rows <= IVF_ROWS:
        return codes
    return f"IVF{lists(rows)},{codes}"


def lists(rows: int) -> int:
    """Return how many inverted lists suit so many rows: a power of two near 4 times their square root."""
    return 1 << int(np.log2(4 * np.sqrt(rows)))


def build(vectors: Vectors, file: Path, progress: Progress | None = None) -> str:
    """Build the index of all *vectors* and write it to *file*, whole or not at all; return its recipe.

    Args:
        vectors: unit rows, shape (n, d), may be memory-mapped; read block by block.
        file: written under another name first, then moved into place.
        progress: told how many of how many rows are in.

    Raises:
        StoreError: the file cannot be written.
    """
    import faiss

    count, dimension = vectors.shape
    description = recipe(count, dimension)
    index = faiss.index_factory(dimension, description, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        index.train(np.ascontiguousarray(vectors[_sample(count, max(TRAINING_ROWS, 40 * lists(count)))]))
    step = block_rows(dimension)
    for start in range(0, count, step):
        index.add(np.ascontiguousarray(vectors[start : start + step]))
        if progress:
            progress(min(start + step, count), count)
    unfinished = file.with_name(file.name + ".new")
    try:
        faiss.write_index(index, str(unfinished))
        unfinished.replace(file)
    except (OSError, RuntimeError) as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise StoreError(f"{file} cannot be written; the documents are safe without it") from error
    return description


def _sample(count: int, most: int) -> Rows:
    """Return rows spread evenly over the file: what came together often has the same subject."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


class Neighbors:
    """Nearest rows among the live rows of an index."""

    def __init__(self, vectors: Vectors, live: Rows, file: Path | None = None) -> None:
        """Read the faiss index in *file*, if there is one that fits.

        Args:
            vectors: unit rows, shape (n, d), deleted ones included.
            live: the rows that count, ascending.
            file: a file that `build` wrote from the first rows of *vectors*; rows behind those are compared
                one by one. Missing, damaged or foreign: all rows are.
        """
        self.vectors = vectors
        self.live = live
        useful = file is not None and len(vectors) > SCANNED_ROWS and file.is_file()
        self._index = _read(file, vectors.shape) if useful and file is not None else None
        self.indexed = 0 if self._index is None else int(self._index.ntotal)

    def search(self, query: Any, k: int, rows: Rows | None = None) -> tuple[Rows, Vectors]:
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
        if k < 1:
            raise QueryError(f"k is {k}; at least 1 neighbour must be asked for")
        vector = as_rows(query, dimension=self.vectors.shape[1])[0]
        if not vector.any():
            raise QueryError("the query is a zero vector and points nowhere")
        allowed = self.live if rows is None else rows
        if self._index is None or (rows is not None and len(rows) <= EXACT_ROWS):
            return nearest_exact(self.vectors, vector, k, self._unless_all(allowed))
        return self._search_index(vector, k, allowed)

    def _search_index(self, vector: Vectors, k: int, allowed: Rows) -> tuple[Rows, Vectors]:
        """Ask faiss for ever more candidates until k allowed ones are among them."""
        newer = allowed[np.searchsorted(allowed, self.indexed) :]
        older = len(allowed) - len(newer)
        if not older:
            return nearest_exact(self.vectors, vector, k, newer)
        wanted = min(max(4 * k, _LEAST_CANDIDATES), older)
        fetch = min(self.indexed, int(np.ceil(wanted * self.indexed / max(1, older))))
        while True:
            candidates = self._candidates(vector, fetch)
            kept = _among(candidates, allowed)
            if len(kept) >= min(k, older):
                rows = np.sort(np.concatenate([kept, newer]))
                return nearest_exact(self.vectors, vector, k, rows)
            if fetch >= self.indexed:
                # An inverted file gives only what its probed lists hold, however many are asked for.
                return nearest_exact(self.vectors, vector, k, self._unless_all(allowed))
            fetch = min(self.indexed, 4 * fetch)

    def _candidates(self, vector: Vectors, fetch: int) -> Rows:
        assert self._index is not None
        _, found = self._index.search(vector[None, :], fetch)
        rows: Rows = found[0]
        return rows[rows >= 0]  # faiss pads with row -1 where it has fewer

    def _unless_all(self, rows: Rows) -> Rows | None:
        """Return *rows*, or None if they are all there are: a scan without gathering is several times faster."""
        return None if len(rows) == len(self.vectors) else rows


def _among(candidates: Rows, allowed: Rows) -> Rows:
    """Return the *candidates* that are in the ascending *allowed*."""
    if not len(allowed):
        return candidates[:0]
    places = np.minimum(np.searchsorted(allowed, candidates), len(allowed) - 1)
    kept: Rows = candidates[allowed[places] == candidates]
    return kept


def _read(file: Path, shape: tuple[int, ...]) -> faiss.Index | None:
    import faiss

    try:
        index = faiss.read_index(str(file))
    except (RuntimeError, MemoryError) as error:
        _log.warning("%s cannot be read (%s); every row is compared instead", file, type(error).__name__)
        return None
    if index.d != shape[1] or index.ntotal > shape[0]:
        _log.warning("%s belongs to other vectors; every row is compared instead", file)
        return None
    if isinstance(index, faiss.IndexIVF):
        index.nprobe = min(_PROBES, index.nlist)
    return index


def complaint(file: Path, dimension: int, rows: int) -> str:
    """Return what is wrong with a faiss file that should hold so many rows; an empty text if nothing is."""
    import faiss

    try:
        index = faiss.read_index(str(file))
    except (RuntimeError, MemoryError) as error:
        return f"cannot be read ({type(error).__name__})"
    if (index.d, index.ntotal) != (dimension, rows):
        return f"covers {index.ntotal:,} rows of {index.d} dimensions, where {rows:,} of {dimension} are recorded"
    return ""
