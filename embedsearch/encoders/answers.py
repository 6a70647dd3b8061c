"""What a `/v1/embeddings` endpoint answers: as a server writes it, and as a client reads it that trusts none."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np

from embedsearch.errors import EncoderError
from embedsearch.vectors import Vectors

_MOST_SHOWN = 200  # characters of what a server says


def answer_of(vectors: Vectors, *, model: str, tokens: int, packed: bool) -> dict[str, Any]:
    """Return the JSON values of an answer.

    Args:
        vectors: shape (n, d), in the order of the texts.
        model: as its client calls it.
        tokens: that the texts have together.
        packed: write vectors in base64 of little-endian float32 instead of numbers.
    """
    data = [
        {"object": "embedding", "index": place, "embedding": _written(vector, packed)}
        for place, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def vectors_in(answer: Any, count: int) -> Vectors:
    """Return the vectors of an answer in the order of the texts, float32 of shape (count, d), as they were sent.

    Args:
        answer: decoded JSON; each embedding is a list of numbers, or base64 of little-endian float32.
        count: how many texts were sent.

    Raises:
        EncoderError: it is no such answer, or has another number of vectors; the message is the end of a sentence
            about the endpoint. It holds what was answered as it came; `plain` makes it fit to be shown.
    """
    records = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise EncoderError(f"answered without a list of embeddings under 'data': {answer}")
    if len(records) != count:
        raise EncoderError(f"gave {len(records)} vectors for {count} texts")
    rows = [_vector(record.get("embedding")) for record in records]
    if len({len(row) for row in rows}) > 1:
        raise EncoderError(f"gave vectors of different lengths: {', '.join(sorted({str(len(row)) for row in rows}))}")
    vectors = np.stack(rows)
    if not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
        raise EncoderError("gave a vector of NaN, infinite or only zero values")
    ordered = np.empty_like(vectors)
    ordered[_places(records)] = vectors
    return ordered


def tokens_in(answer: Any) -> int:
    """Return the tokens that an answer says were read; 0 where it does not say."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    told = (usage.get("prompt_tokens"), usage.get("total_tokens")) if isinstance(usage, dict) else ()
    return next((tokens for tokens in told if isinstance(tokens, int) and tokens > 0), 0)


def plain(text: str, most: int = _MOST_SHOWN, *, secret: str = "") -> str:
    """Return what another program says as a message shows it: on one line, without control characters, cut at last.

    Args:
        text: whole, so that no part of the secret is left where it is cut.
        most: characters that are kept.
        secret: is replaced by ``[key]``; some servers repeat what they were sent.
    """
    visible = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return (visible.replace(secret, "[key]") if secret else visible)[:most]


def _places(records: list[dict[str, Any]]) -> list[int]:
    """Return the place of each record's text; records need not come in the order of the texts."""
    places = [record.get("index") for record in records]
    if all(place is None for place in places):
        return list(range(len(records)))  # servers that leave it out keep the order
    if sorted(place for place in places if isinstance(place, int)) != list(range(len(records))):
        raise EncoderError(f"did not number its vectors from 0 to {len(records) - 1} once: {places}")
    return [int(place) for place in places if place is not None]


def _written(vector: Vectors, packed: bool) -> str | list[float]:
    if packed:
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(value) for value in vector]


def _vector(given: Any) -> Vectors:
    try:
        if isinstance(given, str):
            row = np.frombuffer(base64.b64decode(given, validate=True), dtype="<f4").astype(np.float32)
        else:
            with np.errstate(over="ignore"):  # beyond float32 is infinite, which is refused
                row = np.asarray(given, dtype=np.float32)
    except (ValueError, TypeError, binascii.Error, OverflowError) as error:
        raise EncoderError(f"gave an embedding that is no list of numbers ({error})") from None
    if row.ndim != 1 or not row.size:
        raise EncoderError(f"gave an embedding that is no list of numbers: {given}")
    return row
