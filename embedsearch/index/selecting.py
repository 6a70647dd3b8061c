"""Conditions at work: which passages of an index, and which documents of a stream, satisfy one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

import numpy as np

from embedsearch.conditions import (
    OWN_FIELDS,
    Axis,
    Column,
    Condition,
    Evaluator,
    Near,
    Node,
    conjuncts,
    joined,
    operands,
    parse_condition,
    parse_measure,
    resolve_measure,
    written,
)
from embedsearch.documents import Document
from embedsearch.index import arguments
from embedsearch.index.embedding import Embedding
from embedsearch.index.evidence import Reason, Reasoner
from embedsearch.index.judging import (
    Batch,
    Counts,
    Explain,
    Fetch,
    Judge,
    PartCount,
    Sift,
    Verdict,
    Verdicts,
    Wanted,
    batches,
    counted,
    needs_only_vectors,
    ruled_by_fields,
)
from embedsearch.index.placing import Placer
from embedsearch.index.saved_axes import IndexAxes
from embedsearch.index.scaling import Measures
from embedsearch.index.tables import FieldTable, IndexTable, Means, PassageTable
from embedsearch.index.tracing import Trace
from embedsearch.mapped import gather
from embedsearch.store.fields_sql import is_translatable
from embedsearch.vectors import Mask, Rows, Vectors
from embedsearch.wording import count_of

BATCH_DOCUMENTS = 512  # of a stream
_OWN_DOCUMENTS = 256  # of the index; a batch is read as one state
_BATCH_CHARACTERS = 1 << 22
_REMEMBERED = 16  # conditions on fields whose rows are kept until the index changes


@dataclass(slots=True)
class Agreement:
    """How far verdicts agree with a field that says which documents are truly wanted.

    Attributes:
        both: how many documents passed and are wanted.
        passed_only: how many passed and are not wanted.
        wanted_only: how many are wanted and did not pass.
        neither: how many neither passed nor are wanted.
    """

    both: int = 0
    passed_only: int = 0
    wanted_only: int = 0
    neither: int = 0

    def count(self, *, passed: bool, wanted: bool) -> None:
        """Count one document."""
        name = ("both" if wanted else "passed_only") if passed else ("wanted_only" if wanted else "neither")
        setattr(self, name, getattr(self, name) + 1)

    def take(self, *, wanted: bool) -> None:
        """Count as passed one document that was counted as not passed before."""
        if wanted:
            self.both, self.wanted_only = self.both + 1, self.wanted_only - 1
        else:
            self.passed_only, self.neither = self.passed_only + 1, self.neither - 1

    @property
    def precision(self) -> float:
        """The share of those that passed that are wanted; NaN if none passed."""
        return _share(self.both, self.both + self.passed_only)

    @property
    def recall(self) -> float:
        """The share of those wanted that passed; NaN if none is wanted."""
        return _share(self.both, self.both + self.wanted_only)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; NaN if none passed and none is wanted."""
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
        self._found: dict[str | None, Any] = {}  # by the condition's text, since to Python 1 and True are equal
        self._state: object = None

    def rows(self, source: str, axes: Measures | None = None, *, predicted: bool = False) -> Rows:
        """Return the live rows whose passages satisfy a condition, ascending.

        Args:
            source: the condition.
            axes: the axes that it may name; if None, those of the index.
            predicted: measure passages that were rated, instead of taking them to stand where they were rated.

        Raises:
            QueryError: the condition cannot be read, or names something that does not exist.
        """
        with self._store.reading():
            self._forget_if_changed()
            known = self._axes if axes is None else axes
            parsed = parse_condition(arguments.text("the condition", source))
            condition = parsed.resolve(list(known), {*OWN_FIELDS, *self._field_names()})
            cheap, rest = ruled_by_fields(condition.root, is_translatable)
            with self._trace.step("condition on fields") as step:
                rows = self._rows_where(cheap) if cheap else self._store.live_rows()
                step.plan = count_of(len(rows), "row") + ("" if cheap else ", no condition on fields alone")
            if rest is None:
                return rows
            with self._trace.step("condition on axes") as step:
                measured = Condition(condition.source, rest)
                means = replace(self._means(measured, known), predicted=predicted)
                table = PassageTable(self._store, means, rows)
                kept: Rows = rows[measured.evaluate(table)] if len(rows) else rows
                step.plan = f"{len(kept):,} of {count_of(len(rows), 'row')}, by a scan of their vectors"
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
        name = written(condition)
        if name not in self._found:
            if len(self._found) >= _REMEMBERED:
                del self._found[next(reversed(self._found))]
            self._found[name] = self._store.rows_where(condition)
        rows: Rows = self._found[name]
        return rows

    def judge(
        self,
        source: str | None,
        documents: Document | Iterable[Document] | None,
        wanted: Wanted,
        rank: str | None = None,
    ) -> Verdicts:
        """Return a verdict on each document, in order.

        Args:
            source: the condition; None lets every document through.
            documents: any documents; if None, those of the index. Of these, only the ones that satisfy the parts of the
                condition that SQL or their vectors alone can decide are read, unless verdicts on the others are wanted.
            wanted: what the verdicts carry.
            rank: what documents are ranked by: an axis or a ``near(...)``.

        Raises:
            QueryError: the condition cannot be read, or names something that does not exist; raised when the first
                verdict is asked for.
        """
        parsed = None if source is None else parse_condition(arguments.text("the condition", source))
        measure = None if rank is None else parse_measure(arguments.text("the measure", rank))

        def judged(verdicts: Verdicts) -> Iterator[Verdict]:
            question = _Question(parsed, measure, wanted)
            if documents is None:
                return self._judge_own(question, verdicts)
            return self._judge_foreign(question, documents, verdicts)

        return Verdicts(judged)

    def count(self, source: str) -> Counts:
        """Count the documents of the index that satisfy a condition, and each of its parts, as `judge` counts them.

        The documents are not read. Fields are looked up by SQL where it can decide, and vectors are read in one pass.

        Raises:
            QueryError: the condition cannot be read, or names something that does not exist.
        """
        parsed = parse_condition(arguments.text("the condition", source))
        with self._store.reading():
            condition = parsed.resolve(list(self._axes), {*OWN_FIELDS, *self._field_names_now()})
            table = IndexTable(self._store, self._means(condition, self._axes))
            evaluator = Evaluator(table)

            def holds(part: Node) -> Mask:
                return table.having(self._rows_where(part)) if is_translatable(part) else evaluator.node(part)

            return counted(condition.root, holds)

    def _judge_foreign(
        self, question: _Question, documents: Document | Iterable[Document], verdicts: Verdicts
    ) -> Iterator[Verdict]:
        stream = batches(documents, most=BATCH_DOCUMENTS, characters=_BATCH_CHARACTERS)
        while True:
            with verdicts.step("read"):
                batch = next(stream, None)
            if batch is None:
                return
            if verdicts.judge is None:
                fields = {name for document in batch for name in document.metadata}
                resolved = self._resolved(question, fields, grows=True)
                verdicts.judge = self._judge_of(resolved.root, resolved, verdicts)
            first, verdicts.total = verdicts.total, verdicts.total + len(batch)
            yield from verdicts.judge.verdicts((batch, self._fetching(batch, verdicts)), first)

    def _fetching(self, batch: Sequence[Document], verdicts: Verdicts) -> Fetch:
        def fetch(places: Sequence[int]) -> list[Vectors]:
            with verdicts.step("embed") as step:
                texts = [self._embedding.passages_of(batch[place])[1] for place in places]
                vectors, encoded = self._embedding.embed([text for part in texts for text in part])
                verdicts.embedded += encoded
                step.plan = f"{count_of(verdicts.embedded, 'text')} encoded, the others known"
            ends = np.cumsum([len(part) for part in texts])
            return np.split(vectors, ends[:-1])

        return fetch

    def _judge_own(self, question: _Question, verdicts: Verdicts) -> Iterator[Verdict]:
        with self._store.reading():
            resolved = self._resolved(question, self._field_names_now())
            numbers, cheap, sift, rest = self._store.numbers(), None, None, resolved.root
            if rest and not question.wanted.rejected:
                cheap, rest = ruled_by_fields(rest, is_translatable)
                numbers = self._ruled_by_fields(cheap, numbers, verdicts) if cheap else numbers
                sift, rest = _ruled_by_vectors(rest, resolved.means, verdicts)
            judge = verdicts.judge = self._judge_of(rest, resolved, verdicts)
            state = self._store.database.state()
        for start in range(0, len(numbers), _OWN_DOCUMENTS):
            # One state for each batch, and none held between batches, so that the caller may write while iterating.
            part = numbers[start : start + _OWN_DOCUMENTS].tolist()
            with verdicts.step("read and measure") as step, self._store.reading():
                rows = left = self._store.rows_by_document(part)
                if cheap and self._store.database.state() != state:
                    left = self._still_ruled_in(left, cheap, len(part), verdicts.ruled[0])
                left = self._sifted(left, sift) if sift and left else left
                found = judge.verdicts(self._own_batch(left), verdicts.total) if left else []
                verdicts.total += len(rows)
                step.plan = f"{count_of(start + len(part), 'document')}, their vectors from the index"
            yield from found

    def _field_names_now(self) -> list[str]:
        self._forget_if_changed()
        return self._field_names()

    def _ruled_by_fields(self, condition: Node, numbers: Rows, verdicts: Verdicts) -> Rows:
        """Return the documents that SQL leaves of *numbers*, which are those of all documents."""
        with verdicts.step("condition on fields") as step:
            kept: Rows = np.unique(self._store.document_numbers(self._rows_where(condition)))
            step.plan = f"{len(kept):,} of {count_of(len(numbers), 'document')}, by SQL"
        verdicts.ruled.append(PartCount(written(condition), len(numbers), len(kept), len(kept)))
        verdicts.total = len(numbers) - len(kept)
        return kept

    def _still_ruled_in(
        self, rows: Mapping[int, list[int]], condition: Node, ruled_in: int, count: PartCount
    ) -> dict[int, list[int]]:
        """Return those documents, by number with their rows, that still satisfy the condition that SQL found satisfied.

        A document that SQL let through may be another one by now, or gone.
        """
        holds = Evaluator(FieldTable(list(self._store.documents(rows)))).node(condition).tolist() if rows else []
        left = dict(compress(rows.items(), holds))
        count.seen -= ruled_in - len(rows)
        count.held -= ruled_in - len(left)
        count.left -= ruled_in - len(left)
        return left

    def _sifted(self, rows: Mapping[int, list[int]], sift: Sift) -> dict[int, list[int]]:
        """Return those documents, by number with their rows, that are left by what vectors alone decide."""
        own = list(rows.values())
        vectors = gather(self._store.vectors(), [row for part in own for row in part])
        passing = sift.passing(vectors, [len(part) for part in own])
        return dict(compress(rows.items(), passing.tolist()))

    def _own_batch(self, rows: Mapping[int, list[int]]) -> Batch:
        documents = list(self._store.documents(rows))
        own = list(rows.values())

        def fetch(places: Sequence[int]) -> list[Vectors]:
            vectors = self._store.vectors()
            return [gather(vectors, own[place]) for place in places]

        return documents, fetch

    def _resolved(self, question: _Question, fields: Iterable[str], *, grows: bool = False) -> _Resolved:
        known, names = list(self._axes), {*OWN_FIELDS, *fields}
        condition = question.condition and question.condition.resolve(known, names, grows=grows)
        rank = resolve_measure(question.rank, known, names) if question.rank else None
        measured = [*operands(condition.root)] if condition else []
        measured += [rank] if rank else []
        phrases = list(dict.fromkeys(leaf.phrase for leaf in measured if isinstance(leaf, Near)))
        axes = [*dict.fromkeys([leaf.name for leaf in measured if isinstance(leaf, Axis)] + list(question.wanted.axes))]
        vectors = self._embedding.vectors_of(phrases, queries=True) if phrases else ()
        means = Means(self._axes.scaled(axes), dict(zip(phrases, vectors, strict=True)), Placer(self._embedding))
        return _Resolved(condition.root if condition else None, means, replace(question.wanted, rank=rank))

    def _judge_of(self, root: Node | None, resolved: _Resolved, verdicts: Verdicts) -> Judge:
        explain: Explain | None = None
        if resolved.wanted.explained and resolved.root is not None:
            reasoner = Reasoner(self._embedding, resolved.root, resolved.means)
            verdicts.reasons_of = reasoner.of

            def explain(document: Document, vectors: Vectors) -> tuple[Reason, ...]:
                with verdicts.step("sentences") as step:
                    verdicts.explained += 1
                    step.plan = f"of {count_of(verdicts.explained, 'document')}, each left out in turn"
                    return reasoner(document, vectors)

        return Judge(root, resolved.means, resolved.wanted, explain)

    def _means(self, condition: Condition, axes: Measures) -> Means:
        phrases = condition.phrases
        vectors = self._embedding.vectors_of(phrases, queries=True) if phrases else ()
        scaled = axes.scaled(condition.axes)
        return Means(scaled, dict(zip(phrases, vectors, strict=True)), Placer(self._embedding))


def _ruled_by_vectors(root: Node | None, means: Means, verdicts: Verdicts) -> tuple[Sift | None, Node | None]:
    """Return what decides the parts of a condition for which no document is read, and the rest."""
    parts = conjuncts(root) if root else []
    measured = [part for part in parts if needs_only_vectors(part, means)]
    if not measured:
        return None, root
    sift = Sift(measured, means)
    verdicts.ruled += sift.counts
    return sift, joined([part for part in parts if part not in measured])


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of a stream; its names are not yet resolved."""

    condition: Condition | None
    rank: Column | None
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class _Resolved:
    """What is asked of a stream whose fields are known."""

    root: Node | None
    means: Means
    wanted: Wanted
