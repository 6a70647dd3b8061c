"""What an ingest would do, computed without doing it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from embedsearch.documents import Document
from embedsearch.encoders import count_tokens
from embedsearch.given import require_callables
from embedsearch.index.admitting import Admission, Refused, passages_of
from embedsearch.index.embedding import Embedding
from embedsearch.index.ingest import grouped
from embedsearch.store import Store
from embedsearch.store.records import is_same_metadata


@dataclass(frozen=True, slots=True)
class Plan:
    """What an ingest would do.

    Attributes:
        added: the number of documents that are new.
        updated: the number of documents whose text, title or other fields have changed.
        unchanged: the number of documents that are in the index as they are.
        passages: the passages of new documents, and of documents whose text or title has changed.
        embedded: the number of different passages that would be encoded.
        tokens: the tokens of these, as the encoder counts them; an estimate if the encoder can only estimate.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    passages: int = 0
    embedded: int = 0
    tokens: int = 0


class Planner:
    """Counts what an ingest of documents would do; writes nothing and encodes nothing."""

    def __init__(self, store: Store, embedding: Embedding, refused: Refused | None = None) -> None:
        """Prepare to count for one index; *refused* is as for `Admission`.

        Raises:
            QueryError: it cannot be called.
        """
        require_callables(repeated=refused)
        self.store = store
        self.embedding = embedding
        self._admission = Admission(store, refused)
        # Of what went before, one key of 16 bytes has to be remembered for each document or passage.
        self._ids: set[str] = set()
        self._keys: set[bytes] = set()
        self._counts = dict.fromkeys(Plan.__dataclass_fields__, 0)

    def plan(self, documents: Iterable[Document]) -> Plan:
        """Return what an ingest of *documents* would do.

        Raises:
            SourceError: an ingest would raise it.
        """
        for group in grouped(documents):
            held = self.store.held([document.id for document in group])
            texts: list[str] = []
            for document in group:
                known = held.get(document.id)
                if not self._admission.admits(document, known, is_repeated=document.id in self._ids):
                    continue
                self._ids.add(document.id)
                texts += self._sorted(document, known.document if known else None)
            self._count(texts)
        return Plan(**self._counts)

    def _sorted(self, document: Document, held: Document | None) -> list[str]:
        """Count a document, and return the texts of its passages if they need vectors."""
        is_same_text = held is not None and (held.text, held.title) == (document.text, document.title)
        if held is not None and is_same_text and is_same_metadata(held.metadata, document.metadata):
            self._counts["unchanged"] += 1
        else:
            self._counts["added" if held is None else "updated"] += 1
        return [] if is_same_text else passages_of(document, self.embedding)[1]

    def _count(self, texts: list[str]) -> None:
        self._counts["passages"] += len(texts)
        new = {key: text for key, text in ((self.embedding.key(text), text) for text in texts) if key not in self._keys}
        self._keys |= new.keys()
        missing = self.embedding.missing(list(new))
        wanted = [text for key, text in new.items() if key in missing]
        self._counts["embedded"] += len(wanted)
        self._counts["tokens"] += sum(count_tokens(self.embedding.encoder, wanted)) if wanted else 0
