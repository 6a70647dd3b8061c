"""The filter language: what it reads, what it refuses, how a tree is written, and that it runs nothing."""

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedsearch import QueryError, parse_condition
from embedsearch.conditions import (
    And,
    Axis,
    Comparison,
    Contains,
    Field,
    Literal,
    Missing,
    Name,
    Near,
    Node,
    Not,
    OneOf,
    Or,
    Percentile,
    Truth,
    axes_in,
    first_measure,
    operands,
    parse_measure,
    resolve_measure,
    written,
)

AXES = ["predatoriness", "size", "p80", "body size"]
FIELDS = ["id", "title", "text", "kind", "year", "born", "flag", "tags", "size", "author.name", "class", "Größe"]
X, YEAR = Name("x"), Name("year")


def brief(value: Any) -> str:
    """Return the name of a test for a value that may be ten million characters long."""
    return ascii(value)[:40]


def refused(source: str) -> str:
    """Return the message that a condition is refused with."""
    with pytest.raises(QueryError) as caught:
        parse_condition(source).resolve(AXES, FIELDS)
    message = str(caught.value)
    assert len(message) < 900
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("x > 1", Comparison(X, ">", Literal(1))),
        ("1 > x", Comparison(X, "<", Literal(1))),
        ("x >= -2.5", Comparison(X, ">=", Literal(-2.5))),
        ("x == +1", Comparison(X, "==", Literal(1))),
        ("x < y", Comparison(X, "<", Name("y"))),
        ("x > p80", Comparison(X, ">", Percentile(80))),
        ("p99_5 >= x", Comparison(X, "<=", Percentile(99.5))),
        ("x < p0", Comparison(X, "<", Percentile(0))),
        ("x < p100", Comparison(X, "<", Percentile(100))),
        ("x < p101", Comparison(X, "<", Name("p101"))),
        ("x < p5", Comparison(X, "<", Percentile(5))),
        ("p10 < x <= p90", And((Comparison(X, ">", Percentile(10)), Comparison(X, "<=", Percentile(90))))),
        ("x == 'a'", Comparison(X, "==", Literal("a"))),
        ('x != "it\'s"', Comparison(X, "!=", Literal("it's"))),
        ("x == true", Comparison(X, "==", Literal(True))),
        ("x == False", Comparison(X, "==", Literal(False))),
        ('axis("p80") > p80', Comparison(Axis("p80"), ">", Percentile(80))),
        ('field("first author") == "Darwin"', Comparison(Field("first author"), "==", Literal("Darwin"))),
        ('near("ambush") > 0.4', Comparison(Near("ambush"), ">", Literal(0.4))),
        ("x in [1, -2, 'a', true]", OneOf(X, (1, -2, "a", True))),
        ("x in (1, 2)", OneOf(X, (1, 2))),
        ("x not in {1}", OneOf(X, (1,), negated=True)),
        ("x in []", OneOf(X, ())),
        ('"wolf" in x', Contains(X, "wolf")),
        ('"wolf" not in x', Contains(X, "wolf", negated=True)),
        ('not "wolf" in x', Not(Contains(X, "wolf"))),
        ("x", Truth(X)),
        ('field("x")', Truth(Field("x"))),
        ("missing(x)", Missing(X)),
        ("missing(p80)", Missing(Name("p80"))),
        ('missing(field("x y"))', Missing(Field("x y"))),
        ("not x", Not(Truth(X))),
        ("x and year or x", Or((And((Truth(X), Truth(YEAR))), Truth(X)))),
        ("x and (year or x)", And((Truth(X), Or((Truth(YEAR), Truth(X)))))),
        ("not x and year", And((Not(Truth(X)), Truth(YEAR)))),
        ("  x\n  and year\r\n", And((Truth(X), Truth(YEAR)))),
        ("größe > 1", Comparison(Name("größe"), ">", Literal(1))),
        (r'x == "\d"', Comparison(X, "==", Literal(r"\d"))),
    ],
)
def test_reading(source: str, tree: Node) -> None:
    """A condition is read into a tree in which literals and percentiles are on the right."""
    assert parse_condition(source).root == tree


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "the condition is empty; write one such as: predatoriness > p80 and year >= 2000"),
        (" \n", "the condition is empty"),
        ("a" * 10_001, "the condition has 10,001 characters; at most 10,000 are read"),
        ("x" * 10_000_000, "the condition has 10,000,000 characters; at most 10,000 are read"),
        ("year > 1\0", "it holds a NUL character or bytes that are not UTF-8"),
        ("kind == '\udcff'", "it holds a NUL character or bytes that are not UTF-8"),
        (r"kind == '\ud800'", "a text in it holds a NUL character or a lone surrogate"),
        (r"near('\0') > 1", "a text in it holds a NUL character or a lone surrogate"),
        ("(year > 1", "cannot be read: '(' was never closed, at column 1."),
        ("year > 1)", "unmatched ')', at column 9."),
        ("kind == 'a", "unterminated string literal, at column 9."),
        ("year = 2000", "invalid syntax, at column 6; write == for equality"),
        ("year ≥ 2000", "invalid character '≥', at column 6; write >=, <= or !="),
        ("size > −1", "write - for a minus sign"),
        ("year\u00a0> 2000 and kind == 'a\u00a0b'", "write plain spaces, not non-breaking ones"),
        ("kind == “animal”", "write texts in straight quotes"),
        ("year > 1 AND kind == 'a'", "write and, or, not, in, !="),
        ("year > 1 && flag", "write and, or, not, in, !="),
        ("year <> 1", "write and, or, not, in, !="),
        ("size > p99.5", "write a fraction of a percentile as p99_5"),
        ("class == 'a = b'", 'invalid syntax, at column 1; write field("class") for a field of that name'),
        ("year > 1 # and size > 0", "what follows # would be ignored; put # in quotes, or leave it out"),
        ("year > " + "9" * 5_000, "a number in it is too large"),
        ("year > 1" + "0" * 400, "a number in it is too large"),
        ("year > -1" + "0" * 400, "a number in it is too large"),
        ("year > 0x" + "f" * 9_000, "a number in it is too large"),
        ("year > 1e999", "a number in it is too large"),
        ("year in [1e999]", "a number in it is too large"),
        ("not " * 50 + "flag", "it is nested more than 50 deep"),
        ("not " * 2_000 + "flag", "it is nested"),
        ("(flag or " * 60 + "flag" + ")" * 60, "it is nested more than 50 deep"),
        ("(" * 5_000, "too many nested parentheses"),
        ("-" * 9_000 + "1 > year", "is nested too deeply"),
        ("year is None", "`is` cannot be used; write == or missing(x)"),
        ("year == None", "None cannot be used; write missing(x)"),
        ("1 < 2", "a comparison needs an axis, a field or near(...) on one side"),
        ("p80 > 1", 'p80 is a percentile, and an axis or a field of that name is axis("p80") or field("p80")'),
        ("kind in 'animal'", "`in` takes a list on its right"),
        ("'a' in 'b'", "`in` takes a list on its right"),
        ("1 in kind", "`in` takes a list on its right"),
        ("'a' in ['a']", "must stand before `in` and a list"),
        ("kind in [year]", "a list holds numbers and quoted texts only"),
        ("kind in [[1]]", "a list holds numbers and quoted texts only"),
        ("kind in [*kind]", "a list holds numbers and quoted texts only"),
        ("kind == ['a']", "a list can only follow `in`"),
        ("near('x')", "must be compared with something"),
        ("p80", "must be compared with something"),
        ("true", "a number or a text must be compared with something"),
        ("1", "a number or a text must be compared with something"),
        ("near(kind) > 1", 'near(...) takes one quoted text, as in near("hunting")'),
        ("near('a', 'b') > 1", "near(...) takes one quoted text"),
        ("near(' ') > 1", "near(...) takes one quoted text"),
        ("near(*kind) > 1", "near(...) takes one quoted text"),
        ("axis(x='a') > 1", "axis(...) takes one quoted text"),
        ("missing('year')", "missing(...) takes a field"),
        ("missing(near('x'))", "missing(...) takes a field"),
        ("far('x') > 1", "there is no function 'far'; there are near, axis, field and missing"),
        (
            "author.name == 'a'",
            "'author.name' is not part of the language (and, or, not, comparisons, in, near); "
            'a field of that name is field("author.name")',
        ),
        ("__import__('os').system('true')", "there is no function \"__import__('os').system\""),
        ("().__class__.__mro__ == 1", "'().__class__.__mro__' is not part of the language"),
        ("(lambda: 1)() == 1", "there is no function 'lambda: 1'"),
        ("lambda: 1", "'lambda: 1' is not part of the language"),
        ("f'{kind}' == 'a'", "is not part of the language"),
        ("(kind := 1) == 1", "is not part of the language"),
        ("[k for k in kind] == 1", "is not part of the language"),
        ("kind if flag else year", "is not part of the language"),
        ("year + 1 > 2000", "'year + 1' is not part of the language"),
        ("kind[0] == 'a'", "'kind[0]' is not part of the language"),
        ("kind == b'a'", "is not part of the language"),
        ("year == 1j", "is not part of the language"),
        ("year == -true", "is not part of the language"),
        ("year == -True", "is not part of the language"),
        ("year == 1,", "is not part of the language"),
        ("await kind", "is not part of the language"),
        ("yield", "cannot be read: invalid syntax"),
    ],
    ids=brief,
)
def test_refusing(source: str, message: str) -> None:
    """What is not of the language is refused in one line that says why."""
    assert message in refused(source)


def test_what_is_nested_very_deeply_is_refused() -> None:
    """By Python's parser, or where that goes as deep (from 3.12 on), by the language."""
    said = refused("year" + ".a" * 4_000 + " > 1")
    assert "is nested too deeply" in said or "is not part of the language" in said


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("predatorines > 1", "there is no axis or field 'predatorines'. Did you mean 'predatoriness'?"),
        ("kind == animal", "If it is a text, put it in quotes."),
        ("missing(yaer)", "there is no axis or field 'yaer'. Did you mean 'year'?"),
        ("axis('sise') > 1", "there is no axis 'sise'. Did you mean 'size'?"),
        ("axis('year') > 1", "there is no axis 'year'."),
        ("size > 1", '\'size\' is both an axis and a field; write axis("size") or field("size")'),
        ("year > p80", "a percentile such as p80 can only be compared with an axis"),
        ("near('x') > p80", "a percentile such as p80 can only be compared with an axis"),
        ("predatoriness > '1'", "a coordinate is a number and cannot be compared with '1'"),
        ("predatoriness == true", "a coordinate is a number and cannot be compared with True"),
        ("near('x') == 'a'", "a coordinate is a number and cannot be compared with 'a'"),
        ("predatoriness in [1, 'a']", "a coordinate is a number and cannot be compared with 'a'"),
        ("'a' in predatoriness", "'predatoriness' is an axis and is asked for a text"),
        ("predatoriness and year > 1", "'predatoriness' is an axis and stands alone; compare it with a number"),
        ("missing(predatoriness)", "'predatoriness' is an axis and is asked to be missing"),
        ("x" * 9_000 + " > 1", "there is no axis or field"),
    ],
    ids=brief,
)
def test_refusing_names(source: str, message: str) -> None:
    """What cannot be resolved with the axes and fields there are is refused in one line that says why."""
    assert message in refused(source)


def test_where_axes_come_from_is_said_where_there_are_none() -> None:
    """Whoever asks for an axis without an index is told what gives axes; whoever mistypes a field is not."""
    condition = parse_condition("predatoriness > p90")
    with pytest.raises(QueryError, match=r"There are: year\. No axis is known here: .* that are asked for\."):
        condition.resolve([], ["year"])
    with pytest.raises(QueryError, match=r"Did you mean 'year'\?$"):
        parse_condition("yaer > 2000").resolve([], ["year"])
    with pytest.raises(QueryError, match=r"There are: year\.$"):
        parse_condition("missing(doi)").resolve([], ["year"])


def test_resolving() -> None:
    """Every bare name becomes an axis or a field, wherever it stands."""
    source = 'p10 < predatoriness and (not flag or kind in ["a"]) and "b" in title and missing(year) and born < id'
    resolved = parse_condition(source).resolve(AXES, FIELDS)
    assert resolved.root == And(
        (
            Comparison(Axis("predatoriness"), ">", Percentile(10)),
            Or((Not(Truth(Field("flag"))), OneOf(Field("kind"), ("a",)))),
            Contains(Field("title"), "b"),
            Missing(Field("year")),
            Comparison(Field("born"), "<", Field("id")),
        )
    )
    assert resolved.axes == ["predatoriness"]
    assert resolved.fields == ["flag", "kind", "title", "year", "born", "id"]
    assert resolved.resolve(AXES, FIELDS) == resolved


def test_phrases() -> None:
    """A condition knows each phrase that needs a vector, once."""
    assert parse_condition('near("b") > 0 and (near("a") > 0 or not near("b") > .5)').phrases == ["b", "a"]


def test_printing() -> None:
    """A condition prints as it was written and reads again as the same."""
    condition = parse_condition("  year > 2000  and flag ")
    assert str(condition) == "year > 2000  and flag"
    assert parse_condition(str(condition)) == condition


def test_the_axes_of_a_condition() -> None:
    """Those that there are of the ones it speaks of, and of what is to be ranked by, by the names that they have."""
    known = ["gro\u0308ße", "tone", "size"]
    assert axes_in('größe > 3 and year < axis("tone") or near("x") > 0', known, "size") == [
        "gro\u0308ße",
        "tone",
        "size",
    ]
    assert axes_in("year > 3 and größe > 0", ["tone"]) == []
    assert axes_in(None, known, 'near("x")') == []
    assert first_measure("größe < 1", known) == "-größe"


def test_a_measure_that_is_both_is_named() -> None:
    """The refusal shows what was asked for."""
    with pytest.raises(QueryError, match="'size' cannot be read: 'size' is both an axis and a field"):
        resolve_measure(parse_measure("size"), AXES, FIELDS)


EVENTS: list[str] = []
LISTENING = False


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if LISTENING:
        EVENTS.append(event)


@pytest.fixture(scope="module")
def events() -> list[str]:
    """Return the list into which the interpreter writes what it does while LISTENING."""
    sys.addaudithook(_listen)  # stays for the life of the process, deaf after this module
    return EVENTS


WORDS = "x size p80 near missing axis 'a' \"b 1 1e9 .5 in not and or is None true lambda if else for await f'{x}' ﬁ"
MARKS = "( ) [ ] { } , . : := = == < >= - * ** @ # \\ ≥ \n \0 \ud800"
CALLS = "__import__('os').system('true') exec('1') ().__class__"
TOKENS = st.lists(st.sampled_from([*WORDS.split(), *MARKS.split(" "), *CALLS.split()]), max_size=12).map(" ".join)


@settings(max_examples=500, deadline=None)
@given(st.text() | TOKENS)
def test_any_text(events: list[str], source: str) -> None:
    """Any text at all gives a condition or a QueryError, and nothing is run, imported or opened on the way."""
    global LISTENING  # noqa: PLW0603 - a hook cannot be taken away again
    events.clear()
    LISTENING = True
    try:
        parse_condition(source).resolve(AXES, FIELDS)
    except QueryError:
        pass
    finally:
        LISTENING = False
    # "compile" is Python's parser at work; compile with PyCF_ONLY_AST makes no code.
    assert set(events) <= {"compile"}


def test_hook_hears(events: list[str]) -> None:
    """The hook of the test above would hear code that is run."""
    global LISTENING  # noqa: PLW0603 - as above
    events.clear()
    LISTENING = True
    exec("1")  # the very thing that must be heard
    LISTENING = False
    assert "exec" in events


NODE_NAMES = st.sampled_from(["size", "year", "publication year", "p80", "near", "true", "größe", "if", 'a"b'])
SCALARS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.text("aä\"\\'\n狼# ")
SIGNS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
COLUMNS = NODE_NAMES.map(Field) | st.just(Axis("tone")) | st.text("ab '\"", min_size=1).filter(str.strip).map(Near)
LEAVES = st.one_of(
    st.builds(Comparison, COLUMNS, SIGNS, SCALARS.map(Literal)),
    st.builds(Comparison, st.just(Axis("tone")), SIGNS, st.floats(0, 100).map(lambda p: Percentile(round(p, 3)))),
    st.builds(OneOf, NODE_NAMES.map(Field), st.lists(SCALARS, max_size=3).map(tuple), st.booleans()),
    st.builds(Contains, NODE_NAMES.map(Field), st.text('ab"'), st.booleans()),
    st.builds(Missing, NODE_NAMES.map(Field)),
    st.builds(Truth, NODE_NAMES.map(Field)),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


@given(TREES)
def test_a_tree_is_read_back_from_what_is_written(tree):
    """Whatever a tree holds, its text is read as a tree that is written alike and means the same fields and phrases."""
    text = written(tree)
    fields = {leaf.name for leaf in operands(tree) if isinstance(leaf, Field)}
    try:
        read = parse_condition(text).resolve(["tone"], fields).root
    except QueryError as error:  # a coordinate compared with a text makes no sense, and is refused
        assert "coordinate" in str(error)  # noqa: PT017
        return
    assert read == tree
    assert written(read) == text


@pytest.mark.parametrize(
    ("source", "measure"),
    [("size", Name("size")), (' axis("a b") ', Axis("a b")), ('near("x")', Near("x"))],
)
def test_measures_are_axes_and_nearness(source, measure):
    """What documents can be ranked by."""
    assert parse_measure(source) == measure


@pytest.mark.parametrize("source", ["", "3", '"x"', "p80", "size > 1", "f(x)", 'field("x")', "a b", "\0"])
def test_what_is_no_measure_is_refused(source):
    """Anything else, in one line."""
    with pytest.raises(QueryError):
        parse_measure(source)


def test_the_first_measure_of_a_condition_ranks():
    """In the direction that the condition asks for; fields do not rank."""
    assert first_measure('year > 3 and size < 0 and near("x") > 0', ["size"]) == "-size"
    assert first_measure('not near("x") > 0', []) == '-near("x")'
    assert first_measure("not size <= 0.5", ["size"]) == "size"
    assert first_measure("not (not size < 1 or year > 3)", ["size"]) == "-size"
    with pytest.raises(QueryError, match="nothing to rank by"):
        first_measure("year > 3", ["size"])
