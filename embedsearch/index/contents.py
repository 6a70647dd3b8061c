"""What an index holds, as it stands: for what is built on top of it."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from embedsearch.documents import Document
from embedsearch.duplicates import SAME, checked_same
from embedsearch.encoders import Encoder
from embedsearch.errors import QueryError, StoreError
from embedsearch.given import require_callables, require_function, require_kind
from embedsearch.index import arguments
from embedsearch.index.copies import Tell, delete_copies, deleted_copies, find_copies
from embedsearch.index.embedding import Embedding
from embedsearch.index.labels import IndexLabels
from embedsearch.index.means import mean_vectors
from embedsearch.index.origins import file_of
from embedsearch.index.population import field_values
from embedsearch.index.searching import Searcher
from embedsearch.index.selecting import Selector
from embedsearch.mapped import gather
from embedsearch.results import Duplicates, Hit
from embedsearch.store import DerivedFiles, Store
from embedsearch.vectors import Rows, Vectors

_log = logging.getLogger("embedsearch")


class Contents:
    """The documents of an index and their vectors."""

    _store: Store
    _embedding: Embedding
    _searcher: Searcher
    _selector: Selector
    labels: IndexLabels

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
        return dict(Counter(file_of(source) for _, source, _ in self._store.sources_before(-1)))

    def documents(self) -> Iterator[Document]:
        """Yield all documents in the order in which they came; a batch of them is held in memory."""
        return self._store.all_documents()

    def duplicates(
        self,
        *,
        same: float = SAME,
        where: str | None = None,
        progress: Tell | None = None,
        comparing: Tell | None = None,
    ) -> Duplicates:
        """Return which documents are in the index more than once: records of several databases, versions of a text.

        Documents are compared that share their DOI, their PubMed number, their title, or some of their words; see
        docs/duplicates.md. Of those that are the same the one is kept that has a label in a screening, else more words,
        else more fields, else came first. Nothing is deleted; `delete_duplicates` does.

        Args:
            same: the share of the words from which on texts are the same, above 0 and at most 1.
            where: a condition; only documents with a passage that satisfies it are compared.
            progress: told how many of how many documents are read.
            comparing: told how many of how many pairs of them are compared after that.

        Raises:
            QueryError: the share is another number, the condition cannot be read, or what is to be told cannot be
                called.
        """
        require_callables(progress=progress, comparing=comparing)
        share = checked_same(same)
        with self._store.reading():
            return find_copies(self._store, self.labels, self._rows(where), share, progress, comparing)

    def delete_duplicates(self, found: Duplicates) -> int:
        """Take duplicates out of the index, as `Duplicates.sure` are; return how many.

        What was kept of each is remembered, so that the report of a screening can count them.

        Raises:
            QueryError: they are none; or one of them is not in the index any more, was changed or labelled since it was
                found, or nothing that is the same would be left. Nothing is deleted.
            StoreError: another process is writing.
        """
        require_kind("what is deleted", found, Duplicates, "Duplicates, as Index.duplicates gives them")
        with self._store.locked():
            delete_copies(self._store, self.labels, found)
            self._searcher.refresh_neighbors()
        return len(found)

    def deleted_duplicates(self) -> dict[str, str]:
        """Return of each duplicate that was deleted as one, and is not back, the file that it came from, by id."""
        with self._store.reading():
            return deleted_copies(self._store)

    def _rows(self, where: str | None, *, predicted: bool = False) -> Rows | None:
        return None if where is None else self._selector.rows(where, predicted=predicted)

    @property
    def generation(self) -> int:
        """A number that grows with every change of documents or passages, by whomever."""
        return self._store.generation

    @property
    def derived(self) -> DerivedFiles:
        """What was made from the index and is kept in its folder, such as the layouts of maps."""
        return DerivedFiles(self._store.path)

    def computed(
        self, name: str, ids: str | Iterable[str], made_by: str, make: Callable[[], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Return arrays that are made from the texts and fields of documents, looked up if they were made before.

        They are kept in the index folder where it can be written.

        Args:
            name: of lower-case letters, digits and hyphens; one state is kept under each.
            ids: of the documents.
            made_by: what made them, in which version.
            make: gives numeric arrays by name; is called unless they are there.

        Raises:
            QueryError: the name is another one, or *made_by* no text.
        """
        arguments.text("what made arrays", made_by)
        require_function("what makes arrays", make)
        wanted = set(arguments.texts("the id of a document", ids))
        digest = hashlib.blake2b(digest_size=16)
        with self._store.reading():  # they are made of what the stamp says
            for id, content in self._store.digests():
                if id in wanted:
                    digest.update(content)
            stamp = {"made by": made_by, "documents": len(wanted), "content": digest.hexdigest()}
            kept = self.derived.read(name)
            if kept is not None and kept.stamp == stamp:
                return kept.arrays
            arrays = make()
        try:
            self.derived.keep(name, arrays, stamp)
        except StoreError as error:  # nothing but time is lost
            _log.debug("%s", error)
        return arrays

    def document_vectors(self, ids: str | Iterable[str]) -> Vectors:
        """Return the unit vector of the mean of each document's passages, shape (len(ids), d), in the order of *ids*.

        Raises:
            QueryError: a document is not in the index, or an id is no text.
        """
        return mean_vectors(self._store, arguments.texts("the id of a document", ids))

    def rows_of(self, hits: Sequence[Hit]) -> Rows:
        """Return the row of each hit, int64.

        Raises:
            QueryError: one is no hit, or its passage is in the index no more.
        """
        found = []
        require_kind("hits", hits, Iterable, "Hits, as a search gives them")
        with self._store.reading():
            for hit in hits:
                require_kind("a hit", hit, Hit, "a Hit")
                rows = self._store.rows_of_document(hit.document)
                if hit.position >= len(rows):
                    raise QueryError(
                        f"the passage {hit.id!r} is in the index no more: its document was deleted or replaced since "
                        "it was found; search again"
                    )
                found.append(rows[hit.position])
        return np.array(found, dtype=np.int64)

    def field_of_passages(self, field: str, rows: ArrayLike) -> list[Any]:
        """Return the value that the document of each passage has for a field, None where it has none.

        Raises:
            QueryError: no document has the field, or a row is no passage's any more.
        """
        with self._store.reading():
            return field_values(self._store, arguments.text("a field", field), arguments.live_rows(rows, self._store))

    def passage_vectors(self, rows: ArrayLike) -> Vectors:
        """Return the unit vectors of the passages in some rows of a `draw` or a `population`, shape (n, d).

        Raises:
            QueryError: a row is no passage's any more.
        """
        with self._store.reading():
            return gather(self._store.vectors(), arguments.live_rows(rows, self._store))

    def query_vector(self, text: str) -> Vectors:
        """Return the unit vector of a text as one that is searched with, shape (d,).

        Raises:
            QueryError: the text is empty, or longer than the encoder reads whole.
        """
        vector: Vectors = self._embedding.vectors_of([arguments.text("the text", text)], queries=True)[0]
        return vector

    def text_vectors(self, texts: str | Iterable[str]) -> Vectors:
        """Return the unit vectors of texts as they are in documents, shape (n, d); what the index holds is looked up.

        Raises:
            QueryError: as `query_vector`.
        """
        return self._embedding.vectors_of(arguments.texts("a text", texts))
