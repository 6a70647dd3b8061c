"""The metadata of documents: whatever of Python's is given becomes the JSON value that it is, or is refused."""

import datetime
import enum
import json
import uuid
from decimal import Decimal
from types import MappingProxyType

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.testing import HashEncoder


def held(value):
    """Return what a document holds of a value in its metadata."""
    return es.Document("a", "wolf", metadata={"x": value}).metadata["x"]


class Kind(enum.StrEnum):
    ANIMAL = "animal"


@pytest.mark.parametrize(
    ("value", "json_value"),
    [
        (datetime.date(2001, 2, 3), "2001-02-03"),
        (datetime.datetime(2001, 2, 3, 4, 5, 6, tzinfo=datetime.UTC), "2001-02-03T04:05:06+00:00"),
        (datetime.time(4, 5), "04:05:00"),
        (datetime.timedelta(minutes=1.5), 90.0),
        (Decimal("1.50"), 1.5),
        (Decimal("12345678901234567890"), 12345678901234567890),
        (Decimal("2.00"), 2),
        (Decimal("NaN"), None),
        (float("nan"), None),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Kind.ANIMAL, "animal"),
        ((1, (2.5, True)), [1, [2.5, True]]),
        (MappingProxyType({"day": datetime.date(2001, 2, 3)}), {"day": "2001-02-03"}),
        (np.int64(7), 7),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("wolf"), "wolf"),
        (np.array([1, 2]), [1, 2]),
        (np.datetime64("2001-02-03T04:05:06.123456789"), "2001-02-03T04:05:06.123456"),
        (np.datetime64("NaT"), None),
        (np.timedelta64(1500, "ms"), 1.5),
        (pandas.Timestamp("2001-02-03"), "2001-02-03T00:00:00"),
        (pandas.NaT, None),
        (pandas.NA, None),
    ],
    ids=repr,
)
def test_values_of_python_become_those_of_json(value, json_value):
    """Dates and times are texts, numbers are numbers of the same kind, what is none is null."""
    assert repr(held(value)) == repr(json_value)
    assert repr(held({"inner": [value]})) == repr({"inner": [json_value]})


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"x": {1, 2}}, "the field 'x' holds a value of the type set, which JSON cannot hold"),
        ({"x": b"wolf"}, "the field 'x' holds a value of the type bytes"),
        ({"x": float("inf")}, "the field 'x' holds an infinite number"),
        ({"x": Decimal("-Infinity")}, "the field 'x' holds an infinite number"),
        ({"x": Decimal("1E+999999999")}, "the field 'x' holds an infinite number"),
        ({"x": 10**4300}, "the field 'x' holds a whole number of more than 4,300 digits"),
        ({1: "a", "1": "b"}, "the key 1 is no text"),
        ({None: 1}, "the key None is no text"),
        ({"x": {2020: 5}}, "the field 'x' holds the key 2020, which is no text"),
        ({"x": [{2.5: 1}]}, "the field 'x' holds the key 2.5, which is no text"),
        ({"x": np.longdouble(1)}, "the field 'x' holds"),
    ],
)
def test_what_json_cannot_hold_is_refused_where_it_is_given(metadata, said):
    """The message names the document and the field."""
    with pytest.raises(es.SourceError, match=r"^a\.csv:3: the metadata of 'bad': ") as caught:
        es.Document("bad", "wolf", metadata=metadata, source="a.csv:3")
    assert said in str(caught.value)


def test_a_list_that_holds_itself_ends():
    """What is nested without an end is refused in one line."""
    endless = []
    endless.append(endless)
    with pytest.raises(es.SourceError, match="the field 'x' holds lists or objects nested too deeply"):
        held(endless)


def test_a_condition_says_of_a_stream_what_it_says_of_the_index(tmp_path):
    """Dates and decimals of a user's own documents compare, stored or not; so they are none that changed."""
    documents = [
        es.Document(f"d{year}", f"text {year}", metadata={"day": datetime.date(year, 5, 1), "price": Decimal(year)})
        for year in (1999, 2001, 2003)
    ]
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(documents)
        assert index.add(documents).unchanged == 3
        for condition in ('day >= "2001"', "price > 2000", 'not day == "1999-05-01"', '"2001" in day or price == 2003'):
            stored = [document.id for document in index.filter(condition)]
            assert [document.id for document in index.filter(condition, documents)] == stored == ["d2001", "d2003"]


def test_metadata_are_those_of_the_moment():
    """Whoever changes what he gave changes no document."""
    given = {"tags": ["a"]}
    document = es.Document("a", "wolf", metadata=given)
    given["tags"].append("b")
    given["year"] = 2001
    assert document.metadata == {"tags": ["a"]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON))
def test_json_values_stay_as_they_are(metadata):
    """Type for type, and in their order."""
    assert json.dumps(es.Document("a", "wolf", metadata=metadata).metadata) == json.dumps(metadata)


ANY = st.recursive(
    st.dates() | st.datetimes() | st.times() | st.timedeltas() | st.decimals() | st.floats() | st.uuids() | st.binary(),
    lambda inner: st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner, max_size=2),
    max_leaves=5,
)


@given(ANY)
def test_whatever_is_held_can_be_written(value):
    """Anything is held as what JSON can write, or refused with an error of ours."""
    try:
        json.dumps(held(value), allow_nan=False)
    except es.SourceError as error:
        assert "the field 'x' holds" in str(error)  # noqa: PT017
