"""Files of other kinds than the readers', by their suffixes and first bytes, and what makes them readable."""

from __future__ import annotations

from pathlib import PurePath
from typing import BinaryIO, NamedTuple

from embedsearch.errors import SourceError


class _Kind(NamedTuple):
    """A kind of files: its suffixes, the bytes that it begins with if these tell, what it is, and what helps."""

    suffixes: tuple[str, ...]
    mark: bytes
    name: str
    advice: str


_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_PIPED = "on its way, naming what it is: {} FILE | embedsearch ingest - --as csv"
_CALLED = "Call it by what is in it, as papers.csv.{}, or unpack it " + _PIPED
_KINDS = (
    _Kind(("gz",), b"\x1f\x8b\x08", "compressed by gzip", _CALLED.format("gz", "zcat")),
    _Kind(("bz2",), b"BZh9", "compressed by bzip2", _CALLED.format("bz2", "bzcat")),
    _Kind(("xz",), b"\xfd7zX", "compressed by xz", _CALLED.format("xz", "xzcat")),
    _Kind(("zst",), b"\x28\xb5\x2f\xfd", "compressed by Zstandard", "Unpack it first, or " + _PIPED.format("zstdcat")),
    _Kind(
        ("xls", "xlsb", "ods", "numbers"),
        b"",
        "a spreadsheet",
        "Save it as .xlsx or CSV UTF-8 in its program",
    ),
    _Kind(("doc", "rtf", "pages"), b"", "a file of a word processor", "Save it there as .docx, text or PDF"),
    _Kind(("pptx", "ppt", "odp", "mobi", "azw3"), b"", "slides or a book", "Save it as PDF or HTML"),
    _Kind(("pst", "ost"), b"", "a mailbox of Outlook", "Make mailboxes (mbox) of it with readpst -r FILE"),
    _Kind(("msg", "emlx"), b"", "mail in a form of one program", "Save it as eml or mbox in a mail program"),
    _Kind(("mht", "mhtml", "webarchive"), b"", "a page and its pictures in one file", "Save the page as HTML"),
    _Kind(("jpg", "jpeg", "png", "tif", "tiff", "heic"), b"", "a picture", "If it shows text: ocrmypdf FILE OUT.pdf"),
    _Kind(("zip", "7z", "tar", "tgz"), b"", "an archive", "Unpack it, and name the folder of what was in it"),
    _Kind(
        (), b"PK\x03\x04", "an archive, or a file of Excel or Word", "Unpack it, or name its kind: --as xlsx, --as docx"
    ),
    _Kind((), _OLD_OFFICE, "an old file of Excel or Word", "Save it as .xlsx or .docx"),
    _Kind((), b"%PDF", "a PDF", "Read it as one: --as pdf (in Python: format)"),
    _Kind(
        ("json",),
        b"",
        "a single JSON value, by its name",
        "Make lines of its array: jq -c '.[]' FILE > FILE.jsonl; if each line is an object already: --as jsonl",
    ),
)


def office_head(stream: BinaryIO, name: str, program: str, suffix: str) -> bytes:
    """Return the first bytes of what should be a file of Word or Excel, an archive since 2007.

    Raises:
        SourceError: it is of the form that they had before, which is also that of an archive with a password.
    """
    head = stream.read(len(_OLD_OFFICE))
    if head == _OLD_OFFICE:
        raise SourceError(
            f"{name}: an old file of {program} (.{suffix}), or one with a password; save it as .{suffix}x without one"
        )
    return head


def by_suffix(name: str) -> str:
    """Return what the file called *name* is, and what helps; empty where its suffix does not tell."""
    suffix = PurePath(name).suffix[1:].lower()
    return next((f"{kind.name}. {kind.advice}" for kind in _KINDS if suffix in kind.suffixes), "")


def by_mark(head: bytes) -> str:
    """Return what a file is that begins with *head*, and what helps; empty where it may be text."""
    return next((f"{kind.name}. {kind.advice}" for kind in _KINDS if kind.mark and head.startswith(kind.mark)), "")
