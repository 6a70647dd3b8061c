"""The formats that can be read, by the suffixes of files."""

from __future__ import annotations

import re
from pathlib import Path

from embedsearch.compressed import suffix_of, without_suffix
from embedsearch.documents import (
    epub,
    hypertext,
    lines,
    mail,
    parquet,
    pdf,
    references,
    separated,
    spreadsheets,
    texts,
    word,
)
from embedsearch.documents.sources import Reader
from embedsearch.errors import SourceError, did_you_mean
from embedsearch.given import require_text
from embedsearch.wording import shown

READERS: dict[str, Reader] = {
    "csv": separated.read_csv,
    "tsv": separated.read_tsv,
    "tab": separated.read_tsv,
    "jsonl": lines.read_jsonl,
    "ndjson": lines.read_jsonl,
    "parquet": parquet.read_parquet,
    **dict.fromkeys(spreadsheets.SUFFIXES, spreadsheets.read_sheet),
    "ris": references.read_ris,
    "nbib": references.read_nbib,
    "bib": references.read_bibtex,
    "eml": mail.read_eml,
    "mbox": mail.read_mbox,
    "txt": texts.read_txt,
    "md": texts.read_markdown,
    "markdown": texts.read_markdown,
    "html": hypertext.read_html,
    "htm": hypertext.read_html,
    "pdf": pdf.read_pdf,
    "docx": word.read_docx,
    "docm": word.read_docx,
    "odt": word.read_odt,
    "epub": epub.read_epub,
    "lines": lines.read_lines,
}
WITHOUT_FIELDS = {"txt", "md", "markdown", "html", "htm", "pdf", "docx", "docm", "odt", "epub", "lines"}
WITHOUT_RECORDS = WITHOUT_FIELDS | {"parquet", "eml", *spreadsheets.SUFFIXES}


def register_reader(suffix: str, reader: Reader) -> None:
    """Read files that end in a suffix, and sources of that format, with a reader of your own.

    Args:
        suffix: such as ``.xyz``; its case does not matter. An earlier reader for it is replaced.
        reader: called with the opened `Source` and the `ReadOptions`; yields Documents and raises SourceError.
    """
    if not re.fullmatch(r"\.[^./\\]+", require_text("a suffix", suffix, error=SourceError)):
        raise SourceError(f"a reader's suffix is one dot and a name, such as '.xyz', not {suffix!r}")
    if not callable(reader):
        raise SourceError(f"the reader of {suffix} is {shown(reader)}; wanted is a function from a source to documents")
    READERS[suffix[1:].lower()] = reader
    WITHOUT_FIELDS.discard(suffix[1:].lower())
    WITHOUT_RECORDS.discard(suffix[1:].lower())


def known_format(format: str | None) -> str | None:
    """Return the name of a format as it is in `READERS`; None for None.

    Raises:
        SourceError: there is no such format.
    """
    if format is None:
        return None
    name = require_text("the format", format, error=SourceError).lower().removeprefix(".")
    if name not in READERS:
        raise SourceError(f"unknown format {format!r}.{did_you_mean(name, READERS)}")
    return name


def format_of(path: Path) -> str:
    """Return the format of a file by its suffix, or that of what is in a compressed file.

    A file called mbox, without a suffix, is a mailbox: Apple's mail program names its mailboxes so.
    """
    name = without_suffix(path.name)
    return suffix_of(name)[1:] or (name if name == "mbox" else "")
