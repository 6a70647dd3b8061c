"""Groups of documents on axes: their means, how far apart they are, and what is said of it."""

import json
import math
import re
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import run
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

import embedsearch as es
from embedsearch.axes.fields import as_number
from embedsearch.groups.comparing import _AllOthers
from embedsearch.groups.dividing import _day, divide
from embedsearch.groups.statistics import Sample, difference_of, explained, mean_of, superiority, trend_of
from embedsearch.testing import TableEncoder

numbers = st.lists(st.integers(-50, 50).map(lambda n: n / 4), min_size=2, max_size=30)


# -- figures against scipy ------------------------------------------------------------------------------


@given(numbers, st.sampled_from([0.5, 0.9, 0.99]))
def test_the_interval_of_a_mean_is_students(values, confidence):
    """It is what scipy's test of one sample gives; a sample that does not vary has no width."""
    mean = mean_of(Sample.of(np.array(values)), confidence)
    assert mean.value == pytest.approx(np.mean(values))
    if np.ptp(values) == 0:
        assert mean.low == mean.high == mean.value
        return
    ends = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    assert (mean.low, mean.high) == pytest.approx(tuple(ends))


@given(numbers, numbers)
def test_the_interval_of_a_difference_is_welchs(one, other):
    """It is what scipy's test of two samples of unequal variance gives."""
    assume(np.ptp(one) and np.ptp(other))
    apart = difference_of(Sample.of(np.array(one)), Sample.of(np.array(other)), 0.95)
    assert apart.value == pytest.approx(np.mean(one) - np.mean(other))
    ends = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert (apart.low, apart.high) == pytest.approx(tuple(ends))


def test_a_sample_that_does_not_vary_leaves_the_interval_of_the_other():
    """The difference to a constant is as uncertain as the mean of the other sample; two constants leave no doubt."""
    varied, constant = Sample.of(np.array([1.0, 2.0, 6.0])), Sample.of(np.ones(4))
    mean = mean_of(varied, 0.95)
    assert difference_of(varied, constant, 0.95) == pytest.approx((2.0, mean.low - 1, mean.high - 1))
    assert difference_of(constant, constant, 0.95) == (0.0, 0.0, 0.0)


def test_one_number_says_nothing_of_the_spread():
    """The ends of its interval are infinite, and so are those of a difference to it."""
    single, several = Sample.of(np.array([2.0])), Sample.of(np.array([1.0, 2.0, 6.0]))
    assert mean_of(single, 0.95) == (2.0, -math.inf, math.inf)
    assert difference_of(several, single, 0.95) == (1.0, -math.inf, math.inf)


def test_the_share_that_is_explained_is_the_adjusted_r_squared():
    """By hand: groups 0, 2 and 4, 6 vary by 4 within and by 16 between; 1 - (4/2)/(20/3) is .7."""
    assert explained([Sample.of(np.array([0.0, 2.0])), Sample.of(np.array([4.0, 6.0]))]) == pytest.approx(0.7)
    alike = [Sample.of(np.array([0.0, 2.0]))] * 2
    assert explained(alike) == pytest.approx(1 - (4 / 2) / (4 / 3))  # below 0: less than chance gives
    assert explained(alike[:1]) is None
    assert explained([Sample.of(np.zeros(3))] * 2) is None


@given(numbers, numbers)
def test_superiority_is_that_of_mann_and_whitney(one, other):
    """U over the number of pairs, a tie counted half."""
    rank_sum = stats.rankdata(one + other)[: len(one)].sum()
    found = superiority(rank_sum, len(one), len(other))
    assert found == pytest.approx(stats.mannwhitneyu(one, other, method="asymptotic").statistic / len(one) / len(other))


@pytest.mark.parametrize(("one", "other", "share"), [((8, 3), (30, 1), 0.95), ((2, 1), (40, 1), 0.88)])
def test_intervals_hold_what_they_promise(one, other, share):
    """Of 2,000 pairs of samples 95% have the true difference inside, also if spreads differ; beside two numbers 88%."""
    random = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        first, second = random.normal(1, one[1], one[0]), random.normal(0, other[1], other[0])
        apart = difference_of(Sample.of(first), Sample.of(second), 0.95)
        held += apart.low <= 1 <= apart.high
    assert held / 2000 == pytest.approx(share, abs=0.015)


def test_a_trend_is_spearmans_with_an_interval_that_holds():
    """The value is scipy's; of 1,000 samples with a known rank correlation 95% have it inside."""
    random = np.random.default_rng(2)
    x, noise = random.normal(size=(2, 1000, 50))
    y = 0.6 * x + 0.8 * noise
    true = 6 / math.pi * math.asin(0.6 / 2)  # of normal variables with r = .6
    found = [trend_of(a, b, 0.95) for a, b in zip(x, y, strict=True)]
    assert found[0].value == pytest.approx(stats.spearmanr(x[0], y[0]).statistic)
    assert np.mean([one.low <= true <= one.high for one in found]) == pytest.approx(0.95, abs=0.02)
    assert trend_of(np.arange(9.0), np.arange(9.0), 0.95) is None


def test_ten_ranks_that_agree_entirely_do_not_prove_that_all_others_would():
    """The lower end is that after one exchange. Of samples of 10 with rho .99, a seventh perfect, 85% hold it."""
    ranks = np.arange(10.0)
    perfect, falling = trend_of(ranks, ranks, 0.95), trend_of(ranks, -ranks, 0.95)
    exchanged = stats.spearmanr(ranks, [1, 0, *range(2, 10)]).statistic
    low = math.tanh(math.atanh(exchanged) - stats.norm.ppf(0.975) * math.sqrt(1.5 / 7))
    assert perfect == pytest.approx((1, low, 1))
    assert falling == pytest.approx((-1, -1, -low))
    x, noise = np.random.default_rng(3).normal(size=(2, 500, 10))
    true = 6 / math.pi * math.asin(0.99 / 2)
    found = [trend_of(a, b, 0.95) for a, b in zip(x, 0.99 * x + math.sqrt(1 - 0.99**2) * noise, strict=True)]
    assert np.mean([one.low <= true <= one.high for one in found]) > 0.84


def test_what_does_not_vary_has_no_trend():
    """As scipy, which gives no correlation then: one year alone, or one place on the axis."""
    assert trend_of(np.full(12, 2020.0), np.arange(12.0), 0.95) is None
    assert trend_of(np.arange(12.0), np.full(12, 0.5), 0.95) is None


@pytest.mark.parametrize("wild", [1.0, 1e4, 1e8, 1e12])
def test_the_others_of_a_group_far_out_keep_their_spread(wild):
    """A formula may put a few documents anywhere; the mean and variance of the others are those of numpy."""
    own, rest = np.array([wild, -wild, 0.3 * wild]), np.random.default_rng(4).normal(2, 1, 50)
    division = SimpleNamespace(valued=np.arange(53))
    sample, _ = _AllOthers(np.concatenate([own, rest]), division).beside(np.arange(3))
    assert sample == pytest.approx((50, rest.mean(), rest.var(ddof=1)), rel=1e-3)


# -- groups ---------------------------------------------------------------------------------------------


def names_of(values, **more):
    """Return how many documents each group has, by its name."""
    made = divide("f", values, **more)
    return dict(zip(made.names, map(len, made.members), strict=True))


def test_each_value_is_a_group():
    """Texts and truth are groups as they are written; what is missing is in none."""
    assert names_of(["a", "b", "a", None, "", []]) == {"a": 2, "b": 1}
    assert names_of([True, False, True]) == {"true": 2, "false": 1}
    assert names_of(["3", 4.0, "five"]) == {"3": 1, "4": 1, "five": 1}
    assert names_of([2021, "2019", 2021.0]) == {"2019": 1, "2021": 2}  # numbers, ascending
    assert names_of(["1_2", "12"]) == {"1_2": 1, "12": 1}  # a section is no number, here as in conditions
    assert names_of([{"a": None, "b": "é"}, [{"a": True}]]) == {'{"a": null, "b": "é"}': 1, '{"a": true}': 1}


def test_a_list_is_in_the_group_of_each_of_its_values():
    """Once, however often a value is in it."""
    made = divide("f", [["a", "b", "a"], "b", None])
    assert dict(zip(made.names, [own.tolist() for own in made.members], strict=True)) == {"a": [0], "b": [0, 1]}
    assert made.overlaps
    assert not divide("f", ["a", "b"]).overlaps


def test_many_numbers_are_put_into_steps():
    """Years become decades, fractions half-open steps, dates years; nobody is left out, at most twelve come of it."""
    assert names_of(list(range(1901, 1931)), step=10) == {
        "1900 to 1909": 9, "1910 to 1919": 10, "1920 to 1929": 10, "1930 to 1939": 1,
    }  # fmt: skip
    assert names_of(range(20), step=1) == {str(n): 1 for n in range(20)}
    tenths = names_of([n / 10 for n in range(30)], step=0.5)
    assert tenths == {f"{low:g} to <{low + 0.5:g}": 5 for low in (0, 0.5, 1, 1.5, 2, 2.5)}
    days = [date(2000 + n, 12, 31).isoformat() for n in range(24)]
    assert names_of(days, step=12) == {"1992 to 2003": 4, "2004 to 2015": 12, "2016 to 2027": 8}
    assert names_of([-5, -1, 0, 4], step=5) == {"-5 to -1": 2, "0 to 4": 2}
    outlier = divide("f", [*range(1990, 2026), 1550])
    assert outlier.step == 5
    assert outlier.names[0] == "1550 to 1554"


def test_dates_close_together_are_told_by_the_calendar():
    """By years from a few of them on, by months below two years, by days below six weeks; steps asked for as dates."""
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(4000)]

    def groups_of(count, every=1, **more):
        return names_of([day.isoformat() for day in days[:count:every]], **more)

    assert groups_of(10) == {f"2020-01-{n:02d}": 1 for n in range(1, 11)}
    assert groups_of(100) == {"2020-01": 31, "2020-02": 29, "2020-03": 31, "2020-04": 9}
    assert len(groups_of(700)) == 23
    assert groups_of(4 * 365, 10) == {"2020": 37, "2021": 37, "2022": 36, "2023": 36}
    assert groups_of(366, step=0.5) == {"2020-01-01 to <2020-07-02": 183, "2020-07-02 to <2021-01-01": 183}
    for day in days:
        assert _day(as_number(day.isoformat())) == day


@given(st.lists(st.floats(-1e6, 1e6), min_size=9, max_size=60, unique=True))
def test_steps_hold_all_numbers_in_their_order(values):
    """Each number is in one step, between its start and the next one's."""
    made = divide("f", values)
    assert sorted(place for own in made.members for place in own.tolist()) == list(range(len(values)))
    for start, own in zip(made.starts, made.members, strict=True):
        slack = 1e-9 * (abs(start) + made.step)
        assert all(start - slack <= values[place] <= start + made.step + slack for place in own)
    assert list(made.starts) == sorted(made.starts)


def test_a_step_wants_numbers():
    """It says what was seen."""
    with pytest.raises(es.QueryError, match=r"holds 'b', .* leave the step out, or ask only where f not in \[\"b\"\]"):
        divide("f", [1, "b"], step=2)
    with pytest.raises(es.QueryError, match=r"holds {'a': 1}, .* leave the step out$"):
        divide("f", [1, {"a": 1}], step=2)


def test_few_values_that_are_no_numbers_are_named(index):
    """For them all others are groups of their own; the condition that is given leaves them out, and there are steps."""
    years = list(range(1990, 2010)) * 2
    assert divide("f", [*years, "n.d.", None, "n.d.", "c1999"]).odd == ("n.d.", "c1999")
    assert divide("f", [*years, *["n.d."] * 9]).odd == ()  # too many for slips
    assert divide("f", [1, 2] * 20 + ["n.d."]).odd == ()  # each number would be a group anyhow
    assert divide("f", [*years, {"a": 1}]).odd == divide("f", years).odd == ()
    dates = [("n.d." if n == 3 else f"20{n:02d}-03") for n in range(20)]
    index.add(es.Document(f"d{n}", "wolf", metadata={"Date of print": given}) for n, given in enumerate(dates))
    done = run("compare", "date of print", "--least", 1, "-i", index.path)
    assert "because of the others (n.d.), all values are taken as text, without steps, ranges or trend" in done.stderr
    (advised,) = re.findall(r"The condition (.*) leaves the others out", done.stderr)
    found = index.compare("date of print", least=1, where=advised)
    assert (found.step, found.documents, found.odd) == (2, 19, ())


# -- an index -------------------------------------------------------------------------------------------

# x is the axis: a herd at 0, 2, a pack at 4, 6 and one that is alone at 3; raw, before scaling.
BY_HAND = {"a": ("herd", 0.0), "b": ("herd", 0.2), "c": ("pack", 0.4), "d": ("pack", 0.6), "e": ("none", 0.3)}


@pytest.fixture
def pile(tmp_path):
    """Return an index whose documents lie on one axis where they were put; `long` has two passages."""
    table = {name: [x, math.sqrt(1 - x * x)] for name, (_, x) in BY_HAND.items()}
    encoder = TableEncoder(table | {"low": [-1.0, 0.0], "high": [1.0, 0.0]})
    with es.Index.create(tmp_path / "pile", encoder) as made:
        made.add(es.Document(name, name, metadata={"kind": kind}) for name, (kind, _) in BY_HAND.items())
        made.axes.save(es.Axis("x", ["low"], ["high"]))
        yield made


def by_name(comparison):
    """Return the groups by their name."""
    return {one.group: one for one in comparison.groups}


def test_groups_by_hand(pile):
    """Raw means .1 and .5 of a population with mean .3 and deviation .2: -1 and 1; the rest is arithmetic."""
    found = pile.compare("kind", least=1)
    assert [one.group for one in found.groups] == ["pack", "none", "herd"]  # the highest first
    herd, pack = by_name(found)["herd"], by_name(found)["pack"]
    assert (herd.mean, pack.mean) == pytest.approx((-1.0, 1.0), abs=1e-5)
    assert pack.sd == pytest.approx(math.sqrt(2) / 2, abs=1e-5)
    assert (pack.lower_quartile, pack.median, pack.upper_quartile) == pytest.approx((0.75, 1, 1.25), abs=1e-5)
    # The others of the pack are the herd and the one between: -1.5, -0.5 and 0.
    assert pack.difference == pytest.approx(1 + 2 / 3, abs=1e-5)
    assert pack.superiority == 1
    assert herd.superiority == 0
    half = stats.t(1).ppf(0.975) * 0.5
    assert (pack.low, pack.high) == pytest.approx((1 - half, 1 + half), abs=1e-4)
    welch = stats.ttest_ind([0.5, 1.5], [-1.5, -0.5, 0.0], equal_var=False).confidence_interval(0.95)
    assert (pack.difference_low, pack.difference_high) == pytest.approx(tuple(welch), abs=1e-4)
    alone = by_name(found)["none"]
    assert math.isinf(alone.low)
    assert alone.to_dict()["low"] is alone.to_dict()["difference_high"] is None
    assert found.documents == 5
    assert found.rare == {}


def test_against_one_group(pile):
    """The group itself is compared with nothing; others with it alone; the small are left out, and told."""
    found = pile.compare("kind", against="herd", least=2)
    assert found.against == "herd"
    assert found.rare == {"none": 1}
    herd, pack = by_name(found)["herd"], by_name(found)["pack"]
    assert herd.difference is herd.superiority is None
    assert pack.difference == pytest.approx(2, abs=1e-5)
    assert found.explained["x"] == pytest.approx(0.7, abs=1e-5)


def test_groups_by_conditions(pile):
    """A document is in each group whose condition holds for it; the others are all documents that are not in it."""
    found = pile.compare({"high": "x > 0.4", "ends": "x > 1.4 or x < -1.4"}, least=1)
    assert {one.group: one.documents for one in found.groups} == {"high": 2, "ends": 2}
    assert [one.group for one in found.groups] == ["high", "ends"]
    high, ends = by_name(found)["high"], by_name(found)["ends"]
    assert (high.mean, ends.mean) == pytest.approx((1.0, 0.0), abs=1e-5)
    assert high.difference == pytest.approx(1 + 2 / 3, abs=1e-5)  # the three others are at -1.5, -0.5 and 0
    assert ends.superiority == pytest.approx(0.5)
    assert found.explained == {}  # one document is in both
    assert found.without == 0
    apart = pile.compare({"herd": 'kind == "herd"', "pack": 'kind == "pack"'}, least=1, against="herd")
    assert by_name(apart)["pack"].difference == pytest.approx(2, abs=1e-5)
    assert apart.explained["x"] == pytest.approx(0.7, abs=1e-5)


def test_a_condition_chooses_the_passages(pile):
    """What does not satisfy it is in no group."""
    found = pile.compare("kind", least=1, where='kind != "none" and x < 1')
    assert {one.group: one.documents for one in found.groups} == {"pack": 1, "herd": 2}
    (alone,) = (found := pile.compare("kind", least=1, where='kind == "pack"')).groups
    assert alone.mean == pytest.approx(1, abs=1e-5)
    assert alone.difference is alone.superiority is None  # there are no others
    assert found.explained == {}


def test_a_document_lies_at_the_mean_of_its_passages(tmp_path):
    """Of two passages at 0 and 1, raw, it lies between; however many passages it has, it counts once."""
    near, far = "near. " * 60, "far. " * 60

    class Words(TableEncoder):
        def encode(self, texts):
            return super().encode([text.split()[0].rstrip(".") for text in texts])

    encoder = Words({"near": [0.0, 1.0], "far": [1.0, 0.0], "low": [-1.0, 0.0], "high": [1.0, 0.0]})
    with es.Index.create(tmp_path / "long", encoder, chunk_words=60, overlap=0) as index:
        index.add(
            es.Document(text[:9], text, metadata={"g": group})
            for group, text in (("long", near + "\n\n" + far), ("short", "far"), ("short", "near"))
        )
        index.axes.save(es.Axis("x", ["low"], ["high"]))
        found = by_name(index.compare("g", least=1))
        coordinates = index.population("x").coordinates
        assert len(coordinates) == 4
        assert found["long"].documents == 1
        assert found["long"].mean == pytest.approx(coordinates[:2].mean())
        assert found["short"].mean == pytest.approx(found["long"].mean)


def test_what_leaves_has_a_row_for_each_group_and_axis(index):
    """Each names the version of its axis; pandas gets numbers, an open end is a gap."""
    frame = index.compare("kind", least=1).groups.to_pandas()
    assert list(frame["axis"]) == ["predatoriness"] * 3 + ["size"] * 3
    assert set(frame["group"]) == {"animal", "person", "plant"}
    assert frame["version"].tolist() == [1] * 6
    assert frame["low"].isna().tolist() == (frame["documents"] == 1).tolist()
    assert frame["difference"].dtype == float


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"by": "knd"}, "Did you mean 'kind'"),
        ({"by": "kind", "against": "anmal"}, "Did you mean 'animal'"),
        ({"by": "year", "step": 10, "against": "never"}, "no document has the value 'never' of 'year'"),
        ({"by": "kind", "step": 2}, "'kind' holds 'animal'"),
        ({"by": "year", "step": 0}, "the step is 0; wanted a number above 0"),
        ({"by": "year", "step": "ten"}, "the step is 'ten'"),
        ({"by": "kind", "confidence": 95}, "the confidence is 95; wanted a number between 0 and 1"),
        ({"by": "kind", "least": 0}, "least is 0"),
        ({"by": "kind", "least": 7}, "no group by 'kind' has 7 documents or more; the largest has 6"),
        ({"by": "kind", "where": "year < 0"}, "no document that was asked for is in any group by 'kind'"),
        ({"by": 3}, "what to group by is 3"),
        ({"by": {"a": "year >"}}, "the condition 'year >' cannot be read"),
        ({"by": {"a": "year > 9000"}}, "no document that was asked for is in any group"),
    ],
)
def test_wrong_questions_are_told_what_helps(index, settings, said):
    """One line each."""
    with pytest.raises(es.QueryError, match=said):
        index.compare(**{"least": 1} | settings)


# -- the command ----------------------------------------------------------------------------------------


def test_the_command_prints_groups_and_what_they_explain(predation):
    """A table for people, with what was left out on stderr."""
    done = run("compare", "kind", "-a", "predatoriness,size", "-i", predation, "-f", "table")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    headings = ["axis", "kind", "documents", "mean (95%)", "sd", "above others by (95%)", "superiority"]
    assert lines[0].split() == " ".join(headings).split()
    assert len(lines) == 2 + 16
    assert lines[-9].split()[:3] == ["predatoriness", "plant", "67"]
    assert "172 documents have no kind." in done.stderr
    assert "kind explains 6." in done.stderr


def test_the_command_tells_the_trend_of_numbers(predation):
    """In steps as asked for; groups that are too small are named, a reference may be the number a step begins with."""
    done = run("compare", "year", "--step", "10", "--against", "2000", "-a", "size", "-i", predation, "-f", "csv")
    assert done.exit_code == 0
    rows = [line.split(",") for line in done.stdout.splitlines()]
    assert [row[1:4] for row in rows[1:]] == [
        ["1990 to 1999", "1990.0", "25"], ["2000 to 2009", "2000.0", "35"], ["2010 to 2019", "2010.0", "67"],
        ["2020 to 2029", "2020.0", "38"],
    ]  # fmt: skip
    assert [row[rows[0].index("difference")] == "" for row in rows[1:]] == [False, True, False, False]
    assert "Left out as too small: 6 groups of 7 documents (--least): 1590 to 1599" in done.stderr
    assert "Rank correlation with year: size 0.2" in done.stderr


def test_months_are_told_as_such(tmp_path):
    """Their names are those of the calendar, and the picture has them in their order."""
    table = {f"t{n}": [n % 3 / 10, 1.0] for n in range(90)}
    with es.Index.create(tmp_path / "i", TableEncoder(table | {"low": [-1.0, 0.0], "high": [1.0, 0.0]})) as index:
        begin = date(2024, 1, 1)
        days = [(begin + timedelta(days=n)).isoformat() for n in range(90)]
        index.add(es.Document(name, name, metadata={"day": day}) for name, day in zip(table, days, strict=True))
        index.axes.save(es.Axis("x", ["low"], ["high"]))
        panel = es.plot_groups(index.compare("day")).figure.axes[0]
    names = ["2024-01 (31)", "2024-02 (29)", "2024-03 (30)"]
    assert [label.get_text() for label in panel.get_xticklabels()] == names
    done = run("compare", "day", "-i", tmp_path / "i", "-f", "table")
    assert "day by months explains" in done.stderr


def test_json_is_one_object_with_all_of_it(predation):
    """What the notes tell people is there for programs too."""
    done = run("compare", "year", "-a", "size", "-i", predation, "-f", "json")
    found = json.loads(done.stdout)
    assert found["field"] == "year"
    assert found["step"] == 5
    assert found["without"] == 701
    assert 0.09 < found["trends"]["size"]["low"] < found["trends"]["size"]["value"] < 0.4
    assert len(found["groups"]) == 7


def test_the_command_takes_conditions_for_groups(predation):
    """A name before the first =; a document of which a passage speaks of wolves is in the group."""
    done = run("compare", "--group", 'wolves="wolf" in text', "--group", 'sharks = "shark" in text', "-a", "size",
               "-i", predation, "-f", "jsonl")  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["group"], row["documents"]) for row in rows] == [("sharks", 20), ("wolves", 17)]
    assert done.stderr == ""  # one article is in both groups: nothing is explained


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give either a FIELD, as in embedsearch compare kind, or --group NAME=CONDITION"),
        (["kind", "--group", "a=year > 1"], "give either a FIELD"),
        (["--group", 'kind == "animal"'], "is not NAME=CONDITION"),
        (["--group", "a"], "'a' is not NAME=CONDITION"),
        (["--group", "a=year > 1", "--group", "a=year < 1"], "there are two groups 'a'"),
        (["--group", "a=year > 1", "--step", "5"], "--step goes with a FIELD of numbers or dates"),
    ],
)
def test_wrong_groups_are_refused(predation, arguments, said):
    """One line each, with exit code 2."""
    done = run("compare", *arguments, "-i", predation)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_wrong_files_are_refused_before_the_work(predation, tmp_path):
    """The suffix says what is drawn."""
    done = run("compare", "kind", "--plot", tmp_path / "kinds.xls", "-i", predation)
    assert done.exit_code == 2
    assert "end it in .png, .svg or .pdf" in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


# -- the picture ----------------------------------------------------------------------------------------


def test_the_picture_shows_each_mean_interval_and_quartile(predation, tmp_path):
    """What is drawn is what was found, the highest group on top; the same comparison gives the same bytes."""
    with es.open(predation) as index:
        found = index.compare("kind", ["predatoriness", "size"])
        plot = es.plot_groups(found)
    own = [one for one in found.groups if one.axis == "predatoriness"]
    panel = plot.figure.axes[0]
    by_gid = {artist.get_gid(): artist for artist in panel.get_children() if artist.get_gid()}
    assert by_gid["means"].get_xdata() == pytest.approx([one.mean for one in own])
    ends = [[path[0, 0], path[1, 0]] for path in by_gid["intervals"].get_segments()]
    assert np.array(ends) == pytest.approx(np.array([[one.low, one.high] for one in own]))
    assert panel.yaxis_inverted()
    assert [label.get_text() for label in panel.get_yticklabels()] == [f"{one.group} ({one.documents})" for one in own]
    bars = [bar for bar in panel.patches if bar.get_gid() == "quartiles"]
    assert [bar.get_x() for bar in bars] == pytest.approx([one.lower_quartile for one in own])
    assert [bar.get_x() + bar.get_width() for bar in bars] == pytest.approx([one.upper_quartile for one in own])
    plot.save(tmp_path / "one.svg")
    es.plot_groups(found).save(tmp_path / "two.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert "kind on predatoriness (version 1), size (version 1)" in (tmp_path / "one.svg").read_text("utf-8")


def test_steps_stand_as_far_apart_as_their_numbers(tmp_path):
    """A decade of which there is nothing leaves a gap; a panel shows a deviation at least; a year names its step."""
    table = {f"t{n}": [n % 3 / 10, 1.0] for n in range(30)}
    with es.Index.create(tmp_path / "years", TableEncoder(table | {"low": [-1.0, 0.0], "high": [1.0, 0.0]})) as index:
        years = [1990 + n if n < 10 else 2010 + n % 10 for n in range(30)]
        index.add(es.Document(name, name, metadata={"year": year}) for name, year in zip(table, years, strict=True))
        index.axes.save(es.Axis("x", ["low"], ["high"]))
        found = index.compare("year", step=10, against=1995)
        plot = es.plot_groups(found)
    assert found.against == "1990 to 1999"
    panel = plot.figure.axes[0]
    means = next(line for line in panel.lines if line.get_gid() == "means")
    assert means.get_xdata().tolist() == [199, 201]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["1990 to 1999 (10)", "2010 to 2019 (20)"]
    assert np.ptp(panel.get_ylim()) >= 1


def test_a_picture_of_too_much_is_refused(predation):
    """Five axes are more than can be read side by side."""
    with es.open(predation) as index:
        found = index.compare("kind", list(index.axes)[:5])
        with pytest.raises(es.QueryError, match="4 axes and 60 groups at most, not 5 and 8"):
            es.plot_groups(found)
