"""The FAISS file of an index folder: derived, and taken for what it is only while its checksum holds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embedsearch.errors import StoreError, reason
from embedsearch.store.folder import REMEDY, Folder
from embedsearch.store.vectors_file import file_checksum, sync_folder

_log = logging.getLogger("embedsearch")


class NeighborsFile(Folder):
    """An open index folder with its FAISS file."""

    def neighbors(self) -> tuple[Path | None, dict[str, Any]]:
        """Return the FAISS file if it is whole and of this state, else None, and its stamp."""
        stamp = self.setting("neighbors", None) or {}
        file = self.neighbors_file
        if not stamp:
            return None, stamp
        try:
            if file_checksum(file) == stamp["checksum"]:
                return file, stamp
            wrong = "is not the file that was written"
        except FileNotFoundError:  # it was deleted, or another process has written a later one
            return None, stamp
        except OSError as error:
            wrong = f"cannot be read ({error.strerror})"
        _log.warning("%s %s; every row is compared instead. %s", file, wrong, REMEDY)
        return None, stamp

    def keep_neighbors(self, built: Path, stamp: Mapping[str, Any]) -> None:
        """Put a FAISS file in its place, with a stamp that says what it covers; inside `locked`.

        Args:
            built: lies in the folder under another name.
            stamp: JSON values; the file's name and checksum are added.

        Raises:
            StoreError: the folder cannot be written; the file before, if any, is kept.
        """
        try:
            written = file_checksum(built)
            file = built.replace(self.path / f"neighbors.{written:08x}.faiss")
            sync_folder(self.path)
        except OSError as error:
            raise StoreError(f"{built} cannot be put in its place: {reason(error)}; the documents are safe") from error
        with self.writing():
            self.set_setting("neighbors", {**stamp, "file": file.name, "checksum": written})
        self.sweep()
