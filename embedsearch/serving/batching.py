"""Requests that wait at the same time, encoded together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from embedsearch.vectors import Vectors

Encode = Callable[[list[str], bool], Vectors]


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """Texts of one request, and where their vectors are wanted."""

    texts: Sequence[str]
    queries: bool
    answer: asyncio.Future[Vectors]


class Batcher:
    """Has one thread encode at a time; what comes meanwhile is encoded together afterwards.

    No request is held back to wait for others: batches form by themselves where there is much to do.
    """

    def __init__(self, encode: Encode, *, at_once: int = 128) -> None:
        """Prepare.

        Args:
            encode: gives the vectors of texts, encoded as queries if told so; called in a thread.
            at_once: about the most texts of a batch. A request with more is encoded in several, between which
                others have their turn.
        """
        self._encode = encode
        self._at_once = at_once
        self._waiting: list[_Waiting] = []
        self._work: asyncio.Task[None] | None = None

    async def encode(self, texts: Sequence[str], *, queries: bool) -> Vectors:
        """Return the vectors of *texts*, float32 of shape (len(texts), d).

        Raises:
            EncoderError: as the encoder does.
        """
        parts = []
        for start in range(0, len(texts), self._at_once):
            answer: asyncio.Future[Vectors] = asyncio.get_running_loop().create_future()
            self._waiting.append(_Waiting(texts[start : start + self._at_once], queries, answer))
            if self._work is None or self._work.done():
                self._work = asyncio.create_task(self._run())
            parts.append(await answer)
        return np.concatenate(parts)

    async def _run(self) -> None:
        while batch := self._next():
            texts = [text for waiting in batch for text in waiting.texts]
            try:
                vectors = await asyncio.to_thread(self._encode, texts, batch[0].queries)
            except Exception as error:  # whatever it is belongs to those who wait, not to this task
                _give(batch, error)
            else:
                _give(batch, vectors)

    def _next(self) -> list[_Waiting]:
        """Take the requests that are encoded together: of one kind, in the order they came."""
        self._waiting = [waiting for waiting in self._waiting if not waiting.answer.done()]  # clients hang up
        batch: list[_Waiting] = []
        for waiting in self._waiting:
            if batch and waiting.queries != batch[0].queries:
                continue
            if batch and sum(len(taken.texts) for taken in batch) + len(waiting.texts) > self._at_once:
                break
            batch.append(waiting)
        self._waiting = [waiting for waiting in self._waiting if waiting not in batch]
        return batch


def _give(batch: Sequence[_Waiting], result: Vectors | Exception) -> None:
    start = 0
    for waiting in batch:
        end = start + len(waiting.texts)
        if not waiting.answer.done():
            if isinstance(result, Exception):
                waiting.answer.set_exception(result)
            else:
                waiting.answer.set_result(result[start:end])
        start = end
