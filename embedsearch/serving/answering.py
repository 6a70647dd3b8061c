"""What a request for embeddings holds, and what is answered, in the form that OpenAI's clients speak."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from embedsearch.encoders import Encoder, count_tokens
from embedsearch.encoders.answers import answer_of
from embedsearch.vectors import Vectors
from embedsearch.web.refusals import Refusal

MOST_TEXTS = 2048
_CHARACTERS_A_TOKEN = 100  # on average; a text of more is refused uncounted. WordPiece reads no longer words
_FIELDS = frozenset(("model", "input", "encoding_format", "dimensions", "user", "input_type"))
_ROLES = {"query": True, "document": False, "passage": False}
_counting = Lock()


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts whose vectors are wanted.

    Attributes:
        texts: none empty, each within the encoder's limit.
        tokens: how many they have together.
        queries: encode them as queries.
        packed: answer in base64 of little-endian float32 instead of numbers.
    """

    texts: Sequence[str]
    tokens: int
    queries: bool
    packed: bool


def read_request(body: bytes, encoder: Encoder) -> EmbeddingRequest:
    """Return what the JSON of a request asks for.

    Raises:
        Refusal: it is no such request, or the encoder cannot do it; the message says what is wanted.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is no JSON") from None
    if not isinstance(fields, dict):
        raise Refusal(400, f"the body is a {type(fields).__name__}; wanted an object with 'model' and 'input'")
    if unknown := sorted(fields.keys() - _FIELDS):
        raise Refusal(400, f"there is no field {unknown[0][:40]!r}; there are: {', '.join(sorted(_FIELDS))}")
    _check_model(fields.get("model"), encoder)
    dimensions = fields.get("dimensions")
    if dimensions is not None and dimensions != encoder.dimension:
        raise Refusal(400, f"'dimensions' is {dimensions!r}; the vectors of this model have {encoder.dimension}")
    texts = _texts(fields.get("input"))
    return EmbeddingRequest(
        texts=texts,
        tokens=_tokens(texts, encoder),
        queries=_ROLES[_one_of(fields, "input_type", "document", tuple(_ROLES))],
        packed=_one_of(fields, "encoding_format", "float", ("float", "base64")) == "base64",
    )


def write_answer(vectors: Vectors, request: EmbeddingRequest, encoder: Encoder) -> bytes:
    """Return the JSON of an answer."""
    answer = answer_of(vectors, model=encoder.name, tokens=request.tokens, packed=request.packed)
    return json.dumps(answer).encode()


def _check_model(given: Any, encoder: Encoder) -> None:
    if given not in (encoder.name, encoder.name.rpartition("/")[2]):
        raise Refusal(404, f"there is no model {str(given)[:80]!r} here; there is {encoder.name!r}", "model_not_found")


def _texts(given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        raise Refusal(400, "'input' holds no text; wanted a text or a list of texts")
    if not all(isinstance(text, str) for text in texts):
        raise Refusal(400, "'input' holds something that is no text; token numbers are not taken, send the texts")
    if len(texts) > MOST_TEXTS:
        raise Refusal(413, f"'input' holds {len(texts):,} texts; at most {MOST_TEXTS:,} texts are taken at once")
    for place, text in enumerate(texts):
        if not text.strip():
            raise Refusal(400, f"text {place} of 'input' is empty")
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise Refusal(400, f"text {place} of 'input' holds half of a character (a lone surrogate)")
    return texts


def _tokens(texts: list[str], encoder: Encoder) -> int:
    """Count one text at a time, whoever asks: tokens take many times the memory of what they are tokens of."""
    limit = getattr(encoder, "max_tokens", None)
    total = 0
    for place, text in enumerate(texts):
        if limit is not None and len(text) > limit * _CHARACTERS_A_TOKEN:
            raise _too_long(place, f"{len(text):,} characters", limit)
        with _counting:
            tokens = count_tokens(encoder, [text])[0]
        if limit is not None and tokens > limit:
            raise _too_long(place, f"{tokens:,} tokens", limit)
        total += tokens
    return total


def _too_long(place: int, length: str, limit: int) -> Refusal:
    reads = f"the model reads {limit} tokens, of {_CHARACTERS_A_TOKEN} characters each at most"
    return Refusal(400, f"text {place} of 'input' is too long: {length}, and {reads}", "too_long")


def _one_of(fields: dict[str, Any], name: str, default: str, known: tuple[str, ...]) -> str:
    given = fields.get(name, default)
    if given not in known:
        raise Refusal(400, f"{name!r} is {str(given)[:40]!r}; wanted one of {', '.join(known)}")
    return str(given)
