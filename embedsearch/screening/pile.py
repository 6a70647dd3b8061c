"""The records of a screening: which documents of the index they are, and what a ranker knows about them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.errors import QueryError
from embedsearch.index import Index
from embedsearch.screening.features import Features
from embedsearch.screening.piles import packed
from embedsearch.screening.settings import ScreeningSettings
from embedsearch.vectors import Vectors


class Pile:
    """The documents that a screening is about, as the index holds them when they are first asked for.

    Record i of the features is the document ``ids[i]``; the order is that of the index.
    """

    def __init__(self, index: Index, settings: ScreeningSettings) -> None:
        """Read nothing yet."""
        self._index = index
        self._settings = settings

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.ids)

    @cached_property
    def ids(self) -> list[str]:
        """The ids of the records.

        Raises:
            QueryError: the condition cannot be read, or no document satisfies it.
        """
        where = self._settings.where
        ids = [document.id for document in self._index.filter(where)] if where else self._index.ids()
        if not ids:
            raise QueryError(
                f"no document of the index satisfies {where!r}, so there is nothing to screen"
                if where
                else "the index is empty; add documents with: embedsearch ingest SOURCE"
            )
        return ids

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each record, by its id."""
        return {id: place for place, id in enumerate(self.ids)}

    @property
    def is_current(self) -> bool:
        """Whether all its records are still in the index, in the order in which they were taken."""
        return [id for id in self._index.ids() if id in self.places] == self.ids

    @cached_property
    def packed(self) -> str:
        """A text for the journal that tells which records these are."""
        return packed(self.ids)

    @cached_property
    def features(self) -> Features:
        """What a ranker knows about the records. Texts are read once and not kept; words are kept beside the index.

        Ask for it only if the pile `is_current`, and inside ``index.reading()``: else words are of one record and
        vectors of another.
        """
        vectors = self._index.document_vectors(self.ids)
        terms = self._index.term_counts(self.ids)
        return Features.counted(terms, vectors, coordinates=self._coordinates(vectors))

    def _coordinates(self, vectors: Vectors) -> NDArray[np.float64] | None:
        """Return the coordinates of the records' mean vectors, shape (n, axes), the wanted end of each axis high."""
        names = self._settings.axis_names
        if not names:
            return None
        scaled = self._index.axes.scaled(list(names))
        signs = [-1.0 if axis.startswith("-") else 1.0 for axis in self._settings.axes]
        return np.stack(
            [sign * scaled[name].coordinates(vectors) for sign, name in zip(signs, names, strict=True)], axis=1
        )

    @cached_property
    def topic_vector(self) -> Vectors | None:
        """The unit vector of the topic, shape (d,); None without one."""
        return self._index.query_vector(self._settings.topic) if self._settings.topic else None

    @cached_property
    def prior(self) -> NDArray[np.float64] | None:
        """What is known before the first label, shape (n,): nearness to the topic and coordinates, in their deviations.

        None if the screening has neither a topic nor an axis.
        """
        parts: list[NDArray[np.float64]] = []
        if self.topic_vector is not None:
            parts.append(_standardised(self.features.vectors @ self.topic_vector))
        if self.features.coordinates is not None:
            parts += [_standardised(column) for column in self.features.coordinates.T]
        return np.sum(parts, axis=0) / len(parts) if parts else None


def _standardised(values: ArrayLike) -> NDArray[np.float64]:
    given = np.asarray(values, dtype=np.float64)
    return np.asarray((given - given.mean()) / (given.std() or 1.0))


def direction_of(features: Features, relevant: Sequence[int], others: Sequence[int]) -> Vectors | None:
    """Return the direction from records that are not relevant to those that are, shape (d,), float32.

    None if no record is relevant.
    """
    if not len(relevant):
        return None
    direction: Vectors = features.vectors[list(relevant)].mean(axis=0)
    return direction - features.vectors[list(others)].mean(axis=0) if len(others) else direction
