"""Texts that are being embedded while other work goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from embedsearch.encoders import count_tokens
from embedsearch.vectors import Vectors

if TYPE_CHECKING:
    from embedsearch.index.embedding import Embedding

Progress = Callable[[int, int], None]


class EmbeddingUnderWay:
    """Texts that are being embedded."""

    def __init__(
        self,
        embedding: Embedding,
        keys: Sequence[bytes],
        texts: Sequence[str],
        vectors: Vectors,
        order: Sequence[list[int]],
        parts: Iterator[tuple[list[int], Vectors]],
        known: int,
        awaited: Mapping[bytes, list[int]],
        before: EmbeddingUnderWay | None,
    ) -> None:
        """Hold what `Embedding.begin` found.

        Args:
            embedding: that began it.
            keys: of all texts.
            texts: all of them.
            vectors: shape (len(keys), d), of which those that are known are there.
            order: the places of each text that is encoded, one entry a text.
            parts: yields places in *order* with vectors.
            known: how many vectors are there.
            awaited: the places of the texts that *before* embeds, by key.
            before: what must be finished first.
        """
        self._embedding = embedding
        self._keys = keys
        self._texts = texts
        self._vectors = vectors
        self._order = order
        self._parts = parts
        self._known = known
        self._awaited = awaited
        self._before = before
        self.places = {keys[same[0]]: same[0] for same in order}

    def finish(self, progress: Progress | None = None) -> tuple[Vectors, int]:
        """Return the vectors of all texts, and how many of them had to be encoded.

        Args:
            progress: told how many more texts are done, and how many tokens were encoded for them.
        """
        taken = self._known + self._take_from_before()
        if progress:
            progress(taken, 0)
        for places, given in self._parts:
            self._embedding.vouch_once()
            part = [self._order[place] for place in places]
            self._vectors[[same[0] for same in part]] = given
            if self._embedding.pays:
                self._embedding.keep(self._by_key(part))
            for first, *others in (same for same in part if len(same) > 1):
                self._vectors[others] = self._vectors[first]
            if progress:
                tokens = count_tokens(self._embedding.encoder, [self._texts[same[0]] for same in part])
                progress(sum(map(len, part)), sum(tokens))
        if not self._embedding.pays:
            # All at once, so that after an interruption the same texts are encoded together again: the last digits of
            # a vector may depend on the texts it was encoded with.
            self._embedding.keep(self._by_key(self._order))
        return self._vectors, len(self._order)

    def _take_from_before(self) -> int:
        if self._before is None:
            return 0
        for key, places in self._awaited.items():
            self._vectors[places] = self._before._vectors[self._before.places[key]]
        self._before = None  # its vectors are needed no more
        return sum(map(len, self._awaited.values()))

    def _by_key(self, texts: Iterable[list[int]]) -> Iterator[tuple[bytes, Vectors]]:
        return ((self._keys[same[0]], self._vectors[same[0]]) for same in texts)
