"""Snippets: the part of a passage that answers a query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.snippets import around_matches, cut, folded
from embedsearch.store.matching import matches
from embedsearch.testing import TableEncoder

FILLER = "Nothing is said here about the matter in hand at all. "


def test_the_part_with_most_terms_is_taken():
    """Of two sentences, the one with both words is shown, from its beginning, its matches marked."""
    text = folded("A wolf is grey. " + 4 * FILLER + "The wolf hunts sheep. " + 4 * FILLER)
    snippet = around_matches(text, matches([text], "wolf sheep")[0], width=60)
    assert snippet.text.startswith("…The wolf hunts sheep.")
    assert [snippet.text[start:end] for start, end in snippet.matches] == ["wolf", "sheep"]


def test_a_short_text_is_shown_whole():
    """What fits is not cut."""
    assert around_matches("wolf pack", matches(["wolf pack"], "packs")[0]).matches == ((5, 9),)


@given(st.text(alphabet="wolf sheep.🐺", max_size=300), st.integers(20, 80))
def test_a_snippet_is_a_part_of_the_text_and_fits(text, width):
    """At most *width* characters; without its ellipses it stands in the text; matches are words of the query."""
    text = folded(text)
    snippet = around_matches(text, matches([text], "wolf sheep")[0], width=width)
    assert len(snippet.text) <= width
    assert snippet.text.removeprefix("…").removesuffix("…") in text
    assert all(snippet.text[start:end] in ("wolf", "sheep") for start, end in snippet.matches)


def test_words_are_cut_whole():
    """The last word is there whole, or not at all; punctuation does not stand before the ellipsis."""
    assert cut("the wolf, the sheep", 0, width=12).text == "the wolf…"


def test_without_matching_words_the_nearest_sentence_is_shown(tmp_path):
    """A dense search shows the sentence of a long passage that is nearest to the query."""
    near, far = "Tigers wait in cover.", "It rained on the fair all that long afternoon, and the band went home early."
    text = f"{far} {far} {near} {far}"
    encoder = TableEncoder({"ambush": [1, 0], near: [0.9, 0.1], far: [0, 1], text: [0.5, 0.5]})
    with es.Index.create(tmp_path / "index", encoder) as index:
        index.add([es.Document("a", text)])
        (snippet,) = index.snippets(index.search("ambush"), "ambush")
        assert snippet.text.startswith("…Tigers wait in cover.")
        assert index.snippets([], "ambush") == []


def test_a_snippet_knows_its_matches_behind_a_prefix():
    """A title put before a snippet moves its matches along."""
    snippet = around_matches("wolf", matches(["wolf"], "wolf")[0]).behind("Dogs | ")
    assert (snippet.text, snippet.matches) == ("Dogs | wolf", ((7, 11),))
    with pytest.raises(AttributeError):
        snippet.text = ""
