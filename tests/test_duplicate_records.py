"""What is compared of a record to find duplicates: its words, and what its fields say."""

import pytest

import embedsearch as es
from embedsearch.duplicates import Record
from embedsearch.duplicates.record import shingles, words

# -- words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wölfe & <i>Schafe</i>: a study!", "wolfe schafe a study"),
        ("p&lt;0.05, 5-HT1B", "p 0 05 5 ht1b"),
        ("<p>first</p><p>second</p>", "first second"),
        ("狼と羊 wolf", "狼 と 羊 wolf"),
        ("ﬁne Straße", "fine strasse"),
        ("🦈 !!!", "🦈 !!!"),
        ("", ""),
    ],
)
def test_words_are_compared_without_what_databases_spell_differently(text, expected):
    """Case, accents, ligatures, punctuation, tags and entities count for nothing; Han letters are words."""
    assert words(text) == expected.split()


def test_hashes_depend_on_the_words_alone():
    """The hashes are these in every process, so that the same records are found each time."""
    assert shingles(["a", "wolf", "in", "winter"]).tolist() == [8880577575828726942, 17226481400817528618]
    assert len(shingles(["a", "b", "a", "b", "a"])) == 2
    assert len(shingles(["wolf"])) == 1
    assert len(shingles([])) == 0


# -- records ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"doi": "10.1000/ABC.1"}, "10.1000/abc.1"),
        ({"DOI": "https://doi.org/10.1000/abc.1."}, "10.1000/abc.1"),
        ({"doi": "doi: 10.1000/abc.1"}, "10.1000/abc.1"),
        ({"DI": "10.1000/abc.1"}, "10.1000/abc.1"),
        ({"doi": "none"}, ""),
        ({"doi": None}, ""),
        ({}, ""),
    ],
)
def test_a_doi_is_found_whatever_stands_around_it(fields, expected):
    """Addresses, case and a full stop are no part of a DOI."""
    assert Record.of(es.Document("x", "Wolves hunt.", metadata=fields)).doi == expected


def test_an_id_may_be_a_doi():
    """References without a number are called by their DOI."""
    assert Record.of(es.Document("10.1000/ABC.1", "Wolves hunt.")).doi == "10.1000/abc.1"


@pytest.mark.parametrize(
    ("fields", "attribute", "expected"),
    [
        ({"pmid": 12345}, "pmid", "12345"),
        ({"pubmedID": "12345.0"}, "pmid", "12345"),
        ({"PubMed ID": 12345.0}, "pmid", "12345"),
        ({"pmid": "unknown"}, "pmid", ""),
        ({"Year": "2002.0"}, "year", 2002),
        ({"date": "3 May 2014"}, "year", 2014),
        ({"year": "in press"}, "year", None),
        ({"Authors": ["Ulf, A.", "Bo-Ek, B."]}, "authors", frozenset({"ulf", "bo", "ek"})),
        ({"author": "Jung HK; Li Y"}, "authors", frozenset({"jung", "li"})),
    ],
)
def test_what_a_bibliography_says_is_found_by_its_usual_names(fields, attribute, expected):
    """Names of fields are met in any case and with any signs between the words."""
    assert getattr(Record.of(es.Document("x", "Wolves hunt.", metadata=fields)), attribute) == expected
