"""Texts to unit vectors: the `Encoder` protocol and the encoders we ship."""

from embedsearch.encoders.base import Encoder, Identity, count_tokens, describe, encode, identify
from embedsearch.encoders.sentence import DEFAULT_ENCODER, SentenceEncoder, load_encoder, preferring

__all__ = [
    "DEFAULT_ENCODER",
    "Encoder",
    "Identity",
    "SentenceEncoder",
    "count_tokens",
    "describe",
    "encode",
    "identify",
    "load_encoder",
    "preferring",
]
