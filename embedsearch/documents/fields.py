"""Which fields of a record are its text, title and id, and a Document made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from embedsearch.documents.document import Document, Encoding
from embedsearch.documents.sources import ReadOptions, Source
from embedsearch.errors import SourceError, did_you_mean
from embedsearch.names import normal
from embedsearch.wording import count_of

TEXT_NAMES = ("text", "abstract", "body", "content", "passage", "sentence", "phrase", "document")
TITLE_NAMES = ("title", "headline", "name", "primary_title")
ID_NAMES = ("id", "_id", "doc_id", "docid", "record_id", "key", "pmid", "doi")

# What databases write where a record has no abstract, as Scopus does.
_NO_TEXT = ("", "[no abstract available]", "no abstract available", "no abstract available.")
_EXPORTED = frozenset(("id", "title", "text", "source"))  # what every record has that embedsearch itself has written
_METADATA = "metadata"

_SURROGATES = re.compile("[\ud800-\udfff]")
_NAMES_SHOWN = 20
# How far to look for the fields that make a document: a file's first records need not have all of them.
_AHEAD_RECORDS = 1000
_AHEAD_CHARACTERS = 8 << 20
_SHAPES_KEPT = 256  # sets of field names whose roles are remembered, for files that mix kinds of records


def encodable(text: str) -> str:
    """Return *text* with U+FFFD in place of lone surrogates, which no encoding can write."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def clean(text: str) -> str:
    """Return *text* in the same length without lone surrogates, and with spaces for NUL characters."""
    return encodable(text).replace("\0", " ")


def encodable_value(value: Any) -> Any:
    """Return a JSON value with every text in it, keys included, made `encodable`."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list):
        return [encodable_value(item) for item in value]
    if isinstance(value, dict):
        return {encodable(name): encodable_value(item) for name, item in value.items()}
    return value


def find(names: Iterable[str], wanted: Sequence[str]) -> str | None:
    """Return the name that equals the first possible of *wanted*; an exact match wins.

    Neither case counts, nor whether an accent stands with its letter or behind it.
    """
    names = list(names)
    folded = {_folded(name): name for name in reversed(names)}
    for name in wanted:
        if name in names:
            return name
        if _folded(name) in folded:
            return folded[_folded(name)]
    return None


def _folded(name: str) -> str:
    return normal(name).casefold()


class RawRecord(NamedTuple):
    """A record as it was read, before a document is made of it.

    Attributes:
        number: its number in its source, from 1; 0 for a source that is one record.
        place: the name that messages give it.
        text: the record as it stood; empty if it has no text of its own.
        fields: JSON values by name.
        header: see `Document`.
        encoding: see `Document`.
    """

    number: int
    place: str
    text: str
    fields: Mapping[str, Any]
    header: str = ""
    encoding: Encoding | None = None


def _unwrapped(record: RawRecord) -> RawRecord:
    """Return a record that embedsearch has written with the fields of its document under their own names.

    `export`, `filter` and queries write them apart from what every document has: in JSON as one object ``metadata``, in
    tables as columns ``metadata.NAME``. A field that is called as something beside them keeps that longer name; but a
    ``source`` of the document's own takes the place of the one that says where the record was read from before.
    """
    if not record.fields.keys() >= _EXPORTED:
        return record
    fields, own = dict(record.fields), record.fields.get(_METADATA)
    inner = dict(fields.pop(_METADATA)) if isinstance(own, dict) else {}
    for name in [name for name in fields if name.startswith(f"{_METADATA}.")]:
        inner[name.removeprefix(f"{_METADATA}.")] = fields.pop(name)
    taken = fields.keys() - {"source"}
    for name in sorted(inner, key=taken.__contains__):  # what can keep its name does
        free = name
        while free in taken:
            free = f"{_METADATA}.{free}"
        taken.add(free)
        fields[free] = inner[name]
    return record._replace(fields=fields)


class _Records:
    """Makes Documents of the records of one source.

    First `meet` the names of fields until `settled` (or as many as can be looked at), then `settle`, then ask for each
    `document`, and `finish`.
    """

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self._source = source
        self._options = options
        self._met: dict[str, None] = {}
        self._text: tuple[str, ...] = ()
        self._roles: dict[tuple[str, ...], tuple[str | None, str | None]] = {}
        self._blank = Count()
        self._titled = Count()

    def meet(self, names: Iterable[str]) -> None:
        """Take notice of the names of fields."""
        self._met.update(dict.fromkeys(names))

    @property
    def settled(self) -> bool:
        """Whether a text field and every field that the options name have been met."""
        named = self._named()
        if any(find(self._met, [name]) is None for _, name in named):
            return False
        return bool(self._options.text) or find(self._met, TEXT_NAMES) is not None

    def settle(self) -> None:
        """Decide which fields make the text.

        Raises:
            SourceError: there is no such field, or a field that the options name does not exist.
        """
        if not self._met:
            return
        for option, name in self._named():
            if find(self._met, [name]) is None:
                near = did_you_mean(name, self._met)
                near = near if near.endswith("?") else ""  # else it lists the fields, as is done here
                raise SourceError(
                    f"{self._source.name}: no field {name!r} for {option}.{near} Fields seen: {_listing(self._met)}"
                )
        if self._options.text:
            self._text = tuple(find(self._met, [name]) or name for name in self._options.text)
        else:
            self._text = (self._find_text(),)

    def _named(self) -> list[tuple[str, str]]:
        options = self._options
        named = [("--text", name) for name in options.text]
        return named + [(option, name) for option, name in (("--title", options.title), ("--id", options.id)) if name]

    def _find_text(self) -> str:
        found = find(self._met, TEXT_NAMES)
        if found is not None:
            return found
        if len(self._met) == 1:
            (only,) = self._met
            self._options.tell(f"{self._source.name}: the only field, {only!r}, is read as the text")
            return only
        raise SourceError(
            f"{self._source.name}: no field is named {', '.join(TEXT_NAMES[:-1])} or {TEXT_NAMES[-1]}. "
            f"Fields seen: {_listing(self._met)}. Name the one that holds the text with --text NAME"
        )

    def _roles_of(self, names: tuple[str, ...]) -> tuple[str | None, str | None]:
        """Return the title's and the id's field of a record with these fields."""
        roles = self._roles.get(names)
        if roles is None:
            title = find(names, [self._options.title] if self._options.title else TITLE_NAMES)
            roles = (
                None if title in self._text else title,
                find(names, [self._options.id] if self._options.id else ID_NAMES),
            )
            if len(self._roles) < _SHAPES_KEPT:
                self._roles[names] = roles
        return roles

    def document(self, record: RawRecord) -> Document | None:
        """Return the document that a record makes, or None where it holds no text; these are counted.

        A record of which only the title says something has that as its text, as a reference without an abstract has.

        Raises:
            SourceError: the text, title or id is of a kind that cannot be one.
        """
        number, place, stood, fields, header, encoding = record
        parts = [_as_text(fields.get(name), name, place, "\n\n") for name in self._text]
        text = clean("\n\n".join(part for part in parts if part.strip().casefold() not in _NO_TEXT))
        title_field, id_field = self._roles_of(tuple(fields))
        title = clean(_as_text(fields[title_field], title_field, place, " ")) if title_field else ""
        if not text.strip() and self._speaks(title_field) and title.strip():
            self._titled.take(place)
            text, title = title, ""
        if not text.strip():
            self._blank.take(place)
            return None
        used = {*self._text, title_field, None if _is_doi(id_field) else id_field}
        return Document(
            id=self._id(fields.get(id_field) if id_field else None, number, place),
            text=text,
            title=title,
            metadata={name: value for name, value in fields.items() if name not in used},
            source=place,
            record=stood,
            header=header,
            encoding=encoding,
        )

    def _id(self, value: Any, number: int, place: str) -> str:
        if value is None or (isinstance(value, str) and not value.strip()):
            return f"{self._source.key}#{number}" if number else self._source.key
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return clean(value) if isinstance(value, str) else str(value).removesuffix(".0")
        raise SourceError(f"{place}: the id is a {_kind(value)}; wanted a text or a number. Name another with --id")

    def _speaks(self, title_field: str | None) -> bool:
        """Does a title tell what a record without a text is about? A `name` may be anybody's, if not asked for."""
        return title_field is not None and (self._options.title is not None or _folded(title_field) != "name")

    def finish(self) -> None:
        """Report how many records held no text, and how many of them are read by their title."""
        name = self._source.name
        if self._titled.number:
            said = count_of(self._titled.number, "record without text is", "records without text are")
            self._options.tell(f"{name}: {said} read by the title, the first at {self._titled.first}")
        if self._blank.number:
            said = count_of(self._blank.number, "record")
            self._options.tell(f"{name}: skipped {said} without text, the first at {self._blank.first}")


@dataclass(slots=True)
class Count:
    """How many records there were of a kind, and what messages call the first."""

    number: int = 0
    first: str = ""

    def take(self, place: str) -> None:
        """Count one more."""
        self.number += 1
        self.first = self.first or place


def _is_doi(name: str | None) -> bool:
    """Is a field the DOI? It stays one where it is the id, since conditions, matches and exports ask for it."""
    return name is not None and name.casefold() == "doi"


def documents_of(
    found: Iterator[RawRecord], source: Source, options: ReadOptions, names: Iterable[str] = ()
) -> Iterator[Document]:
    """Yield the documents of records; the first of them are looked at to find out which field is the text.

    Where the source has a header, its *names* tell, though no record follows.
    """
    records = _Records(source, options)
    found = map(_unwrapped, found)
    records.meet(names)
    ahead: list[RawRecord] = []
    size = 0
    while not records.settled and len(ahead) < _AHEAD_RECORDS and size < _AHEAD_CHARACTERS:
        record = next(found, None)
        if record is None:
            break
        ahead.append(record)
        size += len(record.text)
        records.meet(record.fields)
    records.settle()
    for record in chain(ahead, found):
        try:
            document = records.document(record)
        except SourceError as error:
            options.broken(error)
            continue
        if document is not None:
            yield document
    records.finish()


def _as_text(value: Any, field: str, place: str, separator: str) -> str:
    """Return the text of a field; a list of texts is joined, and null is empty."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return separator.join(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise SourceError(f"{place}: the field {field!r} holds a {_kind(value)}; wanted a text")


def _kind(value: Any) -> str:
    kinds = {dict: "JSON object", list: "list", bool: "boolean"}
    return kinds.get(type(value), type(value).__name__)


def _listing(names: Iterable[str]) -> str:
    known = list(names)
    return ", ".join(repr(name) for name in known[:_NAMES_SHOWN]) + (", …" if len(known) > _NAMES_SHOWN else "")
