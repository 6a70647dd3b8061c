"""Conditions over fields in SQL, with the Python evaluator as oracle; plans of mixed conditions."""

import json
from unicodedata import normalize

import numpy as np
import pytest
from conftest import run
from hypothesis import example, given, settings
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.conditions import values
from embedsearch.conditions.evaluating import Evaluator, column_test
from embedsearch.conditions.nodes import And, Comparison, Contains, Field, Literal, Missing, Not, OneOf, Or, Truth
from embedsearch.conditions.values import satisfies
from embedsearch.documents import Passage
from embedsearch.store import Entry, Store
from embedsearch.store.fields_sql import Translation, is_translatable

NAMES = ["a", "b c", 'quo"te', "it's", "$.a", "back\\slash", "é🐺", "nul\0", "id", "title", "text"]
SCALARS = [
    "", " ", "wolf", "Wolf", "wolf\0", "\0", "w\u00f6lf", "wo\u0308lf", "\u212a", "K", "f", "🐺", "2000", "02000",
    " 2.5e3 ", "2500", "-0", "1_0", "nan", "inf", "1e999", "9223372036854775808", "yes", "No", "TRUE", "t", "0",
    "1.0", "0.1", 0, 1, -1, 2000, 2500, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**30, 0.1, 0.3, 1.0, 2500.0,
    9007199254740993.0, 1e300, 5e-324, 123456789.123456789, True, False,
]  # fmt: skip
VALUES = [*SCALARS, None, [], ["wolf", 1], {"wolf": 1}, [None]]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a store with a document for every name with every value, two passages each, and some without fields."""
    records = [{name: value} for name in NAMES[:8] for value in VALUES] + [{"a": 1, "nul\0": 2, "nul": 3}, {}]
    texts = [value for value in VALUES if isinstance(value, str)]
    made = Store.create(tmp_path_factory.mktemp("fields") / "index", {"dimension": 1})
    entries = []
    for number, metadata in enumerate(records):
        text = texts[number % len(texts)] or "wolf"
        document = es.Document(str(number - 5), text, title=texts[number * 7 % len(texts)], metadata=metadata)
        passages = [Passage(document.id, place, 0, len(text), text) for place in range(2)]
        keys = [f"{number} {place}".encode() for place in range(2)]
        entries.append(Entry(document, passages, keys))
    with made.locked(), made.writing():
        made.put(entries, np.ones((2 * len(entries), 1), np.float32), 1)
    yield made
    made.close()


class Documents:
    """The documents of a store as a table for the evaluator."""

    def __init__(self, store):
        self.store = store

    def __len__(self):
        return self.store.count_documents()

    def field(self, name):
        return self.store.field(name)


columns = st.sampled_from(NAMES).map(Field)
scalars = (
    st.sampled_from(SCALARS) | st.text(max_size=4) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
leaves = st.one_of(
    st.builds(Comparison, columns, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), scalars.map(Literal)),
    st.builds(OneOf, columns, st.lists(scalars, max_size=4).map(tuple), st.booleans()),
    st.builds(OneOf, columns, st.lists(st.sampled_from(SCALARS[:18]), max_size=4).map(tuple), st.booleans()),
    st.builds(Contains, columns, st.text(alphabet="WolfÖö\u03081.", max_size=3), st.booleans()),
    st.builds(Truth, columns),
    st.builds(Missing, columns),
)
nodes = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)


@settings(max_examples=400, deadline=None)
@given(node=nodes)
@example(Comparison(Field("a"), "==", Literal(2**63)))
@example(Comparison(Field("a"), "==", Literal(0.3)))
@example(Comparison(Field("nul"), "==", Literal(2)))
@example(Contains(Field("it's"), "wolf", True))
@example(Comparison(Field("a"), "==", Literal("w\u00f6lf")))
@example(Comparison(Field("text"), "!=", Literal("wo\u0308lf")))
@example(Comparison(Field("title"), "<", Literal("wp")))
@example(Comparison(Field("a"), ">=", Literal("wo\u0308lf")))
@example(Comparison(Field("a"), "==", Literal("K")))
@example(Comparison(Field("a"), "<", Literal("e\u0301")))
@example(OneOf(Field("text"), ("\u212a", "w\u00f6lf"), True))
def test_sql_and_the_evaluator_agree(store, node):
    """For any condition over fields, SQL allows exactly the passages of the documents that the evaluator passes."""
    assert is_translatable(node)
    passed = store.numbers()[Evaluator(Documents(store)).node(node)]
    rows = store.rows_where(node)
    assert sorted(set(store.document_numbers(rows).tolist())) == passed.tolist()
    assert len(rows) == 2 * len(passed)
    assert (np.diff(rows) > 0).all()


def searched(wanted):
    """Return what the bytes of a record are searched for before its field is compared with a text; empty if nothing."""
    sql, given = Translation().node(Comparison(Field("a"), "==", Literal(wanted)))
    return given[0] if sql.startswith("(instr(d.metadata, ?) > 0 AND ") else ""


@given(
    st.text(st.sampled_from('plntK;"\n\u00e4\u0308\u0323\u1e05\u212a\u037e\u226e\u690d') | st.characters(codec="utf-8"))
)
def test_records_are_searched_for_what_is_the_same_in_every_form(wanted):
    """However accents and signs are typed, a record with the text holds the part that is searched for."""
    forms = [normalize("NFC", wanted), normalize("NFD", wanted), normalize("NFD", wanted).replace("K", "\u212a")]
    assert all(searched(wanted) in json.dumps(form, ensure_ascii=False) for form in forms)
    assert [searched(text) for text in ("plant", "pl\u00e4ntchen", "\u690d")] == ["plant", "ntchen", ""]


@given(value=st.sampled_from(VALUES[1:-4]) | scalars, options=st.lists(scalars | st.sampled_from(SCALARS), max_size=30))
def test_membership_is_equality_with_any_of_the_options(value, options):
    """Texts, numbers and booleans are looked up each in their kind, as `==` compares them one by one."""
    _, passes = column_test(OneOf(Field("a"), tuple(options)))
    assert passes(value) == any(satisfies(value, "==", option) for option in options)


def test_a_long_list_is_looked_up_and_not_gone_through(monkeypatch):
    """A value is read once for each kind of option, be there two options or two thousand."""
    reads = []
    monkeypatch.setattr(values, "as_text", lambda value: reads.append(value) or str(value))
    _, passes = column_test(OneOf(Field("a"), tuple(map(str, range(2000)))))
    reads.clear()  # of the options
    assert [passes(value) for value in ("1999", 7, "x")] == [True, True, False]
    assert reads == ["1999", 7, "x"]


@pytest.mark.parametrize("name", ["a' OR 1=1 --", "a) OR (1=1", "?", "'; DROP TABLE passages; --", '"', "\\"])
def test_no_name_or_value_is_read_as_sql(store, name):
    """Names and values that are SQL are only names and values."""
    assert store.rows_where(Comparison(Field(name), "==", Literal(name))).tolist() == []
    assert store.rows_where(Comparison(Field("a"), "==", Literal(name))).tolist() == []
    assert store.count_passages() == 2 * store.count_documents() > 0


def test_what_sql_cannot_say_is_left_to_the_evaluator(index):
    """Two fields compared with each other, axes, and conditions of hundreds of parts are answered all the same."""
    for where in ("kind == kind", "kind == kind and year < 2003", "size > 5 or year < 2003 or size < -5"):
        assert {hit.text for hit in index.search("wolf", k=9, where=f"({where}) and year < 2003")} == {
            "sheep", "wolf", "spider",
        }  # fmt: skip
    many = " or ".join(f"year == {year}" for year in range(1800, 2002))
    assert {hit.text for hit in index.search("wolf", k=9, where=many)} == {"sheep", "wolf"}


def test_conditions_are_answered_from_what_the_index_holds_now(index):
    """Rows that are remembered for a condition are forgotten when a document, or only its metadata, changes."""
    where = 'kind == "animal"'
    before = len(index.search("wolf", k=20, where=where))
    index.add([es.Document("id-grass", "grass", metadata={"kind": "animal", "year": 1})])
    assert len(index.search("wolf", k=20, where=where)) == before + 1
    with es.open(index._store.path, index.encoder) as other:
        other.add([es.Document("id-grass", "grass", metadata={"kind": "plant", "year": 1})])
    assert len(index.search("wolf", k=20, where=where)) == before
    index.delete(["id-wolf"])
    assert len(index.search("shark", k=20, where=where)) == before - 1


def test_explain_says_what_was_done(index, tmp_path):
    """Each step has its rows: fields first, axes on what they leave, then the ranking over what is allowed."""
    with index.trace() as trace:
        index.search("wolf", where='kind == "animal" and size > 0')
    plans = {step.name: step.plan for step in trace.steps}
    assert plans["condition on fields"] == "6 rows"
    assert plans["condition on axes"] == "4 of 6 rows, by a scan of their vectors"
    assert plans["ranking, dense"] == "exact over 4 rows"
    assert all(step.seconds >= 0 for step in trace.steps)
    result = run("locate", "size=1", "--explain", "-f", "ids", "-i", tmp_path / "index")
    assert result.exit_code == 0
    assert "1 axis, by a scan of 8 vectors" in result.stderr
    index.search("wolf")
    assert len(trace.steps) == 5
