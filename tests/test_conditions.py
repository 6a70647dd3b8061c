"""The filter language: what it reads, what it refuses, what it says of records, and that it runs nothing."""

import math
import operator
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
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
    truth,
    written,
)

AXES = ["predatoriness", "size", "p80", "body size"]
FIELDS = ["id", "title", "text", "kind", "year", "born", "flag", "tags", "size", "author.name", "class", "Größe"]
X, YEAR = Name("x"), Name("year")


@dataclass
class Columns:
    """A table of columns in memory."""

    fields: dict[str, list[Any]] = field(default_factory=dict)
    axes: dict[str, list[float]] = field(default_factory=dict)
    phrases: dict[str, list[float]] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(next(iter([*self.fields.values(), *self.axes.values(), *self.phrases.values()]), []))

    def field(self, name: str) -> Sequence[Any]:
        self.read.append(name)
        return self.fields.get(name, [None] * len(self))

    def axis(self, name: str) -> Any:
        self.read.append(name)
        return np.array(self.axes[name], dtype=np.float64)

    def percentile(self, axis: str, percent: float) -> float:
        return percent / 10 if axis == "predatoriness" else -percent

    def near(self, phrase: str) -> Any:
        self.read.append(phrase)
        return np.array(self.phrases[phrase], dtype=np.float32)


def passing(source: str, table: Columns) -> list[bool]:
    """Return which records satisfy a condition."""
    mask = parse_condition(source).resolve(list(table.axes), list(table.fields)).evaluate(table)
    assert mask.dtype == np.bool_
    assert mask.shape == (len(table),)
    return mask.tolist()


def holds(source: str, *values: Any) -> list[bool]:
    """Return for which values of the field x a condition is satisfied."""
    return passing(source, Columns({"x": list(values)}))


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


# -- reading ------------------------------------------------------------------------------------------------


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
        ("year > 1\0", "it holds a NUL character or bytes that are no UTF-8"),
        ("kind == '\udcff'", "it holds a NUL character or bytes that are no UTF-8"),
        (r"kind == '\ud800'", "a text in it holds a NUL character or a lone surrogate"),
        (r"near('\0') > 1", "a text in it holds a NUL character or a lone surrogate"),
        ("(year > 1", "cannot be read: '(' was never closed, at column 1."),
        ("year > 1)", "unmatched ')', at column 9."),
        ("kind == 'a", "unterminated string literal, at column 9."),
        ("year = 2000", "invalid syntax, at column 6; write == for equality"),
        ("year ≥ 2000", "invalid character '≥', at column 6; write >=, <= or !="),
        ("size > −1", "write - for a minus sign"),
        ("year\u00a0> 2000 and kind == 'a\u00a0b'", "write plain spaces, not those that hold words together"),
        ("kind == “animal”", "write texts in straight quotes"),
        ("year > 1 AND kind == 'a'", "write and, or, not, in, !="),
        ("year > 1 && flag", "write and, or, not, in, !="),
        ("year <> 1", "write and, or, not, in, !="),
        ("size > p99.5", "write a fraction of a percentile as p99_5"),
        ("class == 'a = b'", 'invalid syntax, at column 1; write field("class") for a field of that name'),
        ("year > 1 # and size > 0", "what stands behind # would be left out"),
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
        ("year is None", "`is` is not known here; write == or missing(x)"),
        ("year == None", "None is not known here; write missing(x)"),
        ("1 < 2", "a comparison needs an axis, a field or near(...) on one side"),
        ("p80 > 1", 'p80 is a percentile, and an axis or a field of that name is axis("p80") or field("p80")'),
        ("kind in 'animal'", "`in` takes a list on its right"),
        ("'a' in 'b'", "`in` takes a list on its right"),
        ("1 in kind", "`in` takes a list on its right"),
        ("'a' in ['a']", "must stand before `in` and a list"),
        ("kind in [year]", "a list holds numbers and quoted texts only"),
        ("kind in [[1]]", "a list holds numbers and quoted texts only"),
        ("kind in [*kind]", "a list holds numbers and quoted texts only"),
        ("kind == ['a']", "a list can only stand behind `in`"),
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
    with pytest.raises(QueryError, match=r"There are: year\. No axis is known here: .* takes --axes FILE\."):
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


@pytest.mark.parametrize("name", ["axis", "field"])
def test_odd_names(name: str) -> None:
    """Names that are both, no identifiers, keywords or percentiles are named by a function."""
    table = Columns({name: [0, 2] for name in ("size", "p80", "class", "author.name")}, {"size": [2, 0], "p80": [2, 0]})
    names = ("size", "p80") if name == "axis" else ("size", "p80", "class", "author.name")
    for odd in names:
        assert passing(f"{name}({odd!r}) > 1", table) == ([True, False] if name == "axis" else [False, True])


def test_unknown_field_by_function() -> None:
    """A field that no record has had yet can be named by field(...), and is missing."""
    assert passing('field("later") > 1 or missing(field("later")) and x == 1', Columns({"x": [1, 2]})) == [True, False]


LOOK_ALIKES = [("größe", "gro\u0308ße"), ("\u212b", "A\u030a"), ("ﬁne", "fine"), ("ﾃｽﾄ", "テスト")]


@pytest.mark.parametrize(("one", "other"), [pair[::way] for pair in LOOK_ALIKES for way in (1, -1)])
@pytest.mark.parametrize("form", ["{}", 'axis("{}")', 'field("{}")'])
def test_names_that_look_alike(form: str, one: str, other: str) -> None:
    """However the letters of a name are written, in a file, on a keyboard or by Python's parser, it is found."""
    known: dict[str, list[float]] = {other: [1, 2]}
    table = Columns({"x": [1, 1]}, known) if form.startswith("axis") else Columns(known)
    assert passing(f"{form.format(one)} > 1", table) == [False, True]


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


# -- what it says of values ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "values", "expected"),
    [
        ("x > 9", [10, "10", " 10 ", "9", 9, "1e1", "a", "", None, math.nan, True], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0]),
        ("x == 2000", [2000, "2000", "2000.0", 2000.0, "2000a", "2_000"], [1, 1, 1, 1, 0, 0]),
        ("x != 2000", [2001, "2001", 2000, "n/a", "", None, math.nan], [1, 1, 0, 0, 0, 0, 0]),
        ("not x == 2000", [2001, 2000, "n/a", "", None, math.nan], [1, 0, 1, 1, 1, 1]),
        ("x < 0", ["-1", "-.5", "nan", "-inf", "1e999", "-1e999"], [1, 1, 0, 0, 0, 0]),
        ("2000 <= x < 2010", [1999, "2000", 2009.5, 2010], [0, 1, 1, 0]),
        ("x == 9007199254740993", [9007199254740993, 9007199254740992, "9007199254740993"], [1, 0, 1]),
        (
            "x == 9007199254740993",
            ["0" * 5000 + "9007199254740993", "-" + "0" * 5000 + "1", "+9007199254740993"],
            [1, 0, 1],
        ),
        ("x > 1.5", ["1" * 5000, "-" + "1" * 5000, "0" * 5000, "0" * 5000 + "2"], [0, 0, 0, 1]),
        ("x > 1.5", [2.5, 1, math.nan, 10**400], [1, 0, 0, 1]),
        ("x == 1", [True, False, "true", 1], [1, 0, 0, 1]),
        ('x == "9"', ["9", 9, 9.0, "09", "9 "], [1, 1, 0, 0, 0]),
        ('x > "9"', ["10", 10, "90", "a"], [0, 0, 1, 1]),
        ('x == "true"', [True, "true", "True", False], [1, 1, 0, 0]),
        ('x == "wolf"', ["wolf", "Wolf", ["wolf"], {"wolf": 1}, None], [1, 0, 0, 0, 0]),
        ('x != "wolf"', ["wolf", "sheep", "", None, ["wolf"]], [0, 1, 0, 0, 0]),
        ('x != ""', ["a", "", None], [1, 0, 0]),
        ('x == ""', ["a", "", None], [0, 0, 0]),
        ("x == true", [True, "yes", "Y", "t", " TRUE ", 1, "1", 1.0, "1.0", "maybe", 2, None], [1] * 9 + [0] * 3),
        ("x == false", [False, "no", "N", "f", "False", 0, "0", 0.0, "0.0", "maybe", "", None], [1] * 9 + [0] * 3),
        ("x != true", [False, True, "maybe", None], [1, 0, 0, 0]),
        ("x", [True, "yes", 1, False, "no", "maybe", "", None, 2], [1, 1, 1, 0, 0, 0, 0, 0, 0]),
        ("not x", [True, "no", "maybe", None], [0, 1, 1, 1]),
        ("missing(x)", [None, "", math.nan, 0, False, " ", []], [1, 1, 1, 0, 0, 0, 0]),
        ("x in [1, 'a', true]", [1, "1", "a", "yes", "b", None], [1, 1, 1, 1, 0, 0]),
        ("x not in [1, 'a']", [1, "1", "a", "b", "", None], [0, 0, 0, 1, 0, 0]),
        ("not x in [1, 'a']", [1, "b", None], [0, 1, 1]),
        ("x in []", [1, None], [0, 0]),
        ("x not in []", [1, None], [1, 0]),
        ('"WOLF" in x', ["A wolf.", "wOLFRAM", "sheep", None, ""], [1, 1, 0, 0, 0]),
        ('"straße" in x', ["STRASSE"], [1]),
        ('"wolf" not in x', ["A wolf.", "sheep", None, ""], [0, 1, 0, 0]),
        ('"wolf" in x', [["sheep", "wolves and a wolf"], ["sheep"], [1, None], {"wolf": 1}], [1, 0, 0, 0]),
        ('"M\u00fcll" in x', ["Frau MU\u0308LLER", "M\u00fcller", "Muller"], [1, 1, 0]),
        ('"Mu\u0308ll" in x', ["Frau MU\u0308LLER", ["M\u00fcller"], "Muller"], [1, 1, 0]),
        ('", " in x', [["a", "b"], "a, b"], [0, 1]),
        ('"99" in x', [1999, 2000], [1, 0]),
    ],
)
def test_values(source: str, values: list[Any], expected: list[int]) -> None:
    """A field's values compare in the kind of what they are compared with; a missing value with nothing."""
    assert holds(source, *values) == list(map(bool, expected))


@pytest.mark.parametrize(
    ("year", "sign", "born", "expected"),
    [
        ("9", "<", "10", True),
        (9, "<", "10", True),
        ("10", ">", 9, True),
        ("10.0", "==", "10", True),
        ("a", "<", "b", True),
        ("9", "<", "a", True),
        (9, "==", "nine", False),
        (True, "==", "yes", True),
        ("no", "==", False, True),
        (True, "!=", "maybe", False),
        (None, "==", None, False),
        ("", "!=", "1", False),
        (1, "!=", math.nan, False),
        ([1], "==", [1], False),
        ("9007199254740993", ">", 9007199254740992, True),
        ("0" * 5000 + "1", "==", "1", True),
        ("1" * 5000, "==", "1" * 5000, True),
    ],
)
def test_two_fields(year: Any, sign: str, born: Any, expected: bool) -> None:
    """Two fields compare as numbers where both are numbers, also those of CSV files, either way round."""
    mirrored = {"<": ">", ">": "<"}.get(sign, sign)
    table = Columns({"year": [year], "born": [born]})
    assert passing(f"year {sign} born", table) == [expected]
    assert passing(f"born {mirrored} year", table) == [expected]


def test_coordinates() -> None:
    """Coordinates compare with numbers, percentiles, other coordinates and fields, exactly."""
    table = Columns(
        {"length": ["1.5", "", 2, "long"]},
        {"predatoriness": [1.0, 8.0, 9.0, math.nan], "size": [2.0, 2.0, -80.5, 1.0]},
        {"hunting": [0.5, -1.0, 0.25, 0.0]},
    )
    assert passing("predatoriness > p80", table) == [False, False, True, False]
    assert passing("p80 <= predatoriness", table) == [False, True, True, False]
    assert passing("size < p80", table) == [False, False, True, False]
    assert passing("predatoriness != 1", table) == [False, True, True, False]
    assert passing("predatoriness > size", table) == [False, True, True, False]
    assert passing("predatoriness > near('hunting') > 0.25", table) == [True, False, False, False]
    assert passing("size in [2, -80.5]", table) == [True, True, True, False]
    assert passing("size > length", table) == [True, False, False, False]
    assert passing("length < size", table) == [True, False, False, False]


def test_columns_once() -> None:
    """A column that a condition names three times is read from the table once."""
    table = Columns({"year": [1]}, {"size": [1.0]}, {"hunting": [1.0]})
    assert passing("0 < size < 2 and size > p0 and year > 0 and year < 2 and near('hunting') > 0", table) == [True]
    assert sorted(table.read) == ["hunting", "size", "year"]


def test_no_records() -> None:
    """No records give a mask of no records."""
    table = Columns({"year": []}, {"size": []}, {"a": []})
    assert passing("(year > 1 or not size > 1) and near('a') > 0 and year != size and missing(year)", table) == []


def test_unresolved() -> None:
    """A condition that was not resolved is not evaluated."""
    with pytest.raises(AssertionError, match="must be resolved"):
        parse_condition("year > 1").evaluate(Columns({"year": [1]}))


@pytest.mark.parametrize(
    ("value", "expected"), [("Yes", True), (" f ", False), (True, True), (None, None), ("", None), (2, None)]
)
def test_truth(value: Any, expected: bool | None) -> None:
    """A value says yes, no, or nothing."""
    assert truth(value) is expected


def test_deepest() -> None:
    """Fifty nodes inside one another are read and evaluated, and hundreds beside one another."""
    assert holds("not " * 49 + "x", True, False) == [False, True]
    assert holds("not x and " * 500 + "not x", True, False) == [False, True]
    assert parse_condition("(" * 150 + "x" + ")" * 150).root == Truth(X)


# -- properties ---------------------------------------------------------------------------------------------

OPERATORS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
SIGNS = st.sampled_from(sorted(OPERATORS))
KINDS = ["animal", "Animal", "plant", "an"]
SOME_KINDS = st.lists(st.sampled_from(KINDS))
SMALL = st.integers(-3, 3)
RECORDS = st.fixed_dictionaries(
    {
        "year": st.one_of(SMALL, SMALL.map(str), SMALL.map(lambda n: f"{n}.0"), st.sampled_from([None, "", "n/a"])),
        "born": st.one_of(SMALL, SMALL.map(str), st.sampled_from([None, "", math.nan])),
        "kind": st.sampled_from([*KINDS, "", None]),
        "flag": st.sampled_from([True, False, "yes", "no", 1, "0", "maybe", None]),
        "predatoriness": SMALL.map(float),
        "size": SMALL.map(float),
        "hunting": st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]),
    }
)
Test = tuple[str, Callable[[dict[str, Any]], bool]]
ANSWERS = {True: True, "yes": True, False: False, "no": False, "0": False}  # 1 is True


def number(value: Any) -> float:
    """Return what a year is as a number; NaN for none."""
    return math.nan if value in (None, "", "n/a") else float(value)


def ordered(one: float, sign: str, other: float) -> bool:
    """Compare numbers; NaN with nothing."""
    return not math.isnan(one + other) and OPERATORS[sign](one, other)


LEAVES: st.SearchStrategy[Test] = st.one_of(
    st.builds(lambda s, n: (f"year {s} {n}", lambda r: ordered(number(r["year"]), s, n)), SIGNS, SMALL),
    st.builds(lambda s, n: (f"{n} {s} size", lambda r: ordered(n, s, r["size"])), SIGNS, SMALL),
    st.builds(lambda s, n: (f"{n} {s} born", lambda r: ordered(n, s, number(r["born"]))), SIGNS, SMALL),
    st.builds(lambda s: (f"predatoriness {s} size", lambda r: OPERATORS[s](r["predatoriness"], r["size"])), SIGNS),
    st.builds(lambda s: (f"size {s} born", lambda r: ordered(r["size"], s, number(r["born"]))), SIGNS),
    st.builds(lambda s: (f"predatoriness {s} p20", lambda r: OPERATORS[s](r["predatoriness"], 2)), SIGNS),
    st.builds(lambda s: (f"near('hunting') {s} .5", lambda r: OPERATORS[s](r["hunting"], 0.5)), SIGNS),
    st.builds(
        lambda s, t, n: (
            f"size {s} {n} {t} year",
            lambda r: ordered(r["size"], s, n) and ordered(n, t, number(r["year"])),
        ),
        SIGNS,
        SIGNS,
        SMALL,
    ),
    st.builds(
        lambda s, k: (f"kind {s} {k!r}", lambda r: bool(r["kind"]) and OPERATORS[s](r["kind"], k)),
        SIGNS,
        st.sampled_from(KINDS),
    ),
    st.builds(lambda ks: (f"kind in {ks!r}", lambda r: r["kind"] in ks), SOME_KINDS),
    st.builds(lambda ks: (f"kind not in {ks!r}", lambda r: bool(r["kind"]) and r["kind"] not in ks), SOME_KINDS),
    st.just(("'ANI' in kind", lambda r: "ani" in (r["kind"] or "").lower())),
    st.just(("'ani' not in kind", lambda r: bool(r["kind"]) and "ani" not in r["kind"].lower())),
    st.just(("missing(kind)", lambda r: not r["kind"])),
    st.just(("missing(born)", lambda r: math.isnan(number(r["born"])))),
    st.just(("flag", lambda r: ANSWERS.get(r["flag"]) is True)),
    st.just(("flag == false", lambda r: ANSWERS.get(r["flag"]) is False)),
    st.just(("flag != false", lambda r: ANSWERS.get(r["flag"]) is True)),
)


def joined(tests: st.SearchStrategy[Test]) -> st.SearchStrategy[Test]:
    """Return conditions made of others."""
    several = st.lists(tests, min_size=2, max_size=3)
    return st.one_of(
        tests.map(lambda test: (f"not ({test[0]})", lambda r: not test[1](r))),
        several.map(lambda ts: (" and ".join(f"({t[0]})" for t in ts), lambda r: all(t[1](r) for t in ts))),
        several.map(lambda ts: (" or\n".join(f"({t[0]})" for t in ts), lambda r: any(t[1](r) for t in ts))),
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(LEAVES, joined, max_leaves=8), st.lists(RECORDS, max_size=8))
def test_oracle(test: Test, records: list[dict[str, Any]]) -> None:
    """Any condition says of any records what plain Python says of each."""
    source, oracle = test
    columns = {name: [record[name] for record in records] for name in ("year", "born", "kind", "flag")}
    axes = {name: [record[name] for record in records] for name in ("predatoriness", "size")}
    table = Columns(columns, axes, {"hunting": [record["hunting"] for record in records]})
    assert passing(source, table) == [oracle(record) for record in records]


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
