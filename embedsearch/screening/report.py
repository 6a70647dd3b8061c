"""The record of a screening: what the appendix of a review needs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from embedsearch.index.label import IMPORT, Label, moment_of, now
from embedsearch.screening.piles import PILE
from embedsearch.screening.progress import Progress
from embedsearch.screening.session import Screening
from embedsearch.screening.versions import versions
from embedsearch.store import Event
from embedsearch.wording import count_of

_SIGNS = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")  # what can begin or end something in a line of Markdown
_ENTITIES = re.compile(r"&(?=#?\w+;)")
_TAGS = re.compile(r"<(?=[A-Za-z/!?])")


def report(screening: Screening) -> dict[str, Any]:
    """Return the record of a screening as a dict of JSON values.

    The keys are

    - ``screening``, ``index``, ``written``, ``versions``, ``settings``, ``settings_history``, ``labellers``,
    ``proposed_by``;
    - ``flow``: the counts at each step, in the words of a PRISMA flow diagram;
    - ``progress``: the evidence for stopping (yields, samples, estimates, verdict);
    - ``labels``: the labels in force;
    - ``events``: everything that happened, in order.
    """
    progress = screening.progress()
    events = screening.labels.history()
    screened = [label for label in screening.labels.values() if label.document in screening.pile.places]
    return {
        "screening": screening.name,
        "index": str(screening.index.path),
        "written": now(),
        "versions": versions(screening.index, screening.settings.axis_names),
        "settings": screening.settings.to_dict(),
        "settings_history": [_settings(event) for event in events if event.kind == "settings"],
        "flow": flow(screening, progress),
        "labellers": _labellers(screening, screened),
        "proposed_by": dict(Counter(label.by or "nobody" for label in screened)),
        "progress": progress.to_dict(),
        "labels": [label.to_dict() for label in screening.labels.values()],
        "events": [_event(screening, event) for event in events],
    }


def flow(screening: Screening, progress: Progress) -> dict[str, Any]:
    """Return the counts at each step, in the words of the PRISMA 2020 flow diagram (Page et al., BMJ 372:n71)."""
    documents, duplicates = len(screening.index.ids()), screening.index.deleted_duplicates()
    return {
        "identified": documents + len(duplicates),
        "identified_by_source": dict(Counter(screening.index.sources()) + Counter(duplicates.values())),
        "duplicates_removed": len(duplicates),
        "removed_before_screening": documents - progress.records,
        "records": progress.records,
        "screened": progress.read + progress.undecided,
        "included": progress.found,
        "excluded": progress.read - progress.found,
        "undecided": progress.undecided,
        "not_screened": progress.unread,
    }


def _settings(event: Event) -> dict[str, Any]:
    return {"event": event.number, "time": event.time, "author": event.author, **_details(event)}


def _event(screening: Screening, event: Event) -> dict[str, Any]:
    record: dict[str, Any] = {"event": event.number, "time": event.time, "author": event.author, "kind": event.kind}
    if event.kind == "label":
        record |= {"id": event.document, "value": event.value, "undone": screening.labels.is_undone(event.number)}
    elif event.document:
        record |= {"id": event.document}
    return record | _details(event)


def _details(event: Event) -> dict[str, Any]:
    """Return the details of an event without the marks of the records, which say nothing to a reader."""
    return {name: value for name, value in event.details.items() if name != PILE}


def _labellers(screening: Screening, screened: Sequence[Label]) -> list[dict[str, Any]]:
    """Return who labelled: how many records by the labels in force, and how often, from when to when, in all.

    Labels that were undone are left out. Labels that were overruled, or are of documents not among the records, count
    in ``given``.
    """
    events = [event for event in screening.labels.history() if event.kind == "label"]
    own: dict[str, list[Event]] = {}
    for event in events:
        if not screening.labels.is_undone(event.number):
            own.setdefault(event.author, []).append(event)
    return [
        {
            "author": author,
            "records": sum(label.author == author for label in screened),
            "imported": sum(label.author == author and label.by == IMPORT for label in screened),
            "given": len(given),
            **_first_and_last([event.time for event in given]),
        }
        for author, given in own.items()
    ]


def _first_and_last(times: Sequence[str]) -> dict[str, str]:
    """Return the earliest and the latest time, as written, whatever their time zones; a time without one is UTC.

    Times of imported files may be written differently; if some can be read, the result is the first and last of those.
    """
    read = sorted((moment, time) for time in times if (moment := moment_of(time)) is not None)
    in_order = [time for _, time in read] or sorted(times)
    return {"first": in_order[0], "last": in_order[-1]}


def as_markdown(record: dict[str, Any]) -> str:
    """Return a `report` as Markdown. It includes the labels in force; all other events are only in the JSON."""
    flow, progress = record["flow"], record["progress"]
    parts = [
        f"# Screening {_plain(repr(record['screening']))}",
        f"Index {_plain(record['index'])}, written {record['written']}.",
        "## Settings",
        _table(("setting", "value"), _settings_rows(record)),
        "## Flow of records",
        _table(("step", "records"), _flow_rows(flow)),
        "## Who labelled",
        _table(
            ("who", "records", "of these imported", "labels given in total", "first", "last"),
            [[one["author"] or "(no name)", one["records"], one["imported"], one["given"], one["first"], one["last"]]
             for one in record["labellers"]],
        ),
        "Records were proposed by: " + (_counted(record["proposed_by"]) or "nothing was labelled") + ".",
        "## Yield",
        _table(("proposed and read", "relevant among them"),
               [[f"{one['first']:,} to {one['last']:,}", one["found"]] for one in progress["yield"]]),
        "## Evidence for stopping",
        *_evidence(progress),
        "## Changes of the settings",
        _table(("event", "when", "who", "settings"), [_change(one) for one in record["settings_history"]]),
        "## Labels",
        _table(("record", "label", "who", "when", "proposed by", "note"),
               [[one["id"], one["label"], one["author"], one["time"], one["by"], one["note"]]
                for one in record["labels"]]),
        f"The journal holds {count_of(len(record['events']), 'event')}; the JSON form of this record lists each.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _settings_rows(record: dict[str, Any]) -> list[list[Any]]:
    shown = {**record["settings"], **record["versions"]}
    axes = record["versions"]["axes"]
    named = ((name, axes[name.removeprefix("-")]) for name in record["settings"]["axes"])
    shown["axes"] = ", ".join(f"{name} ({_version(held)})" for name, held in named)
    return [[name.replace("_", " "), "none" if value in ("", None) else str(value)] for name, value in shown.items()]


def _version(version: int | None) -> str:
    return "deleted" if version is None else f"version {version}" if version else "not saved"


def _flow_rows(flow: dict[str, Any]) -> list[list[Any]]:
    names = {
        "identified": "records identified (in the index, or deleted as duplicates)",
        "duplicates_removed": "duplicate records removed",
        "removed_before_screening": "removed before screening (by the condition)",
        "records": "records to screen",
        "screened": "records screened",
        "included": "… relevant",
        "excluded": "… not relevant",
        "undecided": "… undecided",
        "not_screened": "records not screened (left unread)",
    }
    rows: list[list[Any]] = [[text, flow[name]] for name, text in names.items()]
    sources = [
        [f"… from {source or 'an unnamed source'}", count] for source, count in flow["identified_by_source"].items()
    ]
    return [rows[0], *sources, *rows[1:]]


def _evidence(progress: dict[str, Any]) -> list[str]:
    stop = progress["stop"]
    verdict = "met" if stop["met"] else "not met"
    parts = [
        f"Stopping rule: recall of at least {stop['recall']:.0%} with {stop['confidence']:.0%} confidence, by the "
        f"{stop['method']} estimate: **{verdict}**. "
        f"{count_of(progress['since_last_relevant'], 'record was', 'records were')} read after the last relevant one."
    ]
    if progress["unasked"]:
        parts.append(
            f"{count_of(progress['unasked'], 'record was', 'records were')} labelled without being proposed, or "
            "imported. The estimates count them as unread until they were labelled, and leave them out afterwards. The "
            "relevant ones count as found."
        )
    if not progress["drawn_at_random"]:
        parts.append("No record was drawn at random, so the audit says nothing.")
    if progress["passed_over"]:
        parts.append(
            f"{count_of(progress['passed_over'], 'record shown at random was', 'records shown at random were')} "
            "passed over. The audit leaves out what was drawn after the first of them."
        )
    for sample in progress["samples"]:
        joined = count_of(sample["joined"], "unread record")
        parts.append(
            f"Audit sample (event {sample['event']}): {count_of(sample['size'], 'record')} drawn at random from "
            f"{sample['unread']:,} not read; {sample['read']:,} read, {sample['found']:,} of these relevant."
            + (f" {sample['undecided']:,} undecided, counted as relevant." if sample["undecided"] else "")
            + (f" {joined} joined later and could not be drawn." if sample["joined"] else "")
        )
    if progress["joined"]:
        parts.append(
            f"{count_of(progress['joined'], 'unread record')} joined after the last record was read; each counts as "
            "possibly missed."
        )
    for one in progress["estimates"]:
        parts.append(
            f"By the {one['method']}: recall {one['recall']:.1%}, at least {one['recall_at_least']:.1%} with "
            f"{one['confidence']:.0%} confidence (one-sided); missed {one['missed']:,}, at most "
            f"{one['missed_at_most']:,}. Assumption: {one['assumption']}. Source: {one['source']}."
        )
    return parts


def _change(settings: dict[str, Any]) -> list[Any]:
    left_out = ("event", "time", "author", "versions", "documents")
    shown = ", ".join(
        f"{name} {value}" for name, value in settings.items() if name not in left_out and value not in ("", [])
    )
    return [settings["event"], settings["time"], settings["author"], shown]


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{_plain(name)} {count:,}" for name, count in counts.items())


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [_row(names), "| " + " | ".join(["---"] * len(names)) + " |", *map(_row, rows)]
    return "\n".join(lines) if len(lines) > 2 else "None yet."


def _row(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else _plain(cell) for cell in cells) + " |"


def _plain(text: Any) -> str:
    """Return a text that says the same on one line of Markdown: without markup, HTML or the end of a cell."""
    line = _SIGNS.sub(r"\\\g<0>", " ".join(str(text).splitlines()))
    return _TAGS.sub("&lt;", _ENTITIES.sub("&amp;", line))
