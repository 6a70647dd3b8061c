"""Labels from a file into an index: which documents they belong to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedsearch.duplicates.record import words
from embedsearch.errors import QueryError, SourceError, did_you_mean
from embedsearch.index.label import IMPORT, Decision, Label, moment_of, tidied, value_name
from embedsearch.index.label_files import LabelEntry, LabelFile, contradiction, read_labels
from embedsearch.index.labels import IndexLabels
from embedsearch.store import Store
from embedsearch.wording import count_of

# Finding the id that was likely meant takes a tenth of a second among so many ids; it is done for the first few.
_COMPARED, _ADVISED = 10_000, 3
_READ_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the labels of a file.

    Attributes:
        labelled: the number of documents that were labelled.
        unchanged: the number of documents that had the same label already.
        unlabelled: the number of records in the file without a label.
        unknown: the number of records that name no document of the index, if these were skipped.
        overruled: how many of the labelled documents had another label before.
    """

    labelled: int
    unchanged: int
    unlabelled: int
    unknown: int
    overruled: int


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of an import that was taken back.

    Attributes:
        number: the number of the import's event.
        file: the file that was imported.
        time: when it was imported, UTC, ISO 8601.
        labels: how many of its labels were taken back.
        restored: how many of their documents have the label back that they had before.
        kept: how many of their documents were labelled since, and keep that label.
    """

    number: int
    file: str
    time: str
    labels: int
    restored: int
    kept: int


def decisions_of(
    file: str | os.PathLike[str],
    held: IndexLabels,
    store: Store,
    *,
    match: str,
    reading: Mapping[str, Any],
    author: str | None = None,
) -> tuple[list[Decision], Taken, list[str]]:
    """Return what a file decides that is not held already, what becomes of its records, and what is to be told of it.

    See `IndexLabels.take`. What it overrules is a sentence for each.
    """
    options = dict(reading)
    if match != "id":
        options.setdefault("key", match)
    found = read_labels(file, **options)
    standing, shown = held.standing(), held.shown()
    chosen, unknown = _chosen(found, _documents_by(match, store), match, options)
    decisions, overruled, unchanged = [], [], 0
    for id, entry in chosen.items():
        label = standing.get(id)
        if label is not None and _is_said_by(label, entry):
            unchanged += 1
            continue
        # In a filled-in spreadsheet of what `next` showed, the record was proposed nevertheless.
        by = None if id in shown else IMPORT
        who = author if entry.author is None else entry.author
        decisions.append(Decision(id, entry.value, entry.note, who, by, entry.time))
        if label is not None and label.value != entry.value:
            overruled.append(_overruling(label, entry))
    taken = Taken(len(decisions), unchanged, found.unlabelled, unknown, len(overruled))
    named = {decision.document: chosen[decision.document] for decision in decisions}
    return decisions, taken, [*overruled, *(_mistaken(named, store) if match == "id" else ()), *_undated(named)]


def _undated(entries: Mapping[str, LabelEntry]) -> list[str]:
    """Return a sentence if the times of some labels are written in a way that nobody can put in order."""
    unread = list({one.place: one for one in entries.values() if one.time and moment_of(one.time) is None}.values())
    if not unread:
        return []
    more = f" ({count_of(len(unread) - 1, 'other is', 'others are')} not either)" if len(unread) > 1 else ""
    return [
        f"{unread[0].place}: the time {unread[0].time!r} is not a date such as 2026-11-28 or 2026-11-28T14:05 "
        f"in ISO 8601{more}; kept as written, but the report of the screening cannot tell which labels came first"
    ]


def _mistaken(entries: Mapping[str, LabelEntry], store: Store) -> list[str]:
    """Return a sentence if titles in a file are not those of the documents that it names by their ids."""
    titled = [id for id, entry in entries.items() if entry.title]
    others = []
    for start in range(0, len(titled), _READ_AT_ONCE):
        for id, held in store.held(titled[start : start + _READ_AT_ONCE]).items():
            title = held.document.title if held.document else ""  # damage, which verify reports, stops no label
            if title and not _are_alike(entries[id].title, title):
                others.append((entries[id], title))
    if not others:
        return []
    entry, title = others[0]
    more = f", and {count_of(len(others) - 1, 'other differs', 'others differ')} so" if len(others) > 1 else ""
    return [
        f"{entry.place}: {entry.key!r} is {entry.title!r} here and {title!r} in the index{more}; the labels may be of "
        "other records. To take them back: embedsearch screen undo --import"
    ]


def _are_alike(title: str, other: str) -> bool:
    """Return whether two titles have at least half of the words of the shorter one in common."""
    first, second = set(words(title)), set(words(other))
    return len(first & second) >= min(len(first), len(second)) / 2


def name_of(file: str | os.PathLike[str]) -> str:
    """Return what the journal calls a file: its name on one line, as UTF-8 can hold it."""
    name = Path(file).name.encode(errors="backslashreplace").decode()
    return " ".join(tidied(name).split())


def _overruling(label: Label, entry: LabelEntry) -> str:
    by = f" by {label.author}" if label.author else ""
    return f"{entry.place}: {label.document!r} was labelled {label.name}{by}; overruled by {value_name(entry.value)}"


def _is_said_by(label: Label, entry: LabelEntry) -> bool:
    """Return whether a file gives the label that is held; a note of several lines may be on one there, as in RIS."""
    notes = (" ".join(tidied(note).split()) for note in (label.note, entry.note))
    return label.value == entry.value and len(set(notes)) == 1


def _chosen(
    found: LabelFile, known: Mapping[str, Sequence[str]], match: str, options: Mapping[str, Any]
) -> tuple[dict[str, LabelEntry], int]:
    """Return the label of each document that a file names, and how many of its records name none."""
    chosen: dict[str, LabelEntry] = {}
    contradicted: set[str] = set()
    unknown = 0
    for entry in found.entries.values():
        # An id is what a source says, including spaces around it; a spreadsheet may have lost or added some.
        ids = known.get(entry.key if match == "id" else _folded(entry.key)) or known.get(entry.key.strip(), ())
        if not ids:
            unknown += 1
            near = list(known)[:_COMPARED] if match == "id" and unknown <= _ADVISED else []
            advice = did_you_mean(entry.key, near)
            _tell(f"{entry.place}: there is no document whose {match} is {entry.key!r}.{advice}", options)
        for id in ids:
            first = chosen.setdefault(id, entry)
            if first.value != entry.value and id not in contradicted:
                contradicted.add(id)
                _tell(contradiction(first, entry), options)
    return {id: entry for id, entry in chosen.items() if id not in contradicted}, unknown


def _documents_by(match: str, store: Store) -> dict[str, list[str]]:
    """Return the ids of the documents by their id, or by the value of another field, as `_folded`."""
    with store.reading():
        ids = store.field("id")
        if match == "id":
            return {id: [id] for id in ids}
        known = ("title", "text", *store.field_names())
        # Sources differ in how they spell the name of a field.
        columns = [store.field(name) for name in known if name.casefold() == match.casefold()]
        if match.casefold() == "title":  # a reference without an abstract has its title as its text
            columns += [["" if title else text for title, text in zip(columns[0], store.field("text"), strict=True)]]
    if not any(any(column) for column in columns):
        raise QueryError(f"no document has a field {match!r} to match by.{did_you_mean(match, known)}")
    found: dict[str, list[str]] = {}
    for column in columns:
        for id, value in zip(ids, column, strict=True):
            if value not in (None, ""):
                found.setdefault(_folded(str(value)), []).append(id)
    return found


def _folded(key: str) -> str:
    return " ".join(key.casefold().split())


def _tell(what: str, options: Mapping[str, Any]) -> None:
    """Raise the error about a record of a file, or report it if such records are to be skipped."""
    if options.get("on_error") != "skip":
        raise SourceError(what)
    if report := options.get("report"):
        report(what)
