"""Checking a whole index, and repairing what can be made again from what is left."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedsearch.documents import Document
from embedsearch.encoders import Encoder, load_encoder
from embedsearch.errors import OutOfReachError, StoreError
from embedsearch.index.embedding import Embedding
from embedsearch.index.label import now
from embedsearch.index.nearby import Nearby
from embedsearch.neighbors import complaint
from embedsearch.store import ANEW, Finding, Inspection, Store, inspect

Progress = Callable[[int, int], None]
_MENDED_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of an index found.

    Attributes:
        path: the folder.
        documents: how many documents were checked.
        findings: what is wrong; empty if nothing is.
        embedded: how many passages were embedded anew, if repair was asked for.
    """

    path: str
    documents: int
    findings: tuple[Finding, ...]
    embedded: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether everything is as it was written."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return the verification as a dict of JSON values."""
        findings = [{"file": one.file, "what": one.what, "remedy": one.remedy} for one in self.findings]
        counts = {"documents": self.documents, "embedded": self.embedded}
        return {"path": self.path, "sound": self.is_sound, **counts, "findings": findings}


def verify(path: str | os.PathLike[str], *, progress: Progress | None = None) -> Verification:
    """Check every document, passage, vector and file of an index against its checksum; change nothing.

    Args:
        path: the folder.
        progress: called with the documents done so far and the documents in all.

    Raises:
        StoreError: there is no index.
    """
    folder = Path(path)
    try:
        store = Store.open(folder, damaged=True)
    except OutOfReachError:
        raise
    except StoreError as error:
        if not os.access(folder / "index.db", os.R_OK):
            raise
        return Verification(str(folder), 0, (Finding("index.db", str(error), ANEW),))
    try:
        found = _inspected(store, progress)
    finally:
        store.close()
    return Verification(str(folder), found.checked, tuple(found.findings))


def repair(
    path: str | os.PathLike[str], encoder: str | Encoder | None = None, *, progress: Progress | None = None
) -> Verification:
    """Repair what can be made again: damaged vectors, SQLite's indexes, keys, the full text, the faiss file.

    Passages that are embedded anew get new rows; `Index.compact` gives the disk space of the damaged ones back. A
    damaged event of the labels is set aside, and a note in its place says that it is lost. Damage that cannot be
    repaired here is returned with advice, such as ingesting the source of a damaged document again. An interruption
    leaves the index as it was, or partly repaired; the same call goes on from there.

    Args:
        path: the folder.
        encoder: the index's own encoder; if None, it is found by the name that the index keeps. It is loaded only if
            it is needed.
        progress: as for `verify`.

    Returns:
        What is still wrong afterwards.

    Raises:
        StoreError: there is no index, another process is writing, or the database cannot be opened.
    """
    with closing(Store.open(path, damaged=True)) as store, store.locked():
        with closing(Embedding(store, load_encoder(encoder) if isinstance(encoder, str) else encoder)) as embedding:
            found = _inspected(store, progress)
            if any(finding.file == "index.db" for finding in found.findings):
                store.database.execute("REINDEX")
                with store.writing():
                    store.rebuild()
                    store.labels.set_aside(store.labels.damaged(), now())
            embedded = _mend_vectors(store, embedding, found.rows)
        Nearby(store).rebuild()
        found = _inspected(store, progress)
    return Verification(str(path), found.checked, tuple(found.findings), embedded)


def _inspected(store: Store, progress: Progress | None) -> Inspection:
    try:
        embedding = Embedding(store)
        found = inspect(store, lambda document, text: [embedding.key(one) for one in _texts(document, text)], progress)
        _check_neighbors(store, found)
    except OutOfReachError:
        raise
    except StoreError as error:
        found = Inspection()
        found.add("index.db", str(error), ANEW)
    return found


def _texts(document: Document, passage: str) -> tuple[str, str]:
    """Return the texts that may have been embedded for a passage; see `Embedding.passages_of`."""
    return f"{document.title.strip()}\n{passage}", passage


def _check_neighbors(store: Store, found: Inspection) -> None:
    with store.reading():
        stamp = store.setting("neighbors", None)
        if not stamp:
            return
        file, _ = store.neighbors()
        name, rows = store.neighbors_file.name, store.rows
        if not store.neighbors_file.is_file():
            wrong = "is missing"
        elif file is None:
            wrong = "is not what was written"
        elif stamp["rows"] > rows:
            wrong = f"covers {stamp['rows']:,} rows, where {rows:,} are recorded"
        else:
            wrong = complaint(file, store.dimension, stamp["rows"])
    if wrong:
        found.add(name, wrong, "embedsearch verify --repair")


def _mend_vectors(store: Store, embedding: Embedding, rows: Sequence[int]) -> int:
    """Embed the passages in *rows* anew, as far as their texts are whole; return how many."""
    mended = 0
    for start in range(0, len(rows), _MENDED_AT_ONCE):
        texts = _embedded_texts(store, embedding, rows[start : start + _MENDED_AT_ONCE])
        if not texts:
            continue
        keys = [embedding.key(text) for text in texts.values()]
        vectors = embedding.encoded(list(texts.values()))
        with store.writing():
            store.replace_vectors(list(texts), keys, vectors)
        mended += len(texts)
    if mended:
        # Once, not after each batch: until then a key may lead to a wrong row, which costs one embedding at most.
        with store.writing():
            store.keys.rebuild()
    return mended


def _embedded_texts(store: Store, embedding: Embedding, rows: Sequence[int]) -> dict[int, str]:
    """Return the texts whose vectors belong in rows, by row; rows whose passage is itself damaged are left out."""
    texts = {}
    for row, key, document, start, end in store.whole_passages(rows):
        for text in _texts(document, document.text[start:end]):
            if embedding.key(text) == key:
                texts[row] = text
                break
    return texts
