"""Where the sentences of a text begin and end.

Written here because nothing on PyPI served (2026): sentencex 1.0.32 takes quadratic time on Chinese (6 s for
80,000 characters) and breaks "approx. 3.5 m"; pysbd 0.3.4 takes 11 s for 76 kB. Both ask for the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Possessive quantifiers, and a run is tried from its first character alone: time stays linear in "....".
_CLOSERS = "\"'\u201d\u2019\u00bb)]}*_"
_OPENERS = "\"'\u201c\u2018\u201e\u00ab\u00bf\u00a1([{*_"
# Full stops that need no space: the Chinese and Japanese ones, with what closes behind them; then those of
# Devanagari, Arabic, Urdu, Armenian, Ethiopic, Khmer and Burmese.
_FULL_STOPS = (
    "\u3002\uff01\uff1f\uff61",
    "\u300d\u300f\u201d\u2019\uff09\u3011",
    "\u0964\u0965\u061f\u06d4\u0589\u1362\u17d4\u17d5\u104b",
)
_BOUNDARY = re.compile(
    rf"(?<![.!?\u2026])(?P<stop>[.!?\u2026]++)[{re.escape(_CLOSERS)}]*+(?=\s)"
    rf"|[{_FULL_STOPS[0]}]++[{_FULL_STOPS[1]}]*+|[{_FULL_STOPS[2]}]++"
    r"|\n[^\S\n]*+\n|\f|\u2029"  # a blank line, a new page
    r"|\n(?=[ \t]{0,12}(?:[-*+\u2022]|#{1,6}|\d{1,3}[.)])[ \t])"  # the next line is a list item or a heading
)
_NEXT = re.compile(rf"\s*+[{re.escape(_OPENERS)}]*+(\w{{0,12}})")
_LETTER = re.compile(r"\w")
_LONGEST_ABBREVIATION = 20
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")  # "U.S", "Ph.D", "p.m" without the last full stop


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A full stop behind these never ends a sentence: something must follow.
_NEVER_LAST = _words(
    "adm approx brig bzw ca capt cf cmdr col d.h dr e.g eg esp fr gen gov hon i.e ie incl lt maj messrs "
    "mlle mme mr mrs ms mt prof rep resp rev sen sgt st viz vs z.b"
)
# Nor behind these where a number follows: "No. 5", but "No. He left."
_BEFORE_NUMBER = _words(
    "abb art bd c ch chap eq eqs ex fig figs no nos nr op p para pp ref refs sec sect suppl tab vol vols "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
# Behind these and behind "U.S." or "p.m." a sentence ends only where one of _STARTERS follows.
_SELDOM_LAST = _words("al assn ave blvd bros co corp dept dist etc ft inc jr ltd rd spp sp sr ssp subsp univ var")
_STARTERS = _words(
    "A After All Although An And As At Before But By Each Even For From Had Has He Her Here His How "
    "However I If In It Its Later Many More Most My No Not Now On One Only Or Our Out She Since So Some "
    "Such That The Their Then There These They This Those Thus To Two Under Until We What When Where "
    "While Who Why With Yet You Your"
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each sentence of *text*, in order, without the white space around it.

    Between two sentences there is nothing but white space. A blank line ends a sentence, a single line end
    does not. In doubt two sentences stay one, for that costs a search less than half a sentence does.
    """
    spans = []
    begin = 0
    for end in _ends(text):
        part = text[begin:end]
        inner = part.strip()
        if inner:
            start = begin + len(part) - len(part.lstrip())
            spans.append((start, start + len(inner)))
        begin = end
    return spans


def _ends(text: str) -> Iterator[int]:
    begin = 0
    lower = text.islower()  # in a text without capitals a small letter may begin a sentence
    for match in _BOUNDARY.finditer(text):
        if match["stop"] is None or _is_end(text, begin, match, lower):
            begin = match.end()
            yield begin
    yield len(text)


def _is_end(text: str, begin: int, match: re.Match[str], lower: bool) -> bool:
    """Return whether *match*, of full stops behind *begin*, ends a sentence."""
    if not _LETTER.search(text, max(begin, match.start() - _LONGEST_ABBREVIATION - 1), match.start()):
        return False  # dots without words: ". . ."
    following = _NEXT.match(text, match.end())
    word = following[1] if following else ""
    if word[:1].islower() and not lower:
        return False
    if following and not word and text.startswith(".", following.end()):
        return False  # the first of ". . ."
    if match["stop"] != ".":
        return True
    before = _word_before(text, begin, match.start())
    key = before.lower()
    if key in _NEVER_LAST or (key in _BEFORE_NUMBER and word[:1].isdigit()):
        return False
    if key in _SELDOM_LAST or _DOTTED.fullmatch(before):
        return word in _STARTERS or not word
    # "J. R. R. Tolkien", and the numbers of a list: "1. The wolf".
    is_initial = len(before) == 1 and before.isalpha()
    is_number = before.isdigit() and text[begin : match.start()].strip() == before
    return not (is_initial or is_number)


def _word_before(text: str, begin: int, end: int) -> str:
    """Return what stands between the last white space and *end*; "" for what no abbreviation can be."""
    part = text[max(begin, end - _LONGEST_ABBREVIATION - 1) : end]
    words = part.split()
    if not words or part[-1].isspace() or len(words[-1]) > _LONGEST_ABBREVIATION:
        return ""
    return words[-1].lstrip(_OPENERS)
