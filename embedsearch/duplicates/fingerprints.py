"""Which of many records may be the same, found in time that grows as they do.

Some shingles of each record are kept; which ones depends on the shingles alone: those whose hash falls in the lowest
eighth, or the lowest sixteen if these are fewer (Manber, *Finding similar files in a large file system*, 1994).
Records that share some of these, or their title, DOI, PubMed number or all words, are compared.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from embedsearch.duplicates.record import Hashes, Record

Places = NDArray[np.int64]

_KEPT = np.uint64((1 << 64) // 8)  # the hashes below
_KEPT_AT_LEAST = 16
_KEPT_AT_MOST = 64
_SHARED_AT_LEAST = 0.3  # of the smaller fingerprint
_ALL_PAIRS = 20  # of what so many records share; of what more share, each is paired with the first and the one before


class Fingerprints:
    """What leads to records that may be the same, by their places: the order in which they were added."""

    def __init__(self) -> None:
        """Hold none yet."""
        self._hashes = array("Q")
        self._sizes = array("q")
        self._keys = array("Q")
        self._key_places = array("q")

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._sizes)

    def add(self, record: Record) -> None:
        """Take one more record."""
        keys = [("doi", record.doi), ("pmid", record.pmid), ("words", " ".join(record.words))]
        keys += [("title", " ".join(title)) for title in {record.title, record.head}]
        hashes = [_hash(f"{name} {key}") for name, key in keys if key]
        self._keys.extend(hashes)
        self._key_places.extend([len(self)] * len(hashes))
        kept = _fingerprint(record.shingles)
        self._hashes.frombytes(kept.tobytes())
        self._sizes.append(len(kept))

    def pairs(self) -> Places:
        """Return the places of records that should be compared, shape (n, 2), ascending, each pair once."""
        alike = self._sharing(np.frombuffer(self._keys, np.uint64), np.frombuffer(self._key_places, np.int64))
        sizes = np.frombuffer(self._sizes, np.int64)
        owners = np.repeat(np.arange(len(self)), sizes)
        near, counts = np.unique(self._sharing(np.frombuffer(self._hashes, np.uint64), owners), return_counts=True)
        smaller = np.minimum(*sizes[np.stack(self._apart(near))])
        return np.stack(self._apart(np.union1d(alike, near[counts >= _SHARED_AT_LEAST * smaller])), axis=1)

    def _sharing(self, keys: Hashes, places: Places) -> Places:
        """Return the pairs of places that share a key, packed into a number each; once for each key that they share.

        Args:
            keys: in any order, shape (n,).
            places: of the records that they are of, ascending.
        """
        order = np.argsort(keys, kind="stable")
        keys, places = keys[order], places[order]
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)])
        lengths = np.diff(starts, append=len(keys))
        packed = [np.empty(0, dtype=np.int64)]
        for length in np.unique(lengths[lengths > 1]):
            sharing = places[starts[lengths == length][:, None] + np.arange(length)]
            one, other = _pairs_within(int(length))
            packed.append((sharing[:, one] * len(self) + sharing[:, other]).ravel())
        return np.concatenate(packed)

    def _apart(self, packed: Places) -> tuple[Places, Places]:
        one, other = np.divmod(packed, max(1, len(self)))
        return one, other


def _pairs_within(length: int) -> tuple[Places, Places]:
    if length <= _ALL_PAIRS:
        one, other = np.triu_indices(length, 1)
        return one, other
    later = np.arange(1, length)
    return np.concatenate([np.zeros_like(later), later[:-1]]), np.concatenate([later, later[1:]])


def _fingerprint(shingles: Hashes) -> Hashes:
    lowest = int(np.searchsorted(shingles, _KEPT))
    return shingles[: min(max(lowest, _KEPT_AT_LEAST), _KEPT_AT_MOST)]


def _hash(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest())
