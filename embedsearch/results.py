"""What queries return: small frozen records in sequences that become dicts, data frames and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, overload

from embedsearch.columns import Schema, Simple, flatten, to_arrow, to_pandas, to_polars, types_of
from embedsearch.errors import EmbedSearchError
from embedsearch.expressions import Expression
from embedsearch.notebooks import table
from embedsearch.offering import keeps_back

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


_FOR_PROGRAMS = ("document", "start", "end", "source")


class Record(Protocol):
    """One record of a result."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as a dict of JSON values."""


R = TypeVar("R", bound=Record)
T = TypeVar("T")


@keeps_back("as_html", "columns", "exports")
class Records(Sequence[R], Generic[R]):
    """A sequence of results that converts to dicts, pandas, polars and Arrow, and shows as a table in a notebook."""

    def __init__(self, records: Iterable[R] = (), *, asked: Schema | None = None) -> None:
        """Keep *records* in their order.

        Args:
            records: any number of records.
            asked: columns that this question asks for, beside those of every answer; they are there even if nothing was
                found.
        """
        self._records = tuple(records)
        self._asked = asked or {}

    @overload
    def __getitem__(self, place: int) -> R: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: int | slice) -> R | Self:
        """Return one record, or, for a slice, a sequence of the same kind."""
        if isinstance(place, slice):
            return type(self)(self._records[place], asked=self._asked)
        return self._records[place]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[R]:
        return iter(self._records)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Records) and type(self) is type(other) and self._records == other._records

    __hash__ = None  # type: ignore[assignment]  # the records hold mappings

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)})" + "".join(f"\n  {record!r}" for record in self._records[:10])

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the records as a list of dicts of JSON values."""
        return [record.to_dict() for record in self._records]

    def exports(self) -> Iterator[dict[str, Any]]:
        """Yield what leaves for other tools: dicts as in `to_dicts`, with what tells later how they came about."""
        return (record.to_dict() for record in self._records)

    def columns(self) -> Schema:
        """Return the columns of the exported records, in order, with their types (see `embedsearch.columns`)."""
        return {**self._schema(), **({} if self._records else self._asked)}

    def _schema(self) -> Schema:
        """Return the columns of every answer, and those that the records have."""
        raise NotImplementedError

    def to_pandas(self) -> pandas.DataFrame:
        """Return a pandas data frame with one row for each record.

        Numbers are int64 and float64. Mappings and lists are objects, with their values as they are.

        Raises:
            EmbedSearchError: pandas is not installed.
        """
        return self._leave("pandas", to_pandas)

    def to_polars(self) -> polars.DataFrame:
        """Return a polars data frame with one row for each record.

        Mappings are structs. A metadata field with values of several kinds becomes text, with everything but text in it
        written as JSON.

        Raises:
            EmbedSearchError: polars is not installed.
        """
        return self._leave("polars", to_polars)

    def to_arrow(self) -> pyarrow.Table:
        """Return an Arrow table with one row for each record, with the same types as `to_polars`.

        Raises:
            EmbedSearchError: pyarrow is not installed.
        """
        return self._leave("pyarrow", to_arrow)

    def _leave(self, package: str, build: Callable[[Sequence[Mapping[str, Any]], Schema], T]) -> T:
        try:
            return build(list(self.exports()), self.columns())
        except ImportError as error:
            raise EmbedSearchError(f"{package} is not installed; install it with: pip install {package}") from error

    def _repr_html_(self) -> str:
        """Show the records as a table in a notebook; texts are escaped."""
        return self.as_html()

    def as_html(self, caption: str = "") -> str:
        """Return the records as an HTML table for a notebook, with *caption* above it; texts are escaped."""
        return table([self._shown(record) for record in self._records], caption=caption)

    def _shown(self, record: R) -> dict[str, Any]:
        """Return what a notebook shows of a record, by column."""
        return flatten(record.to_dict())


def _inner(column: str, mappings: Iterable[Mapping[str, Any]], type: Simple) -> Schema:
    """Return a column of mappings with a type for each name that any of them has; nothing if all are empty."""
    names = dict.fromkeys(name for one in mappings for name in one)
    return {column: dict.fromkeys(names, type)} if names else {}


def _optional(column: str, values: Iterable[Any], type: Simple) -> Schema:
    """Return a column if any record has a value for it."""
    return {column: type} if any(value is not None for value in values) else {}


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that answers a query.

    Attributes:
        rank: 1 for the best.
        score: the cosine to the query, -1…1, higher is nearer. None if the query has no vector: it was a point on
            axes, or words alone (mode lexical).
        document: the id of the passage's document.
        position: which passage of the document it is, from 0.
        text: the text of the passage.
        title: the document's title.
        start: the offset of the passage's first character in the document's text.
        end: the offset just after its last character.
        source: the file, and line, that the document came from.
        metadata: the document's other fields.
        contributions: what each term of an expression adds to the score; they sum to it.
        near_alone: the terms of an expression whose own nearest neighbours include this passage.
        distance: the distance from the point asked for, in standard deviations, if the query is a point on axes.
        coordinates: coordinates by axis, in standard deviations, if axes were asked for.
        versions: the versions of those axes, by name.
        bm25: the BM25 score of the query's words, 0 if the passage has none of them; None if the search did not look at
            words.
        fused: the score that ranks the hits of a hybrid search, at most 1 (see `embedsearch.fusion`).
    """

    rank: int
    score: float | None
    document: str
    position: int
    text: str
    title: str
    start: int
    end: int
    source: str
    metadata: Mapping[str, Any]
    contributions: Mapping[str, float] = field(default_factory=dict)
    near_alone: tuple[str, ...] = ()
    distance: float | None = None
    coordinates: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    bm25: float | None = None
    fused: float | None = None
    __hash__ = None  # type: ignore[assignment]  # it holds mappings

    @property
    def id(self) -> str:
        """The passage's id: the document's id, with ``#position`` after it for all but the first passage.

        A document may have such an id, too. Only `document` and `position` together tell passages apart.
        """
        return self.document if self.position == 0 else f"{self.document}#{self.position}"

    def to_dict(self) -> dict[str, Any]:
        """Return the hit as a dict of JSON values; what the query did not ask for is left out."""
        record: dict[str, Any] = {
            "rank": self.rank,
            "score": self.score,
            "id": self.id,
            "document": self.document,
            "text": self.text,
            "title": self.title,
            "start": self.start,
            "end": self.end,
            "source": self.source,
            "metadata": dict(self.metadata),
        }
        for name in ("distance", "bm25", "fused"):
            if (value := getattr(self, name)) is not None:
                record[name] = value
        if self.coordinates:
            record |= {"coordinates": dict(self.coordinates), "versions": dict(self.versions)}
        if self.contributions:
            record |= {"contributions": dict(self.contributions), "near_alone": list(self.near_alone)}
        return record


class Hits(Records[Hit]):
    """The hits of a query, best first."""

    def _schema(self) -> Schema:
        return {
            "rank": "whole", "score": "number", "id": "text", "document": "text", "text": "text", "title": "text",
            "start": "whole", "end": "whole", "source": "text",
            "metadata": types_of([hit.metadata for hit in self]),
            **_optional("distance", (hit.distance for hit in self), "number"),
            **_optional("bm25", (hit.bm25 for hit in self), "number"),
            **_optional("fused", (hit.fused for hit in self), "number"),
            **_inner("coordinates", (hit.coordinates for hit in self), "number"),
            **_inner("versions", (hit.versions for hit in self), "whole"),
            **_inner("contributions", (hit.contributions for hit in self), "number"),
            **_optional("near_alone", (hit.contributions or None for hit in self), "texts"),
        }  # fmt: skip

    def _shown(self, record: Hit) -> dict[str, Any]:
        """Leave out what only programs need: where a passage starts, and what repeats its id."""
        columns = flatten(record.to_dict())
        return {name: value for name, value in columns.items() if name not in _FOR_PROGRAMS}


@keeps_back("to_export")
@dataclass(frozen=True, slots=True)
class Placement:
    """Where a text lies on axes.

    Attributes:
        text: the phrase or passage.
        coordinates: the coordinate on each axis, by name, in the unit asked for.
        id: the passage's id in the index; empty for a phrase.
        rated: the axes on which the text stands where it was rated; on all others it was measured.
        intervals: the lowest and highest rating to expect, by axis; only for measured coordinates in the unit of
            ratings.
        versions: the version of each axis that was used, by name.
        distances: how far the text's vector lies from the curve, by axis; only for axes that are a series of groups.
    """

    text: str
    coordinates: Mapping[str, float]
    id: str = ""
    rated: tuple[str, ...] = ()
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    distances: Mapping[str, float] = field(default_factory=dict)
    __hash__ = None  # type: ignore[assignment]  # it holds mappings

    def to_dict(self) -> dict[str, Any]:
        """Return the placement as a dict of JSON values: the text, the id if any, one key for each axis, and marks."""
        record: dict[str, Any] = {"text": self.text} | ({"id": self.id} if self.id else {}) | dict(self.coordinates)
        if self.rated:
            record["rated"] = list(self.rated)
        if self.intervals:
            record["intervals"] = {name: list(ends) for name, ends in self.intervals.items()}
        if self.distances:
            record["distances"] = dict(self.distances)
        return record

    def to_export(self) -> dict[str, Any]:
        """Return `to_dict` with the versions of the axes, for files that outlive those versions."""
        return self.to_dict() | ({"versions": dict(self.versions)} if self.versions else {})


class Placements(Records[Placement]):
    """Placements, in the order of the texts given or of the sorting asked for.

    Exports to pandas, polars or Arrow name the version of each axis; so do the command line's formats for programs.
    """

    def exports(self) -> Iterator[dict[str, Any]]:
        """Yield `Placement.to_export` of each."""
        return (placement.to_export() for placement in self)

    def _schema(self) -> Schema:
        return {
            "text": "text", **_optional("id", (one.id or None for one in self), "text"),
            **dict.fromkeys((name for one in self for name in one.coordinates), "number"),
            **_optional("rated", (one.rated or None for one in self), "texts"),
            **_inner("intervals", (one.intervals for one in self), "numbers"),
            **_inner("distances", (one.distances for one in self), "number"),
            **_inner("versions", (one.versions for one in self), "whole"),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A document that is, or may be, the same as another one of the index.

    Attributes:
        id: the document's id.
        kept: the id of the other one, which says more.
        by: what they have in common: ``doi``, ``pmid``, ``title``, ``text``.
        same: the share of the shorter one's runs of three words that the longer one has too, 0…1.
        against: what speaks against it, a few words each; empty if they are surely the same.
        title: the document's title, or its text if it has none.
        kept_title: the title of the one that says more.
    """

    id: str
    kept: str
    by: tuple[str, ...]
    same: float
    against: tuple[str, ...]
    title: str
    kept_title: str

    def to_dict(self) -> dict[str, Any]:
        """Return the duplicate as a dict of JSON values."""
        return asdict(self) | {"by": list(self.by), "against": list(self.against)}


class Duplicates(Records[Duplicate]):
    """Documents that are, or may be, the same as others, in the order in which they were added."""

    @property
    def sure(self) -> Duplicates:
        """The duplicates that nothing speaks against."""
        return Duplicates(one for one in self if not one.against)

    def _schema(self) -> Schema:
        return {
            "id": "text", "kept": "text", "by": "texts", "same": "number", "against": "texts", "title": "text",
            "kept_title": "text",
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Calculation:
    """The answer to an expression.

    Attributes:
        expression: the expression.
        hits: the passages nearest to the sum.
        alone: for each term, its own nearest neighbours: they show whether the sum found anything new.
        point: the sum's coordinates by axis, in standard deviations, if it was taken on axes.
        terms: where each term lies on those axes, before its weight.
    """

    expression: Expression
    hits: Hits
    alone: Mapping[str, Hits]
    point: Mapping[str, float] = field(default_factory=dict)
    terms: Placements = field(default_factory=Placements)

    def _repr_html_(self) -> str:
        """Show the expression and where it leads, the answers, and where the terms lie."""
        at = ", ".join(f"{name} {value:.2f}" for name, value in self.point.items())
        answers = self.hits.as_html(f"{self.expression}{at and f' at {at}'}")
        return answers + (self.terms.as_html("Terms") if len(self.terms) else "")
