"""How much of a text in other letters than Latin ones a model's vocabulary knows."""

from __future__ import annotations

import re
import unicodedata
from typing import Protocol

# Letters but those of Latin and of phonetics. Letters of formulas (beyond 1D400), emoji and signs are none.
FOREIGN = re.compile(
    r"[^\W\d_\u0000-\u02ff\u1d00-\u1dbf\u1e00-\u1eff\u2070-\u214f\u2c60-\u2c7f\ua720-\ua7ff\uab30-\uab6f\uff21-\uff5a"
    r"\U0001d400-\U0001d7ff]"
)
# A letter of these says as much as a word or a syllable: Chinese characters, and the syllables of Korean.
_WHOLE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\uac00-\ud7a3]")
_BEGINNING = 1000  # characters by which it is told what a text is written in
_SAMPLE = 120  # characters whose tokens are looked at
_FEWEST = 4
# Of texts that models for English alone read, .76 and more was unknown in every script, in Chinese .67; of those that a
# vocabulary of 20,000 pieces of their own languages reads, .5 in most, and of Chinese none.
_MOST, _MOST_WHOLE = 0.75, 0.6


class Encoded(Protocol):
    """A text as its tokens, as `tokenizers.Encoding` has it."""

    @property
    def tokens(self) -> list[str]:
        """The tokens, in their order."""

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Where each begins and ends in the text."""


def sample(text: str) -> str:
    """Return a part of a text that most letters of are not Latin ones; empty where they are."""
    if text.isascii() or not (first := FOREIGN.search(text)):
        return ""
    beginning = text[:_BEGINNING]
    foreign = len(FOREIGN.findall(beginning))
    is_foreign = foreign >= _FEWEST and 2 * foreign > sum(map(str.isalpha, beginning))
    return text[first.start() : first.start() + _SAMPLE] if is_foreign else ""


def script_of(part: str) -> str:
    """Return the script of the first letter of what `sample` gave, such as ``CYRILLIC``."""
    return unicodedata.name(part[0], "").partition(" ")[0]


def is_unknown(part: str, encoded: Encoded, unknown: str) -> bool:
    """Is a part of a text in letters of which a model knows hardly any words?"""
    are_whole = 2 * len(_WHOLE.findall(part)) > len(FOREIGN.findall(part))
    return unknown_share(part, encoded, unknown) > (_MOST_WHOLE if are_whole else _MOST)


def unknown_share(text: str, encoded: Encoded, unknown: str) -> float:
    """Return the share of the other letters of *text* of which its tokens say nothing, from 0 to 1.

    That is where the token is the one for all that is unknown, stands for a letter alone where letters make words, or
    for less than a letter.

    Args:
        text: with at least one letter that is not Latin.
        encoded: its tokens.
        unknown: the token for what is unknown.
    """
    covering = [0] * len(text)
    known = [False] * len(text)
    for token, (start, end) in zip(encoded.tokens, encoded.offsets, strict=True):
        has_several = len(text[start:end].strip()) > 1
        for place in range(start, end):
            covering[place] += 1
            known[place] |= token != unknown and (has_several or bool(_WHOLE.match(text[place])))
    letters = [match.start() for match in FOREIGN.finditer(text)]
    return sum(not (known[place] and covering[place] == 1) for place in letters) / len(letters)
