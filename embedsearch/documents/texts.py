"""Readers of sources that are one document each: plain text and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from embedsearch.documents.document import Document
from embedsearch.documents.fields import clean
from embedsearch.documents.sources import ReadOptions, Source, whole_text

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?P<lines>(?:.*\n)*?)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)")
_NAMED = re.compile(r"""["']?\w[\w .:/-]*["']?:(?=\s|\Z)""")
# What else may stand in front matter: comments, what is indented, items and ends of lists.
_UNNAMED = re.compile(r"[#\s\]}]|-(?=\s|\Z)")
_NOT_PLAIN = tuple("#&*!|>%@`[{")  # what YAML values begin with that are more than a plain text or number
_HEADING = re.compile(r" {0,3}#[ \t]+(.*)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


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
    if front and _is_front_matter(front["lines"]):
        metadata = _scalars(front["lines"])
        text = text[front.end() :]
    title = metadata.pop("title", None)
    yield from one_document(source, options, text, str(title) if title is not None else _heading(text), metadata)


def _is_front_matter(lines: str) -> bool:
    """Return whether *lines* hold names with values and nothing else, or nothing at all.

    A first line ``---`` can also be a rule across the page, with text between it and the next rule.
    """
    filled = [line for line in lines.split("\n") if line.strip()]
    unnamed = [line for line in filled if not _NAMED.match(line)]
    return all(map(_UNNAMED.match, unnamed)) and (not filled or len(unnamed) < len(filled))


def _scalars(lines: str) -> dict[str, Any]:
    """Return the values of ``name: value`` lines; lists and nested values are left out."""
    found = {}
    for line in lines.splitlines():
        name, _, value = line.partition(": ")
        if value.strip() and name[:1].isalpha() and not value.strip().startswith(_NOT_PLAIN):
            found[name.rstrip()] = _scalar(value.strip())
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
            return _without_closing(heading[1].strip())
    return ""


def _without_closing(heading: str) -> str:
    """Return *heading* without the number signs that may close it: ``Wolves ##`` is ``Wolves``."""
    bare = heading.rstrip("#")
    return bare.rstrip() if not bare or bare[-1].isspace() else heading
