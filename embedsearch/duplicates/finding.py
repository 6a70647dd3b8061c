"""Which records are copies of which others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from embedsearch.duplicates.comparing import Match, compare
from embedsearch.duplicates.fingerprints import Places
from embedsearch.duplicates.record import Record

Lookup = Callable[[Sequence[int]], Mapping[int, Record]]
Pair = tuple[int, int]

BOTH_LABELLED = "both are labelled"

_AT_ONCE = 2_000  # pairs, whose records are held
_KEPT_COMPARED = 20  # records kept of one family that each other one is compared with, beside those found as its pairs


@dataclass(frozen=True, slots=True)
class Copy:
    """A record that is, or may be, the same as another one.

    Attributes:
        place: the place of the record.
        kept: the place of the one that says more.
        match: why they may be the same.
    """

    place: int
    kept: int
    match: Match


class Finder:
    """Finds copies among records that are looked up by their places."""

    def __init__(self, lookup: Lookup, ranks: Places, labelled: Collection[int], same: float) -> None:
        """Look nothing up yet.

        Args:
            lookup: gives records by their places, which are ascending; those of *_AT_ONCE* pairs or of one family.
            ranks: of each place; of records that are the same the one of lowest rank is kept.
            labelled: places of records of which none is surely a copy of another.
            same: see `compare`.
        """
        self._lookup = lookup
        self._ranks = ranks
        self._labelled = labelled
        self._same = same

    def copies(self, pairs: Places, progress: Callable[[int, int], None] | None = None) -> list[Copy]:
        """Return the copies among records, each with the one record that is kept in its place, in the order of places.

        A record that is kept is itself not a sure copy, and each copy was compared with the record that is kept for it.

        Args:
            pairs: the places of records to compare, shape (n, 2).
            progress: called with the pairs compared so far and the pairs in all.
        """
        matches = self._matches(pairs, progress)
        sure = [pair for pair, match in matches.items() if not match.against]
        partners = _partners(sure)
        copies = [copy for family in _families(sure) for copy in self._within(family, matches, partners)]
        return sorted(copies + self._doubtful(matches, copies), key=lambda copy: copy.place)

    def _matches(self, pairs: Places, progress: Callable[[int, int], None] | None) -> dict[Pair, Match]:
        found = {}
        for start in range(0, len(pairs), _AT_ONCE):
            part = pairs[start : start + _AT_ONCE]
            records = self._lookup(np.unique(part).tolist())
            for one, other in part.tolist():
                if match := self._compared(one, other, records):
                    found[one, other] = match
            if progress:
                progress(start + len(part), len(pairs))
        return found

    def _compared(self, one: int, other: int, records: Mapping[int, Record]) -> Match | None:
        match = compare(records[one], records[other], self._same)
        if match and one in self._labelled and other in self._labelled:
            return replace(match, against=(*match.against, BOTH_LABELLED))
        return match

    def _within(
        self, family: Sequence[int], matches: Mapping[Pair, Match], partners: Mapping[int, Sequence[int]]
    ) -> Iterator[Copy]:
        """Yield the copies in a family: records that are joined by sure matches, directly or through others."""
        records = self._lookup(family) if len(family) > 2 else {}
        kept: dict[int, None] = {}  # in the order of ranks
        for place in sorted(family, key=self._ranks.__getitem__):
            known = sorted((one for one in partners[place] if one in kept), key=self._ranks.__getitem__)
            for best in (*islice(kept, _KEPT_COMPARED), *known):
                pair = min(best, place), max(best, place)
                match = matches.get(pair) or (self._compared(*pair, records) if records else None)
                if match and not match.against:
                    yield Copy(place, best, match)
                    break
            else:
                kept[place] = None

    def _doubtful(self, matches: Mapping[Pair, Match], copies: Sequence[Copy]) -> list[Copy]:
        """Return what may be copies among the records that are no sure ones, each of one that is none itself."""
        sure = {copy.place for copy in copies}
        doubtful: dict[int, Copy] = {}
        pairs = [
            (tuple(sorted(pair, key=self._ranks.__getitem__)), match)
            for pair, match in matches.items()
            if match.against
        ]
        for (best, place), match in sorted(pairs, key=lambda one: (self._ranks[one[0][1]], -one[1].same)):
            if sure.isdisjoint((place, best)) and place not in doubtful and best not in doubtful:
                doubtful[place] = Copy(place, best, match)
        return list(doubtful.values())


def _partners(pairs: Iterable[Pair]) -> dict[int, list[int]]:
    """Return for each place the others that it is paired with."""
    partners: dict[int, list[int]] = {}
    for one, other in pairs:
        partners.setdefault(one, []).append(other)
        partners.setdefault(other, []).append(one)
    return partners


def _families(pairs: Collection[Pair]) -> list[list[int]]:
    """Return the places that pairs join, directly or through others, those of each family ascending."""
    leads: dict[int, int] = {}

    def root(place: int) -> int:
        while leads.setdefault(place, place) != place:
            leads[place] = place = leads[leads[place]]
        return place

    for one, other in pairs:
        first, second = root(one), root(other)
        leads[max(first, second)] = min(first, second)
    families: dict[int, list[int]] = {}
    for place in sorted(leads):
        families.setdefault(root(place), []).append(place)
    return list(families.values())


def ranks(sizes: Sequence[tuple[int, int]], labelled: Collection[int]) -> Places:
    """Return the rank of each record: labelled ones come first, then those of more words, or fields, or the earlier."""
    words, fields = np.array(sizes, dtype=np.int64).reshape(-1, 2).T
    unlabelled = np.array([place not in labelled for place in range(len(sizes))], dtype=bool)
    order = np.lexsort((-fields, -words, unlabelled))
    found = np.empty(len(order), dtype=np.int64)
    found[order] = np.arange(len(order))
    return found
