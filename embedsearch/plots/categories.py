"""The values of a field as a few categories, each with its own colour and marker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.fields import all_numbers
from embedsearch.conditions.values import is_missing
from embedsearch.groups import written
from embedsearch.groups.dividing import odd_values
from embedsearch.plots.style import COLORS, MARKERS, QUIET, STEPS

_MOST = len(COLORS)


@dataclass(frozen=True, slots=True)
class Category:
    """Passages that are drawn alike.

    Attributes:
        name: the value of the field, in full, or the legend's text for several values.
        color: hexadecimal RGB.
        marker: as matplotlib writes it.
        count: how many passages it has.
    """

    name: str
    color: str
    marker: str
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """The categories of passages.

    Attributes:
        field: the field whose values they are.
        entries: in the order of the legend: names by frequency, ranges of numbers ascending; after them rare values,
            and passages without a value.
        places: the entry of each passage; shape (n,).
        odd: few values that keep the others from being ranges of numbers; see `embedsearch.groups.dividing`.
    """

    field: str
    entries: tuple[Category, ...]
    places: NDArray[np.intp]
    odd: tuple[str, ...] = ()

    @classmethod
    def of(cls, field: str, values: Sequence[Any]) -> Categories:
        """Divide passages by the values of a field; None, an empty text or an empty list if there is none.

        More than eight different numbers or dates become five ranges of about as many passages each. Of other values,
        the eight most frequent have a category each (seven, if there are more), and the rest share one.
        """
        present = np.array([not is_missing(value) for value in values], dtype=bool)
        given = [value for value, there in zip(values, present, strict=True) if there]
        numbers = all_numbers(given)
        if numbers is not None and len(np.unique(numbers)) <= _MOST:
            numbers = None  # few enough for a category each
        names, colors = ([*map(written, given)], COLORS) if numbers is None else (_ranges(numbers), STEPS)
        order = _by_frequency(names) if numbers is None else list(dict.fromkeys(np.array(names)[np.argsort(numbers)]))
        kept = order if len(order) <= _MOST else order[: _MOST - 1]
        looks = [*zip(kept, colors, MARKERS, strict=False)]
        looks.append((f"{len(order) - len(kept):,} other values", QUIET, "."))
        looks.append((f"no {field}", QUIET, "x"))
        place_of = {name: place for place, name in enumerate(kept)}
        places = np.full(len(values), len(kept) + 1)
        places[present] = [place_of.get(name, len(kept)) for name in names]
        made = cls._without_empty(field, looks, places)
        return made if numbers is not None else replace(made, odd=odd_values(given))

    @classmethod
    def _without_empty(cls, field: str, looks: Sequence[tuple[str, str, str]], places: NDArray[np.intp]) -> Categories:
        counts = np.bincount(places, minlength=len(looks))
        used = np.flatnonzero(counts)
        entries = tuple(Category(*looks[place], int(counts[place])) for place in used.tolist())
        return cls(field, entries, np.searchsorted(used, places))

    def members(self, entry: int) -> NDArray[np.intp]:
        """Return which passages are in an entry, ascending."""
        return np.flatnonzero(self.places == entry)


def _ranges(numbers: NDArray[np.float64]) -> list[str]:
    """Return for each number the name of its range, another one for each; equal numbers are never parted."""
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, len(STEPS) + 1)[1:-1]))
    places = np.searchsorted(edges, numbers, side="left")
    used, numbered = np.unique(places, return_inverse=True)
    ends = [(numbers[places == place].min(), numbers[places == place].max()) for place in used]
    for digits in (6, 12, 17):  # 17 tell any two numbers apart
        names = [" to ".join(dict.fromkeys(_short(end, digits) for end in pair)) for pair in ends]
        if len(set(names)) == len(names):
            break
    return [names[place] for place in numbered.tolist()]


def _short(number: float, digits: int) -> str:
    return f"{number:.0f}" if number.is_integer() else f"{number:.{digits}g}"


def _by_frequency(names: Sequence[str]) -> list[str]:
    """Return the names, the most frequent first, equal ones by the alphabet."""
    counts = Counter(names)
    return sorted(counts, key=lambda name: (-counts[name], name))
