"""Labels in RIS: ASReview's marks among the notes of a reference."""

from __future__ import annotations

import re
from collections.abc import Iterator

from embedsearch.documents.fields import RawRecord
from embedsearch.documents.references import ris_records
from embedsearch.documents.sources import ReadOptions, Source
from embedsearch.errors import SourceError

_MARK = re.compile(r"\bASReview_(relevant|irrelevant|not_seen)\b")
_AROUND = re.compile(r"</?p>|[\s;,]")  # what may stand around a mark; Zotero makes a paragraph of a note
_LABELS = {"relevant": "relevant", "irrelevant": "not relevant"}
_NOTED = "note: "  # put before a person's note that would be taken for a mark


def as_note(text: str) -> str:
    """Return a person's note as a note of a RIS file that `ris_labels` does not take for a mark."""
    return _NOTED + text if _is_mark(text) else text


def _is_mark(note: str) -> bool:
    return bool(_MARK.search(note)) and not _AROUND.sub("", _MARK.sub("", note))


def ris_labels(source: Source, options: ReadOptions) -> Iterator[RawRecord]:
    """Yield the references of a RIS file with ASReview's ``label``, and what else the notes say as the ``note``.

    ASReview writes a mark as a note of its own. If there is no such note, the mark is looked for among the words of the
    other notes, because some programs join several notes into one.

    Raises:
        SourceError: a reference is labelled both ways; it is skipped and reported if the options say so.
    """
    for record in ris_records(source, options):
        notes = [str(note) for note in record.fields.get("notes", ())]
        own = [note for note in notes if _is_mark(note)]
        marks = {mark for note in own or notes for mark in _MARK.findall(note)}
        if marks >= {"relevant", "irrelevant"}:
            options.broken(SourceError(f"{record.place}: labelled both ASReview_relevant and ASReview_irrelevant"))
            continue
        label = next((text for mark, text in _LABELS.items() if mark in marks), "")
        others = [note for note in notes if note not in own] if own else [_MARK.sub("", note) for note in notes]
        rest = (" ".join(note.split()) for note in others)
        note = "; ".join(_as_noted(text) for text in rest if text)
        yield record._replace(fields={**record.fields, "label": label, "note": note})


def _as_noted(note: str) -> str:
    bare = note.removeprefix(_NOTED)
    return bare if _is_mark(bare) else note
