"""Screening from the page: the next record with its evidence, labels, and how far it has come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from embedsearch.explorer.desk import Desk
from embedsearch.explorer.fields import Fields
from embedsearch.index.label import Decision
from embedsearch.index.labels import MAIN

if TYPE_CHECKING:
    from embedsearch.screening import Screening

Answer = dict[str, Any]

_RECENT = 10  # labels that are listed


def status(desk: Desk, asked: Fields) -> Answer:
    """Return how far a screening has come."""
    return _status(_screening(desk, asked))


def start(desk: Desk, asked: Fields) -> Answer:
    """Set what a screening looks for; settings that are not given stay."""
    screening = _screening(desk, asked)
    readers: dict[str, Callable[[str], Any]] = {
        "topic": asked.text,
        "axes": asked.texts,
        "where": asked.text,
        "seed": partial(asked.whole, least=0, most=2**31),
    }
    wanted = {name: read(name) for name, read in readers.items() if asked.has(name)}
    asked.finish()
    screening.configure(**wanted)
    return _status(screening)


def next_record(desk: Desk, asked: Fields) -> Answer:
    """Return the record to read next, with the sentence that speaks most for it; None if all are read."""
    screening, passed = _screening(desk, asked), set(asked.texts("after", []))
    by = asked.optional("by")
    asked.finish()
    found, shown = screening.propose(1, by, passed=passed)
    desk.unnoted.show(screening, shown)
    proposal = next(iter(found), None)
    if proposal is None:
        return {"record": None, **_status(screening)}
    sentence = screening.telling_sentence(proposal.id)
    begin = proposal.text.find(sentence) if sentence else -1
    record = proposal.to_dict() | {"seen": proposal.seen, "metadata": dict(screening.index.get(proposal.id).metadata)}
    record["evidence"] = [[begin, begin + len(sentence)]] if begin >= 0 else []
    return {"record": record, **_status(screening)}


def label(desk: Desk, asked: Fields) -> Answer:
    """Label a record that has no label yet, and is what was shown."""
    screening = _screening(desk, asked)
    decision = Decision(
        asked.text("id"), asked.text_or_number("label"), asked.text("note", ""), seen=asked.text("seen", "")
    )
    asked.finish()
    _ = screening.pile.ids  # what cannot be answered, as where an axis of its condition is gone, keeps nothing
    desk.unnoted.catch_up(screening)
    (given,) = screening.labels.add_all([decision], only_unread=True)
    return {"number": given.number, **_status(screening)}


def undo(desk: Desk, asked: Fields) -> Answer:
    """Take back a label by its number, so that nobody takes back what somebody else has given."""
    screening, number = _screening(desk, asked), asked.whole("number", least=1, most=1 << 53)
    asked.finish()
    _ = screening.pile.ids
    undone = screening.labels.undo(number)
    return {"undone": {"id": undone.document, "label": undone.name}, **_status(screening)}


def _screening(desk: Desk, asked: Fields) -> Screening:
    return desk.screening(asked.text("name", MAIN))


def _status(screening: Screening) -> Answer:
    recent = sorted(screening.labels.standing().values(), key=lambda one: one.number)[-_RECENT:]
    return {
        "name": screening.name,
        "topic": screening.settings.topic,
        "where": screening.settings.where,
        "has_begun": bool(screening.labels.settings()),
        "progress": screening.progress().to_dict(),
        "recent": [{"id": one.document, "label": one.name, "note": one.note} for one in reversed(recent)],
    }


READING: Mapping[str, Callable[[Desk, Fields], Answer]] = {
    "screen/status": status,
    "screen/start": start,
    "screen/next": next_record,
    "screen/label": label,
    "screen/undo": undo,
}
