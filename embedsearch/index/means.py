"""One vector for a document of several passages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embedsearch.errors import QueryError, did_you_mean
from embedsearch.store import Store
from embedsearch.vectors import Rows, Vectors, blocks, unit


def mean_vectors(store: Store, ids: Sequence[str]) -> Vectors:
    """Return the unit vector of the mean of each document's passages, shape (len(ids), d), in the order of *ids*.

    The vectors of their passages are read once, block by block.

    Raises:
        QueryError: a document is not in the index.
    """
    with store.reading():
        numbers = store.numbers_of(list(dict.fromkeys(ids)))
        if unknown := next((id for id in ids if id not in numbers), None):
            advice = did_you_mean(unknown, store.ids(100_000))
            raise QueryError(f"there is no document {unknown!r} in the index.{advice}")
        wanted = np.array([numbers[id] for id in ids], dtype=np.int64)
        rows, documents = store.passage_documents()
        distinct = np.unique(wanted)
        own = np.isin(documents, distinct)
        sums = _sums(store.vectors(), rows[own], np.searchsorted(distinct, documents[own]), len(distinct))
    return unit(sums[np.searchsorted(distinct, wanted)]) if len(wanted) else sums


def _sums(vectors: Vectors, rows: Rows, places: Rows, count: int) -> Vectors:
    """Return for each of *count* places the sum of the vectors of the rows that belong there."""
    sums = np.zeros((count, vectors.shape[1]), dtype=np.float32)
    for part, block in blocks(vectors, rows):
        owners = places[part]
        # The passages of a document mostly lie side by side: they are added up in runs.
        runs = np.flatnonzero(np.diff(owners, prepend=-1))
        np.add.at(sums, owners[runs], np.add.reduceat(block, runs, axis=0))
    return sums
