"""Fakes and conformance checks for people who write encoders, readers or tests on top of embedsearch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from embedsearch.encoders import Encoder, Identity, encode
from embedsearch.errors import EncoderError
from embedsearch.vectors import Vectors, unit


class TableEncoder:
    """An encoder whose vectors can be worked out in the head: it looks texts up in a table.

    >>> TableEncoder({"sheep": [1, 0, 0], "spider": [0, 1, 0]}).encode(["spider"])
    array([[0., 1., 0.]], dtype=float32)
    """

    def __init__(
        self, table: Mapping[str, Sequence[float]], *, name: str = "table", max_tokens: int | None = None
    ) -> None:
        """Keep a table of texts and their vectors, all of one length and none zero.

        Args:
            table: vectors by text; they are scaled to length 1 when they are asked for.
            name: tells one fake from another.
            max_tokens: the most words of a text; no limit if None.
        """
        self.table = dict(table)
        self.name = name
        self.dimension = len(next(iter(self.table.values())))
        self.max_tokens = max_tokens
        self.encoded: list[str] = []

    @property
    def identity(self) -> Identity:
        """Known by its name."""
        return Identity(self.name, self.dimension, max_tokens=self.max_tokens)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the table's vectors; every text asked for is noted in `encoded`.

        Raises:
            EncoderError: a text is not in the table.
        """
        self.encoded += texts
        for text in texts:
            if text not in self.table:
                raise EncoderError(f"the table has no vector for {text!r}")
        return unit([self.table[text] for text in texts])


class HashEncoder:
    """An encoder for any text: the same text gives the same vector, another text a vector unrelated to it."""

    def __init__(self, dimension: int = 8, *, name: str = "hash", max_tokens: int | None = None) -> None:
        """Make an encoder of vectors with *dimension* values; see `TableEncoder` for the rest."""
        self.name = name
        self.dimension = dimension
        self.max_tokens = max_tokens
        self.encoded: list[str] = []

    @property
    def identity(self) -> Identity:
        """Known by its name."""
        return Identity(self.name, self.dimension, max_tokens=self.max_tokens)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return pseudo-random unit vectors; every text asked for is noted in `encoded`."""
        self.encoded += texts
        return unit([self._vector(text) for text in texts])

    def _vector(self, text: str) -> Vectors:
        seed = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
        return np.random.default_rng(seed).standard_normal(self.dimension).astype(np.float32)


def check_encoder(encoder: Encoder) -> None:
    """Check that an encoder keeps to what the rest of the package relies on.

    Raises:
        AssertionError: it does not; the message says in what.
    """
    texts = ["a wolf", "a sheep", "a wolf", "Wölfe 狼 🐺"]
    assert isinstance(encoder.name, str), "name must be a text"
    assert encoder.name, "name must not be empty"
    vectors = encode(encoder, texts)
    assert vectors.shape == (4, encoder.dimension), f"shape is {vectors.shape}, wanted (4, {encoder.dimension})"
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5), "vectors must have length 1"
    assert np.allclose(vectors[0], vectors[2], atol=1e-4), "the same text must give the same vector"
    alone = encode(encoder, texts[:1])
    assert np.allclose(vectors[0], alone[0], atol=1e-3), "a vector must not depend on its neighbours in a batch"
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3), "different texts must give different vectors"
