"""What a figure shows, as numbers and texts: taken from an index before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.axes import ScaledAxis
from embedsearch.errors import QueryError
from embedsearch.index import Index, arguments, require_index
from embedsearch.index.arguments import require_count
from embedsearch.index.population import Population
from embedsearch.plots.categories import Categories
from embedsearch.plots.ends import curve_through, group_names
from embedsearch.results import Calculation, Hit
from embedsearch.store import StoredPassage
from embedsearch.vectors import top

Role = Literal["sum", "term", "phrase", "answer", "passage", "group"]
EXTREMES = 3  # passages labelled at each end of each axis where nothing else is


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a figure shows besides the passages of the index.

    Attributes:
        phrases: any texts.
        documents: ids; each is labelled at the mean of its passages.
        calc: an expression whose sum is drawn.
        k: how many of the passages nearest to the sum are labelled.
        color: a field that tells passages apart.
        where: a condition that the passages must satisfy.
        extremes: how many passages are labelled at each end of each axis; if None, `EXTREMES` if nothing else is.
    """

    phrases: Sequence[str] = ()
    documents: Sequence[str] = ()
    calc: str | None = None
    k: int = 5
    color: str | None = None
    where: str | None = None
    extremes: int | None = None

    @classmethod
    def of(
        cls, phrases: str | Iterable[str], documents: str | Iterable[str], extremes: int | None, **others: Any
    ) -> Self:
        """Return what is wanted; phrases and ids may be one or several.

        Raises:
            QueryError: one is not a text, or *extremes* is not a whole number of at least 0.
        """
        ids = tuple(arguments.texts("the id of a document", documents))
        most = None if extremes is None else require_count(extremes, "extremes", least=0)
        return cls(tuple(arguments.texts("a phrase", phrases)), ids, extremes=most, **others)


@dataclass(frozen=True, slots=True)
class Mark:
    """A labelled point.

    Attributes:
        role: what it is there for.
        text: the text of the label.
        at: one coordinate for each axis, in standard deviations.
        category: its entry in `Categories`; None for a point that is not a passage.
    """

    role: Role
    text: str
    at: tuple[float, ...]
    category: int | None = None


@dataclass(frozen=True, slots=True)
class Arrow:
    """A term of a sum: where it starts and ends, and what is written beside it."""

    start: tuple[float, ...]
    end: tuple[float, ...]
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a figure shows.

    Attributes:
        index: the name of the index's folder.
        encoder: the name of the encoder.
        total: how many passages the index has.
        axes: m axes.
        population: the passages drawn, with coordinates of shape (n, m).
        categories: the categories of the passages, if a field was named.
        marks: labelled points, the most important first.
        arrows: the terms of a sum, head to tail from the mean of the index.
        curves: the line of each grouped axis, each of shape (p, m).
        where: the condition that the passages satisfy.
    """

    index: str
    encoder: str
    total: int
    axes: tuple[ScaledAxis, ...]
    population: Population
    categories: Categories | None
    marks: tuple[Mark, ...]
    arrows: tuple[Arrow, ...]
    curves: tuple[NDArray[np.float64], ...]
    where: str | None

    @property
    def subject(self) -> str:
        """One line that says what the figure was made from, for the metadata of its file."""
        axes = ", ".join(f"{axis.name} (version {axis.version})" for axis in self.axes)
        condition = f" where {self.where}" if self.where else ""
        return (
            f"{len(self.population)} of {self.total} passages of {self.index}{condition}, "
            f"encoder {self.encoder}, on {axes}"
        )


def gather(index: Index, names: Sequence[str], wanted: Wanted) -> Scene:
    """Return what a figure of an index on some axes shows, all from one state of the index.

    Raises:
        AxisError, QueryError: as for `Index.population`, `Index.place` and `Index.calc`.
    """
    with require_index(index).reading():
        population = index.population(names, where=wanted.where, field=wanted.color)
        categories = None
        if wanted.color is not None and population.values is not None:
            categories = Categories.of(wanted.color, population.values)
        found = _Finder(index, names, population, categories)
        answer = None
        if wanted.calc is not None:
            answer = index.calc(wanted.calc, k=wanted.k, on=names, where=wanted.where)
        marks = [*found.of_sum(answer), *found.phrases(wanted.phrases), *found.documents(wanted.documents)]
        extremes = wanted.extremes if wanted.extremes is not None else 0 if marks else EXTREMES
        marks += [*found.groups(), *found.extremes(extremes)]
        return Scene(
            index=index.path.name,
            encoder=index.axes.encoder_name,
            total=len(index),
            axes=tuple(population.axes),
            population=population,
            categories=categories,
            marks=_once(marks),
            arrows=tuple(_arrows(answer)),
            curves=tuple(found.curves()),
            where=wanted.where,
        )


def _once(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Return marks without those whose text stands there already, a thousandth of a deviation aside."""
    first: dict[object, Mark] = {}
    for mark in marks:
        first.setdefault((mark.text, *(round(value, 3) for value in mark.at)), mark)
    return tuple(first.values())


class _Finder:
    """Finds what is to be labelled."""

    def __init__(
        self, index: Index, names: Sequence[str], population: Population, categories: Categories | None
    ) -> None:
        self._index = index
        self._names = list(names)
        self._population = population
        self._categories = categories

    def of_sum(self, answer: Calculation | None) -> Iterator[Mark]:
        """Yield the sum of an expression, its terms, and the passages nearest to it."""
        if answer is None:
            return
        yield Mark("sum", str(answer.expression), self._at(answer.point))
        for term in answer.terms:
            yield Mark("term", term.text, self._at(term.coordinates))
        for hit, row in zip(answer.hits, self._index.rows_of(answer.hits), strict=True):
            yield Mark("answer", _name(hit), self._at(hit.coordinates), self._category([row]))

    def phrases(self, phrases: Sequence[str]) -> Iterator[Mark]:
        """Yield a mark for each phrase."""
        for placement in self._index.place(phrases, self._names) if phrases else ():
            yield Mark("phrase", placement.text, self._at(placement.coordinates))

    def documents(self, ids: Sequence[str]) -> Iterator[Mark]:
        """Yield a mark for each document, at the mean of its passages."""
        for id in ids:
            own = self._index.population(self._names, documents=[id])
            if not len(own):
                raise QueryError(f"the document {id!r} has no text, and so no place to label")
            document = self._index.get(id)
            at = tuple(own.coordinates.mean(axis=0).tolist())
            yield Mark("passage", document.title or document.text, at, self._category(own.rows))

    def extremes(self, count: int) -> Iterator[Mark]:
        """Yield so many passages from each end of each axis, the farthest first."""
        places: dict[int, None] = {}
        for column in self._population.coordinates.T if count else ():
            for values in (column, -column):
                places |= dict.fromkeys(top(values, count).tolist())
        passages = self._index.passages(self._population.rows[list(places)])
        for place, passage in zip(places, passages, strict=True):
            yield self._passage(passage, place)

    def groups(self) -> Iterator[Mark]:
        """Yield the means of the groups of grouped axes."""
        for axis in self._grouped():
            nodes = curve_through(axis, tuple(self._population.axes))[1]
            for name, node in zip(group_names(axis), nodes.tolist(), strict=True):
                yield Mark("group", name, tuple(node))

    def curves(self) -> Iterator[NDArray[np.float64]]:
        """Yield the line through those means."""
        for axis in self._grouped():
            yield curve_through(axis, tuple(self._population.axes))[0]

    def _grouped(self) -> list[ScaledAxis]:
        return [axis for axis in self._population.axes if axis.fitted.curve is not None]

    def _category(self, rows: ArrayLike) -> int | None:
        """Return the category that some passages of one document have; None if none of them is drawn."""
        if self._categories is None:
            return None
        drawn = np.flatnonzero(np.isin(self._population.rows, rows, assume_unique=True))
        return int(self._categories.places[drawn[0]]) if len(drawn) else None

    def _passage(self, passage: StoredPassage, place: int) -> Mark:
        at = tuple(self._population.coordinates[place].tolist())
        category = None if self._categories is None else int(self._categories.places[place])
        return Mark("passage", _name(passage), at, category)

    def _at(self, coordinates: Mapping[str, float]) -> tuple[float, ...]:
        return tuple(coordinates[name] for name in self._names)


def _name(passage: StoredPassage | Hit) -> str:
    """Return what a passage is called: its document's title, or its text if there is none."""
    if not passage.title:
        return passage.text
    return f"{passage.title} #{passage.position}" if passage.position else passage.title


def _arrows(answer: Calculation | None) -> Iterator[Arrow]:
    """Yield the weighted terms of a sum head to tail, from the mean of the index to the sum."""
    if answer is None:
        return
    start = np.zeros(len(answer.point))
    for place, (term, stands) in enumerate(zip(answer.expression.terms, answer.terms, strict=True)):
        end = start + term.weight * np.array(list(stands.coordinates.values()))
        yield Arrow(tuple(start.tolist()), tuple(end.tolist()), _signed(term.weight, term.text, first=place == 0))
        start = end


def _signed(weight: float, text: str, *, first: bool) -> str:
    """Return a term as it stands in a sum: ``wolf``, ``+ wolf``, ``− 0.5·wolf``."""
    sign = "−" if weight < 0 else "" if first else "+"
    size = "" if abs(weight) == 1 else f"{abs(weight):g}·"
    return f"{sign} {size}{text}".strip()
