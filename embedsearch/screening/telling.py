"""Words that set relevant records apart, for a reader who wonders and for the next search of a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from embedsearch.columns import Schema
from embedsearch.documents import Document
from embedsearch.errors import QueryError
from embedsearch.index.counting import record_text
from embedsearch.index.label import Label
from embedsearch.results import Records
from embedsearch.terms import OFTEN, characteristic, find_terms, first_unlike

_SIDES = ("relevant", "not relevant")


@dataclass(frozen=True, slots=True)
class TellingWord:
    """A word, or two neighbouring words, by the labels of the records that have it.

    Attributes:
        label: ``relevant`` or ``not relevant``: the side that it speaks for.
        word: in lower case.
        relevant: how many records labelled relevant have it, in title or text.
        not_relevant: how many records labelled not relevant have it.
        score: the log-odds ratio of its side to the other, in standard errors (`embedsearch.terms.characteristic`).
    """

    label: str
    word: str
    relevant: int
    not_relevant: int
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Return the word as a dict of JSON values."""
        return asdict(self)


class TellingWords(Records[TellingWord]):
    """Words that speak for relevant, then words that speak against; the most telling first."""

    def _schema(self) -> Schema:
        return {
            "label": "text", "word": "text", "relevant": "whole", "not_relevant": "whole", "score": "number",
        }  # fmt: skip


def telling_words(documents: Iterable[Document], labels: Mapping[str, Label], k: int) -> TellingWords:
    """Return the *k* words that tell best on either side.

    Args:
        documents: the documents that have labels.
        labels: the labels by id; an undecided record is on neither side.
        k: how many words.

    Raises:
        QueryError: nothing is labelled relevant, or nothing is labelled not relevant.
    """
    texts: tuple[list[str], list[str]] = ([], [])
    for document in documents:
        label = labels[document.id]
        if label.value is not None:
            texts[0 if label.is_relevant else 1].append(record_text(document))
    sizes = np.array([len(side) for side in texts])
    if not sizes.all():
        raise QueryError(
            f"words are told from records of both kinds: {sizes[0]:,} labelled relevant and {sizes[1]:,} labelled not "
            "relevant are in the index; read on first"
        )
    terms = find_terms([*texts[0], *texts[1]], pairs=True)
    if terms is None:
        return TellingWords()
    counts = np.stack([terms.counts(slice(sizes[0])), terms.counts(slice(sizes[0], None))])
    weights = np.where(counts >= OFTEN, characteristic(counts, sizes), 0)
    return TellingWords(
        TellingWord(label, terms.names[place], int(counts[0, place]), int(counts[1, place]), float(row[place]))
        for label, row in zip(_SIDES, weights, strict=True)
        for place in first_unlike(terms.names, row, k)
    )
