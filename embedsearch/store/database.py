"""The SQLite side of an index folder: connection, transactions, settings, and errors in our words."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

from embedsearch.errors import BusyError, OutOfReachError, StoreError
from embedsearch.store.locking import unwritable

DATABASE = "index.db"
SERVES_A_PROCESS = "an open index serves the process that opened it; call embedsearch.open in each process"
REQUIRED = object()  # the default of a setting that every index has
_SQL_VARIABLES = 900  # below the 999 that SQLite allows in a statement when it is built with its defaults
_CACHE_KIB = 65_536  # keys are random: with the 2 MiB that SQLite takes by itself, their table is read again and again
# 64 MiB: what several transactions change on one page is written into the database once.
_JOURNAL_PAGES = 16_384

# Short columns come first: SQLite reads a record from its start, and a long text lies on many pages.
SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    digest BLOB NOT NULL,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    source TEXT NOT NULL,
    metadata TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE TABLE passages (
    row INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    seal INTEGER NOT NULL,
    key BLOB NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE INDEX passages_by_document ON passages (document, position);
CREATE TABLE dead (row INTEGER PRIMARY KEY, key BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE TRIGGER passage_dies AFTER DELETE ON passages
BEGIN INSERT INTO dead VALUES (OLD.row, OLD.key, OLD.checksum); END;
CREATE TABLE axes (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    saved TEXT NOT NULL,
    definition TEXT NOT NULL,
    fitted TEXT NOT NULL,
    checksum INTEGER NOT NULL
);
"""


class Database:
    """An open ``index.db``; every error of SQLite leaves it as a `StoreError`."""

    def __init__(self, file: Path) -> None:
        """Open *file*, which must exist; read-only where it or its folder cannot be written.

        Raises:
            StoreError: it is no SQLite database, or cannot be read.
        """
        self.file = file
        self._depth = 0
        self._held: dict[str, list[Any]] = {}  # settings read in the state that is held
        self._functions: dict[str, tuple[int, Callable[..., Any]]] = {}
        self._opened = 0  # times
        self._connect()

    def _connect(self) -> None:
        self._opened += 1
        self._process = os.getpid()
        self._stands, self._address = _stands(self.file), _address(self.file)
        with self._translated():
            self._connection = sqlite3.connect(self._address, uri=True, isolation_level=None, timeout=30)
        # Bytes that are no UTF-8 any more must reach the checksums, which name the damage.
        self._connection.text_factory = _text
        try:
            # FULL: a transaction that is committed stays so when the power fails.
            journal = f"wal_autocheckpoint = {_JOURNAL_PAGES}"
            for pragma in ("synchronous = FULL", "foreign_keys = ON", f"cache_size = -{_CACHE_KIB}", journal):
                self.query(f"PRAGMA {pragma}")
        except StoreError as error:
            self.close()
            if _is_writable(self.file) or not _unmerged(self.file):
                raise
            raise OutOfReachError(
                f"{self.file} cannot be read without permission to write: the last writer was cut off, and what it "
                f"committed stands in {self.file.name}-wal. Open the index once where its folder can be written"
            ) from error
        for name, (arguments, function) in self._functions.items():
            self._connection.create_function(name, arguments, function, deterministic=True)

    def require_present(self) -> None:
        """Refuse to go on where the file has gone or another one has its name: all other files are found by name.

        Raises:
            StoreError: the folder was removed, or holds another index.
        """
        if _stands(self.file)[0] != self._stands[0]:
            raise StoreError(
                f"the index in {self.file.parent} was removed or replaced since it was opened; open it again"
            )

    def require_writable(self) -> None:
        """Refuse to begin to write where this may not.

        Raises:
            StoreError: the file or its folder cannot be written.
        """
        if _is_writable(self.file):
            return
        try:
            open(self.file, "r+b").close()  # as the system says why
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise unwritable(self.file.parent, error) from error

    def _follow(self) -> None:
        """Open the database anew where it was taken as it stood, and somebody has written to it since."""
        self.require_present()
        if self._is_fixed and (_stands(self.file), _address(self.file)) != (self._stands, self._address):
            self._connection.close()
            self._connect()

    @property
    def _is_fixed(self) -> bool:
        return self._address.endswith(_IMMUTABLE)

    @staticmethod
    def make(file: Path, settings: Mapping[str, Any], *, schema: str = SCHEMA) -> None:
        """Write a new database with the tables of *schema*; it appears when it is whole and on the disk."""
        unfinished = file.with_name(file.name + ".new")
        unfinished.unlink(missing_ok=True)
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
            connection.executescript(schema)
            fingerprint = _fingerprint(connection.execute(_DEFINITIONS))
            records = [_setting(name, value) for name, value in {**settings, "schema": fingerprint}.items()]
            connection.executemany("INSERT INTO settings VALUES (?, ?, ?)", records)
            connection.execute("PRAGMA journal_mode = WAL")
        with open(unfinished, "rb") as stream:
            os.fsync(stream.fileno())
        unfinished.replace(file)

    def close(self) -> None:
        """Close the connection, where this process opened it: SQLite wants a copy in a forked one left alone."""
        if self._process == os.getpid():
            self._connection.close()

    def check_schema(self) -> None:
        """Refuse a database whose tables are not those it was made with.

        Raises:
            StoreError: it is damaged, or another program's.
        """
        if self.setting("schema", None) != _fingerprint(self.query(_DEFINITIONS)):
            raise self.damaged("its tables are not those it was made with")

    def seal_schema(self) -> None:
        """Note what tables there are now; inside `writing`."""
        self.set_setting("schema", _fingerprint(self.query(_DEFINITIONS)))

    def damaged(self, what: str) -> StoreError:
        """Return the error that names damage in this file."""
        return StoreError(
            f"{self.file} is damaged: {what}. Run embedsearch verify -i {self.file.parent} to see what is lost, or "
            "ingest the sources again into a new folder"
        )

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
        """Yield the records of a statement with ``IN (?)`` or ``VALUES (?)``, asked in parts that SQLite can take."""
        for start in range(0, len(values), _SQL_VARIABLES):
            part = values[start : start + _SQL_VARIABLES]
            asked = statement.replace("IN (?)", f"IN ({','.join('?' * len(part))})")
            yield from self.query(asked.replace("VALUES (?)", f"VALUES {','.join(['(?)'] * len(part))}"), part)

    def are_alike(self, first: str, second: str, *, size: int) -> bool:
        """Do two statements give the same records? At most *size* of each are held; inside `reading` or `writing`."""
        parts = (self.iterate(statement, size=size) for statement in (first, second))
        return all(one == other for one, other in zip_longest(*parts))

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement that gives nothing."""
        with self._translated():
            self._connection.execute(statement, values)

    def execute_many(self, statement: str, records: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each of *records*."""
        with self._translated():
            self._connection.executemany(statement, records)

    def set_function(self, function: Callable[..., Any], arguments: int) -> None:
        """Let statements call *function* by its name; it gives the same for the same arguments."""
        with self._translated():
            self._connection.create_function(function.__name__, arguments, function, deterministic=True)
        self._functions[function.__name__] = arguments, function

    def state(self) -> tuple[object, int]:
        """Return what differs after every change by another process, and after one by this; inside `reading`."""
        self.query("SELECT count(*) FROM settings")  # the state is taken when something is first read
        return (self._opened, self.query("PRAGMA data_version")[0][0]), self._connection.total_changes

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold one consistent state over several reads, whatever another process writes meanwhile."""
        if self._depth:
            yield
            return
        self._follow()
        self.execute("BEGIN")
        self._depth += 1
        try:
            yield
            self._require_unchanged()
        except StoreError:
            self._require_unchanged()
            raise
        finally:
            self._depth -= 1
            self._held.clear()
            with suppress(sqlite3.ProgrammingError):  # it was closed meanwhile
                self._connection.rollback()

    def _require_unchanged(self) -> None:
        """Refuse what was read of a database taken as it stood while somebody wrote to it."""
        if self._is_fixed and _stands(self.file) != self._stands:
            raise BusyError(f"{self.file.parent} was written to while it was read; run the command again")

    def renew(self) -> None:
        """Go on to the newest state; inside `reading`."""
        self._held.clear()
        self._connection.rollback()
        self._follow()
        self.execute("BEGIN")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make one transaction of what is written inside; an error undoes all of it.

        Raises:
            StoreError: a state is held to be read.
        """
        if self._depth:
            raise StoreError(f"{self.file.parent} cannot be written to within index.reading(); leave its block first")
        self.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
            self.require_present()
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.rollback()
            raise
        finally:
            self._depth -= 1
            self._held.clear()

    def vacuum(self) -> None:
        """Give the room of what was deleted back to the disk; outside `reading` and `writing`."""
        self.execute("VACUUM")
        self.query("PRAGMA wal_checkpoint(TRUNCATE)")

    def setting(self, name: str, default: Any = REQUIRED) -> Any:
        """Return a setting's JSON value, or *default*; each is read once inside `reading` or `writing`.

        Raises:
            StoreError: it is not what was written, or is missing and has no default.
        """
        found = self._held.get(name)
        if found is None:
            found = self.query("SELECT name, value, checksum FROM settings WHERE name = ?", (name,))
            if self._depth:
                self._held[name] = found
        if not found:
            if default is REQUIRED:
                raise self.damaged(f"the setting {name!r} is missing")
            return default
        if record_checksum(*found[0][:-1]) != found[0][-1]:
            raise self.damaged(f"the setting {name!r} is not what was written")
        return json.loads(found[0][1])

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a JSON value under *name*; inside `writing`."""
        self._held.pop(name, None)
        self.execute("INSERT OR REPLACE INTO settings VALUES (?, ?, ?)", _setting(name, value))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        if self._process != os.getpid():
            raise StoreError(f"{self.file.parent}: {SERVES_A_PROCESS}")
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                folder = self.file.parent
                raise BusyError(f"another process is writing to {folder}; run the command again later") from error
            if "no such" in str(error) or "malformed" in str(error):
                raise self.damaged(str(error)) from error
            advice = "; make room on the disk" * ("disk" in str(error))
            raise OutOfReachError(
                f"{self.file} cannot be used: {error}. What was committed before is safe{advice}"
            ) from error
        except sqlite3.ProgrammingError as error:
            if "thread" in str(error):
                advice = "an open index serves the thread that opened it; call embedsearch.open in each thread"
            else:
                advice = f"it cannot be asked ({error}); open it again"
            raise StoreError(f"{self.file.parent}: {advice}") from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            # Python cannot even make an error of a message in which SQLite quotes a damaged name.
            raise self.damaged(str(error)) from error


_DEFINITIONS = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"


def record_checksum(*columns: Any) -> int:
    """Return the CRC-32 of the columns of a small record; a flipped bit may have made bytes of a text."""
    return zlib.crc32(json.dumps(columns, default=repr).encode())


def _setting(name: str, value: Any) -> tuple[str, str, int]:
    text = json.dumps(value)
    return name, text, record_checksum(name, text)


def _fingerprint(definitions: Iterable[Sequence[Any]]) -> int:
    """Return a checksum of what tables, indexes and triggers there are."""
    return record_checksum(*(list(definition) for definition in definitions))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


_IMMUTABLE = "immutable=1"


def _address(file: Path) -> str:
    """Return how SQLite is told to open *file*."""
    address = file.absolute().as_uri()
    if _is_writable(file):
        return f"{address}?mode=rw"
    # Who has no permission to write cannot make the files through which readers and writers meet. Where a writer has
    # made them they are used; else nobody writes, and the database is taken as it stands, until somebody does.
    shared = all(file.with_name(file.name + end).exists() for end in ("-shm", "-wal"))
    return f"{address}?mode=ro" if shared or _unmerged(file) else f"{address}?mode=ro&{_IMMUTABLE}"


def _stands(file: Path) -> tuple[tuple[int, int], int, int]:
    """Return what file has this name, and what is another one after a change of it."""
    try:
        found = file.stat()
    except OSError:
        return (0, 0), 0, 0
    return (found.st_dev, found.st_ino), found.st_size, found.st_mtime_ns


def _is_writable(file: Path) -> bool:
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def _unmerged(file: Path) -> bool:
    """Return whether transactions stand in the journal that the database itself does not have yet."""
    journal = file.with_name(file.name + "-wal")
    return journal.exists() and journal.stat().st_size > 0
