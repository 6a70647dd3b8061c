"""Which row holds the vector of which text: the keys of all rows, live and dead, by their first bytes.

Keys are hashes, so that new ones fall anywhere among the old. In one B-tree a transaction of an ingest would write
nearly every page of it, the more pages the larger the index is. So there are two: keys that come go into a small one,
and when that has grown to the geometric mean of a transaction and the large one, all of it moves to the large one in
the order of the keys, several of them to a page (a log-structured merge-tree of two levels: O'Neil, Cheng, Gawlick
and O'Neil, Acta Informatica 33, 1996).

A long ingest would still look up every key in both, in more levels the larger the index is, to find nearly always that
it is new. So the one writer keeps the first bytes of all keys in memory, once it has asked for half as many keys as
there are rows: what is not among them is in no table. That takes 8 bytes a row, and is forgotten when another writes.

The tables only lead to rows. What key a row has, and that it has one, is said by the tables of passages and of dead
rows. Nothing is taken out of them, since a row keeps its key until rows get other numbers; then they are filled anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import StoreError
from embedsearch.store.database import Database
from embedsearch.vectors import Mask

_START = 6  # bytes of a key: of ten million keys, hardly two begin with the same
_AT_ONCE = 1 << 15  # rows of a large transaction; see `embedsearch.index.ingest`
_FETCHED = 4096
_MANY = 2  # to read the start of a key takes about half of what looking one up does
_RECENT, _SETTLED = _TABLES = "recent_keys", "settled_keys"
_OLD = "passages", "dead"
_TABLE = "CREATE TABLE {} (start BLOB NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (start, row)) WITHOUT ROWID"
SCHEMA = "".join(f"{_TABLE.format(table)};\n" for table in _TABLES)
# What replaces a damaged vector leaves a dead row without a key.
_ALL = " UNION ALL ".join(
    f"SELECT substr(key, 1, {_START}) AS start, row FROM {table} WHERE typeof(key) = 'blob' AND key <> x''"
    for table in _OLD
)
_FILL = f"INSERT INTO {_SETTLED} SELECT start, row FROM ({_ALL}) ORDER BY start, row"
# An index of format 2 found its rows by B-trees of whole keys.
STATEMENTS = (
    *(_TABLE.format(table) for table in _TABLES),
    _FILL,
    "DROP INDEX passages_by_key",
    "DROP INDEX dead_by_key",
)


class Starts:
    """The first bytes of keys, as numbers: a set that is asked for many at once and only grows."""

    def __init__(self) -> None:
        """Hold none."""
        self._runs: list[NDArray[np.uint64]] = []  # each sorted, and more than twice as long as the next

    def add(self, starts: Sequence[bytes]) -> None:
        """Take in the first `_START` bytes of keys."""
        run = np.sort(_numbers(starts))
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        if len(run):
            self._runs.append(run)

    def hold(self, starts: Sequence[bytes]) -> Mask:
        """Return for each of *starts* whether it was taken in, shape (len(starts),)."""
        wanted = _numbers(starts)
        held = np.zeros(len(wanted), dtype=np.bool_)
        for run in self._runs:
            places = np.searchsorted(run, wanted)
            held |= run[np.minimum(places, len(run) - 1)] == wanted
        return held


def _numbers(starts: Sequence[bytes]) -> NDArray[np.uint64]:
    # The first byte counts most: what is sorted as bytes is sorted as numbers.
    padded = np.zeros((len(starts), 8), dtype=np.uint8)
    padded[:, :_START] = np.frombuffer(b"".join(starts), dtype=np.uint8).reshape(-1, _START)
    return padded.view(">u8")[:, 0].astype(np.uint64)


class Keys:
    """The rows of the keys of one open index."""

    def __init__(self, database: Database) -> None:
        """Read nothing yet."""
        self._database = database
        self._is_long = False
        self._asked = 0
        self._starts: Starts | None = None
        self._generation = -1  # of the index when they were last known to be all

    @contextmanager
    def remembered(self) -> Iterator[None]:
        """Keep in memory what keys there are once many are asked for; inside `locked`, so that no other adds any."""
        if self._generation != self._now():
            self._asked, self._starts = 0, None
        self._is_long, self._generation = True, -1
        try:
            yield
            self._generation = self._now()
        finally:
            self._is_long = False

    def _now(self) -> int:
        """Return a number that grows with every change of the passages, by whomever."""
        return int(self._database.setting("generation"))

    def add(self, first: int, keys: Sequence[bytes]) -> None:
        """Take in the keys of new rows, *first* and those that follow; inside `writing`."""
        starts = sorted((key[:_START], row) for row, key in enumerate(keys, first))
        if self._is_long and self._starts is not None:
            self._starts.add([start for start, _ in starts])
        self._database.execute_many(f"INSERT INTO {_RECENT} VALUES (?, ?)", starts)
        recent = int(self._database.setting(_RECENT, 0)) + len(keys)
        settled = first + len(keys) - recent
        if recent >= _AT_ONCE and recent * recent >= _AT_ONCE * settled:
            self._database.execute(f"INSERT INTO {_SETTLED} SELECT start, row FROM {_RECENT} ORDER BY start, row")
            self._database.execute(f"DELETE FROM {_RECENT}")
            recent = 0
        self._database.set_setting(_RECENT, recent)

    def first(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """Return, for those of *keys* that any row may hold, one row that may; whatever number of rows there are."""
        wanted = sorted(set(keys))
        if not self._is_kept():
            statements = (f"SELECT key, row FROM {table} WHERE key IN (?)" for table in _OLD)
            return {key: row for one in statements for key, row in self._database.query_in(one, wanted)}
        starts = [key[:_START] for key in wanted]
        if (known := self._remember(len(wanted))) is not None:
            held = known.hold(starts)
            wanted, starts = list(compress(wanted, held)), list(compress(starts, held))
        rows: dict[bytes, int] = {}
        for table in _TABLES:
            lowest = f"SELECT row FROM {table} WHERE start = wanted.column1 ORDER BY row LIMIT 1"
            rows |= self._database.query_in(
                "SELECT start, row FROM (VALUES (?)) AS wanted "
                f"CROSS JOIN {table} ON start = wanted.column1 AND row = ({lowest})",
                list(dict.fromkeys(starts)),
            )
        return {key: rows[start] for key, start in zip(wanted, starts, strict=True) if start in rows}

    def _remember(self, asked: int) -> Starts | None:
        """Return what keys there are, if so many have been asked for that reading them all is worth it."""
        if not self._is_long:
            return None
        self._asked += asked
        if self._starts is None and _MANY * self._asked >= int(self._database.setting("rows")):
            starts = Starts()
            for table in _TABLES:
                for part in self._database.iterate(f"SELECT start FROM {table}", size=_AT_ONCE):
                    starts.add([start for (start,) in part if isinstance(start, bytes) and len(start) == _START])
            self._starts = starts
        return self._starts

    def rows(self, keys: Iterable[bytes]) -> list[int]:
        """Return all rows, ascending, that may hold one of *keys*; few that do not."""
        if self._is_kept():
            tables, column, values = _TABLES, "start", {key[:_START] for key in keys}
        else:
            tables, column, values = _OLD, "key", set(keys)
        statements = (f"SELECT row FROM {table} WHERE {column} IN (?)" for table in tables)
        return sorted(row for one in statements for (row,) in self._database.query_in(one, sorted(values)))

    def rebuild(self) -> None:
        """Take in all keys anew, under the rows that they have now; inside `writing`."""
        if not self._is_kept():
            return
        for table in _TABLES:
            try:
                self._database.execute(f"DELETE FROM {table}")
            except StoreError:
                # Too damaged to be emptied. The schema stays what it was, word for word.
                self._database.execute(f"DROP TABLE {table}")
                self._database.execute(_TABLE.format(table))
        self._database.execute(_FILL)
        self._database.set_setting(_RECENT, 0)

    def fault(self) -> str:
        """Return what is wrong with the tables, compared with the passages; empty if nothing is. Inside `reading`."""
        if not self._is_kept():
            return ""
        held = " UNION ALL ".join(f"SELECT start, row FROM {table}" for table in _TABLES)
        held, wanted = (f"SELECT start, row FROM ({which}) ORDER BY row, start" for which in (held, _ALL))
        same = self._database.are_alike(held, wanted, size=_FETCHED)
        return "" if same else "the keys by which vectors are found are not those of the passages"

    def _is_kept(self) -> bool:
        """Has this index the tables? Those of older formats are read as they stand."""
        return bool(self._database.query("SELECT 1 FROM sqlite_master WHERE name = ?", (_SETTLED,)))
