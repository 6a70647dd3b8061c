"""Which records a screening had when: a record that joined later could not have been drawn, nor read, before.

The journal keeps the records with what was shown, drawn or set, whenever they differ from the time before: each
as a checksum of its id, four bytes. (Beside 100,000 records, one that joins is taken for one of them once in 43,000
times.) The first records that the journal holds are supposed to have been there from the beginning. If it holds none,
as after an import alone, the present records are.
"""

from __future__ import annotations

import binascii
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from embedsearch.store import Event
from embedsearch.vectors import Mask

PILE = "pile"  # the detail of an event that holds the records
Marks = NDArray[np.uint32]


def marks_of(ids: Collection[str]) -> Marks:
    """Return the mark of each id."""
    return np.fromiter((crc32(id.encode("utf-8", "surrogatepass")) for id in ids), np.uint32, len(ids))


def packed(ids: Collection[str]) -> str:
    """Return the marks of records as text; the order of the ids makes no difference."""
    return binascii.b2a_base64(np.sort(marks_of(ids)).astype("<u4").tobytes(), newline=False).decode("ascii")


def last_packed(events: Sequence[Event]) -> str:
    """Return what `packed` gave for the records that the journal holds last; empty if it holds none."""
    return next((str(event.details[PILE]) for event in reversed(events) if PILE in event.details), "")


@dataclass(frozen=True, slots=True, eq=False)
class KnownPile:
    """The records as they were from an event on.

    Attributes:
        since: the number of the event; 0 for those of the beginning.
        marks: of the records.
    """

    since: int
    marks: Marks

    def holds(self, ids: Collection[str]) -> Mask:
        """Return which of these were among the records, shape (n,)."""
        return np.isin(marks_of(ids), self.marks)


def known_piles(events: Iterable[Event], ids: Collection[str]) -> list[KnownPile]:
    """Return the records from the beginning on, each time that they changed.

    Args:
        events: of the journal.
        ids: of the records now.
    """
    piles: list[KnownPile] = []
    before = None
    for event in events:
        if (text := event.details.get(PILE, before)) != before:
            marks = np.frombuffer(binascii.a2b_base64(text), "<u4")
            piles.append(KnownPile(event.number if piles else 0, marks))
            before = text
    return piles or [KnownPile(0, marks_of(ids))]
