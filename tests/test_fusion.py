"""Fusion of two rankings, against arithmetic by hand and against scoring everything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedsearch.fusion import ceiling, combine

COSINES = st.integers(-10_000, 10_000).map(lambda tenth: tenth / 10_000)  # no best of 1e-300 to divide by
BM25 = st.integers(0, 4000).map(lambda hundredth: hundredth / 100)


def test_each_score_is_divided_by_its_best_and_weighted():
    """.6 times the share of the best cosine plus .4 times the share of the best BM25."""
    fused = combine([0.8, 0.4, 0.0], [5.0, 10.0, 0.0], best_cosine=0.8, best_lexical=10.0)
    assert fused.tolist() == pytest.approx([0.6 * 1 + 0.4 * 0.5, 0.6 * 0.5 + 0.4 * 1, 0.0])


@given(st.lists(st.tuples(COSINES, BM25), min_size=1, max_size=20), st.floats(0, 1))
def test_agrees_with_a_second_formula(pairs, weight):
    """A weighted mean of ratios gives the same numbers as the loop over single passages."""
    cosines, bm25 = map(list, zip(*pairs, strict=True))
    best_cosine, best_lexical = max(cosines), max(bm25)
    fused = combine(cosines, bm25, best_cosine=best_cosine, best_lexical=best_lexical, weight=weight)
    for value, cosine, words in zip(fused, cosines, bm25, strict=True):
        by_meaning = cosine if best_cosine <= 0 else cosine / best_cosine
        by_words = 0.0 if best_lexical == 0 else words / best_lexical
        assert value == pytest.approx(by_words + weight * (by_meaning - by_words), abs=1e-6)


@given(st.lists(st.tuples(COSINES, BM25), min_size=1, max_size=30), st.integers(1, 10))
def test_nothing_outside_both_lists_exceeds_the_ceiling(pairs, depth):
    """Whoever is in neither list of the first *depth* is fused to no more than the ceiling of the lists."""
    cosines, bm25 = (np.array(column) for column in zip(*pairs, strict=True))
    bests = {"best_cosine": cosines.max(), "best_lexical": bm25.max()}
    by_meaning, by_words = np.argsort(-cosines)[:depth], np.argsort(-bm25)[:depth]
    outside = np.setdiff1d(np.arange(len(pairs)), np.union1d(by_meaning, by_words))
    limit = ceiling(cosines[by_meaning[-1]], bm25[by_words[-1]], **bests)
    assert (combine(cosines, bm25, **bests)[outside] <= limit + 1e-12).all()


def test_negative_cosines_keep_their_order():
    """Where even the nearest passage points away from the query, nearer ones still come first."""
    fused = combine([-0.1, -0.5], [0.0, 0.0], best_cosine=-0.1, best_lexical=0.0)
    assert fused[0] > fused[1]


def test_words_that_most_passages_have_do_not_rank():
    """Where the best BM25 is that of a word in more than half of the passages, meaning alone decides."""
    fused = combine([0.9, 0.8], [1e-6, 2e-6], best_cosine=0.9, best_lexical=2e-6)
    assert fused.tolist() == pytest.approx([0.6, 0.6 * 0.8 / 0.9], abs=1e-5)
