"""The labels of an index: what was judged relevant, by whom, and what proposed it."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from embedsearch.errors import QueryError, did_you_mean
from embedsearch.store import Event, Store
from embedsearch.store.labels import Kind

MAIN = "main"
AUTHOR = "EMBEDSEARCH_AUTHOR"
RELEVANT_FROM = 0.5
VALUES: dict[str, float | None] = {"relevant": 1.0, "not relevant": 0.0, "undecided": None}

Value = str | float | None


@dataclass(frozen=True, slots=True)
class Label:
    """What a document was judged to be.

    Attributes:
        document: its id.
        value: 1 relevant, 0 not relevant, between them graded; None undecided.
        note: what was noted with it.
        author: who judged.
        time: when, UTC, ISO 8601.
        by: what had proposed it: ``likely``, ``uncertain``, ``random``, ``audit``, ``import``; empty for a document
            that was labelled unasked.
        rank: its place in that proposal, from 1; None where there was none.
        number: of the event, from 1.
    """

    document: str
    value: float | None
    note: str
    author: str
    time: str
    by: str
    rank: int | None
    number: int

    @classmethod
    def of(cls, event: Event) -> Label:
        """Return the label that an event gave."""
        details = event.details
        note, by, rank = details.get("note", ""), details.get("by", ""), details.get("rank")
        return cls(event.document, event.value, note, event.author, event.time, by, rank, event.number)

    @property
    def is_relevant(self) -> bool:
        """Does it count as relevant? A grade of 0.5 does; undecided does not."""
        return self.value is not None and self.value >= RELEVANT_FROM

    @property
    def name(self) -> str:
        """``relevant``, ``not relevant``, ``undecided``, or the grade."""
        for name, value in VALUES.items():
            if value == self.value:
                return name
        return f"{self.value:g}"

    def to_dict(self) -> dict[str, Any]:
        """Return the label as JSON values, its name as ``label``."""
        record = asdict(self)
        return {"id": record.pop("document"), "label": self.name, **record}


@dataclass(frozen=True, slots=True)
class Decision:
    """A label on its way into an index.

    Attributes:
        document: the id.
        value: as for `label_value`.
        note: as for `Label`.
        author: the one who writes if None.
        by: what proposed it; found in the journal if None.
        time: ISO 8601; now if empty.
    """

    document: str
    value: Value
    note: str = ""
    author: str | None = None
    by: str | None = None
    time: str = ""


def label_value(value: Value) -> float | None:
    """Return the number of a label: ``relevant`` 1, ``not relevant`` 0, ``undecided`` None, a grade from 0 to 1.

    Raises:
        QueryError: it is none of these.
    """
    if isinstance(value, str):
        if value not in VALUES:
            raise QueryError(f"there is no label {value!r}.{did_you_mean(value, VALUES)} A grade is a number, 0 to 1")
        return VALUES[value]
    if value is not None and not 0 <= value <= 1:
        raise QueryError(f"a grade must be from 0 (not relevant) to 1 (relevant), not {value:g}")
    return None if value is None else float(value)


def default_author() -> str:
    """Return who labels: ``EMBEDSEARCH_AUTHOR``, else the name of the account; empty where there is neither."""
    try:
        return os.environ.get(AUTHOR) or getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return ""


def now() -> str:
    """Return the time, UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class IndexLabels(Mapping[str, Label]):
    """The labels of one screening of an index, by document id: those that stand, in the order of the first reading.

    An index can hold several screenings, each with labels of its own; `named` gives another.
    """

    def __init__(self, store: Store, name: str = MAIN) -> None:
        """Read nothing yet."""
        self._store = store
        self.name = name
        self._events: list[Event] = []
        self._seen = 0
        self._standing: dict[str, list[Label]] = {}
        self._undone: set[int] = set()
        self._proposals: dict[str, tuple[str, int | None]] = {}

    # -- reading ----------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def __getitem__(self, id: str) -> Label:
        """Return the label of a document; KeyError where it has none."""
        return self._current()[id][-1]

    def named(self, name: str) -> IndexLabels:
        """Return the labels of another screening of the same index; it begins with its first label.

        Raises:
            QueryError: the name is empty, or holds control characters.
        """
        if not name.strip() or not name.isprintable():
            raise QueryError(f"a screening cannot be called {name!r}; wanted is a short name, such as tumours")
        return IndexLabels(self._store, name)

    def names(self) -> list[str]:
        """Return the names of all screenings of the index, in the order in which they began."""
        return list(dict.fromkeys(event.screening for event in self._store.labels.events() if event.screening))

    def history(self) -> list[Event]:
        """Return everything that happened in this screening, in order: labels, undos, settings, samples.

        Raises:
            StoreError: an event is not what was written.
        """
        self._current()
        return list(self._events)

    def first_numbers(self) -> dict[str, int]:
        """Return by document the number of the first of its labels that were not undone: when it was read."""
        return {id: labels[0].number for id, labels in self._current().items()}

    @property
    def state(self) -> int:
        """The number of the last event of the index, 0 where there is none; it grows with every event."""
        self._current()
        return self._seen

    def is_undone(self, number: int) -> bool:
        """Was the event of this number undone?"""
        self._current()
        return number in self._undone

    def settings(self) -> dict[str, Any]:
        """Return the settings that were kept last, as JSON values; empty if none were."""
        return next((dict(event.details) for event in reversed(self.history()) if event.kind == "settings"), {})

    # -- writing ----------------------------------------------------------------------------------------

    def add(
        self,
        ids: str | Sequence[str],
        value: Value,
        *,
        note: str = "",
        author: str | None = None,
        by: str | None = None,
    ) -> list[Label]:
        """Label documents of the index; what they were labelled before stays in the history.

        Args:
            ids: of one document or several.
            value: ``relevant``, ``not relevant``, ``undecided``, or a grade from 0 to 1.
            note: kept with the label.
            author: who judged; `default_author` if None.
            by: what proposed them; what showed them last if None.

        Raises:
            QueryError: a document is not in the index, or the value is none; nothing is labelled then.
            StoreError: another process is writing.
        """
        wanted = dict.fromkeys([ids] if isinstance(ids, str) else ids)
        return self.add_all([Decision(id, value, note, author, by) for id in wanted])

    def add_all(self, decisions: Sequence[Decision]) -> list[Label]:
        """Label documents each in its own way, all or none.

        Raises:
            QueryError, StoreError: as `add`.
        """
        values = [label_value(decision.value) for decision in decisions]
        self._require([decision.document for decision in decisions])
        self._current()
        events = []
        for decision, value in zip(decisions, values, strict=True):
            by, rank = self._proposals.get(decision.document, ("", None))
            if decision.by is not None:
                by, rank = decision.by, None
            details = {name: given for name, given in (("note", decision.note), ("by", by), ("rank", rank)) if given}
            author = default_author() if decision.author is None else decision.author
            events.append(self._event("label", decision.document, value, author, decision.time, details))
        return [Label.of(event) for event in self._append(events)]

    def undo(self, number: int | None = None, *, author: str | None = None) -> Label:
        """Take back a label; the one before it, if there was one, holds again. Return what was taken back.

        Args:
            number: of the event that labelled; the last that was not undone if None.
            author: who undoes; `default_author` if None.

        Raises:
            QueryError: there is no such label, or it was undone already.
            StoreError: another process is writing.
        """
        standing = {label.number: label for labels in self._current().values() for label in labels}
        wanted = max(standing, default=None) if number is None else number
        if wanted is None or wanted not in standing:
            what = "no label" if wanted is None else f"no label number {wanted}"
            undone = " any more: it was undone already" if wanted in self._undone else ""
            raise QueryError(f"there is {what} to undo in the screening {self.name!r}{undone}")
        label = standing[wanted]
        by = default_author() if author is None else author
        self._append([self._event("undo", label.document, None, by, "", {"undoes": wanted})])
        return label

    def record(self, kind: Kind, details: Mapping[str, Any]) -> Event:
        """Keep an event of another kind: settings, a sample that was drawn, records that were shown.

        Raises:
            StoreError: another process is writing.
        """
        (kept,) = self._append([self._event(kind, "", None, default_author(), "", details)])
        return kept

    def _event(
        self, kind: Kind, document: str, value: float | None, author: str, time: str, details: Mapping[str, Any]
    ) -> Event:
        for text in (author, details.get("note", "")):
            if text.encode("utf-8", "replace") != text.encode("utf-8", "surrogatepass"):
                raise QueryError(f"{text!r} is no text in UTF-8, which notes and names must be")
        return Event(0, self.name, kind, document, value, author, time or now(), dict(details))

    def _append(self, events: Sequence[Event]) -> list[Event]:
        with self._store.locked():
            self._store.upgrade()
            with self._store.writing():
                return self._store.labels.append(events)

    def _require(self, ids: Sequence[str]) -> None:
        held = self._store.numbers_of(ids)
        for id in ids:
            if id not in held:
                advice = did_you_mean(id, self._store.ids(100_000))
                raise QueryError(f"there is no document {id!r}; nothing was labelled.{advice}")

    def _current(self) -> dict[str, list[Label]]:
        """Return by document its labels that were not undone, the last one last."""
        for event in self._store.labels.events(after=self._seen):
            self._seen = event.number
            if event.screening == self.name:
                self._events.append(event)
                self._apply(event)
        return self._standing

    def _apply(self, event: Event) -> None:
        if event.kind in ("shown", "audit"):
            by = event.details.get("by", event.kind)
            self._proposals |= {id: (by, rank) for rank, id in enumerate(event.details.get("ids", ()), start=1)}
        elif event.kind == "label":
            self._standing.setdefault(event.document, []).append(Label.of(event))
        elif event.kind == "undo":
            undone = event.details["undoes"]
            self._undone.add(undone)
            left = [label for label in self._standing.get(event.document, []) if label.number != undone]
            if left:
                self._standing[event.document] = left
            else:
                self._standing.pop(event.document, None)
