"""Words of passages: which lie furthest out on an axis, and which are characteristic of groups of documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.columns import Schema
from embedsearch.notebooks import table
from embedsearch.results import Records
from embedsearch.store import Store
from embedsearch.terms import OFTEN, Terms, characteristic, find_terms, first_unlike, highest_by_chance, pull
from embedsearch.vectors import Rows, thinned
from embedsearch.wording import count_of

MOST_READ = 50_000  # passages; if there are more, an even sample is read
_MOST_BESIDE = 2_500  # passages on either side: somebody waits for the answer


@dataclass(frozen=True, slots=True)
class Word:
    """A word, and where the passages with it lie on an axis.

    Attributes:
        axis: the name of the axis.
        end: ``low`` or ``high``: the side of the mean of all passages on which they lie.
        word: in lower case.
        passages: how many passages have it.
        mean: the mean of their coordinates, in standard deviations of the index.
        score: how far that mean is from the mean of all passages, in standard errors of the mean of as many passages
            drawn by lot.
        version: the version of the axis.
    """

    axis: str
    end: str
    word: str
    passages: int
    mean: float
    score: float
    version: int

    def to_dict(self) -> dict[str, Any]:
        """Return the word as JSON values."""
        return asdict(self)


class Words(Records[Word]):
    """Words of the low end, then words of the high end; at each end the furthest out first."""

    def _schema(self) -> Schema:
        return {
            "axis": "text", "end": "text", "word": "text", "passages": "whole", "mean": "number", "score": "number",
            "version": "whole",
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class AxisWords:
    """The words that lie furthest out on an axis.

    Attributes:
        words: the words at both ends.
        compared: how many words were compared: those that occur in enough passages.
        chance: about how far out the furthest of so many words would lie, at either end, if coordinates were dealt to
            the passages by lot.
        passages: how many passages were read.
        of: how many passages there are.
    """

    words: Words
    compared: int
    chance: float
    passages: int
    of: int

    def _repr_html_(self) -> str:
        """Show the words as a table in a notebook."""
        caption = f"of {count_of(self.compared, 'word')} chance gives scores up to about {self.chance:.1f}"
        return table(self.words.to_dicts(), caption=caption)


def read_terms(store: Store, rows: Rows) -> Terms | None:
    """Return the words of the passages in *rows*; None if there are none."""
    return find_terms([passage.text for passage in store.passages(rows)]) if len(rows) else None


def axis_words(
    terms: Terms | None, coordinates: NDArray[np.float64], k: int, *, axis: str, version: int, of: int
) -> AxisWords:
    """Return the *k* words furthest out at either end.

    Args:
        terms: of n passages.
        coordinates: where they lie, shape (n,).
        k: how many.
        axis: its name.
        version: of it.
        of: how many passages there are.
    """
    if terms is None:
        return AxisWords(Words(), 0, 0.0, len(coordinates), of)
    means, scores = pull(terms, coordinates)
    counts = terms.counts()
    often = counts >= OFTEN
    found = [
        Word(axis, end, terms.names[place], int(counts[place]), float(means[place]), float(scores[place]), version)
        for end, sign in (("low", -1), ("high", 1))
        for place in first_unlike(terms.names, np.where(often, sign * scores, 0), k)
    ]
    compared = int(often.sum())
    return AxisWords(Words(found), compared, highest_by_chance(terms, coordinates, often), len(coordinates), of)


def group_words(terms: Terms | None, members: Sequence[NDArray[np.int64]], k: int) -> list[tuple[str, ...]]:
    """Return for each group of passages the *k* words that are most characteristic of it beside the others.

    Args:
        terms: of n passages.
        members: the places of each group's passages among them.
        k: how many.
    """
    if terms is None:
        return [()] * len(members)
    everywhere, total = terms.counts(np.concatenate(members)), sum(map(len, members))
    found = []
    for own in members:  # one at a time: the counts of many groups would not fit in memory together
        counts = terms.counts(own)
        often = np.flatnonzero(counts >= OFTEN)
        sides = np.stack([counts[often], everywhere[often] - counts[often]])
        weights = characteristic(sides, np.array([len(own), total - len(own)]))[0]
        names = [terms.names[place] for place in often.tolist()]
        found.append(tuple(names[place] for place in first_unlike(names, weights, k)))
    return found


def words_beside(store: Store, rows: Rows, k: int) -> tuple[str, ...]:
    """Return the *k* words that are most characteristic of the passages in *rows* beside all others.

    Of more than 2,500 on either side an even sample is read.
    """
    live = store.live_rows()
    own = thinned(np.unique(rows), _MOST_BESIDE)
    others = thinned(live[~np.isin(live, rows)], _MOST_BESIDE)
    terms = read_terms(store, np.concatenate([own, others]))
    members = np.arange(len(own)), np.arange(len(own), len(own) + len(others))
    return group_words(terms, members, k)[0]


def read_rows(rows: Rows) -> Rows:
    """Return the rows whose passages are read, of very many an even sample."""
    return thinned(rows, MOST_READ)
