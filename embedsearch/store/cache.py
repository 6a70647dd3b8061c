"""Vectors by key in a folder of their own, shared by several indexes and processes.

A cache can only save work: what cannot be read from it is embedded anew, and what cannot be written is left out.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from embedsearch.errors import StoreError, reason
from embedsearch.store.checksums import checksum
from embedsearch.vectors import Vectors

_log = logging.getLogger("embedsearch")

CACHE = "EMBEDSEARCH_CACHE"
_FILE = "vectors.db"
_SQL_VARIABLES = 900
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, checksum INTEGER NOT NULL, vector BLOB NOT NULL) "
    "WITHOUT ROWID"
)


class VectorCache:
    """An open cache."""

    def __init__(self, folder: str | os.PathLike[str], dimension: int) -> None:
        """Open the cache in a folder, which is made if it does not exist.

        Args:
            folder: may be in use by other processes.
            dimension: the length of the vectors that are asked for; vectors of other lengths are kept beside them.

        Raises:
            StoreError: the folder cannot be made or written.
        """
        self.file = Path(folder) / _FILE
        self._dimension = dimension
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.file, isolation_level=None, timeout=30)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"the cache {folder} cannot be used: {reason(error)}. Name another folder in {CACHE}"
            ) from error
        try:
            # NORMAL: a power cut may cost the last vectors, which are embedded again then.
            for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", _SCHEMA):
                self._connection.execute(statement)
        except sqlite3.Error as error:
            self._connection.close()
            # Nothing is wrong with one that may not be written, or for which there is no room.
            advice = "Name" if isinstance(error, sqlite3.OperationalError) else "Remove it, or name"
            raise StoreError(
                f"the cache {self.file} cannot be used: {error}. {advice} another folder in {CACHE}"
            ) from error

    @classmethod
    def chosen(cls, folder: str | os.PathLike[str] | None, dimension: int) -> VectorCache | None:
        """Return the cache in *folder*, else the one that ``EMBEDSEARCH_CACHE`` names, else None."""
        named = folder or os.environ.get(CACHE)
        return cls(named, dimension) if named else None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Return the vectors, each of shape (d,), of those *keys* that are in the cache and intact."""
        found = {}
        try:
            for start in range(0, len(keys), _SQL_VARIABLES):
                part = keys[start : start + _SQL_VARIABLES]
                marks = ",".join("?" * len(part))
                statement = f"SELECT key, checksum, vector FROM vectors WHERE key IN ({marks})"
                for key, written, raw in self._connection.execute(statement, part):
                    if len(raw) == 4 * self._dimension and checksum(key, np.frombuffer(raw, dtype="<f4")) == written:
                        found[key] = np.frombuffer(raw, dtype="<f4").astype(np.float32)
        except sqlite3.Error as error:
            _log.warning("the cache %s cannot be read (%s); its texts are embedded again", self.file, error)
        return found

    def put(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Store vectors of shape (d,) by their keys."""
        records = [
            (key, checksum(key, vector), np.ascontiguousarray(vector, dtype="<f4").tobytes())
            for key, vector in vectors.items()
        ]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", records)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.rollback()
            _log.warning("the cache %s cannot be written (%s); nothing but time is lost", self.file, error)
