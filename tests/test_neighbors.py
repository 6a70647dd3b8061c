import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedsearch import neighbors
from embedsearch.errors import QueryError, StoreError
from embedsearch.neighbors import Neighbors, build, nearest_exact, recipe
from embedsearch.vectors import unit


@pytest.fixture(autouse=True, scope="module")
def faiss_for_few_rows():
    """Have faiss asked for any number of rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "SCANNED_ROWS", 0)
        yield


def clustered(rows, dimension, seed=0):
    """Return unit rows in clusters, as sentences lie, and not evenly round the sphere."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((max(2, rows // 50), dimension))
    return unit(centres[random.integers(0, len(centres), rows)] + 0.5 * random.standard_normal((rows, dimension)))


def plain(vectors, query, k, rows):
    """Return what a full sort by (-score, row) gives."""
    scores = np.array([sum(float(a) * float(b) for a, b in zip(vectors[row], query, strict=True)) for row in rows])
    order = np.lexsort((rows, -scores))[:k]
    return rows[order]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 80), st.integers(1, 30), st.integers(0, 2**16), st.floats(0.05, 1))
def test_faiss_and_plain_numpy_agree(tmp_path_factory, rows, k, seed, share):
    """Search through faiss returns the rows that a full sort of all scores returns, whatever rows are allowed."""
    random = np.random.default_rng(seed)
    vectors = unit(random.integers(-2, 3, (rows, 4)) + 0.01)  # few distinct values: many ties
    live = np.flatnonzero(random.random(rows) < 0.9)
    allowed = live[random.random(len(live)) < share]
    query = unit(random.standard_normal(4))
    file = tmp_path_factory.mktemp("faiss") / "neighbors.faiss"
    build(vectors[: rows // 2 + 1], file)
    for searcher in (Neighbors(vectors, live, file), Neighbors(vectors, live)):
        assert searcher.search(query, k)[0].tolist() == plain(vectors, query, k, live).tolist()
        assert searcher.search(query, k, allowed)[0].tolist() == plain(vectors, query, k, allowed).tolist()


def test_scores_are_cosines_computed_from_the_vectors(tmp_path):
    """Whatever the type of index, a score is the dot product with the stored row, here worked out by hand."""
    vectors = unit([[1, 0], [3, 4], [0, 1]])
    build(vectors, tmp_path / "n.faiss")
    rows, scores = Neighbors(vectors, np.arange(3), tmp_path / "n.faiss").search([1, 0], 3)
    assert rows.tolist() == [0, 1, 2]
    assert scores.tolist() == pytest.approx([1, 0.6, 0], abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "dimension", "wanted"),
    [
        (1000, 384, "Flat"),
        (20_000, 384, "Flat"),
        (20_001, 384, "PQ192x4fs"),
        (300_000, 768, "PQ384x4fs"),
        (300_001, 384, "IVF2048,PQ192x4fs"),
        (1_000_000, 384, "IVF2048,PQ192x4fs"),
        (5_000_000, 384, "IVF8192,PQ192x4fs"),
        (50_000, 3, "Flat"),
    ],
)
def test_the_type_of_index_follows_its_size(rows, dimension, wanted):
    """Small indexes are flat, middle ones quantised, large ones quantised in inverted lists."""
    assert recipe(rows, dimension) == wanted


@pytest.mark.parametrize(("flat", "ivf"), [(100, 10**9), (100, 1000)], ids=["PQ", "IVF,PQ"])
def test_quantised_indexes_find_nearly_all_and_score_exactly(tmp_path, monkeypatch, flat, ivf):
    """With codes, and with inverted lists, recall@10 stays above .95 on clustered vectors, and scores are true."""
    monkeypatch.setattr(neighbors, "FLAT_ROWS", flat)
    monkeypatch.setattr(neighbors, "IVF_ROWS", ivf)
    vectors = clustered(4000, 32)
    told = []
    kind = build(vectors, tmp_path / "n.faiss", lambda done, total: told.append((done, total)))
    assert kind == ("PQ16x4fs" if ivf > 4000 else "IVF128,PQ16x4fs")
    assert told[-1] == (4000, 4000)
    searcher = Neighbors(vectors, np.arange(4000), tmp_path / "n.faiss")
    found = 0
    for query in clustered(50, 32, seed=1):
        rows, scores = searcher.search(query, 10)
        assert scores.tolist() == pytest.approx((vectors[rows] @ query).tolist(), abs=1e-6)
        found += len(set(rows) & set(nearest_exact(vectors, query, 10)[0]))
    assert found / 500 > 0.95


def test_a_filter_never_returns_fewer_hits_than_exist(tmp_path, monkeypatch):
    """Where allowed rows are too many for an exact scan, candidates are asked for until k allowed ones are found."""
    monkeypatch.setattr(neighbors, "FLAT_ROWS", 100)
    monkeypatch.setattr(neighbors, "IVF_ROWS", 1000)
    monkeypatch.setattr(neighbors, "EXACT_ROWS", 5)
    vectors = clustered(3000, 16)
    build(vectors, tmp_path / "n.faiss")
    searcher = Neighbors(vectors, np.arange(3000), tmp_path / "n.faiss")
    query = vectors[0]
    farthest = np.sort(np.argsort(vectors @ query)[:40])  # the rows that an index proposes last
    rows, _ = searcher.search(query, 30, farthest)
    assert len(rows) == 30
    assert set(rows) <= set(farthest)
    assert rows.tolist() == plain(vectors, query, 30, farthest).tolist()


def test_rows_newer_than_the_file_are_found_at_once(tmp_path):
    """A row that was added after the faiss file was built is compared exactly and merged."""
    vectors = unit([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])
    build(vectors[:2], tmp_path / "n.faiss")
    searcher = Neighbors(vectors, np.arange(4), tmp_path / "n.faiss")
    assert searcher.indexed == 2
    assert searcher.search([1, 1, 0], 1)[0].tolist() == [3]
    only_newer = Neighbors(vectors, np.array([2, 3]), tmp_path / "n.faiss")
    assert only_newer.search([1, 0, 0], 5)[0].tolist() == [3, 2]


def test_equal_rows_have_equal_scores_and_come_in_their_order():
    """Of a thousand equal rows the first k come, by ascending number: a matrix product alone would mix them."""
    random = np.random.default_rng(3)
    row = unit(random.standard_normal(384))
    vectors = np.vstack([unit(random.standard_normal((500, 384))), np.tile(row, (1000, 1))])
    rows, scores = nearest_exact(vectors, row, 7)
    assert rows.tolist() == list(range(500, 507))
    assert len(set(scores.tolist())) == 1


@pytest.mark.parametrize("content", [b"", b"garbage that is no index", b"IxFI" + b"\xff" * 64])
def test_a_damaged_file_costs_time_and_not_hits(tmp_path, content, caplog):
    """A file that faiss cannot read is set aside with a warning; every row is compared instead."""
    (tmp_path / "n.faiss").write_bytes(content)
    vectors = unit([[1, 0], [0, 1]])
    with caplog.at_level(logging.WARNING, "embedsearch"):
        searcher = Neighbors(vectors, np.arange(2), tmp_path / "n.faiss")
    assert "every row is compared instead" in caplog.text
    assert searcher.search([0, 1], 1)[0].tolist() == [1]


def test_a_file_of_other_vectors_is_set_aside(tmp_path, caplog):
    """A file with another dimension, or with more rows than there are, is not used."""
    build(unit(np.eye(5)), tmp_path / "n.faiss")
    for vectors in (unit(np.eye(3)), unit(np.eye(5))[:2]):
        searcher = Neighbors(vectors, np.arange(len(vectors)), tmp_path / "n.faiss")
        assert searcher.indexed == 0
    assert caplog.text.count("belongs to other vectors") == 2


@pytest.mark.parametrize(
    ("query", "k", "message"),
    [
        ([1, 0], 0, "k is 0"),
        ([0, 0], 1, "points nowhere"),
        ([np.nan, 1], 1, "NaN"),
        ([1, 0, 0], 1, "3 dimensions where 2 are wanted"),
    ],
)
def test_queries_that_faiss_answers_wrongly_are_refused(query, k, message):
    """Zero, NaN and wrongly sized queries are refused before they reach faiss."""
    with pytest.raises(QueryError, match=message):
        Neighbors(unit(np.eye(2)), np.arange(2)).search(query, k)


def test_no_rows_give_no_hits(tmp_path):
    """An empty set of allowed rows gives empty arrays, with and without a file."""
    vectors = unit(np.eye(3))
    build(vectors, tmp_path / "n.faiss")
    nobody = np.empty(0, dtype=np.int64)
    for searcher in (Neighbors(vectors, np.arange(3), tmp_path / "n.faiss"), Neighbors(vectors, np.arange(3))):
        rows, scores = searcher.search([1, 0, 0], 3, nobody)
        assert (len(rows), len(scores)) == (0, 0)


def test_a_folder_that_cannot_be_written_keeps_the_old_file(tmp_path):
    """Building writes beside the file and moves it into place, so that a failure leaves what was there."""
    file = tmp_path / "n.faiss"
    build(unit(np.eye(3)), file)
    before = file.read_bytes()
    (tmp_path / "n.faiss.new").mkdir()
    with pytest.raises(StoreError, match="documents are safe"):
        build(unit(np.eye(4)), file)
    assert file.read_bytes() == before


def test_few_rows_are_answered_without_faiss(tmp_path, monkeypatch):
    """An index of few rows does not read its faiss file: comparing all rows gives the same, and starts at once."""
    vectors = clustered(300, 8)
    build(vectors, tmp_path / "n.faiss")
    through_faiss = Neighbors(vectors, np.arange(300), tmp_path / "n.faiss")
    monkeypatch.setattr(neighbors, "SCANNED_ROWS", 300)
    monkeypatch.setattr(neighbors, "_read", None)
    scanned = Neighbors(vectors, np.arange(300), tmp_path / "n.faiss")
    for query in vectors[:5]:
        assert scanned.search(query, 10)[0].tolist() == through_faiss.search(query, 10)[0].tolist()
