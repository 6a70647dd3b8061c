"""A label: how a document was judged, by whom, and what proposed it."""

from __future__ import annotations

import getpass
import hashlib
import os
import unicodedata
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from numbers import Real
from typing import Any, Final

from embedsearch.errors import QueryError, did_you_mean
from embedsearch.store import Event
from embedsearch.wording import shown

IMPORT: Final = "import"
AUTHOR = "EMBEDSEARCH_AUTHOR"
RELEVANT_FROM = 0.5
VALUES: dict[str, float | None] = {"relevant": 1.0, "not relevant": 0.0, "undecided": None}

Value = str | float | None


@dataclass(frozen=True, slots=True)
class Label:
    """How a document was judged.

    Attributes:
        document: the document's id.
        value: 1 relevant, 0 not relevant, a grade between them; None undecided.
        note: the note kept with the label.
        author: who judged.
        time: when, UTC, ISO 8601.
        by: what had proposed the document: ``likely``, ``uncertain``, ``random``, ``audit``, ``import``; empty for a
            document that was labelled unasked.
        rank: the document's place in that proposal, from 1; None if there was no proposal.
        number: the number of the label's event, from 1.
        seen: `seen_of` the record that was judged; empty for labels older than this field.
    """

    document: str
    value: float | None
    note: str
    author: str
    time: str
    by: str
    rank: int | None
    number: int
    seen: str = ""

    @classmethod
    def of(cls, event: Event) -> Label:
        """Return the label that an event records."""
        note, by, seen = (event.details.get(name, "") for name in ("note", "by", "seen"))
        rank = event.details.get("rank")
        return cls(event.document, event.value, note, event.author, event.time, by, rank, event.number, seen)

    @property
    def is_relevant(self) -> bool:
        """Whether the label counts as relevant: a grade of 0.5 or more does, undecided does not."""
        return self.value is not None and self.value >= RELEVANT_FROM

    @property
    def name(self) -> str:
        """The value in words, as `value_name` writes it."""
        return value_name(self.value)

    def to_dict(self) -> dict[str, Any]:
        """Return the label as a dict of JSON values, with its name as ``label`` and without `seen`."""
        record = asdict(self)
        del record["seen"]
        return {"id": record.pop("document"), "label": self.name, **record}


@dataclass(frozen=True, slots=True)
class Decision:
    """A label that is still to be added to an index.

    Attributes:
        document: the document's id.
        value: a value as `label_value` takes it.
        note: a note to keep with the label.
        author: who judged; if None, whoever writes; empty for nobody in particular.
        by: what proposed the document; if None, it is looked up in the journal.
        time: ISO 8601; now if empty.
        seen: `seen_of` the record that was judged. The document must still be that record; if empty, it may be any.
    """

    document: str
    value: Value
    note: str = ""
    author: str | None = None
    by: str | None = None
    time: str = ""
    seen: str = ""


def seen_of(title: str, text: str) -> str:
    """Return a digest of a record's title and text, 16 hexadecimal digits: another title or text has another digest."""
    return hashlib.blake2b(f"{title}\n{text}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def label_value(value: Value) -> float | None:
    """Return a label as a number: ``relevant`` is 1, ``not relevant`` 0, ``undecided`` None; a grade is from 0 to 1.

    Raises:
        QueryError: *value* is none of these.
    """
    if isinstance(value, str):
        if value not in VALUES:
            raise QueryError(f"there is no label {value!r}.{did_you_mean(value, VALUES)} A grade is a number, 0 to 1")
        return VALUES[value]
    if value is not None and not (isinstance(value, Real) and 0 <= value <= 1):
        raise QueryError(f"a grade must be from 0 (not relevant) to 1 (relevant), not {shown(value)}")
    return None if value is None else float(value)


def value_name(value: float | None) -> str:
    """Return ``relevant``, ``not relevant``, ``undecided``, or the grade."""
    return next((name for name, known in VALUES.items() if known == value), value_text(value))


def value_text(value: float | None) -> str:
    """Return the shortest text that reads back as the same number; ``undecided`` for None."""
    return "undecided" if value is None else repr(float(value)).removesuffix(".0")


def tidied(text: str) -> str:
    """Return a note as it is kept: no spaces around it, and spaces for control characters other than line ends."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (" " if unicodedata.category(letter) == "Cc" and letter != "\n" else letter for letter in lines)
    return "".join(kept).strip()


def default_author() -> str:
    """Return who labels: ``EMBEDSEARCH_AUTHOR``, else the name of the account; empty if there is neither."""
    try:
        return os.environ.get(AUTHOR) or getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return ""


def moment_of(time: str) -> datetime | None:
    """Return the moment that a time in ISO 8601 names; one without a zone is UTC. None if it is written otherwise."""
    try:
        read = datetime.fromisoformat(time)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def now() -> str:
    """Return the current time, UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
