"""Passages drawn by lot, always the same ones: for pictures of an index that is too large to show whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedsearch.store import Keys, Store, short_keys
from embedsearch.vectors import Rows


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """Passages that were drawn by lot, and keys that tell their texts apart.

    Attributes:
        rows: the passages' rows, ascending, shape (n,).
        keys: one for each passage; the same text under the same encoder has the same key, whatever its row.
        of: how many passages they were drawn from.
    """

    rows: Rows
    keys: Keys
    of: int

    def __len__(self) -> int:
        """Return the number of passages drawn."""
        return len(self.rows)


def draw_lots(store: Store, most: int | None, rows: Rows | None) -> Draw:
    """Draw passages by the hashes of their texts.

    The lot of a passage depends on its own text alone: when documents are added, those drawn before stay but for the
    few that the new ones displace.

    Args:
        store: an open one.
        most: how many; all if None.
        rows: live rows to draw from, ascending; all live rows if None.
    """
    live, keys = short_keys(store)
    if rows is not None:
        keys, live = keys[np.searchsorted(live, rows)], rows
    count = len(live)
    if most is not None and count > most:
        drawn = np.sort(np.lexsort((live, keys))[:most])
        live, keys = live[drawn], keys[drawn]
    return Draw(live, keys, count)
