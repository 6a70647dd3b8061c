"""What a condition lets through, and the counts of what it did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from embedsearch.conditions import spelled, truth
from embedsearch.documents import Document
from embedsearch.errors import QueryError, did_you_mean
from embedsearch.filtering.sampling import Best, Reservoir
from embedsearch.index import Agreement, PartCount, Verdict, Verdicts


class Sieve(Iterator[Verdict]):
    """What a condition lets through, in order; or the best of it, best first.

    Attributes:
        read: how many documents there were.
        passed: how many of them were let through, before the best were chosen.
        given: how many have come out so far: all that passed, or the best of them.
        first: the document that was read first; None before that.
        agreement: how far what comes out agrees with the field that says which documents are wanted.
    """

    def __init__(
        self,
        verdicts: Verdicts,
        *,
        invert: bool = False,
        best: Best[Verdict] | None = None,
        rejected: Reservoir[Verdict] | None = None,
        check: str | None = None,
    ) -> None:
        """Prepare to filter; nothing is read yet.

        Args:
            verdicts: verdicts on a stream of documents.
            invert: let through those that fail.
            best: takes those that pass, and returns the best at the end.
            rejected: takes the others.
            check: a yes/no field that says which documents are truly wanted.
        """
        self.verdicts = verdicts
        self.passed = self.given = 0
        self.first: Document | None = None
        self.agreement = Agreement()
        self._invert = invert
        self._best = best
        self._rejected = rejected
        self._check = check
        self._out = self._chosen() if best is not None else self._through()

    def __iter__(self) -> Sieve:
        return self

    def __next__(self) -> Verdict:
        verdict = next(self._out)
        self.given += 1
        return verdict

    @property
    def read(self) -> int:
        """How many documents there were, including those that SQL ruled out."""
        return self.verdicts.total

    def _through(self) -> Iterator[Verdict]:
        for verdict in self.verdicts:
            self.first = self.first or verdict.document
            through = verdict.passed != self._invert
            self.passed += through
            if self._check:
                self.agreement.count(passed=through and self._best is None, wanted=_wanted(verdict, self._check))
            if through:
                yield verdict
            elif self._rejected is not None:
                self._rejected.offer(verdict, verdict.place)

    def _chosen(self) -> Iterator[Verdict]:
        assert self._best is not None
        for verdict in self._through():
            self._best.offer(verdict, verdict.score, verdict.place)
        kept = self._best.kept()
        for verdict in kept if self._check else ():
            self.agreement.take(wanted=_wanted(verdict, self._check or ""))
        yield from kept

    def sampled(self) -> list[Verdict]:
        """Return the sample of the rejected documents, in order, with their reasons if reasons are wanted."""
        kept = self._rejected.kept() if self._rejected is not None else []
        explain = self.verdicts.reasons_of
        return [replace(verdict, reasons=explain(verdict.document)) for verdict in kept] if explain else kept


def _wanted(verdict: Verdict, name: str) -> bool:
    document = verdict.document
    field = spelled(name, document.metadata)
    if field is None:
        advice = did_you_mean(name, document.metadata)
        raise QueryError(
            f"--check {name}: {document.source or document.id} has no field of that name.{advice} It has "
            f"{', '.join(document.metadata) or 'none'}; name one with true or false, yes or no, 1 or 0"
        )
    known = truth(document.metadata[field])
    if known is None:
        raise QueryError(
            f"--check {name}: {document.source or document.id} has "
            f"{document.metadata[field]!r} there; wanted true or false, yes or no, 1 or 0"
        )
    return known


def counted(counts: Sequence[PartCount]) -> list[str]:
    """Return lines that say how documents fared under the parts of a condition; none if it has one part."""
    if len(counts) < 2:
        return []
    rows = [("tested on", "true for", "left", "part")]
    rows += [(f"{count.seen:,}", f"{count.held:,}", f"{count.left:,}", count.part) for count in counts]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows]
