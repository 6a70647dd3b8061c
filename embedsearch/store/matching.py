"""Where the words of a query stand in texts, stemmed as in the full text of an index."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from embedsearch.lexical import TOKENIZER, Match, Span, terms
from embedsearch.store.fulltext import storable

_BEGIN, _END = "\x02", "\x03"
_MARKS = str.maketrans(dict.fromkeys(("\0", _BEGIN, _END), " "))


def matches(texts: Sequence[str], query: str) -> list[list[Match]]:
    """Return, for each text, the words that match a term of *query*, in order.

    The texts go through the same tokenizer as the index, so that "hunted" matches "hunting" here if it did there.
    """
    found: list[dict[Span, int]] = [{} for _ in texts]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE VIRTUAL TABLE texts USING fts5 (text, tokenize = '{TOKENIZER}')")
        # Our marks, and the NUL that ends a text in SQLite, are no words: a space in their place moves nothing.
        records = [(place, storable(text.translate(_MARKS))) for place, text in enumerate(texts)]
        connection.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", records)
        marked = "SELECT rowid, highlight(texts, 0, ?, ?) FROM texts WHERE texts MATCH ?"
        for number, term in enumerate(dict.fromkeys(term.lower() for term in terms(query))):
            for place, text in connection.execute(marked, (_BEGIN, _END, f'"{term}"')):
                for span in _spans(text):
                    # "moth" and "moths" in one query are the same term.
                    found[place].setdefault(span, number)
    return [[Match(*span, number) for span, number in sorted(own.items())] for own in found]


def _spans(marked: str) -> list[Span]:
    """Return where the marks stand, counted without them."""
    spans = []
    for number, piece in enumerate(re.finditer(f"{_BEGIN}[^{_END}]*{_END}", marked)):
        start = piece.start() - 2 * number
        spans.append((start, start + len(piece[0]) - 2))
    return spans
