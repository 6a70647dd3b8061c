import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from embedsearch import vectors
from embedsearch.errors import EncoderError, QueryError, StoreError
from embedsearch.vectors import as_rows, project, take_products, thinned, top, unit

finite = st.floats(-1e6, 1e6, width=32)


def test_a_unit_vector_keeps_its_direction():
    """A vector of 3 and 4 becomes 0.6 and 0.8."""
    assert unit([3, 4]).tolist() == pytest.approx([0.6, 0.8])
    assert unit([[3, 4], [0, 2]]).tolist() == [pytest.approx([0.6, 0.8]), pytest.approx([0, 1])]
    assert unit([3, 4]).dtype == np.float32


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=finite))
def test_unit_rows_have_length_one_or_are_refused(rows):
    """Every row that is not zero gets length 1, however small or large it was."""
    if rows.any(axis=1).all():
        assert np.allclose(np.linalg.norm(unit(rows).astype(np.float64), axis=1), 1, atol=1e-6)
    else:
        with pytest.raises(QueryError, match="all zeros"):
            unit(rows)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named_by_their_row(bad):
    """NaN would be stored and never found; it is refused with the number of its row."""
    with pytest.raises(EncoderError, match="vector 1 holds NaN or infinite"):
        as_rows([[1, 2], [3, bad]], error=EncoderError)


def test_shapes_that_are_not_rows_are_refused():
    """A wrong dimension and a third axis are refused with what was wanted."""
    with pytest.raises(QueryError, match="2 dimensions where 3 are wanted"):
        as_rows([1.0, 2.0], dimension=3)
    with pytest.raises(QueryError, match=r"not \(1, 1, 2\)"):
        as_rows([[[1.0, 2.0]]])


@given(hnp.arrays(np.float32, st.integers(0, 60), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])), st.integers(0, 70))
def test_top_is_a_stable_sort(scores, k):
    """The k best come best first, ties by ascending position, as a full stable sort gives them."""
    assert top(scores, k).tolist() == np.argsort(-scores, kind="stable")[:k].tolist()


@given(st.integers(0, 40), st.integers(1, 4), st.integers(1, 10), st.integers(1, 3))
def test_projection_in_blocks_is_the_matrix_product(rows, dimension, directions, block):
    """Reading a file block by block gives the same numbers as one product, for all rows, a run of them and some."""
    random = np.random.default_rng(rows)
    matrix = random.standard_normal((rows, dimension)).astype(np.float32)
    wanted = random.standard_normal((directions, dimension)).astype(np.float32)
    some = np.flatnonzero(random.random(rows) < 0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "BLOCK_BYTES", 4 * dimension * block)
        assert np.allclose(project(matrix, wanted), matrix @ wanted.T, atol=1e-5)
        for part in (some, some[::-1], np.arange(rows // 3, rows)):
            assert np.allclose(project(matrix, wanted, part), matrix[part] @ wanted.T, atol=1e-5)


@pytest.mark.parametrize("rows", [[1, 2, 3], [-1, 1, 2]])
def test_a_row_that_is_not_there_is_an_error(rows):
    """No fewer products come than rows were asked for, and none of another row."""
    with pytest.raises(StoreError, match="a row is asked for that the 3 vectors do not have"):
        project(np.eye(3, dtype=np.float32), np.ones(3), np.array(rows))


def test_an_error_in_one_of_several_threads_is_raised(monkeypatch):
    """What is done with the products fails in a block: the pass ends with that error."""
    monkeypatch.setattr(vectors, "BLOCK_BYTES", 4 * 3 * 10)

    def take(part, _products):
        if part.start == 20:
            raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        take_products(np.ones((40, 3), np.float32), np.ones((1, 3), np.float32), take)


@given(st.integers(0, 300), st.integers(1, 40))
def test_an_even_sample_reaches_over_all_rows(count, most):
    """So many as are wanted, or all; the gaps between them, to the end as well, differ by one place at most."""
    found = thinned(np.arange(100, 100 + count), most)
    assert len(found) == min(count, most)
    gaps = np.diff([*found, 100 + count])
    assert count == 0 or (found[0] == 100 and np.ptp(gaps) <= 1)
