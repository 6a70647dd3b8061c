"""Models behind an OpenAI-compatible `/v1/embeddings` endpoint, as encoders."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from embedsearch.encoders.answers import tokens_in, vectors_in
from embedsearch.encoders.base import Identity
from embedsearch.encoders.cache import cache_folder, replace_text
from embedsearch.encoders.endpoint import Endpoint, RefusedError, StoppedError
from embedsearch.encoders.estimates import about_tokens
from embedsearch.encoders.patience import Patience
from embedsearch.encoders.settings import BASE_URL, PASSAGE_TOKENS, REMOTE, RemoteSettings
from embedsearch.errors import EncoderError
from embedsearch.given import require_texts
from embedsearch.vectors import Vectors

PROBE = "A wolf in winter."
_NAME = re.compile(r"(?P<model>.+?)(?:@(?P<dimensions>[1-9][0-9]*))?")
_BATCH_CHARACTERS = 200_000
_OF_THE_TEXTS = frozenset((400, 413, 422))  # what endpoints answer to texts that are too many, too long or unfit
_TOO_LONG = re.compile(r"context.?length|too long|max\w* (context|sequence|input)|token", re.I)


class _TooManyError(EncoderError):
    """A batch holds more texts than the endpoint takes at once."""


class RemoteEncoder:
    """A model behind an endpoint, known by its name and the number of dimensions.

    Texts are sent in batches, several at a time. A batch that fails for a passing reason is sent again. If the endpoint
    refuses a batch, its texts are sent in smaller batches from then on, until one text alone is refused.

    Attributes:
        name: as for `load_encoder`.
        settings: where the endpoint is and how it is used.
        passage_tokens: about how many tokens the passages of documents have at most.
        tokens_used: the tokens of texts sent so far, as the endpoint counts them.
    """

    def __init__(
        self,
        name: str,
        settings: RemoteSettings | None = None,
        *,
        patience: Patience = Patience(),  # noqa: B008
    ) -> None:
        """Prepare; nothing is sent before the dimension or a vector is asked for.

        Args:
            name: ``openai:MODEL``, or ``openai:MODEL@256`` for that many dimensions.
            settings: if None, those of the environment.
            patience: how failed requests are sent again.

        Raises:
            EncoderError: the name or the settings cannot be used.
        """
        parts = _NAME.fullmatch(name.removeprefix(REMOTE).strip())
        if parts is None:
            raise EncoderError(f"{name!r} names no model; wanted {REMOTE}MODEL, or {REMOTE}MODEL@DIMENSIONS")
        self.name = name
        self.settings = settings or RemoteSettings.from_environment()
        self.passage_tokens = self.settings.passage_tokens
        self.tokens_used = 0
        self._asked_dimension = int(parts["dimensions"]) if parts["dimensions"] else None
        self._endpoint = Endpoint(parts["model"], self.settings, patience)
        self._batch = self.settings.batch
        self._encoding = "base64"
        self._probe: Vectors | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"RemoteEncoder({self.name!r}, at {self.settings.shown})"

    @cached_property
    def dimension(self) -> int:
        """The length of its vectors: as asked for, as known from an earlier run, or found with one short text."""
        return self._asked_dimension or self._noted_dimension() or len(self.probe())

    @property
    def identity(self) -> Identity:
        """The model is known by its name. Where it is served does not matter; what is served is checked by `probe`."""
        return Identity(self.name, self.dimension)

    @property
    def engine(self) -> str:
        """What computes its vectors, for information: the host."""
        return f"remote {self.settings.host}"

    @property
    def vector_cache(self) -> Path:
        """The folder for its vectors if the user names no cache: they were paid for."""
        place = hashlib.blake2b(self.settings.shown.encode(), digest_size=8).hexdigest()
        return cache_folder() / "remote" / place

    def probe(self) -> Vectors:
        """Return the vector of a text that is always the same, shape (d,), of length 1.

        An index uses it to find out whether the same model still answers to the name. It is sent with the first texts
        of a process.
        """
        if self._probe is None:
            list(self.encode_parts([]))
        assert self._probe is not None
        return self._probe

    def count_tokens(self, texts: Iterable[str]) -> list[int]:
        """Return about how many tokens each text has; rather too many than too few."""
        return [about_tokens(text) for text in require_texts("a text", texts, error=EncoderError)]

    def encode(self, texts: Iterable[str]) -> Vectors:
        """Return the vectors of texts, float32 of shape (len(texts), dimension); a single text counts as one.

        Raises:
            EncoderError: one of *texts* is not a text, or as for `encode_parts`.
        """
        wanted = require_texts("a text", texts, error=EncoderError)
        vectors: Vectors | None = None
        for places, part in self.encode_parts(wanted):
            if vectors is None:
                vectors = np.empty((len(wanted), part.shape[1]), dtype=np.float32)
            vectors[places] = part
        return np.empty((0, self.dimension), dtype=np.float32) if vectors is None else vectors

    def encode_parts(self, texts: Iterable[str]) -> Iterator[tuple[list[int], Vectors]]:
        """Yield vectors as they arrive, in any order, with the places of their texts.

        If a request fails for good, no other is sent; those under way are waited for and yielded, and then the error is
        raised. Nothing that was answered is lost.

        Raises:
            EncoderError: the endpoint refuses, does not answer, or returns something other than vectors.
        """
        given = require_texts("a text", texts, error=EncoderError)
        self._endpoint.open()
        probing = self._probe is None
        wanted = [PROBE, *given] if probing else given
        batches = list(self._batches(wanted))
        if probing and len(batches) > 1:
            # The first batch alone: a key or a model that is wrong is found out once and not four times.
            yield from self._shifted(self._concurrently(wanted, batches[:1]))
            batches = batches[1:]
        answered = self._concurrently(wanted, batches)
        yield from self._shifted(answered) if probing else answered

    def describe(self) -> dict[str, Any]:
        """Return what it is and how it is used, as JSON values for people. Nothing is sent; no key is shown."""
        settings = self.settings
        known = self._asked_dimension or self._noted_dimension()
        return {
            "encoder": self.name,
            "engine": "remote",
            "endpoint": settings.shown,
            "key": "set" if settings.key else "not set",
            "dimension": known or "not known yet; at the first text",
            "passage_tokens": settings.passage_tokens,
            "batch": settings.batch,
            "concurrency": settings.concurrency,
            "timeout": settings.timeout,
            "price": settings.price,
            "vectors kept in": str(self.vector_cache),
            "why": f"its name begins with {REMOTE}",
        }

    def price_of(self, tokens: int) -> float | None:
        """Return what *tokens* tokens cost, if the price is known."""
        return None if self.settings.price is None else self.settings.price * tokens / 1e6

    def _batches(self, texts: Sequence[str]) -> Iterator[list[int]]:
        places: list[int] = []
        characters = 0
        for place, text in enumerate(texts):
            if places and (len(places) >= self._batch or characters + len(text) > _BATCH_CHARACTERS):
                yield places
                places, characters = [], 0
            places.append(place)
            characters += len(text)
        if places:
            yield places

    def _shifted(self, parts: Iterable[tuple[list[int], Vectors]]) -> Iterator[tuple[list[int], Vectors]]:
        """Take the probe out of *parts*, where it stands before the texts."""
        for places, vectors in parts:
            first = places[0] == 0
            if first:
                self._keep_probe(vectors[0])
            if places[first:]:
                yield [place - 1 for place in places[first:]], vectors[first:]

    def _concurrently(self, texts: Sequence[str], batches: Sequence[list[int]]) -> Iterator[tuple[list[int], Vectors]]:
        waiting, under_way = deque(batches), dict[Future[Vectors], list[int]]()
        error: EncoderError | None = None
        with _threads(min(self.settings.concurrency, len(batches))) as (pool, stop):
            while waiting or under_way:
                # One more for each thread, so that none is idle while the caller deals with a part.
                while waiting and len(under_way) < 2 * self.settings.concurrency:
                    places = waiting.popleft()
                    under_way[pool.submit(self._send, [texts[place] for place in places], stop)] = places
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    places, problem = under_way.pop(future), _problem(future)
                    if problem is None:
                        yield places, future.result()
                    elif isinstance(problem, _TooManyError):
                        if error is None:
                            waiting.extendleft((places[len(places) // 2 :], places[: len(places) // 2]))
                    elif error is None or isinstance(error, StoppedError):
                        error = problem
                        waiting.clear()
        if error is not None:
            raise error

    def _send(self, texts: list[str], stop: threading.Event) -> Vectors:
        """Return the vectors of one batch; let no other be sent when it fails for good."""
        try:
            return self._ask(texts, stop)
        except _TooManyError:
            raise
        except BaseException:
            stop.set()
            raise

    def _ask(self, texts: list[str], stop: threading.Event) -> Vectors:
        """Return the vectors of one batch, shape (len(texts), d).

        Raises:
            _TooManyError: they have to be sent in smaller requests.
        """
        if len(texts) > self._batch:  # another batch has been found too large meanwhile
            raise _TooManyError
        encoding = self._encoding
        try:
            answer = self._endpoint.post(self._payload(texts, encoding), stop)
        except RefusedError as refusal:
            if encoding == "base64" and "encoding_format" in refusal.reason:
                self._encoding = "float"
                return self._ask(texts, stop)
            if len(texts) > 1 and refusal.status in _OF_THE_TEXTS:
                self._batch = min(self._batch, len(texts) // 2)
                raise _TooManyError from None
            raise self._explained(refusal, texts[0]) from None
        with self._lock:
            self.tokens_used += tokens_in(answer)  # paid for, whatever the vectors are
        return self._checked(answer, len(texts))

    def _payload(self, texts: list[str], encoding: str) -> dict[str, Any]:
        payload: dict[str, Any] = {"input": texts, "encoding_format": encoding}
        return payload | ({"dimensions": self._asked_dimension} if self._asked_dimension else {})

    def _checked(self, answer: Any, count: int) -> Vectors:
        try:
            vectors = vectors_in(answer, count)
        except EncoderError as error:
            raise EncoderError(
                f"{self._endpoint} {self._endpoint.shown(str(error))}. Check {BASE_URL} and the model"
            ) from None
        known = (
            self.__dict__.get("dimension") or self._asked_dimension or (0 if self._probe is None else len(self._probe))
        )
        if known and vectors.shape[1] != known:
            with suppress(OSError):
                self._note.unlink()  # a new index may want the model that is there now
            raise EncoderError(
                f"{self._endpoint} gave vectors of {vectors.shape[1]} dimensions, wanted {known}: another model "
                f"answers there now, or it has no choice of dimensions. Check {BASE_URL} and the name of the encoder"
            )
        return vectors

    def _explained(self, refusal: RefusedError, text: str) -> EncoderError:
        """Return the refusal, with the text if that was refused for itself, and the remedy if it is likely too long."""
        if refusal.status not in _OF_THE_TEXTS:
            return refusal
        is_long = refusal.status == 413 or _TOO_LONG.search(refusal.reason) is not None
        return EncoderError(
            f"{refusal}. The text has about {about_tokens(text):,} tokens: {text[:40]!r}…"
            + (
                f". Shorten it, or have shorter passages made: {PASSAGE_TOKENS} below {self.passage_tokens}"
                if is_long
                else ""
            )
        )

    def _keep_probe(self, vector: Vectors) -> None:
        self._probe = vector / np.linalg.norm(vector)
        if self._noted_dimension() != len(vector):
            with suppress(OSError):
                replace_text(self._note, json.dumps({"dimension": len(vector)}))

    @property
    def _note(self) -> Path:
        model = hashlib.blake2b(self.name.encode("utf-8", "replace"), digest_size=8).hexdigest()
        return self.vector_cache / f"{model}.json"

    def _noted_dimension(self) -> int | None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            return int(json.loads(self._note.read_text("utf-8"))["dimension"])
        return None


@contextmanager
def _threads(count: int) -> Iterator[tuple[ThreadPoolExecutor, threading.Event]]:
    """Give threads, and what makes them stop waiting; whoever leaves the block early has the rest not sent."""
    stop = threading.Event()
    pool = ThreadPoolExecutor(max(1, count), thread_name_prefix="embeddings")
    try:
        yield pool, stop
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _problem(future: Future[Vectors]) -> EncoderError | None:
    error = future.exception()
    if error is None or isinstance(error, EncoderError):
        return error
    raise error
