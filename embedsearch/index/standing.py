"""Which texts are a phrase that was rated, letter case and white space aside: phrases, passages and documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from embedsearch.axes.rated import folded
from embedsearch.store import Store

_LONGER = 2  # a text with more than so many times the phrase's characters, and a few more, is not looked at
_SOME = 16


def longest_of(phrases: Iterable[str]) -> int:
    """Return the most characters of a text that is one of *phrases*, at least one, however it is spaced."""
    return _LONGER * max(map(len, phrases)) + _SOME


class Rated:
    """The ratings of the phrases of an axis."""

    def __init__(self, ratings: Mapping[str, float]) -> None:
        """Take ratings by phrase."""
        self.by_phrase = {folded(phrase): value for phrase, value in ratings.items()}

    def rating(self, text: str) -> float | None:
        """Return the rating of a text; None if it was not rated."""
        phrase = folded(text)
        value = self.by_phrase.get(phrase)
        return value if value is not None and len(text.strip()) <= longest_of([phrase]) else None


class Sayings:
    """Which passages of an index say a phrase and nothing else; their texts are read once in each state of the index.

    Only passages that are hardly longer than the longest phrase are read. Of 1,000,000 abstracts that is none, in the
    0.05 s that the lengths take; 1,000,000 passages that are all so short take a second.
    """

    def __init__(self, store: Store) -> None:
        """Read nothing yet."""
        self._store = store
        self._state: object = None
        self._rows: dict[str, list[int]] = {}

    def rows(self, rated: Rated) -> dict[int, float]:
        """Return the ratings of passages that say a rated phrase, by row."""
        with self._store.reading():
            if (state := self._store.database.state()) != self._state:
                self._rows, self._state = {}, state
            if new := rated.by_phrase.keys() - self._rows.keys():
                self._read(new)
        return {row: value for phrase, value in rated.by_phrase.items() for row in self._rows[phrase]}

    def _read(self, phrases: Iterable[str]) -> None:
        found: dict[str, list[int]] = {phrase: [] for phrase in phrases}
        for row, text in self._store.short_texts(longest_of(found)):
            phrase = folded(text)
            if phrase in found and len(text) <= longest_of([phrase]):
                found[phrase].append(row)
        self._rows |= found
