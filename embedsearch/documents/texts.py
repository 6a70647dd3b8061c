"""Readers of sources that are one document each: plain text and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from embedsearch.documents.document import Document
from embedsearch.documents.fields import clean, encodable
from embedsearch.documents.sources import ReadOptions, Source, whole_text

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?P<lines>(?:.*\n)*?)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)")
_NAMED = re.compile(r"""["']?\w[\w .:/-]*["']?:(?=\s|\Z)""")
# What else may stand in front matter: comments, what is indented, items and ends of lists.
_UNNAMED = re.compile(r"[#\s\]}]|-(?=\s|\Z)")
_NOT_PLAIN = tuple("#&*!|>%@`[{")  # what YAML values begin with that are more than a plain text or number
_BLANKS = " \t\r"  # the white space of YAML; a no-break space is text
_SINGLE_QUOTED = re.compile(r"'([^']*(?:''[^']*)*)'(?:\s+#.*)?", re.DOTALL)
_DOUBLE_QUOTED = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"(?:\s+#.*)?', re.DOTALL)
_ESCAPE_OR_END = re.compile(
    r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4}|.)|\n+", re.DOTALL
)
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029", "\n": "",
}  # fmt: skip
_HEADING = re.compile(r" {0,3}#[ \t]+(.*)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


# What word processors and typesetters leave in a file's title.
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


def sensible_title(title: str) -> str:
    """Return the title that a file has in its properties, or ``""`` where it is what a program left there."""
    title = " ".join(title.replace("\0", " ").split())
    if len(title) > _TITLE_CHARACTERS or _NO_TITLE.match(title) or not re.search(r"[^\W\d_]", title):
        return ""
    return title


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
    if front and _is_front_matter(front["lines"]):
        metadata = _scalars(front["lines"])
        text = text[front.end() :]
    title = metadata.pop("title", None)
    yield from one_document(source, options, text, title if title is not None else _heading(text), metadata)


def _is_front_matter(lines: str) -> bool:
    """Return whether *lines* hold names with values and nothing else, or nothing at all.

    A first line ``---`` can also be a rule across the page, with text between it and the next rule.
    """
    filled = [line for line in lines.split("\n") if line.strip()]
    unnamed = [line for line in filled if not _NAMED.match(line)]
    return all(map(_UNNAMED.match, unnamed)) and (not filled or len(unnamed) < len(filled))


def _scalars(lines: str) -> dict[str, Any]:
    """Return the values of ``name: value`` lines and the indented ones below; lists and nested values are left out."""
    entries: list[tuple[str, list[str]]] = []
    for line in lines.split("\n"):
        if line.strip() and line[0] not in _BLANKS:
            name, _, value = line.partition(": ")
            entries.append((name.rstrip(), [value.strip(_BLANKS)]))
        elif entries:
            entries[-1][1].append(line.strip(_BLANKS))
    return {
        name: _scalar("\n".join(value).strip("\n"), is_title=name == "title")
        for name, value in entries
        if value[0] and name[:1].isalpha() and not value[0].startswith(_NOT_PLAIN)
    }


def _scalar(value: str, *, is_title: bool) -> Any:
    if quoted := _SINGLE_QUOTED.fullmatch(value):
        return _folded(quoted[1].replace("''", "'"))
    if quoted := _DOUBLE_QUOTED.fullmatch(value):
        return encodable(_ESCAPE_OR_END.sub(_unescaped, quoted[1]))
    value = _folded(value)
    value = re.split(r"[ \t]#", value, maxsplit=1)[0].rstrip(_BLANKS)
    if value in ("null", "~"):
        return None
    if is_title:  # a text, as it stands: 3.10 is another version than 3.1
        return value
    if value in ("true", "false"):
        return value == "true"
    if re.fullmatch(r"[-+]?\d{1,18}", value) and not re.match(r"[-+]?0\d", value):
        return int(value)
    if re.fullmatch(r"[-+]?\d{1,18}\.\d{1,18}", value):
        return float(value)
    return value


def _folded(text: str) -> str:
    """Return *text* on one line; each blank line in it is a line end."""
    return re.sub(r"\n+", lambda ends: "\n" * (len(ends[0]) - 1) or " ", text)


def _unescaped(found: re.Match[str]) -> str:
    """Return what an escape of a text in double quotes stands for, or a line end; an unknown escape stays."""
    escape = found[1]
    if not escape:
        return _folded(found[0])
    if escape[0] in "xuU" and len(escape) > 1:
        return chr(int(escape[1:], 16))
    return _ESCAPES.get(escape, found[0])


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
            return _without_closing(heading[1].strip())
    return ""


def _without_closing(heading: str) -> str:
    """Return *heading* without the number signs that may close it: ``Wolves ##`` is ``Wolves``."""
    bare = heading.rstrip("#")
    return bare.rstrip() if not bare or bare[-1].isspace() else heading
