"""The labels of a screening as files: in our own columns, in ASReview's columns, as RIS.

ASReview's columns are those that its documentation names (asreview.readthedocs.io, "Data format" and "Labeled data")
and that its exports hold: ``asreview_label`` and ``included`` 1, 0 or nothing, ``asreview_ranking``,
``asreview_prior``, ``asreview_time``, ``asreview_note``; in RIS the label is a note (N1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

from embedsearch.documents import Document
from embedsearch.errors import QueryError
from embedsearch.index.label import IMPORT, Label
from embedsearch.index.label_ris import as_note
from embedsearch.screening.features import heading
from embedsearch.screening.session import Screening

Part = Literal["relevant", "not-relevant", "undecided", "labelled", "unread"]
PARTS: tuple[Part, ...] = get_args(Part)

# For each tag, the metadata fields that it is written from, in any case; the first one present is taken.
_RIS_FIELDS = {
    "AU": ("authors", "author", "first_authors", "au"),
    "PY": ("year", "publication_year", "publication year", "date", "py"),
    "JO": ("journal", "journal_name", "secondary_title", "jo", "t2", "source title", "so"),
    "DO": ("doi", "do", "di"),
    "UR": ("url", "urls", "ur", "link"),
    "KW": ("keywords", "kw", "author keywords", "de"),
}
_RIS_LISTS = ("AU", "KW")  # in CSV these are one text, separated by semicolons
_RIS_MARKS = {"relevant": "ASReview_relevant", "not relevant": "ASReview_irrelevant", "": "ASReview_not_seen"}


def label_records(screening: Screening, part: Part | None = None) -> Iterator[dict[str, Any]]:
    """Yield a record for each document of the screening with its label, in the order of the index.

    Labels of documents that are no longer among the records come last, without a title.

    Args:
        screening: any screening.
        part: only documents with this label; if None, all.
    """
    labels = screening.labels.standing()
    for document, label in _chosen(screening, part):
        labels.pop(document.id, None)
        yield {"id": document.id, **_label_columns(label), "title": heading(document)}
    for id, label in labels.items():
        if id not in screening.pile.places and _is_of(label, part):
            yield {"id": id, **_label_columns(label), "title": ""}


def _label_columns(label: Label | None) -> dict[str, Any]:
    if label is None:
        return dict.fromkeys(("label", "note", "labelled_by", "labelled_at", "proposed_by"), "")
    return {
        "label": label.name,
        "note": label.note,
        "labelled_by": label.author,
        "labelled_at": label.time,
        "proposed_by": label.by,
    }


def asreview_records(screening: Screening, part: Part | None = None) -> Iterator[dict[str, Any]]:
    """Yield the documents in ASReview's columns, with their own fields, in the order of ``asreview_ranking``.

    Relevant documents come first, then those not decided, most likely first, then those not relevant. There, a grade of
    0.5 or more is 1, a lower one 0, and undecided is no label. What was imported is a prior.
    """
    ranking = _asreview_ranking(screening)
    chosen = {document.id: (document, label) for document, label in _chosen(screening, part)}
    for rank, id in enumerate(ranking, start=1):
        if id in chosen:
            document, label = chosen[id]
            own = {name: _flat(value) for name, value in document.metadata.items()}
            value = "" if label is None or label.value is None else int(label.is_relevant)
            yield {
                **{"id": id, "title": document.title, "abstract": document.text},
                **{name: value for name, value in own.items() if name not in ("id", "title", "abstract")},
                **{"included": value, "asreview_label": value, "asreview_ranking": rank},
                "asreview_prior": "" if label is None else int(label.by == IMPORT),
                "asreview_time": label.time if label else "",
                "asreview_note": label.note if label else "",
            }


def _asreview_ranking(screening: Screening) -> list[str]:
    places = screening.pile.places
    decided = {id: label for id, label in screening.labels.items() if label.value is not None and id in places}
    relevant = [id for id, label in decided.items() if label.is_relevant]
    try:
        order = [id for id, _ in screening.rank()]
    except QueryError:  # nothing to start from: they are not ranked
        order = []
    # Undecided records are not in the ranking; records that are not ranked keep the order of the index.
    ranked = set(order)
    rest = [id for id in screening.pile.ids if id not in decided and id not in ranked]
    return [*relevant, *order, *rest, *(id for id, label in decided.items() if not label.is_relevant)]


def ris_records(screening: Screening, part: Part | None = None) -> Iterator[str]:
    """Yield each document as a RIS record, with its label as a note (N1) as ASReview writes it and a blank line after.

    A grade counts as relevant from 0.5 on; undecided is ``ASReview_not_seen``. The fields are those that RIS has a tag
    for. A reference that was read without an abstract, so that its text is its title, is written without one again.
    """
    for document, label in _chosen(screening, part):
        decided = label is not None and label.value is not None
        name = ("relevant" if label.is_relevant else "not relevant") if label is not None and decided else ""
        lines = ["TY  - JOUR", f"ID  - {_line(document.id)}"]
        title = heading(document)
        lines += [f"TI  - {_line(title)}"] * bool(title)
        lines += [f"{tag}  - {_line(value)}" for tag, value in _ris_values(document.metadata)]
        lines += [f"AB  - {_line(document.text)}"] * (title != document.text)
        lines += [f"N1  - {_RIS_MARKS[name]}"]
        lines += [f"N1  - {as_note(_line(label.note))}"] if label is not None and label.note else []
        yield "\n".join([*lines, "ER  - ", "", ""])


def _ris_values(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    known = {name.casefold(): value for name, value in metadata.items() if value not in (None, "", [])}
    for tag, names in _RIS_FIELDS.items():
        value: Any = next((known[name] for name in names if name in known), [])
        if tag in _RIS_LISTS and isinstance(value, str):
            value = [part for part in value.split(";") if part.strip()]
        yield from ((tag, str(one)) for one in (value if isinstance(value, list) else [value]))


def _chosen(screening: Screening, part: Part | None) -> Iterator[tuple[Document, Label | None]]:
    """Yield the documents of the screening that were labelled as *part* says, with their labels."""
    labels, places = screening.labels.standing(), screening.pile.places
    for document in screening.index.documents():
        label = labels.get(document.id)
        if document.id in places and _is_of(label, part):
            yield document, label


def _is_of(label: Label | None, part: Part | None) -> bool:
    if label is None:
        return part in (None, "unread")
    decided: Part = "relevant" if label.is_relevant else "not-relevant"
    return part in (None, "labelled", "undecided" if label.value is None else decided)


def _line(text: str) -> str:
    return " ".join(text.split())


def _flat(value: Any) -> Any:
    return "; ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else value
