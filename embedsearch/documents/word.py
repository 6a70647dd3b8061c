"""Readers of files of word processors: those of Word (docx) and of OpenDocument (odt), which are packed XML.

Written here, since it is little: what a paragraph says stands in few elements, and no tree need be built to find it.
python-docx 1.2 brings lxml, and leaves out footnotes, text boxes, and what was inserted while changes were tracked;
mammoth writes HTML with marks of its own in the text.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from embedsearch.documents.document import Document
from embedsearch.documents.packed import Packed, WithoutEntities, attribute, local
from embedsearch.documents.sources import ReadOptions, Source, seekable
from embedsearch.documents.texts import one_document, sensible_title

_MOST_BLANKS = 1000  # that one element stands for
_CONTENTS = re.compile(r"toc \d|contents \d")  # styles of tables of contents


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """Names of elements, without their namespaces.

    Attributes:
        paragraphs: what holds a paragraph.
        texts: what holds its letters; None where they stand in the paragraph itself.
        joined: what holds paragraphs, or each other, by what their texts are joined with.
        written: what stands for a letter.
        skipped: what is no text of the document, with all that is in it.
        notes: what holds a footnote where it is referred to.
    """

    paragraphs: frozenset[str]
    texts: frozenset[str] | None
    joined: Mapping[str, str]
    written: Mapping[str, str]
    skipped: frozenset[str]
    notes: frozenset[str] = frozenset()


_WORD = _Vocabulary(
    paragraphs=frozenset(("p",)),
    texts=frozenset(("t",)),
    joined={"tbl": "\n", "tr": " ", "tc": " "},
    written={"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"},
    # What was moved away, and the second form of a text box, for programs that do not know the first.
    skipped=frozenset(("moveFrom", "Fallback")),
)
_OPENDOCUMENT = _Vocabulary(
    paragraphs=frozenset(("p", "h")),
    texts=None,
    joined={"table": "\n", "table-row": " ", "table-cell": " "},
    written={"tab": "\t", "line-break": "\n", "s": " "},
    skipped=frozenset(("tracked-changes", "annotation", "note-citation", "title", "desc", "binary-data")),
    notes=frozenset(("note-body",)),
)


@dataclass(slots=True)
class _Frame:
    """An element that holds text and is still open."""

    name: str
    style: str = ""
    pieces: list[str] = field(default_factory=list)


class _Blocks(WithoutEntities):
    """Paragraphs and tables of a part, as its XML goes by.

    Attributes:
        blocks: texts of what stands below each other.
        notes: texts of footnotes that stand where they are referred to.
        styled: the first paragraph of each style, by its name in small letters.
    """

    def __init__(self, vocabulary: _Vocabulary, styles: Mapping[str, str]) -> None:
        self.blocks: list[str] = []
        self.notes: list[str] = []
        self.styled: dict[str, str] = {}
        self._known = vocabulary
        self._styles = dict(styles)
        self._open: list[_Frame] = []
        self._texts = 0
        self._skipped = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take notice that an element begins."""
        name, known = local(tag), self._known
        self._skipped += name in known.skipped
        if self._skipped:
            return
        if name in known.paragraphs:
            level = attribute(attributes, "outline-level")
            style = f"heading {level}" if level else attribute(attributes, "style-name")
            self._open.append(_Frame(name, self._styles.get(style, style)))
        elif name in known.joined or name in known.notes:
            self._open.append(_Frame(name))
        elif name == "style" and (parent := attribute(attributes, "parent-style-name")):
            self._styles[attribute(attributes, "name")] = parent
        elif name == "pStyle" and self._open:
            style = attribute(attributes, "val")
            self._open[-1].style = self._styles.get(style, style)
        elif name in known.written and not attribute(attributes, "val") and self._is_in_paragraph():
            self._open[-1].pieces.append(known.written[name] * min(int(attribute(attributes, "c") or 1), _MOST_BLANKS))
        self._texts += known.texts is not None and name in known.texts

    def data(self, text: str) -> None:
        """Take letters."""
        if self._skipped or not self._is_in_paragraph():
            return
        pieces = self._open[-1].pieces
        if self._texts:
            pieces.append(text)
        elif self._known.texts is None:  # white space stands for one blank, wherever the parser divides it
            text = re.sub(r"\s+", " ", text)
            pieces.append(text.lstrip() if pieces and pieces[-1].endswith(" ") else text)

    def end(self, tag: str) -> None:
        """Take notice that an element ends."""
        name, known = local(tag), self._known
        if name in known.skipped:
            self._skipped -= 1
        elif not self._skipped:
            self._texts -= known.texts is not None and name in known.texts
            if self._open and name == self._open[-1].name:
                self._close(self._open.pop())

    def close(self) -> None:
        """End; what the parser asks for."""

    def _is_in_paragraph(self) -> bool:
        return bool(self._open) and self._open[-1].name in self._known.paragraphs

    def _close(self, frame: _Frame) -> None:
        style = frame.style.lower()
        text = self._known.joined.get(frame.name, "").join(frame.pieces).strip()
        if not text or _CONTENTS.fullmatch(style):
            return
        if frame.name in self._known.notes:
            self.notes.append(text)
            return
        if style:
            self.styled.setdefault(style, text)
        if not self._open:
            self.blocks.append(text)
        elif self._is_in_paragraph() or self._open[-1].name in self._known.notes:  # a text box, or several paragraphs
            self._open[-1].pieces.append(f"\n{text}\n")
        else:
            self._open[-1].pieces.append(text)


def read_docx(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield the paragraphs and tables of a file of Word, joined by blank lines, and its footnotes behind them."""
    with seekable(source.stream) as stream, Packed(stream, source.name, "Word") as packed:
        main = packed.target("_rels/.rels", "/officeDocument") or "word/document.xml"
        folder = posixpath.dirname(main)
        body = _blocks(packed, main, _WORD, _styles(packed, posixpath.join(folder, "styles.xml")))
        notes = [
            _blocks(packed, part, _WORD, {}).blocks
            for part in (posixpath.join(folder, "footnotes.xml"), posixpath.join(folder, "endnotes.xml"))
            if packed.has(part)
        ]
        said = packed.said("docProps/core.xml")
    dates = {"date": said.get("created", ""), "modified": said.get("modified", "")}
    text = "\n\n".join((*body.blocks, *(note for part in notes for note in part)))
    yield from one_document(source, options, text, _title(body, said), _fields(said.get("creator", ""), dates))


def read_odt(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield the paragraphs and tables of a text of OpenDocument, likewise."""
    with seekable(source.stream) as stream, Packed(stream, source.name, "OpenDocument") as packed:
        body = _blocks(packed, "content.xml", _OPENDOCUMENT, {})
        said = packed.said("meta.xml")
    dates = {"date": said.get("creation-date", ""), "modified": said.get("date", "")}
    author = said.get("initial-creator", "") or said.get("creator", "")
    text = "\n\n".join((*body.blocks, *body.notes))
    yield from one_document(source, options, text, _title(body, said), _fields(author, dates))


def _title(body: _Blocks, said: Mapping[str, str]) -> str:
    """Return the paragraph that is styled as the title, the title in the properties, or the first heading."""
    return " ".join(
        (body.styled.get("title") or sensible_title(said.get("title", "")) or body.styled.get("heading 1", "")).split()
    )


def _fields(author: str, dates: Mapping[str, str]) -> dict[str, str]:
    found = {"author": author}
    for name, said in dates.items():
        try:
            found[name] = datetime.fromisoformat(said).isoformat(timespec="seconds")
        except ValueError:
            continue
    return {name: value for name, value in found.items() if value}


def _styles(packed: Packed, part: str) -> dict[str, str]:
    """Return the names of styles by what paragraphs call them; those of headings are English in every language."""
    found = {}
    for style in packed.tree(part).iter() if packed.has(part) else ():
        if local(style.tag) == "style":
            names = (attribute(inner.attrib, "val") for inner in style if local(inner.tag) == "name")
            found[attribute(style.attrib, "styleId")] = next(names, "")
    return found


def _blocks(packed: Packed, part: str, vocabulary: _Vocabulary, styles: Mapping[str, str]) -> _Blocks:
    found = _Blocks(vocabulary, styles)
    packed.feed(part, found)
    return found
