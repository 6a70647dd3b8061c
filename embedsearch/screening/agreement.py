"""Two readers who screened the same records independently: how far they agree, and on which records they do not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

from embedsearch.columns import Schema
from embedsearch.errors import QueryError, did_you_mean
from embedsearch.index import Index
from embedsearch.index.arguments import text
from embedsearch.index.label import Label
from embedsearch.results import Records
from embedsearch.screening.features import heading


@dataclass(frozen=True, slots=True)
class Conflict:
    """A record that two screenings label differently.

    Attributes:
        id: the document's id.
        first: its label in the first screening.
        second: its label in the second screening.
        title: the document's title, or its text if it has none.
    """

    id: str
    first: Label
    second: Label
    title: str

    def to_dict(self) -> dict[str, Any]:
        """Return a dict of JSON values, with room for the label and the note that both readers agree on."""
        record: dict[str, Any] = {"id": self.id, "label": "", "note": ""}
        for place, one in (("first", self.first), ("second", self.second)):
            record |= {place: one.name, f"{place}_by": one.author, f"{place}_note": one.note}
        return record | {"title": self.title}


class Conflicts(Records[Conflict]):
    """Records that two screenings label differently, in the order of the index."""

    def _schema(self) -> Schema:
        names = (
            "id",
            "label",
            "note",
            "first",
            "first_by",
            "first_note",
            "second",
            "second_by",
            "second_note",
            "title",
        )
        return dict.fromkeys(names, "text")


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How far two screenings of one index agree; a grade counts as relevant from 0.5 on.

    Attributes:
        first: the name of the first screening.
        second: the name of the second screening.
        counts: numbers of records, by whether the first and whether the second screening says that they are relevant.
        undecided: how many records both have read and at least one has not decided.
        alone: how many records only the first has labelled, and how many only the second.
        conflicts: the records that they label differently, including those that one has not decided.
    """

    first: str
    second: str
    counts: Mapping[tuple[bool, bool], int]
    undecided: int
    alone: tuple[int, int]
    conflicts: Conflicts = field(default_factory=Conflicts)

    @property
    def decided(self) -> int:
        """How many records both have decided."""
        return sum(self.counts.values())

    @property
    def share(self) -> float | None:
        """The share of the records decided by both that have the same label in both, 0…1; None if there are none."""
        return (self.counts[True, True] + self.counts[False, False]) / self.decided if self.decided else None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: how far they agree beyond chance, at most 1; None if chance leaves nothing to agree on."""
        return _kappa(self.counts) if self.decided and _expected(self.counts) < 1 else None

    def interval(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """Return the lower and upper end of kappa's interval, -1…1; None if kappa is None.

        The ends are those of the large-sample error (Fleiss, Cohen and Everitt, Large sample standard errors of kappa,
        Psychological Bulletin 72, 1969) after one record is added to each of the four counts, as Agresti and Coull
        (The American Statistician 52, 1998) and, for two by two tables, Agresti and Min (Statistics in Medicine 24,
        2005) add some. From the counts alone the error is 0 wherever two agree on all of a few records.
        """
        kappa = self.kappa
        if kappa is None:
            return None
        counts = {pair: count + 1 for pair, count in self.counts.items()}
        middle, error = _kappa(counts), _error(counts)
        reach = NormalDist().inv_cdf((1 + confidence) / 2) * error
        return max(min(kappa, middle - reach), -1.0), min(max(kappa, middle + reach), 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures and the conflicts as a dict of JSON values."""
        interval = self.interval()
        return {
            "first": self.first,
            "second": self.second,
            "decided": self.decided,
            "both_relevant": self.counts[True, True],
            "only_first_relevant": self.counts[True, False],
            "only_second_relevant": self.counts[False, True],
            "neither_relevant": self.counts[False, False],
            "undecided": self.undecided,
            "only_first_labelled": self.alone[0],
            "only_second_labelled": self.alone[1],
            "agreement": self.share,
            "kappa": self.kappa,
            "kappa_interval": None if interval is None else list(interval),
            "conflicts": self.conflicts.to_dicts(),
        }


Counts = Mapping[tuple[bool, bool], int]


def _kappa(counts: Counts) -> float:
    expected = _expected(counts)
    return ((counts[True, True] + counts[False, False]) / sum(counts.values()) - expected) / (1 - expected)


def _error(counts: Counts) -> float:
    """Return the large-sample standard error of kappa."""
    kappa, expected, size = _kappa(counts), _expected(counts), sum(counts.values())
    first, second = _shares(counts)
    total = -((kappa - expected * (1 - kappa)) ** 2)
    for (one, other), count in counts.items():
        if one == other:
            weight = (1 - (first[one] + second[one]) * (1 - kappa)) ** 2
        else:
            weight = (1 - kappa) ** 2 * (second[one] + first[other]) ** 2
        total += count / size * weight
    return math.sqrt(max(total, 0) / size) / (1 - expected)


def _expected(counts: Counts) -> float:
    """Return the share on which two readers would agree by chance if they say *relevant* as often as these."""
    first, second = _shares(counts)
    return first[True] * second[True] + first[False] * second[False]


def _shares(counts: Counts) -> tuple[dict[bool, float], dict[bool, float]]:
    """Return how often each says that a record is relevant, and that it is not."""
    size = sum(counts.values())
    first = {said: (counts[said, True] + counts[said, False]) / size for said in (True, False)}
    second = {said: (counts[True, said] + counts[False, said]) / size for said in (True, False)}
    return first, second


def agreement(index: Index, first: str, second: str) -> Agreement:
    """Return how far two screenings of an index agree on the documents that it holds.

    Raises:
        QueryError: they are the same, one of them has not begun, or a name is not a text.
    """
    for name in (first, second):
        text("the name of a screening", name)
    if first == second:
        raise QueryError(f"{first!r} agrees with itself; name two screenings")
    begun = index.labels.names()
    for name in (first, second):
        if name not in begun:
            raise QueryError(f"there is no screening {name!r}.{did_you_mean(name, begun)}")
    counts = {(here, there): 0 for here in (True, False) for there in (True, False)}
    undecided, alone, conflicts = 0, [0, 0], []
    one, other = (index.labels.named(name).standing() for name in (first, second))
    for document in index.documents():
        here, there = one.get(document.id), other.get(document.id)
        if here is None or there is None:
            alone[0] += here is not None
            alone[1] += there is not None
            continue
        if here.value is None or there.value is None:
            undecided += 1
            differs = here.value is not there.value
        else:
            counts[here.is_relevant, there.is_relevant] += 1
            differs = here.is_relevant != there.is_relevant
        if differs:
            conflicts.append(Conflict(document.id, here, there, heading(document)))
    return Agreement(first, second, counts, undecided, (alone[0], alone[1]), Conflicts(conflicts))
