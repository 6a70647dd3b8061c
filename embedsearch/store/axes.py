"""The axes that an index keeps, each under its name, in its newest version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from embedsearch.names import normal
from embedsearch.store.database import Database, record_checksum
from embedsearch.store.records import SavedAxis

_COLUMNS = "name, version, saved, definition, fitted"  # that the checksum covers, in their order
_NAME = "CAST(name AS TEXT)"  # a flipped bit makes bytes of a text
_DELETED = "deleted_axes"  # the setting with the last version of each axis that was deleted


class AxisTable:
    """The axes of an open index."""

    def __init__(self, database: Database) -> None:
        """Read nothing yet."""
        self._database = database

    def put(self, name: str, definition: Mapping[str, Any], fitted: Mapping[str, Any], saved: str) -> None:
        """Keep an axis under *name*, as one version more than the last that had the name; inside `writing`."""
        number, last = self._held(name) or (None, self._database.setting(_DELETED, {}).get(name, 0))
        record = (name, last + 1, saved, json.dumps(definition), json.dumps(fitted))
        self._database.execute(
            f"INSERT OR REPLACE INTO axes (number, {_COLUMNS}, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, *record, record_checksum(*record)),
        )

    def delete(self, name: str) -> None:
        """Forget the axis called *name*, but not its version, which no later one may have; inside `writing`."""
        if held := self._held(name):
            number, version = held
            self._database.set_setting(_DELETED, self._database.setting(_DELETED, {}) | {name: version})
            self._database.execute("DELETE FROM axes WHERE number = ?", (number,))

    def all(self) -> dict[str, SavedAxis | None]:
        """Return all axes by name, in the order in which they were first saved; None where one is damaged.

        Names are in the normal form NFC, whatever they were saved in.
        """
        axes: dict[str, SavedAxis | None] = {}
        statement = f"SELECT {_NAME}, {_COLUMNS}, checksum FROM axes ORDER BY number"
        for stored, *columns, written in self._database.query(statement):
            called = _called(stored)
            axes[called] = None
            if record_checksum(*columns) == written:
                name, version, saved, definition, fitted = columns
                axes[called] = SavedAxis(name, version, saved, json.loads(definition), json.loads(fitted))
        return axes

    def _held(self, name: str) -> tuple[int, int] | None:
        """Return the number and the version of the axis called *name*, damaged or not."""
        # Compared here, since SQLite takes no text that is not UTF-8, which a damaged name may be.
        found = self._database.query(f"SELECT {_NAME}, number, CAST(version AS INTEGER) FROM axes")
        return next(((number, version) for stored, number, version in found if _called(stored) == name), None)


def _called(stored: Any) -> Any:
    """Return what an axis is called; a damaged name may be no text."""
    return normal(stored) if isinstance(stored, str) else stored
