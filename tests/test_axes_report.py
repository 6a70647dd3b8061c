"""The report: poles left out, cross-validation against chance and poles, what axes share."""

import json
from dataclasses import astuple, replace

import numpy as np
import pytest
from conftest import ANIMALS, CORPUS, POLES, run
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import embedsearch as es
from embedsearch.axes import EncoderMaterial
from embedsearch.axes.blending import blend
from embedsearch.axes.calibration import Calibration, left_out_residuals
from embedsearch.axes.report import _advice, _on_their_side, _validated
from embedsearch.axes.separation import FRAMES, is_adjective, separate
from embedsearch.axes.statistics import Estimate, Pairs, bootstrap, determination, pearson, ranks, spearman
from embedsearch.axes.validation import _permuted, design_without, ordered_by_fits, splits_of, validate
from embedsearch.testing import HashEncoder, TableEncoder


def test_rank_correlation_by_hand():
    """Ranks share ties; of 1 2 3 4 against 1 3 2 4 Spearman is 1 - 6·2/(4·15) = .8."""
    assert ranks([10, 20, 20, 5]).tolist() == [2, 3.5, 3.5, 1]
    assert spearman([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(0.8)
    assert pearson([1, 2, 3], [5, 5, 5]) == 0
    assert determination([1.0, 2, 3], [0, 0, 0]) == Estimate(1, 1, 1)
    assert determination([1.0, 2, 3], [-1.5, 0, 1.5]).value == 0  # each less the mean of the other two
    assert determination([1.0, 2, 3], [-1, 0, 1]).value == pytest.approx(1 - 2 / 4.5)
    assert determination([2.0, 2, 2], [-1, 0, 1]) == Estimate(0, 0, 0)


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=12))
def test_ranks_and_their_correlation_are_scipys(pairs):
    """Ties share the mean of their ranks; what does not vary has a correlation of 0, where scipy has NaN."""
    one, other = np.array(pairs, dtype=float).T
    assert ranks(one).tolist() == stats.rankdata(one).tolist()
    varies = np.ptp(one) > 0 and np.ptp(other) > 0
    assert spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic if varies else 0)


def test_the_mean_rating_has_an_r_squared_of_0():
    """A line through ratings that follow nothing expects the mean of the others: R² is 0, at 5 ratings as at 50."""
    for count in (5, 50):
        ratings = np.random.default_rng(count).normal(size=count)
        others = (ratings.sum() - ratings) / (count - 1)
        assert determination(ratings, ratings - others).value == pytest.approx(0)
        assert determination(ratings, left_out_residuals(ratings, np.zeros(count))).value == pytest.approx(0)


def test_the_interval_of_r_squared_is_the_jackknifes():
    """Of log(1 - R²), each rating left out of both sums; in any unit."""
    random = np.random.default_rng(3)
    ratings, residuals = random.normal(size=9), random.normal(size=9) / 2
    found, logarithms = determination(ratings, residuals), []
    for place in range(9):
        others, missed = np.delete(ratings, place), np.delete(residuals, place)
        logarithms.append(np.log(1 - determination(others, missed).value))
    half = stats.t.ppf(0.975, 8) * np.sqrt(8 / 9 * ((logarithms - np.mean(logarithms)) ** 2).sum())
    rest = np.log(1 - found.value)
    assert (found.low, found.high) == pytest.approx((1 - np.exp(rest + half), 1 - np.exp(rest - half)))
    assert astuple(determination(1e-7 * ratings, 1e-7 * residuals)) == pytest.approx(astuple(found))
    one, few = [0.0, 0, 0, 0, 1], [0.1, -0.1, 0.2, -0.1, 0.9]
    for values, residuals in ((one, few), (one, one), (few, one)):  # a hundredfold, where nothing is known
        rare = determination(values, residuals)
        rest = 1 - rare.value
        assert (1 - rare.low, 1 - rare.high) == pytest.approx((100 * rest, rest / 100))


def test_the_interval_of_r_squared_holds_what_it_promises():
    """Of 300 lines through 12 points, about 95% have the R² of new points inside."""
    random, held = np.random.default_rng(0), 0
    for _ in range(300):
        given, true = (random.normal(size=(2, count)) for count in (12, 2000))
        ratings, new = given[0] + given[1], true[0] + true[1]
        line = Calibration.of(ratings, given[0])
        reached = 1 - np.mean((line.rating_at(true[0]) - new) ** 2) / np.mean((new - ratings.mean()) ** 2)
        found = determination(ratings, left_out_residuals(ratings, given[0]))
        held += found.low <= reached <= found.high
    assert 0.9 <= held / 300 <= 0.99


def test_pairs_count_what_was_left_out_together():
    """Of three texts, two pairs right and one tie is (2 + ½) / 3; a resample weighs the pairs by both counts."""
    pairs = Pairs.none(3)
    pairs.count(np.array([0, 1, 2]), np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    assert pairs.share() == pytest.approx(2.5 / 3)
    assert pairs.share(np.array([0, 1, 1])) == pytest.approx(0.5)
    assert np.isnan(pairs.share(np.array([2, 2, 2])))


def test_a_bootstrap_interval_is_that_of_the_mean():
    """Of 100 numbers the interval of the mean is about ± 1.96 standard errors."""
    values = np.random.default_rng(0).standard_normal(100)
    found = bootstrap(lambda places: float(values[places].mean()), 100)
    half = 1.96 * values.std() / 10
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)


def sample(signal, count=30, seed=0):
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((count, 8))
    return vectors, signal * vectors[:, 0] + random.standard_normal(count)


def test_ratings_with_a_signal_are_told_from_noise():
    """Ratings along a direction are ordered right with a small p; noise is near .5 with a large one."""
    vectors, ratings = sample(3.0)
    strong = validate(vectors, ratings, None, blend(vectors, ratings, None))
    assert strong.ordered.value > 0.75
    assert strong.ordered.low > 0.5
    assert strong.p <= 0.01
    assert strong.determination.value > 0.3
    assert strong.poles is None
    vectors, noise = sample(0.0, seed=4)
    weak = validate(vectors, noise, None, blend(vectors, noise, None))
    assert weak.ordered.low < 0.5 < weak.ordered.high
    assert weak.p > 0.1


def test_the_null_of_unrated_pairs_is_a_half():
    """Over many sets of pure noise the share of pairs ordered right is .5 on average, few ratings included."""
    for count in (7, 20):
        shares = []
        for seed in range(12):
            vectors, noise = sample(0.0, count, seed)
            splits = list(splits_of(count, 1))
            designs = [design_without(vectors, split, None) for split in splits]
            shares.append(ordered_by_fits(vectors, noise, np.arange(count), splits, designs).share())
        assert np.mean(shares) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(("count", "rare"), [(5, 1), (13, 1), (13, 2), (20, 1), (400, 1)])
def test_a_rare_value_leaves_no_figure_without_a_number(count, rare):
    """Where one value is hardly ever seen all figures are numbers, and chance is not beaten without a comparison."""
    for seed in range(4):
        random = np.random.default_rng(seed)
        vectors, ratings = random.standard_normal((count, 6)), np.arange(count) < rare
        found = validate(vectors, ratings.astype(float), None, blend(vectors, ratings.astype(float), None))
        json.dumps(found.to_dict(), allow_nan=False)
        assert 0 < found.p <= 1
        assert all(0 <= share <= 1 for share in found.curve.values())


def test_nothing_compared_is_no_better_than_chance():
    """Where no two texts of different ratings are ever left out together, every deal counts as ordered as well."""
    vectors, ratings = np.random.default_rng(0).standard_normal((6, 3)), np.array([1.0, 1, 1, 0, 0, 0])
    splits = [np.array([0, 1, 2]), np.array([3, 4, 5])]
    designs = [design_without(vectors, split, None) for split in splits]
    assert np.isnan(ordered_by_fits(vectors, ratings, np.arange(6), splits, designs).share())
    assert _permuted(vectors, ratings, np.arange(6), splits, designs) == 1


def test_poles_are_compared_on_the_same_pairs():
    """Against poles at right angles to what is rated, the ratings gain; the curve rises."""
    vectors, ratings = sample(3.0)
    poles = np.eye(8)[3]
    found = validate(vectors, ratings, poles, blend(vectors, ratings, poles))
    assert found.gain.value == pytest.approx(found.ordered.value - found.poles.value)
    assert found.gain.low > 0
    used = sorted(found.curve)
    assert used[0] == 5
    assert found.curve[used[-1]] > found.curve[5]


def test_a_pole_on_the_wrong_side_is_named():
    """A phrase of the high pole that lies with the low ones pulls against the rest, and is named first."""
    table = {"a": [-1, 0.1, 0], "b": [-1, -0.1, 0], "c": [1, 0.1, 0], "d": [1, -0.1, 0], "odd": [-0.8, 0, 0.6]}
    axis = es.Axis("size", ["a", "b"], ["c", "d", "odd"])
    found = separate(axis, EncoderMaterial(TableEncoder(table), {}))
    assert [phrase.text for phrase in found.against] == ["odd"]
    assert found.right == pytest.approx(0.8)
    assert found.bare == ()


def test_the_only_phrase_of_a_pole_is_not_left_out():
    """It has no margin, and counts neither for nor against the poles; of two such poles nothing is said."""
    table = {"a": [-1, 0.1, 0], "b": [-1, -0.1, 0], "whale": [1, 0, 0], "huge": [1, 0, 0], "tiny": [-1, 0, 0]}
    material = EncoderMaterial(TableEncoder(table), {})
    found = separate(es.Axis("size", ["a", "b"], ["whale"]), material)
    assert [phrase.margin is None for phrase in found.phrases] == [False, False, True]
    assert (found.right, found.against) == (1.0, [])
    assert _on_their_side(found) == (
        "100% of 2 phrases on their own side when left out; the high pole is one phrase, which cannot be"
    )
    alone = separate(es.Axis("size", ["tiny"], ["huge"]), material)
    assert [phrase.margin for phrase in alone.phrases] == [None, None]
    assert (alone.right, alone.against, alone.bare, alone.suggested_frame) == (None, [], ("tiny", "huge"), "")
    assert _on_their_side(alone) == "one phrase each, which cannot be left out"
    advice = list(_advice(es.Axis("size", ["tiny"], ["huge"]), alone, None))
    assert advice[0] == ("tiny, huge stand bare, in another register than the things placed; put them into frames")


class LooseEncoder(TableEncoder):
    """Gives a text that is not in its table the vector of the first of the table's texts that occurs in it."""

    def encode(self, texts):
        return super().encode(
            [text if text in self.table else next(t for t in self.table if t in text) for text in texts]
        )


@pytest.fixture
def encoder():
    """Return an encoder of three dimensions that reads framed poles."""
    return LooseEncoder(ANIMALS | POLES)


def test_margins_by_hand():
    """Left out of three on a line, a phrase at its pole's mean has margin 1, one half-way between the poles 0."""
    table = {"ant": [0, -1, 0], "bee": [0, -1, 0], "ox": [0, 1, 0], "cow": [0, 1, 0], "moon": [0, 0, 1]}
    axis = es.Axis("size", ["ant", "bee"], ["ox", "cow", "moon"])
    margins = {p.text: p.margin for p in separate(axis, EncoderMaterial(TableEncoder(table), {})).phrases}
    # moon against (ant, bee) and (ox, cow): step (0, 2, 0), middle 0, so that it lies in the middle.
    assert margins["moon"] == pytest.approx(0, abs=1e-6)
    # bee against ant and (ox, cow, moon): own (0, -1, 0), other (0, 2/3, 1/3); step (0, -5/3, -1/3),
    # middle (0, -1/6, 1/6): ((0, -5/6, -1/6) · step) / (|step|²/2) = (25/18 + 1/18) / (26/18) = 1.
    assert margins["bee"] == pytest.approx(1, abs=1e-6)


def test_bare_adjectives_get_a_frame():
    """Adjectives in no frame are flagged, and the frame that separates best is suggested; nouns are not."""
    texts = ("large", "very large", "dangerous", "predator", "prey", "a wolf")
    assert [text for text in texts if is_adjective(text)] == [
        "large", "very large", "dangerous",
    ]  # fmt: skip
    poles = {"small": [0, -1, 0], "tiny": [0, -1, 0.1], "large": [0, 1, 0], "huge": [0, 1, 0.1]}
    table = {name: [0, 0.1, 1] for name in poles} | {
        frame.replace("{}", name): vector if frame == "a {} person" else [vector[0], vector[1] * 0.3, 1 + 9 * vector[2]]
        for frame in FRAMES
        for name, vector in poles.items()
    }
    table |= {"small": [0, -0.1, 1], "tiny": [0, -0.2, 1]}
    found = separate(es.Axis("size", ["small", "tiny"], ["large", "huge"]), EncoderMaterial(TableEncoder(table), {}))
    assert found.bare == ("small", "tiny", "large", "huge")
    assert found.suggested_frame == "a {} person"


def test_nouns_are_taken_for_no_adjectives():
    """None of the corpus's 701 phrases is one; elephant and fish end as adjectives do. Common adjectives are told."""
    phrases = [document.text for document in es.read(CORPUS / "phrases.csv")]
    assert len(phrases) == 701
    nouns = ["serpent", "president", "critic", "library", "weed", "vegetable", "captive", "radish", "table"]
    assert [text for text in (*phrases, *nouns) if is_adjective(text)] == []
    adjectives = ["harmless", "harmful", "ferocious", "aggressive", "massive", "capable", "violent", "gigantic"]
    assert all(map(is_adjective, [*adjectives, "Very harmless", "most cruel"]))


def test_overlap_by_hand(index):
    """Axes at right angles have cosine 0; the correlation is numpy's over the passages; nothing is taken out."""
    report = index.axes.check()
    (pair,) = report.overlaps
    assert pair.cosine == pytest.approx(0, abs=1e-6)
    assert pair.left_direction == pytest.approx(1, abs=1e-6)
    columns = np.array([list(p.coordinates.values()) for p in index.place_all()])
    assert pair.correlation == pytest.approx(np.corrcoef(columns.T)[0, 1], abs=1e-6)
    assert pair.left_over == pytest.approx(1 - pair.correlation**2)
    assert [axis.population["passages"] for axis in report.axes] == [8, 8]


def test_the_report_is_readable_and_json(index, monkeypatch):
    """The command prints sentences on a terminal and one JSON object elsewhere."""
    index.axes.save(
        es.Axis("fear", ratings={name: n for n, name in enumerate(("sheep", "mouse", "spider", "wolf", "shark"))})
    )
    monkeypatch.setattr("embedsearch.cli.axes_commands.open_index", lambda *_: index)
    shown = run("axes", "check", "-f", "table").output
    assert "pairs ordered right" in shown
    assert "scaled on 8 passages" in shown
    assert "small, large stand bare" in shown
    found = json.loads(run("axes", "check", "fear", "-f", "json").output)
    assert found["axes"][0]["validation"]["count"] == 5
    assert found["overlaps"] == []
    assert run("axes", "check", "faer").exit_code == 2


def test_a_field_is_judged_as_ratings_of_the_documents_are(tmp_path):
    """By documents that were left out, those with the same text once; of a field that texts do not tell it is said."""
    random = np.random.default_rng(7)
    rows = {f"t{place}": row for place, row in enumerate(random.standard_normal((24, 4)))}
    told = {f"d{place}": 10 * row[0] + random.normal() for place, row in enumerate(rows.values())}
    dealt = dict(zip(told, random.permutation(list(told.values())).tolist(), strict=True))
    with es.Index.create(tmp_path / "i", TableEncoder({text: row.tolist() for text, row in rows.items()})) as index:
        for copied in ("", "-copy"):
            fields = [{"told": told[id], "dealt": dealt[id], "twice": 1 + (told[id] > 0)} for id in told]
            index.add(
                es.Document(id + copied, text, metadata=own) for (id, own, text) in zip(told, fields, rows, strict=True)
            )
        index.axes.save_all(
            [
                *(es.Axis(name, field=name) for name in ("told", "dealt", "twice")),
                es.Axis("by hand", rated_documents=told),
                es.Axis("binned", groups={"field": "told", "bins": 3}),
            ]
        )
        report = index.axes.check()
    found = {one.name: one for one in report.axes}
    assert found["told"].validation == found["by hand"].validation
    assert found["told"].validation.ordered.low > 0.7
    assert found["twice"].validation.ordered.value > 0.8
    assert found["dealt"].validation.p > 0.05
    assert any("ordered no better than chance would" in one and "rate more" not in one for one in found["dealt"].advice)
    assert "  24 different documents; among those that were left out, with 95 % intervals:" in str(report)
    assert found["binned"].validation is None
    assert "follows from how it is made" in found["binned"].advice[0]


@pytest.fixture
def orthogonal():
    """Return material with an axis along x and a rated axis that it is taken out of, of poles that lean along x."""
    random = np.random.default_rng(5)
    table = {f"t{number}": row.tolist() for number, row in enumerate(random.standard_normal((14, 5)))}
    table |= {"lo": [-1, 0, 0, 0, 0], "hi": [1, 0, 0, 0, 0], "lo2": [-3, 0.4, 0, 0, 0], "hi2": [3, 0.4, 0, 0, 0]}
    table |= {"wick": [-3, 0.9, 0.2, 0, 0], "coal": [-3, -1.0, 0, 0.3, 0]}
    table |= {"lamp": [3, 0.2, 0, 0, 0.3], "sun": [3, -0.3, 0, 0, 0.2]}
    encoder = TableEncoder(table)
    base = es.Axis("base", ["lo"], ["hi"]).fit(encoder)
    ratings = {f"t{number}": table[f"t{number}"][0] + 0.5 * table[f"t{number}"][1] for number in range(14)}
    rest = es.Axis("rest", ["wick", "coal"], ["lamp", "sun"], ratings=ratings, orthogonal_to=["base"])
    return EncoderMaterial(encoder, {"base": base}), encoder, base, rest


def test_the_report_on_an_orthogonal_axis_is_on_what_is_left(orthogonal):
    """Texts left out are read off axes that were fitted without them, the other axis taken out; R² has no meaning."""
    material, encoder, base, rest = orthogonal
    found, ratings = _validated(rest, material), rest.ratings
    left_out = []
    for text in ratings:
        without = replace(rest, ratings={other: value for other, value in ratings.items() if other != text})
        left_out.append(float(without.fit(encoder, {"base": base}).read(encoder.encode([text]))[0]))
    assert found.spearman.value == pytest.approx(spearman(list(ratings.values()), left_out), abs=1e-9)
    plain = _validated(replace(rest, orthogonal_to=()), material)
    assert (plain.spearman.value > 0.8, found.spearman.value < 0.5) == (True, True)
    assert (plain.ordered.value > 0.8, found.ordered.value < 0.7) == (True, True)
    alone = replace(rest, ratings={}).fit(encoder, {"base": base}).read(encoder.encode(list(ratings)))
    pairs = [(one, other) for one in range(14) for other in range(one)]
    values = list(ratings.values())
    right = np.mean([(alone[one] > alone[other]) == (values[one] > values[other]) for one, other in pairs])
    assert found.poles.value == pytest.approx(right, abs=0.1)  # folds compare most pairs, not all
    assert found.determination is None
    assert plain.determination is not None
    assert found.to_dict()["determination"] is None
    assert rest.fit(encoder, {"base": base}).calibration is None


def test_poles_are_separated_by_what_is_left(orthogonal):
    """Each phrase lies on the side that an axis of the other phrases, the other axis taken out, puts it on."""
    material, encoder, base, rest = orthogonal
    poles = replace(rest, ratings={})
    margins = {phrase.text: phrase.margin for phrase in separate(poles, material).phrases}
    for text, margin in margins.items():
        low, high = (tuple(other for other in side if other != text) for side in (poles.low, poles.high))
        fitted = replace(poles, low=low, high=high).fit(encoder, {"base": base})
        reading = fitted.direction.astype(np.float64)
        means = [encoder.encode(side).astype(np.float64).mean(axis=0) @ reading for side in (low, high)]
        away = float(encoder.encode([text])[0] @ reading) - np.mean(means)
        side = -1 if text in poles.low else 1
        assert margin == pytest.approx(side * away / ((means[1] - means[0]) / 2), abs=1e-5)
    assert separate(replace(poles, orthogonal_to=()), material).right == 1
    assert separate(poles, material).right < 1
    # Of poles along the very axis that is taken out nothing is left: a half lies on either side, none is at fault.
    gone = separate(replace(poles, low=("lo", "lo2"), high=("hi", "hi2")), material)
    assert ([phrase.margin for phrase in gone.phrases], gone.right, gone.against) == ([0, 0, 0, 0], 0.5, [])


def test_the_report_says_why_there_is_no_unit(index):
    """The lines of an axis that others are taken out of have no R², and say so."""
    names = ("sheep", "mouse", "spider", "wolf", "shark")
    index.axes.save(es.Axis("fear", ratings=dict(zip(names, range(5), strict=True)), orthogonal_to=["size"]))
    shown = str(index.axes.check(["fear"]))
    assert "no R²: other axes are taken out of this one" in shown
    assert "R²  " not in shown


def test_a_formula_that_rises_nowhere_at_the_mean_is_compared_by_its_coordinates(index):
    """The square of a coordinate has no direction there, which says nothing of any other axis."""
    index.axes.save(es.Axis("extreme", formula="size**2"))
    report = index.axes.check()
    assert [axis.name for axis in report.axes] == ["predatoriness", "size", "extreme"]
    found = {(pair.first, pair.second): pair for pair in report.overlaps}
    squared = found["size", "extreme"]
    assert (squared.cosine, squared.left_direction) == (0, 1)
    columns = np.array([list(place.coordinates.values()) for place in index.place_all()])
    assert squared.correlation == pytest.approx(np.corrcoef(columns.T)[1, 2], abs=1e-6)
    assert index.axes.check([]).to_dict() == {"axes": [], "overlaps": []}


def test_no_advice_is_given_that_cannot_be_followed(tmp_path):
    """Poles with a field cannot be rated as well; poles alone can."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add(es.Document(f"d{n}", f"text {n}", metadata={"year": n}) for n in range(12))
        index.axes.save_all([es.Axis("a", ["old"], ["new"], field="year"), es.Axis("b", ["old"], ["new"])])
        advice = {report.name: " ".join(report.advice) for report in index.axes.check().axes}
    assert ["rate 20 phrases" in advice[name] for name in "ab"] == [False, True]
    assert all("more phrases a side help" in said for said in advice.values())
