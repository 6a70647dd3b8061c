"""Documents from a source that pauses, such as a pipe into which a program writes now and then."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import Condition, Thread
from types import TracebackType

from embedsearch.documents.document import Document

_PAUSE = 0.2  # seconds without a document
_MOST, _MOST_CHARACTERS = 1024, 1 << 22  # read ahead


class Arriving(Iterator[Document]):
    """Documents that a thread reads ahead, so that whoever takes them can see that none has come for a while.

    Use it in a ``with`` block; at its end nothing more is read. The thread is a daemon, so that the program can end
    where the source never does.
    """

    def __init__(self, documents: Iterable[Document], *, waiting: Callable[[], object] = lambda: None) -> None:
        """Begin to read.

        Args:
            documents: is iterated over in the thread.
            waiting: is called before each wait for a document, to hand on what was made of those before it.
        """
        self._waiting = waiting
        self._come: deque[Document] = deque()
        self._characters = 0
        self._changed = Condition()
        self._ended = self._closed = False
        self._error: BaseException | None = None
        Thread(target=self._read, args=(documents,), name="embedsearch-arriving", daemon=True).start()

    def __enter__(self) -> Arriving:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _read(self, documents: Iterable[Document]) -> None:
        try:
            for document in documents:
                with self._changed:
                    self._changed.wait_for(self._has_room)
                    if self._closed:
                        return
                    self._come.append(document)
                    self._characters += size_of(document)
                    self._changed.notify()
        except BaseException as error:  # raised where the documents are taken
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _has_room(self) -> bool:
        return self._closed or (len(self._come) < _MOST and self._characters < _MOST_CHARACTERS)

    def _has_news(self) -> bool:
        return bool(self._come) or self._ended

    def __next__(self) -> Document:
        """Return the next document once it is there.

        Raises:
            BaseException: what *documents* raised, once those before are taken.
        """
        with self._changed:
            if not self._has_news():
                self._waiting()
                self._changed.wait_for(self._has_news)
            if self._come:
                document = self._come.popleft()
                self._characters -= size_of(document)
                self._changed.notify()
                return document
        if self._error:
            raise self._error
        raise StopIteration

    def pauses(self) -> bool:
        """Return whether no further document comes within a fifth of a second, and the source has not ended."""
        with self._changed:
            return not self._changed.wait_for(self._has_news, _PAUSE)


def size_of(document: Document) -> int:
    """Return about how many characters a document holds in memory: a mail's record has what is attached to it."""
    return max(len(document.text), len(document.record))
