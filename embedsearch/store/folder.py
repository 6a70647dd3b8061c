"""An index folder.

===================  =====================================================================================
``index.db``         SQLite in WAL mode: documents, passages, axes, settings
``vectors.f32``      the vectors, one row of d little-endian float32 a passage, append-only; the truth
``neighbors.faiss``  derived from the vectors, may be deleted at any time
``lock``             held by the one process that writes
===================  =====================================================================================

A row of ``vectors.f32`` is valid when the SQLite transaction that names it is committed: vectors are written
and synced first, the transaction commits after. What lies behind the last committed row is left from a
process that died, and the next writer overwrites it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from embedsearch.documents import Document, Passage
from embedsearch.errors import StoreError
from embedsearch.store.database import Database
from embedsearch.vectors import Rows, Vectors

FORMAT = 1
DATABASE, VECTORS, NEIGHBORS, LOCK = "index.db", "vectors.f32", "neighbors.faiss", "lock"
_REMEDY = "Restore the file, or ingest the sources again into a new folder"


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as the index keeps it, with what its document says of itself."""

    row: int
    document: str
    position: int
    start: int
    end: int
    text: str
    title: str
    source: str
    metadata: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The passage's id: the document's, with ``#position`` behind it for all but the first passage."""
        return self.document if self.position == 0 else f"{self.document}#{self.position}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A document on its way into the store: its passages, each with its key and its vector."""

    document: Document
    passages: Sequence[Passage]
    keys: Sequence[bytes]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class SavedAxis:
    """An axis as the index keeps it: JSON values that `axes` understands."""

    name: str
    version: int
    saved: str
    definition: dict[str, Any]
    fitted: dict[str, Any]


class Store:
    """An open index folder."""

    def __init__(self, path: Path, database: Database) -> None:
        """Wrap an open database; use `Store.create` or `Store.open`."""
        self.path = path
        self._database = database

    @classmethod
    def create(cls, path: str | os.PathLike[str], settings: Mapping[str, Any]) -> Store:
        """Make a new, empty index folder and open it.

        Args:
            path: the folder; it may exist if it is empty. Its parents are made.
            settings: what the index remembers; ``dimension`` must be among it.

        Raises:
            StoreError: there is something in the folder already, or it cannot be written.
        """
        folder = Path(path)
        if (folder / DATABASE).exists():
            raise StoreError(f"{folder} is an index already; open it, or choose another folder")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StoreError(f"{folder} exists and is no index; choose another folder (nothing was changed)")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / VECTORS).touch()
            Database.make(folder / DATABASE, {"format": FORMAT, "rows": 0, "generation": 0, "run": 0, **settings})
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"no index can be made in {folder}: {error}") from error
        return cls.open(folder)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Store:
        """Open an index folder; no vector is read.

        Raises:
            StoreError: there is no index, it is damaged, or another version of embedsearch made it.
        """
        folder = Path(path)
        if not (folder / DATABASE).is_file():
            what = "holds no index" if folder.is_dir() else "does not exist"
            raise StoreError(
                f"there is no index: {folder} {what}. Make one with: embedsearch ingest SOURCE -i {folder}"
            )
        store = cls(folder, Database(folder / DATABASE))
        try:
            store._check()
        except StoreError:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close the database; the store cannot be used after that."""
        self._database.close()

    def _check(self) -> None:
        """Refuse a folder that cannot be an index of this format."""
        found = self.setting("format", None)
        if found != FORMAT:
            raise StoreError(
                f"{self.path} has index format {found}, this embedsearch reads format {FORMAT}; "
                "ingest the sources again into a new folder"
            )
        file = self.path / VECTORS
        held = file.stat().st_size // (4 * self.dimension) if file.is_file() else 0
        if held < self.rows:
            raise StoreError(
                f"{self.path} is damaged: {VECTORS} holds {held:,} whole rows where {self.rows:,} are recorded. "
                f"{_REMEDY}"
            )

    # -- settings ---------------------------------------------------------------------------------------

    def setting(self, name: str, default: Any) -> Any:
        """Return a setting's JSON value, or *default*."""
        return self._database.setting(name, default)

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a JSON value under *name*; inside `writing`."""
        self._database.set_setting(name, value)

    @cached_property
    def dimension(self) -> int:
        """The length of the vectors."""
        return int(self.setting("dimension", 0))

    @property
    def rows(self) -> int:
        """How many rows of the vectors file are committed, deleted ones included."""
        return int(self.setting("rows", 0))

    @property
    def generation(self) -> int:
        """A number that grows with every change of the passages."""
        return int(self.setting("generation", 0))

    @property
    def neighbors_file(self) -> Path:
        """Where the derived FAISS index lies, if there is one."""
        return self.path / NEIGHBORS

    def size(self) -> int:
        """Return the bytes of all files in the folder."""
        return sum(file.stat().st_size for file in self.path.iterdir() if file.is_file())

    # -- reading ----------------------------------------------------------------------------------------

    def reading(self) -> AbstractContextManager[None]:
        """Hold one consistent state over several reads, whatever another process writes meanwhile."""
        return self._database.reading()

    def vectors(self) -> Vectors:
        """Return the committed vectors, memory-mapped read-only: float32 of shape (rows, dimension).

        Deleted rows are among them; `live_rows` says which count.
        """
        rows = self.rows
        if rows == 0:
            return np.empty((0, self.dimension), dtype=np.float32)
        mapped = np.memmap(self.path / VECTORS, dtype="<f4", mode="r", shape=(rows, self.dimension))
        return mapped.view(np.ndarray)

    def count_documents(self) -> int:
        """Return the number of documents."""
        return int(self._database.query("SELECT count(*) FROM documents")[0][0])

    def count_passages(self) -> int:
        """Return the number of passages, which is the number of live rows."""
        return int(self._database.query("SELECT count(*) FROM passages")[0][0])

    def passage_documents(self) -> tuple[Rows, Rows]:
        """Return the live rows, ascending, and for each the number of its document; both int64."""
        found = self._database.query("SELECT row, document FROM passages ORDER BY row")
        pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
        return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])

    def live_rows(self) -> Rows:
        """Return the rows of all passages, ascending, int64."""
        return self.passage_documents()[0]

    def rows_of_keys(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """Return, for those of *keys* that are in the index, a row that holds the vector."""
        statement = "SELECT key, min(row) FROM passages WHERE key IN (?) GROUP BY key"
        return dict(self._database.query_in(statement, list(dict.fromkeys(keys))))

    def rows_with_keys(self, keys: Iterable[bytes]) -> dict[int, bytes]:
        """Return all rows that hold the vector of one of *keys*, each with its key."""
        return dict(self._database.query_in("SELECT row, key FROM passages WHERE key IN (?)", list(keys)))

    def passages(self, rows: Iterable[int]) -> list[StoredPassage]:
        """Return the passages in *rows*, in that order, their vectors checked against their checksums.

        Raises:
            StoreError: a vector on disk is not the one that was written.
        """
        wanted = [int(row) for row in rows]
        vectors = self.vectors()
        found: dict[int, StoredPassage] = {}
        for row, id, position, start, end, text, title, source, metadata, checksum in self._database.query_in(
            "SELECT p.row, d.id, p.position, p.start, p.end, d.text, d.title, d.source, d.metadata, p.checksum "
            "FROM passages p JOIN documents d ON d.number = p.document WHERE p.row IN (?)",
            wanted,
        ):
            if _checksum(vectors[row]) != checksum:
                raise StoreError(f"{self.path} is damaged: row {row} of {VECTORS} is not what was written. {_REMEDY}")
            found[row] = StoredPassage(
                row, id, position, start, end, text[start:end], title, source, json.loads(metadata)
            )
        return [found[row] for row in wanted]

    def document(self, id: str) -> Document | None:
        """Return the document called *id*, or None."""
        found = self._database.query("SELECT id, text, title, metadata, source FROM documents WHERE id = ?", (id,))
        return _document(found[0]) if found else None

    def documents(self, numbers: Iterable[int]) -> Iterator[Document]:
        """Yield the documents with these numbers, in the order of their numbers."""
        statement = "SELECT id, text, title, metadata, source FROM documents WHERE number IN (?) ORDER BY number"
        for record in self._database.query_in(statement, sorted(int(number) for number in numbers)):
            yield _document(record)

    def numbers(self) -> Rows:
        """Return the numbers of all documents, ascending: the order in which they came."""
        found = self._database.query("SELECT number FROM documents ORDER BY number")
        return np.array([number for (number,) in found], dtype=np.int64)

    def rows_of_document(self, id: str) -> Rows:
        """Return the rows of a document's passages in their order; none if there is no such document."""
        found = self._database.query(
            "SELECT p.row FROM passages p JOIN documents d ON d.number = p.document WHERE d.id = ? ORDER BY p.position",
            (id,),
        )
        return np.array([row for (row,) in found], dtype=np.int64)

    def ids(self, limit: int) -> list[str]:
        """Return the ids of the first *limit* documents."""
        found = self._database.query("SELECT id FROM documents ORDER BY number LIMIT ?", (limit,))
        return [id for (id,) in found]

    def field_names(self) -> list[str]:
        """Return the names of the metadata fields that any document has, sorted."""
        found = self._database.query(
            "SELECT DISTINCT fields.key FROM documents, json_each(documents.metadata) AS fields"
        )
        return sorted(str(name) for (name,) in found)

    def field(self, name: str) -> list[Any]:
        """Return one field of every document, in the order of `numbers`; None where a document lacks it.

        Args:
            name: ``id``, ``title``, ``text``, or a metadata field.
        """
        if name in ("id", "title", "text"):
            found = self._database.query(f"SELECT {name} FROM documents ORDER BY number")
            return [value for (value,) in found]
        # Parsed here and not by a JSON path in SQL, since any text can be the name of a field.
        found = self._database.query("SELECT metadata FROM documents ORDER BY number")
        return [json.loads(metadata).get(name) for (metadata,) in found]

    # -- writing ----------------------------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the one writer of this folder.

        Raises:
            StoreError: another process is writing, or the folder cannot be written.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(str(self.path / LOCK))
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise StoreError(
                f"another process is writing to {self.path}; wait until it has finished, then run the command again"
            ) from error
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from error
        try:
            yield
        finally:
            lock.release()

    def writing(self) -> AbstractContextManager[None]:
        """Make one transaction of what is written inside; an error undoes all of it. Inside `locked`."""
        return self._database.writing()

    def next_run(self) -> int:
        """Return the number of a new ingest; inside `writing`."""
        run = int(self.setting("run", 0)) + 1
        self.set_setting("run", run)
        return run

    def put(self, entries: Sequence[Entry], run: int) -> None:
        """Add or replace documents with their passages; inside `writing`.

        Args:
            entries: documents with their passages, keys and vectors.
            run: the ingest that they belong to.
        """
        row = self._append(entries)
        for entry in entries:
            number = self._put_document(entry.document, run)
            records = []
            for passage, key, vector in zip(entry.passages, entry.keys, entry.vectors, strict=True):
                records.append((row, number, passage.position, passage.start, passage.end, key, _checksum(vector)))
                row += 1
            self._database.execute_many("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?)", records)
        self.set_setting("rows", row)
        self.set_setting("generation", self.generation + 1)

    def describe(self, document: Document, run: int) -> None:
        """Replace the metadata and the source of a document whose texts stay; inside `writing`."""
        self._database.execute(
            "UPDATE documents SET metadata = ?, source = ?, run = ? WHERE id = ?",
            (_metadata(document), document.source, run, document.id),
        )

    def run_of(self, id: str) -> int:
        """Return the last ingest that met the document called *id*; 0 if there is none."""
        found = self._database.query("SELECT run FROM documents WHERE id = ?", (id,))
        return int(found[0][0]) if found else 0

    def _put_document(self, document: Document, run: int) -> int:
        self._database.execute(
            "INSERT INTO documents (id, title, text, metadata, source, run) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET title = excluded.title, text = excluded.text, "
            "metadata = excluded.metadata, source = excluded.source, run = excluded.run",
            (document.id, document.title, document.text, _metadata(document), document.source, run),
        )
        number = int(self._database.query("SELECT number FROM documents WHERE id = ?", (document.id,))[0][0])
        self._database.execute("DELETE FROM passages WHERE document = ?", (number,))
        return number

    def _append(self, entries: Sequence[Entry]) -> int:
        """Write the vectors of *entries* behind the last committed row, synced; return the first new row."""
        first = self.rows
        try:
            with open(self.path / VECTORS, "r+b") as stream:
                stream.seek(first * 4 * self.dimension)
                for entry in entries:
                    stream.write(np.ascontiguousarray(entry.vectors, dtype="<f4").tobytes())
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise StoreError(
                f"{self.path / VECTORS} cannot be written: {error}. What was committed before is safe"
            ) from error
        return first

    # -- axes -------------------------------------------------------------------------------------------

    def put_axis(self, name: str, definition: Mapping[str, Any], fitted: Mapping[str, Any], saved: str) -> None:
        """Keep an axis under *name*; its version is one more than before. Inside `writing`."""
        self._database.execute(
            "INSERT INTO axes (name, version, saved, definition, fitted) VALUES (?, 1, ?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET version = version + 1, saved = excluded.saved, "
            "definition = excluded.definition, fitted = excluded.fitted",
            (name, saved, json.dumps(definition), json.dumps(fitted)),
        )

    def delete_axis(self, name: str) -> None:
        """Forget the axis called *name*; inside `writing`."""
        self._database.execute("DELETE FROM axes WHERE name = ?", (name,))

    def axes(self) -> list[SavedAxis]:
        """Return all axes in the order in which they were first saved."""
        found = self._database.query("SELECT name, version, saved, definition, fitted FROM axes ORDER BY number")
        return [
            SavedAxis(name, version, saved, json.loads(definition), json.loads(fitted))
            for name, version, saved, definition, fitted in found
        ]


def _checksum(vector: Any) -> int:
    return zlib.crc32(np.ascontiguousarray(vector, dtype="<f4").tobytes())


def _document(record: tuple[str, str, str, str, str]) -> Document:
    id, text, title, metadata, source = record
    return Document(id, text, title=title, metadata=json.loads(metadata), source=source)


def _metadata(document: Document) -> str:
    return json.dumps(dict(document.metadata), ensure_ascii=False, allow_nan=False)
