"""Fields whose names several sources write otherwise, as ``year`` and ``Year``: one field for a condition."""

import numpy as np
import pytest

import embedsearch as es
from embedsearch.conditions import parse_condition, written
from embedsearch.testing import HashEncoder

RECORDS = [
    es.Document("pubmed", "wolves", metadata={"year": 2001, "authors": ["Ulf A"]}),
    es.Document("scopus", "wolves and sheep", metadata={"Year": "2002", "Authors": "Bo B.; Ulf A."}),
    es.Document("embase", "sheep", metadata={"YEAR": 1999, "authors": ["Cy C"]}),
    es.Document("notes", "spiders", metadata={"kind": "note"}),
]
ASKED = {
    "year >= 2000": ["pubmed", "scopus"],
    "Year >= 2000": ["pubmed", "scopus"],
    'field("yEaR") >= 2000': ["pubmed", "scopus"],
    "not year >= 2000": ["embase", "notes"],
    "missing(year)": ["notes"],
    "not missing(year)": ["pubmed", "scopus", "embase"],
    "year in [2001, 2002]": ["pubmed", "scopus"],
    "year not in [2001]": ["scopus", "embase"],
    "year != 2001": ["scopus", "embase"],
    "2000 < year < 2002": ["pubmed"],
    '"ulf" in authors': ["pubmed", "scopus"],
    '"ulf" not in AUTHORS': ["embase"],
    'kind == "note" or Year == 1999': ["embase", "notes"],
    "year == YEAR": ["pubmed", "scopus", "embase"],
    'ID == "notes"': ["notes"],
}  # fmt: skip


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Return an index of the records of three databases and a note."""
    with es.Index.create(tmp_path_factory.mktemp("names") / "index", HashEncoder(16)) as made:
        made.add(RECORDS)
        yield made


@pytest.mark.parametrize("condition", ASKED)
def test_a_field_is_one_whatever_the_case_of_its_name(index, condition):
    """In an index, by SQL and by search, and in a stream of documents."""
    assert [one.id for one in index.filter(condition)] == ASKED[condition]
    assert sorted(hit.document for hit in index.search("sheep", where=condition)) == sorted(ASKED[condition])
    assert [one.id for one in index.filter(condition, RECORDS)] == ASKED[condition]


def test_a_name_that_only_later_records_of_a_stream_write_otherwise_is_found(index, monkeypatch):
    """A condition is resolved by the first batch of documents; those of the next files may have other names."""
    monkeypatch.setattr("embedsearch.index.selecting.BATCH_DOCUMENTS", 1)
    for condition, found in ASKED.items():
        if "kind" not in condition:
            assert [one.id for one in index.filter(condition, RECORDS)] == found, condition


def test_a_field_that_only_later_records_have_can_be_named(index, monkeypatch):
    """How is said of a stream, whose beginning is all that is known; the fields of an index are known."""
    monkeypatch.setattr("embedsearch.index.selecting.BATCH_DOCUMENTS", 1)
    with pytest.raises(es.QueryError, match=r'later records have is written field\("kind"\)\.$'):
        next(index.filter('kind == "note"', RECORDS))
    assert [one.id for one in index.filter('field("kind") == "note"', RECORDS)] == ["notes"]
    with pytest.raises(es.QueryError, match=r"Did you mean 'year'\? A field that only"):
        next(index.filter("yaer > 1", RECORDS))
    with pytest.raises(es.QueryError, match="There are: ") as caught:
        next(index.filter("colour == 1"))
    assert "later records" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "fields", "resolved"),
    [
        ("year > 1", ["Year", "year"], "year > 1 or Year > 1"),
        ("YEAR > 1", ["Year", "year"], "Year > 1 or year > 1"),
        ("missing(year)", ["Year", "year"], "missing(year) and missing(Year)"),
        ("mass == Tag", ["MASS", "TAG", "tag"], "MASS == TAG or MASS == tag"),
        ("GRÖSSE > 1", ["größe", "größer"], 'field("größe") > 1'),
        ("size > 1", ["SIZE"], "size > 1"),
        ("SIZE > 1", ["SIZE"], "SIZE > 1"),
        ("title == 'x'", ["title", "TITLE"], 'title == "x"'),
        ("TITLE == 'x'", ["title", "TITLE"], 'TITLE == "x"'),
    ],
)
def test_what_a_name_stands_for(source, fields, resolved):
    """All spellings there are; but an axis goes before a field in other letters, and the own id, title and text too."""
    assert written(parse_condition(source).resolve(["size"], fields).root) == resolved


def test_values_of_a_field_are_those_of_all_its_spellings(index):
    """Colours, and groups that are compared, take what a document has under the name in other letters."""
    index.axes.save(es.Axis("x", ["low"], ["high"]))
    assert index.population("x", field="year").values == [2001, "2002", 1999, None]
    assert index.field_of_passages("YEAR", index.rows()) == [2001, "2002", 1999, None]
    shown = es.map_index(index, layout="pca", color="Year").content.categories
    assert [(one.name, one.count) for one in shown.entries] == [("1999", 1), ("2001", 1), ("2002", 1), ("no Year", 1)]
    found = index.compare("yEaR", "x", least=1)
    assert [one.group for one in found.groups] == ["1999", "2001", "2002"]
    assert found.without == 1
    with pytest.raises(es.QueryError, match="has the field 'years'"):
        index.population("x", field="years")


def test_axes_learn_from_a_field_whatever_the_case_of_its_name(tmp_path):
    """They are those of an index in which all documents have it under one name; what has no value teaches nothing."""
    made = []
    for names in (["year"], ["Year", "year", "YEAR"]):
        with es.Index.create(tmp_path / names[0], HashEncoder(16)) as index:
            years = [{names[place % len(names)]: 1990 + place} for place in range(9)]
            documents = [es.Document(f"d{place}", f"text {place}", metadata=own) for place, own in enumerate(years)]
            index.add([*documents, es.Document("none", "nothing", metadata={names[0]: []})])
            index.axes.save_all([es.Axis("f", field="yEar"), es.Axis("g", groups={"field": "yEar", "bins": 3})])
            made.append([index.axes[name].coordinates(index.document_vectors(index.ids())) for name in "fg"])
            with pytest.raises(es.AxisError, match=r"has the field 'yaer'\. Did you mean 'year'"):
                index.axes.save(es.Axis("y", field="yaer"))
    np.testing.assert_array_equal(*made)
