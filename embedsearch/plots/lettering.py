"""Texts as a figure can show them: on one line, cut short, with the characters that the font has."""

from __future__ import annotations

import textwrap
import unicodedata
from functools import lru_cache
from typing import Any

from embedsearch.errors import QueryError, did_you_mean
from embedsearch.plots.style import FONT

LONGEST = 42  # characters of a label
_ANY = 10_000  # characters: no limit that anybody meets
_STAND_IN = "□"
# Control characters, and those that turn the direction of writing or have no shape: they could hide what stands there.
_INVISIBLE = ("Cc", "Cf")


class Lettering:
    """Makes texts fit for a figure, and remembers which characters the font lacks."""

    def __init__(self, font: str = FONT) -> None:
        """Find a font.

        Args:
            font: the name of a family that matplotlib finds on this machine.

        Raises:
            QueryError: there is none.
        """
        self.font = font
        self._faces = [_face(name) for name in dict.fromkeys([font, FONT])]
        self.missing: set[str] = set()

    def text(self, text: object, longest: int = LONGEST) -> str:
        """Return a text on one line of at most so many characters, a box for each that the font lacks."""
        line = " ".join(str(text).split())
        line = "".join(letter for letter in line if unicodedata.category(letter) not in _INVISIBLE)
        if len(line) > longest:
            line = line[: longest - 1].rstrip() + "…"
        return "".join(letter if self._has(letter) else _STAND_IN for letter in line)

    def lines(self, text: object, width: int, *, most: int = 2) -> str:
        """Return a text on at most so many lines of so many characters, the lines about as long as one another."""
        line = self.text(text, _ANY)
        parts = _wrapped(line, width, most)
        while width > 1 and len(closer := _wrapped(line, width - 1, most)) == len(parts) and closer[-1][-1:] != "…":
            parts, width = closer, width - 1
        return "\n".join(parts)

    @property
    def note(self) -> str:
        """What to say of the characters that the font lacks; empty if it has all."""
        if not self.missing:
            return ""
        letters = sorted(self.missing)
        shown = " ".join(f"{letter} (U+{ord(letter):04X})" for letter in letters[:8] if letter.isprintable())
        more = f" and {len(letters) - 8:,} more" if len(letters) > 8 else ""
        return (
            f"The font {self.font!r} lacks {shown or 'some characters'}{more}, shown as {_STAND_IN}; "
            "choose one that has them with --font"
        )

    def _has(self, letter: str) -> bool:
        if any(face.get_char_index(ord(letter)) for face in self._faces):
            return True
        self.missing.add(letter)
        return False


def _wrapped(line: str, width: int, most: int) -> list[str]:
    return textwrap.wrap(line, width, max_lines=most, placeholder=" …", break_on_hyphens=False) or [""]


@lru_cache(maxsize=8)
def _face(name: str) -> Any:
    from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

    try:
        return get_font(findfont(FontProperties(family=[name]), fallback_to_default=False))
    except ValueError as error:
        known = fontManager.get_font_names()
        raise QueryError(f"matplotlib finds no font {name!r}.{did_you_mean(name, known)}") from error
