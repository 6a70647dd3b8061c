"""What the store keeps, and the checksums that tell whether it is still what was written."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from embedsearch.documents import Document, Passage
from embedsearch.errors import SourceError
from embedsearch.vectors import Vectors


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as the index keeps it, with what its document says of itself."""

    row: int
    document: str
    position: int
    start: int
    end: int
    text: str
    title: str
    source: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A document on its way into the store: its passages, each with its key and its vector."""

    document: Document
    passages: Sequence[Passage]
    keys: Sequence[bytes]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document that the index holds already.

    Attributes:
        document: None where it is not what was written.
        run: the last ingest that met it.
    """

    document: Document | None
    run: int


@dataclass(frozen=True, slots=True)
class SavedAxis:
    """An axis as the index keeps it: JSON values that `axes` understands."""

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
    def of(cls, document: Document) -> DocumentRecord:
        """Return the record of *document*.

        Raises:
            SourceError: it holds what neither JSON nor UTF-8 can.
        """
        try:
            metadata = json.dumps(dict(document.metadata), ensure_ascii=False, allow_nan=False)
            record = cls(document.id, document.title, document.source, metadata, document.text)
            "".join(record).encode()
        except (TypeError, ValueError) as error:
            raise SourceError(
                f"{document.source or 'a document'}: the document {document.id!r} cannot be stored: {error}. "
                "Wanted are texts without lone surrogates, and metadata that JSON can hold (no NaN)"
            ) from error
        return record

    @property
    def digest(self) -> bytes:
        """16 bytes that change with any of the columns."""
        # Lengths go before the texts, so that no two records run together into the same bytes.
        encoded = [column.encode("utf-8", "surrogatepass") for column in self]
        lengths = struct.pack(f"<{len(encoded)}q", *map(len, encoded))
        return hashlib.blake2b(lengths + b"".join(encoded), digest_size=16).digest()

    def document(self) -> Document:
        """Return the document."""
        return Document(self.id, self.text, title=self.title, metadata=json.loads(self.metadata), source=self.source)


def checksum(key: bytes, vector: Any) -> int:
    """Return the CRC-32 of a passage's key and its vector: which vector belongs to which text."""
    return zlib.crc32(np.ascontiguousarray(vector, dtype="<f4").data, zlib.crc32(key))


def seal(document: str, position: int, start: int, end: int) -> int:
    """Return the CRC-32 of what a passage's record says besides: whose it is and where it lies."""
    return zlib.crc32(struct.pack("<qqq", position, start, end), zlib.crc32(document.encode("utf-8", "surrogatepass")))
