"""Labels in files: tables and JSON lines with a label column, RIS with a label note, in the words that others use.

ASReview's names are those of its documentation (asreview.readthedocs.io, "Data format" and "Labeled data"): columns
``asreview_label``, ``included`` and their kin with 1, 0 or nothing, and in RIS a note (N1) that says
``ASReview_relevant``, ``ASReview_irrelevant`` or ``ASReview_not_seen``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from embedsearch.compressed import suffix_of
from embedsearch.documents import fields
from embedsearch.documents.fields import RawRecord
from embedsearch.documents.lines import json_records
from embedsearch.documents.separated import separated_records
from embedsearch.documents.sources import OnError, ReadOptions, check_encoding, opened_source
from embedsearch.documents.spreadsheets import SUFFIXES as SPREADSHEETS
from embedsearch.documents.spreadsheets import sheet_records
from embedsearch.errors import SourceError, did_you_mean
from embedsearch.given import require_path
from embedsearch.index.label import value_text
from embedsearch.index.label_ris import ris_labels

# The order in which ASReview looks for them.
LABEL_NAMES = (
    "asreview_label", "included", "label", "final_included", "label_included", "included_label", "included_final",
    "included_flag", "include",
)  # fmt: skip
NOTE_NAMES = ("asreview_note", "note")
AUTHOR_NAMES = ("labelled_by",)
TIME_NAMES = ("asreview_time", "labelled_at")
TITLE_NAMES = ("title", "primary_title")
_EARLIEST = 1e9  # seconds since 1970, which is in 2001; a smaller number is a date or year, such as 20240131

_RELEVANT = ("1", "yes", "y", "true", "relevant", "included", "include")
_NOT_RELEVANT = ("0", "no", "n", "false", "not relevant", "irrelevant", "excluded", "exclude")
_UNDECIDED = ("undecided", "unsure", "maybe", "?")
_UNLABELLED = ("", "-1", "nan", "none", "null", "not seen", "unlabelled", "unlabeled")
_WANTED = "1 or 0, yes or no, relevant or not relevant, undecided, or a grade from 0 to 1"


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """A label as a file gives it.

    Attributes:
        place: the name that messages give the record, such as ``labels.csv:7``.
        key: the value that names the document, from the field that is matched; spaces around it are kept.
        value: 1 relevant, 0 not relevant, a grade between them; None undecided.
        note: may be empty.
        author: who judged. Empty if the file has an author column and gives the time but no author; None if the file
            does not say.
        time: as the file writes it, but seconds since 1970 become ISO 8601; may be empty.
        title: the record's title, for people; may be empty.
    """

    place: str
    key: str
    value: float | None
    note: str = ""
    author: str | None = None
    time: str = ""
    title: str = ""


@dataclass(slots=True)
class LabelFile:
    """The labels of a file.

    Attributes:
        entries: one for each document, in the order of the file; labels that contradict one another are left out.
        unlabelled: how many records have no label.
    """

    entries: dict[str, LabelEntry] = field(default_factory=dict)
    unlabelled: int = 0


@dataclass(frozen=True, slots=True)
class _Columns:
    """The fields of a record that hold what is looked for; None for what it does not have."""

    key: str | None
    label: str
    note: str | None
    author: str | None
    time: str | None
    title: str | None


def read_labels(
    file: str | os.PathLike[str],
    *,
    label: str | None = None,
    key: str | None = None,
    encoding: str | None = None,
    on_error: OnError = "stop",
    report: Callable[[str], None] | None = None,
) -> LabelFile:
    """Read the labels in a file.

    Args:
        file: CSV, TSV, a spreadsheet, JSON lines or RIS, by its suffix.
        label: the field with the label; if None, it is found by the names in `LABEL_NAMES`.
        key: the field that names the document; if None, it is found by the usual names of ids, else documents are
            named ``<file>#<number>`` as when they are ingested.
        encoding: the file's encoding; if None, UTF-8.
        on_error: ``stop`` at a record that cannot be used, or ``skip`` it and report it.
        report: called with one sentence for each record that is skipped.

    Raises:
        SourceError: the file or a record cannot be read; the message names the place.
    """
    check_encoding(encoding)
    path = require_path("a file of labels", file, error=SourceError)
    options = ReadOptions(id=key, encoding=encoding, on_error=on_error, report=report)
    found = LabelFile()
    contradicted: set[str] = set()
    for entry in _entries(path, label, options, found):
        first = found.entries.setdefault(entry.key, entry)
        if first.value != entry.value and entry.key not in contradicted:
            contradicted.add(entry.key)
            options.broken(SourceError(contradiction(first, entry)))
    for name in contradicted:
        del found.entries[name]
    return found


def contradiction(first: LabelEntry, second: LabelEntry) -> str:
    """Return the sentence that two records give one document different labels."""
    both = " and ".join(f"{value_text(one.value)} ({one.place})" for one in (first, second))
    return f"{second.place}: {second.key!r} is labelled {both}; leave one of the two out"


def _entries(path: Path, label: str | None, options: ReadOptions, found: LabelFile) -> Iterator[LabelEntry]:
    columns: dict[tuple[str, ...], _Columns] = {}
    for number, place, _, record, *_ in _records(path, options):
        names = tuple(record)
        try:
            known = columns.get(names) or columns.setdefault(names, _columns(names, label, options.id, place))
            text = str(record[known.label] if record[known.label] is not None else "").strip()
            value, is_given = parsed_label(text, place)
            if not is_given:
                found.unlabelled += 1
                continue
            yield LabelEntry(place, _key(record, known, path, number, place), value, *_details(record, known))
        except SourceError as error:
            options.broken(error)


def _details(record: Mapping[str, Any], known: _Columns) -> tuple[str, str | None, str, str]:
    note, author, time, title = (
        str(record[name] if name is not None and record[name] is not None else "").strip()
        for name in (known.note, known.author, known.time, known.title)
    )
    # A label that was exported has a time; a cell that was filled in afterwards has neither time nor author.
    is_known = known.author is not None and (author or time)
    return note, author if is_known else None, _iso(time), title


def _iso(time: str) -> str:
    """Return a time as it stands; one in seconds since 1970, as in ASReview, in ISO 8601."""
    try:
        seconds = float(time)
        is_count = seconds >= _EARLIEST
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if is_count else time
    except (ValueError, OverflowError, OSError):
        return time


def _key(record: Mapping[str, Any], known: _Columns, path: Path, number: int, place: str) -> str:
    if known.key is None:
        return f"{path.name}#{number}"
    value = fields.clean(str(record[known.key] if record[known.key] is not None else ""))
    if not value.strip():
        raise SourceError(f"{place}: the field {known.key!r} is empty, so that the label belongs to no document")
    return value


def _columns(names: Sequence[str], label: str | None, key: str | None, place: str) -> _Columns:
    for name, purpose, option in ((label, "with the label", "--label"), (key, "to find the document by", "--id")):
        if name and fields.find(names, [name]) is None:
            advice = f"{did_you_mean(name, names)} Name it with {option}"
            raise SourceError(f"{place}: there is no field {name!r} {purpose}.{advice}")
    own = fields.find(names, [label] if label else LABEL_NAMES)
    if own is None:
        raise SourceError(
            f"{place}: no field is named {', '.join(LABEL_NAMES)}. Fields seen: {', '.join(names)}. "
            "Name the one with the label with --label NAME"
        )
    rest = [name for name in names if name != own]
    found = (fields.find(rest, wanted) for wanted in (NOTE_NAMES, AUTHOR_NAMES, TIME_NAMES, TITLE_NAMES))
    return _Columns(fields.find(names, [key] if key else fields.ID_NAMES), own, *found)


def _records(path: Path, options: ReadOptions) -> Iterator[RawRecord]:
    """Yield the records of a file."""
    format = suffix_of(path)[1:]
    if format not in ("csv", "tsv", "tab", "jsonl", "ndjson", "ris", *SPREADSHEETS):
        seen = repr(path.suffix) if path.suffix else "a name without a suffix"
        raise SourceError(f"{path}: labels are read from .csv, .tsv, .xlsx, .jsonl and .ris, not {seen}")
    try:
        with opened_source(path) as source:
            if format in ("jsonl", "ndjson"):
                yield from json_records(source, options)
            elif format in SPREADSHEETS:
                yield from sheet_records(source, options)[1]
            elif format == "ris":
                yield from ris_labels(source, options)
            else:
                yield from separated_records(source, options, "," if format == "csv" else "\t")[1]
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error


def parsed_label(text: str, place: str) -> tuple[float | None, bool]:
    """Return the value of a label as a file spells it, and whether there is a label.

    Raises:
        SourceError: the text is not a label; the message begins with *place*.
    """
    word = " ".join(text.replace("_", " ").casefold().removeprefix("asreview ").split())
    for words, value in ((_RELEVANT, 1.0), (_NOT_RELEVANT, 0.0), (_UNDECIDED, None)):
        if word in words:
            return value, True
    if word in _UNLABELLED:
        return None, False
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise SourceError(f"{place}: the label is {text!r}; wanted {_WANTED}")
    return value, True
