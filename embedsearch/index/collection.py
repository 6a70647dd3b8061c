"""The documents of an index."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from embedsearch.documents import Document
from embedsearch.encoders import DEFAULT_ENCODER, Encoder, Identity, load_encoder
from embedsearch.errors import AxisError, EmbedSearchError, SourceError, StoreError
from embedsearch.given import require_callables, require_kind
from embedsearch.index import arguments
from embedsearch.index.arguments import checked_overlap, require_count
from embedsearch.index.contents import Contents
from embedsearch.index.embedding import Embedding, encoder_settings
from embedsearch.index.exploring import Explorer
from embedsearch.index.ingest import AddReport, Ingest
from embedsearch.index.judging import Counts, Verdicts, Wanted
from embedsearch.index.labels import IndexLabels
from embedsearch.index.planning import Plan, Planner
from embedsearch.index.saved_axes import IndexAxes
from embedsearch.index.searching import Searcher
from embedsearch.index.selecting import Selector
from embedsearch.index.tracing import Trace
from embedsearch.neighbors import RECALL, checked_recall
from embedsearch.notebooks import facts
from embedsearch.store import Compaction, Store, compact
from embedsearch.wording import count_of

_ANYTHING = 'near("anything") > -2'  # every document is measured, and passes


class Collection(Contents):
    """The documents of an index: what goes in, what comes out, and what all questions are asked with."""

    def __init__(
        self, store: Store, encoder: Encoder | None = None, *, cache: str | os.PathLike[str] | None = None
    ) -> None:
        """Wrap an open store; use `Index.create` or `embedsearch.open`."""
        self._store = store
        self._embedding = Embedding(store, encoder, cache=cache)
        self.axes = IndexAxes(self._embedding)
        self.labels = IndexLabels(store)
        self._trace = Trace()
        self._searcher = Searcher(store, self._embedding, self._trace)
        self._selector = Selector(self._embedding, self.axes, self._trace)
        self.axes.select = self._selector.rows
        self.explorer = Explorer(store, self.axes)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        encoder: str | Encoder = DEFAULT_ENCODER,
        *,
        chunk_words: int | None = None,
        overlap: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        recall: float = RECALL,
    ) -> Self:
        """Make a new, empty index in a folder.

        Args:
            path: a folder that does not exist or is empty.
            encoder: a model name, a model folder, or an encoder; the index remembers it.
            chunk_words: the most words of a passage; as many as the encoder reads whole if None.
            overlap: the most words that a passage repeats from the one before, in whole sentences, and no more than
                half of *chunk_words*; 25, or that half if it is less, if None. No passage repeats more than its half.
            cache: a folder of vectors that several indexes share, so that none embeds what another has; the one in
                ``EMBEDSEARCH_CACHE``, if any, if None. The index does not remember it.
            recall: how many of the 10 nearest passages a search must find, as a share, on average; see `tune`.

        Raises:
            EncoderError: the encoder cannot be found, or is none.
            QueryError: the recall is not above 0 and at most 1, or *chunk_words* or *overlap* makes no sense.
            StoreError: the folder is in use, or cannot be written.
        """
        words = None if chunk_words is None else require_count(chunk_words, "chunk_words")
        chunking = {"chunk_words": words, "overlap": checked_overlap(overlap, words)}
        found = load_encoder(encoder) if isinstance(encoder, str) else encoder
        settings = encoder_settings(found, encoder if isinstance(encoder, str) else None) | chunking
        settings["recall"] = checked_recall(recall)
        return cls(Store.create(path, settings), found, cache=cache)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """Return the number of passages."""
        return self._store.count_passages()

    def __repr__(self) -> str:
        try:
            info = self.info()
        except EmbedSearchError as error:  # closed, or of another thread: debuggers and logs show it all the same
            return f"Index({error})"
        return (
            f"Index({str(self._store.path)!r}: {count_of(info['documents'], 'document')}, "
            f"{count_of(info['passages'], 'passage')}, "
            f"encoder {info['encoder']!r}, axes {', '.join(self.axes) or 'none'})"
        )

    def _repr_html_(self) -> str:
        """Show what it holds in a notebook."""
        try:
            info = self.info()
        except EmbedSearchError as error:
            return facts({"": str(error)}, caption=f"Index {self.path}")
        shown = {name: f"{info[name]:,}" for name in ("documents", "passages")}
        shown |= {"encoder": f"{info['encoder']}, {info['dimension']} dimensions", "axes": ", ".join(self.axes)}
        shown |= {"fields": ", ".join(info["fields"]), "on the disk": f"{info['bytes'] / 1e6:,.1f} MB"}
        return facts(shown, caption=f"Index {info['path']}")

    @property
    def path(self) -> Path:
        """The folder of the index."""
        return Path(self._store.path)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Ask several questions of one state of the index, whatever another process writes meanwhile."""
        with self._store.reading():
            yield

    def close(self) -> None:
        """Release the files; the index cannot be used after that."""
        self._embedding.close()
        self._store.close()

    @property
    def identity(self) -> Identity:
        """What decides the vectors of its encoder, as the index remembers it; nothing is loaded."""
        return self._embedding.identity

    def info(self) -> dict[str, Any]:
        """Return what the index holds: at least documents, passages, encoder, dimension, bytes, format."""
        with self._store.reading():
            identity = self._embedding.identity
            return {
                "path": str(self._store.path),
                "documents": self._store.count_documents(),
                "passages": self._store.count_passages(),
                "encoder": identity.name,
                "engines": self._store.setting("engines", {}),
                "weights": identity.weights,
                "dimension": identity.dimension,
                "max_tokens": identity.max_tokens,
                "chunk_words": self._store.setting("chunk_words"),
                "overlap": self._store.setting("overlap"),
                "axes": list(self.axes),
                "fields": self._store.field_names(),
                "neighbors": self._store.setting("neighbors", None),
                "bytes": self._store.size(),
                "format": self._store.setting("format"),
            }

    def add(
        self,
        documents: Document | Iterable[Document],
        *,
        progress: Callable[[int, int, int], None] | None = None,
        indexing: Callable[[int, int], None] | None = None,
        repeated: Callable[[SourceError], None] | None = None,
    ) -> AddReport:
        """Add documents, or update those whose id is there already; embed only what is new.

        Args:
            documents: one, or any iterable, such as `embedsearch.read` gives; only a batch of it is held in memory.
            progress: told how many documents and passages are done, and how many tokens were encoded for them.
            indexing: told how many of how many passages are in the faiss file, when that is built.
            repeated: told of each document whose id occurred before among *documents*; it is left out.

        Raises:
            SourceError: a document cannot be read or stored, or two have the same id and nobody is told of it. What
                came before is kept.
            QueryError: what is to be told cannot be called.
            StoreError: another process is writing, or the disk is full. What was committed is kept.
        """
        require_callables(progress=progress, indexing=indexing, repeated=repeated)
        with self._store.locked():
            report = Ingest(self._store, self._embedding, progress, repeated).add(arguments.documents(documents))
            self._searcher.refresh_neighbors(indexing)
        return report

    def plan(
        self, documents: Document | Iterable[Document], *, repeated: Callable[[SourceError], None] | None = None
    ) -> Plan:
        """Return what `add` would do with *documents*: how much is new, and how many tokens would be encoded.

        Nothing is written, and no document is encoded.

        Args:
            documents: as for `add`.
            repeated: as for `add`.

        Raises:
            SourceError: `add` would raise it.
        """
        return Planner(self._store, self._embedding, repeated).plan(arguments.documents(documents))

    def sync(
        self,
        documents: Document | Iterable[Document],
        sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
        *,
        progress: Callable[[int, int, int], None] | None = None,
        indexing: Callable[[int, int], None] | None = None,
        repeated: Callable[[SourceError], None] | None = None,
        unread: Iterable[str | os.PathLike[str]] | None = None,
    ) -> AddReport:
        """Make the index equal to *sources*: add, update, and remove what they no longer hold.

        A document is removed if it came from one of the sources and is not among *documents*. What came from elsewhere,
        or from a file or folder in which something could not be read and was skipped, stays. Nothing is removed if
        reading stops at an error, or if there are no documents at all.

        Args:
            documents: all that the sources hold now.
            sources: the file or folder, or several, that they were read from, for example those given to
                `embedsearch.read`; if None, every document that is not among *documents* is removed, wherever it came
                from.
            progress: as for `add`.
            indexing: as for `add`.
            repeated: as for `add`.
            unread: files and folders in which something was skipped, looked at when *documents* have been read; if None
                those that *documents* tell of, as what `embedsearch.read` returns does.

        Raises:
            QueryError: a source is no path, or what is to be told cannot be called; nothing is changed.
            SourceError: as `add`, or no document was read.
            StoreError: as `add`.
        """
        require_callables(progress=progress, indexing=indexing, repeated=repeated)
        places = None if sources is None else arguments.paths("a source", sources)
        left = arguments.paths_later("unread", getattr(documents, "unread", ()) if unread is None else unread)
        with self._store.locked():
            ingest = Ingest(self._store, self._embedding, progress, repeated)
            report = ingest.sync(arguments.documents(documents), places, left)
            self._searcher.refresh_neighbors(indexing)
        return report

    def delete(self, ids: str | Iterable[str]) -> int:
        """Take one document or several out of the index; return how many.

        Their texts leave the files when the index is compacted.

        Raises:
            QueryError: one of them is no text, or not in the index; nothing is deleted.
            StoreError: another process is writing.
        """
        wanted = list(dict.fromkeys(arguments.texts("the id of a document", ids)))
        with self._store.locked():
            arguments.numbers_of(wanted, self._store, "; nothing was deleted")
            with self._store.writing():
                self._store.remove(wanted)
            self._searcher.refresh_neighbors()
        return len(wanted)

    def compact(self) -> Compaction:
        """Give the room of deleted and replaced documents back to the disk.

        Other processes go on reading meanwhile; an interruption at any moment leaves the index whole.

        Raises:
            StoreError: another process is writing, or the disk has no room for a second copy.
        """
        with self._store.locked():
            try:
                compaction = compact(self._store)
            except StoreError:
                # Its rows may be compacted although the database could not be; there may be no room for this either.
                with contextlib.suppress(StoreError):
                    self._searcher.refresh_neighbors()
                raise
            self._searcher.refresh_neighbors()
        return replace(compaction, after=self._store.size())

    def tune(self, recall: float) -> None:
        """Have searches find at least this share of the 10 nearest passages, on average.

        It is measured against comparing every passage, with passages of the index as the queries; `info` has what was
        measured. Searches restricted to few passages, and those of small indexes, find all of them anyway.

        Args:
            recall: above 0 and at most 1; what an index is made with is .99.

        Raises:
            QueryError: the recall is another number.
            StoreError: another process is writing.
        """
        wanted = checked_recall(recall)
        with self._store.locked():
            with self._store.writing():
                self._store.set_setting("recall", wanted)
            self._searcher.refresh_neighbors()

    def get(self, id: str) -> Document:
        """Return the document called *id*.

        Raises:
            QueryError: there is none.
        """
        return self._searcher.document(id)

    def filter(self, condition: str, documents: Document | Iterable[Document] | None = None) -> Iterator[Document]:
        """Yield the documents that satisfy a condition, unchanged and in order.

        Args:
            condition: see `embedsearch.conditions`.
            documents: any documents, in the index or not; those of the index if None.

        Raises:
            QueryError: the condition cannot be read, or names what is not there.
            SourceError: one of *documents* is none.
        """
        verdicts = self._selector.judge(condition, documents, Wanted(rejected=False, all_measured=False))
        return (verdict.document for verdict in verdicts if verdict.passed)

    def judge(
        self,
        condition: str | None,
        documents: Document | Iterable[Document] | None = None,
        *,
        axes: str | Iterable[str] = (),
    ) -> Verdicts:
        """Give a verdict on each document, passed or not, with its coordinates on *axes*; in order.

        Raises:
            QueryError, AxisError: as `filter`.
        """
        return self._selector.judge(condition, documents, Wanted(axes=arguments.axis_names(axes)))

    def count(self, condition: str) -> Counts:
        """Count the documents of the index that satisfy a condition, and each of its parts; none of them is read.

        Raises:
            QueryError, AxisError: as `filter`.
        """
        return self._selector.count(condition)

    def sift(
        self,
        condition: str | None,
        documents: Document | Iterable[Document] | None = None,
        wanted: Wanted | None = None,
        *,
        rank: str | None = None,
    ) -> Verdicts:
        """Give verdicts that carry what is wanted; see `Selector.judge`.

        Args:
            condition: see `embedsearch.conditions`; None lets every document through.
            documents: any documents; those of the index if None.
            wanted: coordinates, reasons, and which verdicts at all.
            rank: an axis or ``near(...)`` that gives each verdict its score.

        Raises:
            QueryError, AxisError: as `filter`.
        """
        wanted = Wanted() if wanted is None else wanted
        require_kind("wanted", wanted, Wanted, "a Wanted of embedsearch.index, or None")
        return self._selector.judge(condition, documents, wanted, rank)

    def prepare(self, documents: Document | Iterable[Document]) -> int:
        """Embed documents into the cache and add none; return how many texts were encoded.

        They are embedded in batches that depend on the documents alone, so that whoever is interrupted and does this
        again gets the same vectors to the last digit.
        """
        verdicts = self._selector.judge(_ANYTHING, documents, Wanted())
        return sum(1 for _ in verdicts) and verdicts.embedded

    @contextmanager
    def trace(self) -> Iterator[Trace]:
        """Note how the queries made inside are answered: each step with its plan and time."""
        self._trace.steps, self._trace.is_on = [], True
        try:
            yield Trace(self._trace.steps)
        finally:
            self._trace.is_on = False

    def _axis_names(self, axes: str | Iterable[str] | None) -> list[str]:
        if axes is None:
            return self.axes.readable()
        names = arguments.axis_names(axes)
        if not names:
            raise AxisError("no axis is named; name one, or leave them out for all that there are")
        return names
