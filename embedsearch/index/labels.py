"""The labels of an index: labelling, taking labels back, and everything that happened in its screenings."""

from __future__ import annotations

import os
from collections.abc import Collection, ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, get_args

from embedsearch.documents.json_values import json_fields
from embedsearch.errors import MissingKeyError, QueryError
from embedsearch.given import require_flags, require_kind
from embedsearch.index import arguments
from embedsearch.index.label import IMPORT, Decision, Label, Value, default_author, label_value, now, seen_of, tidied
from embedsearch.offering import keeps_back
from embedsearch.store import Event, Store
from embedsearch.store.labels import Kind

if TYPE_CHECKING:
    from embedsearch.index.taking import Taken, TakenBack

MAIN = "main"
_READING = ("label", "key", "encoding", "on_error", "report")  # the arguments of `read_labels` besides the file
_WAIT_SECONDS = 1.0  # several may label at once: each holds the index for a few milliseconds


class _NoLabelError(QueryError, MissingKeyError):
    """A document has no label."""


@keeps_back("alone", "everywhere", "first", "is_undone", "record", "settings", "shown", "state")
class IndexLabels(Mapping[str, Label]):
    """The labels of one screening of an index, by document id: those in force, in the order of the first reading.

    An index can hold several screenings, each with labels of its own; `named` returns another.
    """

    def __init__(self, store: Store, name: str = MAIN) -> None:
        """Read nothing yet."""
        self._store = store
        self.name = name
        self._is_alone = False
        self._forget()

    def _forget(self) -> None:
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
        """Return the label of a document.

        Raises:
            QueryError: the document has none (this is a KeyError too), or the id is not a text.
        """
        arguments.text("the id of a document", id)
        standing = self._current()
        if id not in standing:
            raise _NoLabelError(f"document {id!r} has no label in the screening {self.name!r}; give it one with add")
        return standing[id][-1]

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and id in self._current()

    def standing(self) -> dict[str, Label]:
        """Return all labels in force, by document id, read at once."""
        return {id: labels[-1] for id, labels in self._current().items()}

    def items(self) -> ItemsView[str, Label]:
        """Return the document ids with their labels, as they are now."""
        return self.standing().items()

    def values(self) -> ValuesView[Label]:
        """Return the labels, as they are now."""
        return self.standing().values()

    def named(self, name: str) -> IndexLabels:
        """Return the labels of another screening of the same index; a screening begins with its first label.

        Raises:
            QueryError: the name is not a text, is empty, or contains control characters.
        """
        if not arguments.text("the name of a screening", name).strip() or not name.isprintable():
            raise QueryError(f"a screening cannot be called {name!r}; wanted is a short name, such as tumours")
        return IndexLabels(self._store, name)

    def names(self) -> list[str]:
        """Return the names of all screenings of the index, in the order in which they began."""
        return list(dict.fromkeys(event.screening for event in self._store.labels.events() if event.screening))

    def everywhere(self) -> set[str]:
        """Return the ids of documents that have a label in any screening of the index."""
        return {id for name in self.names() for id in self.named(name).standing()}

    def history(self) -> list[Event]:
        """Return everything that happened in this screening, in order: labels, undos, settings, samples.

        Raises:
            StoreError: an event is damaged: it is not what was written.
        """
        self._current()
        return list(self._events)

    def first(self) -> dict[str, Label]:
        """Return the first label of each document that was not undone: when it was read, and what proposed it."""
        return {id: labels[0] for id, labels in self._current().items()}

    def shown(self) -> set[str]:
        """Return the ids of documents that were ever proposed for reading."""
        self._current()
        return set(self._proposals)

    @property
    def state(self) -> int:
        """The number of the index's last event, 0 if there is none; it grows with every event."""
        self._current()
        return self._seen

    def is_undone(self, number: int) -> bool:
        """Return whether the event with this number was undone."""
        self._current()
        return number in self._undone

    def settings(self) -> dict[str, Any]:
        """Return the settings that were saved last, as JSON values; empty if none were."""
        return next((dict(event.details) for event in reversed(self.history()) if event.kind == "settings"), {})

    # -- writing ----------------------------------------------------------------------------------------

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only writer: what you read inside the block still holds when the last thing written inside is kept.

        Raises:
            StoreError: another process is writing.
        """
        if self._is_alone:
            yield
            return
        with self._store.locked(wait=_WAIT_SECONDS):
            self._store.upgrade()
            try:
                with self._store.writing():
                    self._is_alone = True
                    yield
            except BaseException:
                self._forget()  # what was read inside may not have been kept
                raise
            finally:
                self._is_alone = False

    def add(
        self,
        ids: str | Iterable[str],
        value: Value,
        *,
        note: str = "",
        author: str | None = None,
        by: str | None = None,
        only_unread: bool = False,
    ) -> list[Label]:
        """Label documents of the index; their earlier labels stay in the history.

        Args:
            ids: the id of one document, or several.
            value: ``relevant``, ``not relevant``, ``undecided``, or a grade from 0 to 1.
            note: kept with the label; control characters but line ends become spaces, and it is stripped.
            author: who judged; if None, `default_author`.
            by: what proposed the documents; if None, what showed them last.
            only_unread: refuse documents that have a label by now, so that nobody overrules another unawares.

        Raises:
            QueryError: a document is not in the index, the value is not one of these, an id, the note or a name is not
                a text, or a document has a label and *only_unread* is set. Nothing is labelled then.
            StoreError: another process is writing.
        """
        wanted = dict.fromkeys(arguments.texts("the id of a document", ids))
        return self.add_all([Decision(id, value, note, author, by) for id in wanted], only_unread=only_unread)

    def add_all(self, decisions: Sequence[Decision], *, only_unread: bool = False) -> list[Label]:
        """Label several documents, each with its own decision; either all are labelled or none.

        Raises:
            QueryError: one is not a `Decision`, its document has changed since it was shown, or as for `add`.
            StoreError: as for `add`.
        """
        require_kind("what is decided", decisions, Sequence, "a list of Decisions")
        require_flags(only_unread=only_unread)
        for decision in decisions:
            require_kind("a decision", decision, Decision, "a Decision of embedsearch.index.label")
        values = [label_value(decision.value) for decision in decisions]
        with self.alone():
            standing, records, events = self._current(), self._records_seen(decisions), []
            for decision, value in zip(decisions, values, strict=True):
                if only_unread and decision.document in standing:
                    raise _overruling(standing[decision.document][-1])
                if decision.seen not in ("", seen := records[decision.document]):
                    raise QueryError(
                        f"{decision.document!r} has changed since it was shown; not labelled, read it again"
                    )
                events.append(self._label_event(decision, value, seen))
            return [Label.of(event) for event in self._append(events)]

    def _records_seen(self, decisions: Sequence[Decision]) -> dict[str, str]:
        """Return `seen_of` the documents that are to be labelled, by id."""
        ids = [decision.document for decision in decisions]
        numbers = arguments.numbers_of(ids, self._store, "; nothing was labelled")
        return {one.id: seen_of(one.title, one.text) for one in self._store.documents(numbers.values())}

    def _label_event(self, decision: Decision, value: float | None, seen: str) -> Event:
        by, rank = self._proposals.get(decision.document, ("", None))
        if decision.by is not None:
            by, rank = arguments.text("what proposed a document", decision.by), None
        note = tidied(arguments.text("the note", decision.note))
        kept = (("note", note), ("by", by), ("rank", rank), ("seen", seen))
        details = {name: given for name, given in kept if given}
        author = default_author() if decision.author is None else decision.author
        return self._event("label", decision.document, value, author, decision.time, details)

    def take(
        self,
        file: str | os.PathLike[str],
        *,
        match: str = "id",
        reading: Mapping[str, Any] | None = None,
        author: str | None = None,
    ) -> Taken:
        """Label documents as a file says, all or none; documents that have the same label already stay as they are.

        A label that overrules another is reported.

        Args:
            file: see `read_labels`.
            match: the field by which the file names the documents: ``id``, ``title``, or a metadata field such as
                ``doi``. Except in ids, case and spaces do not matter. All documents that match are labelled.
            reading: further arguments of `read_labels`.
            author: who gave the labels for which the file does not say; if None, `default_author`.

        Raises:
            SourceError: a record cannot be used, or names no document of the index.
            QueryError: no document has the field, or `read_labels` has no such argument.
            StoreError: another process is writing.
        """
        from embedsearch.index.taking import decisions_of, name_of

        arguments.text("the field to match by", match)
        require_kind("reading", reading, (Mapping, type(None)), "a mapping of what read_labels takes, or None")
        options = dict(reading or {})
        for option in options:
            arguments.one_of("option of reading labels", option, _READING)
        while True:
            state = self.state
            decisions, taken, overruled = decisions_of(
                file, self, self._store, match=match, reading=options, author=author
            )
            if not decisions:
                break
            with self.alone():
                if self.state == state:  # else somebody has labelled meanwhile, and the file is compared again
                    self.record(IMPORT, {"file": name_of(file), "labels": len(decisions)})
                    self.add_all(decisions)
                    break
        if report := options.get("report"):
            for sentence in overruled:
                report(sentence)
        return taken

    def undo(self, number: int | None = None, *, author: str | None = None) -> Label:
        """Take back a label and return it; the label before it, if there was one, is in force again.

        Args:
            number: the number of the label's event; if None, the last label that was not undone.
            author: who undoes; if None, `default_author`.

        Raises:
            QueryError: there is no such label, or it was undone already.
            StoreError: another process is writing.
        """
        number = None if number is None else arguments.require_count(number, "the number of a label", least=0)
        with self.alone():
            standing = {label.number: label for labels in self._current().values() for label in labels}
            wanted = max(standing, default=None) if number is None else number
            if wanted is None or wanted not in standing:
                raise self._nothing_to_undo("label", wanted, undone=self._undone)
            label = standing[wanted]
            self._take_back([label], author)
        return label

    def undo_import(self, number: int | None = None, *, author: str | None = None) -> TakenBack:
        """Take back all labels of an import. Documents that were labelled since keep their later label.

        Args:
            number: the number of the import's event; if None, the last import that has a label left.
            author: who undoes; if None, `default_author`.

        Raises:
            QueryError: there is no such import, or no label of it is left.
            StoreError: another process is writing.
        """
        from embedsearch.index.taking import TakenBack

        number = None if number is None else arguments.require_count(number, "the number of an import", least=0)
        with self.alone():
            held = {label.number: (label, stack) for stack in self._current().values() for label in stack}
            imports = {event.number: event for event in self._events if event.kind == IMPORT}
            left = {number: [held[one] for one in _numbers(event) if one in held] for number, event in imports.items()}
            wanted = max((one for one, labels in left.items() if labels), default=None) if number is None else number
            if wanted is None or not left.get(wanted):
                raise self._nothing_to_undo("import", wanted, undone=imports)
            taken = left[wanted]
            kept = sum(label is not stack[-1] for label, stack in taken)
            restored = sum(label is stack[-1] and label is not stack[0] for label, stack in taken)
            self._take_back([label for label, _ in taken], author)
        event = imports[wanted]
        return TakenBack(wanted, event.details["file"], event.time, len(taken), restored, kept)

    def _nothing_to_undo(self, what: str, number: int | None, *, undone: Collection[int]) -> QueryError:
        numbered = "" if number is None else f" number {number}"
        already = " any more: it was undone already" if number in undone else ""
        other = next((one.kind for one in self._events if one.number == number and one.kind != what), None)
        advice = {IMPORT: f"; that is an import: embedsearch screen undo --import {number}",
                  "label": f"; that is a label: embedsearch screen undo {number}"}.get(other or "", "")  # fmt: skip
        return QueryError(f"there is no {what}{numbered} to undo in the screening {self.name!r}{already}{advice}")

    def _take_back(self, labels: Sequence[Label], author: str | None) -> None:
        by = default_author() if author is None else author
        self._append([self._event("undo", one.document, None, by, "", {"undoes": one.number}) for one in labels])

    def record(self, kind: Kind, details: Mapping[str, Any]) -> Event:
        """Keep an event of another kind: settings, a sample that was drawn, records that were shown.

        Raises:
            QueryError: there is no such kind, or the details are not a mapping of texts to JSON values.
            StoreError: another process is writing.
        """
        arguments.one_of("kind of event", kind, get_args(Kind))
        require_kind("what is kept of an event", details, Mapping, "a mapping")
        try:
            values = json_fields(details)
        except ValueError as error:
            raise QueryError(f"what is kept of an event: {error}") from error
        (kept,) = self._append([self._event(kind, "", None, default_author(), "", values)])
        return kept

    def _event(
        self, kind: Kind, document: str, value: float | None, author: str, time: str, details: Mapping[str, Any]
    ) -> Event:
        one_line = " ".join(tidied(arguments.text("the author", author)).split())
        return Event(0, self.name, kind, document, value, one_line, time or now(), dict(details))

    def _append(self, events: Sequence[Event]) -> list[Event]:
        with self.alone():
            return self._store.labels.append(events)

    def _current(self) -> dict[str, list[Label]]:
        """Return each document's labels that were not undone, by id, the last one last."""
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


def _numbers(event: Event) -> range:
    """Return the numbers of the labels of an import."""
    return range(event.number + 1, event.number + 1 + event.details["labels"])


def _overruling(label: Label) -> QueryError:
    """Return the error that somebody has labelled a document since it was shown as unread."""
    return QueryError(
        f"{label.document!r} was labelled {label.name} by {label.author or 'somebody'} in the meantime; that label "
        "stands. Overrule it with: embedsearch screen label"
    )
