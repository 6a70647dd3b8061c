"""About how many tokens a text has, where the model's tokenizer is not at hand."""

from __future__ import annotations

import re
from collections import Counter

_PIECES = re.compile(r"\w+|[^\w\s]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f\s]")
_LETTERS_A_TOKEN = 4  # of a word in ASCII
_HUNDREDTHS_A_BYTE = 70  # of a token: letters with marks, and scripts that the vocabulary hardly knows
# First and last code point of a script, and hundredths of a token for each of its letters: the tokens of cl100k_base
# by the letters of FLORES-200 (Petrov et al., "Language Model Tokenizers Introduce Unfairness Between Languages",
# NeurIPS 2023, with the table of lengths that belongs to it), between the languages that share a script.
_SCRIPTS = (
    (0x0370, 0x03FF, 110),  # Greek
    (0x0400, 0x052F, 80),  # Cyrillic: .57 in Russian, .73 in Ukrainian, .90 in Kazakh
    (0x0590, 0x05FF, 125),  # Hebrew
    (0x0600, 0x077F, 110),  # Arabic: .87 in Arabic, .89 in Persian, 1.17 in Urdu
    (0x0900, 0x097F, 125),  # Devanagari
    (0x0980, 0x09FF, 150),  # Bengali
    (0x0B80, 0x0BFF, 155),  # Tamil
    (0x0E00, 0x0E7F, 100),  # Thai
    (0x2000, 0x206F, 100),  # quotation marks and dashes
    (0x3000, 0x30FF, 100),  # marks of Chinese and Japanese, and kana
    (0x3400, 0x9FFF, 145),  # ideographs: 1.33 simplified, 1.56 traditional
    (0xAC00, 0xD7A3, 140),  # Hangul
    (0xFF00, 0xFFEF, 100),  # wide forms
)


def about_tokens(text: str) -> int:
    """Return about how many tokens *text* has for a vocabulary like that of OpenAI's models; mostly too many.

    A word in ASCII counts one token for every four letters begun, a sign one; other letters count by their script. That
    is 1.2 to 1.5 times as many as there are in English and in Russian, .9 to 1.3 times in most other scripts, and two
    thirds in Armenian, Odia and Ethiopic. Other languages in Latin letters have more tokens a word than English.
    """
    if text.isascii():
        return _in_ascii(text)
    letters = Counter(_BEYOND_ASCII.findall(text))
    hundredths = sum(count * _hundredths(letter) for letter, count in letters.items())
    return _in_ascii(_BEYOND_ASCII.sub("", text)) - (-hundredths // 100)


def _in_ascii(text: str) -> int:
    return sum(-(-len(piece) // _LETTERS_A_TOKEN) for piece in _PIECES.findall(text))


def _hundredths(letter: str) -> int:
    point = ord(letter)
    for first, last, hundredths in _SCRIPTS:
        if first <= point <= last:
            return hundredths
    return _HUNDREDTHS_A_BYTE * len(letter.encode("utf-8", "replace"))
