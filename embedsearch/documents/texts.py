"""Readers of sources that are one document each: plain text, Markdown, HTML and PDF."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

from embedsearch.documents.document import Document
from embedsearch.documents.fields import clean, encodable
from embedsearch.documents.sources import ReadOptions, Source, decode, open_marked, seekable, whole_text
from embedsearch.errors import SourceError

# A first line "---" can also be a rule across the page: a name and a colon must follow, or the end at once.
_FRONT_MATTER = re.compile(
    r"---[ \t]*\r?\n(?=[ \t]*(?:#|\w[\w -]*:|---|\r?\n))(?P<lines>(?:.*\n)*?)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)"
)
_SCALAR = re.compile(r"(?P<name>\w[\w -]*?)[ \t]*:[ \t]+(?P<value>[^\s#&*!|>%@`\[{].*?)[ \t]*")
_HEADING = re.compile(r" {0,3}#[ \t]+(?P<title>.*?)(?:[ \t]+#+)?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CHARSET = re.compile(rb"""(?:<meta\s[^>]*charset|<\?xml\s[^>]*encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_AS_BROWSERS_DO = dict.fromkeys(("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"), "cp1252")
_CHARSET_BYTES = 1024  # where the HTML standard wants the declaration

_DROPPED = ("script", "style", "template", "nav", "footer", "header", "aside", "noscript")
# fmt: off
_BLOCKS = (
    "address", "article", "blockquote", "body", "br", "caption", "center", "dd", "details", "dialog", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "form", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "main", "ol", "option",
    "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
)
# fmt: on
_CELLS = ("td", "th")
_BREAK = "\x1e"  # stands for a block's edge until the white space between the edges is folded

_HYPHENATED = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010][ \t]*\r?\n[ \t]*(?=[^\W\d_])")
# What word processors and typesetters leave in a PDF's title.
_NO_TITLE = re.compile(
    r"untitled|microsoft (?:word|powerpoint|excel)\b|slide 1$|.*\.(docx?|pdf|tex|dvi|indd|qxd|rtf|odt|pptx?|ps)$",
    re.IGNORECASE,
)
_TITLE_CHARACTERS = 300


def one_document(
    source: Source, options: ReadOptions, text: str, title: str = "", metadata: dict[str, Any] | None = None
) -> Iterator[Document]:
    """Yield the document that a whole source makes; a blank one is reported instead."""
    if not text or text.isspace():
        options.tell(f"skipped {source.name}: it holds no text")
        return
    yield Document(id=source.key, text=clean(text), title=clean(title), metadata=metadata or {}, source=source.name)


def read_txt(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield the whole text as one document."""
    yield from one_document(source, options, whole_text(source, options))


def read_markdown(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield the text as it stands, without its YAML front matter, whose plain values become metadata.

    The title is that of the front matter, else the first ``# heading``.
    """
    text = whole_text(source, options)
    metadata: dict[str, Any] = {}
    front = _FRONT_MATTER.match(text)
    if front:
        metadata = _scalars(front["lines"])
        text = text[front.end() :]
    title = metadata.pop("title", None)
    yield from one_document(source, options, text, str(title) if title is not None else _heading(text), metadata)


def _scalars(lines: str) -> dict[str, Any]:
    """Return the values of ``name: value`` lines; lists and nested values are left out."""
    found = {}
    for line in lines.splitlines():
        match = _SCALAR.fullmatch(line)
        if match:
            found[match["name"]] = _scalar(match["value"])
    return found


def _scalar(value: str) -> Any:
    if value[0] in "\"'":
        closing = value.rfind(value[0])
        return value[1:closing] if closing > 0 else value
    value = re.split(r"[ \t]#", value, maxsplit=1)[0].rstrip()
    if value in ("true", "false"):
        return value == "true"
    if value in ("null", "~"):
        return None
    if re.fullmatch(r"[-+]?\d{1,18}", value) and not re.match(r"[-+]?0\d", value):
        return int(value)
    if re.fullmatch(r"[-+]?\d{1,18}\.\d{1,18}", value):
        return float(value)
    return value


def _heading(text: str) -> str:
    """Return the first heading of level 1 that stands outside of fenced code."""
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence and (heading := _HEADING.fullmatch(line)):
            return heading["title"].strip()
    return ""


def read_html(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield the page's text without scripts and page furniture, one line for each block."""
    soup = _soup(_page(source, options))
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    for tag in soup([*_DROPPED, "title"]):
        tag.decompose()
    for tag in soup(_BLOCKS):
        tag.insert(0, _BREAK)
        tag.append(_BREAK)
    for tag in soup(_CELLS):
        tag.append(" ")
    blocks = (" ".join(block.split()) for block in soup.get_text().split(_BREAK))
    yield from one_document(source, options, "\n".join(block for block in blocks if block), title)


def _soup(page: str) -> Any:
    import bs4

    with warnings.catch_warnings():
        # Beautiful Soup warns of pages that begin like XML, as XHTML does, or are as short as a file's name.
        warnings.simplefilter("ignore", UserWarning)
        return bs4.BeautifulSoup(page, "html.parser")


def _page(source: Source, options: ReadOptions) -> str:
    """Return the text of a page in its byte order mark's encoding, the options', the declared one, or UTF-8."""
    marked, stream = open_marked(source)
    raw = stream.read()
    return decode(raw, marked or options.encoding or _declared(raw) or "utf-8", source.name)


def _declared(raw: bytes) -> str | None:
    """Return the encoding that a page says it has, if it is one that its own first bytes can be read in."""
    found = _CHARSET.search(raw[:_CHARSET_BYTES])
    name = found[1].decode("ascii").lower() if found else ""
    try:
        bytewise = "<".encode(name) == b"<"
    except LookupError:
        return None
    # The HTML standard reads pages that call themselves Latin-1 or ASCII as Windows-1252.
    return _AS_BROWSERS_DO.get(name, name) if bytewise else None


def read_pdf(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield the text of all pages, joined by blank lines, with words that were broken at a line's end mended."""
    import pypdf
    import pypdf.errors

    # Without any handler, Python prints pypdf's remarks about sloppy files on stderr.
    logging.getLogger("pypdf").addHandler(logging.NullHandler())
    with seekable(source.stream) as stream:
        try:
            reader = pypdf.PdfReader(stream)
            _unlock(reader, source)
            pages = [page.extract_text() for page in reader.pages]
            title = _sensible(str((reader.metadata and reader.metadata.title) or ""))
        except SourceError:
            raise
        except pypdf.errors.DependencyError as error:
            raise SourceError(f"{source.name}: an encrypted PDF: {error}") from None
        except Exception as error:  # pypdf raises whatever a damaged file makes it stumble over
            raise SourceError(
                f"{source.name}: a damaged PDF ({type(error).__name__}: {error}). "
                "Open and save it anew in a PDF viewer, or mend it with: qpdf IN.pdf OUT.pdf"
            ) from None
    text = "\n\n".join(_HYPHENATED.sub("", encodable(page.strip())) for page in pages if page.strip())
    if not text:
        raise SourceError(
            f"{source.name}: a PDF of {len(pages)} pages without text, perhaps scanned. "
            "Recognise its text first, for example with: ocrmypdf IN.pdf OUT.pdf"
        )
    yield from one_document(source, options, text, title)


def _unlock(reader: Any, source: Source) -> None:
    # Many PDFs only forbid printing or copying, and open with an empty password.
    if reader.is_encrypted and not reader.decrypt(""):
        raise SourceError(
            f"{source.name}: a PDF that is encrypted with a password. "
            "Save it without, for example with: qpdf --decrypt --password=… IN.pdf OUT.pdf"
        )


def _sensible(title: str) -> str:
    """Return a PDF's title, or ``""`` where it is what a program left there."""
    title = " ".join(title.replace("\0", " ").split())
    if len(title) > _TITLE_CHARACTERS or _NO_TITLE.match(title) or not re.search(r"[^\W\d_]", title):
        return ""
    return title
