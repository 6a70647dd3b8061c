"""What was read and drawn, in order, and how many records were unread at each moment."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from embedsearch.index.label import IMPORT, Label
from embedsearch.index.labels import IndexLabels
from embedsearch.screening.piles import KnownPile, known_piles
from embedsearch.screening.stopping import History
from embedsearch.screening.tails import Counts
from embedsearch.store import Event

UNASKED = ("", IMPORT)  # the `by` of a label that neither a ranking nor a draw proposed
_MOST_PILES = 8  # at most so many of the last states of the records give windows of the ranking


class Place(NamedTuple):
    """When a record counts as read: the number of the event, and the place in a sample that it drew."""

    number: int
    position: int


class Draw(NamedTuple):
    """Records that were drawn at random: the event, and those of its ids that count, in its order."""

    event: Event
    ids: Sequence[str]

    def read(self, labelled: Collection[str]) -> Sequence[str]:
        """Return the ids that were read, from the beginning up to the first gap."""
        end = next((place for place, id in enumerate(self.ids) if id not in labelled), len(self.ids))
        return self.ids[:end]


def places_of(
    first: Mapping[str, Label], events: Iterable[Event], draws: Iterable[Draw]
) -> tuple[dict[str, Place], dict[str, Draw]]:
    """Return when each record counts as read, and which draw each randomly drawn record came from.

    A record that was proposed counts as read at its place in the proposal that showed it last, in whatever order a
    list is filled in: that order was there before the labels were. All others count as read when they were labelled.

    Of a sample that was drawn, only the part that was read from its beginning without a gap is random: whoever leaves
    out the records that look dull has no sample. Each audit is a sample of its own; all records shown at random are
    one.

    Args:
        first: the first label of each labelled record, by its id.
        events: the events of the journal, in order.
        draws: the draws among them, in order.
    """
    proposed: dict[str, Place] = {}
    places: dict[str, Place] = {}
    for event in events:
        if event.kind in ("shown", "audit"):
            proposed |= {id: Place(event.number, position) for position, id in enumerate(event.details["ids"])}
        elif (label := first.get(event.document)) and label.number == event.number:
            own = Place(event.number, 0)
            places[event.document] = own if label.rank is None else proposed.get(event.document, own)
    drawn: dict[str, Draw] = {}
    is_whole = True
    for draw in draws:
        is_shown = draw.event.kind == "shown"
        if is_shown and not is_whole:
            continue
        read = draw.read(first)
        is_whole = is_whole and (not is_shown or len(read) == len(draw.ids))
        for position, id in enumerate(read):
            if id not in drawn:
                drawn[id] = draw
                places[id] = Place(draw.event.number, position)
    return places, drawn


def shown_at_random(events: Iterable[Event]) -> list[str]:
    """Return the ids of records that were drawn at random one after another, not in an audit, in order."""
    shown = (event.details["ids"] for event in events if event.kind == "shown" and event.details.get("random"))
    return list(dict.fromkeys(id for ids in shown for id in ids))


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A part of the reading that the ranking is judged by.

    Attributes:
        history: the history of only those records that were there from the beginning of the part on.
        joined: how many records that are unread now were not there then.
    """

    history: History
    joined: int


class Reading:
    """The reading of one screening, from its journal.

    Attributes:
        draws: the random draws.
        labelled: the labels of every document that is, or once was, among the records.
        asked: the decided records that were proposed, by a ranking or a draw, in the order of reading.
        unread: the records that have no label now.
    """

    def __init__(self, labels: IndexLabels, ids: Sequence[str]) -> None:
        """Read the journal.

        Args:
            labels: of the screening.
            ids: of its records.
        """
        pile, shown, first = set(ids), labels.shown(), labels.first()
        self._events = labels.history()
        # A record that was read and then deleted was there when it was drawn, and its label is known.
        self.labelled = {id: label for id, label in labels.items() if id in pile or id in shown}
        numbers = {id: first[id].number for id in self.labelled}
        drawn = (event for event in self._events if event.kind == "audit" or event.details.get("random"))
        # A record that another process labelled while the draw was made is not part of the draw.
        self.draws = [
            Draw(event, [id for id in event.details["ids"] if numbers.get(id, math.inf) > event.number
                         and (id in pile or id in numbers)])
            for event in drawn
        ]  # fmt: skip
        self._places, self._drawn = places_of({id: first[id] for id in numbers}, self._events, self.draws)
        self._order = sorted(self.labelled, key=self._places.__getitem__)
        decided = (id for id in self._order if self.labelled[id].value is not None)
        self.asked = [id for id in decided if id in self._drawn or first[id].by not in UNASKED]
        self.unread = [id for id in ids if id not in self.labelled]
        self._piles = known_piles(self._events, ids)
        self._numbers = np.array([self._places[id].number for id in self.asked], dtype=np.int64)
        self._pile_of = np.searchsorted([pile.since for pile in self._piles], self._numbers, side="right") - 1

    @cached_property
    def passed_over(self) -> list[str]:
        """The unread records that were shown at random before others that were shown at random and read."""
        unread, shown = set(self.unread), shown_at_random(self._events)
        last = max((place for place, id in enumerate(shown) if id in self.labelled), default=0)
        return [id for id in shown[:last] if id in unread]

    @cached_property
    def history(self) -> History:
        """The history of all proposed records."""
        size = len(self.asked)
        left, beside, joined = (np.zeros(size, dtype=np.int64) for _ in range(3))
        for number in set(self._pile_of.tolist()):
            here, pile = self._pile_of == number, self._piles[number]
            left[here], beside[here] = (counts[here] for counts in self._counts(pile))
            joined[here] = int((~pile.holds(self.unread)).sum())
        for begin, end in self._taken_back.values():
            joined += (self._numbers > begin) & (self._numbers < end)
        for place, id in enumerate(self.asked):
            if draw := self._drawn.get(
                id
            ):  # its event says from how many: labels that were taken back since were in force then
                left[place] = draw.event.details["unread"] - self._places[id].position
        left = np.maximum(left, 1)  # at least the record itself, if it joined after the records that are known
        doubtful = sum(self.labelled[id].value is None for id in self._drawn)
        return self._history(np.arange(size), len(self.unread), left, beside, joined, doubtful)

    def windows(self) -> list[Window]:
        """Return the parts of the reading, in order, each with only the records that were there from its beginning."""
        found: list[Window] = []
        for number, pile in list(enumerate(self._piles))[-_MOST_PILES:]:
            begin = int(np.searchsorted(self._pile_of, number))
            if begin == len(self.asked) or self._pile_of[begin] != number:
                continue
            here = begin + np.flatnonzero(pile.holds(self.asked[begin:]))
            left, beside = self._counts(pile)
            numbers = self._numbers[here]
            back = {id for id, (one, end) in self._taken_back.items() if ((numbers > one) & (numbers < end)).any()}
            joined = int((~pile.holds(self.unread) | np.isin(self.unread, list(back))).sum())
            found.append(Window(self._history(here, len(self.unread) - joined, left[here], beside[here]), joined))
        return found

    def joined_since(self, number: int) -> int:
        """Return how many records that are unread now could not have been drawn at an event."""
        counts, here = self.history.joined, np.flatnonzero(self._numbers == number)
        if len(here) and counts is not None:
            return int(counts[here].max())
        pile = next(pile for pile in reversed(self._piles) if pile.since <= number)
        return int((~pile.holds(self.unread)).sum())

    def _history(
        self, here: Counts, unread: int, left: Counts, beside: Counts, joined: Counts | None = None, doubtful: int = 0
    ) -> History:
        ids = [self.asked[place] for place in here]
        relevant = np.array([self.labelled[id].is_relevant for id in ids], dtype=bool)
        random = np.array([id in self._drawn for id in ids], dtype=bool)
        return History(unread + len(ids), relevant, random, left, beside, joined, doubtful)

    def _counts(self, pile: KnownPile) -> tuple[Counts, Counts]:
        """Return, for each proposed record, how many of a pile were unread just before, and found later unproposed."""
        asked, inside = set(self.asked), pile.holds(self._order)
        read = np.concatenate(([0], np.cumsum(inside)))[np.flatnonzero([id in asked for id in self._order])]
        beside = (id for id, is_in in zip(self._order, inside, strict=True) if is_in and id not in asked)
        # A label that was taken back and given again counts from its first time on.
        found = sorted(self._spans[id][0] for id in beside if self.labelled[id].is_relevant)
        return len(pile.marks) - read, len(found) - np.searchsorted(found, self._numbers, side="right")

    @cached_property
    def _spans(self) -> dict[str, tuple[int, int]]:
        """The numbers of the first and the last event that labelled each record or took its label back, by id."""
        spans: dict[str, tuple[int, int]] = {}
        for event in self._events:
            if event.kind in ("label", "undo"):
                spans[event.document] = spans.get(event.document, (event.number,))[0], event.number
        return spans

    @cached_property
    def _taken_back(self) -> dict[str, tuple[int, int]]:
        """The currently unread records that were labelled once."""
        return {id: self._spans[id] for id in self.unread if id in self._spans}
