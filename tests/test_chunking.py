"""Passages: sentences found, packed, cut where they must be, and every character of the text kept."""

import re
import time
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embedsearch.documents import Document, chunk
from embedsearch.documents.atoms import LONGEST_RUN, count_words, most_tokens
from embedsearch.documents.sentences import sentences
from embedsearch.errors import EncoderError, QueryError, SourceError


def by_words(texts):
    """One token for each word: numbers that can be worked out in the head."""
    return [len(text.split()) for text in texts]


def by_characters(texts):
    return [len(text) for text in texts]


def by_bytes(texts):
    return [len(text.encode()) for text in texts]


def by_pieces(texts):
    """Three letters make a token, a mark or a space before a word none: joined texts can cost less or more."""
    return [sum(-(-len(word) // 3) for word in re.findall(r"\w+|[^\w\s]", text)) for text in texts]


def sticky(texts):
    """Neighbours cost more than their sum: a token for each word and one more for each pair of words."""
    return [len(words) + len(words) * (len(words) - 1) // 2 for words in map(str.split, texts)]


def uneven(texts):
    """One token for each word, and nine more where B. and C. stand side by side: what fits says little of its parts."""
    return [len(text.split()) + 9 * text.count("B. C.") for text in texts]


def texts_of(text, count_tokens=by_words, **options):
    return [passage.text for passage in chunk(Document("d", text), count_tokens, **options)]


def split(text):
    return [text[start:end] for start, end in sentences(text)]


# --- sentences -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith went home.|He slept.",
        "We use tools, e.g. this one.|It works.",
        "The U.S. Navy sailed.|It won.",
        "He lives in the U.S.|He works.",
        "It is approx. 3.5 m long.|Fine.",
        "J. R. R. Tolkien wrote it.|We read it.",
        "Smith et al. (2010) found it.|See Fig. 3 for more.",
        "We asked.|He said no.|No. 5 is alive.",
        "Mr. and Mrs. Fox, Ph.D., came at 5 p.m. on Monday.|Good.",
        "At 10 a.m. we met.|The wolf came at 11 a.m.|The sheep fled.",
        "St. Mary's vs. John's Inc. was big.|Yes.",
        "Version 3.5 is out.|See www.a.com.|Go.",
        "1. First item.|2. Second item.",
    ],
)
def test_abbreviations_do_not_end_a_sentence(text):
    """A full stop that belongs to an abbreviation, an initial or a number stays within its sentence."""
    assert split(text.replace("|", " ")) == text.split("|")


@pytest.mark.parametrize(
    "text",
    [
        "Wait... what?|Yes.",
        "Wait...|What?",
        "The wolf ran \u2026|It hid.",
        'He said "Stop."|Then he left.',
        "He said \u201cStop!\u201d and left.|Bye.",
        "Really?!|Yes.|(He agreed.)|Then fine.",
        "the wolf ran.|it hid.",
        "The dots . . . go on . . . .|End.",
        "The wolf ran .|The sheep hid .",
    ],
)
def test_ellipses_and_quotes(text):
    """Closing quotes belong to the sentence they close; a small letter goes on with a sentence."""
    assert split(text.replace("|", " ")) == text.split("|")


def test_full_stops_without_a_space():
    """Chinese, Japanese and Hindi sentences end at their own full stops, with the bracket that closes."""
    assert split("狼吃羊。羊吃草\uff01真的\uff1f是的。") == ["狼吃羊。", "羊吃草\uff01", "真的\uff1f", "是的。"]
    assert split("「狼だ。」終わり。") == ["「狼だ。」", "終わり。"]
    assert split("भेड़िया आया। भेड़ भागी।") == ["भेड़िया आया।", "भेड़ भागी।"]


def test_lines():
    """A blank line or a list item begins a sentence, a wrapped line does not."""
    assert split("A heading\n\nThe wolf\nran.\r\n\r\nEnd") == ["A heading", "The wolf\nran.", "End"]
    assert split("Animals:\n- a wolf\n- a sheep") == ["Animals:", "- a wolf", "- a sheep"]
    assert split(" \n\t ") == []


@given(st.text(alphabet="aB.!?。 \n\"')1…", max_size=60) | st.text())
def test_sentences_leave_out_only_white_space(text):
    """The spans are in order, trimmed, and hold every character that is not white space."""
    spans = sentences(text)
    places = [0, *(place for span in spans for place in span), len(text)]
    assert places == sorted(places)
    assert all(part and part == part.strip() for part in split(text))
    assert "".join("".join(split(text)).split()) == "".join(text.split())


# --- packing -------------------------------------------------------------------------------------

FIVE = "One is here. Two is here. Three is here. Four is here. Five is here."


def test_a_text_that_fits_is_one_passage():
    """15 words within 15 tokens stay whole, white space around them apart."""
    (passage,) = chunk(Document("d", f"\n {FIVE} "), by_words, limit=15)
    assert (passage.document, passage.position, passage.start, passage.end) == ("d", 0, 2, 2 + len(FIVE))
    assert passage.text == FIVE


def test_blank_text_has_no_passages():
    """White space alone gives nothing to embed."""
    assert texts_of(" \n\u3000\t ", limit=5) == texts_of("", limit=5) == []


def test_whole_sentences_are_packed():
    """Seven tokens hold two sentences of three words."""
    assert texts_of(FIVE, limit=7, overlap=0) == [
        "One is here. Two is here.",
        "Three is here. Four is here.",
        "Five is here.",
    ]


def test_overlap_repeats_the_last_sentences():
    """With ten tokens and an overlap of three to five words the third sentence begins the second passage."""
    wanted = ["One is here. Two is here. Three is here.", "Three is here. Four is here. Five is here."]
    assert texts_of(FIVE, limit=10, overlap=3) == texts_of(FIVE, limit=10, overlap=5) == wanted
    assert texts_of(FIVE, limit=10, overlap=2) == [wanted[0], "Four is here. Five is here."]


def test_overlap_is_at_most_half_a_passage():
    """However many words may be repeated, each passage brings as much that is new."""
    for limits in ({"limit": 7}, {"limit": 100, "words": 7}):
        passages = texts_of(FIVE, **limits, overlap=1000)
        assert passages[1] == "Two is here. Three is here."
        assert len(passages) == 4
    assert len(texts_of("word " * 10_000, limit=100, overlap=1000)) < 220


def test_words_limit_passages_too():
    """Of 100 tokens only the six allowed words are used; a Chinese character is a word."""
    assert texts_of(FIVE, limit=100, words=6, overlap=0)[0] == "One is here. Two is here."
    assert texts_of("狼吃羊。羊吃草。", limit=100, words=4, overlap=0) == ["狼吃羊。", "羊吃草。"]
    assert (count_words("the wolf"), count_words("狼 wolf羊 é")) == (2, 4)


def test_a_long_sentence_is_cut_between_words():
    """Ten words in passages of four: the words stay whole."""
    text = "a bb ccc dddd eeeee ffffff g hh iii jjjj"
    assert texts_of(text, limit=4, overlap=0) == ["a bb ccc dddd", "eeeee ffffff g hh", "iii jjjj"]
    # One word is repeated at the cut, and no more, for an overlap of one.
    assert texts_of(text, limit=4, overlap=1)[:2] == ["a bb ccc dddd", "dddd eeeee ffffff g"]


def test_a_long_word_is_cut_between_characters():
    """Of 90 letters each passage holds 16, and a mark stays with the letter it stands on."""
    assert texts_of("x" * 90, by_characters, limit=16, overlap=0) == ["x" * 16] * 5 + ["x" * 10]
    accented = texts_of("e\u0301" * 100, by_characters, limit=20, overlap=0)
    assert not any(unicodedata.combining(text[0]) for text in accented)


def test_a_run_that_wordpiece_would_lose_is_cut():
    """250 letters are cut after 100 and 200, though counted as one token; a URL has punctuation and is not."""
    blob = "x" * 250
    assert [len(text) for text in texts_of(blob, limit=512)] == [100, 100, 50]
    assert texts_of(f"See {blob} there.", limit=512) == ["See " + "x" * 100, "x" * 100, "x" * 50 + " there."]
    assert texts_of("x" * LONGEST_RUN, limit=512) == ["x" * LONGEST_RUN]
    assert len(texts_of("https://example.org/" + "path/to-" * 30, limit=512)) == 1


def test_the_real_text_is_counted():
    """Where neighbours cost more than the sum of their parts, passages shrink until they fit."""
    passages = texts_of(FIVE, sticky, limit=6, overlap=0)
    assert passages == ["One is here.", "Two is here.", "Three is here.", "Four is here.", "Five is here."]
    for text in texts_of(FIVE * 20, sticky, limit=40, overlap=10):
        assert sticky([text])[0] <= 40


def test_a_short_text_is_not_counted():
    """99 bytes cannot have more than 100 tokens; 100 bytes might, for a mark can stand before them."""
    calls = []

    def counting(texts):
        calls.append(list(texts))
        return by_bytes(texts)

    chunk(Document("d", "wolf " * 19 + "wolf"), counting, limit=100)
    assert calls == []
    chunk(Document("d", "wolf " * 19 + "sheep"), counting, limit=100)
    assert calls == [["wolf " * 19 + "sheep"]]


def test_the_bound_allows_for_normalisation():
    """U+FDFA has 3 bytes, but the 18 letters that NFKC makes of it have 33."""
    assert (most_tokens("wolf"), most_tokens("é"), most_tokens("狼")) == (5, 4, 4)
    assert most_tokens("\ufdfa") == 34


def test_counting_is_done_in_batches():
    """3,000 sentences are measured in 3 calls and verified in one."""
    calls = []

    def counting(texts):
        calls.append(len(texts))
        return by_words(texts)

    passages = texts_of("The wolf ran home. " * 3000, counting, limit=100, overlap=0)
    assert len(passages) == 120
    assert calls == [1024, 1024, 952, 120]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"limit": 0}, EncoderError, "0 tokens are left for a passage where at least 1 is wanted"),
        ({"limit": 5, "words": 0}, QueryError, "at least 1 word, not 0"),
        ({"limit": 5, "overlap": -1}, QueryError, "0 words or more, not -1"),
    ],
)
def test_impossible_limits_are_refused(options, error, message):
    """What cannot be honoured raises, with the value seen and the value wanted."""
    with pytest.raises(error, match=message):
        texts_of("wolf", **options)


def test_a_character_that_does_not_fit_is_refused():
    """A character of three tokens cannot stand in a passage of two; the message names it and its source."""
    document = Document("d", "wolf 狼", source="a.jsonl:3")
    with pytest.raises(SourceError, match=r"a\.jsonl:3: the character '狼' alone has 3 tokens .* may have 2"):
        chunk(document, by_bytes, limit=2)


# --- properties ----------------------------------------------------------------------------------

PROSE = st.lists(
    st.sampled_from(
        ["wolf", "Sheep", "a", "e.g.", "ran.", "Why?", "\n\n", "\r\n", "狼吃羊。", "e\u0301" * 9, "x" * 130]
    )
    | st.text(max_size=12),
    max_size=60,
).map(" ".join)
COUNTERS = st.sampled_from([by_words, by_characters, by_pieces, sticky])


@given(PROSE, COUNTERS, st.integers(1, 40), st.none() | st.integers(1, 20), st.integers(0, 30))
@example("Aa. Bb. " * 30, sticky, 12, None, 5)
@example("e" + "\u0301" * 40, by_characters, 1, None, 3)
@example("b g h. Dd ee ff. B. C. C. b a", uneven, 10, None, 3)
def test_passages_keep_their_promises(text, count_tokens, limit, words, overlap):
    """Ranges are exact, in order and trimmed; limits hold; no character is lost; overlaps are bounded."""
    passages = chunk(Document("d", text), count_tokens, limit=limit, words=words, overlap=overlap)
    held = set()
    for position, passage in enumerate(passages):
        assert (passage.document, passage.position) == ("d", position)
        assert passage.text == text[passage.start : passage.end] == passage.text.strip() != ""
        assert count_tokens([passage.text])[0] <= limit
        assert words is None or count_words(passage.text) <= words
        held.update(range(passage.start, passage.end))
    assert all(place in held or character.isspace() for place, character in enumerate(text))
    for before, after in pairwise(passages):
        assert before.start < after.start
        assert before.end < after.end
        repeated = text[after.start : before.end] if after.start < before.end else ""
        assert count_words(repeated) <= overlap


@given(PROSE, st.integers(1, 300))
def test_the_shortcut_agrees_with_counting(text, limit):
    """A text that is passed uncounted has no more tokens than the limit, byte by byte."""
    inner = text.strip()
    if most_tokens(inner) <= limit:
        assert by_bytes([inner])[0] <= limit


@pytest.mark.parametrize(
    ("text", "count_tokens"),
    [
        ("wolf " * 400_000, by_words),
        ("The wolf ran home. " * 100_000, by_words),
        ("狼吃羊" * 200_000, by_characters),
        ("x" * 2_000_000, by_words),
        ("." * 2_000_000, by_characters),
        ("a" + " " * 2_000_000 + "b", by_words),
    ],
    ids=["no full stop", "sentences", "Chinese", "one word", "dots", "spaces"],
)
def test_time_is_linear(text, count_tokens):
    """Two megabytes without mercy take a second or two; quadratic time would take hours."""
    began = time.perf_counter()
    assert chunk(Document("d", text), count_tokens, limit=256)
    assert time.perf_counter() - began < 20
