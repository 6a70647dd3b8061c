"""A condition at work on documents: fields first, vectors only where they are needed, each part counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from embedsearch.conditions import (
    Axis,
    Column,
    Evaluator,
    Literal,
    Near,
    Node,
    Percentile,
    conjuncts,
    is_measured,
    joined,
    operands,
    written,
)
from embedsearch.documents import Document
from embedsearch.documents.arriving import Arriving, size_of
from embedsearch.index import arguments
from embedsearch.index.evidence import Reason
from embedsearch.index.tables import DocumentTable, FieldTable, Means, VectorTable
from embedsearch.index.tracing import Step
from embedsearch.vectors import Mask, Vectors

# The vectors, each of shape (passages, d), of those documents of a batch whose places are given.
Fetch = Callable[[Sequence[int]], list[Vectors]]
Batch = tuple[Sequence[Document], Fetch]
Explain = Callable[[Document, Vectors], tuple[Reason, ...]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of a condition on a document.

    Attributes:
        document: the document as it was read, with its record.
        passed: whether it satisfies the condition.
        coordinates: for each axis asked for, the mean over the document's passages in standard deviations, or where
            the document was rated.
        versions: the version of each of these axes, by name.
        score: what the document is ranked by; NaN if nothing is, or if it was not measured.
        reasons: what each measured comparison of the condition found, if reasons were asked for.
        place: the document's place in the stream, from 0.
    """

    document: Document
    passed: bool
    coordinates: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    score: float = float("nan")
    reasons: tuple[Reason, ...] = ()
    place: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the document as a dict of JSON values, with its coordinates and reasons if there are any."""
        document = self.document
        record: dict[str, Any] = {"id": document.id, "title": document.title, "text": document.text}
        record |= {"metadata": dict(document.metadata), "source": document.source}
        if self.coordinates:
            record |= {"coordinates": dict(self.coordinates), "versions": dict(self.versions)}
        if self.reasons:
            record["reasons"] = [reason.to_dict() for reason in self.reasons]
        return record


@dataclass(frozen=True, slots=True)
class Wanted:
    """What verdicts carry, and which verdicts are wanted.

    Attributes:
        axes: the axes whose coordinates they carry.
        rank: what documents are ranked by; None for nothing.
        explained: whether documents that pass get reasons.
        inverted: whether the documents that fail are the ones asked for.
        rejected: whether verdicts on documents that fail are wanted too.
        all_measured: whether documents that fail by their fields alone get coordinates and a score too.
    """

    axes: Sequence[str] = ()
    rank: Column | None = None
    explained: bool = False
    inverted: bool = False
    rejected: bool = True
    all_measured: bool = True

    @property
    def measures_all(self) -> bool:
        """Whether even documents that fail by their fields alone must be measured."""
        return bool(self.axes or self.rank or self.explained) and self.all_measured


@dataclass(slots=True)
class PartCount:
    """How documents fared under one part of a condition; the parts are what ``and`` joins.

    Attributes:
        part: the part as it is written.
        seen: how many documents it was asked of.
        held: how many of these satisfy it.
        left: how many satisfy it and all parts before it.
    """

    part: str
    seen: int = 0
    held: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """How the documents of an index fare under a condition.

    Attributes:
        documents: how many satisfy it.
        parts: the counts of its parts, in the order in which they were asked.
    """

    documents: int
    parts: Sequence[PartCount]


class Judge:
    """A resolved condition, with everything that it measures with.

    Parts that concern fields alone are asked first. Only documents that satisfy them are measured, unless coordinates
    of the others are wanted too. That saves most of the work where fields rule most documents out.

    Attributes:
        counts: one for each part, in the order in which they are asked.
        means: the axes and phrases that the condition measures with.
        needs_vectors: whether anything is measured at all.
    """

    def __init__(self, root: Node | None, means: Means, wanted: Wanted, explain: Explain | None = None) -> None:
        """Count nothing yet.

        Args:
            root: a resolved tree; None lets every document through.
            means: what it measures with.
            wanted: what verdicts shall carry.
            explain: gives the reasons of a document, where these are wanted.
        """
        self._cheap, self._measured = in_order(root)
        self.means = means
        self._wanted = wanted
        self._explain = explain if wanted.explained else None
        self.counts = [PartCount(written(part)) for part in [*self._cheap, *self._measured]]
        self.needs_vectors = bool(self._measured or wanted.axes or wanted.rank or self._explain)

    def verdicts(self, batch: Batch, first: int) -> list[Verdict]:
        """Return a verdict on each document of a batch, in order; *first* is the place of the first one."""
        documents, fetch = batch
        answers = [(np.ones(len(documents), dtype=bool), self._asked(part, documents)) for part in self._cheap]
        allowed = np.all([held for _, held in answers], axis=0) if answers else np.ones(len(documents), dtype=bool)
        # If no coordinates of the other documents are wanted, they need not be looked at any further.
        seen = np.ones(len(documents), dtype=bool) if self._wanted.measures_all else allowed
        places = np.flatnonzero(seen).tolist() if self.needs_vectors else []
        vectors = fetch(places) if places else []
        table = DocumentTable([documents[place] for place in places], vectors, self.means) if places else None
        evaluator = Evaluator(table) if table else None
        for part in self._measured:
            held = np.zeros(len(documents), dtype=bool)
            held[places] = evaluator.node(part) if evaluator else False
            answers.append((seen, held))
        _count(self.counts, answers)
        passed = np.all([allowed, *(held for _, held in answers)], axis=0)
        return self._assembled(documents, passed, places, table, vectors, first)

    def _asked(self, part: Node, documents: Sequence[Document]) -> Mask:
        return Evaluator(FieldTable(documents)).node(part)

    def _assembled(
        self, documents: Sequence[Document], passed: Mask, places: Sequence[int],
        table: DocumentTable | None, vectors: Sequence[Vectors], first: int,
    ) -> list[Verdict]:  # fmt: skip
        columns = {name: table.axis(name) for name in self._wanted.axes} if table else {}
        versions = {name: self.means.axes[name].version for name in columns}
        scores = self._scores(table)
        row_of = {place: row for row, place in enumerate(places)}
        found = []
        for place, (document, answer) in enumerate(zip(documents, passed.tolist(), strict=True)):
            row = row_of.get(place)
            coordinates = {name: float(values[row]) for name, values in columns.items()} if row is not None else {}
            score = float(scores[row]) if scores is not None and row is not None else float("nan")
            wanted = self._explain is not None and row is not None and answer != self._wanted.inverted
            reasons = self._explain(document, vectors[row]) if wanted and self._explain and row is not None else ()
            known = versions if coordinates else {}
            found.append(
                Verdict(document, answer, coordinates, known, score=score, reasons=reasons, place=first + place)
            )
        return found

    def _scores(self, table: DocumentTable | None) -> Any:
        match self._wanted.rank:
            case Axis(name) if table:
                return table.axis(name)
            case Near(phrase) if table:
                return table.near(phrase)
        return None


class Sift:
    """The parts of a condition that vectors alone decide: documents that fail them need not be read.

    Attributes:
        counts: one for each part, in their order.
    """

    def __init__(self, parts: Sequence[Node], means: Means) -> None:
        """Count nothing yet.

        Args:
            parts: at least one, each of which `needs_only_vectors`.
            means: what they measure with.
        """
        self._parts = parts
        self._means = means
        self.counts = [PartCount(written(part)) for part in parts]

    def passing(self, vectors: Vectors, counts: Sequence[int]) -> Mask:
        """Return which of n documents satisfy all parts, shape (n,).

        Args:
            vectors: of the passages of all documents, in their order.
            counts: how many each document has, at least one; at least one document.
        """
        evaluator = Evaluator(VectorTable(vectors, counts, self._means))
        held = [evaluator.node(part) for part in self._parts]
        _count(self.counts, [(np.ones(len(counts), dtype=bool), one) for one in held])
        passing: Mask = np.all(held, axis=0)
        return passing


def needs_only_vectors(node: Node, means: Means) -> bool:
    """Return whether a part of a condition can be decided without the text and the fields of a document."""
    leaves = list(operands(node))
    if any(isinstance(leaf, Axis) and means.axes[leaf.name].fitted.axis.is_rated for leaf in leaves):
        return False  # a text may stand where it was rated, whatever its vector says
    return is_measured(node) and all(isinstance(leaf, Axis | Near | Percentile | Literal) for leaf in leaves)


def in_order(root: Node | None) -> tuple[list[Node], list[Node]]:
    """Return the parts of a condition that concern fields alone, which are asked first, and those that measure."""
    parts = conjuncts(root) if root else []
    return [part for part in parts if not is_measured(part)], [part for part in parts if is_measured(part)]


def counted(root: Node, holds: Callable[[Node], Mask]) -> Counts:
    """Return how documents fare under a condition, counted as a `Judge` counts; *holds* tells which satisfy a part."""
    cheap, measured = in_order(root)
    answers = [(np.ones_like(held), held) for held in map(holds, cheap)]
    for part in measured:
        held = holds(part)
        allowed: Mask = np.all([np.ones_like(held), *(one for _, one in answers[: len(cheap)])], axis=0)
        answers.append((allowed, allowed & held))
    counts = [PartCount(written(part)) for part in (*cheap, *measured)]
    _count(counts, answers)
    return Counts(counts[-1].left, counts)


def _count(counts: Sequence[PartCount], answers: Sequence[tuple[Mask, Mask]]) -> None:
    """Add to each part how many documents it was asked of, how many it holds for, and how many are left."""
    left: Mask | None = None
    for count, (seen, held) in zip(counts, answers, strict=True):
        left = held if left is None else left & held
        count.seen += int(seen.sum())
        count.held += int(held.sum())
        count.left += int(left.sum())


class Verdicts(Iterator[Verdict]):
    """Verdicts on a stream of documents, one by one as they come.

    Attributes:
        total: how many documents there were, including those that SQL ruled out.
        embedded: how many texts were encoded to measure documents.
        explained: how many documents have been given reasons.
        judge: the judge that gave the verdicts; None before the first batch.
        ruled: what was decided before any document was read, by SQL and from vectors alone.
        progress: called with the number of documents done.
        reasons_of: gives the reasons of a document, if reasons are wanted.
    """

    def __init__(self, judged: Callable[[Verdicts], Iterator[Verdict]]) -> None:
        """Begin nothing yet."""
        self.total = 0
        self.embedded = self.explained = self._told = 0
        self.judge: Judge | None = None
        self.ruled: list[PartCount] = []
        self.reasons_of: Callable[[Document], tuple[Reason, ...]] | None = None
        self.progress: Callable[[int], None] | None = None
        self._steps: dict[str, Step] = {}
        self._judged = judged(self)

    def __iter__(self) -> Verdicts:
        return self

    def __next__(self) -> Verdict:
        verdict = next(self._judged)
        if self.progress and self.total != self._told:
            self._told = self.total
            self.progress(self.total)
        return verdict

    @property
    def counts(self) -> list[PartCount]:
        """How documents have fared under each part so far; empty before the first batch."""
        return [*self.ruled, *(self.judge.counts if self.judge else [])]

    @property
    def steps(self) -> list[Step]:
        """The steps taken, in order, with the total time of each."""
        return list(self._steps.values())

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Add the time spent inside the ``with`` block to a step, whose plan the block may set."""
        step = self._steps.setdefault(name, Step(name))
        started = time.perf_counter()
        try:
            yield step
        finally:
            step.seconds += time.perf_counter() - started


def ruled_by_fields(root: Node, translatable: Callable[[Node], bool]) -> tuple[Node | None, Node | None]:
    """Return the part of a condition that SQL can decide by itself, and the rest; either may be None."""
    nodes = conjuncts(root)
    cheap = [node for node in nodes if translatable(node)]
    whole = joined(cheap)
    if whole is not None and not translatable(whole):
        cheap = cheap[:1]
    # By identity: ``x == 1`` and ``x == true`` are equal to Python, but not to a condition.
    return joined(cheap), joined([node for node in nodes if not any(node is one for one in cheap)])


def batches(documents: Document | Iterable[Document], *, most: int, characters: int) -> Iterator[list[Document]]:
    """Yield documents in batches of at most *most*; one ends early where its texts, or records, reach *characters*.

    Where documents are `Arriving`, a batch ends where they pause.
    """
    pauses = documents.pauses if isinstance(documents, Arriving) else None
    batch: list[Document] = []
    size = 0
    for document in arguments.documents(documents):
        batch.append(document)
        size += size_of(document)
        if len(batch) >= most or size >= characters or (pauses and pauses()):
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
