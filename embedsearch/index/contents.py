"""What an index holds, as it stands: for what is built on top of it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from embedsearch.documents import Document
from embedsearch.encoders import Encoder
from embedsearch.index.embedding import Embedding
from embedsearch.index.means import mean_vectors
from embedsearch.store import Store, keep_derived, read_derived
from embedsearch.vectors import Vectors

_LINE = re.compile(r":\d+$")


class Contents:
    """The documents of an index and their vectors."""

    _store: Store
    _embedding: Embedding

    @property
    def encoder(self) -> Encoder:
        """The encoder that made the index; found when it is first asked for, loaded when it first encodes.

        Raises:
            EncoderError: it cannot be found.
            StoreError: what is found under its name is another one.
        """
        return self._embedding.encoder

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

    def derived(
        self, name: str, ids: Sequence[str], made_by: str, make: Callable[[], Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Return arrays that are made from the texts and fields of documents, looked up if they were made before.

        They are kept in the index folder where it can be written.

        Args:
            name: of lower-case letters, digits and hyphens; one state is kept under each.
            ids: of the documents, in the order of the index.
            made_by: what made them, in which version.
            make: gives numeric arrays by name; is called unless they are there.
        """
        wanted = set(ids)
        stamp = hashlib.blake2b(f"{made_by}\0{len(wanted)}\0".encode(), digest_size=16)
        for id, digest in self._store.digests():
            if id in wanted:
                stamp.update(digest)
        found = read_derived(self._store.path, name, stamp.hexdigest())
        if found is None:
            found = dict(make())
            keep_derived(self._store.path, name, stamp.hexdigest(), found)
        return found

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
