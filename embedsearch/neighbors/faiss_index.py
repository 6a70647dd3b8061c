"""A faiss index of the first rows of a vectors file: what builds, extends, reads, writes and asks it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from embedsearch.errors import StoreError
from embedsearch.mapped import gather, visited
from embedsearch.neighbors.recipes import lists, recipe
from embedsearch.vectors import Rows, Vectors, block_rows

_log = logging.getLogger("embedsearch")

TRAINING_ROWS = 16_384  # faiss takes 256 of them for each of a sub-quantiser's 16 centroids
_ROWS_A_LIST = 40  # k-means in faiss wants 39 points for each centroid

Progress = Callable[[int, int], None]


class FaissIndex:
    """Proposes rows that may be near a vector."""

    def __init__(self, index: Any, kind: str) -> None:
        """Wrap a trained index; use `build` or `read`.

        Args:
            index: a ``faiss.Index``; its row 0 is row 0 of the vectors file, and so on.
            kind: its faiss factory string.
        """
        self._index = index
        self.kind = kind

    @classmethod
    def build(cls, vectors: Vectors, progress: Progress | None = None, dead: Rows | None = None) -> Self:
        """Build the index that suits *vectors*.

        Args:
            vectors: unit rows, shape (n, d), may be memory-mapped; read block by block.
            progress: told how many of how many rows are in.
            dead: the deleted rows, ascending, from which nothing is learned; none if None. Not all rows.
        """
        import faiss

        count, dimension = vectors.shape
        kind = recipe(count, dimension)
        index = faiss.index_factory(dimension, kind, faiss.METRIC_INNER_PRODUCT)
        if not index.is_trained:
            _train(index, _sample(vectors, dead))
        built = cls(index, kind)
        built.extend(vectors, progress)
        return built

    @classmethod
    def read(cls, file: Path, dimension: int, rows: int, kind: str = "") -> Self | None:
        """Read an index that `write` wrote; None, with a warning, if it is damaged or belongs to other vectors.

        Args:
            file: where it lies.
            dimension: of the vectors.
            rows: how many vectors there are; the index may have fewer.
            kind: its faiss factory string, as far as it is known.
        """
        try:
            index = _read(file)
        except FileNotFoundError:  # another process has just written a later one
            return None
        except (OSError, RuntimeError, MemoryError) as error:
            _log.warning("%s cannot be read (%s); every row is compared instead", file, type(error).__name__)
            return None
        if index.d != dimension or index.ntotal > rows:
            _log.warning("%s belongs to other vectors; every row is compared instead", file)
            return None
        return cls(index, kind)

    def __len__(self) -> int:
        """Return how many rows it covers."""
        return int(self._index.ntotal)

    @property
    def lists(self) -> int:
        """How many inverted lists it has; 0 if it has none."""
        return int(getattr(self._index, "nlist", 0))

    def extend(self, vectors: Vectors, progress: Progress | None = None) -> None:
        """Take in those of all *vectors*, shape (n, d), that are not covered yet; read block by block."""
        step = block_rows(vectors.shape[1])
        for start in range(len(self), len(vectors), step):
            block = np.ascontiguousarray(vectors[start : start + step])
            self._index.add(block)
            visited(block)
            if progress:
                progress(len(self), len(vectors))

    def write(self, file: Path) -> None:
        """Write the index to *file*, whole or not at all.

        Raises:
            StoreError: the file cannot be written.
        """
        import faiss

        unfinished = file.with_name(file.name + ".new")
        try:
            with open(unfinished, "wb") as stream:
                faiss.write_index(self._index, faiss.PyCallbackIOWriter(stream.write))  # type: ignore[attr-defined]  # its stubs lack it
            unfinished.replace(file)
        except (OSError, RuntimeError) as error:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise StoreError(f"{file} cannot be written; the documents are safe without it") from error

    def lists_near(self, queries: Vectors, gap: float) -> Rows:
        """Return how many lists have a centroid that is nearly as near as the nearest: int64 of shape (m,).

        A query that lies among the rows has few; one that lies apart from all of them, as short phrases do, has many,
        and its neighbours are spread over these.

        Args:
            queries: unit vectors, shape (m, d).
            gap: how much less its cosine to the query may be than that of the nearest.
        """
        cosines = queries @ self._centroids.T
        counts: Rows = (cosines >= cosines.max(axis=1, keepdims=True) - gap).sum(axis=1)
        return counts

    @cached_property
    def _centroids(self) -> Vectors:
        centroids: Vectors = self._index.quantizer.reconstruct_n(0, self.lists)
        return centroids

    def propose(self, queries: Vectors, count: int, probes: Rows) -> Rows:
        """Return rows that may be near, the likeliest first.

        Args:
            queries: unit vectors, shape (m, d).
            count: how many rows for each.
            probes: how many inverted lists are visited for each, where there are any: shape (m,). Queries for which
                as many are visited are answered together.

        Returns:
            int64 of shape (m, count); -1 where there are fewer.
        """
        # The type with fast-scan codes and no lists refuses any parameters.
        if not self.lists:
            unlisted: Rows = self._index.search(queries, count)[1]
            return unlisted
        import faiss

        found = np.empty((len(queries), count), dtype=np.int64)
        for number in np.unique(probes).tolist():
            places = np.flatnonzero(probes == number)
            parameters = faiss.SearchParametersIVF()
            parameters.nprobe = number
            found[places] = self._index.search(queries[places], count, params=parameters)[1]
        return found


def _sample(vectors: Vectors, dead: Rows | None) -> Vectors:
    """Return vectors to train on: live ones, since a row that died of damage may hold anything."""
    live = np.arange(len(vectors)) if dead is None else np.delete(np.arange(len(vectors)), dead)
    most = max(TRAINING_ROWS, _ROWS_A_LIST * lists(len(vectors)))
    chosen = gather(vectors, live[spread(len(live), most)])
    chosen = chosen[np.isfinite(chosen).all(axis=1)]  # faiss refuses all where one is not
    # faiss also wants more of them than centroids: where few are left, each counts several times.
    return np.resize(chosen, (min(most, len(vectors)), vectors.shape[1]))


def _train(index: Any, sample: Vectors) -> None:
    """Train an index: the centroids of its lists on all threads, the rest on one."""
    import faiss

    if hasattr(index, "quantizer"):
        centroids = faiss.Clustering(index.d, index.nlist, index.cp)
        centroids.train(sample, index.quantizer)
    # The many small k-means of a product quantiser take 1 s on one thread; on two threads that wait for each other
    # on a busy machine they took 38 s.
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        index.train(sample)
    finally:
        faiss.omp_set_num_threads(threads)


def spread(count: int, most: int) -> Rows:
    """Return rows spread evenly over a file: what came together often has the same subject."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def complaint(file: Path, dimension: int, rows: int) -> str:
    """Return what is wrong with a faiss file that should hold so many rows; an empty text if nothing is."""
    try:
        index = _read(file)
    except (OSError, RuntimeError, MemoryError) as error:
        return f"cannot be read ({type(error).__name__})"
    if (index.d, index.ntotal) != (dimension, rows):
        return f"covers {index.ntotal:,} rows of {index.d} dimensions, where {rows:,} of {dimension} are recorded"
    return ""


def _read(file: Path) -> Any:
    import faiss

    # Opened here: faiss takes no name that is not UTF-8.
    with open(file, "rb") as stream:
        return faiss.read_index(faiss.PyCallbackIOReader(stream.read))  # type: ignore[attr-defined]  # its stubs lack it
