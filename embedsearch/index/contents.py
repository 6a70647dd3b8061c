"""Access to what an index holds, for code that is built on top of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from embedsearch.documents import Document
from embedsearch.duplicates import SAME, checked_same
from embedsearch.encoders import Encoder
from embedsearch.errors import QueryError
from embedsearch.given import require_callables, require_kind
from embedsearch.index import arguments
from embedsearch.index.copies import Tell, delete_copies, deleted_copies, find_copies
from embedsearch.index.counting import RecordTerms, count_terms
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


class Contents:
    """The documents of an index and their vectors."""

    _store: Store
    _embedding: Embedding
    _searcher: Searcher
    _selector: Selector
    labels: IndexLabels

    @property
    def encoder(self) -> Encoder:
        """The encoder that made the index; found when you first ask for it, loaded when it first encodes.

        Raises:
            EncoderError: it cannot be found.
            StoreError: the encoder that is found under its name is a different one.
        """
        return self._embedding.encoder

    def ids(self) -> list[str]:
        """Return the ids of all documents, in the order in which they were added."""
        return self._store.ids(-1)

    def sources(self) -> dict[str, int]:
        """Return the number of documents from each source, by its name without line numbers, in the order of adding."""
        return dict(Counter(file_of(source) for _, source, _ in self._store.sources_before(-1)))

    def documents(self) -> Iterator[Document]:
        """Yield all documents in the order in which they were added; only a batch is held in memory."""
        return self._store.all_documents()

    def duplicates(
        self,
        *,
        same: float = SAME,
        where: str | None = None,
        progress: Tell | None = None,
        comparing: Tell | None = None,
    ) -> Duplicates:
        """Find documents that are in the index more than once: records from several databases, versions of a text.

        Documents are compared if they share their DOI, their PubMed number, their title, or some of their words; see
        docs/duplicates.md. Of documents that are the same, one is kept: the one with a label in a screening, else the
        one with more words, else with more fields, else the one that came first. Nothing is deleted;
        `delete_duplicates` does that.

        Args:
            same: texts count as the same if they share at least this part of their words; above 0 and at most 1.
            where: a condition; only documents with a passage that satisfies it are compared.
            progress: called with the documents read so far and the documents in all.
            comparing: called with the pairs of documents compared so far and the pairs in all, after that.

        Raises:
            QueryError: *same* is outside its range, the condition cannot be read, or a callback cannot be called.
        """
        require_callables(progress=progress, comparing=comparing)
        share = checked_same(same)
        with self._store.reading():
            return find_copies(self._store, self.labels, self._rows(where), share, progress, comparing)

    def delete_duplicates(self, found: Duplicates) -> int:
        """Remove duplicates from the index, such as `Duplicates.sure`, and return how many.

        The index remembers which document was kept for each, so that the report of a screening can count them.

        Raises:
            QueryError: *found* is not a `Duplicates`; or one of its documents is no longer in the index, was changed or
                labelled since it was found, or would leave nothing that is the same. Nothing is deleted.
            StoreError: another process is writing.
        """
        require_kind("what is deleted", found, Duplicates, "Duplicates, as Index.duplicates gives them")
        with self._store.locked():
            delete_copies(self._store, self.labels, found)
            self._searcher.refresh_neighbors()
        return len(found)

    def deleted_duplicates(self) -> dict[str, str]:
        """Return the source file of each document that was deleted as a duplicate and is not back, by id."""
        with self._store.reading():
            return deleted_copies(self._store)

    def _rows(self, where: str | None, *, predicted: bool = False) -> Rows | None:
        return None if where is None else self._selector.rows(where, predicted=predicted)

    @property
    def generation(self) -> int:
        """A number that grows with every change of documents or passages, whoever makes it."""
        return self._store.generation

    @property
    def derived(self) -> DerivedFiles:
        """Files that were made from the index and are kept in its folder, such as the layouts of maps."""
        return DerivedFiles(self._store.path)

    def term_counts(self, ids: str | Iterable[str]) -> RecordTerms:
        """Count the words, and pairs of words, of documents.

        The counts are kept in the index folder if it can be written. Only documents that are new or have changed are
        counted again.

        Args:
            ids: the documents; ids that are not in the index are left out.

        Returns:
            The counts of each document, in the order in which the documents were added.

        Raises:
            QueryError: an id is not a text.
        """
        return count_terms(self._store, self.derived, arguments.texts("the id of a document", ids))

    def document_vectors(self, ids: str | Iterable[str]) -> Vectors:
        """Return one unit vector for each document: the mean of its passages' vectors, scaled to length 1.

        Returns:
            Shape (len(ids), d), float32, in the order of *ids*.

        Raises:
            QueryError: a document is not in the index, or an id is not a text.
        """
        return mean_vectors(self._store, arguments.texts("the id of a document", ids))

    def rows_of(self, hits: Sequence[Hit]) -> Rows:
        """Return the row of each hit's passage, int64, in the order of *hits*.

        Raises:
            QueryError: one is not a `Hit`, or its passage is no longer in the index.
        """
        found = []
        require_kind("hits", hits, Iterable, "Hits, as a search gives them")
        with self._store.reading():
            for hit in hits:
                require_kind("a hit", hit, Hit, "a Hit")
                rows = self._store.rows_of_document(hit.document)
                if hit.position >= len(rows):
                    raise QueryError(
                        f"the passage {hit.id!r} is no longer in the index: its document was deleted or replaced since "
                        "it was found; search again"
                    )
                found.append(rows[hit.position])
        return np.array(found, dtype=np.int64)

    def field_of_passages(self, field: str, rows: ArrayLike) -> list[Any]:
        """Return the value of a field for each passage: that of its document, or None where the document has none.

        Raises:
            QueryError: no document has the field, or a row no longer belongs to a passage.
        """
        with self._store.reading():
            return field_values(self._store, arguments.text("a field", field), arguments.live_rows(rows, self._store))

    def passage_vectors(self, rows: ArrayLike) -> Vectors:
        """Return the unit vectors of passages, by their rows from a `draw` or a `population`, shape (n, d).

        Raises:
            QueryError: a row no longer belongs to a passage.
        """
        with self._store.reading():
            return gather(self._store.vectors(), arguments.live_rows(rows, self._store))

    def query_vector(self, text: str) -> Vectors:
        """Return the unit vector of a text that you search with, shape (d,).

        Raises:
            QueryError: the text is empty, or longer than the encoder reads whole.
        """
        vector: Vectors = self._embedding.vectors_of([arguments.text("the text", text)], queries=True)[0]
        return vector

    def text_vectors(self, texts: str | Iterable[str]) -> Vectors:
        """Return the unit vectors of texts, encoded as the texts of documents are, shape (n, d).

        Vectors that the index holds are looked up rather than encoded.

        Raises:
            QueryError: as for `query_vector`.
        """
        return self._embedding.vectors_of(arguments.texts("a text", texts))
