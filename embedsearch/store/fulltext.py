"""The full text of an index: an inverted file in SQLite (FTS5) with English stemming, one record a passage.

The table is *contentless*: it holds the words and where they stand, not the texts, which the documents hold
already. FTS5 therefore has to be told what a record was made of when it is taken out, so that `remove` must run
before a document's title or text is replaced, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import StoreError
from embedsearch.lexical import TOKENIZER
from embedsearch.store.database import Database
from embedsearch.vectors import Rows

_FORM = f"fts5 (title, text, content = '', tokenize = '{TOKENIZER}')"
# FTS5 merges its parts when there are so many of a kind. By itself it does when there are four: the words of the second
# half of a million passages then took an eighth longer than those of the first. With sixteen there are long pauses.
_MERGED_AT = 8
STATEMENTS = (
    f"CREATE VIRTUAL TABLE fulltext USING {_FORM}",
    f"INSERT INTO fulltext (fulltext, rank) VALUES ('automerge', {_MERGED_AT})",
)
SCHEMA = "".join(f"{statement};\n" for statement in STATEMENTS)
TITLE_WEIGHT = 2.0  # 1 to 3 are within .004 of each other on Cranfield and CISI (docs/search.md)
_FETCHED = 4096
_COMMAND = "fulltext, rowid, title, text"  # FTS5 takes commands in the column with the table's own name

Record = tuple[int, str, str]  # row, title, passage


class FullText:
    """The words of the passages of one open index."""

    def __init__(self, database: Database) -> None:
        """Read nothing yet."""
        self._database = database

    def add(self, records: Sequence[Record]) -> None:
        """Take in passages, each with its row and the title of its document; inside `writing`."""
        self._insert("fulltext", records)

    def remove(self, documents: Sequence[int]) -> None:
        """Take out the passages of the documents with these numbers, before their texts change; inside `writing`."""
        for number in documents:
            records = [("delete", *record) for record in self._records("WHERE number = ?", (number,))]
            self._database.execute_many(f"INSERT INTO fulltext ({_COMMAND}) VALUES (?, ?, ?, ?)", records)

    def restore(self, documents: Sequence[int]) -> None:
        """Take in again the passages of the documents with these numbers, in the rows they have; inside `writing`."""
        for number in documents:
            self.add(list(self._records("WHERE number = ?", (number,))))

    def rebuild(self) -> None:
        """Take in every passage anew, under the row it has now; inside `writing`."""
        try:
            self._database.execute("INSERT INTO fulltext (fulltext) VALUES ('delete-all')")
        except StoreError:
            # Too damaged to be emptied. The schema stays what it was, word for word.
            for statement in ("DROP TABLE fulltext", *STATEMENTS):
                self._database.execute(statement)
        self._fill("fulltext")

    def fault(self) -> str:
        """Return what is wrong with it, compared with one made anew from the documents; empty if nothing is.

        Inside `reading`; nothing is written but temporary tables.
        """
        made = {"made_anew": "temp.fulltext_made", "terms_held": "temp.terms_held", "terms_made": "temp.terms_made"}
        try:
            self._database.execute(f"CREATE VIRTUAL TABLE {made['made_anew']} USING {_FORM}")
            for name, schema, table in (("held", "main", "fulltext"), ("made", "temp", "fulltext_made")):
                vocabulary = f"fts5vocab ('{schema}', '{table}', 'instance')"
                self._database.execute(f"CREATE VIRTUAL TABLE {made[f'terms_{name}']} USING {vocabulary}")
            self._fill(made["made_anew"])
            return self._difference()
        except StoreError as error:
            return str(error)
        finally:
            for table in reversed(made.values()):
                self._database.execute(f"DROP TABLE IF EXISTS {table}")

    def _difference(self) -> str:
        sizes = (
            "SELECT id, sz FROM fulltext_docsize ORDER BY id",
            "SELECT id, sz FROM temp.fulltext_made_docsize ORDER BY id",
        )
        terms = ("SELECT * FROM temp.terms_held", "SELECT * FROM temp.terms_made")
        for what, statements in (("the lengths of passages", sizes), ("the words of passages", terms)):
            if not self._database.are_alike(*statements, size=_FETCHED):
                return f"{what} in the full text are not those of the documents"
        return ""

    def _fill(self, table: str) -> None:
        batch: list[Record] = []
        for record in self._records():
            batch.append(record)
            if len(batch) == _FETCHED:
                self._insert(table, batch)
                batch = []
        self._insert(table, batch)

    def _insert(self, table: str, records: Sequence[Record]) -> None:
        self._database.execute_many(f"INSERT INTO {table} (rowid, title, text) VALUES (?, ?, ?)", records)

    def rows(self) -> Rows:
        """Return the rows that it holds, ascending, int64."""
        found = self._database.query("SELECT id FROM fulltext_docsize ORDER BY id")
        return np.array([row for (row,) in found], dtype=np.int64)

    def count(self, match: str) -> int:
        """Return how many passages match; far quicker than their scores."""
        return int(self._database.query("SELECT count(*) FROM fulltext WHERE fulltext MATCH ?", (match,))[0][0])

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

    def _records(self, which: str = "", values: Sequence[int] = ()) -> Iterator[Record]:
        for part in self._database.iterate(f"SELECT number, title, text FROM documents {which}", values, size=64):
            for number, title, text in part:
                cuts = self._database.query(
                    "SELECT row, start, end FROM passages WHERE document = ? ORDER BY position", (number,)
                )
                # Cut here and not by substr(): SQLite's text functions end at a NUL, Python's texts do not.
                yield from ((row, storable(title), _cut(text, start, end)) for row, start, end in cuts)


def _cut(text: Any, start: Any, end: Any) -> str:
    whole = isinstance(text, str) and isinstance(start, int) and isinstance(end, int)
    return storable(text[start:end]) if whole else ""


def storable(text: Any) -> str:
    """Return *text* as SQLite takes it: with a question mark for each byte that is no UTF-8, a lone surrogate."""
    return str(text).encode("utf-8", "replace").decode("utf-8")
