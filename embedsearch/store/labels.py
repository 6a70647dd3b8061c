"""What was decided in screenings: a journal in the database that only grows.

Nothing in it is changed or removed. A label that was a mistake is followed by an event that undoes it, and the
labels in force are what follows from all events in order. Documents are named by their ids, so that labels
outlive a document that is removed, and are in force again when it comes back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from embedsearch.store.database import Database, record_checksum

Kind = Literal["label", "undo", "import", "settings", "audit", "shown", "lost"]
LOST: Kind = "lost"

# One statement each: sqlite3 commits what is open before it runs a script.
STATEMENTS = (
    """CREATE TABLE labels (
    number INTEGER PRIMARY KEY,
    screening TEXT NOT NULL,
    kind TEXT NOT NULL,
    document TEXT NOT NULL,
    value REAL,
    author TEXT NOT NULL,
    time TEXT NOT NULL,
    details TEXT NOT NULL,
    checksum INTEGER NOT NULL
)""",
    "CREATE TRIGGER labels_stay BEFORE UPDATE ON labels\nBEGIN SELECT RAISE(ABORT, 'labels are never changed'); END",
    "CREATE TRIGGER labels_last BEFORE DELETE ON labels\nBEGIN SELECT RAISE(ABORT, 'labels are never taken out'); END",
)
SCHEMA = "".join(f"{statement};\n" for statement in STATEMENTS)
_COLUMNS = "number, screening, kind, document, value, author, time, details"
_FETCHED = 4096


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a screening.

    Attributes:
        number: from 1, in the order in which things happened, over all screenings of the index; 0 before it is kept.
        screening: the name of the screening.
        kind: ``label``; ``undo``, of the label whose number is ``details["undoes"]``; ``import``, of a file whose
            labels are the ``details["labels"]`` events that follow; ``settings``; ``audit``, a sample drawn at random;
            ``shown``, records that were proposed for reading; ``lost``, a damaged event that a repair has set aside.
        document: the id of the document that was labelled; empty for other kinds.
        value: of a label: 1 relevant, 0 not relevant, a grade between them; None undecided.
        author: who did it; may be empty.
        time: when, UTC, ISO 8601.
        details: JSON values, depending on the kind.
    """

    number: int
    screening: str
    kind: Kind
    document: str
    value: float | None
    author: str
    time: str
    details: Mapping[str, Any]


class _Record(NamedTuple):
    """The columns that the checksum covers, in their order."""

    number: int
    screening: str
    kind: str
    document: str
    value: float | None
    author: str
    time: str
    details: str


class LabelJournal:
    """The events of all screenings of one open index."""

    def __init__(self, database: Database) -> None:
        """Read nothing yet."""
        self._database = database

    @property
    def exists(self) -> bool:
        """Whether the index has room for labels; one of format 1 has none until the first label is written."""
        return bool(self._database.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'labels'"))

    def count(self) -> int:
        """Return how many events there are, over all screenings."""
        return int(self._database.query("SELECT coalesce(max(number), 0) FROM labels")[0][0]) if self.exists else 0

    def append(self, events: Sequence[Event]) -> list[Event]:
        """Keep *events* under the next numbers and return them with these; inside `writing`, where `exists`."""
        first = self.count() + 1
        kept, records = [], []
        for number, event in enumerate(events, start=first):
            columns = (event.screening, event.kind, event.document, event.value, event.author, event.time)
            kept.append(Event(number, *columns, event.details))
            record = _Record(number, *columns, json.dumps(dict(event.details), ensure_ascii=False))
            records.append((*record, record_checksum(*record)))
        self._database.execute_many(f"INSERT INTO labels VALUES ({', '.join('?' * 9)})", records)
        return kept

    def events(self, *, after: int = 0) -> Iterator[Event]:
        """Yield the events behind number *after*, in their order.

        Raises:
            StoreError: one is not what was written, or missing.
        """
        expected = after + 1
        for record, written in self._records(after):
            if record.number != expected or record_checksum(*record) != written:
                raise self._database.damaged(f"event {expected} of the labels is not what was written")
            expected += 1
            yield Event(
                record.number, record.screening, record.kind, record.document, record.value,  # type: ignore[arg-type]
                record.author, record.time, json.loads(record.details),
            )  # fmt: skip

    def damaged(self) -> list[int]:
        """Return the numbers of the events that are not what was written, or missing; ascending."""
        found: list[int] = []
        expected = 1
        for record, written in self._records(0):
            found += range(expected, record.number)
            if record_checksum(*record) != written:
                found.append(record.number)
            expected = record.number + 1
        return found

    def set_aside(self, numbers: Sequence[int], time: str) -> None:
        """Put in the place of damaged events that they are lost; inside `writing`."""
        for number in numbers:
            record = _Record(number, "", LOST, "", None, "", time, "{}")
            # OR REPLACE passes by the triggers that keep events from being taken out.
            self._database.execute(
                f"INSERT OR REPLACE INTO labels VALUES ({', '.join('?' * 9)})", (*record, record_checksum(*record))
            )

    def _records(self, after: int) -> Iterator[tuple[_Record, int]]:
        if not self.exists:
            return
        statement = f"SELECT {_COLUMNS}, checksum FROM labels WHERE number > ? ORDER BY number LIMIT ?"
        while found := self._database.query(statement, (after, _FETCHED)):
            for *columns, written in found:
                yield _Record(*columns), written
            after = found[-1][0]
