"""The axes that an index keeps, each under its name, in its newest version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from embedsearch.store.database import Database, record_checksum
from embedsearch.store.records import SavedAxis

_DELETED = "deleted_axes"  # the setting with the last version of each axis that was deleted


class AxisTable:
    """The axes of an open index."""

    def __init__(self, database: Database) -> None:
        """Read nothing yet."""
        self._database = database

    def put(self, name: str, definition: Mapping[str, Any], fitted: Mapping[str, Any], saved: str) -> None:
        """Keep an axis under *name*, as one version more than the last that had the name; inside `writing`."""
        found = self._database.query("SELECT version FROM axes WHERE name = ?", (name,))
        last = found[0][0] if found else self._database.setting(_DELETED, {}).get(name, 0)
        record = (name, last + 1, saved, json.dumps(definition), json.dumps(fitted))
        self._database.execute(
            "INSERT INTO axes (name, version, saved, definition, fitted, checksum) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET version = excluded.version, saved = excluded.saved, "
            "definition = excluded.definition, fitted = excluded.fitted, checksum = excluded.checksum",
            (*record, record_checksum(*record)),
        )

    def delete(self, name: str) -> None:
        """Forget the axis called *name*, but not its version, which no later one may have; inside `writing`."""
        for (version,) in self._database.query("SELECT version FROM axes WHERE name = ?", (name,)):
            self._database.set_setting(_DELETED, self._database.setting(_DELETED, {}) | {name: version})
            self._database.execute("DELETE FROM axes WHERE name = ?", (name,))

    def all(self) -> list[SavedAxis]:
        """Return all axes in the order in which they were first saved.

        Raises:
            StoreError: one is not what was written.
        """
        statement = "SELECT name, version, saved, definition, fitted, checksum FROM axes ORDER BY number"
        axes = []
        for *columns, written in self._database.query(statement):
            if record_checksum(*columns) != written:
                raise self._database.damaged(f"the axis {columns[0]!r} is not what was written")
            name, version, saved, definition, fitted = columns
            axes.append(SavedAxis(name, version, saved, json.loads(definition), json.loads(fitted)))
        return axes
