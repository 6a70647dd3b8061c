"""Words of a query, the full text of an index, and where words stand in a text."""

import math
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.lexical import STOP_WORDS, match_any, terms
from embedsearch.store.matching import matches
from embedsearch.testing import HashEncoder

WORDS = ["wolf", "kelp", "crab", "moth", "pond", "bark"]  # no two share a stem, none changes when it is stemmed
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)


def bm25(query: list[str], passage: list[str], passages: list[list[str]]) -> float:
    """Return BM25 by the textbook (k1 1.2, b .75), with FTS5's floor under the inverse document frequency."""
    mean = sum(map(len, passages)) / len(passages)
    total = 0.0
    for word in query:
        holding = sum(word in other for other in passages)
        rarity = max(1e-6, math.log((len(passages) - holding + 0.5) / (holding + 0.5)))
        frequency = passage.count(word)
        total += rarity * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * len(passage) / mean))
    return total


def searched(index: es.Index, text: str, **options) -> dict[str, float]:
    return {hit.id: hit.bm25 for hit in index.search(text, mode="lexical", k=1000, **options)}


@pytest.fixture
def make(tmp_path):
    """Return a function that makes an index of texts by id."""
    made = []

    def make(texts: dict[str, str], **options) -> es.Index:
        index = es.Index.create(tmp_path / f"index-{len(made)}", HashEncoder(), **options)
        made.append(index)
        index.add([es.Document(id, text) for id, text in texts.items()])
        return index

    yield make
    for index in made:
        index.close()


class TestTerms:
    """What of a query is looked up."""

    def test_stop_words_are_left_out_unless_there_is_nothing_else(self):
        """A query of stop words alone looks all of them up."""
        assert terms("The wolves of the north") == ["wolves", "north"]
        assert terms("To be or not to be") == ["To", "be", "or", "not", "to", "be"]
        assert terms(" 🐺 -- ") == []
        assert all(word == word.lower() for word in STOP_WORDS)

    def test_repeated_words_stay(self):
        """A word that is said twice counts twice."""
        assert match_any("wolf, wolf and lamb") == '"wolf" OR "wolf" OR "lamb"'

    @pytest.mark.parametrize(
        "text",
        ['a" OR "b', "NEAR(wolf sheep)", "wol*", "title : wolf", "^wolf", "-wolf", "{text} : (x", "wolf AND", "'--"],
    )
    def test_nothing_is_read_as_syntax(self, make, text):
        """Whatever FTS5 would understand is words and punctuation here; no query fails."""
        assert re.fullmatch(r'("[^"\W]+"( OR "[^"\W]+")*)?', match_any(text))
        index = make({"one": "near wolf sheep", "two": "a b"})
        index.search(text, k=2)

    @given(st.text(max_size=30))
    def test_any_text_gives_quoted_words_only(self, text):
        """For any text at all the expression is words in quotes with OR between them."""
        pieces = match_any(text).split(" OR ") if match_any(text) else []
        assert all(piece[0] == piece[-1] == '"' and piece[1:-1].isalnum() for piece in pieces)


class TestFullText:
    """The inverted file of an index."""

    @settings(max_examples=12, deadline=None)
    @given(texts=st.lists(TEXTS, min_size=1, max_size=12), query=TEXTS)
    def test_scores_are_bm25(self, tmp_path_factory, texts, query):
        """Scores agree with the textbook's formula, and hits are all passages with one of the words, best first."""
        split = [text.split() for text in texts]
        with es.Index.create(tmp_path_factory.mktemp("bm25") / "index", HashEncoder()) as index:
            index.add([es.Document(str(place), text) for place, text in enumerate(texts)])
            hits = index.search(query, mode="lexical", k=100)
        wanted = {str(place): bm25(query.split(), own, split) for place, own in enumerate(split)}
        wanted = {id: score for id, score in wanted.items() if score > 0}
        assert {hit.id: hit.bm25 for hit in hits} == pytest.approx(wanted, rel=1e-9)
        assert [hit.bm25 for hit in hits] == sorted((hit.bm25 for hit in hits), reverse=True)

    def test_words_are_stemmed_and_accents_do_not_matter(self, make):
        """Other forms of a word, capitals, and composed or decomposed accents are found."""
        index = make({"a": "Wolves HUNTED at the café", "b": unicodedata.normalize("NFD", "résumé of a naïve sheep")})
        for query, found in {
            "hunting": "a",
            "WOLVES": "a",
            "cafe": "a",
            "cafés": "a",
            "resume": "b",
            "résumé": "b",
        }.items():
            assert list(searched(index, query)) == [found], query

    def test_a_nul_or_an_emoji_hides_nothing(self, make):
        """Words behind a NUL character or an emoji are found, and go when their document changes."""
        index = make({"a": "ambush\0predator 🐺 pack"})
        assert all(searched(index, word) for word in ("ambush", "predator", "pack"))
        index.add([es.Document("a", "meadow")])
        assert not any(searched(index, word) for word in ("ambush", "predator", "pack"))
        assert list(searched(index, "meadow")) == ["a"]

    def test_a_word_in_the_title_counts_more(self, make):
        """Of two passages with a word once, the one that has it in its title comes first."""
        index = make({})
        rest = [es.Document(str(place), "unrelated filler") for place in range(5)]
        index.add(
            [es.Document("text", "kelp pond", title="bark"), es.Document("title", "bark pond", title="kelp"), *rest]
        )
        assert list(searched(index, "kelp")) == ["title", "text"]

    @settings(max_examples=12, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from("abcd"), TEXTS), min_size=1, max_size=12))
    def test_updates_leave_what_a_new_index_would_hold(self, tmp_path_factory, versions):
        """After any sequence of additions and updates the scores are those of an index made of the last versions."""
        folder = tmp_path_factory.mktemp("updates")
        with (
            es.Index.create(folder / "one", HashEncoder(), chunk_words=3, overlap=0) as grown,
            es.Index.create(folder / "two", HashEncoder(), chunk_words=3, overlap=0) as fresh,
        ):
            for id, text in versions:
                grown.add([es.Document(id, text)])
            fresh.add([es.Document(id, text) for id, text in dict(versions).items()])
            for word in WORDS:
                assert searched(grown, word) == pytest.approx(searched(fresh, word), rel=1e-9)
            assert len(grown._store.fulltext.rows()) == len(grown)

    def test_an_update_that_fails_changes_no_word(self, make, monkeypatch):
        """When a batch cannot be committed, the words found are those of before."""
        index = make({"a": "wolf"})
        monkeypatch.setattr(type(index._store), "set_setting", lambda *_: (_ for _ in ()).throw(OSError("disk")))
        with pytest.raises(OSError, match="disk"):
            index.add([es.Document("a", "kelp")])
        monkeypatch.undo()
        assert searched(index, "wolf")
        assert not searched(index, "kelp")

    def test_a_rebuild_gives_the_same_scores(self, make):
        """What the documents hold is enough to make the inverted file anew."""
        index = make({str(place): " ".join(WORDS[place % 5 :]) for place in range(20)})
        before = {word: searched(index, word) for word in WORDS}
        with index._store.locked(), index._store.writing():
            index._store.fulltext.rebuild()
        assert {word: searched(index, word) for word in WORDS} == before


class TestMatches:
    """Where the words of a query stand in a text."""

    def test_other_forms_of_a_word_are_the_same_term(self):
        """Places are exact, forms share a number, and words that only look alike are left alone."""
        text = "Moths hunt; the moth's hunting, mothballs."
        (found,) = matches([text], "hunted moths moth")
        assert [(text[one.start : one.end], one.term) for one in found] == [
            ("Moths", 1), ("hunt", 0), ("moth", 1), ("hunting", 0),
        ]  # fmt: skip

    @given(st.text(alphabet="wolf\0\x02\x03 é\u0301🐺.", max_size=40))
    def test_places_hold_for_any_text(self, text):
        """Whatever characters stand around it, a match is a whole word that is the term, accents aside."""
        for one in matches([text], "wolf é")[0]:
            word = unicodedata.normalize("NFD", text[one.start : one.end])
            assert re.sub("\u0301", "", word) == ("wolf", "e")[one.term]
