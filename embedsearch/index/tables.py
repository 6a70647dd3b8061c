"""What conditions are evaluated on: the passages of an index, or a batch of documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes import ScaledAxis
from embedsearch.conditions import OWN_FIELDS, folded
from embedsearch.documents import Document
from embedsearch.index.placing import Placer
from embedsearch.store import Store
from embedsearch.vectors import Rows, Vectors, project


@dataclass(frozen=True, slots=True)
class Means:
    """What a condition measures with.

    Attributes:
        axes: by name, all that the condition names.
        phrases: the query vector, shape (d,), of each ``near(...)``.
        placer: says where passages and documents lie that were rated.
        predicted: measure those too.
    """

    axes: Mapping[str, ScaledAxis]
    phrases: Mapping[str, Vectors]
    placer: Placer
    predicted: bool = False


def passage_field(store: Store, name: str, rows: Rows) -> list[Any]:
    """Return a field of the document of each passage in *rows*; None where a document lacks it.

    Raises:
        StoreError: a passage belongs to no document.
    """
    values = dict(zip(store.numbers().tolist(), store.field(name), strict=True))
    live, documents = store.passage_documents()
    owners = documents[np.searchsorted(live, rows)].tolist()
    if lost := set(owners) - values.keys():
        raise store.database.damaged(f"there is no document number {min(lost)}, of which there are passages")
    return [values[owner] for owner in owners]


class PassageTable:
    """Passages of an index, one record each; a passage has its document's fields."""

    def __init__(self, store: Store, means: Means, rows: Rows) -> None:
        """Read nothing yet.

        Args:
            store: the index's.
            means: the axes and phrases that the condition speaks of.
            rows: of the passages, ascending.
        """
        self._store = store
        self._means = means
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def field(self, name: str) -> list[Any]:
        """Return the field of each passage's document."""
        return passage_field(self._store, name, self.rows)

    def axis(self, name: str) -> NDArray[np.float64]:
        """Return each passage's coordinate; what was rated stands where it was rated."""
        axes = [self._means.axes[name]]
        places = self._means.placer.passages(self.rows, axes, predicted=self._means.predicted)
        return places.coordinates[:, 0]

    def percentile(self, axis: str, percent: float) -> float:
        """Return the coordinate at a percentile of the index's passages."""
        return self._means.axes[axis].scale.at_percentile(percent)

    def near(self, phrase: str) -> Vectors:
        """Return each passage's cosine to *phrase*."""
        return project(self._store.vectors(), self._means.phrases[phrase], self.rows)[:, 0]


class FieldTable:
    """A batch of documents of which only the fields are asked for."""

    def __init__(self, documents: Sequence[Document]) -> None:
        """Keep a batch."""
        self._documents = documents

    def __len__(self) -> int:
        return len(self._documents)

    def field(self, name: str) -> list[Any]:
        """Return the field of each document, in whatever case a document that lacks it has its name.

        A condition is resolved by the first documents of a stream; the files behind may write the same otherwise.
        """
        if name in OWN_FIELDS:
            return [getattr(document, name) for document in self._documents]
        return [_field(document.metadata, name) for document in self._documents]

    def axis(self, name: str) -> NDArray[np.float64]:
        """Refuse: nothing is measured here."""
        raise AssertionError(f"{name} is asked for where only fields are known")

    def percentile(self, axis: str, percent: float) -> float:
        """Refuse: nothing is measured here."""
        raise AssertionError(f"p{percent} of {axis} is asked for where only fields are known")

    def near(self, phrase: str) -> Vectors:
        """Refuse: nothing is measured here."""
        raise AssertionError(f"near({phrase!r}) is asked for where only fields are known")


def _field(metadata: Mapping[str, Any], name: str) -> Any:
    if name in metadata:
        return metadata[name]
    wanted = folded(name)
    return next((value for other, value in metadata.items() if folded(other) == wanted), None)


class VectorTable:
    """A batch of documents of which only the vectors of their passages are known.

    A document's coordinate is the mean over its passages; its nearness to a phrase is that of its nearest
    passage, since one passage on the subject makes a document worth reading.
    """

    def __init__(self, vectors: Vectors, counts: Sequence[int], means: Means) -> None:
        """Keep a batch.

        Args:
            vectors: of the passages of all documents, in their order.
            counts: how many each of the n documents has; a document without text has none, and lies nowhere.
            means: the axes and phrases that the condition speaks of.
        """
        self._means = means
        self._vectors = vectors
        self._counts = np.array(counts)
        self._some = np.flatnonzero(self._counts)
        self._starts = (np.cumsum(self._counts) - self._counts)[self._some]

    def __len__(self) -> int:
        return len(self._counts)

    def field(self, name: str) -> list[Any]:
        """Refuse: nothing has been read here."""
        raise AssertionError(f"the field {name} is asked for where only vectors are known")

    def axis(self, name: str) -> NDArray[np.float64]:
        """Return each document's mean coordinate over its passages."""
        means = np.full(len(self), np.nan)
        if len(self._some):
            coordinates = self._means.axes[name].coordinates(self._vectors)
            means[self._some] = np.add.reduceat(coordinates, self._starts) / self._counts[self._some]
        return means

    def percentile(self, axis: str, percent: float) -> float:
        """Return the coordinate at a percentile of the index's passages."""
        return self._means.axes[axis].scale.at_percentile(percent)

    def near(self, phrase: str) -> Vectors:
        """Return the cosine of each document's nearest passage to *phrase*."""
        nearest = np.full(len(self), np.nan, dtype=np.float32)
        if len(self._some):
            cosines = project(self._vectors, self._means.phrases[phrase])[:, 0]
            nearest[self._some] = np.maximum.reduceat(cosines, self._starts)
        return nearest


class DocumentTable(VectorTable):
    """A batch of documents with the vectors of their passages."""

    def __init__(self, documents: Sequence[Document], parts: Sequence[Vectors], means: Means) -> None:
        """Keep a batch.

        Args:
            documents: n of them, at least one.
            parts: for each, the vectors of its passages; none where it has no text.
            means: the axes and phrases that the condition speaks of.
        """
        super().__init__(np.concatenate(parts), [len(part) for part in parts], means)
        self._documents = documents

    def field(self, name: str) -> list[Any]:
        """Return the field of each document."""
        return FieldTable(self._documents).field(name)

    def axis(self, name: str) -> NDArray[np.float64]:
        """Return each document's mean coordinate over its passages, or where it was rated."""
        return self._means.placer.documents(self._documents, self._means.axes[name], super().axis(name))
