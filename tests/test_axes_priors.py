"""What is believed before any rating: poles, the poles extended, another axis; norms as priors; many ratings."""

import numpy as np
import pytest
from conftest import run
from hypothesis import given
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.axes import EncoderMaterial, read_axes, read_ratings
from embedsearch.axes.blending import Design, blend, fit_weights
from embedsearch.axes.calibration import left_out_residuals
from embedsearch.axes.fitting import beliefs
from embedsearch.axes.learning import learning_curve
from embedsearch.axes.statistics import Pairs
from embedsearch.axes.validation import validate
from embedsearch.testing import HashEncoder, TableEncoder

X, Y, Z = [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]
TABLE = {"x": X, "y": Y, "z": Z, "-x": [-1.0, 0, 0], "-y": [0, -1.0, 0], "xy": [0.6, 0.8, 0], "yz": [0, 0.6, 0.8]}
RATED = {"x": 1.0, "-x": -1.0, "xy": 0.6, "y": 0.1, "-y": -0.1, "yz": 0.0}


def fitted(**definition):
    """Return an axis fitted beside one along y, called norm."""
    table = TableEncoder(TABLE)
    return es.Axis("a", **definition).fit(table, {"norm": es.Axis("norm", ["-y"], ["y"]).fit(table)})


def test_a_prior_is_believed_as_much_as_the_poles():
    """Poles along x and a prior along y are read along (1, 1, 0)/√2, 0 half-way between the poles; x moves along x."""
    axis = fitted(low=["z"], high=["x"], prior="norm")
    pole = np.array([1, 0, -1]) / 2**0.5
    wanted = (pole + Y) / np.linalg.norm(pole + Y)
    assert axis.direction.tolist() == pytest.approx(wanted.tolist(), abs=1e-6)
    assert axis.step.tolist() == pytest.approx([1, 0, -1], abs=1e-6)
    assert axis.read([X, Z]).sum() == pytest.approx(0, abs=1e-6)
    assert axis.read([Y])[0] == pytest.approx(wanted @ Y - wanted @ [0.5, 0, 0.5], abs=1e-6)


def test_beliefs_stand_in_their_order():
    """The poles, the poles extended, the prior, and last what is read with: extended poles and prior together."""
    encoder = HashEncoder()

    class Material(EncoderMaterial):
        def passages(self, where):
            return encoder.encode([f"passage {n}" for n in range(40)])

    norm = es.Axis("norm", ["down"], ["up"]).fit(encoder)
    axis = es.Axis("a", ["small"], ["large"], extend=True, prior="norm")
    found = beliefs(axis, Material(encoder, {"norm": norm}))
    plain = es.Axis("a", ["small"], ["large"]).fit(encoder)
    assert found.shape == (4, encoder.dimension)
    assert found[0].tolist() == plain.direction.tolist()
    assert found[2].tolist() == norm.direction.tolist()
    both = found[1].astype(float) + found[2]
    assert found[3].tolist() == pytest.approx((both / np.linalg.norm(both)).tolist(), abs=1e-6)


def test_ratings_choose_among_beliefs():
    """Ratings along x make more of poles along x than of a prior along y; the prior alone is believed without poles."""
    with_poles = fitted(low=["-x"], high=["x"], prior="norm", ratings=RATED)
    assert with_poles.direction[0] > 0.9
    along_y = {"y": 1.0, "-y": -1.0, "xy": 0.8, "x": 0.05, "-x": -0.05, "yz": 0.6}
    assert fitted(low=["-x"], high=["x"], prior="norm", ratings=along_y).direction[1] > 0.9
    alone = fitted(prior="norm", ratings=RATED)
    assert alone.direction[1] > fitted(ratings=RATED).direction[1]
    assert alone.calibration.count == 6


def test_two_beliefs_are_weighted_by_their_likelihood():
    """Two beliefs at one share: each one's fit, weighted by the Gaussian likelihood of the ratings' contrasts."""
    random = np.random.default_rng(11)
    vectors, ratings, two = random.standard_normal((8, 4)), random.standard_normal(8), np.eye(4)[:2]
    centered = vectors - vectors.mean(axis=0)
    width = np.sqrt((centered**2).sum(axis=1).mean())
    standard = (ratings - ratings.mean()) / ratings.std(ddof=1)
    contrasts = np.linalg.svd(np.eye(8) - 1 / 8)[0][:, :7]
    a, s = 0.45, 0.5
    cover = (1 - a * a) * (s * centered @ centered.T / width**2 + (1 - s) * np.eye(8))
    total, weights = 0.0, np.zeros(4)
    for belief in two:
        pole = belief / np.sqrt((((centered @ belief) ** 2).sum() + 10 / 4) / 18)
        rest = contrasts.T @ (standard - a * centered @ pole)
        likelihood = np.exp(-0.5 * rest @ np.linalg.solve(contrasts.T @ cover @ contrasts, rest))
        kernel = (1 - a * a) * s * centered.T @ np.linalg.solve(cover, standard - a * centered @ pole) / width**2
        total, weights = total + likelihood, weights + likelihood * (a * pole + kernel)
    found = fit_weights(vectors, ratings, two, pole_shares=[a], signal_shares=[s])
    assert found == pytest.approx(weights / total, abs=1e-8)


@given(st.integers(0, 10_000), st.integers(3, 30))
def test_a_design_fits_many_ratings(seed, n):
    """Factored once, a design gives the same weights for each set of ratings as a fit from the beginning."""
    random = np.random.default_rng(seed)
    vectors, two = random.standard_normal((n, 6)), np.eye(6)[:2]
    design = Design(vectors, two)
    for ratings in random.standard_normal((3, n)):
        assert design.weights(ratings) == pytest.approx(fit_weights(vectors, ratings, two), abs=1e-12)


@given(st.integers(0, 10_000), st.integers(3, 20))
def test_residuals_without_each_are_those_of_refitted_lines(seed, n):
    """The closed form is the line drawn anew without each text, flat where it would fall."""
    random = np.random.default_rng(seed)
    raw, ratings = random.standard_normal(n), random.standard_normal(n)
    for place, found in enumerate(left_out_residuals(ratings, raw)):
        x, y = np.delete(raw, place), np.delete(ratings, place)
        slope = max(0.0, (x - x.mean()) @ (y - y.mean()) / ((x - x.mean()) ** 2).sum())
        # Of three texts two are left: where they nearly meet, the line is steep and its last digits are rounding.
        assert found == pytest.approx(ratings[place] - y.mean() - slope * (raw[place] - x.mean()), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"low": ["x"], "high": ["-x"], "prior": "opposite"}, "points the opposite way to its poles"),
        ({"low": ["x"], "high": ["-x"], "prior": "curve"}, "'curve' is a series of groups and has no one direction"),
        ({"low": ["x"], "high": ["-x"], "prior": "nrom"}, "no axis 'nrom' to derive from"),
        ({"low": ["x"], "high": ["-x"], "prior": "a"}, "derived from itself"),
        ({"low": ["x"], "high": ["-x"], "prior": ["norm"]}, "'prior' must be a text, not"),
        ({"expression": "x + y", "prior": "norm"}, "'prior' goes with poles, ratings or a field, not expression"),
        ({"prior": "norm"}, "needs phrases for both poles"),
    ],
)
def test_wrong_priors_get_one_clear_line(definition, message):
    """A prior that has no direction, is not there, or takes all away is refused."""
    table = TableEncoder(TABLE)
    axes = {
        "norm": es.Axis("norm", ["-y"], ["y"]).fit(table),
        "opposite": es.Axis("opposite", ["-x"], ["x"]).fit(table),
        "curve": es.Axis("curve", groups=[["x"], ["y"], ["z"]]).fit(table),
    }
    with pytest.raises(es.AxisError, match=message) as caught:
        es.Axis("a", **definition).fit(table, axes)
    assert "\n" not in str(caught.value)


def test_an_axis_follows_its_prior(index):
    """When the prior changes, the axis is fitted anew as a new version; a circle of priors is refused."""
    index.axes.save(es.Axis("danger", ["mouse"], ["shark"], prior="size"))
    before = index.axes["danger"].fitted.direction.copy()
    index.axes.save(es.Axis("size", ["large"], ["small"]))
    assert index.axes.versions() == {"predatoriness": 1, "size": 2, "danger": 2}
    assert not np.allclose(before, index.axes["danger"].fitted.direction)
    with pytest.raises(es.AxisError, match="in a circle"):
        index.axes.save(es.Axis("size", ["small"], ["large"], prior="danger"))
    with pytest.raises(es.AxisError, match="'danger' is derived from 'size'"):
        index.axes.delete("size")


def test_the_report_says_how_far_a_prior_turned_the_axis(index):
    """Poles along x and a prior along y: what is read has cosine 1/√2 to each."""
    index.axes.save(es.Axis("danger", ["prey"], ["predator"], prior="size"))
    report = index.axes.check(["danger"])
    assert report.axes[0].cosines == pytest.approx({"poles": 0.5**0.5, "prior": 0.5**0.5}, abs=1e-6)
    assert "cosine 0.71 to the poles alone and 0.71 to the prior" in str(report)
    assert report.to_dict()["axes"][0]["cosines"]["prior"] == pytest.approx(0.5**0.5, abs=1e-6)


def test_norms_are_imported_as_they_are_published(tmp_path):
    """A definition names the file and the columns of published norms; their other columns do not matter."""
    (tmp_path / "norms.csv").write_text("Word,Length,Size.M\nflea,4,1.2\nwhale,5,6.5\nthing,5,\n", "utf-8")
    (tmp_path / "axes.toml").write_text(
        '[norm]\nratings = {file = "norms.csv", text = "word", rating = "Size.M"}\nlow = ["x"]\nhigh = ["y"]\n', "utf-8"
    )
    with pytest.raises(es.AxisError, match="has 2 ratings; below 5"):
        read_axes(tmp_path / "axes.toml")
    assert read_ratings(tmp_path / "norms.csv", text="Word", rating="size.m")[0] == {"flea": 1.2, "whale": 6.5}
    with pytest.raises(es.AxisError, match=r"columns word, length, size.m; wanted are Phrase and rating"):
        read_ratings(tmp_path / "norms.csv", text="Phrase")
    (tmp_path / "axes.toml").write_text('[norm]\nratings = {file = "norms.csv", txt = "Word"}\n', "utf-8")
    with pytest.raises(es.AxisError, match=r"unknown key 'txt'. Did you mean 'text'"):
        read_axes(tmp_path / "axes.toml")


def test_many_ratings_are_judged_by_a_sample(monkeypatch):
    """Of 2,000 ratings 300 are judged by fits to the others: a line is found, and no table of all pairs is made."""
    random = np.random.default_rng(2)
    vectors = random.standard_normal((2000, 5))
    ratings = vectors @ [1.0, 0.5, 0, 0, 0] + 0.1 * random.standard_normal(2000)
    sizes = []
    none = Pairs.none
    monkeypatch.setattr(Pairs, "none", lambda count: sizes.append(count) or none(count))
    found = validate(vectors, ratings, np.eye(5)[0], blend(vectors, ratings, np.eye(5)[0]))
    assert found.count == 2000
    assert found.ordered.value > 0.95 > found.poles.value
    assert found.p == pytest.approx(1 / 200)
    assert max(sizes) == 300


def test_the_learning_curve_is_judged_on_five_texts_or_more():
    """Ten ratings give it a point, twelve give it three and say what more would add."""
    random = np.random.default_rng(4)
    vectors = random.standard_normal((12, 3))

    def found(rows):
        return learning_curve(rows, np.arange(float(len(rows))), None, rows, np.arange(len(rows)))

    assert (found(vectors[:9]).points, found(vectors[:9]).more) == ({}, None)
    assert (list(found(vectors[:10]).points), found(vectors[:11]).more) == ([5], None)
    assert list(found(vectors).points) == [5, 6, 7]
    assert found(vectors).more.low <= found(vectors).more.value <= found(vectors).more.high
    assert list(found(np.repeat(vectors, 7, axis=0)).points)[:2] == [5, 17]


def test_an_axis_of_another_encoder_is_refused_with_an_offer(index, monkeypatch):
    """It is neither read nor reported on; refitting from its definition mends it."""
    other = index.axes["size"].fitted.to_dict() | {"encoder": "another"}
    store = index.axes._store
    with store.locked(), store.writing():
        store.axes.put("size", index.axes.definitions()["size"].to_dict(), other, "2026-01-01T00:00:00+00:00")
    monkeypatch.setattr("embedsearch.cli.options.open_index", lambda *_: index)
    monkeypatch.setattr("embedsearch.cli.axes_commands.open_index", lambda *_: index)
    for ask in (lambda: index.place(["wolf"], ["size"]), lambda: index.axes.check(["size"])):
        with pytest.raises(es.AxisError, match=r"with another encoder; fit it again .* axes refit size"):
            ask()
    assert run("axes", "refit", "size").exit_code == 0
    assert index.place(["whale"], ["size"], unit="raw")[0].coordinates["size"] == pytest.approx(1, abs=1e-6)
