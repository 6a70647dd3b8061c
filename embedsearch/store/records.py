"""The records that the store keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from embedsearch.documents import Document, Passage
from embedsearch.errors import SourceError

_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as the index keeps it, with the fields of its document."""

    row: int
    document: str
    position: int
    start: int
    end: int
    text: str
    title: str
    source: str
    metadata: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The passage's id: the document's id, with ``#position`` after it for all but the first passage.

        A document may have such an id, too. Only `document` and `position` together tell passages apart.
        """
        return self.document if self.position == 0 else f"{self.document}#{self.position}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A document that is about to be stored: its passages, each with the key of its vector."""

    document: Document
    passages: Sequence[Passage]
    keys: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document that the index already holds.

    Attributes:
        document: None if it is not what was written.
        run: the last ingest that met it.
    """

    document: Document | None
    run: int


@dataclass(frozen=True, slots=True)
class SavedAxis:
    """An axis as the index keeps it, as JSON values that `axes` understands."""

    name: str
    version: int
    saved: str
    definition: dict[str, Any]
    fitted: dict[str, Any]


class DocumentRecord(NamedTuple):
    """The columns of a document that its digest covers, in the order of the table."""

    id: str
    title: str
    source: str
    metadata: str
    text: str

    @classmethod
    def sealed(cls, document: Document) -> tuple[bytes, DocumentRecord]:
        """Return the digest and the record of a document.

        Raises:
            SourceError: it contains something that JSON or UTF-8 cannot hold.
        """
        with _storing(document):
            record = cls(document.id, document.title, document.source, _json(document), document.text)
            return _digest(record._content().encode()), record  # strict: lone surrogates are found here

    @property
    def digest(self) -> bytes:
        """16 bytes that change with any of the columns."""
        return _digest(self._content().encode("utf-8", "surrogatepass"))

    def _content(self) -> str:
        # Lengths go before the texts, so that no two records run together into the same. A flipped bit can make a
        # number of a text; str() of it is another text than was written.
        id, title, source, metadata, text = map(str, self)
        lengths = f"{len(id)} {len(title)} {len(source)} {len(metadata)} {len(text)}"
        return f"{lengths} {id}{title}{source}{metadata}{text}"

    def document(self) -> Document:
        """Return the document."""
        return Document(self.id, self.text, title=self.title, metadata=json.loads(self.metadata), source=self.source)


def require_storable(document: Document) -> None:
    """Refuse a document that the store could not hold, before anything is done with it.

    Raises:
        SourceError: it contains something that JSON or UTF-8 cannot hold.
    """
    with _storing(document):
        for text in (document.id, document.title, document.source, document.text, _json(document)):
            text.encode()


def is_same_metadata(one: Any, other: Any) -> bool:
    """Return whether two values are the same JSON values. To Python, 1, 1.0 and True are equal."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same_metadata(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same_metadata, one, other))
    if type(one) is not type(other) and any(isinstance(value, bool | float) for value in (one, other)):
        return False
    return bool(one == other)


@contextmanager
def _storing(document: Document) -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError) as error:  # a mapping of metadata can be changed after it was looked at
        raise SourceError(
            f"{document.source or 'a document'}: the document {document.id!r} cannot be stored: {error}. "
            "Wanted are texts without lone surrogates, and metadata that JSON can hold"
        ) from error


def _json(document: Document) -> str:
    return _JSON.encode(dict(document.metadata))


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
