"""Compacting: giving the space of dead rows and deleted documents back to the disk.

The live rows are copied into a vectors file of the next epoch, synced. Then one transaction gives the passages
their new rows and names the new epoch. Before its commit the old state is whole, after it the new one; the file
that neither names is removed by whoever writes next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedsearch.errors import StoreError
from embedsearch.store.store import Store


@dataclass(frozen=True, slots=True)
class Compaction:
    """What compacting did.

    Attributes:
        rows: how many dead rows were removed.
        before: the size of the folder before, in bytes.
        after: the size of the folder after, in bytes.
    """

    rows: int
    before: int
    after: int


def compact(store: Store) -> Compaction:
    """Remove the dead rows from the vectors file and the deleted records from the database; inside `locked`.

    Raises:
        StoreError: the disk has no room for a second copy. Either the index is as it was, or its rows are compacted and
            only the space of deleted records in the database is not given back; the message says which.
    """
    before = store.size()
    dead = store.rows - store.count_passages()
    if dead:
        _rewrite(store)
        store.sweep()
    try:
        store.database.vacuum()
    except StoreError as error:
        done = "the vectors are compacted, the database is not" if dead else "nothing was changed"
        raise StoreError(f"{error}. The index is whole: {done}; compact it again") from error
    return Compaction(dead, before, store.size())


def _rewrite(store: Store) -> None:
    live = store.live_rows()
    epoch = store.epoch + 1
    store.copy_vectors(live, epoch)
    # Ascending, so that no row takes a number that another still has: the new one is never above the old.
    moved = np.flatnonzero(live != np.arange(len(live)))
    with store.writing():
        store.forget_dead()
        store.renumber(zip(moved.tolist(), live[moved].tolist(), strict=True))
        store.set_setting("epoch", epoch)
        store.set_setting("neighbors", None)
        store.changed(len(live))
