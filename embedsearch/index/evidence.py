"""Where a document lies on an axis, by its passages, and which passage and sentences put it there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from embedsearch.axes import ScaledAxis
from embedsearch.columns import Schema
from embedsearch.conditions import (
    Axis,
    Column,
    Comparison,
    Evaluator,
    Literal,
    Near,
    Node,
    Operand,
    Percentile,
    comparisons,
    written,
)
from embedsearch.documents import Document, Passage
from embedsearch.documents.sentences import sentences
from embedsearch.errors import QueryError
from embedsearch.index.embedding import Embedding
from embedsearch.index.placing import Placer, Unit, in_unit, point_on
from embedsearch.index.tables import DocumentTable, Means
from embedsearch.offering import keeps_back
from embedsearch.results import Records
from embedsearch.vectors import Vectors, project


@dataclass(frozen=True, slots=True)
class SentenceShare:
    """What a sentence adds to the coordinate of its passage.

    Attributes:
        text: the sentence.
        start: the offset of its first character in the document's text.
        end: the offset just after its last character.
        share: the passage's coordinate minus that of the passage without the sentence, in standard deviations.
    """

    text: str
    start: int
    end: int
    share: float


@keeps_back("in_unit")
@dataclass(frozen=True, slots=True)
class DocumentPlace:
    """Where a document lies on one axis.

    Attributes:
        document: the document's id.
        axis: the name of the axis.
        version: the version of the axis.
        mean: the mean of its passages' coordinates, in standard deviations unless another unit was asked for.
        maximum: the highest of these coordinates.
        threshold: the coordinate above which `above` counts.
        above: the share of passages whose coordinate is above the threshold, 0…1.
        passages: how many passages the document has.
        passage: the text of the passage with the highest coordinate.
        rated: where its rating puts the document; None if it was not rated.
        sentences: the sentences of that passage, in their order; empty unless evidence was asked for.
    """

    document: str
    axis: str
    version: int
    mean: float
    maximum: float
    threshold: float
    above: float
    passages: int
    passage: str
    rated: float | None = None
    sentences: tuple[SentenceShare, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the place as a dict of JSON values, with sentences only if evidence was asked for."""
        record = asdict(self)
        if not self.sentences:
            del record["sentences"]
        if self.rated is None:
            del record["rated"]
        return {"id": record.pop("document"), **record}

    def in_unit(self, axis: ScaledAxis, unit: Unit) -> DocumentPlace:
        """Return this place, given in standard deviations, in another unit; what sentences add stays as it is.

        Raises:
            AxisError: the unit is ``rating``, and the axis has no ratings.
        """
        if unit == "sd":
            return self
        stands = np.nan if self.rated is None else self.rated
        coordinates = np.array([self.mean, self.maximum, self.threshold, stands])
        mean, maximum, threshold, rated = in_unit(axis, coordinates, unit).tolist()
        if unit == "rating" and axis.fitted.calibration is not None:  # the rating itself, not the one expected there
            rated = float(axis.fitted.calibration.ratings_of(axis.scale.raw_at([stands]))[0])
        return replace(
            self, mean=mean, maximum=maximum, threshold=threshold, rated=None if self.rated is None else rated
        )


class DocumentPlaces(Records[DocumentPlace]):
    """Where documents lie: one record for each document and axis, in the order of the ids and axes given.

    Data frames have no column for the sentences; `to_dicts` includes them.
    """

    def _schema(self) -> Schema:
        rated: Schema = {"rated": "number"} if any(one.rated is not None for one in self) else {}
        return {
            "id": "text", "axis": "text", "version": "whole", "mean": "number", "maximum": "number",
            "threshold": "number", "above": "number", "passages": "whole", "passage": "text", **rated,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """What one measured comparison of a condition found in a document.

    Attributes:
        part: the comparison as it is written.
        value: the document's coordinate, in standard deviations, or its nearness.
        limit: what the value was compared with; a percentile is given as a coordinate.
        holds: whether the comparison holds.
        sentence: from the passage that lies furthest on the side asked for, the sentence that brings it furthest there.
        start: the offset of the sentence's first character in the document's text.
        end: the offset just after its last character.
    """

    part: str
    value: float
    limit: float
    holds: bool
    sentence: str
    start: int
    end: int

    def to_dict(self) -> dict[str, Any]:
        """Return the reason as a dict of JSON values."""
        return asdict(self)


class Reasoner:
    """Finds the sentences that decided what a condition says of a document.

    As in `Witness`, what a sentence adds is what is lost without it: the value of its passage minus that of the
    passage without the sentence.
    """

    def __init__(self, embedding: Embedding, root: Node, means: Means) -> None:
        """Take a resolved tree and what it measures with."""
        self._embedding = embedding
        self._means = means
        self._measured = [
            (part, falling and isinstance(part.left, Axis))  # no sentence makes a text far from a phrase
            for part, falling in comparisons(root)
            if isinstance(part.left, Axis | Near)
        ]

    def of(self, document: Document) -> tuple[Reason, ...]:
        """Return the reasons of a document whose vectors are not at hand."""
        return self(document, self._embedding.embed(self._embedding.passages_of(document)[1])[0])

    def __call__(self, document: Document, vectors: Vectors) -> tuple[Reason, ...]:
        """Return a reason for each measured comparison, in their order; each sentence takes one encoding.

        Args:
            document: any.
            vectors: of its passages, shape (n, d).
        """
        if not self._measured or not len(vectors):  # nothing is measured, or there is no text
            return ()
        passages, texts = self._embedding.passages_of(document)
        table = DocumentTable([document], [vectors], self._means)
        rests: dict[int, tuple[list[tuple[int, int]], Vectors]] = {}
        found = []
        for part, falling in self._measured:
            values = self._values(part.left, vectors)
            best = int(values.argmin() if falling else values.argmax())
            if best not in rests:
                rests[best] = _without_each(self._embedding, passages[best], texts[best])
            spans, without = rests[best]
            start, end = spans[0]
            if len(spans) > 1:
                added = values[best] - self._values(part.left, without)
                start, end = spans[int(added.argmin() if falling else added.argmax())]
            found.append(self._reason(part, table, passages[best], (start, end)))
        return tuple(found)

    def _values(self, column: Column, vectors: Vectors) -> Any:
        if isinstance(column, Axis):
            return self._means.axes[column.name].coordinates(vectors)
        assert isinstance(column, Near)
        return project(vectors, self._means.phrases[column.phrase])[:, 0]

    def _reason(self, part: Comparison, table: DocumentTable, passage: Passage, span: tuple[int, int]) -> Reason:
        value, limit = self._of(part.left, part.left, table), self._of(part.right, part.left, table)
        start, end = span
        holds = bool(Evaluator(table).node(part)[0])
        sentence = passage.text[start:end].strip()
        return Reason(written(part), value, limit, holds, sentence, passage.start + start, passage.start + end)

    def _of(self, operand: Operand, left: Column, table: DocumentTable) -> float:
        match operand:
            case Axis(name):
                return float(table.axis(name)[0])
            case Near(phrase):
                return float(table.near(phrase)[0])
            case Percentile(percent) if isinstance(left, Axis):
                return table.percentile(left.name, percent)
            case Literal(int() | float() as number):
                return float(number)
        return float("nan")


def _without_each(embedding: Embedding, passage: Passage, text: str) -> tuple[list[tuple[int, int]], Vectors]:
    """Return the spans of the sentences of a passage, and the vectors of the passage without each of them."""
    spans = sentences(passage.text)
    if len(spans) < 2:
        return [(0, len(passage.text))], np.empty((0, embedding.store.dimension), dtype=np.float32)
    before = text[: len(text) - len(passage.text)]  # the title that is embedded with the passage
    rests = [before + " ".join(f"{passage.text[:start]} {passage.text[end:]}".split()) for start, end in spans]
    return spans, embedding.embed(rests)[0]


class Witness:
    """Finds what in a document puts it where it lies."""

    def __init__(self, embedding: Embedding) -> None:
        """Read nothing yet."""
        self._embedding = embedding

    def place(
        self,
        document: Document,
        axes: Sequence[ScaledAxis],
        threshold: float | str,
        *,
        evidence: bool,
        unit: Unit = "sd",
    ) -> list[DocumentPlace]:
        """Return where a document lies on each of *axes*.

        Args:
            document: in the index or not.
            axes: at least one.
            threshold: in standard deviations, or a percentile such as ``"p90"``.
            evidence: measure the sentences of the passage that lies highest; each takes one encoding.
            unit: of what is returned.

        Raises:
            QueryError: evidence is asked for in another unit than standard deviations.
            AxisError: the unit is that of ratings, and an axis has none.
        """
        if evidence and unit != "sd":
            raise QueryError(
                f"what sentences add is in standard deviations; leave out the unit {unit!r}, or the evidence"
            )
        passages, texts = self._embedding.passages_of(document)
        vectors, _ = self._embedding.embed(texts)
        found = []
        for axis in axes:
            coordinates = axis.coordinates(vectors)
            best, limit = int(coordinates.argmax()), point_on(axis, threshold)
            shares = self._shares(passages[best], texts[best], vectors[best], axis) if evidence else ()
            place = DocumentPlace(
                document.id,
                axis.name,
                axis.version,
                float(coordinates.mean()),
                float(coordinates[best]),
                limit,
                float((coordinates > limit).mean()),
                len(passages),
                passages[best].text,
                self._rated(document, axis),
                shares,
            )
            found.append(place.in_unit(axis, unit))
        return found

    def _rated(self, document: Document, axis: ScaledAxis) -> float | None:
        place = float(Placer(self._embedding).documents([document], axis, np.array([np.nan]))[0])
        return None if np.isnan(place) else place

    def _shares(self, passage: Passage, text: str, vector: Vectors, axis: ScaledAxis) -> tuple[SentenceShare, ...]:
        """Return what each sentence of a passage adds: leave it out, embed the rest, see what is lost."""
        spans, vectors = _without_each(self._embedding, passage, text)
        whole = float(axis.coordinates(vector)[0])
        if len(spans) < 2:
            return (SentenceShare(passage.text, passage.start, passage.end, whole),)
        lost = whole - np.asarray(axis.coordinates(vectors))
        return tuple(
            SentenceShare(passage.text[start:end], passage.start + start, passage.start + end, float(share))
            for (start, end), share in zip(spans, lost, strict=True)
        )
