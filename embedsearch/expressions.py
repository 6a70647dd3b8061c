"""The arithmetic language: ``sheep + spider - 0.5*"loan shark"``.

::

    expression = ["+" | "-"] term { ("+" | "-") term }
    term       = [ NUMBER "*" ] ( QUOTED | words | "(" expression ")" )

An operator stands between spaces, so that *tit-for-tat* and *C++* are words; in front of a quote, a parenthesis
or a weight it needs none behind it. Words that follow one another are one phrase, and parentheses within them
belong to it: *bass (fish)*. What looks like arithmetic but is none (``-sheep``, ``sheep*2``, ``2*3*sheep``) is
refused unless it is quoted. Every expression is a weighted sum of phrases, and that is what parsing gives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from embedsearch.errors import QueryError

_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "‘": "’", "«": "»"}  # noqa: RUF001 - quotes as people type them
_OPERATORS = {"+": 1, "-": -1, "−": -1}  # noqa: RUF001 - the minus sign that text programs write
_WEIGHT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*\*\s*", re.ASCII)
_ARITHMETIC = re.compile(r"\*|[-+−]?[\d.,]+(?:e[-+]?\d+)?\*.*|.+\*[\d.,]+|[-+−]?[\d.,]+(?:e[-+]?\d+)?\(.*", re.IGNORECASE)  # noqa: RUF001
_WORD = re.compile(r"\S+")
_SPACE = re.compile(r"\s*")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_MAX_DEPTH = 50
_MAX_LENGTH = 10_000
_MAX_WEIGHT = 1_000_000
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Term:
    """A phrase with its weight in a sum."""

    weight: float
    text: str

    def __str__(self) -> str:
        return f"{self.weight:+g}·{self.text}"


@dataclass(frozen=True, slots=True)
class Expression:
    """A weighted sum of phrases, each phrase once, in the order of first mention.

    Attributes:
        source: what the user wrote.
        terms: at least one; no weight is zero.
    """

    source: str
    terms: tuple[Term, ...]

    @property
    def texts(self) -> list[str]:
        """The phrases."""
        return [term.text for term in self.terms]

    @property
    def weights(self) -> list[float]:
        """The weights, in the order of `texts`."""
        return [term.weight for term in self.terms]

    def __str__(self) -> str:
        return self.source


def parse_expression(source: str) -> Expression:
    """Return the weighted sum that *source* describes.

    Raises:
        QueryError: the text does not follow the grammar, or its terms cancel out.
    """
    weights: dict[str, float] = {}
    parser = _Parser(source)
    for term in parser.parse():
        weights[term.text] = weights.get(term.text, 0.0) + term.weight
    terms = tuple(Term(weight, text) for text, weight in weights.items() if weight != 0)
    if not terms:
        raise QueryError(f"the terms of {source!r} cancel out: nothing is left to search for")
    return Expression(source.strip(), terms)


class _Parser:
    """A recursive-descent parser over one string."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.depth = 0

    def parse(self) -> list[Term]:
        self._skip_space()
        if self._done:
            raise QueryError('the expression is empty; write phrases joined by + and -, such as "sheep + spider"')
        terms = self._expression()
        if not self._done:
            raise self._error("a closing parenthesis without an opening one")
        return terms

    def _expression(self) -> list[Term]:
        sign = -1.0 if self._take_operator() == "-" else 1.0
        terms = self._term(sign)
        while operator := self._take_operator():
            terms += self._term(-1.0 if operator == "-" else 1.0)
        return terms

    def _term(self, sign: float) -> list[Term]:
        weight = sign
        if match := _WEIGHT.match(self.source, self.at):
            weight *= float(match[1])
            self.at = match.end()
        self._skip_space()
        if self._done or self._peek_operator():
            raise self._error("a phrase is missing")
        if self.source[self.at] == "(":
            return [Term(weight * inner.weight, inner.text) for inner in self._parenthesised()]
        text = self._quoted() if self.source[self.at] in _QUOTES else self._words()
        self._require_operator_or_end()
        return [Term(weight, text)]

    def _parenthesised(self) -> list[Term]:
        if self.depth == _MAX_DEPTH:
            raise self._error(f"more than {_MAX_DEPTH} parentheses inside one another")
        self.at += 1
        self.depth += 1
        self._skip_space()
        terms = self._expression()
        if self._done or self.source[self.at] != ")":
            raise self._error("a parenthesis is not closed")
        self.at += 1
        self.depth -= 1
        self._skip_space()
        self._require_operator_or_end()
        return terms

    def _quoted(self) -> str:
        closing = _QUOTES[self.source[self.at]]
        end = self.source.find(closing, self.at + 1)
        if end < 0:
            raise self._error(f"the quote {self.source[self.at]} is not closed")
        text = " ".join(self.source[self.at + 1 : end].split())
        if not text:
            raise self._error("a quoted phrase is empty")
        self.at = end + 1
        self._skip_space()
        return text

    def _words(self) -> str:
        words = []
        while not self._done and not self._peek_operator():
            match = _WORD.match(self.source, self.at)
            assert match is not None  # not at the end, and spaces are skipped after each word
            word = match[0]
            # Inside parentheses the ) behind a word closes them, unless the word opened one itself: f(x).
            closings = len(word) - len(word.rstrip(")")) if self.depth and "(" not in word else 0
            if bare := word[: len(word) - closings]:
                words.append(bare)
            self.at = match.end() - closings
            if closings:
                break
            self._skip_space()
        if not words:
            raise self._error("a phrase is missing")
        return " ".join(words)

    def _require_operator_or_end(self) -> None:
        closes = not self._done and self.depth > 0 and self.source[self.at] == ")"
        if not (self._done or closes or self._peek_operator()):
            raise self._error("an operator (+ or - between spaces) is missing")

    def _peek_operator(self) -> str:
        """Return the operator that stands here as a word of its own, or ``""``."""
        following = self.source[self.at + 1 : self.at + 2]
        alone = not following or following.isspace() or following == ")"
        return self.source[self.at] if alone and self.source[self.at] in "+-−" else ""

    def _take_operator(self) -> str:
        if self._done:
            return ""
        operator = self._peek_operator()
        if operator:
            self.at += 1
            self._skip_space()
        return "-" if operator == "−" else operator

    def _skip_space(self) -> None:
        match = _SPACE.match(self.source, self.at)
        self.at = match.end() if match else self.at

    @property
    def _done(self) -> bool:
        return self.at >= len(self.source)

    def _error(self, what: str) -> QueryError:
        rest = self.source[self.at :].strip()
        where = f"at {rest[:30]!r}" if rest else "at its end"
        return QueryError(
            f"the expression {self.source.strip()!r} cannot be read {where}: {what}. "
            'Example: sheep + 0.5*"loan shark" - (wolf + dog)'
        )
