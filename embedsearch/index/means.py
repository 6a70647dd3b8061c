"""One vector for a document of several passages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from embedsearch.index.arguments import numbers_of
from embedsearch.store import Store
from embedsearch.vectors import Rows, Vectors, blocks, unit


def mean_vectors(store: Store, ids: Sequence[str]) -> Vectors:
    """Return the unit vector of the mean of each document's passages, shape (len(ids), d), in the order of *ids*.

    Their vectors are read once, block by block.

    Raises:
        QueryError: a document is not in the index.
    """
    with store.reading():
        numbers = numbers_of(list(dict.fromkeys(ids)), store, " in the index")
        rows = store.rows_by_document(list(numbers.values()))
        owners = np.repeat(np.arange(len(rows)), [len(own) for own in rows.values()])
        sums = _sums(store.vectors(), np.array(list(chain.from_iterable(rows.values())), np.int64), owners, len(rows))
    places = {number: place for place, number in enumerate(rows)}
    wanted = [places[numbers[id]] for id in ids]
    means = unit(sums)
    return means if wanted == list(range(len(means))) else means[wanted]


def _sums(vectors: Vectors, rows: Rows, places: Rows, count: int) -> Vectors:
    """Return for each of *count* places the sum of the vectors of the rows that belong there; *places* ascend."""
    sums = np.zeros((count, vectors.shape[1]), dtype=np.float32)
    for part, block in blocks(vectors, rows):
        owners = places[part]
        runs = np.flatnonzero(np.diff(owners, prepend=-1))
        sums[owners[runs]] += np.add.reduceat(block, runs, axis=0)
    return sums
