"""About how many tokens a text has, where the model's tokenizer is not at hand."""

from __future__ import annotations

import re

_PIECES = re.compile(r"\w+|[^\w\s]")
_BYTES_A_TOKEN = 4


def about_tokens(text: str) -> int:
    """Return about how many tokens *text* has; rather too many than too few.

    A word counts one token for every four bytes of UTF-8 begun, a sign one. Vocabularies of subwords keep most English
    words whole, which is fewer, and take up to a token a letter in scripts they know little of.
    """
    return sum(-(-len(piece.encode("utf-8", "replace")) // _BYTES_A_TOKEN) for piece in _PIECES.findall(text))
