"""The words of a query. English stemming is SQLite's (FTS5, Porter), in `embedsearch.store`.

Nothing of a query is ever read as FTS5's own syntax: it is cut into words here, and each is quoted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

TOKENIZER = "porter unicode61 remove_diacritics 2"

Span = tuple[int, int]


class Match(NamedTuple):
    """A word of a text that matches a query.

    Attributes:
        start: the offset of its first character.
        end: the offset just after its last character.
        term: which term of the query it is, from 0; forms of one word are the same term.
    """

    start: int
    end: int
    term: int


_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 1_000  # FTS5 refuses expressions with very many parts; no question is so long

# Words that say nothing of a subject. Without them BM25 gains .007 on Cranfield and .018 on CISI, and a query
# does not have to visit nearly every passage.
_STOP_WORDS = (
    "a about above after again against all also am among an and any are as at be because been before being below "
    "between both but by can could did do does doing done down during each either etc few for from further had has "
    "have having he hence her here hers herself him himself his how however i if in into is it its itself just ll "
    "many may me might more most much must my myself neither no nor not of off on once only onto or other our ours "
    "ourselves out over own per quite rather re s same shall she should since so some such t than that the their "
    "theirs them themselves then there therefore these they this those though through thus to too toward towards "
    "under until up upon us ve very was we were what when where whereas whether which while who whom whose why will "
    "with within without would yet you your yours yourself yourselves"
)
STOP_WORDS = frozenset(_STOP_WORDS.split())


def words(text: str) -> list[str]:
    """Return all words of *text* in their order, repeated ones too, in composed form (NFC)."""
    return _WORD.findall(unicodedata.normalize("NFC", text))


def terms(text: str) -> list[str]:
    """Return the words that a query looks up: all but stop words, or all if there is nothing else.

    A word that occurs twice is looked up twice and counts twice, as in BM25's sum over the words of the query.
    """
    found = words(text)[:_MOST_WORDS]
    return [word for word in found if word.lower() not in STOP_WORDS] or found


def match_any(text: str) -> str:
    """Return the FTS5 expression for passages with any of the query's terms; empty if it has none."""
    return any_of(terms(text))


def any_of(words: Iterable[str]) -> str:
    """Return the FTS5 expression for passages with any of some words; empty if there are none."""
    return " OR ".join(f'"{word}"' for word in words)
