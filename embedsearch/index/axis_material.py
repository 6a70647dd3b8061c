"""What axes are fitted from in an index: its encoder, documents, fields and passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embedsearch.axes import FittedAxis
from embedsearch.axes.material import Encoded
from embedsearch.conditions.values import is_missing
from embedsearch.errors import AxisError, QueryError
from embedsearch.index.embedding import Embedding
from embedsearch.index.means import mean_vectors
from embedsearch.index.population import document_values
from embedsearch.index.scaling import FittedAxes, Select
from embedsearch.mapped import gather
from embedsearch.vectors import Rows, Vectors, thinned

# So many passages, or documents, are enough for means of thirds, components and fields; all those of a large index
# would not fit into memory.
_SAMPLE = 50_000


def sampled(vectors: Vectors, rows: Rows) -> Vectors:
    """Return the vectors of *rows*, shape (n, d); if there are very many, those of an even sample."""
    return gather(vectors, thinned(rows, _SAMPLE))


class IndexMaterial:
    """An index as material for fitting; see `embedsearch.axes.Material`."""

    def __init__(self, embedding: Embedding, axes: FittedAxes, select: Select) -> None:
        """Take an index's embedding, the axes fitted so far, and the function that evaluates conditions."""
        self._embedding = embedding
        self._store = embedding.store
        self._axes = axes
        self._select = select
        self._encoded = Encoded(embedding.encoded)

    @property
    def key(self) -> str:
        """The key of the encoder's identity."""
        return self._embedding.identity.key

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors of phrases, shape (n, d)."""
        return self._encoded(texts)

    def axis(self, name: str) -> FittedAxis:
        """Return another axis of the index.

        Raises:
            AxisError: there is no axis of that name, or it was fitted with another encoder.
        """
        return self._axes.axis(name)

    def documents(self, ids: Sequence[str]) -> tuple[Vectors, list[str]]:
        """Return the mean vectors of documents, scaled to length 1, shape (n, d), and their texts below the titles.

        Raises:
            AxisError: there is no document with such an id.
        """
        try:
            means = mean_vectors(self._store, ids)
        except QueryError as error:
            raise AxisError(f"a rated document cannot be found: {error}") from error
        documents = [document for id in ids if (document := self._store.document(id)) is not None]
        return means, [f"{document.title}\n{document.text}" for document in documents]

    def field(self, name: str) -> tuple[Vectors, list[Any]]:
        """Return the mean vectors of the documents that have a field, scaled to length 1, and the field's values.

        If there are very many documents, an even sample of them is taken.

        Raises:
            AxisError: no document has the field, or a value in it.
        """
        with self._store.reading():
            try:
                values = document_values(self._store, name)
            except QueryError as error:
                raise AxisError(str(error)) from error
            ids = self._store.ids(-1)
            kept = np.array([place for place, value in enumerate(values) if not is_missing(value)], dtype=np.int64)
            if not len(kept):
                raise AxisError(
                    f"no document of the index has a value in the field {name!r}; fill it in, or name another"
                )
            kept = thinned(kept, _SAMPLE)
            return mean_vectors(self._store, [ids[place] for place in kept]), [values[place] for place in kept]

    @property
    def passage_count(self) -> int:
        """The number of passages in the index."""
        return self._store.count_passages()

    def passages(self, where: str | None) -> Vectors:
        """Return the vectors of the passages that satisfy a condition, shape (n, d); of very many, an even sample.

        Raises:
            AxisError: the condition names an axis that cannot be scaled.
            QueryError: it cannot be read, or names something that does not exist.
        """
        with self._store.reading():
            rows = self._store.live_rows() if where is None else self._select(where, self._axes)
            return sampled(self._store.vectors(), rows)
