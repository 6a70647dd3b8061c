"""Work that goes on in a thread of its own while its results are used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from types import TracebackType
from typing import TypeVar

Part = TypeVar("Part")


class Ahead:
    """Runs iterators in one thread, one after the other, ahead of the code that consumes them.

    Use it in a ``with`` block. At its end the thread is waited for, and what has not been run is given up.
    """

    def __init__(self) -> None:
        """Start no thread before the first iterator is given."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="embedsearch-ahead")
        self._given_up = Event()

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._given_up.set()
        self._pool.shutdown(cancel_futures=True)

    def run(self, parts: Iterator[Part]) -> Iterator[Part]:
        """Begin to run *parts*, or queue it behind what was given before; yield its parts as they are done.

        Raises:
            BaseException: what *parts* raises, once what it has yielded before is taken.
        """
        done: SimpleQueue[tuple[Part] | None] = SimpleQueue()

        def work() -> None:
            try:
                for part in parts:
                    done.put((part,))
                    if self._given_up.is_set():
                        return
            finally:
                done.put(None)

        running = self._pool.submit(work)

        def taken() -> Iterator[Part]:
            while (part := done.get()) is not None:
                yield part[0]
            running.result()

        return taken()
