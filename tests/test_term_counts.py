"""Words and pairs of words, counted: beside scikit-learn's counts of the same texts, and joined in any way."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from embedsearch import term_counts
from embedsearch.screening.features import term_weights
from embedsearch.term_counts import TermCounts

WORDS = [
    "wolf",
    "wolves",
    "Wolf",
    "a",
    "the",
    "of",
    "x1",
    "snake_case",
    "Straße",
    "волк",
    "オオカミ",
    "don't",
    "2024",
    "-",
]
texts_of_words = st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), min_size=1, max_size=8)


def columns(matrix):
    """Return the columns of a matrix in an order that their names have no part in."""
    return sorted(map(tuple, matrix.toarray().T.tolist()))


def test_a_text_counted_by_hand():
    """Three words and two pairs; the pair the other way round is another; a letter alone is no word."""
    found = TermCounts.of(["Wolf eats a wolf", "eats wolf", ""])
    # wolf, eats, wolf eats, eats wolf
    assert columns(found.counts) == [(1, 0, 0), (1, 1, 0), (1, 1, 0), (2, 1, 0)]
    assert (np.diff(found.keys.astype(object)) > 0).all()
    assert found.counts.dtype == np.int32


@given(texts_of_words)
@settings(max_examples=60, deadline=None)
def test_counts_are_those_of_scikit_learn(texts):
    """Every term of every text, as often."""
    found = TermCounts.of(texts)
    try:
        wanted = columns(CountVectorizer(ngram_range=(1, 2)).fit_transform(texts))
    except ValueError:  # no word at all
        wanted = []
    assert columns(found.counts) == wanted


@given(texts_of_words, st.data())
@settings(max_examples=60, deadline=None)
def test_parts_that_are_joined_are_the_whole(texts, data):
    """Counted in any parts, or taken out of more: the same numbers, in the same places, ready for arithmetic."""
    cut = data.draw(st.integers(0, len(texts)))
    whole = TermCounts.of(texts)
    joined = TermCounts.joined([TermCounts.of(texts[:cut]), TermCounts.of(texts[cut:])])
    chosen = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, unique=True))
    taken, alone = whole.take(chosen), TermCounts.of([texts[place] for place in chosen])
    again = TermCounts.from_arrays(taken.to_arrays("x"), "x")
    for found, wanted in ((joined, whole), (taken, alone), (again, alone)):
        assert np.array_equal(found.keys, wanted.keys)
        for part in ("data", "indices", "indptr"):
            assert np.array_equal(getattr(found.counts, part), getattr(wanted.counts, part))


def test_texts_are_counted_in_batches(monkeypatch):
    """However many are taken at once, all are counted."""
    texts = [f"the {WORDS[place % 9]} runs {place}" for place in range(25)]
    whole = TermCounts.of(texts)
    monkeypatch.setattr(term_counts, "_AT_ONCE", 7)
    parts = TermCounts.of(iter(texts))
    assert np.array_equal(parts.keys, whole.keys)
    assert (parts.counts != whole.counts).nnz == 0


def test_weights_are_those_of_scikit_learn():
    """TF-IDF as the published settings have it: logarithmic, of terms of at most 95% of the records, unit rows."""
    chance = np.random.default_rng(0)
    texts = ["study " + " ".join(chance.choice(WORDS, 9)) for _ in range(60)]
    wanted = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_df=0.95).fit_transform(texts)
    found = term_weights(TermCounts.of(texts))
    assert found.shape == wanted.shape
    np.testing.assert_allclose((found @ found.T).toarray(), (wanted @ wanted.T).toarray(), atol=1e-12)
    np.testing.assert_allclose(sorted(found.data), sorted(wanted.data), atol=1e-12)
