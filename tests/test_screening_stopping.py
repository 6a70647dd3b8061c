"""What was missed: bounds against exact enumeration and scipy, and the promise of the rule, by simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import embedsearch as es
from embedsearch.screening import History, StoppingRule, audit_estimate, ranking_estimate
from embedsearch.screening.martingale import capital
from embedsearch.screening.simulation import stopping_place
from embedsearch.screening.tails import binomial_tail


def history(records: int, relevant: list[int], *, random: bool = False) -> History:
    """Return a history of labels, all drawn at random or none."""
    return History(records, np.array(relevant, dtype=bool), np.full(len(relevant), random))


def test_binomial_tail_against_enumeration():
    """The probability of at most one of three events is the sum over the outcomes with at most one."""
    rates = [0.1, 0.5, 0.7]
    wanted = sum(
        np.prod([rate if hit else 1 - rate for rate, hit in zip(rates, outcome, strict=True)])
        for outcome in itertools.product([0, 1], repeat=3)
        if sum(outcome) <= 1
    )
    assert binomial_tail(np.array(rates)[:, None], 1)[0] == pytest.approx(wanted)


def bets(relevant: list[bool], records: int, missed: int, bias: float) -> tuple[float, float]:
    """Return the capital of all bets together and of the best, each followed by itself; the definition, in a loop."""
    together, best = 0.0, 1.0
    for begin, rate in itertools.product(range(records), (0.02, 0.4)):
        won = 1.0
        for place in range(begin, len(relevant)):
            there, unread = missed + sum(relevant[place:]), records - place
            hit = bias * there / (bias * there + unread - there)
            won *= rate if relevant[place] else (1 - rate * hit) / (1 - hit)
        together += won * (records - begin) / (records * (records + 1))
        best = max(best, won)
    return together, best


@given(st.lists(st.booleans(), min_size=1, max_size=25), st.integers(1, 6), st.integers(7, 30), st.sampled_from([1, 3]))
@settings(max_examples=40)
def test_the_capital_is_that_of_each_bet(relevant, missed, unread, bias):
    """One pass over all bets gives what following each by itself does."""
    records = len(relevant) + unread
    there = np.cumsum(relevant[::-1])[::-1, None] + [[missed]]
    found = capital(np.array(relevant), records - np.arange(len(relevant)), there, bias)
    together, best = bets(relevant, records, missed, bias)
    assert np.exp(found.together) == pytest.approx([together])
    assert np.exp(found.best) == pytest.approx([best])


@pytest.mark.parametrize("favoured", [1, 2, 8])
def test_no_bet_is_won_on_average_where_the_supposition_holds(favoured):
    """Over all orders of 7 records, 2 relevant, capital is 1 on average after each, and less if they come earlier."""
    chances = dict.fromkeys(itertools.combinations(range(7), 2), 1.0)
    for places in chances:
        for place in range(7):
            there = sum(one >= place for one in places)
            hit = favoured * there / (favoured * there + 7 - place - there)
            chances[places] *= hit if place in places else 1 - hit
    assert sum(chances.values()) == pytest.approx(1)
    for read in range(1, 6):
        mean = 0.0
        for places, chance in chances.items():
            relevant = np.array([place in places for place in range(read)])
            there = np.array([[sum(one >= place for one in places)] for place in range(read)])
            mean += chance * float(np.exp(capital(relevant, 7 - np.arange(read), there, 1).together[0]))
        assert mean == pytest.approx(1) if favoured == 1 else mean < 1


def test_an_audit_by_hand():
    """50 of 100 records drawn, none relevant: 4 missed would go unseen with .059 > .05, 5 with .028.

    The probabilities are C(96, 50) / C(100, 50) and C(95, 50) / C(100, 50).
    """
    found = audit_estimate(history(100, [0] * 50, random=True))
    assert stats.hypergeom.cdf(0, 100, 4, 50) == pytest.approx(0.0587, abs=1e-4)
    assert stats.hypergeom.cdf(0, 100, 5, 50) == pytest.approx(0.0281, abs=1e-4)
    assert (found.found, found.missed, found.missed_at_most) == (0, 0, 4)


@given(st.integers(1, 60), st.data())
def test_the_bound_of_one_sample_is_the_hypergeometric_one_or_little_above(drawn, data):
    """Of scipy, for one sample and nothing else read: the same where nothing was hit, and never below."""
    hits, unread = data.draw(st.integers(0, min(drawn, 5))), data.draw(st.integers(0, 300))
    records, numbers = drawn + unread, np.arange(unread + 1)
    history = History(records, np.arange(drawn) < hits, np.ones(drawn, dtype=bool))
    tails = stats.hypergeom(records, numbers + hits, drawn).cdf(hits)
    least, most = (int(numbers[tails > 0.05 + rounding].max()) for rounding in (1e-9, -1e-9))
    found = audit_estimate(history).missed_at_most
    assert least <= found
    if not hits:
        assert found <= most


def test_an_audit_after_reading_by_rank():
    """Ten found by rank, then 50 of the 90 left drawn without a hit: 3 missed have a tail of .084, 4 of .036."""
    labels = np.array([True] * 10 + [False] * 50)
    found = audit_estimate(History(100, labels, np.arange(60) >= 10))
    assert found.missed_at_most == 3
    assert found.recall_at_least == pytest.approx(10 / 13)
    assert found.recall == 1.0
    assert found.method == "audit"
    assert "drawn at random" in found.assumption
    assert "Callaghan" in found.source


def test_what_the_ranking_is_supposed_to_do_is_said():
    """As likely, at the least, or so many times as likely."""
    read = history(100, [1, 0, 0])
    assert "was at least as likely to be read next as an" in ranking_estimate(read).assumption
    assert "was at least 2.5 times as likely to be read next" in ranking_estimate(read, bias=2.5).assumption


def test_without_random_draws_an_audit_knows_nothing():
    """No draw excludes nothing: all that is unread may be relevant."""
    assert audit_estimate(history(100, [1, 0, 0])).missed_at_most == 97


def test_the_ranking_by_hand():
    """One found, then 49 of 99 without a hit: the bets against 7 missed come to 18.7 together, against 8 to 34."""
    read = [True] + [False] * 49
    assert [round(bets(read, 100, missed, 1)[0], 1) for missed in (7, 8)] == [18.7, 34.0]
    found = ranking_estimate(history(100, [1] + [0] * 49), bias=1)
    assert found.missed_at_most == 7
    assert found.missed == 1  # the best bet against one comes to 1.95, against two to 3.8
    assert found.recall_at_least == pytest.approx(1 / 8)


def test_a_bias_makes_the_same_reading_say_more():
    """The better the ranking is taken to be, the fewer can have been missed."""
    read = history(1_000, [1] * 20 + [0] * 200)
    bounds = [ranking_estimate(read, bias=bias).missed_at_most for bias in (1, 2, 4)]
    assert bounds == sorted(bounds, reverse=True)
    assert len(set(bounds)) == 3


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 30), st.floats(0.5, 0.99))
@settings(max_examples=50)
def test_estimates_stay_within_what_is_unread(relevant, unread, confidence):
    """The bound is between the estimate and what is unread; more confidence never lowers it."""
    for random, make in ((True, audit_estimate), (False, ranking_estimate)):
        read = history(len(relevant) + unread, relevant, random=random)
        found = make(read, confidence=confidence)
        assert 0 <= found.missed <= found.missed_at_most <= unread
        assert 0 <= found.recall_at_least <= found.recall <= 1
        assert make(read, confidence=0.995).missed_at_most >= found.missed_at_most


@given(st.lists(st.booleans(), min_size=1, max_size=40).filter(any), st.sampled_from(["audit", "ranking"]))
@settings(max_examples=60)
def test_the_place_found_by_halving_is_the_first(relevant, method):
    """Asking after every record gives the same place."""
    rule = StoppingRule(0.8, 0.8, method)
    labels, random = np.array(relevant), np.full(len(relevant), method == "audit")
    asked = [rule.met(History(len(labels), labels[:read], random[:read])) for read in range(1, len(labels) + 1)]
    assert stopping_place(rule, labels, random) == asked.index(True) + 1


def test_a_rule_that_is_met_has_a_bound_that_says_so():
    """The rule is the estimate's: it is met when the lower bound of the recall reaches the target."""
    for read in range(20, 100):
        seen = history(100, [1] * 19 + [0] * (read - 19))
        for rule in (StoppingRule(0.9, 0.9), StoppingRule(0.95, 0.95, bias=1.0)):
            assert rule.met(seen) == (rule.estimate(seen).recall_at_least >= rule.recall)


def share_reached(rule: StoppingRule, orders: list[np.ndarray], *, random: bool) -> float:
    """Return in which share of orders the rule, asked after every record, stopped with its target reached."""
    stops = [stopping_place(rule, relevant, np.full(len(relevant), random)) for relevant in orders]
    reached = [order[:stop].sum() >= rule.recall * order.sum() for order, stop in zip(orders, stops, strict=True)]
    return float(np.mean(reached))


def biased_order(draws: np.random.Generator, records: int, relevant: int, bias: float) -> np.ndarray:
    """Return an order in which a relevant record is *bias* times as likely as another to come next."""
    is_relevant = np.arange(records) < relevant
    return is_relevant[np.argsort(draws.exponential(size=records) / np.where(is_relevant, bias, 1.0))]


@pytest.mark.parametrize(
    ("rule", "bias"),
    [
        (StoppingRule(0.9, 0.9, "audit"), 1),
        (StoppingRule(0.9, 0.9, bias=1), 1),
        (StoppingRule(0.9, 0.9), 3),
        (StoppingRule(0.9, 0.9), 10),
    ],
)
def test_the_promise_is_kept_where_the_assumption_holds(rule, bias):
    """Over 100 orders as biased as assumed, or more, the target is missed no oftener than chance allows.

    A rule that keeps 90% exactly falls below the bound in one of a thousand such simulations.
    """
    draws = np.random.default_rng(3)
    orders = [biased_order(draws, 100, 10, bias) for _ in range(100)]
    least = stats.binom.ppf(0.001, 100, 0.9) / 100
    assert share_reached(rule, orders, random=rule.method == "audit") >= least


@pytest.mark.parametrize(("records", "relevant", "recall"), [(400, 120, 0.8), (300, 150, 0.5), (400, 8, 0.5)])
def test_the_promise_is_kept_however_many_are_relevant(records, relevant, recall):
    """Where many are relevant, the rule is asked at many moments that could deceive it."""
    draws = np.random.default_rng(5)
    orders = [biased_order(draws, records, relevant, 1) for _ in range(60)]
    assert share_reached(StoppingRule(recall), orders, random=False) >= stats.binom.ppf(0.001, 60, 0.95) / 60


def test_a_promise_on_a_false_assumption_is_broken():
    """The check above can fail: a rule that takes a random order for a strongly biased one misses its target."""
    draws = np.random.default_rng(3)
    orders = [biased_order(draws, 100, 10, 1) for _ in range(40)]
    assert share_reached(StoppingRule(0.9, 0.9, bias=10), orders, random=False) < 0.6


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StoppingRule(recall=0), "target recall must be above 0 and at most 1, not 0"),
        (lambda: StoppingRule(confidence=1), "confidence must be above 0 and below 1, not 1"),
        (lambda: StoppingRule(method="rankin"), "no estimate 'rankin'. Did you mean 'ranking'?"),
        (lambda: StoppingRule(bias=0.5), "bias of a ranking must be a number of at least 1, not 0.5"),
        (lambda: ranking_estimate(history(10, [1]), bias=float("nan")), "at least 1, not nan"),
        (lambda: audit_estimate(history(10, [1]), confidence=0), "confidence must be above 0 and below 1, not 0"),
        (lambda: history(1, [1, 0]), "2 labels and 2 marks of random draws for 1 records"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make, message):
    """One line says what was seen and what was wanted."""
    with pytest.raises(es.QueryError, match=message):
        make()


def test_nothing_is_stopped_before_something_is_found():
    """However much is read in vain, without a relevant record there is no recall to promise; at the end there is."""
    rule = StoppingRule()
    assert not rule.met(history(100, [0] * 99))
    assert rule.met(history(100, [0] * 100))
