"""The filter language: what conditions say of records, by the names that these have."""

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedsearch import parse_condition
from embedsearch.conditions import (
    Name,
    Truth,
    truth,
)

X = Name("x")


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
        ("missing(x)", [None, "", math.nan, 0, False, " ", []], [1, 1, 1, 0, 0, 0, 1]),
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
        ('x == "Mu\u0308ll"', ["M\u00fcll", "Mu\u0308ll", "m\u00fcll", ["M\u00fcll"]], [1, 1, 0, 0]),
        ('x != "M\u00fcll"', ["M\u00fcll", "Mu\u0308ll", "Mull"], [0, 0, 1]),
        ('x in ["a", "M\u00fcll"]', ["Mu\u0308ll", "M\u00fcll", "Mull"], [1, 1, 0]),
        ('x in ["a", "Mu\u0308ll"]', ["Mu\u0308ll", "M\u00fcll", "Mull"], [1, 1, 0]),
        ('x >= "z"', ["M\u00fcll", "\u00fc", "u\u0308"], [0, 1, 1]),
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
        ("M\u00fcll", "==", "Mu\u0308ll", True),
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
    assert passing(f"-{10**30} < size < {10**30}", table) == [True] * 4  # beyond what an integer of 64 bits holds
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
    assert passing("not year == size", table) == []


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
