"""The arithmetic language: what it reads, what it refuses, and that its weights are linear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedsearch import Expression, QueryError, parse_expression

PHRASES = st.text("abcäß狼🐺 '.-,:;&", min_size=1).map(lambda text: " ".join(text.split())).filter(bool)
# Hundredths, so that sums and products of them are exact in decimals and nearly so in floats.
WEIGHTS = st.integers(-10_000, 10_000).filter(bool).map(lambda hundredths: hundredths / 100)
SUMS = st.lists(st.tuples(WEIGHTS, PHRASES), min_size=1, max_size=6, unique_by=lambda term: term[1])


def weights(source: str) -> dict[str, float]:
    """Return the weight of each phrase, in order."""
    expression = parse_expression(source)
    return dict(zip(expression.texts, expression.weights, strict=True))


def written(terms: list[tuple[float, str]]) -> str:
    """Return terms in the language."""
    parts = [f'{"-" if weight < 0 else "+"} {abs(weight):.2f}*"{text}"' for weight, text in terms]
    return " ".join(parts)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("sheep", {"sheep": 1}),
        ("loan shark", {"loan shark": 1}),
        ("  loan \t shark\n", {"loan shark": 1}),
        ("sheep + spider", {"sheep": 1, "spider": 1}),
        ('sheep + spider - 0.5*"loan shark"', {"sheep": 1, "spider": 1, "loan shark": -0.5}),
        ("0.7*sheep + .3 * spider - 2.*wolf", {"sheep": 0.7, "spider": 0.3, "wolf": -2}),
        ("- sheep + wolf", {"sheep": -1, "wolf": 1}),
        ("+ sheep", {"sheep": 1}),
        ("-loan shark + wolf", {"loan shark": -1, "wolf": 1}),
        ("+sheep - (−wolf + dog)", {"sheep": 1, "wolf": 1, "dog": -1}),
        ("2*(-a - b)", {"a": -2, "b": -2}),
        ("-tit-for-tat", {"tit-for-tat": -1}),
        ("sheep − wolf", {"sheep": 1, "wolf": -1}),
        ("-0.5*sheep +2*wolf", {"sheep": -0.5, "wolf": 2}),
        ("-(sheep + wolf)", {"sheep": -1, "wolf": -1}),
        ('sheep -"loan shark"', {"sheep": 1, "loan shark": -1}),
        ("a - (b - (c - 2*d))", {"a": 1, "b": -1, "c": 1, "d": -2}),
        ("2*(a + 3*(b - c))", {"a": 2, "b": 6, "c": -6}),
        ("(((a)))", {"a": 1}),
        ("a + a + b", {"a": 2, "b": 1}),
        ("a + b - a", {"b": 1}),
        ("0*a + b", {"b": 1}),
        ("tit-for-tat + C++ + A+", {"tit-for-tat": 1, "C++": 1, "A+": 1}),
        ("catch 22 + 5 wolves", {"catch 22": 1, "5 wolves": 1}),
        ("M*A*S*H + and/or + f(x)", {"M*A*S*H": 1, "and/or": 1, "f(x)": 1}),
        ("bass (a fish) + (f(x) - wolf (an animal))", {"bass (a fish)": 1, "f(x)": 1, "wolf (an animal)": -1}),
        ("rock 'n' roll + wolf's den", {"rock 'n' roll": 1, "wolf's den": 1}),
        ('"a + b" + \'say "x"\'', {"a + b": 1, 'say "x"': 1}),
        ("“loan shark” + ‘a b’ + «c  d» + „e“", {"loan shark": 1, "a b": 1, "c d": 1, "e": 1}),
        ("'-sheep' + \"2*wolf\"", {"-sheep": 1, "2*wolf": 1}),
        ("Wolf + wolf", {"Wolf": 1, "wolf": 1}),
        ("狼 + 🐺", {"狼": 1, "🐺": 1}),
    ],
)
def test_reading(source: str, expected: dict[str, float]) -> None:
    """An expression is a weighted sum of phrases in the order of first mention."""
    assert list(weights(source).items()) == list(expected.items())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "the expression is empty"),
        (" \n", "the expression is empty"),
        ("+", "at its end: a phrase is missing"),
        ("a +", "at its end: a phrase is missing"),
        ("a + - b", "at '- b': a phrase is missing"),
        ("2*", "at its end: a phrase is missing"),
        ("()", "at ')': a phrase is missing"),
        ("(a - )", "at ')': a phrase is missing"),
        ("(a + b", "at its end: a parenthesis is not closed"),
        ("wolf (an animal", "at its end: a parenthesis is not closed"),
        ("a + b)", "at ')': a closing parenthesis without an opening one"),
        ("(a))", "at ')': a closing parenthesis without an opening one"),
        ('"a")', "at ')': a closing parenthesis without an opening one"),
        ('"a', "at '\"a': the quote \" is not closed"),
        ('“a"', "the quote “ is not closed"),
        ('a + " "', "a quoted phrase is empty"),
        ('"a" "b"', "at '\"b\"': an operator (+ or - between spaces) is missing"),
        ("(a b) c", "at 'c': an operator (+ or - between spaces) is missing"),
        ('the "big" wolf', "at '\"big\" wolf': put spaces around operators"),
        ("--sheep", "at '--sheep': put spaces around operators"),
        ("-40 degrees + wolf", "at '-40 degrees + wolf': put spaces around operators"),
        ("sheep + -wolf", "at '-wolf': put spaces around operators"),
        ("-sheep*2", "at 'sheep*2': put spaces around operators"),
        ("sheep -wolf", "at '-wolf': put spaces around operators"),
        ("2*3*sheep", "at '3*sheep': put spaces around operators"),
        ("sheep*2", "at 'sheep*2': put spaces around operators"),
        ("sheep * 2", "at '* 2': put spaces around operators"),
        ("sheep 2*wolf", "at '2*wolf': put spaces around operators"),
        ("0,5*wolf", "at '0,5*wolf': put spaces around operators"),
        ("1e3*wolf", "at '1e3*wolf': put spaces around operators"),
        ("2(a + b)", "at '2(a + b)': put spaces around operators"),
        ("0*a", "the terms of '0*a' cancel out: nothing is left"),
        ("a - a", "the terms of 'a - a' cancel out: nothing is left"),
        ("1000000.5*a", "the weight of 'a' is beyond ±1,000,000"),
        ("-1000*(1001*a)", "the weight of 'a' is beyond ±1,000,000"),
        ("1" + "0" * 400 + "*a", "the weight of 'a' is beyond ±1,000,000"),
        ("a\0b", "it holds a NUL character or bytes that are not UTF-8"),
        ("a\udcff", "it holds a NUL character or bytes that are not UTF-8"),
        ("(" * 51 + "a" + ")" * 51, "more than 50 parentheses inside one another"),
        ("(" * 9_000, "more than 50 parentheses inside one another"),
        ("a" * 10_001, "the expression has 10,001 characters; at most 10,000 are read"),
        ("a + " * 2_500_000 + "a", "the expression has 10,000,001 characters; at most 10,000 are read"),
    ],
    ids=lambda text: ascii(text)[:40],
)
def test_refusing(source: str, message: str) -> None:
    """What does not follow the grammar, or only looks as if it did, is refused in one short line."""
    with pytest.raises(QueryError) as caught:
        parse_expression(source)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 450
    assert "\n" not in str(caught.value)


def test_depth() -> None:
    """Fifty parentheses inside one another are read."""
    assert weights("(" * 50 + "a" + ")" * 50) == {"a": 1}


def test_decimals() -> None:
    """Weights add up as they were written: a tenth and two tenths less three tenths are nothing."""
    assert weights("0.1*a + 0.2*a - 0.3*a + b") == {"b": 1}
    assert weights("0.1*a + 0.2*a") == {"a": 0.3}


def test_longest_weights() -> None:
    """The heaviest weight is a million, and one too small for a float is none."""
    assert weights("1000000*a") == {"a": 1e6}
    assert weights("0." + "0" * 400 + "1*a + b") == {"b": 1}


def test_printing() -> None:
    """An expression prints as it was written, a term with its sign and weight."""
    expression = parse_expression("  sheep -  0.5*(wolf) ")
    assert str(expression) == "sheep -  0.5*(wolf)"
    assert [str(term) for term in expression.terms] == ["+1·sheep", "-0.5·wolf"]


@given(SUMS)
def test_round_trip(terms: list[tuple[float, str]]) -> None:
    """Terms that are written down and read come back, and so does what was read and printed."""
    expression = parse_expression(written(terms))
    assert list(zip(expression.weights, expression.texts, strict=True)) == terms
    assert parse_expression(str(expression)) == expression


@given(SUMS, SUMS, WEIGHTS, WEIGHTS)
def test_linearity(first: list, second: list, a: float, b: float) -> None:
    """The weights of a*(x) + b*(y) are a times those of x plus b times those of y."""
    expected: dict[str, float] = {}
    for factor, terms in ((a, first), (b, second)):
        for weight, text in terms:
            expected[text] = expected.get(text, 0.0) + factor * weight
    signs = ["-" if factor < 0 else "+" for factor in (a, b)]
    source = f"{signs[0]} {abs(a):.2f}*({written(first)}) {signs[1]} {abs(b):.2f}*({written(second)})"
    # Factors and weights are hundredths: a sum of their products is zero or at least 1e-4.
    left = {text: weight for text, weight in expected.items() if abs(weight) > 5e-5}
    if not left:
        with pytest.raises(QueryError, match="cancel out"):
            parse_expression(source)
    else:
        assert weights(source) == pytest.approx(left, rel=1e-9)


@given(st.text() | st.text("ab +-−*()\"'“”.5,\t"))
def test_any_text(source: str) -> None:
    """Any text at all gives an expression whose terms are sound, or a QueryError."""
    try:
        expression = parse_expression(source)
    except QueryError:
        return
    assert isinstance(expression, Expression)
    assert expression.terms
    assert len(set(expression.texts)) == len(expression.terms)
    for term in expression.terms:
        assert 0 < abs(term.weight) <= 1e6
        assert term.text == " ".join(term.text.split())
        assert term.text
