"""The SQLite side of an index folder: connection, transactions, settings, and errors in our words."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from embedsearch.errors import StoreError

_SQL_VARIABLES = 900  # below the 999 that SQLite allows in a statement when it is built with its defaults

_REMEDY = "Restore it, or ingest the sources again into a new folder"

SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    metadata TEXT NOT NULL,
    source TEXT NOT NULL,
    run INTEGER NOT NULL
);
CREATE TABLE passages (
    row INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    key BLOB NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE INDEX passages_by_document ON passages (document, position);
CREATE INDEX passages_by_key ON passages (key);
CREATE TABLE axes (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    saved TEXT NOT NULL,
    definition TEXT NOT NULL,
    fitted TEXT NOT NULL
);
"""


class Database:
    """An open ``index.db``; every error of SQLite leaves it as a `StoreError`."""

    def __init__(self, file: Path) -> None:
        """Open *file*, which must exist.

        Raises:
            StoreError: it is no SQLite database, or cannot be read.
        """
        self.file = file
        self._connection = sqlite3.connect(file, isolation_level=None, timeout=30)
        self._depth = 0
        try:
            # FULL: a transaction that is committed stays so when the power fails.
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                self.query(f"PRAGMA {pragma}")
        except StoreError:
            self.close()
            raise

    @staticmethod
    def make(file: Path, settings: Mapping[str, Any], *, schema: str = SCHEMA) -> None:
        """Write a new database with the tables of *schema*; it appears under its name when it is whole."""
        unfinished = file.with_name(file.name + ".new")
        unfinished.unlink(missing_ok=True)
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
            connection.executescript(schema)
            records = [(name, json.dumps(value)) for name, value in settings.items()]
            connection.executemany("INSERT INTO settings VALUES (?, ?)", records)
        unfinished.replace(file)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return all records that *statement* gives."""
        with self._translated():
            return self._connection.execute(statement, values).fetchall()

    def iterate(self, statement: str, values: Sequence[Any] = (), *, size: int) -> Iterator[list[Any]]:
        """Yield the records that *statement* gives, at most *size* at once; inside `reading` or `writing`."""
        with self._translated():
            cursor = self._connection.execute(statement, values)
            while part := cursor.fetchmany(size):
                yield part

    def query_in(self, statement: str, values: Sequence[Any]) -> Iterator[Any]:
        """Yield the records of a statement with ``IN (?)``, asked in parts that SQLite can take."""
        for start in range(0, len(values), _SQL_VARIABLES):
            part = values[start : start + _SQL_VARIABLES]
            yield from self.query(statement.replace("IN (?)", f"IN ({','.join('?' * len(part))})"), part)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement that gives nothing."""
        with self._translated():
            self._connection.execute(statement, values)

    def execute_many(self, statement: str, records: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each of *records*."""
        with self._translated():
            self._connection.executemany(statement, records)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold one consistent state over several reads, whatever another process writes meanwhile."""
        if self._depth:
            yield
            return
        self.execute("BEGIN")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            self._connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make one transaction of what is written inside; an error undoes all of it."""
        self.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.rollback()
            raise
        finally:
            self._depth -= 1

    def setting(self, name: str, default: Any) -> Any:
        """Return a setting's JSON value, or *default*."""
        found = self.query("SELECT value FROM settings WHERE name = ?", (name,))
        return json.loads(found[0][0]) if found else default

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a JSON value under *name*; inside `writing`."""
        self.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                folder = self.file.parent
                raise StoreError(f"another process is writing to {folder}; run the command again later") from error
            if "no such" in str(error):
                raise StoreError(f"{self.file} is damaged: {error}. {_REMEDY}") from error
            raise StoreError(f"{self.file} cannot be used: {error}. What was committed before is safe") from error
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.file} is damaged: {error}. {_REMEDY}") from error
