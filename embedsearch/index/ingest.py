"""Adding documents to an index batch by batch, each batch whole or not at all."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePath

from embedsearch.documents import Document, Passage
from embedsearch.duplicates import Record, compare
from embedsearch.errors import SourceError, StoreError
from embedsearch.index.admitting import Admission, Refused, passages_of
from embedsearch.index.ahead import Ahead
from embedsearch.index.embedding import Embedding
from embedsearch.index.label import seen_of
from embedsearch.index.labels import IndexLabels
from embedsearch.index.origins import file_of, ids_from, remember_folder
from embedsearch.index.under_way import EmbeddingUnderWay
from embedsearch.index.unfamiliar import Unfamiliar
from embedsearch.store import Entry, HeldDocument, Store
from embedsearch.store.records import is_same_metadata, require_storable
from embedsearch.wording import count_of

_log = logging.getLogger("embedsearch")

# The passages of one transaction: an interruption loses at most these, and as many again that are being embedded behind
# them. If passages go by quickly, because they are known or the encoder is fast, a transaction takes more of them: each
# transaction has to wait for the disk, and among more texts, those that are embedded together are more alike in length
# (3% at 300 texts a second).
BATCH_PASSAGES = 512
BATCH_GROWTH = 64
_QUICK_SECONDS, _SLOW_SECONDS = 4.0, 10.0
_BATCH_CHARACTERS = 1 << 25  # of the texts of one transaction, which are held in memory
_COLLECT_AFTER = 100_000  # objects made and still alive
# So many documents are looked up together, before it is known how many passages they have.
_GROUP_DOCUMENTS = 256
_GROUP_CHARACTERS = 1 << 22
_SHOWN = 3  # ids in a warning

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True)
class AddReport:
    """What an ingest did, as numbers of documents and passages.

    Attributes:
        added: documents that were new.
        updated: documents whose text, title or other fields had changed.
        unchanged: documents that were in the index as they are.
        embedded: passages that were encoded.
        reused: passages of new and changed documents whose vectors the index already had.
        removed: documents that were removed because their sources no longer hold them.
        replaced: updated documents whose earlier version, under the same id, came from a file of another name.
        kept: documents that stay although their sources may no longer hold them, because something there was not read.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    embedded: int = 0
    reused: int = 0
    removed: int = 0
    replaced: int = 0
    kept: int = 0

    def __add__(self, other: AddReport) -> AddReport:
        names = self.__dataclass_fields__
        return AddReport(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def documents(self) -> int:
        """The number of documents that were read."""
        return self.added + self.updated + self.unchanged


@dataclass(slots=True)
class _Batch:
    """Documents that are committed together, sorted by what has to be done for them."""

    changed: list[tuple[Document, list[Passage], list[str]]] = field(default_factory=list)
    described: list[Document] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    size: int = 0
    characters: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    replaced: int = 0
    ids: set[str] = field(default_factory=set)
    mistaken: list[str] = field(default_factory=list)  # labelled documents that become other records

    def change(self, document: Document, passages: list[Passage], texts: list[str]) -> None:
        self.changed.append((document, passages, texts))
        self.size += max(1, len(passages))

    def describe(self, document: Document) -> None:
        self.described.append(document)
        self.size += 1


class Ingest:
    """One run of adding documents to a store."""

    def __init__(
        self, store: Store, embedding: Embedding, progress: Progress | None = None, refused: Refused | None = None
    ) -> None:
        """Prepare a run.

        Args:
            store: locked by the caller.
            embedding: of the same index.
            progress: told how many documents and passages are done, and how many tokens were encoded for them.
            refused: as for `Admission`.
        """
        self.store = store
        self.embedding = embedding
        self._progress = progress
        self._documents = 0
        self._passages = 0
        self._tokens = 0
        self._batch_size = BATCH_PASSAGES
        self._mistaken: list[str] = []
        self._under_way: set[str] = set()  # ids of the batch that is being embedded
        self._admission = Admission(store, refused)
        self._unfamiliar = Unfamiliar()
        store.upgrade()
        with store.writing():
            self.run = store.next_run()
            remember_folder(store, self.run)

    def add(self, documents: Iterable[Document]) -> AddReport:
        """Add or update *documents*; return what was done.

        Raises:
            SourceError: two of them have the same id.
        """
        total = AddReport()
        try:
            with fewer_collections(), self.store.keys.remembered(), Ahead() as ahead:
                for batch, under_way in self._begun(documents, ahead):
                    total += self._commit(batch, under_way)
        finally:
            self._tell_mistaken()
            self._unfamiliar.tell(self.store.path, self.embedding.identity.name)
        return total

    def _tell_mistaken(self) -> None:
        """Warn of labels that no longer belong to the records that they were given to."""
        if not self._mistaken:
            return
        count, shown = len(self._mistaken), ", ".join(map(repr, self._mistaken[:_SHOWN]))
        _log.warning(
            "%s: %s no longer the text that was judged: %s. The labels were given to the text before it. To undo this, "
            "ingest the earlier text again; then give records lasting ids, from a field: --id",
            self.store.path, count_of(count, "labelled id is", "labelled ids are"), shown + ", …" * (count > _SHOWN),
        )  # fmt: skip

    @cached_property
    def _labelled(self) -> dict[str, set[str]]:
        """The digest of each labelled document when it was labelled, by id; see `Label.seen`."""
        seen: dict[str, set[str]] = {}
        labels = IndexLabels(self.store)
        with suppress(StoreError):  # damaged labels, which verify reports, must not keep anybody from adding documents
            for label in (label for name in labels.names() for label in labels.named(name).values()):
                seen.setdefault(label.document, set()).add(label.seen)
        return seen

    def _is_mistaken(self, document: Document, held: Document | None) -> bool:
        """Return whether a label of the index will belong to another record than the one that was judged."""
        if document.id not in self._labelled:
            return False
        if held is not None:
            return not compare(Record.of(held), Record.of(document))
        return not self._labelled[document.id] & {"", seen_of(document.title, document.text)}

    def _begun(self, documents: Iterable[Document], ahead: Ahead) -> Iterator[tuple[_Batch, EmbeddingUnderWay]]:
        """Yield the batches, each when the next one has been read, divided, and queued behind it to be embedded."""
        waiting: tuple[_Batch, EmbeddingUnderWay] | None = None
        try:
            for batch in self._batches(documents):
                following = batch, self._begin(batch, ahead, waiting[1] if waiting else None)
                if waiting:
                    yield waiting
                waiting = following
        except SourceError:
            if waiting:
                yield waiting
            raise
        if waiting:
            yield waiting

    def _pace(self, seconds: float) -> None:
        """Set the size of the next transaction by how long the last one took."""
        if seconds < _QUICK_SECONDS:
            self._batch_size = min(2 * self._batch_size, BATCH_GROWTH * BATCH_PASSAGES)
        elif seconds > _SLOW_SECONDS:
            self._batch_size = max(self._batch_size // 2, BATCH_PASSAGES)

    def sync(
        self, documents: Iterable[Document], sources: Sequence[str] | None, unread: Callable[[], Sequence[str]]
    ) -> AddReport:
        """Add or update *documents*, and take out those that came from *sources* earlier and are not among them.

        Args:
            documents: all that the sources hold.
            sources: files and folders, as they were given to `embedsearch.read`; wherever they came from if None.
            unread: returns those in which something was not read, once *documents* have been. Nobody knows whether what
                came from there is there still, so that it stays.

        Raises:
            SourceError: as `add`, or no document was read.
        """
        report = self.add(documents)
        if not report.documents:
            raise SourceError(
                "no document was read from the sources, so none was removed from the index; "
                "delete documents by their ids if that is what you want"
            )
        removed, kept = self._remove_unmet(sources, unread())
        return report + AddReport(removed=removed, kept=kept)

    def _remove_unmet(self, sources: Sequence[str] | None, unread: Sequence[str]) -> tuple[int, int]:
        """Remove documents from *sources* that this run has not met; return how many, and how many are kept."""
        if sources is None:
            gone = [id for id, _, _ in self.store.sources_before(self.run)]
        else:
            gone = ids_from(sources, self.store, before=self.run)
        kept = set(ids_from(unread, self.store, before=self.run)) if unread else set()
        removed = [id for id in gone if id not in kept]
        with self.store.writing():
            self.store.remove(removed)
        return len(removed), len(gone) - len(removed)

    def _batches(self, documents: Iterable[Document]) -> Iterator[_Batch]:
        batch = _Batch()
        try:
            for group in grouped(documents):
                held = self.store.held([document.id for document in group])
                # The database did not know these documents yet when it was asked.
                pending = {one.id for one in group if one.id in batch.ids or one.id in self._under_way}
                for document in group:
                    known = held.get(document.id)
                    is_repeated = document.id in pending or (known is not None and known.run == self.run)
                    if not self._admission.admits(document, known, is_repeated=is_repeated):
                        continue
                    pending.add(document.id)
                    batch.ids.add(document.id)
                    self._sort(_without_record(document), known, batch)
                    batch.characters += len(document.text)
                    if batch.size >= self._batch_size or batch.characters >= _BATCH_CHARACTERS:
                        yield batch
                        batch = _Batch()
        except SourceError:
            # What was read before the broken record is good and is kept.
            yield batch
            raise
        yield batch

    def _sort(self, document: Document, known: HeldDocument | None, batch: _Batch) -> None:
        held = known.document if known else None
        is_elsewhere = held is not None and _is_from_elsewhere(document, held)
        if held is not None and (held.text, held.title) == (document.text, document.title):
            batch.describe(document)
            same = is_same_metadata(held.metadata, document.metadata)
            batch.unchanged += same
            batch.updated += not same
            batch.replaced += is_elsewhere and not same
            return
        passages, texts = passages_of(document, self.embedding)
        self._unfamiliar.look_at(document, self.embedding.encoder)
        batch.change(document, passages, texts)
        if self._is_mistaken(document, held):
            batch.mistaken.append(document.id)
        batch.added += known is None
        batch.updated += known is not None
        batch.replaced += is_elsewhere

    def _begin(self, batch: _Batch, ahead: Ahead, before: EmbeddingUnderWay | None) -> EmbeddingUnderWay:
        texts = [text for _, _, texts in batch.changed for text in texts]
        batch.keys = [self.embedding.key(text) for text in texts]
        self._under_way = batch.ids
        return self.embedding.begin(texts, batch.keys, ahead=ahead, before=before)

    def _commit(self, batch: _Batch, under_way: EmbeddingUnderWay) -> AddReport:
        began = time.perf_counter()
        vectors, embedded = under_way.finish(self._teller(len(batch.ids), len(batch.keys)))
        entries, start = [], 0
        for document, passages, _ in batch.changed:
            end = start + len(passages)
            entries.append(Entry(document, passages, batch.keys[start:end]))
            start = end
        with self.store.writing():
            if entries:
                self.store.put(entries, vectors, self.run)
            self.store.describe(batch.described, self.run)
            if batch.updated:
                self.store.changed(self.store.rows)
            self.embedding.record_engine(embedded)
        self._mistaken += batch.mistaken
        self._documents += len(batch.ids)
        if self._progress:
            self._progress(self._documents, self._passages, self._tokens)
        self._pace(time.perf_counter() - began)
        reused = len(batch.keys) - embedded
        return AddReport(batch.added, batch.updated, batch.unchanged, embedded, reused, replaced=batch.replaced)

    def _teller(self, documents: int, passages: int) -> Callable[[int, int], None] | None:
        """Return a function that reports progress within a batch: documents in proportion to the passages done."""
        before, told = self._passages, self._progress
        if told is None:
            return None

        def tell(more: int, tokens: int) -> None:
            self._passages += more
            self._tokens += tokens
            share = (self._passages - before) / max(1, passages)
            told(self._documents + int(share * documents), self._passages, self._tokens)

        return tell


def grouped(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Yield the documents in groups to look up; a group is yielded before an error in reading is raised.

    Raises:
        SourceError: a document cannot be read, or the store cannot hold it.
    """
    group: list[Document] = []
    characters = 0
    try:
        for document in documents:
            require_storable(document)
            group.append(document)
            characters += max(len(document.text), len(document.record))  # a mail's record has what is attached to it
            if len(group) >= _GROUP_DOCUMENTS or characters >= _GROUP_CHARACTERS:
                yield group
                group, characters = [], 0
    except SourceError:
        yield group
        raise
    yield group


@contextmanager
def fewer_collections() -> Iterator[None]:
    """Have Python look for cycles of objects less often: it took an eighth of the time, and there are hardly any."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _is_from_elsewhere(document: Document, held: Document) -> bool:
    """Return whether the document that is held came from a file of another name; a folder may be named in many ways."""
    files = {PurePath(file_of(one.source)).name for one in (document, held)}
    return len(files) == 2 and "" not in files


def _without_record(document: Document) -> Document:
    return replace(document, record="", header="") if document.record or document.header else document
