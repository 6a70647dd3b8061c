"""How far a screening has come, from its labels alone: no vector and no text is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from embedsearch.index.labels import IndexLabels
from embedsearch.screening.reading import Draw, Reading
from embedsearch.screening.settings import ScreeningSettings
from embedsearch.screening.stopping import History, RecallEstimate, audit_estimate, ranking_estimate

YIELD_EVERY = 50
_SAMPLE = 200
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Yield:
    """How many of some consecutive records, in the order of reading, were relevant.

    Attributes:
        first: the number of the first of them, from 1.
        last: the number of the last of them.
        found: how many were relevant.
    """

    first: int
    last: int
    found: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample that was drawn at random.

    Attributes:
        event: the number of its event.
        size: how many records were drawn.
        read: how many of them have a label, counted up to the first that has none.
        found: how many of these are relevant.
        undecided: how many of these are undecided; each counts as if it were relevant.
        unread: how many records had not been read when the sample was drawn.
        joined: how many records that are unread now joined later and so could not have been drawn; the sample says
            nothing about them.
        by: ``audit``, or ``random`` for records shown at random.
    """

    event: int
    size: int
    read: int
    found: int
    undecided: int
    unread: int
    joined: int
    by: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a screening has come.

    Attributes:
        name: the name of the screening.
        settings: the settings of the screening.
        records: how many records there are.
        read: how many were read and decided.
        found: how many of these are relevant.
        undecided: how many were read and left undecided.
        unasked: how many of the decided records were proposed by no ranking and no draw.
        history: the decided records that were proposed, in the order of reading, including those deleted since. Records
            that were labelled unasked or imported are not in it, because no ranking and no draw chose them; nor are
            undecided ones. Until they were labelled they count as unread.
        graded: how many labels are neither 0 nor 1; from 0.5 on they count as relevant.
        outside: how many labelled documents are not among the records: outside the condition, or deleted.
        joined: how many of the unread records joined after the last of the history was read.
        passed_over: how many of the unread records were shown at random before others that were shown at random and
            read. What was drawn after the first of them is not a random sample until that one is read.
        samples: the audit samples, in order.
        estimates: estimates of the recall of all that is relevant, from the audit and from the ranking, with one-sided
            bounds.
        is_met: whether the stopping rule says that it is time to stop.
    """

    name: str
    settings: ScreeningSettings
    records: int
    read: int
    found: int
    undecided: int
    unasked: int
    history: History
    graded: int
    outside: int
    joined: int
    passed_over: int
    samples: tuple[Sample, ...]
    estimates: tuple[RecallEstimate, ...]
    is_met: bool

    @property
    def unread(self) -> int:
        """How many records have not been read."""
        return self.records - self.read - self.undecided

    @property
    def yields(self) -> tuple[Yield, ...]:
        """The yield of every fifty records that were proposed and read; the last part may be smaller."""
        relevant = self.history.relevant
        starts = range(0, len(relevant), YIELD_EVERY)
        parts = ((start, relevant[start : start + YIELD_EVERY]) for start in starts)
        return tuple(Yield(start + 1, start + len(part), int(part.sum())) for start, part in parts)

    @property
    def since_last(self) -> int:
        """How many proposed records were read after the last relevant one."""
        places = np.flatnonzero(self.history.relevant)
        return self.history.read - (int(places[-1]) + 1 if len(places) else 0)

    @property
    def advice(self) -> str:
        """What to do next according to the stopping rule, in words."""
        if self.is_met:
            return "you may stop"
        decide = f"decide the {self.undecided:,} undecided, which count as missed"
        ways = ["read on"] * bool(self.unread) + [decide] * bool(self.undecided)
        return ", or ".join(ways)

    def to_dict(self) -> dict[str, Any]:
        """Return the progress as a dict of JSON values."""
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
            "joined": self.joined,
            "passed_over": self.passed_over,
            "drawn_at_random": int(self.history.random.sum()),
            "since_last_relevant": self.since_last,
            "yield": [asdict(one) for one in self.yields],
            "samples": [asdict(sample) for sample in self.samples],
            "estimates": [estimate.to_dict() for estimate in self.estimates],
            "stop": {
                "recall": self.settings.recall,
                "confidence": self.settings.confidence,
                "method": self.settings.method,
                "met": self.is_met,
                "advice": self.advice,
            },
        }


def progress_of(labels: IndexLabels, ids: Sequence[str], settings: ScreeningSettings) -> Progress:
    """Return how far a screening has come.

    Args:
        labels: the labels of the screening.
        ids: the ids of its records.
        settings: the settings of the screening.
    """
    pile, reading = set(ids), Reading(labels, ids)
    inside = {id: label for id, label in labels.items() if id in pile}
    decided = [label for label in inside.values() if label.value is not None]
    asked = sum(id in inside for id in reading.asked)
    undecided, found, history = len(inside) - len(decided), sum(one.is_relevant for one in decided), reading.history
    made = (
        audit_estimate(history, confidence=settings.confidence),
        _by_ranking(reading, settings.confidence),
    )
    estimates = tuple(replace(estimate, found=found) for estimate in made)
    decisive = next(estimate for estimate in estimates if estimate.method == settings.method)
    return Progress(
        labels.name,
        settings,
        records=len(pile),
        read=len(decided),
        found=found,
        undecided=undecided,
        unasked=len(decided) - asked,
        history=history,
        graded=sum(label.value not in (0, 1) for label in decided),
        outside=len(labels) - len(inside),
        joined=int(history.joined[-1]) if history.joined is not None and history.read else 0,
        passed_over=len(reading.passed_over),
        samples=tuple(_sample(draw, reading) for draw in reading.draws if draw.event.kind == "audit"),
        estimates=estimates,
        is_met=is_met(decisive, settings.recall, undecided=undecided, unread=history.unread),
    )


def how_to_draw(unread: int) -> str:
    """Return the command that draws an audit sample when *unread* records are left."""
    return f"embedsearch screen audit -n {min(_SAMPLE, unread)}"


def _by_ranking(reading: Reading, confidence: float) -> RecallEstimate:
    """Return the estimate from the most telling part of the reading; all that joined since it began may be missed.

    The parts share the error that is allowed.
    """
    unread, windows = reading.history.unread, reading.windows()
    best = ranking_estimate(History(unread, *np.zeros((2, 0), dtype=bool)), confidence=confidence)
    for window in windows:
        made = ranking_estimate(window.history, confidence=1 - (1 - confidence) / len(windows))
        missed, at_most = (min(count + window.joined, unread) for count in (made.missed, made.missed_at_most))
        if at_most <= best.missed_at_most:
            missed = min(missed, best.missed)
            best = replace(made, missed=missed, missed_at_most=at_most, confidence=confidence)
    return best


def is_met(estimate: RecallEstimate, recall: float, *, undecided: int, unread: int) -> bool:
    """Return whether the target is reached with the confidence of an estimate, even if all undecided were missed.

    This is what `StoppingRule.met` says, with two differences: relevant records that were known beforehand count as
    found, and what is undecided counts as missed. It is never met before something relevant was found, unless all is
    read.
    """
    missed = estimate.missed_at_most + undecided
    if not estimate.found:
        return not unread and not undecided
    return estimate.found / (estimate.found + missed) >= recall - _ROUNDING


def _sample(draw: Draw, reading: Reading) -> Sample:
    event, read = draw.event, draw.read(reading.labelled)
    labels = [reading.labelled[id] for id in read]
    found, undecided = sum(one.is_relevant for one in labels), sum(one.value is None for one in labels)
    unread, joined = event.details["unread"], reading.joined_since(event.number)
    return Sample(event.number, len(draw.ids), len(read), found, undecided, unread, joined, event.details["by"])
