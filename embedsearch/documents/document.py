"""What the user gave, and the pieces of it that are embedded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from embedsearch.errors import SourceError

LINE_BREAKS = "\n\r"  # none in an id: lists of ids have one a line


@dataclass(frozen=True, slots=True)
class Document:
    """A text with an id, as it was read from a source.

    Attributes:
        id: unique within an index.
        text: what is embedded and searched.
        title: short, may be empty.
        metadata: the record's other fields, JSON values; values of CSV files stay texts.
        source: the place a message names, such as ``articles.jsonl:12``.
        record: the record exactly as it stood in a line-based source, line end included; else empty.
        header: the header line that such a record needs, exactly as it stood; empty where none is needed.
    """

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    record: str = ""
    header: str = ""

    def __post_init__(self) -> None:
        """Refuse what SQLite and the tokenizers would take for something else.

        Raises:
            SourceError: id, text or title is no text, or the metadata is no mapping.
        """
        for name, value in (("id", self.id), ("text", self.text), ("title", self.title)):
            if not isinstance(value, str):
                kind = type(value).__name__
                raise SourceError(
                    f"{self.source or 'a document'}: its {name} is {value!r} ({kind}), wanted a text; "
                    f"give str(…), and leave out what has none"
                )
        if not isinstance(self.metadata, Mapping):
            raise SourceError(f"{self.source or self.id}: its metadata is {self.metadata!r}, wanted a dict, or nothing")


@dataclass(frozen=True, slots=True)
class Passage:
    """The characters from *start* up to *end* of a document's text.

    Attributes:
        document: the document's id.
        position: 0 for the document's first passage.
        start: the first character, counted from 0.
        end: the character behind the last.
        text: ``document.text[start:end]``.
    """

    document: str
    position: int
    start: int
    end: int
    text: str
