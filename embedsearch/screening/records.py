"""Labelled records from a file: texts, labels, and vectors as an index would have them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from embedsearch.conditions import truth
from embedsearch.documents import Document
from embedsearch.documents.fields import find
from embedsearch.encoders import Encoder
from embedsearch.errors import SourceError, did_you_mean
from embedsearch.index import Index
from embedsearch.index.counting import record_text
from embedsearch.vectors import Mask, Vectors

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRecords:
    """The records of a finished screening.

    Attributes:
        documents: the records as they were read.
        relevant: shape (n,), bool.
    """

    documents: tuple[Document, ...]
    relevant: Mask

    @classmethod
    def of(
        cls, documents: Iterable[Document], field: str, *, passed_over: Callable[[SourceError], None] | None = None
    ) -> Self:
        """Take the labels from a field of the documents.

        Args:
            documents: documents, at least one with a label.
            field: the name of the field, in small or capital letters.
            passed_over: called with an error for each document without a usable label; if None, the error is raised.

        Raises:
            SourceError: there is no document, none has such a field, or a value is neither yes nor no.
        """
        kept: list[Document] = []
        labels: list[bool] = []
        unusable: list[SourceError] = []
        is_met = False  # if no document has the field, its name is wrong: one error, not one for each document
        for document in documents:
            is_met = is_met or find(document.metadata, [field]) is not None
            try:
                labels.append(_label(document, field))
                kept.append(document)
            except SourceError as error:
                if passed_over is None:
                    raise
                unusable.append(error)
        for fault in unusable:
            if passed_over is None or not is_met:
                raise fault
            passed_over(fault)
        if not kept:
            raise SourceError("there is no record with a text and a label; wanted records with both")
        return cls(tuple(kept), np.array(labels))

    @property
    def texts(self) -> list[str]:
        """The title and text of each record, as `Features.of` takes them."""
        return [record_text(document) for document in self.documents]


def _label(document: Document, field: str) -> bool:
    place = document.source or document.id
    name = find(document.metadata, [field])
    if name is None:
        advice = did_you_mean(field, document.metadata)
        raise SourceError(f"{place}: there is no field {field!r} with a label.{advice} Name it with --label")
    label = truth(document.metadata[name])
    if label is None:
        raise SourceError(
            f"{place}: the label {field!r} is {document.metadata[name]!r}; wanted 1 or 0, yes or no, true or false. "
            "Correct it, or leave the record out"
        )
    return label


def record_vectors(
    documents: Sequence[Document], encoder: str | Encoder, *, progress: Progress | None = None
) -> Vectors:
    """Return the vectors of records, shape (n, d): those that `Index.document_vectors` returns in an index of them.

    The index is made in a temporary folder. If ``EMBEDSEARCH_CACHE`` names a cache, nothing is encoded twice.

    Args:
        documents: the records; ids may repeat.
        encoder: a name, a folder or an encoder.
        progress: as for `Index.add`.
    """
    ids = [str(number) for number in range(len(documents))]
    numbered = (replace(document, id=id, metadata={}) for document, id in zip(documents, ids, strict=True))
    with tempfile.TemporaryDirectory() as folder, Index.create(Path(folder) / "records", encoder) as index:
        index.add(numbered, progress=progress)
        return index.document_vectors(ids)
