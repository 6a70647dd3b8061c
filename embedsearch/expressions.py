"""The arithmetic language: ``sheep + spider - 0.5*"loan shark"``.

::

    expression = ["+" | "-"] term { ("+" | "-") term }
    term       = [ NUMBER "*" ] ( QUOTED | words | "(" expression ")" )

Every expression is a weighted sum of phrases, and that is what parsing returns.

- An operator has a space on both sides, so that *tit-for-tat* and *C++* are words. It needs no space behind it before a
  quote, a parenthesis or a weight, and at the beginning of an expression (``-sheep + wolf``).
- Words that follow one another are one phrase; parentheses within them belong to it: *bass (fish)*.
- What looks like arithmetic but is not (``sheep -wolf``, ``-40 degrees``, ``sheep*2``, ``2*3*sheep``) is refused unless
  it is quoted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from embedsearch.errors import QueryError
from embedsearch.given import require_text

_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "‘": "’", "«": "»"}
_OPERATORS = {"+": 1, "-": -1, "−": -1}
_WEIGHT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*\*\s*", re.ASCII)
# Words that would be read as part of a phrase although they were meant as arithmetic: -sheep, *, 2*x, x*2, 2(x, "x.
_ARITHMETIC = re.compile(r'[-+−].+|\*|.*\d[.,]?\*.*|.*\*[.,]?\d.*|[\d.,]+\(.*|["“„«].*')
_SIGN = re.compile(r"[-+−](?=[^-+−\s\d.,*])")  # before a number it may be part of it: -40 degrees
_WORD = re.compile(r"\S+")
_SPACE = re.compile(r"\s*")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_MAX_DEPTH = 50
_MAX_LENGTH = 10_000
_MAX_WEIGHT = 1_000_000
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Term:
    """A phrase and its weight in a sum."""

    weight: float
    text: str

    def __str__(self) -> str:
        return f"{self.weight:+g}·{self.text}"


@dataclass(frozen=True, slots=True)
class Expression:
    """A weighted sum of phrases, each phrase once, in the order in which they are first mentioned.

    Attributes:
        source: the expression as the user wrote it.
        terms: at least one; no weight is zero.
    """

    source: str
    terms: tuple[Term, ...]

    @property
    def texts(self) -> list[str]:
        """The phrases, in order."""
        return [term.text for term in self.terms]

    @property
    def weights(self) -> list[float]:
        """The weights, in the order of `texts`."""
        return [term.weight for term in self.terms]

    def __str__(self) -> str:
        return self.source


def parse_expression(source: str) -> Expression:
    """Parse an expression into a weighted sum; the weights of the same phrase are added in decimal arithmetic.

    Raises:
        QueryError: *source* is not a text, does not follow the grammar, its terms cancel out, a weight is beyond
            ±1,000,000, or it has more than 10,000 characters.
    """
    if len(require_text("an expression", source)) > _MAX_LENGTH:
        raise QueryError(f"the expression has {len(source):,} characters; at most {_MAX_LENGTH:,} are read")
    weights: dict[str, Decimal] = {}
    for weight, text in _Parser(source).parse():
        weights[text] = weights.get(text, Decimal()) + weight
    terms = tuple(Term(float(weight), text) for text, weight in weights.items() if float(weight) != 0)
    if not terms:
        raise QueryError(f"the terms of {_shortened(source)!r} cancel out: nothing is left to search for")
    for term in terms:
        if abs(term.weight) > _MAX_WEIGHT:
            raise QueryError(f"the weight of {_shortened(term.text)!r} is beyond ±{_MAX_WEIGHT:,}; write a smaller one")
    return Expression(source.strip(), terms)


def _shortened(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


# Weights stay decimal, as they were written, so that 0.1*x + 0.2*x - 0.3*x is nothing and not 5.6e-17*x.
_WeightedPhrase = tuple[Decimal, str]


class _Parser:
    """A recursive-descent parser over one string."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._depth = 0

    def parse(self) -> list[_WeightedPhrase]:
        if _UNWRITABLE.search(self._source):
            raise self._error("it holds a NUL character or bytes that are not UTF-8")
        self._skip_space()
        if self._done:
            raise QueryError('the expression is empty; write phrases joined by + and -, such as "sheep + spider"')
        return self._expression()

    def _expression(self) -> list[_WeightedPhrase]:
        terms = self._term(self._take_operator() or self._take_sign() or 1)
        while sign := self._take_operator():
            terms += self._term(sign)
        return terms

    def _term(self, sign: int) -> list[_WeightedPhrase]:
        weight = Decimal(sign)
        if match := _WEIGHT.match(self._source, self._at):
            weight *= Decimal(match[1])
            self._at = match.end()
        if self._done or self._peek_operator():
            raise self._error("a phrase is missing")
        if self._here == "(":
            terms = [(weight * inner, text) for inner, text in self._parenthesised()]
        else:
            terms = [(weight, self._quoted() if self._here in _QUOTES else self._words())]
        self._skip_space()
        self._require_end_of_term()
        return terms

    def _parenthesised(self) -> list[_WeightedPhrase]:
        if self._depth == _MAX_DEPTH:
            raise self._error(f"more than {_MAX_DEPTH} parentheses inside one another")
        self._at += 1
        self._depth += 1
        self._skip_space()
        terms = self._expression()
        if self._done:
            raise self._error("a parenthesis is not closed")
        self._at += 1
        self._depth -= 1
        return terms

    def _quoted(self) -> str:
        end = self._source.find(_QUOTES[self._here], self._at + 1)
        if end < 0:
            raise self._error(f"the quote {self._here} is not closed")
        text = " ".join(self._source[self._at + 1 : end].split())
        if not text:
            raise self._error("a quoted phrase is empty")
        self._at = end + 1
        return text

    def _words(self) -> str:
        words, opened, ended = [], 0, False
        while not (ended or self._done or self._peek_operator()):
            word, opened, ended = self._word(opened)
            words += [word] if word else []
            self._skip_space()
        if opened:
            raise self._error("a parenthesis is not closed")
        if not words:
            raise self._error("a phrase is missing")
        return " ".join(words)

    def _word(self, opened: int) -> tuple[str, int, bool]:
        """Take the word that stands here.

        Args:
            opened: how many parentheses the words of this phrase have opened and not closed.

        Returns:
            The word, *opened* behind it, and whether a parenthesis ends the phrase that the phrase did not open.
        """
        match = _WORD.match(self._source, self._at)
        assert match is not None  # neither at the end nor at a space
        if _ARITHMETIC.fullmatch(match[0]):
            raise self._error(
                "put spaces around operators, and weights in front of phrases; if it is part of a phrase, put "
                "the phrase in quotes"
            )
        word = match[0]
        for place, character in enumerate(word):
            opened += (character == "(") - (character == ")")
            if opened < 0:
                self._at += place
                return word[:place], 0, True
        self._at = match.end()
        return word, opened, False

    def _require_end_of_term(self) -> None:
        if self._done or self._peek_operator():
            return
        if self._here != ")":
            raise self._error("an operator (+ or - between spaces) is missing")
        if self._depth == 0:
            raise self._error("a closing parenthesis without an opening one")

    def _peek_operator(self) -> int:
        """Return 1 or -1 for the operator that stands here, or 0."""
        following = self._source[self._at + 1 : self._at + 2]
        apart = not following or following.isspace() or following in "()" or following in _QUOTES
        return _OPERATORS.get(self._here, 0) if apart or _WEIGHT.match(self._source, self._at + 1) else 0

    def _take_operator(self) -> int:
        sign = 0 if self._done else self._peek_operator()
        if sign:
            self._at += 1
            self._skip_space()
        return sign

    def _take_sign(self) -> int:
        """Take the sign of an expression's first phrase, which stands straight before it."""
        match = _SIGN.match(self._source, self._at)
        self._at = match.end() if match else self._at
        return _OPERATORS[match[0]] if match else 0

    def _skip_space(self) -> None:
        match = _SPACE.match(self._source, self._at)
        self._at = match.end() if match else self._at

    @property
    def _here(self) -> str:
        return self._source[self._at]

    @property
    def _done(self) -> bool:
        return self._at >= len(self._source)

    def _error(self, what: str) -> QueryError:
        rest = self._source[self._at :].strip()
        where = f"at {rest[:30]!r}" if rest else "at its end"
        return QueryError(
            f"the expression {_shortened(self._source)!r} cannot be read {where}: {what}. "
            'Example: sheep + 0.5*"loan shark" - (wolf + dog)'
        )
