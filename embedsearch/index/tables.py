"""What conditions are evaluated on: the passages of an index, or a batch of documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes import ScaledAxis
from embedsearch.conditions import OWN_FIELDS, folded
from embedsearch.documents import Document
from embedsearch.index.placing import Placer
from embedsearch.store import Store
from embedsearch.vectors import Mask, Rows, Vectors, project


@dataclass(frozen=True, slots=True)
class Means:
    """What a condition measures with.

    Attributes:
        axes: all axes that the condition names, by name.
        phrases: the query vector, shape (d,), of each ``near(...)``.
        placer: says where rated passages and documents lie.
        predicted: whether rated ones are measured too.
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
    owners = owners_of(store, rows).tolist()
    if lost := set(owners) - values.keys():
        raise store.database.damaged(f"there is no document number {min(lost)}, of which there are passages")
    return [values[owner] for owner in owners]


def owners_of(store: Store, rows: Rows) -> Rows:
    """Return the number of the document of each passage in *rows*, shape (n,)."""
    live, documents = store.passage_documents()
    return documents[np.searchsorted(live, rows)]


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
    """A batch of documents of which only the fields are known."""

    def __init__(self, documents: Sequence[Document]) -> None:
        """Keep a batch."""
        self._documents = documents

    def __len__(self) -> int:
        return len(self._documents)

    def field(self, name: str) -> list[Any]:
        """Return the field of each document; where a document lacks it, a field of another spelling is taken.

        A condition is resolved by the first documents of a stream; later files may spell the same name differently.
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


class _Own:
    """The coordinates and nearness of n documents, from those of their passages, which follow one another by document.

    A document's coordinate is the mean over its passages. Its nearness to a phrase is that of its nearest passage,
    since one passage on the subject makes a document worth reading.
    """

    def __init__(self, counts: Rows) -> None:
        """Take how many passages each has; a document without text has none, and lies nowhere."""
        self._counts = counts
        self._some = np.flatnonzero(counts)
        self._starts = (np.cumsum(counts) - counts)[self._some]

    def __len__(self) -> int:
        return len(self._counts)

    def mean(self, coordinates: Callable[[], NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return each document's mean coordinate, given those of all passages, which may be none."""
        means = np.full(len(self), np.nan)
        if len(self._some):
            means[self._some] = np.add.reduceat(coordinates(), self._starts) / self._counts[self._some]
        return means

    def nearest(self, cosines: Callable[[], Vectors]) -> Vectors:
        """Return the highest cosine of each document's passages, given those of all, which may be none."""
        highest = np.full(len(self), np.nan, dtype=np.float32)
        if len(self._some):
            highest[self._some] = np.maximum.reduceat(cosines(), self._starts)
        return highest


class VectorTable:
    """A batch of documents of which only the vectors of their passages are known."""

    def __init__(self, vectors: Vectors, counts: Sequence[int], means: Means) -> None:
        """Keep a batch.

        Args:
            vectors: of the passages of all documents, in their order.
            counts: how many each of the n documents has.
            means: the axes and phrases that the condition speaks of.
        """
        self._means = means
        self._vectors = vectors
        self._own = _Own(np.array(counts))

    def __len__(self) -> int:
        return len(self._own)

    def field(self, name: str) -> list[Any]:
        """Refuse: nothing has been read here."""
        raise AssertionError(f"the field {name} is asked for where only vectors are known")

    def axis(self, name: str) -> NDArray[np.float64]:
        """Return each document's mean coordinate over its passages."""
        return self._own.mean(lambda: self._means.axes[name].coordinates(self._vectors))

    def percentile(self, axis: str, percent: float) -> float:
        """Return the coordinate at a percentile of the index's passages."""
        return self._means.axes[axis].scale.at_percentile(percent)

    def near(self, phrase: str) -> Vectors:
        """Return the cosine of each document's nearest passage to *phrase*."""
        return self._own.nearest(lambda: project(self._vectors, self._means.phrases[phrase])[:, 0])


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


class IndexTable:
    """All documents of an index, one record each, by columns: of them only those that were rated are read.

    It says of each what a `DocumentTable` says.

    Attributes:
        numbers: of the documents, ascending.
    """

    def __init__(self, store: Store, means: Means) -> None:
        """Read which passages each document has.

        Raises:
            StoreError: a passage belongs to no document.
        """
        self._store = store
        self._means = means
        self.numbers = store.numbers()
        self._rows, owners = store.passage_documents()
        self._places = np.searchsorted(self.numbers, owners)
        if not np.isin(owners, self.numbers).all():
            raise store.database.damaged("there are passages of a document that is not there")
        self._by_document = np.argsort(self._places, kind="stable")
        self._own = _Own(np.bincount(self._places, minlength=len(self.numbers)))

    def __len__(self) -> int:
        return len(self.numbers)

    def having(self, rows: Rows) -> Mask:
        """Return which documents have passages in *rows*, which are live, shape (len(self),)."""
        found = np.zeros(len(self), dtype=bool)
        found[self._places[np.searchsorted(self._rows, rows)]] = True
        return found

    def field(self, name: str) -> list[Any]:
        """Return the field of each document."""
        return self._store.field(name)

    def axis(self, name: str) -> NDArray[np.float64]:
        """Return each document's mean coordinate over its passages, or where it was rated."""
        axis, placer = self._means.axes[name], self._means.placer
        measured = self._own.mean(
            lambda: placer.passages(self._rows, [axis], predicted=True).coordinates[self._by_document, 0]
        )
        places = np.flatnonzero(self.having(placer.rated_rows(axis)))
        if len(places):
            documents = list(self._store.documents(self.numbers[places]))
            measured[places] = placer.documents(documents, axis, measured[places])
        return measured

    def percentile(self, axis: str, percent: float) -> float:
        """Return the coordinate at a percentile of the index's passages."""
        return self._means.axes[axis].scale.at_percentile(percent)

    def near(self, phrase: str) -> Vectors:
        """Return the cosine of each document's nearest passage to *phrase*."""
        vectors, wanted = self._store.vectors(), self._means.phrases[phrase]
        return self._own.nearest(lambda: project(vectors, wanted, self._rows)[self._by_document, 0])
