"""An index folder.

=====================  ===================================================================================
``index.db``           SQLite in WAL mode: documents, passages, full text, axes, labels, settings
``vectors.f32``        the vectors, one row of d little-endian float32 a passage, append-only; the truth
``neighbors.….faiss``  derived from the vectors, may be deleted at any time; its checksum is in its name
``derived-….npz``      made from the others, as where a map has been drawn; may be deleted at any time
``lock``               held by the one process that writes
=====================  ===================================================================================

A row of ``vectors.f32`` is valid when the SQLite transaction that names it is committed: vectors are written
and synced while the transaction is under way, and it commits after. What lies behind the last committed row
is left from a process that died, and the next writer overwrites it. A row, once committed, never changes: what
replaces it is appended, and the row is *dead*.

Compacting copies the live rows into a file of the next *epoch*, ``vectors.1.f32``, and one transaction names
that file and the new numbers of the rows. Readers that work on the old epoch hold its file open.

The database names the faiss file too. None has the name of another one, so that a reader who holds an old state
finds what belongs to it or nothing.

An index of an older *format* is read as it stands. It is brought to the present one, in one transaction, by the
first writer that needs what is new.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Self

from embedsearch.errors import StoreError
from embedsearch.given import require_path
from embedsearch.store import axes, fulltext, keys, labels
from embedsearch.store.creating import found_folder, make_folder
from embedsearch.store.database import DATABASE, REQUIRED, SCHEMA, SERVES_A_PROCESS, Database
from embedsearch.store.locking import WriteLock
from embedsearch.store.vectors_file import VectorsFile, vectors_name
from embedsearch.vectors import Rows, Vectors

_log = logging.getLogger("embedsearch")

FORMAT = 3
# What turns an index of a format into one of the next: statements of SQL.
_UPGRADES = {1: labels.STATEMENTS, 2: keys.STATEMENTS}
_OURS = re.compile(
    r"(vectors(\.\d+)?\.f32|neighbors(\.[0-9a-f]+)?\.faiss)(\.built)?(\.new)?|derived-[a-z0-9-]+\.npz\.\d+\.new"
)
REMEDY = "Repair it with embedsearch verify --repair, or ingest the sources again into a new folder"


def is_index(path: str | os.PathLike[str]) -> bool:
    """Return whether there is an index in this folder."""
    return os.access(Path(path) / DATABASE, os.F_OK)


class Folder:
    """An open index folder."""

    def __init__(self, path: Path, database: Database) -> None:
        """Wrap an open database; use `create` or `open`.

        Attributes:
            path: of the folder, absolute: the files are found by it when the process works in another one.
        """
        self.path = path
        self._database = database
        self.fulltext = fulltext.FullText(database)
        self.keys = keys.Keys(database)
        self.labels = labels.LabelJournal(database)
        self.axes = axes.AxisTable(database)
        self.damaged = False
        self._lock = WriteLock(path)
        self._file: VectorsFile | None = None
        self._made_with: list[Any] = []

    @classmethod
    def create(cls, path: str | os.PathLike[str], settings: Mapping[str, Any]) -> Self:
        """Make a new, empty index folder and open it.

        Args:
            path: the folder; it may exist if it is empty. Its parents are made.
            settings: what the index remembers; ``dimension`` must be among it.

        Raises:
            StoreError: there is something in the folder already, or it cannot be written.
        """
        first = {"format": FORMAT, "epoch": 0, "rows": 0, "generation": 0, "run": 0}
        make_folder(
            require_path("an index", path, error=StoreError),
            {**first, **settings},
            SCHEMA + keys.SCHEMA + fulltext.SCHEMA + labels.SCHEMA,
        )
        return cls.open(path)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, damaged: bool = False) -> Self:
        """Open an index folder; no vector is read.

        Args:
            path: the folder.
            damaged: open it although vectors are missing, to see or mend what can be mended.

        Raises:
            StoreError: there is no index, it may not be read, it is damaged, or another version of embedsearch made it.
        """
        absolute = found_folder(require_path("an index", path, error=StoreError))
        store = cls(absolute, Database(absolute / DATABASE))
        try:
            with store._database.reading():  # one state: another process may be upgrading it
                store._check_format()
            store.damaged = damaged
            if not damaged:
                store._check_vectors()
        except StoreError:
            store.close()
            raise
        return store

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied, or sent to another process.

        Raises:
            StoreError: always.
        """
        raise StoreError(f"{self.path}: {SERVES_A_PROCESS}")

    def close(self) -> None:
        """Close the files; the store cannot be used after that."""
        self._database.close()
        if self._file is not None:
            self._file.close()

    def _check_format(self) -> None:
        """Refuse a folder that cannot be an index of a format known here."""
        try:
            found = self._database.query("SELECT value FROM settings WHERE name = 'format'")
        except StoreError as error:
            if "no such table" not in str(error):
                raise
            found = []
        if not found:
            raise StoreError(
                f"{self.path / DATABASE} is not an index of embedsearch; restore it, or ingest the sources again into "
                "a new folder"
            )
        if found[0][0] not in map(json.dumps, range(1, FORMAT + 1)):
            raise StoreError(
                f"{self.path} has index format {found[0][0]}, this embedsearch reads formats 1 to {FORMAT}; "
                "use the embedsearch that made it, or ingest the sources again into a new folder"
            )
        self._database.check_schema()

    def _check_vectors(self) -> None:
        """Refuse a folder whose vectors file holds fewer rows than are committed."""
        with self.reading():
            assert self._file is not None
            held, rows = self._file.held(), self.rows
        if held < rows:
            raise StoreError(
                f"{self.path} is damaged: {self._file.path.name} holds {held:,} complete rows where {rows:,} "
                f"are recorded. {REMEDY}"
            )

    @property
    def database(self) -> Database:
        """The open database, for the rest of this package."""
        return self._database

    # -- settings ---------------------------------------------------------------------------------------

    def setting(self, name: str, default: Any = REQUIRED) -> Any:
        """Return a setting's JSON value; *default*, if there is one, where it was never set."""
        return self._database.setting(name, default)

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a JSON value under *name*; inside `writing`."""
        self._database.set_setting(name, value)

    @cached_property
    def dimension(self) -> int:
        """The length of the vectors."""
        return int(self.setting("dimension"))

    @property
    def rows(self) -> int:
        """How many rows of the vectors file are committed, dead ones included."""
        return int(self.setting("rows"))

    @property
    def epoch(self) -> int:
        """How often the vectors file has been compacted; rows of one epoch have nothing to do with another's."""
        return int(self.setting("epoch"))

    @property
    def generation(self) -> int:
        """A number that grows with every change of the passages."""
        return int(self.setting("generation"))

    @property
    def vectors_file(self) -> Path:
        """Where the vectors of the current epoch lie."""
        return self.path / vectors_name(self.epoch)

    @property
    def neighbors_file(self) -> Path:
        """Where the FAISS index lies that the stamp names, if there is one."""
        stamp = self.setting("neighbors", None) or {}
        return self.path / str(stamp.get("file", "neighbors.faiss"))  # what the stamps of the first indexes left unsaid

    def size(self) -> int:
        """Return the bytes of the files in the folder, but for those that SQLite has beside an open database."""
        return sum(_size(file) for file in self.path.iterdir() if not file.name.endswith(("-wal", "-shm")))

    # -- reading ----------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold one consistent state over several reads, whatever another process writes meanwhile."""
        with self._database.reading():
            self._pin()
            yield

    def _pin(self) -> None:
        """Have the vectors file open that belongs to the state that is read.

        Raises:
            StoreError: it is missing.
        """
        missed = None
        while self._file is None or self._file.path != self.vectors_file:
            self._require_encoder()
            path = self.vectors_file
            if path == missed and not self.damaged:
                raise StoreError(
                    f"{self.path} is damaged: {path.name} is missing where {self.rows:,} rows are recorded. {REMEDY}"
                )
            try:
                opened = VectorsFile(path, self.dimension, missing=path == missed)
            except FileNotFoundError:
                # Another process has compacted since this state was taken; the newest one has its file.
                missed = path
                self._database.renew()
                continue
            if self._file is not None:
                self._file.close()
            self._file = opened

    def _require_encoder(self) -> None:
        """Refuse to go on when the index was embedded anew since it was opened: no vector is what it was."""
        found = [self.setting(name, None) for name in ("encoder", "chunk_words", "overlap")]
        self._made_with = self._made_with or found
        if found != self._made_with:
            raise StoreError(f"{self.path} was reindexed since it was opened; open it again")

    def vectors(self) -> Vectors:
        """Return the committed vectors, memory-mapped read-only: float32 of shape (rows, dimension).

        Dead rows are among them; `Store.live_rows` says which count.
        """
        with self.reading():
            assert self._file is not None
            return self._file.mapped(self.rows)

    def held_vectors(self) -> Vectors:
        """Return the committed vectors that the file really holds: fewer rows than `vectors` where it is damaged."""
        with self.reading():
            assert self._file is not None
            return self._file.mapped(min(self.rows, self._file.held()))

    # -- writing ----------------------------------------------------------------------------------------

    @contextmanager
    def locked(self, wait: float = 0) -> Iterator[None]:
        """Be the one writer of this folder.

        Args:
            wait: seconds to wait for another writer to finish.

        Raises:
            StoreError: another process is writing, or this is within what writes, or the folder cannot be written.
        """
        self._database.require_present()  # the lock of a folder that is gone would make it anew
        self._database.require_writable()
        with self._lock.held(wait):
            self.sweep()
            yield

    def sweep(self) -> None:
        """Remove what a compaction or a build that was killed has left; inside `locked`.

        Raises:
            StoreError: the folder holds another index than the one that is open.
        """
        self._database.require_present()
        current = [self.vectors_file] + [self.neighbors_file] * bool(self.setting("neighbors", None))
        for file in self.path.iterdir():
            if _OURS.fullmatch(file.name) and file not in current:
                with contextlib.suppress(OSError):
                    file.unlink()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make one transaction of what is written inside; an error undoes all of it. Inside `locked`."""
        with self._database.writing():
            self._pin()
            before = self.rows
            try:
                yield
            except BaseException:
                # On a full disk this is the room that SQLite needs to roll back, and readers to open the index.
                assert self._file is not None
                self._file.cut(before)
                raise

    def upgrade(self) -> None:
        """Bring the index to the present format, where it is of an older one; inside `locked`.

        It is one transaction: a process that dies in it leaves the index as it was. Earlier versions of embedsearch
        cannot read it afterwards.
        """
        found = int(self.setting("format"))
        if found == FORMAT:
            return
        with self.writing():
            for step in range(found, FORMAT):
                for statement in _UPGRADES[step]:
                    self._database.execute(statement)
            self.set_setting("format", FORMAT)
            self._database.seal_schema()

    def rebuild(self) -> None:
        """Make anew by what passages are found, keys and words, from the passages and documents; inside `writing`."""
        self.keys.rebuild()
        self.fulltext.rebuild()

    def appending(self, first: int, vectors: Vectors) -> AbstractContextManager[None]:
        """Write vectors from row *first*, the first that is not committed, on, beside what is done within.

        They are written and synced at the end of the ``with`` block. Inside `writing`.
        """
        if self.damaged and not self.vectors_file.exists():
            self.vectors_file.touch()
            if self._file is not None:
                self._file.close()
                self._file = None
            self._pin()
        assert self._file is not None
        return self._file.appending(first, vectors)

    def copy_vectors(self, rows: Rows, epoch: int) -> None:
        """Write *rows* as the vectors file of an epoch to come; inside `locked`."""
        with self.reading():
            assert self._file is not None
            self._file.copy(rows, self.path / vectors_name(epoch))


def _size(file: Path) -> int:
    """Return the bytes of a file; 0 where it has just been removed, or is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0
