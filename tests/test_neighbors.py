import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedsearch.errors import QueryError, StoreError
from embedsearch.neighbors import (
    Effort,
    FaissIndex,
    Neighbors,
    complaint,
    nearest_exact,
    nearest_exact_many,
    recipe,
    recipes,
    search,
    self_test,
    tuning,
)
from embedsearch.vectors import unit

KINDS = {
    "PQ": (32, "PQ16x4fs"),
    "IVF,PQ": (32, "IVF64,PQ16x4fs"),
    "IVF,SQ": (33, "IVF64,SQ8"),
    "IVF": (8, "IVF64,Flat"),
}


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


@pytest.fixture(params=KINDS)
def kind(request, monkeypatch):
    """Every type of index that is not flat, made for few rows; its dimension and its name."""
    monkeypatch.setattr(recipes, "FLAT_VALUES", 500)
    monkeypatch.setattr(recipes, "IVF_ROWS", 10**9 if request.param == "PQ" else 1000)
    monkeypatch.setattr(search, "_FEWEST_EXACT", 5)
    return KINDS[request.param]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 80), st.integers(1, 30), st.integers(0, 2**16), st.floats(0.05, 1))
def test_faiss_and_plain_numpy_agree(rows, k, seed, share):
    """Search through faiss returns the rows that a full sort of all scores returns, whatever rows are allowed."""
    random = np.random.default_rng(seed)
    # Few distinct vectors, so that there are many ties, of values whose products and sums are exact.
    vectors = np.concatenate([random.choice([-0.5, 0.5], (rows, 4)), np.eye(4)])[random.integers(0, rows + 4, rows)]
    vectors = vectors.astype(np.float32)
    is_live = random.random(rows) < 0.9
    live, dead = np.flatnonzero(is_live), np.flatnonzero(~is_live)
    allowed = live[random.random(len(live)) < share]
    queries = random.integers(1, 4, (3, 4)) * random.choice([-1, 1], (3, 4))
    index = FaissIndex.build(vectors[: rows // 2 + 1])
    for searcher in (Neighbors(vectors, dead, index), Neighbors(vectors, dead)):
        for chosen, own in ((None, live), (allowed, allowed)):
            wanted = [plain(vectors, query, k, own).tolist() for query in queries]
            assert [searcher.search(query, k, chosen)[0].tolist() for query in queries] == wanted
            assert [found.tolist() for found, _ in searcher.search_many(queries, k, chosen)] == wanted


def test_scores_are_cosines_computed_from_the_vectors():
    """Whatever the type of index, a score is the dot product with the stored row, here worked out by hand."""
    vectors = unit([[1, 0], [3, 4], [0, 1]])
    rows, scores = Neighbors(vectors, None, FaissIndex.build(vectors)).search([1, 0], 3)
    assert rows.tolist() == [0, 1, 2]
    assert scores.tolist() == pytest.approx([1, 0.6, 0], abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "dimension", "wanted"),
    [
        (1000, 384, "Flat"),
        (20_000, 384, "Flat"),
        (20_001, 384, "PQ192x4fs"),
        (300_000, 768, "PQ384x4fs"),
        (10_000, 1024, "PQ512x4fs"),
        (300_001, 384, "IVF1024,PQ192x4fs"),
        (1_000_000, 384, "IVF1024,PQ192x4fs"),
        (10_000_000, 384, "IVF4096,PQ192x4fs"),
        (50_000, 3, "Flat"),
        (1_000_000, 2, "Flat"),
        (1_000_000, 16, "IVF1024,Flat"),
        (50_000, 385, "IVF256,SQ8"),
    ],
)
def test_the_type_of_index_follows_its_size(rows, dimension, wanted):
    """Small indexes are flat, middle ones quantised, large ones in inverted lists; any dimension has a type."""
    assert recipe(rows, dimension) == wanted


def test_a_quantised_index_finds_nearly_all_and_scores_exactly(kind):
    """With the effort that the self-test chose, other queries find as much as was promised, and scores are true."""
    dimension, name = kind
    vectors = clustered(4000, dimension)
    told = []
    index = FaissIndex.build(vectors, lambda done, total: told.append((done, total)))
    assert index.kind == name  # of 4,000 rows
    assert told[-1] == (4000, 4000)
    test = self_test(index, vectors, 0.95)
    assert test.recall >= 0.95
    searcher = Neighbors(vectors, None, index, test.effort)
    queries = unit(vectors[::80] + 0.02 * np.random.default_rng(1).standard_normal((50, dimension)))
    found = 0
    for query, many in zip(queries, searcher.search_many(queries, 10), strict=True):
        (rows, scores), plan = searcher.explain(query, 10)
        assert plan.kind == "index"
        assert scores.tolist() == pytest.approx((vectors[rows] @ query).tolist(), abs=1e-6)
        assert many[0].tolist() == rows.tolist()
        found += len(set(rows) & set(nearest_exact(vectors, query, 10)[0]))
    assert found / 500 > 0.9


def test_the_recall_of_the_self_test_is_what_searches_reach(kind, monkeypatch):
    """Searches for the sampled rows, with the effort that is kept, find what the self-test says, or more.

    More where the lists that are visited hold so few rows that a search goes on to others.
    """
    monkeypatch.setattr(search, "_CANDIDATES_A_HIT", 1)  # one more hit is asked for here: the row itself, proposed too
    vectors = clustered(3000, kind[0])
    index = FaissIndex.build(vectors)
    test = self_test(index, vectors, 0.9)
    searcher = Neighbors(vectors, None, index, test.effort)
    own = np.unique(np.linspace(0, 2999, tuning.SAMPLED).astype(int))
    shares = []
    for row in own:
        scores = vectors @ vectors[row]
        scores[row] = -1
        found = [one for one in searcher.search(vectors[row], 11)[0] if one != row][:10]
        shares.append(len(set(found) & set(np.argsort(-scores)[:10])) / 10)
    assert test.sampled == len(own) == 200
    assert np.mean(shares) > test.recall - 1e-9
    assert np.mean(shares) == pytest.approx(test.recall, abs=1e-9 if not index.lists else 0.05)


def test_more_recall_takes_more_effort_and_is_reached(kind):
    """Each higher recall that is asked for is reached, and never by doing less."""
    vectors = clustered(3000, kind[0])
    index = FaissIndex.build(vectors)
    tests = [self_test(index, vectors, wanted) for wanted in (0.5, 0.9, 0.99)]
    assert all(test.recall >= test.wanted for test in tests)
    work = [test.effort.candidates * max(1, test.visited) for test in tests]
    assert work == sorted(work)
    assert tuning.SelfTest.from_dict(tests[0].to_dict()) == tests[0]


@pytest.fixture
def in_lists(monkeypatch):
    """Return 6,000 rows in 200 loose clusters, with an index of them in 128 lists of which one may be enough."""
    monkeypatch.setattr(recipes, "FLAT_VALUES", 500)
    monkeypatch.setattr(recipes, "IVF_ROWS", 500)
    monkeypatch.setattr(tuning, "_LEAST_LISTS", 1)
    random = np.random.default_rng(0)
    centres = random.standard_normal((200, 64))
    vectors = unit(centres[random.integers(0, 200, 6000)] + random.standard_normal((6000, 64)))
    return vectors, FaissIndex.build(vectors)


@pytest.mark.parametrize("gap", [0.0, 0.2, 0.5])
def test_lists_are_visited_by_how_near_their_centroids_are(in_lists, gap):
    """Those whose cosine is at most the gap below the best one's, counted one by one."""
    vectors, index = in_lists
    centroids = np.stack([index._index.quantizer.reconstruct(number) for number in range(index.lists)])
    for row in range(0, 6000, 300):
        cosines = sorted((centroids.astype(float) @ vectors[row].astype(float)).tolist())
        wanted = [sum(one >= cosines[-1] - gap + slip for one in cosines) for slip in (1e-6, -1e-6)]
        assert wanted[0] <= index.lists_near(vectors[row : row + 1], gap)[0] <= wanted[1]
    assert index.lists_near(vectors[:4], 2.0).tolist() == [index.lists] * 4


def test_an_effort_visits_its_least_number_of_lists_and_more_where_many_are_as_near(in_lists):
    """Never fewer than are wanted, at most a tenth (and one) more; without a gap always the same number."""
    vectors, index = in_lists
    near = np.minimum(np.maximum(index.lists_near(vectors[::30], 0.3), 4), index.lists)
    visited = Effort(80, 4, 0.3).lists(index, vectors[::30])
    assert (visited >= near).all()
    assert (visited <= np.minimum(1.1 * near + 1, index.lists)).all()
    assert visited.min() < 10 < visited.max()
    assert Effort(80, 7).lists(index, vectors[:3]).tolist() == [7, 7, 7]
    assert Effort(80, 5000).lists(index, vectors[:3]).tolist() == [index.lists] * 3


def test_queries_apart_from_all_rows_find_more_than_with_the_same_number_of_lists_for_each(in_lists):
    """What the self-test learns from rows holds better for other queries than a fixed number of lists would."""
    vectors, index = in_lists
    test = self_test(index, vectors, 0.98)
    far = unit(np.random.default_rng(5).standard_normal((100, 64)))

    def share(effort):
        answers = Neighbors(vectors, None, index, effort).search_many(far, 10)
        truth = [nearest_exact(vectors, query, 10)[0] for query in far]
        return np.mean([len(set(rows) & set(true)) / 10 for (rows, _), true in zip(answers, truth, strict=True)])

    assert test.recall >= 1 - 0.02 / 1.5  # a third of what may be missed is held in reserve
    assert test.effort.lists(index, far).mean() > 4 * test.visited
    assert share(test.effort) > share(Effort(test.effort.candidates, round(test.visited))) + 0.1


def share_found(searcher, own, allowed, rows):
    """Return recall@10 of the rows *own*, each left out of its own answer, among the rows that are *allowed*."""
    found = 0
    for one, (answer, _) in zip(own, searcher.search_many(searcher.vectors[own], 11, rows), strict=True):
        scores = searcher.vectors[allowed] @ searcher.vectors[one]
        scores[allowed == one] = -1
        found += len(set(answer) & set(allowed[np.argsort(-scores)[:10]]))
    return found / (10 * len(own))


@pytest.mark.parametrize("share", [0.5, 0.3, 0.25])
def test_the_recall_holds_among_the_rows_that_are_left(share, monkeypatch):
    """Of 6,000 rows in clusters of twelve the nearest that are left lie in other clusters, and so in other lists.

    It makes no difference whether a condition or a deletion leaves them.
    """
    monkeypatch.setattr(search, "_FEWEST_EXACT", 5)
    monkeypatch.setattr(recipes, "FLAT_VALUES", 500)
    monkeypatch.setattr(recipes, "IVF_ROWS", 500)
    random = np.random.default_rng(0)
    centres = random.standard_normal((500, 65))
    vectors = unit(centres[random.integers(0, 500, 6000)] + 0.7 * random.standard_normal((6000, 65)))
    index = FaissIndex.build(vectors)
    test = self_test(index, vectors, 0.99)
    assert (index.kind, test.effort.candidates, test.recall > 0.99) == ("IVF128,SQ8", 40, True)
    left = np.sort(random.choice(6000, int(6000 * share), replace=False))
    dead, own = np.setdiff1d(np.arange(6000), left), left[::6]
    assert Neighbors(vectors, dead, index, test.effort).explain(vectors[0], 10)[1].kind == "index"
    assert share_found(Neighbors(vectors, None, index, test.effort), own, left, left) > 0.985
    assert share_found(Neighbors(vectors, dead, index, test.effort), own, left, None) > 0.985


def test_the_self_test_asks_for_live_rows_among_live_rows(in_lists):
    """Its recall is what searches find of the live neighbours of live rows, with the effort that it returns."""
    vectors, index = in_lists
    dead = np.flatnonzero(np.arange(6000) % 5 > 1)
    test = self_test(index, vectors, 0.9, dead)
    live = np.setdiff1d(np.arange(6000), dead)
    own = live[np.unique(np.linspace(0, len(live) - 1, tuning.SAMPLED).astype(int))]
    effort = replace(test.effort, candidates=test.effort.candidates + 1)
    found = share_found(Neighbors(vectors, dead, index, effort), own, live, None)
    assert test.recall >= 1 - 0.1 / 1.5
    assert found == pytest.approx(test.recall, abs=0.03)


@pytest.mark.parametrize("kept", [100, 160])
def test_few_live_rows_are_scored_as_few_allowed_ones_are(kind, kept, monkeypatch):
    """The plan follows from how many rows count, not from why; only those are read."""
    monkeypatch.setattr(search, "_FEWEST_EXACT", 150)
    vectors = clustered(3000, kind[0])
    live = np.arange(0, 3000, 3000 // kept)[:kept]
    searcher = Neighbors(vectors, np.setdiff1d(np.arange(3000), live), FaissIndex.build(vectors), Effort(40, 64))
    (rows, scores), plan = searcher.explain(vectors[7], 10)
    assert (plan.kind, plan.allowed, plan.proposed) == ("exact", kept, 0)
    assert rows.tolist() == plain(vectors, vectors[7], 10, live).tolist()
    assert scores.tolist() == pytest.approx((vectors[rows] @ vectors[7]).tolist(), abs=1e-6)
    assert searcher.search_many(vectors[7:8], 10)[0][0].tolist() == rows.tolist()


@pytest.mark.parametrize("kept", [1500, 600])
def test_nothing_is_learned_from_deleted_rows(kind, kept):
    """They may hold anything: a damaged vector is a dead row once its passage is embedded anew."""
    vectors = clustered(3000, kind[0])
    dead = np.delete(np.arange(3000), np.arange(0, 3000, 3000 // kept))
    vectors[dead] = np.nan
    index = FaissIndex.build(vectors, None, dead)
    test = self_test(index, vectors, 0.9, dead)
    live = np.delete(np.arange(3000), dead)
    assert test.recall >= 0.9
    assert share_found(Neighbors(vectors, dead, index, test.effort), live[::7], live, None) > 0.9


def test_a_recall_out_of_reach_gives_the_best_that_was_tried(monkeypatch):
    """Where no effort reaches the recall wanted, the result says what was reached."""
    monkeypatch.setattr(recipes, "FLAT_VALUES", 500)
    monkeypatch.setattr(tuning, "_CANDIDATES", (10, 12))
    vectors = unit(np.random.default_rng(0).standard_normal((2000, 64)))  # no structure: 4 bits say little
    test = self_test(FaissIndex.build(vectors), vectors, 1.0)
    assert test.effort.candidates == 12
    assert 0 < test.recall < 1


def test_equal_vectors_do_not_count_against_an_index(monkeypatch):
    """Of twenty rows with the same vector any ten are its neighbours."""
    monkeypatch.setattr(recipes, "FLAT_VALUES", 500)
    vectors = np.repeat(clustered(100, 32), 20, axis=0)
    assert self_test(FaissIndex.build(vectors), vectors, 0.99).recall == 1


def test_flat_indexes_need_no_test():
    """A flat index finds everything; nothing is sampled."""
    vectors = clustered(300, 8)
    test = self_test(FaissIndex.build(vectors), vectors, 0.99)
    assert (test.recall, test.sampled) == (1.0, 0)


def test_a_filter_never_returns_fewer_hits_than_exist(kind):
    """Where allowed rows are what an index proposes last, all of them are found in the right order nevertheless."""
    vectors = clustered(3000, kind[0])
    searcher = Neighbors(vectors, None, FaissIndex.build(vectors), Effort(40, 2))
    query = vectors[0]
    farthest = np.sort(np.argsort(vectors @ query)[:1200])
    (rows, _), plan = searcher.explain(query, 10, farthest)
    assert rows.tolist() == plain(vectors, query, 10, farthest).tolist()
    assert (plan.allowed, plan.kind) == (1200, "exact")
    assert plan.proposed > 0  # the index was asked first
    assert searcher.search_many(query[None], 10, farthest)[0][0].tolist() == rows.tolist()


def test_few_allowed_rows_are_scored_and_the_index_is_not_asked(kind):
    """The plan for a condition that allows few rows is exact; for one that allows many it asks the index for more."""
    vectors = clustered(3000, kind[0])
    searcher = Neighbors(vectors, None, FaissIndex.build(vectors), Effort(40, 64))
    few = np.arange(0, 3000, 150)
    (rows, _), plan = searcher.explain(vectors[7], 5, few)
    assert (plan.kind, plan.allowed, plan.scored, plan.proposed) == ("exact", 20, 20, 0)
    assert rows.tolist() == plain(vectors, vectors[7], 5, few).tolist()
    half = np.arange(0, 3000, 2)
    _, plan = searcher.explain(vectors[7], 5, half)
    assert (plan.kind, plan.allowed) == ("index", 1500)
    assert plan.proposed == 100  # for 40 candidates, every other row being allowed, and something to spare
    assert 32 <= plan.scored <= 100
    assert plan.to_dict()["seconds"] >= plan.to_dict()["propose_seconds"] > 0


@pytest.mark.parametrize(("k", "proposed"), [(1, 80), (10, 80), (11, 84), (20, 120), (100, 440)])
def test_more_hits_take_more_candidates(kind, k, proposed):
    """The effort is measured for ten hits; each one more has candidates of its own, the eleventh too."""
    vectors = clustered(3000, kind[0])
    searcher = Neighbors(vectors, None, FaissIndex.build(vectors), Effort(80, 64))
    (rows, _), plan = searcher.explain(vectors[7], k)
    assert (len(rows), plan.kind, plan.proposed) == (k, "index", proposed)


def test_more_is_proposed_when_too_few_of_the_proposed_are_allowed(kind):
    """Deleted rows that lie nearest to the query do not leave a search without answers."""
    vectors = clustered(3000, kind[0])
    query = vectors[0]
    order = np.argsort(-(vectors @ query))
    dead = np.sort(order[:140])
    searcher = Neighbors(vectors, dead, FaissIndex.build(vectors), Effort(40, 128))
    (rows, _), plan = searcher.explain(query, 10)
    assert plan.kind == "index"
    assert plan.proposed > 160
    assert len(set(rows) - set(dead)) == 10


def test_more_is_proposed_until_there_is_a_choice(kind):
    """Where one of four of the nearest rows is left, the first ten are not taken for the best: 32 must compete."""
    vectors = clustered(3000, kind[0])
    order = np.argsort(-(vectors @ vectors[0]))
    dead = np.setdiff1d(order[:160], order[:160:4])
    searcher = Neighbors(vectors, dead, FaissIndex.build(vectors), Effort(40, 128))
    (rows, _), plan = searcher.explain(vectors[0], 10)
    assert (plan.kind, len(rows)) == ("index", 10)
    assert plan.scored >= 32


def test_few_allowed_rows_are_read_once_for_several_questions_among_them(monkeypatch):
    vectors = clustered(200, 8)
    neighbors, one, other = Neighbors(vectors), np.arange(0, 200, 7), np.arange(3, 200, 7)
    read = []
    gather = search.gather
    monkeypatch.setattr(search, "gather", lambda array, rows: read.append(rows) or gather(array, rows))
    for rows, query in ((one, 0), (one, 1), (other, 2), (one, 3), (one.copy(), 4)):
        found, scores = neighbors.search(vectors[query], 5, rows)
        assert found.tolist() == plain(vectors, vectors[query], 5, rows).tolist()
        assert scores == pytest.approx(vectors[found] @ vectors[query], abs=1e-6)
    assert [rows.tolist() for rows in read] == [rows.tolist() for rows in (one, other, one)]


def test_rows_that_the_caller_changes_are_read_again():
    vectors = clustered(200, 8)
    neighbors, rows = Neighbors(vectors), np.arange(0, 20)
    assert neighbors.search(vectors[0], 1, rows)[0].tolist() == [0]
    rows += 100
    assert neighbors.search(vectors[100], 1, rows)[0].tolist() == [100]


def test_as_many_as_exist_can_be_asked_for(kind):
    """All rows in order come when k is larger than the index, as large as it may be; deleted ones stay away."""
    vectors = clustered(1500, kind[0])
    dead = np.arange(0, 1500, 7)
    searcher = Neighbors(vectors, dead, FaissIndex.build(vectors))
    live = np.setdiff1d(np.arange(1500), dead)
    for k in (5000, 10**400):
        rows, scores = searcher.search(vectors[3], k)
        assert rows.tolist() == plain(vectors, vectors[3], 5000, live).tolist()
        assert np.isfinite(scores).all()


def test_rows_newer_than_the_file_are_found_at_once(kind):
    """A row that was added after the index was built is compared exactly and merged; a deleted one is not."""
    vectors = clustered(3000, kind[0])
    searcher = Neighbors(vectors, np.array([2900]), FaissIndex.build(vectors[:2800]), Effort(80, 64))
    assert searcher.indexed == 2800
    (rows, scores), plan = searcher.explain(vectors[2901], 1)
    assert rows.tolist() == [2901]
    assert scores[0] == pytest.approx(1)
    assert (plan.kind, plan.newer) == ("index", 199)
    assert 2900 not in searcher.search(vectors[2900], 20)[0]
    assert searcher.search(vectors[2901], 1, np.arange(100, 2999))[0].tolist() == [2901]
    assert searcher.search(vectors[2901], 5, np.arange(2901, 3000, 98))[0].tolist() == [2901, 2999]


def test_an_extended_index_covers_and_finds_the_new_rows(kind):
    """Rows taken in later are proposed like the others, without training anew."""
    vectors = clustered(3000, kind[0])
    index = FaissIndex.build(vectors[:2000])
    told = []
    index.extend(vectors, lambda done, total: told.append((done, total)))
    assert len(index) == 3000
    assert told[-1] == (3000, 3000)
    searcher = Neighbors(vectors, None, index, Effort(80, 64))
    found = [searcher.search(vectors[row], 1)[0][0] for row in range(2000, 3000, 50)]
    assert found == list(range(2000, 3000, 50))


def test_a_written_index_is_read_as_it_was(tmp_path, kind):
    """What `read` gives proposes what the written index proposed."""
    vectors = clustered(2000, kind[0])
    index = FaissIndex.build(vectors)
    index.write(tmp_path / "n.faiss")
    assert [file.name for file in tmp_path.iterdir()] == ["n.faiss"]
    again = FaissIndex.read(tmp_path / "n.faiss", kind[0], 2000, index.kind)
    assert (again.kind, len(again), again.lists) == (index.kind, 2000, index.lists)
    assert (
        again.propose(vectors[:5], 20, np.full(5, 4)).tolist() == index.propose(vectors[:5], 20, np.full(5, 4)).tolist()
    )
    assert complaint(tmp_path / "n.faiss", kind[0], 2000) == ""
    assert complaint(tmp_path / "n.faiss", kind[0], 2001) == (
        f"covers 2,000 rows of {kind[0]} dimensions, where 2,001 of {kind[0]} are recorded"
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(1, 8), st.integers(0, 2**16), st.integers(1, 12))
def test_the_kth_scores_are_those_of_a_full_sort(rows, dimension, seed, k):
    """The truth of the self-test, worked out block by block, is what sorting all scores of the other rows gives."""
    from embedsearch.neighbors.exact import kth_scores

    vectors = unit(np.random.default_rng(seed).integers(-3, 4, (rows + k, dimension)) + 0.1)
    own = np.arange(0, rows + k, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("embedsearch.neighbors.exact.block_rows", lambda _: 7)
        found = kth_scores(vectors, own, k, np.ones(len(vectors), dtype=bool))
    wanted = [np.sort(np.delete(vectors @ vectors[row], row))[-k] for row in own]
    assert found.tolist() == pytest.approx(wanted, abs=1e-6)


def test_equal_rows_have_equal_scores_and_come_in_their_order():
    """Of a thousand equal rows the first k come, by ascending number: a matrix product alone would mix them."""
    random = np.random.default_rng(3)
    row = unit(random.standard_normal(384))
    vectors = np.vstack([unit(random.standard_normal((500, 384))), np.tile(row, (1000, 1))])
    rows, scores = nearest_exact(vectors, row, 7)
    assert rows.tolist() == list(range(500, 507))
    assert len(set(scores.tolist())) == 1


def test_damaged_vectors_are_named_and_not_passed_over():
    """A value that is no number compares with nothing; the answer would lack hits without a word."""
    vectors = clustered(50, 8)
    vectors[7, 3] = np.nan
    for search_for in (Neighbors(vectors).search, lambda query, k: Neighbors(vectors).search_many(query, k)):
        with pytest.raises(StoreError, match="the file is damaged"):
            search_for(vectors[0], 3)


def test_many_exact_queries_do_not_need_all_scores_at_once(monkeypatch):
    """Queries are taken in parts when their scores would fill the memory; the answers are the same."""
    vectors, queries = clustered(500, 6), clustered(20, 6, seed=2)
    monkeypatch.setattr("embedsearch.neighbors.exact._SCORES_AT_ONCE", 1500)
    answers = nearest_exact_many(vectors, queries, 4, None, np.array([3, 4]))
    live = np.setdiff1d(np.arange(500), [3, 4])
    assert [rows.tolist() for rows, _ in answers] == [plain(vectors, query, 4, live).tolist() for query in queries]


@pytest.mark.parametrize("content", [b"", b"garbage that is no index", b"IxFI" + b"\xff" * 64])
def test_a_damaged_file_is_set_aside(tmp_path, content, caplog):
    """A file that faiss cannot read is set aside with a warning, and named by the check."""
    (tmp_path / "n.faiss").write_bytes(content)
    with caplog.at_level(logging.WARNING, "embedsearch"):
        assert FaissIndex.read(tmp_path / "n.faiss", 2, 2) is None
    assert "every row is compared instead" in caplog.text
    assert "cannot be read" in complaint(tmp_path / "n.faiss", 2, 2)


def test_a_file_of_other_vectors_is_set_aside(tmp_path, caplog):
    """A file with another dimension, or with more rows than there are, is not used."""
    FaissIndex.build(unit(np.eye(5))).write(tmp_path / "n.faiss")
    assert FaissIndex.read(tmp_path / "n.faiss", 3, 5) is None
    assert FaissIndex.read(tmp_path / "n.faiss", 5, 2) is None
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
    for ask in (Neighbors(unit(np.eye(2))).search, Neighbors(unit(np.eye(2))).search_many):
        with pytest.raises(QueryError, match=message):
            ask(query, k)


def test_no_rows_give_no_hits():
    """An empty set of allowed rows gives empty arrays, with and without an index; so does an empty index."""
    vectors = unit(np.eye(3))
    nobody = np.empty(0, dtype=np.int64)
    for searcher in (Neighbors(vectors, None, FaissIndex.build(vectors)), Neighbors(vectors)):
        rows, scores = searcher.search([1, 0, 0], 3, nobody)
        assert (len(rows), len(scores)) == (0, 0)
    assert len(Neighbors(vectors[:0]).search([1, 0, 0], 3)[0]) == 0
    assert len(Neighbors(vectors, np.arange(3)).search([1, 0, 0], 3)[0]) == 0


def test_a_folder_that_cannot_be_written_keeps_the_old_file(tmp_path):
    """Writing goes beside the file and is moved into place, so that a failure leaves what was there."""
    file = tmp_path / "n.faiss"
    FaissIndex.build(unit(np.eye(3))).write(file)
    before = file.read_bytes()
    (tmp_path / "n.faiss.new").mkdir()
    with pytest.raises(StoreError, match="documents are safe"):
        FaissIndex.build(unit(np.eye(4))).write(file)
    assert file.read_bytes() == before


def test_a_file_that_is_gone_or_cannot_be_opened_is_not_used(tmp_path, caplog):
    """A file that a later one has replaced is passed over without a word; what cannot be opened is told of."""
    (tmp_path / "n.faiss").mkdir()
    assert FaissIndex.read(tmp_path / "gone.faiss", 2, 2) is None
    assert caplog.text == ""
    assert FaissIndex.read(tmp_path / "n.faiss", 2, 2) is None
    assert "n.faiss cannot be read (IsADirectoryError); every row is compared instead" in caplog.text
    assert complaint(tmp_path / "n.faiss", 2, 2) == "cannot be read (IsADirectoryError)"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_an_index_that_a_full_disk_cuts_short_is_not_kept(tmp_path):
    """Where the disk is full, writing says so and leaves nothing."""
    (tmp_path / "n.faiss.new").symlink_to("/dev/full")
    with pytest.raises(StoreError, match="documents are safe"):
        FaissIndex.build(unit(np.eye(300))).write(tmp_path / "n.faiss")
    assert list(tmp_path.iterdir()) == []
