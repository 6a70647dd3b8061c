"""The checksums of passages, which tell whether they are still what was written."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from embedsearch.mapped import gather
from embedsearch.vectors import Vectors


def checksum(key: bytes, vector: Any) -> int:
    """Return the CRC-32 of a passage's key and its vector: which vector belongs to which text; -1 for no key at all."""
    if not isinstance(key, bytes):
        return -1
    return zlib.crc32(np.ascontiguousarray(vector, dtype="<f4").data, zlib.crc32(key))


def is_intact(vectors: Vectors, row: int, key: bytes, written: int) -> bool:
    """Is the vector in a row the one that was written for a key, with that checksum?"""
    return 0 <= row < len(vectors) and checksum(key, gather(vectors, [row])) == written


def seal(document: str, position: int, start: int, end: int) -> int:
    """Return the CRC-32 of what a passage's record says besides: whose it is, where it lies; -1 for no numbers."""
    try:
        place = struct.pack("<qqq", position, start, end)
    except struct.error:
        return -1
    return zlib.crc32(place, zlib.crc32(str(document).encode("utf-8", "surrogatepass")))
