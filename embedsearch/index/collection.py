"""The documents of an index: adding, updating, removing, and filtering them."""

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
        """Wrap an open store; users call `Index.create` or `embedsearch.open` instead."""
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
            chunk_words: the most words in a passage; if None, as many as the encoder reads whole.
            overlap: the most words that a passage repeats from the one before, in whole sentences; at most half of
                *chunk_words*. If None, 25, or that half if it is less. No passage repeats more than half of itself.
            cache: a folder of vectors that several indexes share, so that none embeds what another has. If None, the
                folder in ``EMBEDSEARCH_CACHE``, if any. The index does not remember it.
            recall: the share of the 10 nearest passages that a search must find, on average; see `tune`.

        Raises:
            EncoderError: the encoder cannot be found, or *encoder* is not one.
            QueryError: *recall* is not above 0 and at most 1, or *chunk_words* or *overlap* makes no sense.
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
        """Show what the index holds, in a notebook."""
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
        """Release the files; the index cannot be used afterwards."""
        self._embedding.close()
        self._store.close()

    @property
    def identity(self) -> Identity:
        """What decides the vectors of the index's encoder, as the index remembers it; the encoder is not loaded."""
        return self._embedding.identity

    def info(self) -> dict[str, Any]:
        """Return facts about the index: at least documents, passages, encoder, dimension, bytes, format."""
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
        """Add documents, and update those whose id is in the index already; embed only what is new.

        Args:
            documents: one, or any iterable, such as `embedsearch.read` returns; only a batch is held in memory.
            progress: called with the numbers of documents and passages done, and of tokens encoded for them.
            indexing: called with the passages in the faiss file so far and the passages in all, while it is built.
            repeated: called with an error for each document whose id occurred before; the document is left out.

        Raises:
            SourceError: a document cannot be read or stored, or two have the same id and *repeated* is None. What came
                before is kept.
            QueryError: *progress*, *indexing* or *repeated* cannot be called.
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
        """Return what `add` would do with documents: how much is new, and how many tokens it would encode.

        Nothing is written, and no document is encoded.

        Args:
            documents: as for `add`.
            repeated: as for `add`.

        Raises:
            SourceError: where `add` would raise it.
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
        """Make the index equal to its sources: add, update, and remove what they no longer hold.

        A document is removed if it came from one of *sources* and is not among *documents*. A document stays if it came
        from elsewhere, or from a file or folder in which something could not be read and was skipped. Nothing is
        removed if reading stops at an error, or if there are no documents at all.

        Args:
            documents: everything that the sources hold now.
            sources: the file or folder that *documents* were read from, or several, such as you gave to
                `embedsearch.read`. If None, all documents that are not among *documents* are removed, whatever
                their source.
            progress: as for `add`.
            indexing: as for `add`.
            repeated: as for `add`.
            unread: files and folders in which something was skipped; looked at after *documents* have been read. If
                None, those that *documents* names itself, as the result of `embedsearch.read` does.

        Raises:
            QueryError: a source is not a path, or a callback cannot be called; nothing is changed.
            SourceError: as for `add`, or no document was read.
            StoreError: as for `add`.
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
        """Remove one document or several from the index, and return how many.

        Their texts remain in the files until the index is compacted.

        Raises:
            QueryError: an id is not a text, or not in the index; nothing is deleted.
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
        """Give the disk space of deleted and replaced documents back.

        Other processes can read meanwhile. An interruption at any moment leaves the index whole.

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
        """Set the share of the 10 nearest passages that searches must find, on average.

        The recall is measured against comparing every passage, with passages of the index as the queries; `info` has
        the figure. Searches restricted to few passages, and those of small indexes, find all of them anyway.

        Args:
            recall: above 0 and at most 1; `create` sets .99 unless told otherwise.

        Raises:
            QueryError: *recall* is outside that range.
            StoreError: another process is writing.
        """
        wanted = checked_recall(recall)
        with self._store.locked():
            with self._store.writing():
                self._store.set_setting("recall", wanted)
            self._searcher.refresh_neighbors()

    def get(self, id: str) -> Document:
        """Return the document with this id.

        Raises:
            QueryError: there is none.
        """
        return self._searcher.document(id)

    def filter(self, condition: str, documents: Document | Iterable[Document] | None = None) -> Iterator[Document]:
        """Yield the documents that satisfy a condition, unchanged and in order.

        Args:
            condition: such as ``predatoriness > p90 and year >= 2000``; see `embedsearch.conditions`.
            documents: any documents, in the index or not; if None, those of the index.

        Raises:
            QueryError: the condition cannot be read, or names something that does not exist (told with the first).
            AxisError: it names an axis that is damaged, or was fitted with another encoder; told likewise.
            SourceError: one of *documents* is not a `Document`.
        """
        source = arguments.text("the condition", condition)
        verdicts = self._selector.judge(source, documents, Wanted(rejected=False, all_measured=False))
        return (verdict.document for verdict in verdicts if verdict.passed)

    def judge(
        self,
        condition: str | None,
        documents: Document | Iterable[Document] | None = None,
        *,
        axes: str | Iterable[str] = (),
    ) -> Verdicts:
        """Return a verdict on each document, in order, with its coordinates on *axes*; without a condition all pass.

        Raises:
            QueryError, AxisError, SourceError: as for `filter`; AxisError also if one of *axes* does not exist.
        """
        return self._selector.judge(condition, documents, Wanted(axes=arguments.axis_names(axes)))

    def count(self, condition: str) -> Counts:
        """Count the documents of the index that satisfy a condition, and each of its parts, without reading them.

        Raises:
            QueryError, AxisError: as for `filter`, but all at once.
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
        """Return verdicts that carry what *wanted* asks for; see `Selector.judge`.

        Args:
            condition: see `embedsearch.conditions`; None lets every document through.
            documents: any documents; if None, those of the index.
            wanted: which coordinates and reasons the verdicts carry, and which verdicts are wanted at all.
            rank: an axis or a ``near(...)``, which gives each verdict its score.

        Raises:
            QueryError, AxisError, SourceError: as for `judge`.
        """
        wanted = Wanted() if wanted is None else wanted
        require_kind("wanted", wanted, Wanted, "a Wanted of embedsearch.index, or None")
        return self._selector.judge(condition, documents, wanted, rank)

    def prepare(self, documents: Document | Iterable[Document]) -> int:
        """Embed documents into the cache without adding them; return how many texts were encoded.

        The batches depend on the documents alone, so that the same call after an interruption gives the same vectors to
        the last digit.
        """
        verdicts = self._selector.judge(_ANYTHING, documents, Wanted())
        return sum(1 for _ in verdicts) and verdicts.embedded

    @contextmanager
    def trace(self) -> Iterator[Trace]:
        """Record how the queries inside the ``with`` block are answered: each step with its plan and its time."""
        self._trace.steps, self._trace.is_on = [], True
        try:
            yield Trace(self._trace.steps)
        finally:
            self._trace.is_on = False

    def _axis_names(self, axes: str | Iterable[str] | None) -> list[str]:
        if axes is None:
            return self.axes.readable()
        if not (names := arguments.axis_names(axes)):
            raise AxisError("no axis is named; name one, or leave them out for all that there are")
        return names
