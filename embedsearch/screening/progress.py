"""How far a screening has come, from its labels alone: no vector and no text is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from embedsearch.index.label import IMPORT, Label
from embedsearch.index.labels import IndexLabels
from embedsearch.screening.settings import ScreeningSettings
from embedsearch.screening.stopping import History, RecallEstimate, audit_estimate, ranking_estimate
from embedsearch.store import Event

YIELD_EVERY = 50
UNASKED = ("", IMPORT)  # what proposed a record that neither a ranking nor a draw proposed
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Yield:
    """How many of some neighbouring records, in the order of reading, were relevant.

    Attributes:
        first: the first of them, from 1.
        last: the last of them.
        found: how many were relevant.
    """

    first: int
    last: int
    found: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample that was drawn at random.

    Attributes:
        event: its number among the events.
        size: how many records were drawn.
        read: how many of them have a label that is not undecided, as far as all before them have one too.
        found: how many of these are relevant.
        unread: how many records had not been read when it was drawn.
        by: ``audit``, or ``random`` for records shown at random.
    """

    event: int
    size: int
    read: int
    found: int
    unread: int
    by: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a screening has come.

    Attributes:
        name: of the screening.
        settings: of the screening.
        records: how many there are.
        read: how many were read and decided.
        found: how many of these are relevant.
        undecided: how many were read and left undecided.
        history: those of the decided that were proposed, in the order of reading. Records that were labelled unasked
            or imported are not among its records, since no ranking and no draw chose them; nor are undecided ones.
        graded: how many labels are neither 0 nor 1; from 0.5 they count as relevant.
        outside: how many labelled documents do not belong to the records: outside of the condition, or deleted.
        samples: the audit samples, in order.
        estimates: of the recall of all that is relevant, from the audit and from the ranking, with one-sided bounds.
        is_met: does the stopping rule say that it is time to stop?
    """

    name: str
    settings: ScreeningSettings
    records: int
    read: int
    found: int
    undecided: int
    history: History
    graded: int
    outside: int
    samples: tuple[Sample, ...]
    estimates: tuple[RecallEstimate, ...]
    is_met: bool

    @property
    def unread(self) -> int:
        """How many records were not read."""
        return self.records - self.read - self.undecided

    @property
    def unasked(self) -> int:
        """How many of the decided records no ranking and no draw had proposed."""
        return self.read - self.history.read

    @property
    def yields(self) -> tuple[Yield, ...]:
        """The yield of every fifty records that were proposed and read; the last may be fewer."""
        relevant = self.history.relevant
        starts = range(0, len(relevant), YIELD_EVERY)
        parts = ((start, relevant[start : start + YIELD_EVERY]) for start in starts)
        return tuple(Yield(start + 1, start + len(part), int(part.sum())) for start, part in parts)

    @property
    def since_last(self) -> int:
        """How many of the records that were proposed were read after the last relevant one."""
        places = np.flatnonzero(self.history.relevant)
        return self.history.read - (int(places[-1]) + 1 if len(places) else 0)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "screening": self.name,
            "records": self.records,
            "read": self.read,
            "found": self.found,
            "not_relevant": self.read - self.found,
            "undecided": self.undecided,
            "unread": self.unread,
            "graded": self.graded,
            "unasked": self.unasked,
            "outside": self.outside,
            "drawn_at_random": int(self.history.random.sum()),
            "since_last_relevant": self.since_last,
            "yield": [{"first": one.first, "last": one.last, "found": one.found} for one in self.yields],
            "samples": [{field: getattr(sample, field) for field in Sample.__slots__} for sample in self.samples],
            "estimates": [estimate.to_dict() for estimate in self.estimates],
            "stop": {
                "recall": self.settings.recall,
                "confidence": self.settings.confidence,
                "method": self.settings.method,
                "met": self.is_met,
            },
        }


def progress_of(labels: IndexLabels, ids: Sequence[str], settings: ScreeningSettings) -> Progress:
    """Return how far a screening has come.

    Args:
        labels: of the screening.
        ids: of its records.
        settings: of the screening.
    """
    pile, first = set(ids), labels.first()
    inside = {id: label for id, label in labels.items() if id in pile}
    decided = {id: label for id, label in inside.items() if label.value is not None}
    draws = _draws(labels.history(), pile)
    drawn = {id for _, ids in draws for id in _read_prefix(ids, decided)}
    asked = {
        id: (first[id].number, label.is_relevant)
        for id, label in decided.items()
        if id in drawn or first[id].by not in UNASKED
    }
    undecided, found = len(inside) - len(decided), sum(label.is_relevant for label in decided.values())
    history = history_of(asked, draws, len(pile) - undecided - (len(decided) - len(asked)))
    made = (estimate(history, confidence=settings.confidence) for estimate in (audit_estimate, ranking_estimate))
    estimates = tuple(replace(estimate, found=found) for estimate in made)
    decisive = next(estimate for estimate in estimates if estimate.method == settings.method)
    return Progress(
        labels.name,
        settings,
        records=len(pile),
        read=len(decided),
        found=found,
        undecided=undecided,
        history=history,
        graded=sum(label.value not in (0, 1) for label in decided.values()),
        outside=len(labels) - len(inside),
        samples=tuple(_sample(event, drawn, decided) for event, drawn in draws if event.kind == "audit"),
        estimates=estimates,
        is_met=is_met(decisive, settings.recall, undecided=undecided, unread=history.unread),
    )


def is_met(estimate: RecallEstimate, recall: float, *, undecided: int, unread: int) -> bool:
    """Return whether the target is reached with the confidence of an estimate, were all that is undecided missed.

    It is what `StoppingRule.met` says, with two differences: relevant records that were known beforehand count as
    found, and what is undecided counts as missed. Never before something relevant was found, unless all is read.
    """
    missed = estimate.missed_at_most + undecided
    if not estimate.found:
        return not unread and not undecided
    return estimate.found / (estimate.found + missed) >= recall - _ROUNDING


def history_of(
    decided: Mapping[str, tuple[int, bool]], draws: Iterable[tuple[Event, Sequence[str]]], records: int
) -> History:
    """Return what was read in the order of reading, with what had been drawn at random.

    Of a sample that was drawn, so much is random as was read from its beginning without a gap: who leaves out the
    records that look dull has no sample. These count as read when the sample was drawn; all others when they were
    first labelled.

    Args:
        decided: for each record that is relevant or not by its id the number of the event that first labelled it, and
            whether it is relevant.
        draws: for each draw its event and the ids in the order in which they were drawn.
        records: how many there are, read or not.
    """
    places = {id: (number, 0) for id, (number, _) in decided.items()}
    drawn: set[str] = set()
    for event, ids in draws:
        for position, id in enumerate(_read_prefix(ids, decided)):
            if id not in drawn:
                drawn.add(id)
                places[id] = (event.number, position)
    order = sorted(decided, key=places.__getitem__)
    return History(
        records,
        np.array([decided[id][1] for id in order], dtype=bool),
        np.array([id in drawn for id in order], dtype=bool),
    )


def _draws(events: Iterable[Event], pile: set[str]) -> list[tuple[Event, list[str]]]:
    """Return what was drawn at random, each with those of its ids that are among the records."""
    drawn = (event for event in events if event.kind == "audit" or event.details.get("random"))
    return [(event, [id for id in event.details["ids"] if id in pile]) for event in drawn]


def _read_prefix(ids: Sequence[str], decided: Mapping[str, object]) -> Sequence[str]:
    end = next((place for place, id in enumerate(ids) if id not in decided), len(ids))
    return ids[:end]


def _sample(event: Event, ids: Sequence[str], decided: Mapping[str, Label]) -> Sample:
    read = _read_prefix(ids, decided)
    found = sum(decided[id].is_relevant for id in read)
    return Sample(event.number, len(ids), len(read), found, int(event.details.get("unread", 0)), event.details["by"])
