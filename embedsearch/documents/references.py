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

from embedsearch.documents.bibtex import entry_fields
from embedsearch.documents.document import Document
from embedsearch.documents.fields import RawRecord, documents_of, encodable_value
from embedsearch.documents.records import Parted, bibtex_parts, nbib_parts, ris_parts
from embedsearch.documents.sources import Lines, ReadOptions, Source
from embedsearch.errors import SourceError

Parse = Callable[[Parted], Mapping[str, Any]]
Part = Callable[[Lines, str], Iterator[Parted]]

_LISTS = ("authors", "first_authors", "secondary_authors", "tertiary_authors", "keywords", "notes", "urls",
          "editors", "full_authors", "affiliations", "mesh_terms", "publication_types")  # fmt: skip
_SINGLE = ("id", "doi", "journal")  # the first is the field, where a reference has several
# The first that a reference has becomes the field; the others stay under their own names.
_SYNONYMS = (
    ("journal", ("journal", "journaltitle", "alternate_title3", "journal_name", "secondary_title", "alternate_title2")),
    ("authors", ("authors", "first_authors")),
    ("title", ("title", "primary_title", "translated_title", "short_title")),
    ("abstract", ("abstract", "notes_abstract")),
)
_PERIODICALS = ("JOUR", "EJOUR", "MGZN", "NEWS")  # the secondary title of others is that of a book or series
_RIS_TAG = re.compile(r"([A-Z][A-Z0-9])  -[ \t]?(.*)")
_DATES = ("year", "publication_year", "date")
_PERSONS = ("authors", "first_authors", "secondary_authors", "tertiary_authors", "editors", "full_authors")
_MORE = ("others", "et al", "et al.")  # "and others" of BibTeX, and what PubMed wrote behind the tenth author
_YEAR = re.compile(r"(?<!\d)(1[4-9]|20|21)\d\d(?!\d)")


def read_ris(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each reference of a RIS file; fields have the names that rispy gives the tags."""
    return documents_of(ris_records(source, options), source, options)


def ris_records(source: Source, options: ReadOptions) -> Iterator[RawRecord]:
    """Yield the references of a RIS file; broken ones are counted."""
    rispy = _library("rispy", source)

    def parse(part: Parted) -> Mapping[str, Any]:
        # A semicolon may be part of an address, though rispy divides them there.
        fields: dict[str, Any]
        (fields,) = rispy.loads(_one_line_a_tag(part), enforce_list_tags=False, delimiter_tags_mapping={})
        return fields | {tag: _single(values) for tag, values in fields.pop("unknown_tag", {}).items()}

    return _records(source, options, ris_parts, parse)


def _one_line_a_tag(part: Parted) -> str:
    """Return a reference with continued lines joined; rispy takes those of a list for more of its values.

    Of keywords they are, unless they are indented: EndNote names the tag before the first one only.
    """
    lines: list[str] = []
    for number, line in enumerate(part.text.split("\n"), start=part.number):
        tag = _RIS_TAG.match(line)
        if tag:
            lines.append(f"{tag[1]}  - {tag[2].strip()}")
        elif not line.strip():
            continue
        elif len(lines) < 2:
            raise SourceError(
                f"{part.name}:{number}: a line that belongs to no field; wanted one with a tag, such as TI"
            )
        elif lines[-1].startswith("KW") and not line[0].isspace():
            lines.append(f"KW  - {line.strip()}")
        else:
            lines[-1] = f"{lines[-1]} {line.strip()}"
    return "\n".join(lines)


def read_nbib(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each citation of a file in PubMed's format."""
    return documents_of(_records(source, options, nbib_parts, _nbib_fields), source, options)


def read_bibtex(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each entry of a BibTeX file; LaTeX's accents become letters."""
    _library("bibtexparser", source)
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # what is wrong is said in our words

    def parse(part: Parted) -> Mapping[str, Any]:
        return entry_fields(part.text, part.header, part.place)

    return documents_of(_records(source, options, bibtex_parts, parse), source, options)


def _records(source: Source, options: ReadOptions, part: Part, parse: Parse) -> Iterator[RawRecord]:
    number = 0
    lines = Lines(source, options)
    for number, found in enumerate(part(lines, source.name), start=1):
        try:
            if found.fault:
                raise SourceError(found.fault)
            fields = _usual(encodable_value(dict(parse(found))), options)
        except SourceError as error:
            options.broken(error)
        else:
            yield RawRecord(number, found.place, found.text, fields, found.header, lines.encoding)
    if not number:
        options.tell_empty(source)


def _usual(fields: dict[str, Any], options: ReadOptions) -> dict[str, Any]:
    """Return fields with what most references have under one name in every format, and the year as a number.

    A reference without an abstract has its title as its text, unless the user has named the text himself.
    """
    other_titles = () if fields.get("type_of_reference") in _PERIODICALS else ("secondary_title",)
    for name, others in _SYNONYMS:
        given = next((fields.pop(other) for other in others if fields.get(other) and other not in other_titles), None)
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
    for name in _SINGLE:
        if isinstance(fields.get(name), list):
            fields[name] = next(filter(None, fields[name]), "")
    for name in _PERSONS:
        if len(persons := fields.get(name, ())) > 1 and persons[-1].lower() in _MORE:
            fields[name] = persons[:-1]
    if not options.text and not fields.get("abstract"):
        fields["abstract"] = fields.get("title", "") if options.title else fields.pop("title", "")
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
    for number, line in enumerate(part.text.split("\n"), start=part.number):
        matched = _NBIB_TAG.match(line)
        if matched and line[4:5] == "-":
            name = _NBIB_NAMES.get(matched[1], matched[1])
            found.setdefault(name, []).append(matched[2].strip())
        elif line[:1].isspace() and line.strip():
            found[name][-1] = f"{found[name][-1]} {line.strip()}"
        elif line.strip():
            wanted = "a tag in four columns and '-', or a line continued behind blanks"
            raise SourceError(f"{part.name}:{number}: a line that belongs to no field; wanted {wanted}")
    if not found["pmid"][0]:
        raise SourceError(f"{part.place}: a citation without a number behind 'PMID-'")
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
