"""What a ranker knows about records: their words, their meaning, where they lie on axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.documents import Document
from embedsearch.errors import QueryError
from embedsearch.index.counting import RecordTerms
from embedsearch.term_counts import TermCounts
from embedsearch.vectors import Vectors, as_rows

Coordinates = NDArray[np.float64]

_TITLE_CHARACTERS = 300  # hardly any title is longer
_AT_ONCE = 1 << 20  # weights
_MOST_RECORDS = 0.95  # a term in a larger share of the records is left out


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What is known about n records; row i of each matrix belongs to record i.

    Attributes:
        lexical: scipy CSR matrix of shape (n, terms), float64: TF-IDF of words and pairs of words, unit rows (the row
            of a record without words is zero).
        titles: the same for the titles alone.
        vectors: shape (n, d), float32, unit rows: the mean of each record's passages.
        coordinates: on axes, shape (n, a), float64, in standard deviations; None without axes.
    """

    lexical: Any
    titles: Any
    vectors: Vectors
    coordinates: Coordinates | None = None

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.vectors)

    @classmethod
    def of(cls, texts: Sequence[str], vectors: ArrayLike, *, coordinates: ArrayLike | None = None) -> Self:
        """Return the features of records.

        Args:
            texts: the texts of the records, each with its title before it, see `record_text`; the first line is taken
                as the title.
            vectors: the vectors of the same records, shape (n, d); see `Index.document_vectors`.
            coordinates: the coordinates of the same records on axes, shape (n, a); any scale.

        Raises:
            QueryError: the numbers of records differ, there are no records, or a value is not finite.
        """
        return cls.counted(RecordTerms.of(texts), vectors, coordinates=coordinates)

    @classmethod
    def counted(cls, terms: RecordTerms, vectors: ArrayLike, *, coordinates: ArrayLike | None = None) -> Self:
        """Return the features of records whose words are counted already; see `Index.term_counts` and `of`."""
        rows = as_rows(vectors)
        lexical, titles = (term_weights(counts) for counts in terms)
        if not lexical.shape[0] or lexical.shape[0] != len(rows):
            raise QueryError(
                f"there are {lexical.shape[0]} texts and {len(rows)} vectors; wanted one vector for each text"
            )
        placed = None if coordinates is None else _checked(coordinates, len(rows))
        return cls(lexical, titles, rows, placed)


def _checked(coordinates: ArrayLike, count: int) -> Coordinates:
    found = np.asarray(coordinates, dtype=np.float64)
    if found.ndim != 2 or len(found) != count or not np.isfinite(found).all():
        raise QueryError(f"coordinates must be finite, of shape ({count}, axes), not {found.shape}")
    return found


def heading(document: Document) -> str:
    """Return the title of a record; if it has none, its text, if short: that of a reference without an abstract."""
    return document.title or (document.text if len(document.text) <= _TITLE_CHARACTERS else "")


def term_weights(terms: TermCounts) -> Any:
    """Return the TF-IDF matrix of words and pairs of neighbouring words: scipy CSR of shape (n, terms), float64.

    Logarithmic term frequencies, terms of more than 95% of the records left out, rows of Euclidean length 1: the
    settings that ASReview publishes for its default model (ELAS u4, asreview/models/models.py, version 2).

    Args:
        terms: of n records.
    """
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    records = terms.counts.shape[0]
    frequencies = np.bincount(terms.counts.indices, minlength=len(terms.keys))
    kept = frequencies <= _MOST_RECORDS * records
    if not kept.any():  # there is no word, or none that tells the records apart (as in 100,000 copies of one record)
        return csr_matrix((records, 1), dtype=np.float64)
    counts, rarity = terms.counts[:, kept], np.log((1 + records) / (1 + frequencies[kept])) + 1
    weights = np.empty(counts.nnz)
    for start in range(0, len(weights), _AT_ONCE):  # for scikit-learn's transformer, all of them several times over
        part = slice(start, start + _AT_ONCE)
        weights[part] = (np.log(counts.data[part]) + 1) * rarity[counts.indices[part]]
    return normalize(csr_matrix((weights, counts.indices, counts.indptr), shape=counts.shape), copy=False)
