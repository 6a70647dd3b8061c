"""Whether two records are the same, by what, and what speaks against it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from numbers import Real

import numpy as np

from embedsearch.duplicates.record import SHINGLE, Record, shingles, words
from embedsearch.errors import QueryError
from embedsearch.wording import shown

SAME = 0.8

_SHORTEST = 0.5  # a text that is less than half of another is a part of it, not a copy
_TEXTS_DIFFER = 0.5
_TITLES_ALIKE = 0.85
_SHORTEST_TITLE = 3  # words; what is called "Editorial" is not the same for that
_YEARS_APART = 1  # online in one year, in print in the next
_AUTHORS_DIFFER = 0.5  # of the names of the record that has fewer
_LITTLE = 8  # words
_LITTLE_WITH_YEAR = 5  # words, where the year is the same


@dataclass(frozen=True, slots=True)
class Match:
    """Why two records may be the same.

    Attributes:
        by: what they have in common: ``doi``, ``pmid``, ``title``, ``text``.
        same: the share of the shorter one's runs of three words that the longer one has too, 0…1.
        against: what speaks against it, a few words each.
    """

    by: tuple[str, ...]
    same: float
    against: tuple[str, ...]


def checked_same(same: float) -> float:
    """Return *same* if it is a share.

    Raises:
        QueryError: it is not a number above 0 and at most 1.
    """
    if not isinstance(same, Real) or not 0 < same <= 1:
        wanted = "a number above 0 and at most 1"
        raise QueryError(f"the share of words that are the same is {shown(same)}; wanted {wanted}")
    return float(same)


def compare(one: Record, other: Record, same: float = SAME) -> Match | None:
    """Return why two records may be the same; None if nothing says so.

    Args:
        one: a record.
        other: another one; their order does not matter.
        same: texts count as the same if they share at least this part of their words, 0…1; see `Match.same`.
    """
    shared = containment(one, other)
    by = [name for name in ("doi", "pmid") if getattr(one, name) and getattr(one, name) == getattr(other, name)]
    if min(len(one.title), len(other.title)) >= _SHORTEST_TITLE and _are_called_alike(one, other):
        by.append("title")
    if shared >= same and min(len(one.words), len(other.words)) >= _SHORTEST * max(len(one.words), len(other.words)):
        by.append("text")
    return Match(tuple(by), shared, tuple(_against(one, other, by, shared))) if by else None


def containment(one: Record, other: Record) -> float:
    """Return the share of the shorter record's runs of three words that the longer one has too, 0…1.

    This is the containment of Broder, *On the resemblance and containment of documents* (1997). Records of fewer than
    three words are compared by runs of their own length.
    """
    length = min(SHINGLE, len(one.words), len(other.words))
    if not length:
        return 0.0
    first, second = (
        record.shingles if length == SHINGLE else shingles(record.words, length) for record in (one, other)
    )
    return len(np.intersect1d(first, second, assume_unique=True)) / min(len(first), len(second))


def _are_called_alike(one: Record, other: Record) -> bool:
    """Is the title the same, or the one that of the other without its subtitle?"""
    shorter, longer = sorted((one, other), key=lambda record: len(record.title))
    return shorter.title in (longer.title, longer.head)


def _against(one: Record, other: Record, by: list[str], shared: float) -> list[str]:
    found = [
        f"{name} differs" for name in ("doi", "pmid")
        if getattr(one, name) and getattr(other, name) and getattr(one, name) != getattr(other, name)
    ]  # fmt: skip
    is_identified = "doi" in by or "pmid" in by
    if shared < _TEXTS_DIFFER:
        found.append("texts differ")
    if not (is_identified and "text" in by) and _titles_differ(one, other):
        found.append("titles differ")
    if is_identified:
        return found
    if one.year and other.year and abs(one.year - other.year) > _YEARS_APART:
        found.append(f"years {min(one.year, other.year)} and {max(one.year, other.year)}")
    in_common = len(one.authors & other.authors) / max(1, min(len(one.authors), len(other.authors)))
    if one.authors and other.authors and in_common < _AUTHORS_DIFFER:
        found.append("authors differ")
    if in_common < _AUTHORS_DIFFER:
        found += _too_little(one, other)
    return found


def _titles_differ(one: Record, other: Record) -> bool:
    """Do titles differ in more than a few words, or the subtitle? Numbers and single letters tell parts apart."""
    if not one.title or not other.title or _are_called_alike(one, other):
        return False
    first, second = ({word for word in record.title if len(word) == 1 or not word.isalpha()} for record in (one, other))
    if first and second and first != second:
        return True
    return SequenceMatcher(None, one.title, other.title, autojunk=False).ratio() < _TITLES_ALIKE


def _too_little(one: Record, other: Record) -> list[str]:
    """Return what speaks against records of few words: titles, since many are called alike, or a field that differs."""
    count = min(len(one.words), len(other.words))
    if count >= (_LITTLE_WITH_YEAR if one.year and one.year == other.year else _LITTLE):
        return []
    if one.is_titled or other.is_titled:
        return ["only a short title"]
    both = [name for name in one.fields if name in other.fields]
    differing = (name for name in both if words(str(one.fields[name])) != words(str(other.fields[name])))
    return [f"{name} differs" for name in differing][:1]
