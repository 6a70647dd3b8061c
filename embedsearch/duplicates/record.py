"""What is looked at in a document to tell whether another one is the same."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from embedsearch.documents import Document

Hashes = NDArray[np.uint64]

SHINGLE = 3  # words

_LONGEST_TITLE = 40  # words
_SHORTEST_HEAD = 4  # words

_IN_A_ROW = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana and Han, which are written without spaces
_WORD = re.compile(rf"[{_IN_A_ROW}]|[^\W_{_IN_A_ROW}]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_MARKS = re.compile("[\u0300-\u036f]")
_SUBTITLE = re.compile(r"[:?.] | [-\u2013\u2014]+ ")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_YEAR = re.compile(r"(?<!\d)(1[4-9]|20|21)\d\d(?!\d)")

_FIELDS = {
    "doi": ("doi", "di"),  # the short ones are those of Web of Science
    "pmid": ("pmid", "pubmedid"),
    "year": ("year", "publicationyear", "py", "date", "publicationdate"),
    "authors": ("authors", "author", "au", "fullauthors", "firstauthors"),
}
_ROLES = {name: role for role, names in _FIELDS.items() for name in names}


def words(text: str) -> list[str]:
    """Return the words of a text as they are compared: without case, accents, punctuation, tags and entities.

    In a script without spaces, each letter is a word. Text without letters, such as emoji, is divided at its spaces.
    """
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return _WORD.findall(text.casefold()) or text.split()


def shingles(words: Sequence[str], length: int = SHINGLE) -> Hashes:
    """Return the distinct hashes of so many words in a row, ascending, uint64; of all words where they are fewer.

    A hash depends on the words alone, whatever the process: so the same records are found each time.
    """
    length = min(length, len(words))
    single = np.fromiter(map(crc32, " ".join(words).encode().split()), dtype=np.uint64, count=len(words))
    hashes = np.zeros(len(words) - length + 1 if length else 0, dtype=np.uint64)
    for start in range(length):
        hashes = _mixed(hashes + single[start : start + len(hashes)])
    return np.unique(hashes)


def _mixed(values: Hashes) -> Hashes:
    """Return 64 bits for each value, of which each depends on all of its own: the finalizer of SplitMix64."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def role(field: str) -> str:
    """Return what a field of metadata says, ``doi``, ``pmid``, ``year`` or ``authors``, by its name; else nothing."""
    return _ROLES.get("".join(letter for letter in field.casefold() if letter.isalnum()), "")


@dataclass(frozen=True)
class Record:
    """A document as it is compared with others.

    Attributes:
        id: the document's id.
        title: the words of its title, or of a short text if it has no title.
        head: the words of the title without its subtitle, if these are several; else those of the title.
        is_titled: whether it was given a title, or what a reference has.
        words: the words of title and text; if the title is the text too, once.
        doi: in lower case, without the address of a resolver; empty if there is none.
        pmid: digits; empty if there is none.
        year: None if there is none.
        authors: the words of their names, without initials.
        fields: the metadata.
    """

    id: str
    title: tuple[str, ...]
    head: tuple[str, ...]
    is_titled: bool
    words: list[str]
    doi: str
    pmid: str
    year: int | None
    authors: frozenset[str]
    fields: Mapping[str, Any]

    @classmethod
    def of(cls, document: Document) -> Record:
        """Return a document as it is compared."""
        title, text = words(document.title), words(document.text)
        held: dict[str, list[Any]] = {}
        for name, value in document.metadata.items():
            if (known := role(name)) and value not in (None, "", []):
                held.setdefault(known, []).append(value)
        called = document.title
        if not title and len(text) <= _LONGEST_TITLE:
            title, called = text, document.text  # so references without an abstract are read
        head = words(_SUBTITLE.split(called, maxsplit=1)[0])
        return cls(
            document.id,
            tuple(title),
            tuple(head) if len(head) >= _SHORTEST_HEAD else tuple(title),
            bool(document.title or held),
            text if title == text else title + text,
            _first(map(_doi, [*held.get("doi", ()), document.id])),
            _first(map(_pmid, held.get("pmid", ()))),
            next(filter(None, map(_year, held.get("year", ()))), None),
            frozenset(word for value in held.get("authors", ()) for word in _names(str(value))),
            document.metadata,
        )

    @cached_property
    def shingles(self) -> Hashes:
        """The hashes of three words in a row."""
        return shingles(self.words)

    @property
    def size(self) -> tuple[int, int]:
        """How much there is to read: words, and fields that have a value."""
        return len(self.words), sum(value not in (None, "", []) for value in self.fields.values())


def _first(values: Iterable[str]) -> str:
    return next(filter(None, values), "")


def _doi(value: Any) -> str:
    found = _DOI.search(str(value))
    return found[0].casefold().rstrip(".,;") if found else ""


def _pmid(value: Any) -> str:
    text = str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()
    return text.removesuffix(".0").lstrip("0") if text.removesuffix(".0").isdecimal() else ""


def _names(authors: str) -> Iterator[str]:
    """Yield the words of names; one letter is an initial, and so are two capitals, but not those of Li or Bo."""
    for word in _LETTERS.findall(authors):
        if len(word) > 2 or (len(word) == 2 and not word.isupper()):
            yield from words(word)


def _year(value: Any) -> int | None:
    found = _YEAR.search(str(value))
    return int(found[0]) if found else None
