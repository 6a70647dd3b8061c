"""Where the sentences of a text begin and end."""

from __future__ import annotations

import re

_BREAK = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？｡]+[」』”’）]*|\n\s*\n")


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each sentence of *text*, in order, without the whitespace around it."""
    spans = []
    begin = 0
    for end in [*(match.end() for match in _BREAK.finditer(text)), len(text)]:
        part = text[begin:end]
        inner = part.strip()
        if inner:
            start = begin + len(part) - len(part.lstrip())
            spans.append((start, start + len(inner)))
        begin = end
    return spans
