"""The file of vectors: one row of d little-endian float32 a passage, append-only, memory-mapped."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from embedsearch.errors import OutOfReachError, StoreError, reason
from embedsearch.mapped import map_rows
from embedsearch.vectors import Rows, Vectors, blocks


class VectorsFile:
    """One open file of vectors.

    It stays readable through this object when it is replaced and its name removed.
    """

    def __init__(self, path: Path, dimension: int, *, missing: bool = False) -> None:
        """Open the file for reading; nothing is read.

        Args:
            path: where it lies.
            dimension: the length d of a row.
            missing: take a file that is not there for one without rows.

        Raises:
            FileNotFoundError: it does not exist.
            StoreError: it cannot be read.
        """
        self.path = path
        self.dimension = dimension
        try:
            self._stream = open(os.devnull if missing and not path.exists() else path, "rb")  # noqa: SIM115 - it stays open as long as this object
        except FileNotFoundError:
            raise
        except OSError as error:
            raise OutOfReachError(f"{path} cannot be read: {reason(error)}") from error
        self._mapped = np.empty((0, dimension), dtype=np.float32)

    def close(self) -> None:
        """Close the file; arrays that `mapped` has given stay good."""
        self._stream.close()

    def held(self) -> int:
        """Return how many whole rows the file holds, committed or not."""
        return os.fstat(self._stream.fileno()).st_size // (4 * self.dimension)

    def mapped(self, rows: int) -> Vectors:
        """Return the first *rows* rows, memory-mapped read-only: float32 of shape (rows, d).

        Raises:
            StoreError: the file is shorter.
        """
        if rows != len(self._mapped):
            if self.held() < rows:
                # Reading a mapping behind the end of its file kills the process.
                raise StoreError(f"{self.path} has become too short: {self.held():,} rows where {rows:,} are recorded")
            self._mapped = map_rows(self._stream, rows, self.dimension)
        return self._mapped

    @contextmanager
    def appending(self, first: int, vectors: Vectors) -> Iterator[None]:
        """Write rows from row *first* on, over what may lie there, and sync them to the disk; see `Folder.appending`.

        Raises:
            StoreError: the disk is full, or the file cannot be written.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="embedsearch-vectors") as beside:
            written = beside.submit(self._append, first, vectors)
            yield
            written.result()

    def _append(self, first: int, vectors: Vectors) -> None:
        try:
            with self._to_write() as stream:
                stream.seek(first * 4 * self.dimension)
                stream.write(np.ascontiguousarray(vectors, dtype="<f4").data)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            self.cut(first)
            raise OutOfReachError(
                f"{self.path} cannot be written: {reason(error)}. What was committed before is safe"
            ) from error

    def cut(self, rows: int) -> None:
        """Give back the room behind the first *rows* rows, if that is possible."""
        with contextlib.suppress(OSError):
            if self.held() > rows:
                with self._to_write() as stream:
                    stream.truncate(rows * 4 * self.dimension)

    @contextmanager
    def _to_write(self) -> Iterator[BinaryIO]:
        """Open the file for writing, if its name is still that of the one that is read."""
        with open(self.path, "r+b") as stream:
            if not os.path.sameopenfile(stream.fileno(), self._stream.fileno()):
                raise OSError("another file has its name since it was opened")
            yield stream

    def copy(self, rows: Rows, target: Path) -> None:
        """Write *rows* to a new file, in that order, synced to the disk.

        Raises:
            StoreError: the disk is full; nothing is left of the new file.
        """
        vectors = self.mapped(int(rows.max()) + 1 if len(rows) else 0)
        try:
            with open(target, "wb") as stream:
                for _, block in blocks(vectors, rows):
                    stream.write(block.data)
                stream.flush()
                os.fsync(stream.fileno())
            sync_folder(target.parent)
        except OSError as error:
            with contextlib.suppress(OSError):  # a disk may have become read-only meanwhile
                target.unlink()
            raise OutOfReachError(f"{target} cannot be written: {reason(error)}. Nothing was changed") from error


def vectors_name(epoch: int) -> str:
    """Return what the vectors file of an epoch is called."""
    return f"vectors.{epoch}.f32" if epoch else "vectors.f32"


def sync_folder(folder: Path) -> None:
    """Make sure that the names of new files in *folder* survive a power cut."""
    if os.name == "nt":  # there a folder cannot be opened, and its entries are journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_checksum(file: Path) -> int:
    """Return the CRC-32 of a whole file."""
    value = 0
    with open(file, "rb") as stream:
        while part := stream.read(1 << 20):
            value = zlib.crc32(part, value)
    return value
