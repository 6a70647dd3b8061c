"""Readers of bibliographies: RIS, PubMed's format (nbib) and BibTeX, each record with the text it was read from.

The ends of records are found here, line by line, so that a file of any size is read in little memory and a filter can
pass records on as they stand. What a record of RIS or BibTeX says is for rispy and bibtexparser; PubMed's format has
no library that is kept, and little to it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from embedsearch.documents.document import Document
from embedsearch.documents.fields import RawRecord, documents_of, encodable_value
from embedsearch.documents.records import Parted, bibtex_parts, nbib_parts, ris_parts
from embedsearch.documents.sources import Lines, ReadOptions, Source
from embedsearch.errors import SourceError

Parse = Callable[[Parted], Mapping[str, Any]]
Part = Callable[[Lines, str], Iterator[Parted]]

_LISTS = ("authors", "first_authors", "secondary_authors", "tertiary_authors", "keywords", "notes", "urls",
          "full_authors", "affiliations", "mesh_terms", "publication_types")  # fmt: skip
_TITLES = ("title", "primary_title", "translated_title", "short_title")
_ABSTRACTS = ("abstract", "notes_abstract")
_DATES = ("year", "publication_year", "date")
_YEAR = re.compile(r"(?<!\d)(1[4-9]|20|21)\d\d(?!\d)")


def read_ris(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each reference of a RIS file; fields have the names that rispy gives the tags."""
    rispy = _library("rispy", source)

    def parse(part: Parted) -> Mapping[str, Any]:
        try:
            found = rispy.loads(part.text, enforce_list_tags=False)
        except (rispy.parser.ParseError, OSError, ValueError, KeyError, IndexError) as error:
            raise SourceError(f"{part.place}: not a reference in RIS: {error}") from None
        if not found:
            raise SourceError(f"{part.place}: a reference without a single field")
        fields = dict(found[0])
        return fields | {tag: _single(values) for tag, values in fields.pop("unknown_tag", {}).items()}

    return _read(source, options, ris_parts, parse)


def read_nbib(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each citation of a file in PubMed's format."""
    return _read(source, options, nbib_parts, _nbib_fields)


def read_bibtex(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each entry of a BibTeX file; LaTeX's accents become letters."""
    bibtexparser = _library("bibtexparser", source)
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # what is wrong is said in our words
    ways = bibtexparser.middlewares
    steps = [ways.NormalizeFieldKeys(), ways.MonthIntMiddleware(), ways.LatexDecodingMiddleware(),
             ways.SeparateCoAuthors()]  # fmt: skip

    def parse(part: Parted) -> Mapping[str, Any]:
        library = bibtexparser.parse_string(part.header + part.text, append_middleware=steps)
        if not library.entries:
            cause = getattr(library.failed_blocks[0], "error", "") if library.failed_blocks else "no entry"
            raise SourceError(f"{part.place}: not an entry of BibTeX: {' '.join(str(cause).split())[:200]}")
        (entry,) = library.entries
        fields = {name: field.value for name, field in entry.fields_dict.items()}
        return {"key": entry.key, "type": entry.entry_type} | fields

    return _read(source, options, bibtex_parts, parse)


def _read(source: Source, options: ReadOptions, part: Part, parse: Parse) -> Iterator[Document]:
    return documents_of(_records(source, options, part, parse), source, options)


def _records(source: Source, options: ReadOptions, part: Part, parse: Parse) -> Iterator[RawRecord]:
    number = 0
    parts = part(Lines(source, options), source.name)
    while True:
        try:
            found = next(parts)
        except StopIteration:
            return
        number += 1
        try:
            if found.fault:
                raise SourceError(found.fault)
            fields = _usual(encodable_value(dict(parse(found))), by_itself=not options.text)
            yield RawRecord(number, found.place, found.text, fields, found.header)
        except SourceError as error:
            options.broken(error)


def _usual(fields: dict[str, Any], *, by_itself: bool) -> dict[str, Any]:
    """Return fields with title, abstract and year where a reader of any format looks for them.

    A reference without an abstract has its title as its text, unless the user has named the text himself.
    """
    for name, others in (("title", _TITLES), ("abstract", _ABSTRACTS)):
        given = next((fields.pop(other) for other in others if fields.get(other)), None)
        if given is not None:
            fields = {name: given} | fields
    year = next((found[0] for name in _DATES if (found := _YEAR.search(str(fields.get(name, ""))))), None)
    if year is not None:
        if "date" not in fields and str(fields.get("year", year)) != year:
            fields["date"] = fields["year"]
        fields["year"] = int(year)
    for name in _LISTS:
        if isinstance(fields.get(name), str):
            fields[name] = [fields[name]]
    if by_itself and not fields.get("abstract"):
        fields["abstract"] = fields.pop("title", "")
    return fields


_NBIB_NAMES = {
    "PMID": "pmid", "TI": "title", "AB": "abstract", "AU": "authors", "FAU": "full_authors", "AD": "affiliations",
    "JT": "journal", "TA": "journal_abbreviation", "DP": "date", "PT": "publication_types", "MH": "mesh_terms",
    "OT": "keywords", "LA": "language", "VI": "volume", "IP": "issue", "PG": "pages", "PMC": "pmc", "IS": "issn",
    "STAT": "status", "PL": "place",
}  # fmt: skip
_NBIB_TAG = re.compile(r"([A-Z][A-Z0-9]{0,3}) {0,3}- ?(.*)", re.DOTALL)
_DOI = re.compile(r"(10\.\S+) \[doi\]")


def _nbib_fields(part: Parted) -> dict[str, Any]:
    """Return the fields of a citation: "TAG - value" with the tag in four columns, continued behind six blanks."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in part.text.splitlines():
        matched = _NBIB_TAG.match(line)
        if matched and line[4:5] == "-":
            name = _NBIB_NAMES.get(matched[1], matched[1])
            found.setdefault(name, []).append(matched[2].strip())
        elif name and line.strip():
            found[name][-1] = f"{found[name][-1]} {line.strip()}"
    fields: dict[str, Any] = {name: _single(values) for name, values in found.items()}
    doi = _DOI.search(part.text)
    return fields | ({"doi": doi[1]} if doi else {})


def _single(values: Any) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _library(name: str, source: Source) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise SourceError(
            f'{source.name}: this format needs {name}; install it with: pip install "embedsearch[references]"'
        ) from None
