"""The reader of HTML pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from embedsearch.documents.document import Document
from embedsearch.documents.fields import clean
from embedsearch.documents.sources import ReadOptions, Source, decode, open_marked
from embedsearch.documents.texts import one_document

_NO_TEXT = frozenset(("script", "style", "template", "noscript", "title"))
_DROPPED = _NO_TEXT | {"nav", "footer", "header", "aside"}
# Elements that say by an attribute that they are such furniture. A paragraph may be left open, and would take the text
# behind it along; those that may not are looked at.
_MARKED = frozenset(("div", "section", "ul", "ol", "form", "dialog"))
_ROLES = frozenset((
    "navigation", "banner", "contentinfo", "complementary", "search", "dialog", "alertdialog", "menu", "menubar",
))  # fmt: skip
_CONSENT = re.compile(
    r"(?:cookies?|consent|gdpr)[-_]?(?:banner|bar|box|consent|container|dialog|message|modal|notice|overlay|popup|wall)"
    r"|onetrust-(?:consent|banner)-sdk|cybotcookiebotdialog|didomi-host|usercentrics-root|sp_message_container_\d+"
)
# fmt: off
_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details", "dialog", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hr", "li", "main", "nav", "ol", "option", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead",
    "tr", "ul",
))
_VOID = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
))
# Elements whose end a page may leave out. That of a paragraph is known: the next block.
_OPEN_ENDED = frozenset((
    "body", "colgroup", "dd", "dt", "head", "html", "li", "optgroup", "option", "rp", "rt", "tbody", "td", "tfoot",
    "th", "thead", "tr",
))
# fmt: on
_TELLING = frozenset(("html", "meta", "link"))
_CELLS = frozenset(("td", "th"))
# What pages say of themselves in <meta>, by field: the first of these names that there is. They are those of Open
# Graph, schema.org, Dublin Core and Highwire Press, which scholarly pages use.
_FIELDS = {
    "date": (
        "article:published_time", "datepublished", "citation_publication_date", "citation_date", "dcterms.issued",
        "dc.date.issued", "dcterms.date", "dc.date", "date", "pubdate", "parsely-pub-date",
    ),
    "author": ("author", "citation_author", "dcterms.creator", "dc.creator", "article:author", "parsely-author"),
    "site": ("og:site_name", "citation_journal_title"),
    "url": ("canonical", "og:url"),
    "language": ("lang",),
}  # fmt: skip
_META = frozenset(name for names in _FIELDS.values() for name in names)
_HIDDEN_PARAGRAPH = ("p", True)  # a tag that is open, and whether what stands in it is dropped
_EDGE = "\x1e"  # stands for the edge of a block until the white space between the edges is folded

_CHARSET = re.compile(rb"""(?:<meta\s[^>]*charset|<\?xml\s[^>]*encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_CHARSET_BYTES = 1024  # where the HTML standard wants the declaration
# The standard reads pages that name these encodings in the larger ones that such pages are really written in.
_AS_BROWSERS_DO = {
    label: encoding
    for encoding, labels in {
        "cp1252": ("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"),
        "cp1254": ("iso-8859-9", "latin5"),
        "cp874": ("iso-8859-11", "tis-620"),
        "cp932": ("shift_jis", "shift-jis", "sjis", "x-sjis"),
        "cp949": ("euc-kr", "ks_c_5601-1987"),
        "gb18030": ("gb2312", "gbk", "x-gbk"),
        "iso-8859-8": ("iso-8859-8-i",),
    }.items()
    for label in labels
}


def read_html(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield the page's text, one line for each block, without scripts and page furniture."""
    page = _Page()
    page.feed(_markup(source, options))
    page.close()
    yield from one_document(source, options, page.text, page.title, page.fields)


def text_of(markup: str, *, is_page: bool = True) -> str:
    """Return the text of HTML, one line for each block, as `read_html` has it.

    Args:
        markup: the HTML.
        is_page: is it a page of the web, whose header, footer and asides are no text?
    """
    page = _Page(_DROPPED if is_page else _NO_TEXT)
    page.feed(markup)
    page.close()
    return page.text


def as_browsers_do(label: str) -> str:
    """Return the encoding in which browsers read what is said to be in *label*; empty where there is none."""
    name = _AS_BROWSERS_DO.get(label.lower(), label)
    try:
        "".encode(name)
    except (LookupError, UnicodeError, ValueError):  # Python has an encoding "undefined" that can write nothing
        return ""
    return name


def _is_furniture(attrs: list[tuple[str, str | None]]) -> bool:
    """Do its attributes say that an element is no part of a page's text: a menu, or asking for consent?"""
    said = {name: (value or "").lower() for name, value in attrs}
    names = f"{said.get('id', '')} {said.get('class', '')}".split()
    return said.get("role", "") in _ROLES or any(map(_CONSENT.fullmatch, names))


def _is_hidden(tag: str, attrs: list[tuple[str, str | None]]) -> bool:
    return tag not in _OPEN_ENDED and any(name == "hidden" for name, _ in attrs)


class _Page(HTMLParser):
    """The text and title of a page, and what it says of itself.

    The standard library's parser rather than Beautiful Soup, which builds a tree that nobody needs here: it took
    ten times as long, and quadratic time for pages that leave their paragraphs open.
    """

    def __init__(self, dropped: frozenset[str] = _DROPPED) -> None:
        super().__init__(convert_charrefs=True)
        self._dropping = dropped
        self._open: list[tuple[str, bool]] = []  # tags, and whether what stands in them is dropped
        self._count: Counter[str] = Counter()
        self._dropped = 0
        self._pieces: list[str] = []
        self._title: list[str] = []
        self._titles = 0
        self._said: dict[str, list[str]] = {}

    @property
    def text(self) -> str:
        blocks = (" ".join(block.split()) for block in "".join(self._pieces).split(_EDGE))
        return "\n".join(block for block in blocks if block)

    @property
    def title(self) -> str:
        return " ".join("".join(self._title).split())

    @property
    def fields(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field, names in _FIELDS.items():
            values = next((self._said[name] for name in names if name in self._said), None)
            if values:
                found[field] = values[0] if len(values) == 1 or field != "author" else values
        return found

    def _note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element says of the page."""
        given = {name: " ".join(clean(value or "").split()) for name, value in reversed(attrs)}  # the first one holds
        if tag == "meta":
            names, value = (
                [given.get(key, "").lower() for key in ("property", "name", "itemprop")],
                given.get("content"),
            )
        elif tag == "link":
            names, value = given.get("rel", "").lower().split(), given.get("href")
        else:
            names, value = ["lang"], given.get("lang")
        for name in _META.intersection(names):
            # Some write there the address of an author's page.
            if value and not (name in _FIELDS["author"] and value.startswith(("http://", "https://"))):
                self._said.setdefault(name, []).append(value)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._dropped and tag in _BLOCKS and tag not in _VOID and _HIDDEN_PARAGRAPH in self._open:
            self.handle_endtag("p")
        self._separate(tag)
        if tag in _TELLING:
            self._note(tag, attrs)
        if tag in _VOID:
            return
        # The header of an article is its headline; that of a page is furniture.
        is_headline = tag == "header" and bool(self._count["article"] or self._count["main"])
        is_dropped = (
            (tag in self._dropping and not is_headline)
            or (tag in _MARKED and _is_furniture(attrs))
            or _is_hidden(tag, attrs)
        )
        self._open.append((tag, is_dropped))
        self._count[tag] += 1
        self._dropped += is_dropped
        self._titles += tag == "title" and not self._count["svg"]

    def handle_endtag(self, tag: str) -> None:
        # A tag closes all that were left open inside of it; one that closes nothing is ignored.
        while self._count[tag]:
            inner, was_dropped = self._open.pop()
            self._count[inner] -= 1
            self._dropped -= was_dropped
            self._separate(inner)
            if inner == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._dropped:
            self._pieces.append(data)
        elif self._titles == 1 and self._count["title"] and not self._count["svg"]:  # drawings have titles of their own
            self._title.append(data)

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Pass over ``<![anything>`` as browsers do; the standard library gives up where it does not know the word."""
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            return self.parse_bogus_comment(i, report)

    def _separate(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._pieces.append(_EDGE)
        elif tag in _CELLS:
            self._pieces.append(" ")


def _markup(source: Source, options: ReadOptions) -> str:
    """Return the markup in its byte order mark's encoding, the options', the declared one, or UTF-8."""
    marked, stream = open_marked(source)
    raw = stream.read()
    encoding = marked.name if marked else options.encoding or declared_encoding(raw) or "utf-8"
    return decode(raw, encoding, source.name)


def declared_encoding(raw: bytes) -> str | None:
    """Return the encoding that a page says it has, if it is one that its own first bytes can be read in."""
    found = _CHARSET.search(raw[:_CHARSET_BYTES])
    name = as_browsers_do(found[1].decode("ascii")) if found else ""
    return name if name and "<".encode(name) == b"<" else None
