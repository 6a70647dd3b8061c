"""From texts to unit vectors: the `Encoder` protocol and the encoders we ship."""

from embedsearch.encoders.base import (
    Encoder,
    Identity,
    count_tokens,
    describe,
    encode,
    encode_parts,
    identify,
    require_encoder,
)
from embedsearch.encoders.loading import DEFAULT_ENCODER, is_remote, load_encoder, load_identified, preferring
from embedsearch.encoders.sentence import SentenceEncoder

__all__ = [
    "DEFAULT_ENCODER",
    "Encoder",
    "Identity",
    "SentenceEncoder",
    "count_tokens",
    "describe",
    "encode",
    "encode_parts",
    "identify",
    "is_remote",
    "load_encoder",
    "load_identified",
    "preferring",
    "require_encoder",
]
