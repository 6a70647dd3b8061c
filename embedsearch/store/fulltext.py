"""The full text of an index: an inverted file in SQLite (FTS5) with English stemming, one record a passage.

The table is *contentless*: it holds the words and where they stand, not the texts, which the documents hold
already. FTS5 therefore has to be told what a record was made of when it is taken out, so that `remove` must run
before a document's title or text is replaced, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from embedsearch.lexical import TOKENIZER
from embedsearch.store.database import Database
from embedsearch.vectors import Rows

SCHEMA = f"CREATE VIRTUAL TABLE fulltext USING fts5 (title, text, content = '', tokenize = '{TOKENIZER}');"
TITLE_WEIGHT = 2.0  # 1 to 3 are within .004 of each other on Cranfield and CISI (docs/search.md)
_FETCHED = 4096

Record = tuple[int, str, str]  # row, title, passage


class FullText:
    """The words of the passages of one open index."""

    def __init__(self, database: Database) -> None:
        """Read nothing yet."""
        self._database = database

    def add(self, records: Iterable[Record]) -> None:
        """Take in passages, each with its row and the title of its document; inside a transaction."""
        self._database.execute_many("INSERT INTO fulltext (rowid, title, text) VALUES (?, ?, ?)", list(records))

    def remove(self, id: str) -> None:
        """Take out the passages of the document called *id*; before its texts change, inside a transaction."""
        records = [("delete", *record) for record in self._records("WHERE id = ?", (id,))]
        self._database.execute_many("INSERT INTO fulltext (fulltext, rowid, title, text) VALUES (?, ?, ?, ?)", records)

    def rebuild(self) -> None:
        """Take in every passage anew; inside a transaction."""
        self._database.execute("DROP TABLE IF EXISTS fulltext")
        self._database.execute(SCHEMA)
        batch: list[Record] = []
        for record in self._records():
            batch.append(record)
            if len(batch) == _FETCHED:
                self.add(batch)
                batch = []
        self.add(batch)

    def rows(self) -> Rows:
        """Return the rows that it holds, ascending, int64."""
        return np.array(
            [row for (row,) in self._database.query("SELECT id FROM fulltext_docsize ORDER BY id")], np.int64
        )

    def search(self, match: str, *, title_weight: float = TITLE_WEIGHT) -> tuple[Rows, NDArray[np.float64]]:
        """Return all rows whose passages match, ascending, and their BM25 scores; inside `reading`.

        The scores are FTS5's with the sign turned (k1 1.2, b 0.75): above 0, higher is better, no upper bound.

        Args:
            match: an expression of FTS5 without any syntax of a user's, as `embedsearch.lexical` makes it.
            title_weight: what an occurrence in the title counts, where one in the passage counts 1.
        """
        statement = "SELECT rowid, bm25(fulltext, ?, 1.0) FROM fulltext WHERE fulltext MATCH ?"
        found = self._database.iterate(statement, (float(title_weight), match), size=_FETCHED)
        blocks = [np.array(part, dtype=np.float64) for part in found] if match else []
        pairs = np.concatenate(blocks) if blocks else np.empty((0, 2))
        order = np.argsort(pairs[:, 0], kind="stable")
        return pairs[order, 0].astype(np.int64), -pairs[order, 1]

    def _records(self, which: str = "", values: tuple[str, ...] = ()) -> Iterator[Record]:
        for part in self._database.iterate(f"SELECT number, title, text FROM documents {which}", values, size=64):
            for number, title, text in part:
                cuts = self._database.query(
                    "SELECT row, start, end FROM passages WHERE document = ? ORDER BY position", (number,)
                )
                # Cut here and not by substr(): SQLite's text functions end at a NUL, Python's texts do not.
                yield from ((row, title, text[start:end]) for row, start, end in cuts)
