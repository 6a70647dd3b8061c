"""The faiss file of an index: when it is built, extended and read.

Rows newer than the file are scored one by one, so that the file need not cover all rows. When there are many of them,
the file is extended: the new rows get codes from the existing centroids. When the index has doubled since the file was
trained, it is built anew. When half of the passages that its self-test was made with are gone, it is tested anew: the
neighbours of those left lie farther away, in more lists.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from embedsearch.neighbors import FLAT_VALUES, RECALL, FaissIndex, Neighbors, Progress, SelfTest, self_test
from embedsearch.store import Store

_log = logging.getLogger("embedsearch")

_MOST_NEWER = 10_000  # rows; so many are scored one by one in about a millisecond at 384 dimensions
_NEWER_SHARE = 200  # a large index may have one row in so many, since extending writes the whole file again
_GROWTH = 2
_SHRINKING = 2


class Nearby:
    """The nearest-row search of one index, and the file behind it."""

    def __init__(self, store: Store) -> None:
        """Read nothing yet."""
        self._store = store
        self._neighbors: Neighbors | None = None
        self._state: Any = None
        self._index: FaissIndex | None = None
        self._stamp: Any = None

    @property
    def neighbors(self) -> Neighbors:
        """The nearest-row search over what the index holds now."""
        with self._store.reading():
            stamp = self._store.setting("neighbors", None)
            state = (self._store.generation, stamp)
            if self._neighbors is None or self._state != state:
                self._read(stamp)
                effort = SelfTest.from_dict(stamp).effort if self._index and "gap" in stamp else None
                self._neighbors = Neighbors(self._store.vectors(), self._store.dead_rows(), self._index, effort)
                self._state = state
        return self._neighbors

    def _read(self, stamp: Any) -> None:
        """Load the faiss index that the stamp names; inside `reading`."""
        # The stamp has the file's checksum; another epoch has no stamp before its own file is built.
        if self._stamp == stamp and self._index is not None:
            return
        file, _ = self._store.neighbors()
        self._index = None
        if file is not None:
            self._index = FaissIndex.read(file, self._store.dimension, self._store.rows, stamp["kind"])
        self._stamp = stamp

    def refresh(self, progress: Progress | None = None) -> None:
        """Build the file if it is missing, extend it if many rows are newer, test it anew if half are gone; locked."""
        rows, stamp = self._store.rows, self._store.setting("neighbors", None) or {}
        if not self._is_stale(rows, stamp):
            return
        # A flat index is built as quickly as it is extended, and may have become too large for its type.
        is_grown = not stamp or stamp["kind"] == "Flat" or rows > _GROWTH * stamp["trained"]
        if is_grown or not self._extend(stamp, progress):
            self.rebuild(progress)

    def _is_stale(self, rows: int, stamp: Mapping[str, Any]) -> bool:
        newer = rows - (stamp.get("rows", 0) if self._store.neighbors_file.is_file() else 0)
        if newer == rows or stamp.get("wanted") != self._recall:
            return rows > 0
        is_small = rows * self._store.dimension <= FLAT_VALUES
        if newer > (0 if is_small else max(_MOST_NEWER, rows // _NEWER_SHARE)):
            return True
        # A flat index compares every row, whatever is left of them.
        return stamp["kind"] != "Flat" and _SHRINKING * self._store.count_passages() < int(stamp["live"])

    @property
    def _recall(self) -> float:
        return float(self._store.setting("recall", RECALL))

    def rebuild(self, progress: Progress | None = None) -> None:
        """Build the file anew, if there are passages. The caller holds the lock."""
        if self._store.count_passages():
            vectors = self._store.vectors()
            self._keep(FaissIndex.build(vectors, progress, self._store.dead_rows()), len(vectors))

    def _extend(self, stamp: Mapping[str, Any], progress: Progress | None) -> bool:
        """Add the newer rows to the file; return whether it then reaches the recall wanted."""
        file, _ = self._store.neighbors()
        vectors = self._store.vectors()
        index = FaissIndex.read(file, self._store.dimension, len(vectors), stamp["kind"]) if file else None
        if index is None:
            return False
        index.extend(vectors, progress)
        return self._keep(index, stamp["trained"], always=False)

    def _keep(self, index: FaissIndex, trained: int, *, always: bool = True) -> bool:
        """Test a faiss index and put it in place; unless *always*, only if it reaches the recall wanted."""
        dead = self._store.dead_rows()
        test = self_test(index, self._store.vectors(), self._recall, dead)
        if test.recall < test.wanted and not always:
            return False
        if test.recall < test.wanted:
            _log.warning("searches find %.4f of the 10 nearest passages, not the %.4f wanted", test.recall, test.wanted)
        file = self._store.neighbors_file
        built = file.with_name(f"{file.name}.built")
        index.write(built)
        counts = {"rows": len(index), "live": len(index) - len(dead), "trained": trained}
        stamp = {"kind": index.kind, **counts, **test.to_dict()}
        self._store.keep_neighbors(built, stamp)
        self._neighbors = None
        return True
