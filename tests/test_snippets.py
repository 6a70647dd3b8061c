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
    """The first of the sentences with both words is shown, from its beginning, its matches marked."""
    said = ["Sheep graze. ", "A wolf is grey. ", "Wolf and sheep. ", "Sheep and wolf. "]
    text = folded("".join(one + 4 * FILLER for one in said))
    snippet = around_matches(text, matches([text], "wolf sheep")[0], width=60)
    assert snippet.text.startswith("…Wolf and sheep.")
    assert [snippet.text[start:end] for start, end in snippet.matches] == ["Wolf", "sheep"]


def test_a_short_text_is_shown_whole():
    """What fits is not cut."""
    assert around_matches("wolf pack", matches(["wolf pack"], "packs")[0]).matches == ((5, 9),)


WORDS = ["wolf", "sheep", "wolfish", "a", "hills", "end.", "🐺", "far-off"]


@given(st.lists(st.sampled_from(WORDS), max_size=80), st.integers(60, 90))
def test_a_snippet_is_a_part_of_the_text_and_fits(words, width):
    """At most *width* characters of whole words; what it holds of the query is marked, and it holds some if it can."""
    text = " ".join(words)
    found = matches([text], "wolf sheep")[0]
    snippet = around_matches(text, found, width=width)
    assert len(snippet.text) <= width
    part = snippet.text.removeprefix("…").removesuffix("…")
    assert f" {part} " in f" {text} "
    marked = [snippet.text[start:end] for start, end in snippet.matches]
    assert marked == [word for word in part.split() if word in ("wolf", "sheep")]
    assert bool(marked) == bool(found)


def test_words_are_cut_whole():
    """The last word is there whole, or not at all; punctuation does not stand before the ellipsis."""
    assert cut("the wolf, the sheep", 0, width=12).text == "the wolf…"
    assert cut("the wolf, the sheep", 14, width=6).text == "…sheep"
    assert cut("a wolfsheepwolfsheep", 0, width=10).text == "a wolfshe…"  # one that is most of it is cut
    long = 20 * "nothing at all " + "but wolf" + 20 * " nothing at all"
    assert around_matches(long, matches([long], "wolf")[0]).text.startswith("…all nothing at all")


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
