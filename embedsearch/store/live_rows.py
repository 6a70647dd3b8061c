"""Which rows of an index folder are passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embedsearch.errors import QueryError
from embedsearch.store.neighbors_file import NeighborsFile
from embedsearch.vectors import Rows


class LiveRows(NeighborsFile):
    """An open index folder with the rows of its passages; those of deleted and replaced documents are dead."""

    def count_passages(self) -> int:
        """Return the number of passages, which is the number of live rows."""
        with self.reading():
            return self.rows - int(self._database.query("SELECT count(*) FROM dead")[0][0])

    def passage_documents(self) -> tuple[Rows, Rows]:
        """Return the live rows, ascending, and for each the number of its document; both int64.

        Raises:
            StoreError: what a passage says of its document is no number.
        """
        found = self._database.query("SELECT row, document FROM passages ORDER BY row")
        pairs = self._whole_numbers(found).reshape(-1, 2)
        return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])

    def document_numbers(self, rows: Rows) -> Rows:
        """Return for each of *rows*, which must be live, the number of its document, int64.

        Raises:
            StoreError: one is no passage's: what led to it is damaged; or as `passage_documents`.
        """
        found = dict(self._database.query_in("SELECT row, document FROM passages WHERE row IN (?)", rows.tolist()))
        return self._whole_numbers([found.get(row) for row in rows.tolist()])

    def _whole_numbers(self, found: Sequence[Any]) -> Rows:
        try:
            return np.array(found, dtype=np.int64)
        except (TypeError, ValueError, OverflowError) as error:
            raise self._database.damaged("a passage is missing, or the number of its document") from error

    def live_rows(self) -> Rows:
        """Return the rows of all passages, ascending, int64."""
        with self.reading():
            live = np.ones(self.rows, dtype=bool)
            live[self.dead_rows()] = False
        return np.flatnonzero(live)

    def dead_rows(self) -> Rows:
        """Return the rows that are no passage's any more, ascending, int64."""
        return np.array([row for (row,) in self._database.query("SELECT row FROM dead ORDER BY row")], dtype=np.int64)

    def require_live(self, rows: Rows) -> None:
        """Refuse row numbers that come from outside and are no passages' any more.

        Raises:
            QueryError: one is no passage's: its document was deleted or replaced, or it never was one.
        """
        with self.reading():
            gone = rows[(rows < 0) | (rows >= self.rows) | np.isin(rows, self.dead_rows())]
        if len(gone):
            raise QueryError(
                f"row {gone[0]} of {self.path} is not a passage, or no longer one: its document was deleted or "
                "replaced since it was drawn; draw again"
            )
