"""From texts to vectors for one index: vectors that it holds already are looked up, the others are encoded."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from embedsearch.documents import Document, Passage
from embedsearch.encoders import (
    Encoder,
    Identity,
    count_tokens,
    encode,
    encode_parts,
    identify,
    is_remote,
    load_identified,
)
from embedsearch.errors import QueryError, StoreError
from embedsearch.given import require_path
from embedsearch.index.ahead import Ahead
from embedsearch.index.standing import Sayings
from embedsearch.index.under_way import EmbeddingUnderWay
from embedsearch.index.vouching import Probed, remember, vouch
from embedsearch.mapped import gather
from embedsearch.store import Store, VectorCache
from embedsearch.vectors import Vectors

_log = logging.getLogger("embedsearch")
_RECENT = 256  # vectors of phrases that are kept while the index is open
_TITLE_SHARE = 4  # a title that would take more than a quarter of a passage's room is not put before it


class Embedding:
    """An index's encoder, loaded when the first text needs it and refused if it is not the index's own."""

    def __init__(
        self, store: Store, encoder: Encoder | None = None, *, cache: str | os.PathLike[str] | None = None
    ) -> None:
        """Take the encoder given, or the one that the index names.

        Args:
            store: the store of the index.
            encoder: the index's own encoder; if None, it is found by the name that the index keeps.
            cache: a folder of vectors that is shared with other indexes; if None, the one in ``EMBEDSEARCH_CACHE``, if
                any.

        Raises:
            StoreError: the encoder given is not the one that made the index.
            QueryError: the cache is not a path.
        """
        if cache is not None:
            require_path("the cache", cache, error=QueryError)
        self.store = store
        self.sayings = Sayings(store)  # here, because every question makes a new `Placer`
        self._cache_folder = cache
        self._has_vouched = False
        self._recent: dict[bytes, Vectors] = {}  # the same query is searched for, placed, and shown in snippets
        self.identity = Identity.from_dict(store.setting("encoder")["identity"])
        if encoder is not None:
            self.encoder = self._own(encoder)

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder, found by the name that the index keeps."""
        return self._own(load_identified(self.store.setting("encoder")["load"], self.identity))

    @cached_property
    def _cache(self) -> VectorCache | None:
        """The cache that the user chose, else the encoder's own if it has one; opened when a text is embedded."""
        chosen = VectorCache.chosen(self._cache_folder, self.store.dimension)
        if chosen is not None or not hasattr(self.encoder, "vector_cache"):
            return chosen
        try:
            return VectorCache(self.encoder.vector_cache, self.store.dimension)
        except StoreError as error:
            _log.warning("%s; vectors of %s are kept in the index alone", error, self.encoder.name)
            return None

    def close(self) -> None:
        """Close the cache, if one is open."""
        if (cache := self.__dict__.pop("_cache", None)) is not None:
            cache.close()

    @cached_property
    def _chunk(self) -> Callable[..., list[Passage]]:
        """Divide a document into passages, with what never changes; asked for every document."""
        from embedsearch.documents import chunk

        words, overlap = self.store.setting("chunk_words"), self.store.setting("overlap")
        return partial(chunk, count_tokens=partial(count_tokens, self.encoder), words=words, overlap=overlap)

    def _own(self, encoder: Encoder) -> Encoder:
        found = identify(encoder)
        if found.key != self.identity.key:
            made = f"{self.store.path} was made with encoder {_describe(self.identity)} and cannot be used with "
            own = self.identity.precision
            if replace(found, precision=own).key == self.identity.key:
                option = f"Use --precision {own}" if own else f"Leave --precision {found.precision} out"
                raise StoreError(
                    f"{made}{_describe(found)}, whose vectors differ. {option}, or ingest into another folder"
                )
            if found.weights and found.weights == self.identity.weights:
                raise StoreError(
                    f"{made}{_describe(found)}, which has the same weights but other settings (tokenizer, modules, "
                    "prompts or limits). Use the model as it was, or embed the texts again: embedsearch reindex"
                )
            is_named = self.identity.weights or is_remote(self.identity.name)
            use = f"Use --encoder {self.identity.name}" if is_named else "Pass the object that made it"
            raise StoreError(
                f"{made}{_describe(found)}: their vectors have nothing in common. {use}, or ingest into another folder"
            )
        return encoder

    def key(self, text: str, *, queries: bool = False) -> bytes:
        """Return the key of the vector of *text*: a hash of the encoder's identity and the text."""
        content = f"{self._roles[queries]}\0{text}"
        return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    @cached_property
    def _roles(self) -> tuple[str, str]:
        """The prefixes of the keys of documents and of queries; the same if the encoder treats both alike."""
        document, query = (f"{self.identity.key}\0{role}" for role in ("document", "query"))
        return document, query if any(prompt for _, prompt in self.identity.prompts) else document

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
            vectors[missing] = self.encoded(wanted, queries=queries)
        return vectors

    def encoded(self, texts: Sequence[str], *, queries: bool = False) -> Vectors:
        """Return the unit vectors of texts as the encoder gives them, shape (n, d); a remote encoder is asked once.

        Raises:
            StoreError: the encoder is not the one that its name says.
        """
        cache = self._cache if self.pays else None
        keys = [self.key(text, queries=queries) for text in texts]
        found = {key: self._recent[key] for key in keys if key in self._recent}
        if cache and len(found) < len(set(keys)):
            found |= cache.get([key for key in keys if key not in found])
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if new:
            fresh = dict(zip(new, encode(self.encoder, list(new.values()), queries=queries), strict=True))
            self.vouch_once()
            if cache:
                cache.put(fresh)
            found |= fresh
            self._recent.update(fresh)
            while len(self._recent) > _RECENT:
                del self._recent[next(iter(self._recent))]
        return np.stack([found[key] for key in keys]) if keys else np.empty((0, self.store.dimension), np.float32)

    def vouch_once(self) -> None:
        """Check once that the encoder is the model that made the index's vectors, if its name alone does not tell."""
        if not self._has_vouched and isinstance(self.encoder, Probed):
            vouch(self.encoder, self.store, self._cache, self._probe_key)
        self._has_vouched = True

    @property
    def _probe_key(self) -> bytes:
        return self.key("\0probe")

    def _refuse_long(self, texts: Sequence[str]) -> None:
        limit = getattr(self.encoder, "max_tokens", None)
        if limit is None or all(len(text.encode("utf-8", "replace")) < limit for text in texts):
            return
        for text, tokens in zip(texts, count_tokens(self.encoder, texts), strict=True):
            if tokens > limit:
                raise QueryError(
                    f"the text {text[:40]!r}… has {tokens:,} tokens and {self.encoder.name} reads {limit}: the rest "
                    "would be cut off. Shorten it, or ingest it as a document and use --like ID"
                )

    def known(self, keys: Sequence[bytes]) -> tuple[Vectors, list[int]]:
        """Return an array with the vectors of those keys that the index holds, and the places of the others."""
        vectors = np.empty((len(keys), self.store.dimension), dtype=np.float32)
        with self.store.reading():  # rows have other numbers once another process has compacted
            rows = self.store.rows_of_keys(keys)
            found = [place for place, key in enumerate(keys) if key in rows]
            if found:
                vectors[found] = gather(self.store.vectors(), [rows[keys[place]] for place in found])
        return vectors, [place for place, key in enumerate(keys) if key not in rows]

    def embed(self, texts: Sequence[str]) -> tuple[Vectors, int]:
        """Return the vectors of document texts, shape (n, d), and how many of them had to be encoded.

        The same text is encoded once, however often it occurs.

        Args:
            texts: each within the encoder's limit.
        """
        return self.begin(texts, [self.key(text) for text in texts]).finish()

    def begin(
        self,
        texts: Sequence[str],
        keys: Sequence[bytes],
        *,
        ahead: Ahead | None = None,
        before: EmbeddingUnderWay | None = None,
    ) -> EmbeddingUnderWay:
        """Begin to embed document texts, as `embed` does; `EmbeddingUnderWay.finish` returns their vectors.

        Args:
            texts: each within the encoder's limit.
            keys: the keys of the texts.
            ahead: encodes in its thread from now on; if None, everything is done in `finish`.
            before: texts that are under way and will be finished before these; texts among them are not encoded again.
        """
        vectors, missing = self._known_anywhere(keys)
        places_before = before.places if before else {}
        copies: dict[bytes, list[int]] = {}
        for place in missing:
            copies.setdefault(keys[place], []).append(place)
        awaited = {key: copies.pop(key) for key in list(copies) if key in places_before}
        # Texts of similar length go together: a batch is padded to its longest text.
        order = sorted(copies.values(), key=lambda same: len(texts[same[0]]))
        parts = encode_parts(self.encoder, [texts[same[0]] for same in order]) if order else iter(())
        # Vectors that are paid for must be kept as they come, and not wait for their turn.
        if ahead is not None and not self.pays:
            parts = ahead.run(parts)
        return EmbeddingUnderWay(self, keys, texts, vectors, order, parts, len(keys) - len(missing), awaited, before)

    @cached_property
    def pays(self) -> bool:
        """Whether embedding costs more than time, so that each vector is kept as soon as it has come."""
        return hasattr(self.encoder, "vector_cache")

    def keep(self, vectors: Iterable[tuple[bytes, Vectors]]) -> None:
        """Put keys with their vectors into the cache, if there is one; else *vectors* is not read."""
        if self._cache is not None and (given := dict(vectors)):
            self._cache.put(given)

    def record_engine(self, passages: int) -> None:
        """Remember what computed the vectors of so many passages, and its probe. The caller is writing."""
        if "encoder" not in self.__dict__:
            return  # nothing has been embedded
        if isinstance(self.encoder, Probed):
            remember(self.encoder, self.store, self._cache, self._probe_key)
        engine = str(getattr(self.encoder, "engine", "")) if passages else ""
        if engine:
            counts = self.store.setting("engines", {})
            self.store.set_setting("engines", counts | {engine: counts.get(engine, 0) + passages})

    def _known_anywhere(self, keys: Sequence[bytes]) -> tuple[Vectors, list[int]]:
        """Return what `known` returns, including the vectors in the cache."""
        vectors, missing = self.known(keys)
        if not missing or not self._cache:
            return vectors, missing
        cached = self._cache.get(list(dict.fromkeys(keys[place] for place in missing)))
        for place in missing:
            if keys[place] in cached:
                vectors[place] = cached[keys[place]]
        return vectors, [place for place in missing if keys[place] not in cached]

    def missing(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return those of the keys whose texts would have to be encoded."""
        _, places = self._known_anywhere(keys)
        return {keys[place] for place in places}

    def passages_of(self, document: Document) -> tuple[list[Passage], list[str]]:
        """Return a document's passages, and the text of each as it is embedded: with the title before it."""
        limit = getattr(self.encoder, "passage_tokens", None) or getattr(self.encoder, "max_tokens", None) or 10**9
        title = document.title.strip()
        if title and (tokens := count_tokens(self.encoder, [title])[0]) <= limit // _TITLE_SHARE:
            # One more for the line end between them, which some tokenizers count.
            limit -= tokens + 1
        else:
            title = ""
        passages = self._chunk(document, limit=limit)
        return passages, [f"{title}\n{passage.text}" if title else passage.text for passage in passages]


def _describe(identity: Identity) -> str:
    weights = f", weights {identity.weights[:8]}" if identity.weights else ""
    precision = f" in {identity.precision}" if identity.precision else ""
    return f"{identity.name!r}{precision} ({identity.dimension} dimensions{weights})"


def encoder_settings(encoder: Encoder, load: str | None) -> dict[str, Any]:
    """Return what a new index remembers about its encoder, including the name it is loaded by: *load*, or its own."""
    identity = identify(encoder)
    return {"encoder": {"load": load or encoder.name, "identity": identity.to_dict()}, "dimension": identity.dimension}
