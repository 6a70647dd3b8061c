"""Exporting what an index holds for other programs: documents or passages, with their coordinates and vectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from typing import IO, Any, Literal

from embedsearch.columns import Simple, flatten, require_parquet, types_of, write_parquet
from embedsearch.given import require_flags, require_utf8
from embedsearch.index import Index, Wanted, require_index
from embedsearch.index.arguments import axis_names, one_of
from embedsearch.vectors import Vectors

Unit = Literal["document", "passage"]
Pair = tuple[dict[str, Any], Vectors | None]

UNITS: tuple[Unit, ...] = ("document", "passage")
_DOCUMENT: dict[str, Simple] = {"id": "text", "title": "text", "text": "text", "source": "text"}
_PASSAGE: dict[str, Simple] = {
    "id": "text", "document": "text", "title": "text", "text": "text", "start": "whole", "end": "whole",
    "source": "text",
}  # fmt: skip
_AT_ONCE = 1_000
_DIGITS = 9  # behind the point of a value of a vector where it is text: as many as float32 has


@dataclass(frozen=True, slots=True)
class Export:
    """The records of an index, in the order in which they were added.

    Attributes:
        index: an open index.
        by: what a record is: a document or a passage.
        axes: the axes whose coordinates are added, in standard deviations of the index; those of a document are the
            mean of its passages.
        where: a condition that the records must satisfy; if None, all are exported.
        vectors: whether each record has its vector, of length 1; that of a document is the mean of its passages.
    """

    index: Index
    by: Unit = "document"
    axes: Sequence[str] = ()
    where: str | None = None
    vectors: bool = False

    def __post_init__(self) -> None:
        """Refuse what is of another kind; one axis counts as one.

        Raises:
            QueryError: as `records`, or something is of another kind.
        """
        require_index(self.index)
        one_of("unit of records", self.by, UNITS)
        object.__setattr__(self, "axes", tuple(axis_names(self.axes)))
        if self.where is not None:
            require_utf8("a condition", self.where)
        require_flags(vectors=self.vectors)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records as dicts of JSON values; only a batch is held in memory.

        Each has ``id``, ``title``, ``text``, ``source`` and ``metadata``; a passage also ``document``, ``start`` and
        ``end``. If asked for, there are ``coordinates``, with the ``versions`` of the axes, and ``vector``.

        Raises:
            QueryError: the condition is wrong.
            AxisError: an axis does not exist.
        """
        for record, vector in self._pairs():
            if vector is not None:
                record["vector"] = [round(value, _DIGITS) for value in vector.tolist()]
            yield record

    def columns(self) -> dict[str, Simple]:
        """Return the columns of the records, flat, with their types; the types of fields depend on all documents."""
        fields = types_of(document.metadata for document in self.index.documents())
        vector: dict[str, Simple] = {"vector": "vector"} if self.vectors else {}
        return {**self.own_columns(), **{f"metadata.{name}": type for name, type in fields.items()}, **vector}

    def own_columns(self) -> dict[str, Simple]:
        """Return the `columns` that are neither fields of documents nor vectors; nothing is read."""
        own = _PASSAGE if self.by == "passage" else _DOCUMENT
        places: dict[str, Simple] = {f"coordinates.{name}": "number" for name in self.axes}
        return {**own, **places, **{f"versions.{name}": "whole" for name in self.axes}}

    def write_parquet(self, stream: IO[bytes]) -> int:
        """Write all records as a Parquet file and return how many there are; vectors are lists of float32.

        Raises:
            QueryError: pyarrow is not installed, or as for `records`.
        """
        require_parquet()  # before all documents are looked at
        rows = (flatten(record) | ({} if vector is None else {"vector": vector}) for record, vector in self._pairs())
        return write_parquet(rows, self.columns(), stream, _AT_ONCE)

    def _pairs(self) -> Iterator[Pair]:
        """Yield each record without its vector, and the vector."""
        with self.index.reading():
            yield from self._passages() if self.by == "passage" else self._documents()

    def _documents(self) -> Iterator[Pair]:
        verdicts = self.index.sift(self.where, None, Wanted(axes=self.axes, rejected=False))
        passed = (verdict for verdict in verdicts if verdict.passed)
        while part := list(islice(passed, _AT_ONCE)):
            ids = [verdict.document.id for verdict in part]
            vectors = self.index.document_vectors(ids) if self.vectors else repeat(None)
            for verdict, vector in zip(part, vectors, strict=False):
                own = {name: getattr(verdict.document, name) for name in _DOCUMENT}
                yield _record(own, verdict.coordinates, verdict.versions, verdict.document.metadata), vector

    def _passages(self) -> Iterator[Pair]:
        rows = self.index.rows(self.where)
        found = self.index.population(self.axes, drawn=rows) if self.axes and len(rows) else None
        versions = {axis.name: axis.version for axis in found.axes} if found else {}
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            vectors = self.index.passage_vectors(part) if self.vectors else repeat(None)
            for place, (passage, vector) in enumerate(zip(self.index.passages(part), vectors, strict=False), start):
                own = {name: getattr(passage, name) for name in _PASSAGE}
                places = dict(zip(versions, found.coordinates[place].tolist(), strict=True)) if found else {}
                yield _record(own, places, versions, passage.metadata), vector


def _record(
    own: dict[str, Any], coordinates: Mapping[str, float], versions: Mapping[str, int], fields: Mapping[str, Any]
) -> dict[str, Any]:
    places = {"coordinates": dict(coordinates), "versions": dict(versions)} if coordinates else {}
    return {**own, **places, "metadata": dict(fields)}
