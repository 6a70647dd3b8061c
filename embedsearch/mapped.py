"""Rows of a memory-mapped file that may be larger than the memory.

The kernel maps more than what is read through a mapping: 64 KiB around it, or the 2 MiB that lie together in its
cache. All of it counts as memory of the process until it is given back, so that ten thousand rows read here and there
make a file of gigabytes resident. From `MAPPED_BYTES` on, rows that lie far apart are therefore read from the file,
and what was mapped is given back as soon as it may be so much; the kernel's cache keeps it.
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat
from threading import Lock
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import StoreError

MAPPED_BYTES = 512 << 20
_AROUND = 2 << 20  # the most that is mapped for one row
_APART = 256 << 10  # a fault takes 2 microseconds and a read 1; rows that are nearer share faults
_SPAN = 64 << 20  # what is mapped at once


@dataclass(slots=True, eq=False)
class _Mapping:
    """A mapped file that is larger than `MAPPED_BYTES`.

    Attributes:
        descriptor: of the file, for reading without the mapping.
        address: where the mapping starts.
        touched: the most bytes that may be mapped now.
        counting: held while they are counted.
    """

    descriptor: int
    address: int
    touched: int = 0
    counting: Lock = field(default_factory=Lock)

    def count(self, mapping: mmap.mmap, size: int) -> None:
        """Note that *size* bytes were read through the mapping; give back what is mapped when it is too much."""
        with self.counting:
            self.touched += size
            if self.touched > MAPPED_BYTES:
                mapping.madvise(mmap.MADV_DONTNEED)
                self.touched = 0


_large: weakref.WeakKeyDictionary[mmap.mmap, _Mapping] = weakref.WeakKeyDictionary()


def map_rows(stream: BinaryIO, rows: int, dimension: int) -> NDArray[np.float32]:
    """Return the first rows of an open file, memory-mapped read-only: float32 of shape (rows, dimension).

    The array stays good when *stream* is closed.
    """
    shape = (rows, dimension)
    if not rows:
        return np.empty(shape, dtype=np.float32)
    mapping = mmap.mmap(stream.fileno(), 4 * rows * dimension, access=mmap.ACCESS_READ)
    mapped = np.frombuffer(mapping, dtype="<f4").reshape(shape)
    if len(mapping) > MAPPED_BYTES and hasattr(mapping, "madvise"):
        descriptor = os.dup(stream.fileno())
        weakref.finalize(mapping, os.close, descriptor)
        _large[mapping] = _Mapping(descriptor, mapped.ctypes.data)
    return mapped


def gather(vectors: NDArray[np.float32], rows: Any) -> NDArray[np.float32]:
    """Return ``vectors[rows]``, of a large mapped file without keeping what lies around the rows in memory.

    Args:
        vectors: shape (n, d).
        rows: row numbers from 0 on, shape (m,); quickest if they ascend.

    Returns:
        float32 of shape (m, d).

    Raises:
        StoreError: there is no such row, or the file has become shorter than it was when it was mapped.
    """
    mapping = _mapping_of(vectors)
    wanted = np.asarray(rows, dtype=np.int64)
    # Below 0 numpy would count from the end; without a sign those are the largest.
    if len(wanted) and wanted.view(np.uint64).max() >= len(vectors):
        raise StoreError(f"a row is asked for that the {len(vectors):,} vectors do not have. Run embedsearch verify")
    if mapping is None or mapping not in _large or not len(wanted):
        gathered: NDArray[np.float32] = vectors[wanted]
        return gathered
    spacing = (int(wanted.max() - wanted.min()) + 1) * vectors.strides[0] // len(wanted)
    if spacing > _APART:
        return _read(vectors, wanted, _large[mapping])
    gathered = np.empty((len(wanted), vectors.shape[1]), dtype=np.float32)
    for part in _parts(len(wanted), max(1, _SPAN // max(1, spacing))):
        np.take(vectors, wanted[part], axis=0, out=gathered[part])
        _large[mapping].count(mapping, min(_SPAN, len(wanted) * spacing) + _AROUND)
    return gathered


def visited(block: NDArray[np.float32]) -> None:
    """Note that all of *block*, consecutive rows of what may be a mapped file, has been read."""
    mapping = _mapping_of(block)
    if mapping is not None and mapping in _large:
        _large[mapping].count(mapping, block.nbytes)


def _mapping_of(array: Any) -> mmap.mmap | None:
    while isinstance(array, np.ndarray):
        array = array.base
    if isinstance(array, memoryview):
        array = array.obj
    return array if isinstance(array, mmap.mmap) else None


def _read(vectors: NDArray[np.float32], rows: NDArray[np.int64], mapping: _Mapping) -> NDArray[np.float32]:
    size = 4 * vectors.shape[1]
    places = vectors.ctypes.data - mapping.address + rows * vectors.strides[0]
    content = b"".join(map(os.pread, repeat(mapping.descriptor), repeat(size), places.tolist()))
    if len(content) != size * len(rows):
        raise StoreError("the file of vectors has become shorter while it was read. Run embedsearch verify")
    return np.frombuffer(content, dtype="<f4").reshape(len(rows), -1)


def _parts(count: int, step: int) -> Iterator[slice]:
    return (slice(start, start + step) for start in range(0, count, step))
