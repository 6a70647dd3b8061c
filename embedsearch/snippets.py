"""Snippets: the part of a passage that answers a query, short enough for a line of a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from embedsearch.documents.sentences import sentences
from embedsearch.lexical import Match, Span

WIDTH = 160
_CONTEXT = 40  # characters before the first match, where a sentence does not begin nearby


@dataclass(frozen=True, slots=True)
class Snippet:
    """A part of a text on one line, with an ellipsis where something was cut off.

    Attributes:
        text: the part, with white space folded.
        matches: the (start, end) offsets in *text* of the words that match the query.
    """

    text: str
    matches: tuple[Span, ...] = ()

    def __str__(self) -> str:
        return self.text

    def behind(self, prefix: str) -> Snippet:
        """Return the snippet with *prefix* before it."""
        shifted = ((start + len(prefix), end + len(prefix)) for start, end in self.matches)
        return Snippet(prefix + self.text, tuple(shifted))


def folded(text: str) -> str:
    """Return *text* on one line, with each run of white space as one space."""
    return " ".join(text.split())


def around_matches(text: str, matches: Sequence[Match], width: int = WIDTH) -> Snippet:
    """Return the part with the most terms of the query; if several have, the first that begins a sentence.

    Args:
        text: a folded text.
        matches: the matching words in it, in order.
        width: the most characters of the part, ellipses included.
    """
    if len(text) <= width:
        return Snippet(text, tuple((start, end) for start, end, _ in matches))
    begins = [start for start, _ in sentences(text)]
    starts = [*begins, *(_word_start(text, max(0, match.start - _CONTEXT)) for match in matches)]
    best = max(starts, key=lambda start: (_different(matches, start, width), start in begins, -start))
    return cut(text, best, width=width, matches=matches)


def cut(text: str, start: int, *, width: int = WIDTH, matches: Sequence[Match] = ()) -> Snippet:
    """Return the part of *text* from *start* on, at most *width* characters, in whole words where possible."""
    before = "…" if start else ""
    room = width - len(before)
    part, after = text[start : start + room], ""
    if start + room < len(text):
        part, after = _whole_words(part), "…"
    shift, end = len(before) - start, start + len(part)
    inside = tuple((one.start + shift, one.end + shift) for one in matches if one.start >= start and one.end <= end)
    return Snippet(before + part + after, inside)


def _different(matches: Sequence[Match], start: int, width: int) -> int:
    end = start + width - 2  # two ellipses
    return len({match.term for match in matches if match.start >= start and match.end <= end})


def _word_start(text: str, place: int) -> int:
    """Return where the first word that begins at or behind *place* begins."""
    if place == 0 or text[place - 1] == " ":
        return place
    found = text.find(" ", place)
    return place if found < 0 else found + 1


def _whole_words(part: str) -> str:
    """Return *part* one character shorter at least, without a word that may be cut."""
    head, space, _ = part.rpartition(" ")
    return re.sub(r"[\s,;:–—-]+$", "", head) if space and len(head) > len(part) // 2 else part[:-1]
