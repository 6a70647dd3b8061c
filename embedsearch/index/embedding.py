"""Texts to vectors for one index: what it holds already is looked up, the rest is encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from embedsearch.documents import Document, Passage, chunk
from embedsearch.encoders import Encoder, Identity, count_tokens, encode, identify, load_encoder
from embedsearch.errors import QueryError, StoreError
from embedsearch.store import Store
from embedsearch.vectors import Vectors

_ENCODE_AT_ONCE = 64
_TITLE_SHARE = 4  # a title that would take more than this part of a passage's room is not put before it

Progress = Callable[[int], None]


class Embedding:
    """An index's encoder, loaded when the first text needs it and refused if it is not the index's own."""

    def __init__(self, store: Store, encoder: Encoder | None = None) -> None:
        """Take the encoder given, or the one that the index names.

        Raises:
            StoreError: the encoder given is not the one that made the index.
        """
        self.store = store
        self.identity = Identity.from_dict(store.setting("encoder", {})["identity"])
        if encoder is not None:
            self.encoder = self._own(encoder)

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder, found by the name that the index keeps."""
        return self._own(load_encoder(self.store.setting("encoder", {})["load"]))

    @cached_property
    def _chunking(self) -> dict[str, Any]:
        """How documents are divided; asked for every document, and never changed."""
        return {"words": self.store.setting("chunk_words", None), "overlap": self.store.setting("overlap", 25)}

    def _own(self, encoder: Encoder) -> Encoder:
        found = identify(encoder)
        if found.key != self.identity.key:
            raise StoreError(
                f"{self.store.path} was made with encoder {_describe(self.identity)} and cannot be used with "
                f"{_describe(found)}: their vectors have nothing in common. "
                f"Use --encoder {self.identity.name}, or ingest into another folder"
            )
        return encoder

    def key(self, text: str, *, queries: bool = False) -> bytes:
        """Return what the vector of *text* is known by: a hash of the encoder's identity and the text."""
        role = "query" if queries and any(prompt for _, prompt in self.identity.prompts) else "document"
        content = "\0".join((self.identity.key, role, text))
        return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def vectors_of(self, texts: Sequence[str], *, queries: bool = False) -> Vectors:
        """Return the unit vectors of phrases, shape (n, d).

        Raises:
            QueryError: a text is empty, or longer than the encoder reads whole.
        """
        for text in texts:
            if not text.strip():
                raise QueryError("the text is empty; give at least one word")
        vectors, missing = self.known([self.key(text, queries=queries) for text in texts])
        if missing:
            wanted = [texts[place] for place in missing]
            self._refuse_long(wanted)
            vectors[missing] = encode(self.encoder, wanted, queries=queries)
        return vectors

    def _refuse_long(self, texts: Sequence[str]) -> None:
        limit = getattr(self.encoder, "max_tokens", None)
        if limit is None or all(len(text.encode("utf-8", "replace")) < limit for text in texts):
            return
        for text, tokens in zip(texts, count_tokens(self.encoder, texts), strict=True):
            if tokens > limit:
                raise QueryError(
                    f"the text {text[:40]!r}… has {tokens:,} tokens and {self.encoder.name} reads {limit}: what lies "
                    "behind would be cut off. Shorten it, or ingest it as a document and use --like ID"
                )

    def known(self, keys: Sequence[bytes]) -> tuple[Vectors, list[int]]:
        """Return an array with the vectors of the keys that the index holds, and the places of the others."""
        rows = self.store.rows_of_keys(keys)
        vectors = np.empty((len(keys), self.store.dimension), dtype=np.float32)
        found = [place for place, key in enumerate(keys) if key in rows]
        if found:
            vectors[found] = self.store.vectors()[[rows[keys[place]] for place in found]]
        return vectors, [place for place, key in enumerate(keys) if key not in rows]

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> tuple[Vectors, int]:
        """Return the vectors of document texts, and how many of them had to be encoded.

        The same text is encoded once, however often it occurs.

        Args:
            texts: each within the encoder's limit.
            progress: told how many more texts are done.
        """
        keys = [self.key(text) for text in texts]
        vectors, missing = self.known(keys)
        places: dict[bytes, list[int]] = {}
        for place in missing:
            places.setdefault(keys[place], []).append(place)
        # Texts of like length go together: a batch is padded to its longest.
        order = sorted(places, key=lambda key: len(texts[places[key][0]]))
        if progress:
            progress(len(texts) - len(missing))
        for start in range(0, len(order), _ENCODE_AT_ONCE):
            part = order[start : start + _ENCODE_AT_ONCE]
            for key, vector in zip(part, encode(self.encoder, [texts[places[key][0]] for key in part]), strict=True):
                vectors[places[key]] = vector
            if progress:
                progress(sum(len(places[key]) for key in part))
        return vectors, len(order)

    def record_engine(self, passages: int) -> None:
        """Remember what computed the vectors of so many passages, for information. The caller is writing."""
        engine = str(getattr(self.encoder, "engine", ""))
        if engine and passages:
            counts = self.store.setting("engines", {})
            self.store.set_setting("engines", counts | {engine: counts.get(engine, 0) + passages})

    def passages_of(self, document: Document) -> tuple[list[Passage], list[str]]:
        """Return a document's passages, and the text of each as it is embedded: with the title before it."""
        limit = getattr(self.encoder, "max_tokens", None) or 10**9
        title = document.title.strip()
        if title and (tokens := count_tokens(self.encoder, [title])[0]) <= limit // _TITLE_SHARE:
            # One more for the line end between them, which some tokenizers count.
            limit -= tokens + 1
        else:
            title = ""
        passages = chunk(document, self._count, limit=limit, **self._chunking)
        return passages, [f"{title}\n{passage.text}" if title else passage.text for passage in passages]

    def _count(self, texts: Sequence[str]) -> list[int]:
        return count_tokens(self.encoder, texts)


def _describe(identity: Identity) -> str:
    weights = f", weights {identity.weights[:8]}" if identity.weights else ""
    return f"{identity.name!r} ({identity.dimension} dimensions{weights})"


def encoder_settings(encoder: Encoder, load: str) -> dict[str, Any]:
    """Return what a new index remembers of its encoder."""
    identity = identify(encoder)
    return {"encoder": {"load": load, "identity": identity.to_dict()}, "dimension": identity.dimension}
