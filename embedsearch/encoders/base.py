"""What an encoder is, and how the rest of the package uses one.

Any object with ``name``, ``dimension`` and ``encode(texts)`` will do. An encoder may add these attributes; the last
column says what is assumed without them:

=====================  ==============================================  ==============================
attribute              meaning                                         if absent
=====================  ==============================================  ==============================
``encode_queries``     as `encode`, for queries                        `encode`
``identity``           an `Identity`                                   the name and the dimension
``max_tokens``         longest text in tokens, without special ones    no limit
``passage_tokens``     how long passages are made, where texts may be  `max_tokens`
                       longer than is good to find
``count_tokens``       token counts of texts                           words
``is_unknown``         whether a part of a text is in letters of       nothing is said about it
                       which it knows hardly any words
``encode_parts``       yields places and vectors as they are done      `encode`, some at a time
``probe``              the vector of a text that is always the same,   the name is believed
                       for an encoder known only by its name
``vector_cache``       a folder for its vectors, if the user names     they are not kept
                       none
``engine``             what computes its vectors, for information      nothing is remembered
``describe``           what runs it and why, as JSON values            its name and dimension
=====================  ==============================================  ==============================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from operator import index
from typing import Any, Protocol, runtime_checkable

import numpy as np

from embedsearch.errors import EncoderError
from embedsearch.given import taking_back
from embedsearch.vectors import Vectors, unit

ENCODE_AT_ONCE = 128


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into vectors whose cosine measures nearness of meaning (a protocol)."""

    @property
    def name(self) -> str:
        """The name that messages use, and that `load_encoder` takes."""

    @property
    def dimension(self) -> int:
        """The length of its vectors."""

    def encode(self, texts: Sequence[str]) -> Any:
        """Return an array of shape (len(texts), dimension); row i belongs to ``texts[i]``."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What decides the vectors of an encoder; two encoders with the same `key` give the same vectors.

    Attributes:
        name: the name that the user gave.
        dimension: the length of its vectors.
        revision: the commit of the model on its hub, if known.
        weights: the SHA-256 of the weights file, if there is one.
        pooling: how token vectors become one vector.
        prompts: texts put before queries and documents, by role.
        max_tokens: the longest text it reads whole, without special tokens.
        precision: ``int8`` if it computes so coarsely that its vectors differ; else empty.
        settings: a hash of everything else that decides: modules, tokenizer, limits; empty if it is not known.
    """

    name: str
    dimension: int
    revision: str = ""
    weights: str = ""
    pooling: str = ""
    prompts: tuple[tuple[str, str], ...] = ()
    max_tokens: int | None = None
    precision: str = ""
    settings: str = ""

    @property
    def key(self) -> str:
        """A hash of everything that decides the vectors: the weights if they are known, else the name."""
        decisive = {
            "weights": self.weights or f"name:{self.name}",
            "dimension": self.dimension,
            "pooling": self.pooling,
            "prompts": list(self.prompts),
        }
        decisive |= {name: getattr(self, name) for name in ("precision", "settings") if getattr(self, name)}
        return hashlib.blake2b(json.dumps(decisive, sort_keys=True).encode(), digest_size=16).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of JSON values; `from_dict` reads it back."""
        return asdict(self) | {"prompts": dict(self.prompts)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Identity:
        """Return the identity that `to_dict` wrote.

        Raises:
            EncoderError: *fields* is not such a dict.
        """
        with taking_back("identity", fields, error=EncoderError):
            return cls(**(fields | {"prompts": tuple(sorted(fields["prompts"].items()))}))


def identify(encoder: Encoder) -> Identity:
    """Return the identity of an encoder; an encoder without one is known by its name and dimension.

    Raises:
        EncoderError: it is not an encoder, has no name, has no dimension of at least 1, or its identity has another
            dimension.
    """
    require_encoder(encoder)
    identity = getattr(encoder, "identity", None)
    if isinstance(identity, Identity):
        if identity.dimension != encoder.dimension:
            raise EncoderError(
                f"encoder {encoder.name!r} has the dimension {encoder.dimension!r}, and its identity "
                f"{identity.dimension}; both must be the length of its vectors"
            )
        return identity
    if not isinstance(encoder.name, str) or not encoder.name.strip():
        raise EncoderError(f"the name of {type(encoder).__name__} is {encoder.name!r}, wanted a text that is not empty")
    dimension = encoder.dimension
    if not isinstance(dimension, int | np.integer) or isinstance(dimension, bool) or dimension < 1:
        raise EncoderError(
            f"the dimension of encoder {encoder.name!r} is {dimension!r}, wanted a whole number, at least 1"
        )
    return Identity(encoder.name, int(dimension))


def require_encoder(encoder: Encoder) -> None:
    """Raise EncoderError unless *encoder* is one; the name of an encoder is not."""
    if not isinstance(encoder, Encoder):
        raise EncoderError(
            f"{type(encoder).__name__} is not an encoder; give an object with name, dimension and encode(texts), such "
            "as embedsearch.load_encoder(name) gives"
        )


def describe(encoder: Encoder) -> dict[str, Any]:
    """Return what people may want to know about an encoder, as a dict of JSON values; nothing is loaded."""
    function = getattr(encoder, "describe", None)
    if function is not None:
        return dict(function())
    return {"encoder": encoder.name, "dimension": int(encoder.dimension)}


def encode(encoder: Encoder, texts: Sequence[str], *, queries: bool = False) -> Vectors:
    """Return the unit vectors of texts, checked: float32 of shape (len(texts), encoder.dimension).

    Args:
        encoder: any encoder.
        texts: any number of texts; none gives an array without rows.
        queries: encode them as queries, for models that treat queries and documents differently.

    Raises:
        EncoderError: the encoder returned no array, one of another shape, or NaN, infinite or zero vectors.
    """
    if not texts:
        return np.empty((0, encoder.dimension), dtype=np.float32)
    function = getattr(encoder, "encode_queries", encoder.encode) if queries else encoder.encode
    return _checked(encoder, function(list(texts)), len(texts))


def encode_parts(encoder: Encoder, texts: Sequence[str]) -> Iterator[tuple[list[int], Vectors]]:
    """Yield the unit vectors of document texts as they are done, with the places of their texts; each place once.

    Raises:
        EncoderError: as for `encode`, or the encoder gave a text no vector, or several; what was done before has been
            yielded.
    """
    function = getattr(encoder, "encode_parts", None)
    if function is None:
        for start in range(0, len(texts), ENCODE_AT_ONCE):
            part = texts[start : start + ENCODE_AT_ONCE]
            yield list(range(start, start + len(part))), encode(encoder, part)
        return
    left = set(range(len(texts)))
    for part in function(list(texts)):
        places, given = _part(encoder, part)
        if len(places) != len(set(places)) or not left.issuperset(places):
            raise EncoderError(
                f"encoder {encoder.name!r} gave vectors for the places {str(places)[:60]}; wanted each place below "
                f"{len(texts)} once"
            )
        left.difference_update(places)
        yield places, _checked(encoder, given, len(places))
    if left:
        raise EncoderError(
            f"encoder {encoder.name!r} gave no vectors for {len(left)} of {len(texts)} texts, the first of them "
            f"{texts[min(left)][:40]!r}"
        )


def _part(encoder: Encoder, part: Any) -> tuple[list[int], Any]:
    """Return the places and the vectors of what `encode_parts` of an encoder yields."""
    try:
        places, given = part
        return [index(place) for place in places], given
    except (TypeError, ValueError) as error:
        raise EncoderError(
            f"encode_parts of encoder {encoder.name!r} gave {type(part).__name__}, wanted pairs of places and vectors"
        ) from error


def _checked(encoder: Encoder, given: Any, count: int) -> Vectors:
    wanted = (count, encoder.dimension)
    try:
        vectors = np.asarray(given)
    except (TypeError, ValueError, RuntimeError) as error:  # rows of different lengths; tensors that want a gradient
        raise EncoderError(f"encoder {encoder.name!r} gave no array of shape {wanted}: {error}") from error
    if vectors.shape != wanted:
        raise EncoderError(f"encoder {encoder.name!r} gave an array of shape {vectors.shape}, wanted {wanted}")
    return unit(vectors, error=EncoderError)


def count_tokens(encoder: Encoder, texts: Sequence[str]) -> list[int]:
    """Return the number of tokens of each text, without special tokens; words if the encoder cannot count tokens.

    Raises:
        EncoderError: the encoder returned another number of counts.
    """
    function = getattr(encoder, "count_tokens", None)
    if function is None:
        return [len(text.split()) for text in texts]
    counts = [int(count) for count in function(list(texts))]
    if len(counts) != len(texts):
        raise EncoderError(f"encoder {encoder.name!r} counted the tokens of {len(counts)} texts, wanted {len(texts)}")
    return counts
