"""Which row holds the vector of which text: the keys of all rows, live and dead, by their first bytes.

Keys are hashes, so that new ones fall anywhere among the old. In one B-tree a transaction of an ingest would write
nearly every page of it, the more pages the larger the index is. So there are two: keys that come go into a small one,
and when that has grown to the geometric mean of a transaction and the large one, all of it moves to the large one in
the order of the keys, several of them to a page (a log-structured merge-tree of two levels: O'Neil, Cheng, Gawlick
and O'Neil, Acta Informatica 33, 1996).

The tables only lead to rows. What key a row has, and that it has one, is said by the tables of passages and of dead
rows. Nothing is taken out of them, since a row keeps its key until rows get other numbers; then they are filled anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from embedsearch.errors import StoreError
from embedsearch.store.database import Database

_START = 6  # bytes of a key: of ten million keys, hardly two begin with the same
_AT_ONCE = 1 << 15  # rows of a large transaction; see `embedsearch.index.ingest`
_FETCHED = 4096
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


class Keys:
    """The rows of the keys of one open index."""

    def __init__(self, database: Database) -> None:
        """Read nothing yet."""
        self._database = database

    def add(self, first: int, keys: Sequence[bytes]) -> None:
        """Take in the keys of new rows, *first* and those that follow; inside `writing`."""
        starts = sorted((key[:_START], row) for row, key in enumerate(keys, first))
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
        rows: dict[bytes, int] = {}
        for table in _TABLES:
            lowest = f"SELECT row FROM {table} WHERE start = wanted.column1 ORDER BY row LIMIT 1"
            rows |= self._database.query_in(
                "SELECT start, row FROM (VALUES (?)) AS wanted "
                f"CROSS JOIN {table} ON start = wanted.column1 AND row = ({lowest})",
                list(dict.fromkeys(key[:_START] for key in wanted)),
            )
        return {key: rows[key[:_START]] for key in wanted if key[:_START] in rows}

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
