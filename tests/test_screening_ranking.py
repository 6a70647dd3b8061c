"""The ranker, the choice of the next record and whole simulations, on records whose answer is known."""

import time
from dataclasses import replace

import numpy as np
import pytest

import embedsearch as es
from embedsearch.screening import (
    CHOICES,
    Features,
    History,
    Ranker,
    RankerSettings,
    SimulationSettings,
    StoppingRule,
    choose,
    order,
    simulate,
    summarise,
)
from embedsearch.screening.boundary import Taught, boundary, left_out
from embedsearch.testing import TableEncoder
from embedsearch.vectors import unit

WORDS = ["nets", "tides", "boats", "ropes", "shoals", "harbours", "gulls", "weather"]


def pile(count: int = 120, relevant: int = 20, *, words: bool = True, meaning: bool = True, seed: int = 0):
    """Return features and labels of records whose words, or vectors, or neither, tell relevant ones apart."""
    draws = np.random.default_rng(seed)
    labels = draws.permutation(np.arange(count) < relevant)
    texts = [
        " ".join(draws.choice(WORDS, 6)) + (" spiders ambush" if label else " sail home") if words else "a text"
        for label in labels
    ]
    vectors = draws.standard_normal((count, 16)) + (labels & meaning)[:, None] * np.eye(16)[0] * 8
    return Features.of(texts, unit(vectors)), labels


def known(labels: np.ndarray, read: int, seed: int = 1) -> np.ndarray:
    """Return labels of *read* records, one relevant one at least among them, NaN for the others."""
    rows = np.random.default_rng(seed).permutation(len(labels))[: read - 1]
    given = np.full(len(labels), np.nan)
    for row in (*rows, np.flatnonzero(labels)[0]):
        given[row] = labels[row]
    return given


def precision(scores: np.ndarray, labels: np.ndarray, given: np.ndarray) -> float:
    """Return the share of relevant records among as many of the best unread as there are relevant ones unread."""
    unread = np.isnan(given)
    best = order(scores, given)[: int(labels[unread].sum())]
    return float(labels[best].mean())


@pytest.mark.parametrize(("words", "meaning"), [(True, True), (True, False), (False, True)])
def test_either_view_is_enough(words, meaning):
    """Where words or vectors tell the records apart, the relevant ones come first after 30 labels."""
    features, labels = pile(words=words, meaning=meaning)
    given = known(labels, 30)
    assert precision(Ranker(features).scores(given), labels, given) >= 0.85


def test_titles_are_looked_at_by_themselves():
    """The first line is the title: one word in it says more than the same word among many."""
    texts = ["spiders\n" + " ".join(WORDS), "nets\n" + " ".join([*WORDS, "spiders"]), "boats\ntides"]
    features = Features.of(texts, np.eye(3))
    assert [features.titles[row].nnz for row in range(3)] == [1, 1, 1]
    assert (features.titles[0] @ features.titles[1].T).toarray()[0, 0] == 0
    assert features.lexical.shape[1] > features.titles.shape[1] == 3


def test_axes_are_heard():
    """A coordinate that tells the records apart puts them first where words and vectors say nothing."""
    features, labels = pile(words=False, meaning=False)
    given = known(labels, 40)
    chance = precision(Ranker(features).scores(given), labels, given)
    coordinates = np.column_stack((labels * 30.0 + np.random.default_rng(2).normal(size=len(labels)),))
    on_axis = replace(features, coordinates=coordinates)
    assert precision(Ranker(on_axis).scores(given), labels, given) > max(0.7, chance)


@pytest.mark.parametrize("axes", [0, 2])
def test_meaning_is_a_matrix_that_is_never_made(axes):
    """Its rows, and its products with a column, are those of the vectors about their mean, in float64."""
    draws = np.random.default_rng(0)
    vectors = unit(draws.standard_normal((50, 4)))
    coordinates = draws.standard_normal((50, axes)) * 7 + 3
    features = Features.of(["a text"] * 50, vectors, coordinates=coordinates if axes else None)
    meaning = Ranker(features)._meaning
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    wanted = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    wanted = np.hstack([wanted, 0.1 * (coordinates - coordinates.mean(axis=0)) / coordinates.std(axis=0)])
    rows, column = np.array([3, 0, 3, 49]), draws.standard_normal(4 + axes)
    np.testing.assert_allclose(meaning[rows], wanted[rows], atol=1e-12)
    np.testing.assert_allclose(meaning @ column, wanted @ column, atol=1e-12)


def test_a_prior_ranks_before_the_first_label_and_fades():
    """Without labels the order is the prior's; a prior that is wrong is overruled by labels."""
    features, labels = pile()
    nothing = np.full(len(labels), np.nan)
    prior = np.arange(len(labels), dtype=float)
    assert order(Ranker(features, prior=prior).scores(nothing), nothing).tolist() == list(range(len(labels)))[::-1]
    given = known(labels, 60)
    assert precision(Ranker(features, prior=-1.0 * labels).scores(given), labels, given) > 0.8


def test_where_nothing_is_known_all_scores_are_equal():
    """No label, or none that is relevant, and no prior: nothing is likelier than anything else."""
    features, labels = pile()
    given = np.full(len(labels), np.nan)
    assert len(set(Ranker(features).scores(given))) == 1
    given[~labels] = 0
    assert len(set(Ranker(features).scores(given))) == 1


def test_one_relevant_example_is_enough_to_begin():
    """A single example ranks: records not read stand in for those that are not relevant."""
    features, labels = pile()
    given = np.full(len(labels), np.nan)
    given[np.flatnonzero(labels)[0]] = 1
    assert precision(Ranker(features).scores(given), labels, given) > 0.8


def test_grades_count_in_shares():
    """A record labelled .9 pulls as a relevant one, .1 hardly; both 1 and .9 rank above the rest."""
    features, labels = pile()
    scores = []
    for grade in (1.0, 0.9, 0.1):
        given = np.where(np.arange(len(labels)) < 40, labels * grade, np.nan)
        scores.append(Ranker(features).scores(given))
    assert precision(scores[1], labels, np.where(np.arange(len(labels)) < 40, 0, np.nan)) > 0.8
    assert np.corrcoef(scores[0], scores[1])[0, 1] > np.corrcoef(scores[0], scores[2])[0, 1]


def test_half_lies_between_what_is_known():
    """Relevant records read score above .5 on average, the others below."""
    features, labels = pile()
    given = known(labels, 60)
    scores = Ranker(features).scores(given)
    assert scores[given == 1].mean() > 0.5 > scores[given == 0].mean()
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("seed", range(4))
def test_scores_say_something_from_the_second_label_on(seed):
    """No score of a record not read is next to 0 or 1 while little is known, and none leaps as labels come."""
    features, labels = pile(seed=seed)
    given = np.full(len(labels), np.nan)
    given[np.flatnonzero(labels)[0]], given[np.flatnonzero(~labels)[0]] = 1, 0
    ranker, middles = Ranker(features, seed=seed), []
    for read in range(2, 40):
        scores = ranker.scores(given)
        unread = np.isnan(given)
        if labels[unread].any():
            assert scores[unread].max() > 0.5, read
            assert np.median(scores[unread]) > 0.001, read
            middles.append(np.median(scores[unread]))
        row = order(scores, given)[0] if read % 2 else np.flatnonzero(unread)[0]
        given[row] = labels[row]
    assert np.abs(np.diff(middles)).max() < 0.25


def mixed_pile(seed: int, count: int = 400):
    """Return features and labels of records that words and vectors tell apart, not quite: a quarter is relevant.

    Each has words of its own as well, by which a ranker knows again what it has learned from.
    """
    draws = np.random.default_rng(seed)
    labels = draws.permutation(np.arange(count) < count // 4)
    likely = np.geomspace(1, 4, len(WORDS)) / np.geomspace(1, 4, len(WORDS)).sum()
    texts = [
        " ".join(
            [
                *draws.choice(WORDS, 12, p=likely if label else likely[::-1]),
                *(f"word{n}" for n in draws.integers(0, 2000, 20)),
            ]
        )
        for label in labels
    ]
    vectors = draws.standard_normal((count, 64)) + labels[:, None] * np.eye(64)[0] * 4
    return Features.of(texts, unit(vectors)), labels


def test_half_lies_where_records_not_read_meet():
    """Of unread records near .5 some are relevant and some are not; above it nearly all are, below it few."""
    found = []
    for seed in range(4):
        features, labels = mixed_pile(seed)
        given = known(labels, 100, seed)
        unread = np.isnan(given)
        found.append((Ranker(features, seed=seed).scores(given)[unread], labels[unread]))
        assert found[-1][0].sum() == pytest.approx(found[-1][1].sum(), rel=0.25)
    scores, relevant = np.concatenate([one[0] for one in found]), np.concatenate([one[1] for one in found])
    near = np.abs(scores - 0.5) < 0.2
    assert near.sum() > 40
    assert 0.3 < relevant[near].mean() < 0.75
    assert relevant[scores > 0.5].mean() > 0.8
    assert relevant[scores < 0.5].mean() < 0.1


@pytest.mark.parametrize("by", ["likely", "uncertain"])
def test_uncertain_takes_from_both_sides_and_not_what_likely_takes(by):
    """From the second label to the sixtieth, however these were chosen."""
    features, labels = mixed_pile(2)
    given = np.full(len(labels), np.nan)
    given[np.flatnonzero(labels)[0]], given[np.flatnonzero(~labels)[0]] = 1, 0
    ranker = Ranker(features)
    for read in (1, 1, 1, 1, 1, 2, 3, 5, 5, 5, 10, 10, 13, 0):
        scores = ranker.scores(given)
        uncertain, likely = (choose(scores, given, by=way, count=20)[0] for way in ("uncertain", "likely"))
        assert uncertain[0] != likely[0]
        assert 0 < (scores[uncertain] > 0.5).sum() < 20
        rows = choose(scores, given, by=by, count=read)[0] if read else []
        given[rows] = labels[rows]
    assert (~np.isnan(given)).sum() == 60


@pytest.mark.parametrize("prior", [False, True])
def test_scores_keep_the_order_of_the_values(prior):
    """Whatever was read, graded or not, and be it all there is: the curve from values to scores rises."""
    features, labels = pile(300)
    known_before = np.random.default_rng(3).standard_normal(300) if prior else None
    ranker, everything = Ranker(features, prior=known_before), np.full(300, np.nan)
    for read in (1, 2, 3, 10, 100, 301):
        for grade in (1.0, 0.7):
            given = known(labels, read) * grade
            values = ranker.values(given)
            assert order(ranker.scores(given), everything).tolist() == order(values, everything).tolist()
    assert not np.isnan(given).any()


def test_what_a_prior_puts_first_and_is_not_relevant_lowers_the_rest():
    """Twenty read in vain say more of the others if they were the most likely ones than if they were the least."""
    features, labels = pile()
    ranker, middles = Ranker(features, prior=np.arange(len(labels))), []
    for read in (slice(20), slice(-20, None)):
        given = np.full(len(labels), np.nan)
        given[read] = 0
        middles.append(ranker.scores(given)[60])
    assert middles[1] < middles[0] / 3


def test_some_of_the_records_read_stand_for_all_of_them(monkeypatch):
    """Where .5 lies follows from a few of either kind, which count for all; a relevant one if there are others.

    Else the tenth that is looked at of many irrelevant records would make all others ten times as likely.
    """
    monkeypatch.setattr("embedsearch.screening.ranking._MOST_JUDGED", 15)
    features, labels = pile(relevant=40)
    given = known(labels, 100)
    read = [(given == kind).sum() for kind in (1, 0)]
    rows, weights = Ranker(features)._judged(given)
    parts = [weights[given[rows] == kind] for kind in (1, 0)]
    assert list(map(len, parts)) == [15, 15]
    assert list(map(sum, parts)) == pytest.approx([read[0] - 1, read[1]])  # each relevant one by how the others find it
    assert Ranker(features)._judged(known(labels, 1))[1].tolist() == [0]


def test_scores_of_labels_that_contradict_the_ranking_still_rise():
    """The curve is never turned round, and values far out are told apart."""
    fitted = boundary(np.arange(40.0), (np.arange(40) < 20) * 1.0, np.ones(40))
    assert 0.3 <= fitted.slope < 1
    scores = fitted.scores(np.array([-500.0, -50, 0, 50, 60, 500]))
    assert (np.diff(scores) > 0).all()
    assert 0 < scores[0] < scores[-1] < 1


@pytest.mark.parametrize("graded", [False, True])
def test_a_value_without_its_label_is_what_the_rest_teaches(graded):
    """It is what a machine gives, in its own deviations, that was taught all but this record."""
    from sklearn.svm import LinearSVC

    draws = np.random.default_rng(0)
    rows, others = draws.standard_normal((40, 8)), draws.standard_normal((60, 8))
    relevant = rows[:, 0] + draws.normal(size=40) > 0.5
    places = np.arange(40)
    if graded:  # the last two rows are one record, which counts as both
        rows[39], relevant[38:], places[39] = rows[38], (True, False), 38
    costs = draws.uniform(0.05, 0.5, 40)

    def learned(kept: np.ndarray) -> LinearSVC:
        model = LinearSVC(C=1, tol=1e-8, max_iter=100_000)
        return model.fit(rows[kept], relevant[kept], sample_weight=costs[kept])

    model = learned(np.ones(40, dtype=bool))
    taught = Taught(rows, model.decision_function(rows), relevant, costs, places)
    found = left_out(taught, others, model.decision_function(others))
    wanted = []
    for place in range(len(found)):
        rest = learned(places != place)
        elsewhere = rest.decision_function(others)
        wanted.append((rest.decision_function(rows[[place]])[0] - elsewhere.mean()) / elsewhere.std())
    assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.05
    if graded:
        assert found[38] == pytest.approx(wanted[38], abs=1e-3)


def test_the_same_seed_gives_the_same_scores():
    """To the last bit; another seed takes other background records."""
    features, labels = pile(300)
    given = known(labels, 20)
    settings = RankerSettings(background=20)
    first, again, other = (Ranker(features, settings=settings, seed=seed).scores(given) for seed in (4, 4, 5))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0.5], r"labels of shape \(1,\) for 120 records"),
        ([2.0] * 120, "a label is 2; wanted 0"),
        ([-1.0] * 120, "is -1"),
    ],
)
def test_labels_that_are_none_are_refused(labels, message):
    """One line says what was seen and wanted."""
    with pytest.raises(es.QueryError, match=message):
        Ranker(pile()[0]).scores(labels)


def test_features_that_do_not_fit_are_refused():
    """Texts, vectors, coordinates and a prior belong to the same records."""
    with pytest.raises(es.QueryError, match="2 texts and 1 vectors"):
        Features.of(["a", "b"], [[1.0, 0.0]])
    with pytest.raises(es.QueryError, match="there are 0 texts"):
        Features.of([], np.empty((0, 3)))
    with pytest.raises(es.QueryError, match="coordinates must be finite"):
        Features.of(["a"], [[1.0, 0.0]], coordinates=[[np.nan]])
    with pytest.raises(es.QueryError, match="a prior must be finite"):
        Ranker(pile()[0], prior=[1.0])


def test_100_000_identical_records_are_ranked():
    """Without a word or a direction that tells them apart nothing breaks, and it does not take long."""
    count = 100_000
    started = time.process_time()
    features = Features.of(["the same record"] * count, np.tile([[0.6, 0.8]], (count, 1)))
    given = np.full(count, np.nan)
    given[:10], given[10:20] = 1, 0
    scores = Ranker(features).scores(given)
    assert np.isfinite(scores).all()
    assert np.ptp(scores) < 1e-6
    assert time.process_time() - started < 60


# -- choosing -----------------------------------------------------------------------------------------------

SCORES = np.array([0.9, 0.1, 0.5, 0.7, 0.7, 0.2])
READ = np.array([1.0, np.nan, np.nan, np.nan, np.nan, 0.0])


def test_likely_takes_the_highest_and_uncertain_the_nearest_to_half():
    """Records that were read are left out; how many are asked for may be more than are left."""
    rows, random = choose(SCORES, READ, by="likely", count=99)
    assert sorted(rows[:2].tolist()) == [3, 4]
    assert rows[2:].tolist() == [2, 1]
    assert not random
    assert choose(SCORES, READ, by="uncertain")[0].tolist() == [2]


def test_random_draws_each_as_likely():
    """Over many seeds each of the four unread records comes first in about a quarter of draws."""
    first = [int(choose(SCORES, READ, by="random", seed=seed)[0][0]) for seed in range(400)]
    counts = [first.count(row) for row in (1, 2, 3, 4)]
    assert sum(counts) == 400
    assert min(counts) > 70  # 100 expected, deviation 8.7


def test_mixed_draws_one_in_twenty_at_random():
    """And says which."""
    drawn = sum(choose(SCORES, READ, by="mixed", seed=seed)[1] for seed in range(2_000))
    assert 60 < drawn < 140  # 100 expected, deviation 9.7


def test_ties_are_broken_by_the_seed():
    """The same seed gives the same order of equal scores, another one another."""
    scores, unread = np.zeros(50), np.full(50, np.nan)
    first, again, other = (order(scores, unread, seed=seed).tolist() for seed in (1, 1, 2))
    assert first == again != other
    assert sorted(first) == list(range(50))


def test_an_unknown_way_to_choose_is_refused():
    """With the way that was likely meant."""
    with pytest.raises(es.QueryError, match="Did you mean 'random'"):
        choose(SCORES, READ, by="rndom")
    assert CHOICES == ("likely", "uncertain", "random", "mixed")


# -- simulation ---------------------------------------------------------------------------------------------


def test_a_replay_reads_every_record_once_from_its_priors():
    """The priors, of either kind as many as asked for, then all others; the labels are those of the rows."""
    features, labels = pile(80, 10)
    found = simulate(features, labels, settings=SimulationSettings(repeats=2, relevant_priors=6, other_priors=2))
    for replay in found.replays:
        assert sorted(replay.order.tolist()) == list(range(80))
        assert (labels[replay.order] == replay.relevant).all()
        assert replay.relevant[:8].tolist() == [True] * 6 + [False] * 2
        assert len(replay.found) == 72
    assert found.replays[0].order[:8].tolist() != found.replays[1].order[:8].tolist()


def test_a_seed_repeats_a_simulation_exactly():
    """Orders, stops and summaries are equal; another seed starts from other priors."""
    features, labels = pile(60, 10)
    ids = [str(row) for row in range(60)]
    summaries = [
        summarise(simulate(features, labels, settings=SimulationSettings(repeats=2, seed=seed, by="mixed")), ids)
        for seed in (3, 3, 4)
    ]
    assert summaries[0] == summaries[1] != summaries[2]


def test_easy_records_are_found_at_once_and_the_stop_is_counted():
    """Where words and vectors agree, all is found early: the figures follow from the order."""
    features, labels = pile(100, 10)
    simulation = simulate(features, labels, settings=SimulationSettings(repeats=3))
    found = summarise(simulation, [f"r{row}" for row in range(100)])
    assert found["wss100"]["mean"] > 0.7
    assert found["recall10"]["mean"] > 0.8
    assert found["stop"]["met"]["mean"] == 1.0
    assert found["stop"]["recall"]["mean"] == 1.0
    assert found["stop"]["records_read"] == [replay.stop for replay in simulation.replays]
    assert found["curve"]["read"][10] == 0.1
    assert found["curve"]["mean"][-1] == 1.0
    # 98 records without priors: their tenth are 9, so that the curve at .1 is the recall after 9.
    assert found["curve"]["mean"][10] == found["recall10"]["mean"]
    times = [entry["mean"] for entry in found["time_to_discovery"]]
    assert times == sorted(times, reverse=True)
    assert {entry["id"] for entry in found["time_to_discovery"]} <= {f"r{row}" for row in np.flatnonzero(labels)}


def test_the_stop_is_what_asking_after_every_record_gives():
    """The place in a replay is the first at which the rule is met."""
    features, labels = pile(60, 12)
    rule = StoppingRule(0.8, 0.8)
    (replay,) = simulate(features, labels, settings=SimulationSettings(repeats=1, rule=rule)).replays
    met = [rule.met(History(60, replay.relevant[:read], replay.random[:read])) for read in range(1, 61)]
    assert replay.stop == met.index(True) + 1


def test_random_order_is_random():
    """Records drawn at random are marked so, and are found half way on average."""
    features, labels = pile(60, 20)
    settings = SimulationSettings(repeats=3, by="random", rule=StoppingRule(method="audit"))
    found = simulate(features, labels, settings=settings)
    assert all(replay.random[2:].all() and not replay.random[:2].any() for replay in found.replays)
    assert summarise(found, ["x"] * 60)["atd"]["mean"] == pytest.approx(0.5, abs=0.12)


def test_progress_counts_every_record():
    """It ends at the number of records in all repeats."""
    features, labels = pile(40, 5)
    told: list[tuple[int, int]] = []
    simulate(features, labels, settings=SimulationSettings(repeats=2), progress=lambda *at: told.append(at))
    assert told[-1] == (80, 80)
    assert [read for read, _ in told] == sorted(read for read, _ in told)


@pytest.mark.parametrize(
    ("relevant", "settings", "message"),
    [
        (1, {}, "1 of 40 records is relevant; wanted at least 2 relevant and 1 other records"),
        (40, {}, "40 of 40 records are relevant"),
        (40, {"other_priors": 0}, "40 of 40 records are relevant; wanted at least 2 relevant and 1 other records"),
        (5, {"rule": StoppingRule(method="audit")}, "none is drawn at random"),
    ],
)
def test_sets_that_cannot_be_replayed_are_refused(relevant, settings, message):
    """One line says what is missing."""
    features, labels = pile(40, relevant)
    with pytest.raises(es.QueryError, match=message):
        simulate(features, labels, settings=SimulationSettings(**settings))


def test_settings_that_make_no_sense_are_refused():
    """No repeat, no record between trainings."""
    with pytest.raises(es.QueryError, match="repeats must be at least 1, not 0"):
        SimulationSettings(repeats=0)
    with pytest.raises(es.QueryError, match="retrain every must be at least 1, not 0"):
        SimulationSettings(retrain_every=0)


def test_document_vectors_are_unit_means_in_the_order_asked_for(tmp_path):
    """A document of two passages lies between them; ids may repeat; an unknown one is named."""
    encoder = TableEncoder({"a b": [1, 0, 0], "c d": [0, 1, 0], "e f": [0, 0, 1]}, max_tokens=2)
    documents = [es.Document("two", "a b. c d."), es.Document("one", "e f")]
    encoder.table |= {"a b.": [1, 0, 0], "c d.": [0, 1, 0]}
    with es.Index.create(tmp_path / "index", encoder, overlap=0) as index:
        index.add(documents)
        assert index.document_vectors(["one", "two", "one"]) == pytest.approx(
            np.array([[0, 0, 1], [0.5**0.5, 0.5**0.5, 0], [0, 0, 1]]), abs=1e-6
        )
        assert index.document_vectors([]).shape == (0, 3)
        with pytest.raises(es.QueryError, match="no document 'tow' in the index"):
            index.document_vectors(["tow"])
