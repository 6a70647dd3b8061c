"""Conditions at work: which passages of an index, and which documents of a stream, satisfy one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from embedsearch.conditions import And, Condition, Node, parse_condition
from embedsearch.documents import Document
from embedsearch.index.embedding import Embedding
from embedsearch.index.placing import Placer
from embedsearch.index.saved_axes import IndexAxes
from embedsearch.index.tables import DocumentTable, Means, PassageTable
from embedsearch.index.tracing import Trace
from embedsearch.store import OWN_FIELDS
from embedsearch.store.fields_sql import is_translatable
from embedsearch.vectors import Rows, Vectors

BATCH_DOCUMENTS = 256
_REMEMBERED = 16  # conditions on fields whose rows are kept until the index changes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition says of a document.

    Attributes:
        document: as it was read, its record among it.
        passed: does it satisfy the condition?
        coordinates: by axis, the mean over its passages in standard deviations (or where it was rated); for the axes
            asked for.
        versions: of those axes, by name.
    """

    document: Document
    passed: bool
    coordinates: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the document as JSON values, its coordinates among them if there are any."""
        document = self.document
        record: dict[str, Any] = {"id": document.id, "title": document.title, "text": document.text}
        record |= {"metadata": dict(document.metadata), "source": document.source}
        if self.coordinates:
            record |= {"coordinates": dict(self.coordinates), "versions": dict(self.versions)}
        return record


@dataclass(slots=True)
class Agreement:
    """How far verdicts agree with a field that says which documents are truly wanted.

    Attributes:
        both: passed and wanted.
        passed_only: passed and not wanted.
        wanted_only: wanted and not passed.
        neither: neither.
    """

    both: int = 0
    passed_only: int = 0
    wanted_only: int = 0
    neither: int = 0

    def count(self, *, passed: bool, wanted: bool) -> None:
        """Count one document."""
        name = ("both" if wanted else "passed_only") if passed else ("wanted_only" if wanted else "neither")
        setattr(self, name, getattr(self, name) + 1)

    @property
    def precision(self) -> float:
        """The share of those that passed that are wanted; NaN where none passed."""
        return _share(self.both, self.both + self.passed_only)

    @property
    def recall(self) -> float:
        """The share of those wanted that passed; NaN where none is wanted."""
        return _share(self.both, self.both + self.wanted_only)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; NaN where neither any passed nor any is wanted."""
        return _share(2 * self.both, 2 * self.both + self.passed_only + self.wanted_only)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


class Selector:
    """Evaluates conditions for one index."""

    def __init__(self, embedding: Embedding, axes: IndexAxes, trace: Trace) -> None:
        """Read nothing yet."""
        self._store = embedding.store
        self._embedding = embedding
        self._axes = axes
        self._trace = trace
        self._found: dict[Node | None, Any] = {}
        self._state: object = None

    def rows(self, source: str, *, predicted: bool = False) -> Rows:
        """Return the live rows whose passages satisfy a condition, ascending.

        Args:
            source: the condition.
            predicted: measure passages that were rated, instead of taking them to stand where they were rated.

        Raises:
            QueryError: the condition cannot be read, or names what is not there.
        """
        with self._store.reading():
            self._forget_if_changed()
            condition = self._resolve(parse_condition(source), self._field_names())
            cheap, rest = _parts(condition.root)
            with self._trace.step("condition on fields") as step:
                rows = self._rows_where(cheap) if cheap else self._store.live_rows()
                step.plan = f"{len(rows):,} rows" + ("" if cheap else ", no condition on fields alone")
            if rest is None:
                return rows
            with self._trace.step("condition on axes") as step:
                measured = Condition(condition.source, rest)
                means = replace(self._means(measured, ()), predicted=predicted)
                table = PassageTable(self._store, means, rows)
                kept: Rows = rows[measured.evaluate(table)] if len(rows) else rows
                step.plan = f"{len(kept):,} of {len(rows):,} rows, by a scan of their vectors"
            return kept

    def _forget_if_changed(self) -> None:
        state = self._store.database.state()
        if state != self._state:
            self._found, self._state = {}, state

    def _field_names(self) -> list[str]:
        if None not in self._found:
            self._found[None] = self._store.field_names()
        names: list[str] = self._found[None]
        return names

    def _rows_where(self, condition: Node) -> Rows:
        if condition not in self._found:
            if len(self._found) >= _REMEMBERED:
                del self._found[next(reversed(self._found))]
            self._found[condition] = self._store.rows_where(condition)
        rows: Rows = self._found[condition]
        return rows

    def judge(self, source: str, documents: Iterable[Document] | None, axes: Sequence[str]) -> Iterator[Verdict]:
        """Yield a verdict on each document, in order.

        Args:
            source: the condition.
            documents: any documents; those of the index if None.
            axes: axes whose coordinates the verdicts shall carry.

        Raises:
            QueryError: the condition cannot be read, or names what is not there.
        """
        parsed = parse_condition(source)
        if documents is None:
            parts, fields = self._own_parts(), self._store.field_names()
        else:
            parts, fields = self._foreign_parts(documents), None
        condition: Condition | None = None
        for batch in _batches(parts):
            if condition is None:
                names = fields or {name for document, _ in batch for name in document.metadata}
                condition = self._resolve(parsed, names)
                means = self._means(condition, axes)
            yield from _verdicts(condition, means, batch, axes)

    def _resolve(self, condition: Condition, fields: Iterable[str]) -> Condition:
        return condition.resolve(list(self._axes), {*OWN_FIELDS, *fields})

    def _means(self, condition: Condition, axes: Sequence[str]) -> Means:
        phrases = condition.phrases
        vectors = self._embedding.vectors_of(phrases, queries=True) if phrases else ()
        scaled = self._axes.scaled([*condition.axes, *axes])
        return Means(scaled, dict(zip(phrases, vectors, strict=True)), Placer(self._embedding))

    def _own_parts(self) -> Iterator[tuple[Document, Vectors]]:
        numbers = self._store.numbers().tolist()
        for start in range(0, len(numbers), BATCH_DOCUMENTS):
            # One state for a batch and none held between them, so that whoever iterates may write meanwhile.
            yield from self._own_batch(numbers[start : start + BATCH_DOCUMENTS])

    def _own_batch(self, numbers: Sequence[int]) -> list[tuple[Document, Vectors]]:
        with self._store.reading():
            rows = self._store.rows_by_document(numbers)
            vectors = self._store.vectors()
            documents = self._store.documents(rows)
            return [(document, vectors[own]) for document, own in zip(documents, rows.values(), strict=True)]

    def _foreign_parts(self, documents: Iterable[Document]) -> Iterator[tuple[Document, Vectors]]:
        stream = iter(documents)
        while batch := list(islice(stream, BATCH_DOCUMENTS)):
            texts = [self._embedding.passages_of(document)[1] for document in batch]
            vectors, _ = self._embedding.embed([text for part in texts for text in part])
            ends = np.cumsum([len(part) for part in texts])
            yield from zip(batch, np.split(vectors, ends[:-1]), strict=True)


def _parts(root: Node) -> tuple[Node | None, Node | None]:
    """Return the part of a condition that SQL can decide by itself, and the rest; either may be None."""
    nodes = root.nodes if isinstance(root, And) else (root,)
    cheap = [node for node in nodes if is_translatable(node)]
    if cheap and not is_translatable(And(tuple(cheap))):
        cheap = cheap[:1]
    return _joined(cheap), _joined([node for node in nodes if node not in cheap])


def _joined(nodes: Sequence[Node]) -> Node | None:
    return (nodes[0] if len(nodes) == 1 else And(tuple(nodes))) if nodes else None


def _batches(parts: Iterator[tuple[Document, Vectors]]) -> Iterator[list[tuple[Document, Vectors]]]:
    while batch := list(islice(parts, BATCH_DOCUMENTS)):
        yield batch


def _verdicts(
    condition: Condition, means: Means, batch: Sequence[tuple[Document, Vectors]], axes: Sequence[str]
) -> Iterator[Verdict]:
    documents = [document for document, _ in batch]
    table = DocumentTable(documents, [vectors for _, vectors in batch], means)
    columns = {name: table.axis(name) for name in axes}
    versions = {name: means.axes[name].version for name in axes}
    for place, passed in enumerate(condition.evaluate(table)):
        coordinates = {name: float(values[place]) for name, values in columns.items()}
        yield Verdict(documents[place], bool(passed), coordinates, versions)
