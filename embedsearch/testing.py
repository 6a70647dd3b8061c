"""Fakes and conformance checks for people who write encoders, readers or tests on top of embedsearch."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import numpy as np

from embedsearch.encoders import Encoder, Identity, count_tokens, describe, encode, encode_parts
from embedsearch.encoders.answers import answer_of
from embedsearch.errors import EncoderError
from embedsearch.vectors import Vectors, unit

_TEXTS = ["a wolf", "a sheep", "a wolf", "Wölfe 狼 🐺"]  # that `check_encoder` has encoded


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
            name: a name that tells one fake from another.
            max_tokens: the most words in a text; if None, there is no limit.
        """
        self.table = dict(table)
        self.name = name
        self.dimension = len(next(iter(self.table.values())))
        self.max_tokens = max_tokens
        self.encoded: list[str] = []

    @property
    def identity(self) -> Identity:
        """The encoder is identified by its name."""
        return Identity(self.name, self.dimension, max_tokens=self.max_tokens)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the table's vectors; every text asked for is appended to `encoded`.

        Raises:
            EncoderError: a text is not in the table.
        """
        self.encoded += texts
        for text in texts:
            if text not in self.table:
                raise EncoderError(f"the table has no vector for {text!r}")
        return unit([self.table[text] for text in texts])


class HashEncoder:
    """An encoder for any text: the same text gives the same vector, and other texts give unrelated vectors."""

    def __init__(self, dimension: int = 8, *, name: str = "hash", max_tokens: int | None = None) -> None:
        """Make an encoder of vectors with *dimension* values; see `TableEncoder` for the other arguments."""
        self.name = name
        self.dimension = dimension
        self.max_tokens = max_tokens
        self.encoded: list[str] = []

    @property
    def identity(self) -> Identity:
        """The encoder is identified by its name."""
        return Identity(self.name, self.dimension, max_tokens=self.max_tokens)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return pseudo-random unit vectors; every text asked for is appended to `encoded`."""
        self.encoded += texts
        return unit([self._vector(text) for text in texts])

    def _vector(self, text: str) -> Vectors:
        seed = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
        return np.random.default_rng(seed).standard_normal(self.dimension).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an `EmbeddingServer` sends instead of vectors.

    Attributes:
        status: the HTTP status.
        body: JSON values, or bytes that are sent as they are.
        headers: headers sent in addition to the usual ones.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def in_turn(*answers: Answer | None) -> Callable[[dict[str, Any]], Answer | None]:
    """Return a function that gives the first requests these answers in turn, and vectors to all later ones.

    An answer of None stands for vectors. Pass the function to `EmbeddingServer` as *answering*.
    """
    lock, left = threading.Lock(), list(answers)

    def answer(_request: dict[str, Any]) -> Answer | None:
        with lock:
            return left.pop(0) if left else None

    return answer


class EmbeddingServer:
    """An OpenAI-compatible `/v1/embeddings` endpoint on loopback: returns an encoder's vectors, or fails as told.

    >>> with EmbeddingServer(HashEncoder(4)) as server:
    ...     server.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self, encoder: Encoder | None = None, *, answering: Callable[[dict[str, Any]], Answer | None] | None = None
    ) -> None:
        """Prepare the server; it listens inside its ``with`` block.

        Args:
            encoder: gives the vectors; if None, a `HashEncoder`.
            answering: called with each request's JSON, in the thread that answers it; what it returns is sent
                instead of vectors, unless it is None. See `in_turn`.
        """
        self.encoder = encoder or HashEncoder()
        self.answering = answering
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.embedded: list[str] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        """The base URL, for ``OPENAI_BASE_URL``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def answer(self, request: dict[str, Any], headers: dict[str, str]) -> Answer:
        """Return what is sent for a request.

        The request is appended to `requests`, and its texts to `embedded` if it gets vectors.
        """
        with self._lock:
            self.requests.append(request)
            self.headers.append(headers)
        if self.answering is not None and (told := self.answering(request)) is not None:
            return told
        with self._lock:
            self.embedded += request["input"]
            vectors = encode(self.encoder, request["input"])
        tokens = sum(len(text.split()) for text in request["input"])
        packed = request.get("encoding_format") == "base64"
        return Answer(body=answer_of(vectors, model=request["model"], tokens=tokens, packed=packed))


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for an `EmbeddingServer`."""

    protocol_version = "HTTP/1.1"
    owner: EmbeddingServer

    def do_GET(self) -> None:
        models = [{"id": self.owner.encoder.name, "object": "model"}]
        self._send(Answer(body={"object": "list", "data": models}))

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/embeddings":
            self._send(Answer(404, {"error": {"message": f"no such path: {self.path}"}}))
            return
        self._send(self.owner.answer(request, {name.lower(): value for name, value in self.headers.items()}))

    def _send(self, answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        with suppress(ConnectionError):  # a client that waits no longer is no error of the server
            self._write(answer, body)

    def _write(self, answer: Answer, body: bytes) -> None:
        self.send_response(answer.status)
        for name, value in {
            "Content-Length": str(len(body)),
            "Content-Type": "application/json",
            **answer.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def check_encoder(encoder: Encoder) -> None:
    """Check that an encoder does what the rest of the package relies on; see `embedsearch.encoders.base`.

    Raises:
        AssertionError: it does not; the message says where it fails.
    """
    with _asserting():
        _require(isinstance(encoder, Encoder), "an encoder has name, dimension and encode(texts)")
        _check_figures(encoder)
        _check_vectors(encoder)
        _check_additions(encoder)


def _check_figures(encoder: Encoder) -> None:
    """Check what an encoder says of itself."""
    _require(isinstance(encoder.name, str) and bool(encoder.name.strip()), "name must be a text, and not empty")
    _require(_is_whole(encoder.dimension), f"dimension is {encoder.dimension!r}, wanted a whole number, at least 1")
    identity = getattr(encoder, "identity", None)
    if hasattr(encoder, "identity"):
        _require(isinstance(identity, Identity), f"identity is {identity!r}, wanted an embedsearch.Identity")
    if isinstance(identity, Identity):
        dimensions = f"{identity.dimension} dimensions where dimension is {encoder.dimension}"
        _require(identity.dimension == encoder.dimension, f"identity has {dimensions}")
        kept = Identity.from_dict(_as_json("identity", identity.to_dict()))
        _require(kept.key == identity.key, f"identity is another one, {kept}, when an index has kept it")
    for name in ("max_tokens", "passage_tokens"):
        limit = getattr(encoder, name, None)
        _require(limit is None or _is_whole(limit), f"{name} is {limit!r}, wanted a whole number, at least 1, or None")
    longest, passage = (getattr(encoder, name, None) or 0 for name in ("max_tokens", "passage_tokens"))
    _require(not longest or passage <= longest, f"passage_tokens is {passage}, above max_tokens, {longest}")


def _check_vectors(encoder: Encoder) -> None:
    """Check the vectors of documents, of queries, and of documents in parts."""
    vectors = encode(encoder, _TEXTS)
    _require(np.allclose(vectors[0], vectors[2], atol=1e-4), "the same text must give the same vector")
    alone = encode(encoder, _TEXTS[:1])
    _require(np.allclose(vectors[0], alone[0], atol=1e-3), "a vector must not depend on its neighbours in a batch")
    _require(not np.allclose(vectors[0], vectors[1], atol=1e-3), "different texts must give different vectors")
    encode(encoder, _TEXTS, queries=True)
    parts = np.empty_like(vectors)
    for places, given in encode_parts(encoder, _TEXTS):
        parts[places] = given
    _require(np.allclose(parts, vectors, atol=1e-3), "encode_parts must give each place the vector of encode")


def _check_additions(encoder: Encoder) -> None:
    """Check what else an encoder may add."""
    counts = count_tokens(encoder, _TEXTS)
    _require(min(counts) >= 1, f"count_tokens gave {counts} for {_TEXTS}, wanted at least 1 token of each")
    if hasattr(encoder, "probe"):
        probe = np.asarray(encoder.probe())
        _require(probe.shape == (encoder.dimension,), f"probe gave shape {probe.shape}, wanted ({encoder.dimension},)")
        _require(np.allclose(probe, encoder.probe(), atol=1e-3), "probe must give the same vector each time")
    if hasattr(encoder, "vector_cache"):
        folder = encoder.vector_cache
        _require(isinstance(folder, str | os.PathLike), f"vector_cache is {folder!r}, wanted a folder")
    if hasattr(encoder, "engine"):
        _require(isinstance(encoder.engine, str), f"engine is {encoder.engine!r}, wanted a text")
    _as_json("describe()", describe(encoder))


def _as_json(what: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return JSON values as they come back from JSON."""
    try:
        back: dict[str, Any] = json.loads(json.dumps(values))
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{what} gives {values!r}, wanted JSON values: {error}") from error
    return back


def _is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1


def _require(condition: bool, message: str) -> None:
    """Raise what an ``assert`` does, under ``python -O`` as well."""
    if not condition:
        raise AssertionError(message)


@contextmanager
def _asserting() -> Iterator[None]:
    """Make an AssertionError of whatever an encoder raises."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"the encoder failed: {type(error).__name__}: {error}") from error
