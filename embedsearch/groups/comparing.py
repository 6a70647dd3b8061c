"""Comparing groups of documents on axes: where each lies, and how far it is from the others."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, NamedTuple, Protocol

import numpy as np

from embedsearch.axes import ScaledAxis
from embedsearch.axes.fields import as_number
from embedsearch.axes.statistics import ranks
from embedsearch.columns import Schema
from embedsearch.errors import QueryError, did_you_mean
from embedsearch.groups.dividing import Division, Members, written
from embedsearch.groups.statistics import (
    Interval,
    Sample,
    Values,
    difference_of,
    explained,
    mean_of,
    superiority,
    trend_of,
)
from embedsearch.notebooks import table
from embedsearch.results import Records
from embedsearch.wording import count_of, shown


class Material(NamedTuple):
    """Documents to compare.

    Attributes:
        field: the field that makes the groups.
        division: the groups.
        documents: the number n of documents, with a value and without.
        axes: at least one.
        columns: where the documents lie on each axis, in standard deviations of the index's passages, shape (n,).
    """

    field: str
    division: Division
    documents: int
    axes: Sequence[ScaledAxis]
    columns: Sequence[Values]


@dataclass(frozen=True, slots=True)
class Settings:
    """How groups are compared; see `embedsearch.Index.compare`.

    Raises:
        QueryError: the confidence is not between 0 and 1.
    """

    against: Any = None
    least: int = 5
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not (isinstance(self.confidence, Real) and 0 < self.confidence < 1):
            raise QueryError(f"the confidence is {shown(self.confidence)}; wanted a number between 0 and 1")


@dataclass(frozen=True, slots=True)
class Group:
    """Where the documents of a group lie on one axis, in standard deviations of the index's passages.

    The ends of an interval are infinite if it is open because of a group of one document.

    Attributes:
        axis: the name of the axis.
        group: the value of the field, or the step of its numbers.
        documents: how many documents the group has.
        mean: the mean of their coordinates.
        low: the lower end of the mean's interval.
        high: its upper end.
        sd: the documents' standard deviation; 0 for a single one.
        lower_quartile: a quarter of the documents lies below it.
        median: half of the documents lies below it.
        upper_quartile: three quarters of the documents lie below it.
        version: the version of the axis.
        start: where the step of numbers begins; None if the group is not a step.
        difference: the mean minus that of the documents it is compared with. None, as are the next three, if there are
            no such documents.
        difference_low: the lower end of its interval.
        difference_high: the upper end of its interval.
        superiority: how often a document of the group lies above one that it is compared with, 0…1; .5 if they are
            alike.
    """

    axis: str
    group: str
    documents: int
    mean: float
    low: float
    high: float
    sd: float
    lower_quartile: float
    median: float
    upper_quartile: float
    version: int
    start: float | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    superiority: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the group as a dict of JSON values, with open ends as None."""
        record = {name: getattr(self, name) for name in _COLUMNS}
        return {
            name: None if isinstance(value, float) and math.isinf(value) else value for name, value in record.items()
        }


_COLUMNS: Schema = {
    "axis": "text", "group": "text", "start": "number", "documents": "whole",
    "mean": "number", "low": "number", "high": "number",
    "sd": "number", "lower_quartile": "number", "median": "number", "upper_quartile": "number",
    "difference": "number", "difference_low": "number", "difference_high": "number", "superiority": "number",
    "version": "whole",
}  # fmt: skip


class Groups(Records[Group]):
    """Groups, axis by axis: groups of numbers ascending, others by their mean on the first axis, highest first."""

    def _schema(self) -> Schema:
        return _COLUMNS


@dataclass(frozen=True, slots=True, eq=False)
class GroupComparison:
    """Groups of documents on axes.

    Attributes:
        field: the field that makes the groups.
        axes: the axes on which they lie.
        groups: one record for each group and axis.
        documents: how many documents have a value.
        without: how many have none.
        rare: the groups that were left out as too small, with their number of documents.
        against: the group that others are compared with; None if each is compared with all other documents.
        step: the width of the groups of numbers; None if each value is a group.
        confidence: the confidence of each interval.
        explained: by axis, the share of the variance of the documents that lies between the groups shown
            (`embedsearch.groups.statistics.explained`); empty if groups share documents.
        trends: by axis, Spearman's correlation of coordinates with the field, if it holds numbers or dates.
        members: by group, its documents, as places in the material; shape (n,).
        odd: few values that are neither numbers nor dates, because of which all others are taken as text too; see
            `Division`.
        words: by group, the words that are most characteristic of it compared with the others, if they were asked for.
    """

    field: str
    axes: Sequence[ScaledAxis]
    groups: Groups
    documents: int
    without: int
    rare: Mapping[str, int]
    against: str | None
    step: float | None
    confidence: float
    explained: Mapping[str, float]
    trends: Mapping[str, Interval]
    members: Mapping[str, Members]
    odd: tuple[str, ...] = ()
    words: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the whole comparison as a dict of JSON values."""
        return {
            "field": self.field, "documents": self.documents, "without": self.without, "rare": dict(self.rare),
            "against": self.against, "step": self.step, "confidence": self.confidence, "odd": list(self.odd),
            "explained": dict(self.explained), "trends": {name: one._asdict() for name, one in self.trends.items()},
            "words": {name: list(own) for name, own in self.words.items()}, "groups": self.groups.to_dicts(),
        }  # fmt: skip

    def _repr_html_(self) -> str:
        """Show the groups as a table in a notebook."""
        return table(self.groups.to_dicts(), caption=f"{count_of(self.documents, 'document')} by {self.field}")


def compare_groups(material: Material, settings: Settings) -> GroupComparison:
    """Return where groups of documents lie, and how far apart.

    Raises:
        QueryError: there is no such group, or no group is large enough.
    """
    division = material.division
    kept = _kept(material.field, division, settings.least)
    reference = None if settings.against is None else _reference(division, settings.against, material.field)
    if division.numbers is None:
        first = material.columns[0]
        kept.sort(key=lambda group: -float(first[division.members[group]].mean()))
    rows: list[Group] = []
    shares: dict[str, float] = {}
    trends: dict[str, Interval] = {}
    for axis, column in zip(material.axes, material.columns, strict=True):
        others = _AllOthers(column, division) if reference is None else _OneGroup(column, division, reference)
        for group in kept:
            rows.append(_group(axis, division, group, column, others, settings.confidence))
        share = explained([Sample.of(column[division.members[group]]) for group in kept])
        if share is not None and not division.overlaps:
            shares[axis.name] = share
        if division.numbers is not None:
            trend = trend_of(division.numbers, column[division.valued], settings.confidence)
            trends |= {} if trend is None else {axis.name: trend}
    sizes = zip(division.names, map(len, division.members), strict=True)
    return GroupComparison(
        field=material.field,
        axes=material.axes,
        groups=Groups(rows),
        documents=len(division.valued),
        without=material.documents - len(division.valued),
        rare={name: count for name, count in sizes if count < settings.least},
        against=None if reference is None else division.names[reference],
        step=division.step,
        confidence=settings.confidence,
        explained=shares,
        trends=trends,
        members={division.names[group]: division.members[group] for group in kept},
        odd=division.odd,
    )


def _kept(field: str, division: Division, least: int) -> list[int]:
    """Return the groups that are large enough."""
    kept = [place for place, own in enumerate(division.members) if len(own) >= least]
    if not kept:
        most = max(map(len, division.members), default=0)
        raise QueryError(
            f"no group by {field!r} has {count_of(least, 'document')} or more; the largest has {most}: "
            "ask for at least so many, or group by another field"
            if most
            else f"no document that was asked for is in any group by {field!r}"
        )
    return kept


def _reference(division: Division, against: Any, field: str) -> int:
    """Return the group with this name, or the one that holds this number."""
    name = written(against)
    if name in division.names:
        return division.names.index(name)
    number = as_number(against)
    if division.numbers is not None and number is not None:
        for place, low in enumerate(division.starts):
            if low <= number < low + (division.step or 0):
                return place
    raise QueryError(f"no document has the value {name!r} of {field!r}.{did_you_mean(name, division.names)}")


class _Others(Protocol):
    """What a group is compared with, on one axis."""

    def beside(self, own: Members) -> tuple[Sample, float] | None:
        """Return the others, and the sum of the ranks of the documents *own* among both; None if there are none."""


_CANCELLED = 1e-6  # of the spread of all: where less is left beside a group, a difference of sums is mostly rounding


class _AllOthers:
    """All documents with a value that are not in the group, from sums and ranks over all, computed once."""

    def __init__(self, column: Values, division: Division) -> None:
        self._valued = division.valued
        values = column[division.valued]
        self._middle = float(values.mean())
        self._values = values - self._middle  # so that squares lose no precision
        self._square = float(self._values @ self._values)
        self._ranks = ranks(values)

    def beside(self, own: Members) -> tuple[Sample, float] | None:
        places = np.searchsorted(self._valued, own)
        count = len(self._valued) - len(own)
        if not count:
            return None
        values = self._values[places]
        mean = -float(values.sum()) / count  # all of them sum to 0
        squares = self._square - float(values @ values) - count * mean**2
        if squares < _CANCELLED * self._square:
            others = Sample.of(self._middle + np.delete(self._values, places))
        else:
            others = Sample(count, self._middle + mean, squares / max(1, count - 1))
        return others, float(self._ranks[places].sum())


class _OneGroup:
    """The documents of one group that are not in the other."""

    def __init__(self, column: Values, division: Division, group: int) -> None:
        self._column = column
        self._members = division.members[group]

    def beside(self, own: Members) -> tuple[Sample, float] | None:
        rest = np.setdiff1d(self._members, own, assume_unique=True)
        if not len(rest):
            return None
        both = np.concatenate([self._column[own], self._column[rest]])
        return Sample.of(both[len(own) :]), float(ranks(both)[: len(own)].sum())


def _group(
    axis: ScaledAxis, division: Division, group: int, column: Values, others: _Others, confidence: float
) -> Group:
    """Return a group on one axis, where the documents' coordinates are *column*."""
    own = division.members[group]
    values = column[own]
    sample = Sample.of(values)
    quartiles = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    row = Group(
        axis.name, division.names[group], len(own), *mean_of(sample, confidence), sd=math.sqrt(sample.variance),
        lower_quartile=quartiles[0], median=quartiles[1], upper_quartile=quartiles[2], version=axis.version,
        start=division.starts[group] if division.starts else None,
    )  # fmt: skip
    if (found := others.beside(own)) is None:
        return row
    rest, rank_sum = found
    apart = difference_of(sample, rest, confidence)
    return replace(
        row,
        difference=apart.value,
        difference_low=apart.low,
        difference_high=apart.high,
        superiority=superiority(rank_sum, len(own), rest.size),
    )
