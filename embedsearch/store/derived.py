"""Arrays that were made from an index and are kept in its folder, such as the layouts of maps.

Nothing depends on them: a file that is missing, or is not what was written, is made anew. Each carries a stamp that
says what it was made from. numpy's files are zip archives, with a CRC-32 of every array.
"""

from __future__ import annotations

import json
import logging
import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import QueryError, StoreError
from embedsearch.given import require_text
from embedsearch.store.store import Store
from embedsearch.vectors import Rows

_log = logging.getLogger("embedsearch")

Keys = NDArray[np.uint64]
_NAME = re.compile(r"[a-z0-9-]+")
_STAMP, _NAMES = "stamp", "arrays"
_READ_AT_ONCE = 1 << 16
_KEY_BYTES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What `DerivedFiles.read` found.

    Attributes:
        arrays: arrays by name.
        stamp: the JSON values that they were kept with.
    """

    arrays: Mapping[str, NDArray[Any]]
    stamp: Mapping[str, Any]


class DerivedFiles:
    """The derived files of one index, ``derived-NAME.npz`` each."""

    def __init__(self, folder: Path) -> None:
        """Read nothing yet.

        Args:
            folder: of the index.
        """
        self._folder = folder

    def read(self, name: str) -> Kept | None:
        """Return what is kept under a name; None if there is nothing, or it is not what was written."""
        file = self._file(name)
        try:
            # Opened here: numpy leaves a file open that turns out to be no archive.
            with open(file, "rb") as stream, np.load(stream, allow_pickle=False) as held:
                arrays = {key: held[key] for key in held.files}
            stamp = json.loads(arrays.pop(_STAMP).tobytes())
            # The archive guards what the arrays hold, not what they are called; files of before name none.
            if stamp.pop(_NAMES, sorted(arrays)) != sorted(arrays):
                raise ValueError(f"{file} has other arrays than were kept")
            return Kept(arrays, stamp)
        except FileNotFoundError:
            return None
        except PermissionError as error:
            _log.warning("%s cannot be read (%s); it is made again", file, error.strerror)
            return None
        except (OSError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
            _log.warning("%s is not what was written; it is made again", file)
            return None

    def keep(self, name: str, arrays: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any]) -> None:
        """Keep arrays under a name, in place of what was kept before, whole or not at all.

        No lock is needed: what two processes make from one state is the same, and the later of two states wins at the
        next look.

        Args:
            name: lower-case letters, digits and ``-``.
            arrays: arrays by name, none of Python objects.
            stamp: JSON values.

        Raises:
            StoreError: the folder is read-only or full; what was kept before is unchanged.
        """
        file = self._file(name)
        unfinished = file.with_name(f"{file.name}.{os.getpid()}.new")
        written = json.dumps({**stamp, _NAMES: sorted(arrays)}).encode()
        stamped: dict[str, Any] = {_STAMP: np.frombuffer(written, np.uint8), **arrays}
        try:
            with open(unfinished, "wb") as stream:
                np.savez(stream, **stamped)
            unfinished.replace(file)
        except OSError as error:
            with suppress(OSError):  # on read-only ground that it cannot be removed comes before that it is not there
                unfinished.unlink()
            raise StoreError(f"{file} cannot be written: {error.strerror or error}") from error

    def _file(self, name: str) -> Path:
        if not _NAME.fullmatch(require_text("the name of what is kept", name)):
            raise QueryError(f"the name of what is kept is {name!r}, wanted lower-case letters, digits and hyphens")
        return self._folder / f"derived-{name}.npz"


def short_keys(store: Store) -> tuple[Rows, Keys]:
    """Return the live rows, ascending, and the first 8 bytes of each one's key: what text it is, whatever its row."""
    rows, keys = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    statement = f"SELECT row, CAST(substr(key, 1, {_KEY_BYTES}) AS BLOB) FROM passages ORDER BY row"
    with store.reading():
        for part in store.database.iterate(statement, size=_READ_AT_ONCE):
            rows.append(np.array([row for row, _ in part], dtype=np.int64))
            content = b"".join(key.ljust(_KEY_BYTES, b"\0") for _, key in part)
            keys.append(np.frombuffer(content, dtype="<u8"))
    return np.concatenate(rows), np.concatenate(keys)
