"""Labels in RIS: of each record what names it, and ASReview's mark among its notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from embedsearch.documents.sources import Lines, ReadOptions, Source, good_lines
from embedsearch.errors import SourceError

_TAG = re.compile(r"([A-Z][A-Z0-9]) {1,2}-(?: (.*))?$")
_MARK = re.compile(r"\bASReview_(relevant|irrelevant|not_seen)\b")
_LABELS = {"relevant": "relevant", "irrelevant": "not relevant"}
# What a record is found by, and the tags that hold it; the first that is there.
_NAMES = {"id": ("ID",), "title": ("TI", "T1"), "doi": ("DO",)}
_MOST_LINES = 10_000  # a file without ER must not be taken for one record


class _Line(NamedTuple):
    number: int
    tag: str
    value: str


def ris_labels(source: Source, options: ReadOptions) -> Iterator[tuple[int, str, dict[str, str]]]:
    """Yield the number and the place of each record, its ``label`` and ``note``, and its ``id``, ``title`` and ``doi``.

    The last three are there where it has them. Records that are broken are counted. The label is ASReview's, from the
    notes (N1); what else stands there is the note.

    Raises:
        SourceError: a record has no end, or is labelled both ways; passed over and reported where the options say so.
    """
    for number, record in _records(source, options):
        place = f"{source.name}:{record[0].number}"
        notes = [line.value for line in record if line.tag == "N1"]
        marks = {mark for note in notes for mark in _MARK.findall(note)}
        if marks >= {"relevant", "irrelevant"}:
            options.broken(SourceError(f"{place}: labelled both ASReview_relevant and ASReview_irrelevant"))
            continue
        found = {name: _first(record, tags) for name, tags in _NAMES.items()}
        known = {name: value for name, value in found.items() if value}
        label = next((text for mark, text in _LABELS.items() if mark in marks), "")
        rest = (" ".join(_MARK.sub("", note).split()) for note in notes)
        yield number, place, {**known, "label": label, "note": "; ".join(note for note in rest if note)}


def _first(record: list[_Line], tags: tuple[str, ...]) -> str:
    return next((line.value.strip() for tag in tags for line in record if line.tag == tag), "")


def _records(source: Source, options: ReadOptions) -> Iterator[tuple[int, list[_Line]]]:
    """Yield the number and the lines of each record, from its TY on; a line without a tag goes on with the last one."""
    lines, number, record = Lines(source, options), 0, list[_Line]()
    for text in good_lines(lines, options):
        match = _TAG.match(text.rstrip())
        tag, value = (match[1], match[2] or "") if match else ("", text.strip())
        if (tag == "TY" and record) or len(record) > _MOST_LINES:
            options.broken(_endless(source, record))
            record = []
        if tag == "ER":
            if record:
                yield number, record
            record = []
        elif tag == "TY" or (tag and record):
            number += tag == "TY"
            record.append(_Line(lines.number, tag, value))
        elif tag:
            options.broken(
                SourceError(f"{source.name}:{lines.number}: {tag} stands outside of a record; TY begins one")
            )
        elif record and value:
            last = record[-1]
            record[-1] = last._replace(value=f"{last.value} {value}")
    if record:
        options.broken(_endless(source, record))


def _endless(source: Source, record: list[_Line]) -> SourceError:
    return SourceError(f"{source.name}:{record[0].number}: the record that begins here has no end; ER  - ends one")
