"""What an index holds, as it stands: for what is built on top of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from embedsearch.documents import Document
from embedsearch.index.embedding import Embedding
from embedsearch.index.means import mean_vectors
from embedsearch.store import Store
from embedsearch.vectors import Vectors

_LINE = re.compile(r":\d+$")


class Contents:
    """The documents of an index and their vectors."""

    _store: Store
    _embedding: Embedding

    def ids(self) -> list[str]:
        """Return the ids of all documents in the order in which they came."""
        return self._store.ids(-1)

    def sources(self) -> dict[str, int]:
        """Return how many documents came from each source, line numbers left out; in the order in which they came."""
        places = (place for _, place in self._store.sources_before(-1))
        return dict(Counter(_LINE.sub("", place) for place in places))

    def documents(self) -> Iterator[Document]:
        """Yield all documents in the order in which they came; a batch of them is held in memory."""
        return self._store.all_documents()

    def document_vectors(self, ids: Sequence[str]) -> Vectors:
        """Return the unit vector of the mean of each document's passages, shape (len(ids), d), in the order of *ids*.

        Raises:
            QueryError: a document is not in the index.
        """
        return mean_vectors(self._store, ids)

    def query_vector(self, text: str) -> Vectors:
        """Return the unit vector of a text as one that is searched with, shape (d,).

        Raises:
            QueryError: the text is empty, or longer than the encoder reads whole.
        """
        vector: Vectors = self._embedding.vectors_of([text], queries=True)[0]
        return vector

    def text_vectors(self, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors of texts as they are in documents, shape (n, d); what the index holds is looked up.

        Raises:
            QueryError: as `query_vector`.
        """
        return self._embedding.vectors_of(texts)
