"""Where an index folder is, and where one can be made: by one process, and nowhere that anything else is."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embedsearch.errors import OutOfReachError, StoreError, reason
from embedsearch.store.database import DATABASE, Database
from embedsearch.store.locking import LOCK, WriteLock
from embedsearch.store.vectors_file import sync_folder, vectors_name

_WAIT_SECONDS = 10.0  # that one creation waits for another


def make_folder(folder: Path, settings: Mapping[str, Any], schema: str) -> None:
    """Make the files of a new, empty index.

    Args:
        folder: may exist if it is empty. Its parents are made.
        settings: what the database remembers.
        schema: the statements that make its tables.

    Raises:
        StoreError: there is something in the folder already, or it cannot be written.
    """
    _require_vacant(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with WriteLock(folder).held(_WAIT_SECONDS):
            _require_vacant(folder)  # another process may have been quicker
            (folder / vectors_name(0)).touch()
            Database.make(folder / DATABASE, settings, schema=schema)
            sync_folder(folder)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"no index can be made in {folder}: {reason(error)}") from error


def found_folder(folder: Path) -> Path:
    """Return the absolute path of a folder that holds an index which may be read.

    Raises:
        StoreError: it does not.
    """
    try:
        if not (folder / DATABASE).is_file():
            what = "holds no index" if folder.is_dir() else "does not exist"
            raise StoreError(
                f"there is no index: {folder} {what}. Make one with: embedsearch ingest SOURCE -i {folder}"
            )
        if not os.access(folder / DATABASE, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return folder.absolute()
    except OSError as error:
        raise OutOfReachError(
            f"the index in {folder} cannot be read: {error.strerror}. Ask its owner for permission, or name another one"
        ) from error


def _require_vacant(folder: Path) -> None:
    """Refuse to make an index where something is."""
    if (folder / DATABASE).exists():
        raise StoreError(f"{folder} is an index already; open it, or choose another folder")
    if folder.exists() and not _is_vacant(folder):
        raise StoreError(f"{folder} exists and is not an index; choose another folder (nothing was changed)")


def _is_vacant(folder: Path) -> bool:
    """Return whether a folder holds nothing but what a creation that was killed may have left."""
    unfinished = (LOCK, vectors_name(0), f"{DATABASE}.new", f"{DATABASE}.new-journal", f"{DATABASE}.new-wal")
    return folder.is_dir() and all(file.name in unfinished for file in folder.iterdir())
