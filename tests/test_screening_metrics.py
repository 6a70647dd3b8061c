"""The metrics of a screening, on examples worked by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import embedsearch as es
from embedsearch.screening import Interval
from embedsearch.screening.metrics import (
    average_time_to_discovery,
    recall_at,
    recall_curve,
    records_needed,
    times_to_discovery,
    work_saved,
)
from embedsearch.screening.summary import METRICS, metric_interval

# Ten records, the relevant ones read as the 1st, 2nd, 4th and 8th.
FOUND = np.array([1, 1, 0, 1, 0, 0, 0, 1, 0, 0], dtype=bool)
ANY_FOUND = st.lists(st.booleans(), min_size=1, max_size=60).filter(any).map(lambda found: np.array(found, dtype=bool))


def test_the_curve_counts_what_was_found():
    """After each record the curve gives the share of the four that were found."""
    assert recall_curve(FOUND).tolist() == [0.25, 0.5, 0.5, 0.75, 0.75, 0.75, 0.75, 1, 1, 1]


@pytest.mark.parametrize(("share", "recall"), [(0.05, 0), (0.1, 0.25), (0.2, 0.5), (0.39, 0.5), (0.4, 0.75), (1, 1)])
def test_recall_after_a_share_of_the_records(share, recall):
    """10% of ten records is one record, 39% are three."""
    assert recall_at(FOUND, share) == recall


def test_recall_after_several_shares_is_that_after_each():
    """In the shape in which they are asked for; nothing is found before the first record."""
    shares = [[0, 0.1], [0.2, 1]]
    assert recall_at(FOUND, shares).tolist() == [[0, 0.25], [0.5, 1]]


def test_work_saved_over_sampling():
    """At 75% four of ten records are read: 60% are saved, 25 of them by any order. At 95% eight are read."""
    assert records_needed(FOUND, 0.75) == 4
    assert work_saved(FOUND, 0.75) == pytest.approx(0.6 - 0.25)
    assert records_needed(FOUND, 0.95) == 8
    assert work_saved(FOUND, 0.95) == pytest.approx(0.2 - 0.05)
    assert work_saved(FOUND, 1.0) == pytest.approx(0.2)


def test_95_percent_of_twenty_are_nineteen():
    """The share wanted is reached, not passed: rounding of 0.95 x 20 asks for no twentieth."""
    found = np.array([True] * 19 + [False] * 80 + [True])
    assert records_needed(found, 0.95) == 19


def test_time_to_discovery():
    """Found as the 1st, 2nd, 4th and 8th of ten: 0.1, 0.2, 0.4, 0.8; 0.375 on average."""
    assert times_to_discovery(FOUND).tolist() == [0.1, 0.2, 0.4, 0.8]
    assert average_time_to_discovery(FOUND) == pytest.approx(0.375)


@given(ANY_FOUND)
def test_metrics_keep_to_their_ranges(found):
    """No order saves more than the target recall allows, and the curve never falls."""
    assert work_saved(found, 0.95) <= 0.95
    assert 0 < average_time_to_discovery(found) <= 1
    curve = recall_curve(found)
    assert (np.diff(curve) >= 0).all()
    assert curve[-1] == 1
    assert recall_at(found, 0.3) <= recall_at(found, 0.6)


@given(ANY_FOUND)
def test_random_order_saves_nothing_on_average(found):
    """Over all turns of an order, the time to discovery is that of the middle: (m + 1) / 2m."""
    turns = [average_time_to_discovery(np.roll(found, by)) for by in range(len(found))]
    assert np.mean(turns) == pytest.approx((len(found) + 1) / (2 * len(found)))


def test_nothing_relevant_is_refused():
    """Without a relevant record there is no recall."""
    with pytest.raises(es.QueryError, match="none of the records is relevant"):
        recall_curve(np.zeros(3, dtype=bool))


def test_the_interval_is_students():
    """1, 2, 3: mean 2, deviation 1, t(0.975, 2) = 4.303, so 2 ± 4.303 / √3."""
    found = Interval.of([1.0, 2.0, 3.0], least=-10, most=10)
    assert (found.mean, found.low, found.high) == pytest.approx((2, 2 - 2.4841, 2 + 2.4841), abs=1e-3)
    low, high = stats.t.interval(0.95, 2, loc=2, scale=stats.sem([1, 2, 3]))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_an_interval_ends_where_a_share_does():
    """Recalls of .8 and 1 say nothing of recalls above 1."""
    found = Interval.of([0.8, 1.0])
    assert (found.mean, found.high) == (pytest.approx(0.9), 1.0)
    assert found.low == 0.0  # 0.9 - 12.7 x 0.1 is below


def test_one_repeat_has_no_interval():
    """A single value says nothing of the spread."""
    assert Interval.of([0.5]).to_dict() == {"mean": 0.5, "low": None, "high": None}


@pytest.mark.parametrize("hits", [0, 1, 7, 10])
def test_the_interval_of_a_share_is_exact(hits):
    """It is Clopper and Pearson's, as scipy has it."""
    found = Interval.of_share([True] * hits + [False] * (10 - hits))
    exact = stats.binomtest(hits, 10).proportion_ci(0.95, "exact")
    assert (found.mean, found.low, found.high) == pytest.approx((hits / 10, exact.low, exact.high))


@given(ANY_FOUND)
def test_every_metric_lies_in_its_range(found):
    """The least and the most that an interval is cut off at are what a value can be, to the last digit."""
    for metric in METRICS.values():
        assert metric.least - 1e-12 <= metric.of(found) <= metric.most + 1e-12


def test_an_interval_ends_where_its_metric_does():
    """Two repeats that differ have a wide interval: of a recall it ends at 0 and 1, of work saved at r - 1 and r."""
    first, last = np.zeros(20, dtype=bool), np.zeros(20, dtype=bool)
    first[0], last[-1] = True, True
    simulation = SimpleNamespace(replays=[SimpleNamespace(found=found) for found in (first, last)])
    ends = {name: metric_interval(simulation, name) for name in METRICS}
    assert {name: (one.low, one.high) for name, one in ends.items()} == {
        "wss95": (pytest.approx(-0.05), 0.95), "wss100": (0.0, 1.0),
        "recall5": (0.0, 1.0), "recall10": (0.0, 1.0), "atd": (0.0, 1.0),
    }  # fmt: skip
