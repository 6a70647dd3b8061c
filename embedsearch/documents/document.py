"""Documents, as the user gave them, and passages, the pieces of them that are embedded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from embedsearch.documents.json_values import json_fields
from embedsearch.errors import SourceError
from embedsearch.wording import shown

LINE_BREAKS = "\n\r"  # none in an id: lists of ids have one a line


class Encoding(NamedTuple):
    """The encoding of a source.

    Attributes:
        name: the name by which Python knows it, such as ``utf-8``.
        mark: the byte order mark at the beginning of the source; empty if it has none.
    """

    name: str
    mark: bytes = b""


@dataclass(frozen=True, slots=True)
class Document:
    """A text with an id, as it was read from a source.

    Attributes:
        id: unique within an index.
        text: the text that is embedded and searched.
        title: short, may be empty.
        metadata: the record's other fields as JSON values; other Python values are converted, see
            `embedsearch.documents.json_values.json_fields`. Values of CSV files stay texts.
        source: the place that messages name, such as ``articles.jsonl:12``.
        record: the record exactly as it stood in a line-based source, with its line end; else empty.
        header: the header line that such a record needs, exactly as it stood; empty if none is needed.
        encoding: the encoding of the record and its header in the source; None if there is no record.
    """

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    record: str = ""
    header: str = ""
    encoding: Encoding | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse what SQLite and the tokenizers would take for something else, and make JSON values of the metadata.

        Raises:
            SourceError: id, text, title or source is no text, or the metadata is no mapping of texts to what has a
                JSON value.
        """
        for name, value in (("id", self.id), ("text", self.text), ("title", self.title), ("source", self.source)):
            if not isinstance(value, str):
                where = self.source if isinstance(self.source, str) and self.source else "a document"
                raise SourceError(
                    f"{where}: its {name} is {shown(value)} ({type(value).__name__}), wanted a text; "
                    f"give str(…), and leave out what has none"
                )
        if not isinstance(self.metadata, Mapping):
            raise SourceError(
                f"{self.source or self.id}: its metadata is {shown(self.metadata)}, wanted a dict, or nothing"
            )
        try:
            object.__setattr__(self, "metadata", json_fields(self.metadata))
        except ValueError as error:
            raise SourceError(f"{self.source or 'a document'}: the metadata of {self.id!r}: {error}") from error


@dataclass(frozen=True, slots=True)
class Passage:
    """The characters from *start* up to *end* of a document's text.

    Attributes:
        document: the document's id.
        position: 0 for the document's first passage.
        start: the offset of the first character, from 0.
        end: the offset just after the last character.
        text: ``document.text[start:end]``.
    """

    document: str
    position: int
    start: int
    end: int
    text: str
