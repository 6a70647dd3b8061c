"""A label: what a document was judged to be, by whom, and what proposed it."""

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
    """What a document was judged to be.

    Attributes:
        document: its id.
        value: 1 relevant, 0 not relevant, between them graded; None undecided.
        note: what was noted with it.
        author: who judged.
        time: when, UTC, ISO 8601.
        by: what had proposed it: ``likely``, ``uncertain``, ``random``, ``audit``, ``import``; empty for a document
            that was labelled unasked.
        rank: its place in that proposal, from 1; None where there was none.
        number: of the event, from 1.
        seen: `seen_of` the record that was judged; empty for labels of before it was kept.
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
        """Return the label that an event gave."""
        note, by, seen = (event.details.get(name, "") for name in ("note", "by", "seen"))
        rank = event.details.get("rank")
        return cls(event.document, event.value, note, event.author, event.time, by, rank, event.number, seen)

    @property
    def is_relevant(self) -> bool:
        """Does it count as relevant? A grade of 0.5 does; undecided does not."""
        return self.value is not None and self.value >= RELEVANT_FROM

    @property
    def name(self) -> str:
        """As `value_name`."""
        return value_name(self.value)

    def to_dict(self) -> dict[str, Any]:
        """Return the label as JSON values, its name as ``label``, without what was seen."""
        record = asdict(self)
        del record["seen"]
        return {"id": record.pop("document"), "label": self.name, **record}


@dataclass(frozen=True, slots=True)
class Decision:
    """A label on its way into an index.

    Attributes:
        document: the id.
        value: as for `label_value`.
        note: as for `Label`.
        author: the one who writes if None; empty for nobody in particular.
        by: what proposed it; found in the journal if None.
        time: ISO 8601; now if empty.
        seen: `seen_of` the record that was judged, which the document must still be; any if empty.
    """

    document: str
    value: Value
    note: str = ""
    author: str | None = None
    by: str | None = None
    time: str = ""
    seen: str = ""


def seen_of(title: str, text: str) -> str:
    """Return what differs where a record has another title or another text: 16 hexadecimal digits."""
    return hashlib.blake2b(f"{title}\n{text}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def label_value(value: Value) -> float | None:
    """Return the number of a label: ``relevant`` 1, ``not relevant`` 0, ``undecided`` None, a grade from 0 to 1.

    Raises:
        QueryError: it is none of these.
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
    """Return the shortest text that is read as the same number; ``undecided`` for None."""
    return "undecided" if value is None else repr(float(value)).removesuffix(".0")


def tidied(text: str) -> str:
    """Return a note as it is kept: without spaces around it, with spaces for control characters but line ends."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (" " if unicodedata.category(letter) == "Cc" and letter != "\n" else letter for letter in lines)
    return "".join(kept).strip()


def default_author() -> str:
    """Return who labels: ``EMBEDSEARCH_AUTHOR``, else the name of the account; empty where there is neither."""
    try:
        return os.environ.get(AUTHOR) or getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return ""


def now() -> str:
    """Return the time, UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
