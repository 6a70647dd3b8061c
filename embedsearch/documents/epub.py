"""The reader of electronic books (EPUB): pages of XHTML in the order in which a list names them."""

from __future__ import annotations

import codecs
import posixpath
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree import ElementTree

from embedsearch.documents import hypertext
from embedsearch.documents.document import Document
from embedsearch.documents.packed import Packed, local
from embedsearch.documents.sources import ReadOptions, Source, seekable
from embedsearch.documents.texts import one_document
from embedsearch.errors import SourceError

_CONTAINER = "META-INF/container.xml"
_FIELDS = {"title": "title", "creator": "author", "date": "date", "publisher": "publisher", "language": "language"}


def read_epub(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield the text of all chapters, joined by blank lines."""
    with seekable(source.stream) as stream, Packed(stream, source.name, "EPUB") as packed:
        roots = (one.get("full-path") for one in packed.tree(_CONTAINER).iter() if local(one.tag) == "rootfile")
        root = next(filter(None, roots), "")
        book = packed.tree(root)
        chapters = [packed.read(part) for part in _parts(book, posixpath.dirname(root)) if packed.has(part)]
        if packed.has("META-INF/encryption.xml") and not any(map(_is_markup, chapters)):
            raise SourceError(f"{source.name}: this book is locked (DRM); only its own program can read it")
        texts = [hypertext.text_of(_markup(chapter), is_page=False) for chapter in chapters]
    said = _said(book)
    yield from one_document(source, options, "\n\n".join(filter(None, texts)), said.pop("title", ""), said)


def _parts(book: ElementTree.Element, folder: str) -> list[str]:
    """Return the names of the chapters, in their order."""
    items = {one.get("id"): one for one in book.iter() if local(one.tag) == "item"}
    order = (items.get(one.get("idref")) for one in book.iter() if local(one.tag) == "itemref")
    pages = (one.get("href", "") for one in order if one is not None and "nav" not in one.get("properties", "").split())
    return [posixpath.normpath(posixpath.join(folder, unquote(page))) for page in pages]


def _said(book: ElementTree.Element) -> dict[str, str]:
    """Return what the book says of itself: the first of each."""
    found: dict[str, str] = {}
    for one in book.iter():
        name = _FIELDS.get(local(one.tag), "")
        if name and (text := " ".join((one.text or "").split())):
            found.setdefault(name, text)
    return found


def _is_markup(chapter: bytes) -> bool:
    return chapter.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"<")


def _markup(chapter: bytes) -> str:
    is_wide = chapter.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if is_wide else hypertext.declared_encoding(chapter) or "utf-8-sig"
    return chapter.decode(encoding)
