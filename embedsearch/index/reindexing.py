"""Embedding an index anew, with another encoder or in other passages."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from embedsearch.encoders import Encoder, Identity, identify, load_encoder, load_identified, require_encoder
from embedsearch.errors import AxisError, StoreError
from embedsearch.given import require_callables, require_path
from embedsearch.index.arguments import checked_overlap, require_count
from embedsearch.index.index import Index
from embedsearch.index.ingest import AddReport
from embedsearch.index.opening import open_index
from embedsearch.index.scaling import read_saved
from embedsearch.store import FittedRecord, Store, adopt, discard, is_index, unshare

_log = logging.getLogger("embedsearch")

Progress = Callable[[int, int, int], None]
Indexing = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Reindexing:
    """What a `reindex` did.

    Attributes:
        encoder: the name of the encoder that the index has now.
        documents: how many documents the index has.
        passages: how many passages it has now.
        embedded: how many passages were encoded in this run.
        axes: the names of the axes that were fitted anew.
    """

    encoder: str
    documents: int
    passages: int
    embedded: int
    axes: tuple[str, ...]


def reindex(
    path: str | os.PathLike[str],
    encoder: str | Encoder | None = None,
    *,
    chunk_words: int | None = None,
    overlap: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    indexing: Indexing | None = None,
) -> Reindexing:
    """Embed all documents of an index anew from their stored texts, and fit its axes anew.

    The work is done in a folder beside the index. The index serves as it was until the new state is whole and takes its
    place in one step. An interruption leaves that folder; the same call goes on from there and embeds nothing twice.
    Documents that are added, changed or removed meanwhile are taken over at the end. Labels stay, and so does an axis
    that cannot be read.

    Args:
        path: the folder of the index.
        encoder: the new encoder; if None, the index's own.
        chunk_words: the most words in a passage from now on; if None, as it is.
        overlap: the most words that a passage repeats from the one before, see `Index.create`; if None, as it is, or
            half a passage if that is less.
        cache: a folder of vectors that is shared with other indexes; see `Index.create`.
        progress: called with the numbers of documents and passages done, and of tokens encoded for them.
        indexing: called with the passages in the faiss file so far and the passages in all, while it is built.

    Raises:
        EncoderError: the encoder cannot be found.
        AxisError: an axis cannot be fitted with the new encoder; the index is as it was.
        QueryError: *chunk_words* or *overlap* makes no sense, or a callback cannot be called.
        StoreError: there is no index; a document in it is damaged; nothing would change; what was begun in that folder
            has another encoder or other passages; another process is writing; or the disk is full.
    """
    require_callables(progress=progress, indexing=indexing)
    folder = require_path("an index", path, error=StoreError).resolve()
    with closing(Store.open(folder)) as store:
        _discard_finished(store, _sibling(folder))
        new = _Target(store, encoder, chunk_words, overlap)
        with new.sibling(folder, cache) as index:
            state = _state(store)
            report = _filled(index, store, progress, indexing)
            with store.locked():
                if _state(store) != state:
                    report += _filled(index, store, progress, indexing)
                axes = _fitted(store, index)
                adopt(store, index._store, axes)
                names = tuple(axis.name for axis in axes)
                done = Reindexing(new.encoder.name, store.count_documents(), len(index), report.embedded, names)
                index.close()
                discard(_sibling(folder))
    return done


def _discard_finished(store: Store, place: Path) -> None:
    """Remove a sibling whose vectors and passages the index has already: it was interrupted after that."""
    if not is_index(place):
        return
    with closing(Store.open(place, damaged=True)) as sibling:
        is_finished = _made_with(sibling) == _made_with(store)
    if is_finished:
        with store.locked():
            discard(place)
        _log.warning("%s is removed: %s already has what was embedded there", place, store.path)


def _made_with(store: Store) -> tuple[object, ...]:
    identity = Identity.from_dict(store.setting("encoder")["identity"])
    return identity.key, store.setting("chunk_words"), store.setting("overlap")


class _Target:
    """What an index is to become: its encoder, and how its documents are divided."""

    def __init__(
        self, store: Store, encoder: str | Encoder | None, chunk_words: int | None, overlap: int | None
    ) -> None:
        held = store.setting("encoder")
        own_identity = Identity.from_dict(held["identity"])
        self.load: str
        self.encoder: Encoder
        if encoder is None:
            self.load, self.encoder = held["load"], load_identified(held["load"], own_identity)
        elif isinstance(encoder, str):
            self.load, self.encoder = encoder, load_encoder(encoder)
        else:
            require_encoder(encoder)
            self.load, self.encoder = encoder.name, encoder
        own = {name: store.setting(name) for name in ("chunk_words", "overlap")}
        words = own["chunk_words"] if chunk_words is None else require_count(chunk_words, "chunk_words")
        self.chunking = {"chunk_words": words, "overlap": checked_overlap(overlap, words, own["overlap"])}
        self.recall = store.setting("recall", None)
        if own_identity.key == identify(self.encoder).key and self.chunking == own:
            raise StoreError(
                f"{store.path} is embedded with {self.encoder.name!r} and divided like that already; "
                "name another encoder with --encoder, or other passages with --chunk-words"
            )

    def sibling(self, folder: Path, cache: str | os.PathLike[str] | None) -> Index:
        """Return the index beside the one in *folder* that is being made, begun or begun earlier."""
        place = _sibling(folder)
        if not is_index(place):
            recall = {} if self.recall is None else {"recall": self.recall}
            return Index.create(place, self.encoder, cache=cache, **self.chunking, **recall)
        unshare(place)
        index = open_index(place, cache=cache)
        held = index._embedding.identity
        begun = {name: index._store.setting(name) for name in self.chunking}
        if (held.key, begun) == (identify(self.encoder).key, self.chunking):
            index._embedding.encoder = self.encoder
            return index
        index.close()
        raise StoreError(
            f"{place} holds what was begun with encoder {held.name!r}, {_spelled(begun)}: "
            "go on with these, or remove that folder to start again"
        )


def _spelled(chunking: dict[str, int | None]) -> str:
    words = chunking["chunk_words"]
    most = "as many words as it reads" if words is None else f"{words} words"
    return f"{most} a passage, overlap {chunking['overlap']}"


def _sibling(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.reindexing")


def _state(store: Store) -> object:
    with store.reading():
        return store.database.state()


def _filled(index: Index, store: Store, progress: Progress | None, indexing: Indexing | None) -> AddReport:
    """Make *index* hold the documents that *store* holds."""
    if not store.count_documents():
        index.delete(index._store.ids(index._store.count_documents()))
        return AddReport()
    return index.sync(store.all_documents(), progress=progress, indexing=indexing)


def _fitted(store: Store, index: Index) -> list[FittedRecord]:
    """Return the axes of *store* fitted with the encoder of *index*; those that cannot be read stay as they are."""
    known, unreadable = read_saved(store.axes.all())
    for why in unreadable.values():
        _log.warning("%s", why)
    axes = [axis.axis for axis in known.values()]
    try:
        fitted = index.axes.save_all(axes, anew=True)
    except AxisError as error:
        raise AxisError(
            f"{error}. {store.path} is unchanged: correct or delete that axis, then run the command again; "
            "nothing is embedded twice"
        ) from error
    return [FittedRecord(axis.name, axis.to_dict(), fitted[axis.name].to_dict()) for axis in axes]
