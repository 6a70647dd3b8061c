"""The best N and a random N of a stream, in memory for N."""

from __future__ import annotations

import hashlib
import heapq
import math
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class Reservoir(Generic[Kept]):
    """A random sample of a stream of unknown length, in which every element is equally likely.

    The N elements are kept whose hashes of seed and place are smallest. That is a uniform sample without replacement.
    Unlike one from a stream of random numbers, it depends on nothing but the seed and the places.
    """

    def __init__(self, size: int, seed: int) -> None:
        """Keep at most *size*."""
        self._size = size
        self._seed = seed
        self._heap: list[tuple[int, int, Kept]] = []
        self.offered = 0

    def offer(self, kept: Kept, place: int) -> None:
        """Consider the element at a place of the stream; no place may occur twice."""
        self.offered += 1
        if self._size:
            entry = (-self._drawn(place), place, kept)
            if len(self._heap) < self._size:
                heapq.heappush(self._heap, entry)
            elif entry > self._heap[0]:
                heapq.heapreplace(self._heap, entry)

    def _drawn(self, place: int) -> int:
        content = f"{self._seed}:{place}".encode("ascii")
        return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")

    def kept(self) -> list[Kept]:
        """Return the sample in the order of the stream."""
        return [kept for _, _, kept in sorted(self._heap, key=lambda entry: entry[1])]


class Best(Generic[Kept]):
    """The N elements of a stream with the highest scores, or the lowest; of equal scores the earlier goes first."""

    def __init__(self, size: int, *, lowest: bool = False) -> None:
        """Keep at most *size*."""
        self._size = size
        self._sign = -1.0 if lowest else 1.0
        self._heap: list[tuple[float, int, Kept]] = []

    def offer(self, kept: Kept, score: float, place: int) -> None:
        """Consider the element at a place of the stream; NaN is not a score, and is skipped."""
        if math.isnan(score):
            return
        entry = (self._sign * score, -place, kept)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, entry)
        elif entry > self._heap[0]:
            heapq.heapreplace(self._heap, entry)

    def kept(self) -> list[Kept]:
        """Return the best, best first."""
        return [kept for _, _, kept in sorted(self._heap, key=lambda entry: entry[:2], reverse=True)]
