"""How often documents have which words: counted once for each text, and kept beside the index."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from embedsearch.documents import Document
from embedsearch.errors import StoreError
from embedsearch.store import DerivedFiles, Store
from embedsearch.term_counts import TermCounts

_log = logging.getLogger("embedsearch")

_NAME = "words"
_STAMP = {"made by": "term counts 1"}  # increase it when `RecordTerms.of`, or code that it uses, changes


class RecordTerms(NamedTuple):
    """How often n records have which terms.

    Attributes:
        texts: counts in the records' texts, each with its title before it.
        titles: counts in the first line of each, which is the title if the record has one.
    """

    texts: TermCounts
    titles: TermCounts

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Count the terms of records, given as `record_text` writes them; *texts* are read once."""
        titles: list[str] = []

        def noted() -> Iterator[str]:
            for text in texts:
                titles.append(text.partition("\n")[0])
                yield text

        return cls(TermCounts.of(noted()), TermCounts.of(titles))

    def take(self, places: NDArray[np.int64]) -> Self:
        """Return the counts of some of the records."""
        return type(self)(*(counts.take(places) for counts in self))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the counts of the records of all parts, one part after the other."""
        return cls(*(TermCounts.joined(counts) for counts in zip(*parts, strict=True)))


def record_text(document: Document) -> str:
    """Return the text of a record in which words are counted: its title, if it has one, on a line before its text."""
    return f"{document.title}\n{document.text}" if document.title else document.text


def count_terms(store: Store, derived: DerivedFiles, ids: Iterable[str]) -> RecordTerms:
    """Return how often documents have which words, in the order of the store; only texts that are new are read.

    The counts of all documents that were ever asked for, and still exist, are kept as one derived file.

    Args:
        store: the store that has the documents.
        derived: the derived files of the same index.
        ids: the ids of the documents; ids that are not in the store are left out.
    """
    wanted = set(ids)
    with store.reading():  # the counts must be of the documents whose digests they are kept under
        present = dict(zip(store.digests(), store.numbers().tolist(), strict=True))
        chosen = [digest for id, digest in present if id in wanted]
        digests, terms = _read(derived)
        known = set(digests)
        missing = {digest: number for (id, digest), number in present.items() if id in wanted and digest not in known}
        if missing:
            there = {digest for _, digest in present}
            left = [place for place, digest in enumerate(digests) if digest in there]
            digests = [*(digests[place] for place in left), *missing]
            new = RecordTerms.of(map(record_text, store.documents(missing.values())))
            terms = RecordTerms.joined([terms.take(np.array(left, np.int64)), new]) if left else new
            _keep(derived, digests, terms)
    if chosen == digests:
        return terms
    places = {digest: place for place, digest in enumerate(digests)}
    return terms.take(np.array([places[digest] for digest in chosen], np.int64))


def _read(derived: DerivedFiles) -> tuple[list[bytes], RecordTerms]:
    """Return the digests of the documents whose terms are kept, and the terms."""
    kept = derived.read(_NAME)
    if kept is None or kept.stamp != _STAMP:
        return [], RecordTerms.of([])
    digests = [digest.tobytes() for digest in kept.arrays["digests"]]
    return digests, RecordTerms(*(TermCounts.from_arrays(kept.arrays, name) for name in RecordTerms._fields))


def _keep(derived: DerivedFiles, digests: Sequence[bytes], terms: RecordTerms) -> None:
    arrays = {"digests": np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), -1)}
    for name, counts in zip(RecordTerms._fields, terms, strict=True):
        arrays |= counts.to_arrays(name)
    try:
        derived.keep(_NAME, arrays, _STAMP)
    except StoreError as error:  # nothing but time is lost
        _log.debug("%s", error)
