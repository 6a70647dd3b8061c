"""Checking whether everything in an index folder is what was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from embedsearch.documents import Document
from embedsearch.errors import StoreError
from embedsearch.store.checksums import is_intact, seal
from embedsearch.store.database import DATABASE, record_checksum
from embedsearch.store.records import DocumentRecord
from embedsearch.store.store import Store
from embedsearch.vectors import Vectors

KeysOf = Callable[[Document, str], Sequence[bytes]]
Progress = Callable[[int, int], None]

_DOCUMENTS_AT_ONCE = 256
_INGEST = "ingest the sources again"
ANEW = "ingest the sources again into a new folder"  # what helps where the database itself is damaged
_REPAIR = "embedsearch verify --repair"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written.

    Attributes:
        file: the name of the file in the folder.
        what: what is wrong with it.
        remedy: what helps.
    """

    file: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what} ({self.remedy})"


@dataclass(slots=True)
class Inspection:
    """What a check found.

    Attributes:
        findings: what is wrong; empty if nothing is.
        rows: the rows of passages whose vectors are not what was written.
        checked: how many documents were looked at.
    """

    findings: list[Finding] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    checked: int = 0

    def add(self, file: str, what: str, remedy: str) -> None:
        """Note something that is wrong."""
        self.findings.append(Finding(file, what, remedy))

    def mend_first(self) -> None:
        """Advise to repair the database before everything is ingested again, if it can be repaired in part.

        An entry that an index of SQLite has lost, for example, hides its passage from all other checks.
        """
        if any((one.file, one.remedy) == (DATABASE, _REPAIR) for one in self.findings):
            later = f"{_REPAIR}; if this is still found afterwards, {ANEW}"
            self.findings = [replace(one, remedy=later) if one.remedy == ANEW else one for one in self.findings]


def inspect(store: Store, keys_of: KeysOf, progress: Progress | None = None) -> Inspection:
    """Check the database and the vectors of an open store.

    Args:
        store: may have been opened with ``damaged=True``.
        keys_of: returns the keys that a passage of a document may have, from the passage's text.
        progress: called with the documents done so far and the documents in all.
    """
    inspector = _Inspector(store, keys_of, progress)
    with store.reading():
        for check in (
            inspector.structure,
            inspector.small_records,
            inspector.labels,
            inspector.documents,
            inspector.rows,
            inspector.keys,
            inspector.words,
        ):
            try:
                check()
            except StoreError as error:
                inspector.found.add(DATABASE, str(error), ANEW)
    inspector.summarize_vectors()
    inspector.found.mend_first()
    return inspector.found


class _Inspector:
    """One check of a store."""

    def __init__(self, store: Store, keys_of: KeysOf, progress: Progress | None) -> None:
        self.store = store
        self.keys_of = keys_of
        self.progress = progress
        self.found = Inspection()
        self.live: list[int] = []

    def structure(self) -> None:
        """Have SQLite check its pages, indexes and references."""
        database = self.store.database
        for (complaint,) in database.query("PRAGMA integrity_check(20)"):
            if complaint != "ok":
                remedy = _REPAIR if "index" in complaint else ANEW
                self.found.add(DATABASE, complaint, remedy)
        for table, row, *_ in database.query("PRAGMA foreign_key_check"):
            self.found.add(DATABASE, f"record {row} of {table} belongs to no document", ANEW)

    def small_records(self) -> None:
        """Check settings and axes against their checksums."""
        for name, value, written in self.store.database.query("SELECT name, value, checksum FROM settings"):
            if record_checksum(name, value) != written:
                self.found.add(DATABASE, f"the setting {name!r} is not what was written", ANEW)
        for name, axis in self.store.axes.all().items():
            if axis is None:
                remedy = f"embedsearch axes fit FILE with its definition, or embedsearch axes delete {name!r}"
                self.found.add(DATABASE, f"the axis {name!r} is not what was written", remedy)

    def labels(self) -> None:
        """Check every event of the screenings."""
        for number in self.store.labels.damaged():
            self.found.add(DATABASE, f"event {number} of the labels is not what was written", _REPAIR)

    def documents(self) -> None:
        """Check every document with its passages and their vectors."""
        total, vectors = self.store.count_documents(), self.store.held_vectors()
        for digest, record, passages in self._parts():
            document = record.document() if record.digest == digest else None
            if document is None:
                self.found.add(DATABASE, f"document {record.id!r} is not what was written", _INGEST)
            self._passages(record.id, document, passages)
            self._vectors(passages, vectors)
            self.live += [passage[0] for passage in passages]
            self.found.checked += 1
            if self.progress and self.found.checked % _DOCUMENTS_AT_ONCE == 0:
                self.progress(self.found.checked, total)

    def _parts(self) -> Iterator[tuple[bytes, DocumentRecord, list[Any]]]:
        """Yield the digest, record and passages of every document."""
        last = -1
        query = self.store.database.query
        while documents := query(
            "SELECT number, digest, id, title, source, metadata, text FROM documents WHERE number > ? "
            "ORDER BY number LIMIT ?",
            (last, _DOCUMENTS_AT_ONCE),
        ):
            first, last = documents[0][0], documents[-1][0]
            passages = query(
                "SELECT row, document, position, start, end, seal, key, checksum FROM passages "
                "WHERE document BETWEEN ? AND ? ORDER BY document, position",
                (first, last),
            )
            own = {number: list(group) for number, group in groupby(passages, key=itemgetter(1))}
            for number, digest, *columns in documents:
                yield digest, DocumentRecord(*columns), own.get(number, [])

    def _passages(self, id: str, document: Document | None, passages: Sequence[Any]) -> None:
        for expected, (row, _, position, start, end, sealed, key, _) in enumerate(passages):
            wrong = ""
            if seal(id, position, start, end) != sealed:
                wrong = "is not what was written"
            elif position != expected:
                wrong = f"is number {position} of its document, where number {expected} is wanted"
            elif document is None:
                continue
            elif not 0 <= start <= end <= len(document.text):
                wrong = f"reaches from {start} to {end} in a text of {len(document.text)} characters"
            elif key not in self.keys_of(document, document.text[start:end]):
                wrong = "has the key of another text"
            if wrong:
                # Its document is what was ingested, so that the same again would change nothing.
                remedy = f"embedsearch delete {id!r}, and ingest its source again"
                self.found.add(DATABASE, f"the passage of row {row}, of document {id!r}, {wrong}", remedy)

    def _vectors(self, passages: Sequence[Any], vectors: Vectors) -> None:
        for row, *_, key, written in passages:
            if not is_intact(vectors, row, key, written):
                self.found.rows.append(row)

    def rows(self) -> None:
        """Check that every row is either a passage's or dead."""
        count = self.store.rows
        uses = np.zeros(count, dtype=np.int64)
        dead = [row for (row,) in self.store.database.query("SELECT row FROM dead")]
        for name, rows in (("passages", self.live), ("dead rows", dead)):
            used = np.array(rows, dtype=np.int64)
            inside = (used >= 0) & (used < count)
            if not inside.all():
                self.found.add(DATABASE, f"{name} name row {used[~inside][0]} where {count:,} rows are recorded", ANEW)
            np.add.at(uses, used[inside], 1)
        for row in np.flatnonzero(uses != 1)[:20]:
            self.found.add(DATABASE, f"row {row} is named {uses[row]} times, wanted once", ANEW)

    def keys(self) -> None:
        """Check that every vector is found by its key."""
        if fault := self.store.keys.fault():
            self.found.add(DATABASE, fault, _REPAIR)

    def words(self) -> None:
        """Check that the full text holds the words of the documents."""
        if fault := self.store.fulltext.fault():
            self.found.add(DATABASE, fault, _REPAIR)

    def summarize_vectors(self) -> None:
        """Note the damaged vectors, neighbouring rows together."""
        self.found.rows.sort()
        name = self.store.vectors_file.name
        for first, last in _runs(self.found.rows):
            which = f"row {first} is" if first == last else f"rows {first} to {last} are"
            self.found.add(name, f"{which} not what was written", _REPAIR)


def _runs(rows: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each run of neighbouring *rows*, which ascend."""
    for _, group in groupby(enumerate(rows), key=lambda pair: pair[1] - pair[0]):
        run = [row for _, row in group]
        yield run[0], run[-1]
