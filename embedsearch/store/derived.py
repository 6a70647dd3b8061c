"""Arrays that were computed from an index and are kept in its folder, such as the layouts of maps.

Nothing depends on them: a file that is missing, or is not what was written, is computed anew. They are named by
content and not by row, so that they outlive a compaction.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import StoreError
from embedsearch.store.store import Store
from embedsearch.store.vectors_file import file_checksum, sync_folder
from embedsearch.vectors import Rows

_log = logging.getLogger("embedsearch")

Keys = NDArray[np.uint64]
_READ_AT_ONCE = 1 << 16
_KEY_BYTES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What `DerivedFiles.read` found.

    Attributes:
        arrays: by name.
        stamp: the JSON values that they were kept with.
    """

    arrays: Mapping[str, NDArray[Any]]
    stamp: Mapping[str, Any]


class DerivedFiles:
    """The derived files of one index, ``NAME.npz`` each."""

    def __init__(self, store: Store) -> None:
        """Read nothing yet."""
        self._store = store

    def read(self, name: str) -> Kept | None:
        """Return what is kept under a name; None if there is nothing, or it is not what was written."""
        file = self._file(name)
        stamp = self._stamps().get(file.name)
        if stamp is None:
            return None
        try:
            if file_checksum(file) == stamp["checksum"]:
                with np.load(file, allow_pickle=False) as arrays:
                    return Kept(dict(arrays), stamp["stamp"])
            _log.warning("%s is not the file that was written; it is computed anew", file)
        except OSError:
            _log.warning("%s cannot be read; it is computed anew", file)
        return None

    def keep(self, name: str, arrays: Mapping[str, NDArray[Any]], stamp: Mapping[str, Any]) -> None:
        """Keep arrays under a name, in the place of what was kept before.

        Args:
            name: letters, digits and ``-``.
            arrays: by name, none of Python objects.
            stamp: JSON values.

        Raises:
            StoreError: another process is writing, or the folder is read-only or full; what was kept is as it was,
                or gone.
        """
        content = BytesIO()
        np.savez(content, **dict[str, Any](arrays))
        file = self._file(name)
        unfinished = file.with_name(f"{file.name}.new")
        with self._store.locked():
            _write(unfinished, content.getbuffer())
            # Without a stamp a file is not used: there is no moment at which one file has another's.
            self._set_stamp(file.name, None)
            unfinished.replace(file)
            sync_folder(self._store.path)
            self._set_stamp(file.name, {"checksum": file_checksum(file), "stamp": dict(stamp)})

    def _file(self, name: str) -> Path:
        return self._store.path / f"{name}.npz"

    def _stamps(self) -> dict[str, Any]:
        return dict(self._store.setting("derived", {}))

    def _set_stamp(self, file: str, stamp: Mapping[str, Any] | None) -> None:
        with self._store.writing():
            others = {name: kept for name, kept in self._stamps().items() if name != file}
            self._store.set_setting("derived", others | ({file: stamp} if stamp else {}))


def _write(file: Path, content: memoryview) -> None:
    try:
        with open(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        file.unlink(missing_ok=True)
        raise StoreError(f"{file} cannot be written: {error.strerror}") from error


def short_keys(store: Store) -> tuple[Rows, Keys]:
    """Return the live rows, ascending, and of each the first 8 bytes of its key: what text it is, whatever its row."""
    rows, keys = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    statement = f"SELECT row, CAST(substr(key, 1, {_KEY_BYTES}) AS BLOB) FROM passages ORDER BY row"
    with store.reading():
        for part in store.database.iterate(statement, size=_READ_AT_ONCE):
            rows.append(np.array([row for row, _ in part], dtype=np.int64))
            content = b"".join(key.ljust(_KEY_BYTES, b"\0") for _, key in part)
            keys.append(np.frombuffer(content, dtype="<u8"))
    return np.concatenate(rows), np.concatenate(keys)
