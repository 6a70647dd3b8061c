"""Every kind of axis worked out by hand in three dimensions, and the wrong definitions of each."""

import math
import tomllib
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pytest
from conftest import run
from hypothesis import given
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.axes import Curve, EncoderMaterial, fit_axis
from embedsearch.axes.components import principal_components
from embedsearch.axes.fields import as_number, as_numbers, binned, numbers_of
from embedsearch.axes.formulas import parse_formula
from embedsearch.testing import HashEncoder, TableEncoder

X, Y, Z = [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]
TABLE = {"x": X, "y": Y, "z": Z, "-x": [-1.0, 0, 0], "-y": [0, -1.0, 0], "xy": [0.6, 0.8, 0], "yz": [0, 0.6, 0.8]}
HEIGHT = es.Axis("height", ["-x"], ["x"])
WEIGHT = es.Axis("weight", ["-y"], ["y"])


TURN = {"start": "a", "towards": "b"}


@pytest.fixture
def base():
    """Return height along x and weight along y, fitted."""
    return {axis.name: axis.fit(TableEncoder(TABLE)) for axis in (HEIGHT, WEIGHT)}


def fitted(base=None, **definition):
    return es.Axis("a", **definition).fit(TableEncoder(TABLE), base)


def test_an_expression_is_a_direction():
    """2·x + y points along (2, 1, 0)/√5, and 0 is the plane through the middle of the space."""
    axis = fitted(expression="2*x + y")
    assert axis.direction.tolist() == pytest.approx([2 / 5**0.5, 1 / 5**0.5, 0], abs=1e-6)
    assert axis.read([X, Z]).tolist() == pytest.approx([2 / 5**0.5, 0], abs=1e-6)


def test_a_difference_of_axes(base):
    """weight minus height is (-1, 1, 0)/√2."""
    axis = fitted(base, difference=["weight", "height"])
    assert axis.direction.tolist() == pytest.approx([-(0.5**0.5), 0.5**0.5, 0], abs=1e-6)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 180, -45])
def test_a_rotation_turns_one_axis_towards_another(base, degrees):
    """height turned towards weight by an angle is (cos, sin, 0); 45° is the axis of both together."""
    axis = fitted(base, rotation={"start": "height", "towards": "weight", "degrees": degrees})
    angle = math.radians(degrees)
    assert axis.direction.tolist() == pytest.approx([math.cos(angle), math.sin(angle), 0], abs=1e-6)


def test_a_rotation_needs_no_right_angle():
    """Turned 90° towards an oblique axis, x comes out upright in their plane."""
    table = TableEncoder(TABLE)
    base = {"a": es.Axis("a", ["-x"], ["x"]).fit(table), "b": es.Axis("b", ["-x"], ["xy"]).fit(table)}
    axis = es.Axis("c", rotation={"start": "a", "towards": "b", "degrees": 90}).fit(table, base)
    assert axis.direction.tolist() == pytest.approx([0, 1, 0], abs=1e-6)


def test_what_is_orthogonal_is_taken_out(base):
    """Of the axis from -x to xy = (.6, .8, 0), step (1.6, .8, 0), y alone is left without height."""
    axis = fitted(base, low=["-x"], high=["xy"], orthogonal_to=["height"])
    assert axis.direction.tolist() == pytest.approx([0, 1, 0], abs=1e-6)
    assert axis.step.tolist() == pytest.approx([0, 0.8, 0], abs=1e-6)
    assert axis.read([X]).tolist() == pytest.approx(axis.read([Z]).tolist(), abs=1e-6)


def test_a_derived_axis_has_its_zero_where_those_it_is_made_of_have_theirs():
    """Raw coordinates are the same sums as directions are; of what is orthogonal, the old zero point reads 0."""
    table = TableEncoder(TABLE)
    base = {"p": es.Axis("p", ["-x", "z"], ["x"]).fit(table), "q": es.Axis("q", ["y"], ["xy", "z"]).fit(table)}
    p, q, vectors = base["p"], base["q"], np.array([X, Y, Z, [0.6, 0.8, 0], [0, 0, 0]])
    assert min(abs(p.origin), abs(q.origin)) > 0.1
    cosine = float(p.direction @ q.direction)

    gap = fitted(base, difference=["q", "p"])
    assert gap.read(vectors) == pytest.approx((q.read(vectors) - p.read(vectors)) / math.sqrt(2 - 2 * cosine))
    assert gap.step == pytest.approx(q.step - p.step)
    turned = fitted(base, rotation={"start": "p", "towards": "q", "degrees": 30})
    upright = (q.read(vectors) - cosine * p.read(vectors)) / math.sqrt(1 - cosine**2)
    assert turned.read(vectors) == pytest.approx(math.sqrt(0.75) * p.read(vectors) + 0.5 * upright)
    plain = fitted(low=["y", "z"], high=["xy"])
    cleared = fitted(base, low=["y", "z"], high=["xy"], orthogonal_to=["p"])
    assert cleared.direction @ p.direction == pytest.approx(0, abs=1e-6)
    assert cleared.read([plain.origin * plain.direction]) == pytest.approx([0], abs=1e-6)
    assert abs(cleared.origin) > 0.1


def test_nothing_may_be_left_over(base):
    """An axis orthogonal to itself, and a rotation in no plane, say so."""
    with pytest.raises(es.AxisError, match="nothing is left of it when height"):
        fitted(base, low=["-x"], high=["x"], orthogonal_to=["height"])
    with pytest.raises(es.AxisError, match="cancel out"):
        fitted({"p": base["height"], "q": base["height"]}, difference=["p", "q"])
    with pytest.raises(es.AxisError, match="parallel"):
        fitted({"p": base["height"], "q": base["height"]}, rotation={"start": "p", "towards": "q", "degrees": 1})


def test_groups_follow_a_known_curve():
    """Means on the unit circle, 0°, 60° and 120°: a quarter of the way along the second chord reads 1.25 chords."""
    corners = [(math.cos(t), math.sin(t), 0) for t in (0, math.pi / 3, 2 * math.pi / 3)]
    table = {"a": corners[0], "b": corners[1], "c": corners[2], "far": Z}
    axis = es.Axis("age", groups=[["a"], ["b"], ["c"]]).fit(TableEncoder(table))
    assert axis.curve.values.tolist() == pytest.approx([0, 1, 2], abs=1e-6)
    assert axis.read([corners[0], corners[1], corners[2]]).tolist() == pytest.approx([0, 1, 2], abs=1e-6)
    quarter = 0.75 * np.array(corners[1]) + 0.25 * np.array(corners[2])
    foot = quarter + (np.array([0, 0, 1]) * math.sqrt(1 - quarter @ quarter))  # straight above, on the sphere
    assert axis.read([foot]).tolist() == pytest.approx([1.25], abs=1e-6)
    assert axis.distances([foot]).tolist() == pytest.approx([math.sqrt(1 - quarter @ quarter)], abs=1e-6)
    assert axis.curve.point(1.25).tolist() == pytest.approx(quarter.tolist(), abs=1e-6)


def test_groups_recover_order_and_length_of_a_curve():
    """Points along a half circle, in 13 groups: the order is whole, and the length within 1 % of π."""
    angles = np.linspace(0, math.pi, 13)
    nodes = np.stack([np.cos(angles), np.sin(angles), np.zeros(13)], axis=1)
    curve = Curve.through(nodes)
    between = np.linspace(0.01, math.pi - 0.01, 200)
    points = np.stack([np.cos(between), np.sin(between), np.zeros(200)], axis=1)
    read = curve.read(points @ nodes.T)
    assert (np.diff(read) > 0).all()
    assert curve.values[-1] == pytest.approx(math.pi, rel=0.01)
    assert read == pytest.approx(between, abs=0.02)


def test_the_curve_agrees_with_a_search_by_brute_force():
    """The nearest point of the curve is the nearest of 20,001 points along it."""
    random = np.random.default_rng(0)
    nodes = random.standard_normal((5, 6)) * 0.5
    curve = Curve.through(nodes, [1.0, 2, 4, 7, 11])
    vectors = random.standard_normal((20, 6))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    values = np.linspace(1 - 3, 11 + 12, 20_001)
    line = np.stack([curve.point(value) for value in values])
    distances = np.linalg.norm(vectors[:, None] - line, axis=2)
    assert curve.distances(vectors @ nodes.T) == pytest.approx(distances.min(axis=1), abs=1e-3)
    assert curve.read(vectors @ nodes.T) == pytest.approx(values[distances.argmin(axis=1)], abs=2e-2)


def test_placements_say_how_far_off_the_curve_a_text_lies(tmp_path, monkeypatch):
    """The curve runs from x to y; z lies at √(1 + 1/2) from it, x on it; the command shows it too."""
    with es.Index.create(tmp_path / "i", TableEncoder(TABLE)) as index:
        index.add(es.Document(name, name) for name in TABLE)
        index.axes.save(es.Axis("path", groups=[["x"], ["y"]]))
        far = {place.text: place.distances["path"] for place in index.place_all(["path"])}
        assert (far["z"], far["x"]) == pytest.approx((1.5**0.5, 0), abs=1e-6)
        assert index.place(["z"], ["path"])[0].to_dict()["distances"]["path"] == pytest.approx(1.5**0.5, abs=1e-6)
        monkeypatch.setattr("embedsearch.cli.placing_commands.open_index", lambda *_: index)
        shown = run("place", "z", "-f", "table").output
        assert "off path" in shown
        assert shown.split()[-1] == "1.225"


def test_groups_have_values_of_their_own():
    """With values the coordinate is theirs, falling ones included, and goes on beyond the ends."""
    table = {"a": X, "b": [0.6, 0.8, 0], "c": Y}
    axis = es.Axis("age", groups=[["a"], ["b"], ["c"]], values=[70, 30, 10]).fit(TableEncoder(table))
    assert axis.read([X, [0.6, 0.8, 0], Y]).tolist() == pytest.approx([70, 30, 10], abs=1e-5)
    assert axis.read([[0.8, -0.6, 0]])[0] > 70


def test_scale_and_bmi_come_from_heights_and_weights(tmp_path):
    """On vectors made from log heights and log weights, a formula gives log BMI and a rotation the scale."""
    random = np.random.default_rng(1)
    height, weight = random.normal(0, 0.05, 30), random.normal(0, 0.2, 30)
    rest = np.sqrt(1 - height**2 - weight**2)
    table = TABLE | {f"p{n}": [height[n], weight[n], rest[n]] for n in range(30)}
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add([es.Document(f"p{n}", f"p{n}") for n in range(30)])
        index.axes.save_all(
            [
                es.Axis("bmi", formula="weight - 2*height", formula_unit="raw"),
                es.Axis("scale", rotation={"start": "height", "towards": "weight", "degrees": 45}),
                HEIGHT,
                WEIGHT,
                es.Axis("ratio", formula="weight - height"),
            ]
        )
        placed = {p.text: p.coordinates for p in index.place_all(["bmi", "scale"], unit="raw")}
        sd = index.place_all(["height", "weight", "ratio"])
        ratio = index.place_all(["ratio"], unit="raw")
    for n in range(30):
        assert placed[f"p{n}"]["bmi"] == pytest.approx(weight[n] - 2 * height[n], abs=1e-6)
        assert placed[f"p{n}"]["scale"] == pytest.approx((weight[n] + height[n]) / 2**0.5, abs=1e-6)
    for place, raw in zip(sd, ratio, strict=True):
        wanted = place.coordinates["weight"] - place.coordinates["height"]
        assert raw.coordinates["ratio"] == pytest.approx(wanted, abs=1e-6)


def test_a_formula_names_axes_as_they_are_written():
    """As axes are called, an accent with its letter, and not in the form that Python's parser makes of a name."""
    formula = parse_formula(" gro\u0308ße - 2*log(ﬁne) ")
    assert formula.names == ("größe", "ﬁne")
    assert formula.evaluate({"größe": np.array([3.0]), "ﬁne": np.array([1.0])}).tolist() == [3.0]


def test_the_gradient_of_a_formula_is_its_slope(tmp_path):
    """weight - 2·height in raw units rises along (-2, 1, 0)."""
    with es.Index.create(tmp_path / "i", TableEncoder(TABLE)) as index:
        index.add([es.Document(name, name) for name in TABLE])
        index.axes.save_all([HEIGHT, WEIGHT, es.Axis("bmi", formula="weight - 2*height", formula_unit="raw")])
        assert index.axes["bmi"].gradient.tolist() == pytest.approx([-2, 1, 0], abs=1e-5)
        hits = index.locate({"bmi": index.place(["-x"], ["bmi"])[0].coordinates["bmi"]}, k=1)
        assert hits[0].text == "-x"
        assert index.filter("bmi > p50") is not None


def test_a_field_teaches_a_direction(tmp_path):
    """A numeric field made from y is learned as y; a two-valued one as well; text and missing ones are refused."""
    angles = np.linspace(-1, 1, 9)
    table = {f"d{n}": [0, math.sin(t), math.cos(t)] for n, t in enumerate(angles)}
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add(
            es.Document(
                f"d{n}",
                f"d{n}",
                metadata={"year": 2000 + n, "kind": "old" if n < 4 else "young", "note": f"n{n}", "all": 1}
                | ({"rare": n} if n < 4 else {}),
            )
            for n in range(9)
        )
        index.axes.save(es.Axis("age", field="year"))
        assert index.axes["age"].fitted.direction[1] > 0.98
        assert index.axes["age"].fitted.calibration is not None
        index.axes.save(es.Axis("kind", field="kind"))
        assert index.axes["kind"].fitted.direction[1] > 0.9
        assert index.axes["kind"].fitted.calibration is None
        index.axes.save(es.Axis("series", groups={"field": "year", "bins": 3}))
        curve = index.axes["series"].fitted.curve
        assert curve.values.tolist() == pytest.approx([2001, 2004, 2007])
        assert curve.nodes[0].tolist() == pytest.approx(
            np.mean([table[f"d{n}"] for n in range(3)], axis=0).tolist(), abs=1e-6
        )
        for field, message in (
            ("note", "holds text of 9 values, such as 'n0'"),
            ("yeer", "Did you mean 'year'"),
            ("all", "axis 'bad': the field 'all' is 1 in all documents, so it gives no direction"),
            ("rare", "axis 'bad': 4 documents have 'rare'; at least 5 are wanted"),
        ):
            with pytest.raises(es.AxisError, match=message):
                index.axes.save(es.Axis("bad", field=field))


def test_components_are_the_directions_of_greatest_spread():
    """The first component of points along (.6, .8, 0) is that direction; spreads are those of numpy's covariance."""
    random = np.random.default_rng(0)
    points = random.standard_normal((200, 1)) * [0.6, 0.8, 0] + 0.01 * random.standard_normal((200, 3))
    center, found, spreads = principal_components(points.astype(np.float32), 3)
    assert abs(found[0]).tolist() == pytest.approx([0.6, 0.8, 0], abs=0.01)
    wanted = np.sort(np.linalg.eigvalsh(np.cov(points.T, bias=True)))[::-1]
    assert spreads**2 == pytest.approx(wanted, abs=1e-6)
    assert center == pytest.approx(points.mean(axis=0), abs=1e-6)


def test_a_component_of_a_subset_is_an_axis(tmp_path):
    """A component over the passages that satisfy a condition is fitted in the index, and refused beyond the last."""
    angles = np.linspace(-1, 1, 9)
    table = {f"d{n}": [0, math.sin(t), math.cos(t)] for n, t in enumerate(angles)} | {"x": X, "-x": [-1.0, 0, 0]}
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add(es.Document(name, name, metadata={"kind": name[0]}) for name in table)
        index.axes.save(es.Axis("spread", component={"number": 1, "where": 'kind == "d"'}))
        assert abs(index.axes["spread"].fitted.direction).tolist() == pytest.approx([0, 1, 0], abs=1e-6)
        index.axes.save(es.Axis("bend", component={"number": 2, "where": 'kind == "d"'}))
        bend = index.axes["bend"].fitted
        raw = bend.read([table[f"d{n}"] for n in range(9)])  # 0 at their mean, and a step of one deviation
        assert (raw.mean(), raw.std()) == pytest.approx((0, bend.step @ bend.direction), abs=1e-6)
        with pytest.raises(es.AxisError, match="have 2 components; number 3 is wanted"):
            index.axes.save(es.Axis("spread", component={"number": 3, "where": 'kind == "d"'}))


@pytest.mark.parametrize("unit", ["sd", "raw"])
def test_a_linear_formula_rises_along_its_gradient(tmp_path, unit):
    """From one text to another by the product with what lies between; phrases are moved along it."""
    with es.Index.create(tmp_path / "i", TableEncoder(TABLE)) as index:
        index.add(es.Document(name, name) for name in TABLE)
        index.axes.save_all([HEIGHT, es.Axis("path", groups=[["z"], ["xy"]], values=[30, 10])])
        index.axes.save(es.Axis("sum", formula="2 * height - path", formula_unit=unit))
        axis = index.axes["sum"]
        vectors = np.array(list(TABLE.values()))
        assert np.diff(axis.raw(vectors)) == pytest.approx(np.diff(vectors, axis=0) @ axis.gradient, abs=1e-4)
        assert axis.step == pytest.approx(axis.gradient)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({}, "lacks 'low' and 'high'"),
        ({"groups": [["a"]]}, "at least 2 groups"),
        ({"groups": [["a"], []]}, "none of them empty"),
        ({"groups": "ab"}, "list of lists"),
        ({"groups": 5}, "'groups' must be a list of lists of texts, not 5"),
        ({"groups": [5, ["a"]]}, "'groups' must be a list of texts, not 5"),
        ({"groups": [["a"], ["b"]], "values": 3}, "'values' must be a list of numbers, not 3"),
        ({"groups": [["a"], ["b"]], "values": "12"}, "'values' must be a list of numbers, not '12'"),
        ({"groups": {"field": "year"}}, "'groups' lacks 'bins'"),
        ({"groups": {"field": "year", "bins": 1}}, "at least 2, not 1"),
        ({"groups": {"field": "year", "bins": "6"}}, "'bins' in 'groups' must be a whole number, not '6'"),
        ({"groups": {"feld": "year", "bins": 2}}, "unknown key 'feld'. Did you mean 'field'"),
        ({"groups": [["a"], ["b"]], "values": [1]}, "one number for each"),
        ({"difference": ["a"]}, "must name 2 axes, not 1"),
        ({"difference": ["b", "size"]}, "derived from itself"),
        ({"rotation": {"start": "a", "towards": "b"}}, "'rotation' lacks 'degrees'"),
        ({"rotation": TURN | {"degrees": "45"}}, "'degrees' in 'rotation' must be a number, not '45'"),
        ({"rotation": TURN | {"degrees": math.nan}}, "'degrees' in 'rotation' must be a number, not nan"),
        ({"rotation": TURN | {"degrees": -math.inf}}, "'degrees' in 'rotation' must be a number, not -inf"),
        ({"rotation": TURN | {"degrees": 10**400}}, "'degrees' in 'rotation' must be a number, not one beyond 1e308"),
        ({"component": {"number": 0}}, "counted from 1, not 0"),
        ({"formula": "weight +"}, "cannot be read"),
        ({"formula": "2 + 3"}, "names no axis"),
        ({"formula": "weight", "formula_unit": "kg"}, "no formula_unit 'kg'"),
        ({"formula": "weight", "orthogonal_to": ["b"]}, "needs one direction"),
        ({"formula": "weight", "low": ["a"], "high": ["b"]}, "is defined by poles and formula"),
        ({"low": ["a"], "high": ["b"], "formula_unit": "raw"}, "'formula_unit' goes with a formula, not poles"),
        ({"expression": "a - b", "frames": ["a {}"]}, "'frames' go with poles or groups of phrases, not expression"),
        ({"groups": {"field": "year", "bins": 2}, "frames": ["a {}"]}, "'frames' go with poles or groups of phrases"),
        ({"expression": "a +"}, "cannot be read"),
        ({"expression": "a - a"}, "cancel out"),
        ({"field": 3}, "'field' must be a text, not 3"),
        ({"field": "year", "ratings": {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}}, "is defined by ratings and field"),
    ],
)
def test_wrong_kinds_get_one_clear_line(definition, message):
    """A definition that cannot work says what was seen and what is wanted."""
    with pytest.raises(es.AxisError) as caught:
        es.Axis.from_dict("size", definition)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "source",
    ["__import__('os')", "weight.real", "weight[0]", "lambda: 1", "weight if 1 else 2", "min(weight, 2)", "'a'*9",
     "weight and 1", "log(weight, 2)", "weight == 2", "True*weight", "[weight]", "f'{weight}'", "2j*weight",
     "1e999*weight", "weight - " + "9" * 400],
)  # fmt: skip
def test_a_formula_holds_arithmetic_only(source):
    """Calls, attributes, comparisons, texts and the rest of Python are refused, not run."""
    with pytest.raises(es.AxisError, match=r"it may hold names of axes, numbers|cannot be read"):
        parse_formula(source)


def test_a_formula_is_arithmetic():
    """Precedence, signs, powers and functions are those of Python on floats; a hostile power is no number at once."""
    columns = {"a": np.array([1.0, 4.0]), "b": np.array([2.0, 3.0])}
    assert parse_formula("-a + 2*b**2/4 - sqrt(a)").evaluate(columns).tolist() == [0.0, -1.5]
    assert parse_formula("a").names == ("a",)
    with pytest.raises(es.AxisError, match="gives no number at a 1"):
        parse_formula("a + 9**9**9**9").evaluate(columns)
    with pytest.raises(es.AxisError, match="gives no number"):
        parse_formula("log(a - b)").evaluate(columns)
    with pytest.raises(es.AxisError, match="at most 500"):
        parse_formula("a" + " + a" * 200)


def test_circles_of_axes_are_refused(index):
    """Axes that are derived from one another are named in their circle, and nothing is saved."""
    one = es.Axis("one", difference=["two", "size"])
    two = es.Axis("two", formula="one + size")
    with pytest.raises(es.AxisError, match=r"in a circle: '(one|two)' from '(one|two)' from"):
        index.axes.save_all([one, two])
    assert set(index.axes) == {"predatoriness", "size"}
    with pytest.raises(es.AxisError, match=r"derived from 'siez', which is not there\. Did you mean 'size'"):
        index.axes.save(es.Axis("three", formula="siez * 2"))


def test_derived_axes_follow_what_they_are_derived_from(index):
    """A new version of an axis makes new versions of those derived from it; it cannot be deleted under them."""
    index.axes.save_all(
        [es.Axis("ratio", formula="predatoriness - size"), es.Axis("d", difference=["size", "predatoriness"])]
    )
    index.axes.save_all([es.Axis("half", formula="ratio / 2")])
    before = index.axes["d"].fitted.direction
    index.axes.save(es.Axis("size", ["mouse"], ["whale", "sheep"]))
    assert index.axes.versions() == {"predatoriness": 1, "size": 2, "ratio": 2, "d": 2, "half": 2}
    assert not np.allclose(before, index.axes["d"].fitted.direction)
    with pytest.raises(es.AxisError, match=r"delete '(ratio|d)' first"):
        index.axes.delete("size")


def test_without_an_index_documents_cannot_be_asked_for():
    """An axis of a field, of documents or of a component says that it needs an index."""
    for definition in ({"field": "year"}, {"component": {"number": 1}}, {"groups": {"field": "year", "bins": 3}}):
        with pytest.raises(es.AxisError, match="of an index; fit it there"):
            fitted(**definition)
    with pytest.raises(es.AxisError, match="no axis 'b' to derive from"):
        fit_axis(es.Axis("a", difference=["b", "c"]), EncoderMaterial(TableEncoder(TABLE), {}))


def test_definitions_survive_json(base):
    """Every kind comes back from its JSON form and from TOML, and fitted curves with their nodes."""
    for definition in (
        {"groups": [["x"], ["y"]], "values": [1, 2]},
        {"groups": {"field": "year", "bins": 3}},
        {"expression": "x + y"},
        {"rotation": {"start": "height", "towards": "weight", "degrees": 45}},
        {"formula": "height + weight", "formula_unit": "raw"},
        {"component": {"number": 1, "where": "year > 3"}},
        {"low": ["x"], "high": ["y"], "orthogonal_to": ["height"]},
    ):
        axis = es.Axis("a", **definition)
        assert es.Axis.from_dict("a", axis.to_dict()) == axis
        assert es.Axis.from_dict("a", tomllib.loads(axis.to_toml())["a"]) == axis
    axis = fitted(groups=[["x"], ["xy"], ["y"]])
    again = es.FittedAxis.from_dict(axis.axis, axis.to_dict())
    assert again.read([X, Y, Z]).tolist() == axis.read([X, Y, Z]).tolist()


def test_a_definition_keeps_its_own_tables(tmp_path):
    """Any mapping is a table, and one that is changed afterwards changes no axis."""
    table = {"field": "year", "bins": 3}
    axis = es.Axis("series", groups=MappingProxyType(table))
    table["bins"] = 0
    assert axis.groups == {"field": "year", "bins": 3}
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add(es.Document(f"d{n}", f"text {n}", metadata={"year": n}) for n in range(9))
        assert index.axes.save(axis).curve.values.tolist() == [1, 4, 7]
    assert es.Axis("size", ["small"], ["large"], groups={}).kinds == ("poles",)


def test_fields_become_numbers():
    """Numbers, texts of numbers, dates as years, yes and no; bins keep equal values together."""
    assert as_numbers("a", "f", [1, "2", 3.5, 4, 5]).tolist() == [1, 2, 3.5, 4, 5]
    assert as_numbers("a", "f", ["yes", "no", "no", "yes", "no"]).tolist() == [1, 0, 0, 1, 0]
    assert as_numbers("a", "f", ["b", "a", "a", "b", "b"]).tolist() == [1, 0, 0, 1, 1]
    assert as_number("2001-07-02") == pytest.approx(2001.4986, abs=1e-3)
    assert as_number("soon") is None
    places, values = binned("a", "f", [1, 1, 1, 2, 3, 4], 3)
    assert (places.tolist(), values) == ([0, 0, 0, 1, 2, 2], [1, 2, 3.5])
    with pytest.raises(es.AxisError, match="neither a number nor a date"):
        binned("a", "f", [1, "soon"], 2)
    with pytest.raises(es.AxisError, match="is 1 in all documents, so it gives no series"):
        binned("a", "f", [1, 1, 1], 2)


@pytest.mark.parametrize(
    ("counts", "bins", "sizes"),
    [
        ({0: 60, 1: 40}, 2, [60, 40]),
        ({0: 40, 1: 60}, 2, [40, 60]),
        ({1: 5, 2: 5, 3: 10, 4: 25, 5: 55}, 2, [45, 55]),
        ({1: 55, 2: 25, 3: 10, 4: 5, 5: 5}, 2, [55, 45]),
        (dict.fromkeys(range(100), 1), 4, [25, 25, 25, 25]),
    ],
)
def test_bins_are_cut_between_values(counts, bins, sizes):
    """Each quantile moves to the nearest place between two values, whichever end most documents are at."""
    places, _ = binned("a", "stars", [value for value, count in counts.items() for _ in range(count)], bins)
    assert np.bincount(places).tolist() == sizes


@given(st.lists(st.integers(0, 9), min_size=2, max_size=60), st.integers(2, 8))
def test_bins_are_the_nearest_that_part_no_equal_values(numbers, bins):
    """Against an oracle that tries all places between two values for each quantile; any two values are a series."""
    ascending = sorted(numbers)
    between = [n for n in range(1, len(ascending)) if ascending[n - 1] != ascending[n]]
    if not between:
        with pytest.raises(es.AxisError, match="no series"):
            binned("a", "f", numbers, bins)
        return
    quantiles = [Fraction(len(numbers) * k, bins) for k in range(1, bins)]
    starts = sorted({min(between, key=lambda n: abs(n - quantile)) for quantile in quantiles})
    places, values = binned("a", "f", numbers, bins)
    wanted = [sum(ascending.index(number) >= start for start in starts) for number in numbers]
    assert places.tolist() == wanted
    assert values == sorted(values)


@pytest.mark.parametrize("asked", [(), ("f",), ("p", "q", "f", "d", "n", "o", "b")])
def test_what_is_derived_from_a_lent_axis_is_lent_with_it(tmp_path, asked):
    """A lent axis gives the coordinates that saving it gives, and so does all that is derived from it."""
    encoder = HashEncoder(16)
    derived = [
        es.Axis("f", formula="p + q"), es.Axis("d", difference=["p", "q"]), es.Axis("n", formula="2 * d"),
        es.Axis("o", ["l3"], ["h3"], orthogonal_to=["p"]), es.Axis("b", ["l4"], ["h4"], prior="d"),
    ]  # fmt: skip
    p, q, other = es.Axis("p", ["l1"], ["h1"]), es.Axis("q", ["l2"], ["h2"]), es.Axis("p", ["l9"], ["h9"])
    names = ["p", "q", "f", "d", "n", "o", "b"]
    with es.Index.create(tmp_path / "i", encoder) as index:
        index.add([es.Document(f"d{number}", f"text {number}") for number in range(40)])
        index.axes.save_all([p, q, *derived])
        saved = index.place(["zz"], names)[0]
        with es.open(tmp_path / "i", encoder) as lent:
            if asked:
                lent.place(["zz"], list(asked))
            lent.axes.lend([other])
            found = lent.place(["zz"], names)[0]
            with es.open(tmp_path / "i", encoder) as again:  # nothing was written
                assert again.place(["zz"], names)[0] == saved
            index.axes.save(other)
            wanted = index.place(["zz"], names)[0]
            lent.axes.delete("n")
            assert "n" not in lent.axes
            lent.axes.save(es.Axis("b", ["l5"], ["h5"]))  # what is saved later stands before what was lent
            assert (lent.axes.definitions()["b"].prior, lent.axes.versions()["b"]) == ("", 3)
    assert found.coordinates == pytest.approx(wanted.coordinates, abs=1e-9)
    assert all(abs(found.coordinates[name] - saved.coordinates[name]) > 1e-3 for name in names if name != "q")
    assert found.versions == dict.fromkeys(names, 0) | {"q": 1}


def test_a_field_without_a_value_teaches_nothing(tmp_path):
    """A column that is empty everywhere is told from one that is not there."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add([es.Document(f"d{n}", f"text {n}", metadata={"year": "", "when": None}) for n in range(6)])
        for name in ("year", "when"):
            for definition in ({"field": name}, {"groups": {"field": name, "bins": 2}}):
                with pytest.raises(es.AxisError, match=f"axis 'y': no document of the index has a value in .*'{name}'"):
                    index.axes.save(es.Axis("y", **definition))
        with pytest.raises(es.AxisError, match=r"has the field 'yaer'\. Did you mean 'year'"):
            index.axes.save(es.Axis("y", field="yaer"))


def test_compact_dates_are_dates_among_dates():
    """20150301 beside 2015-03-01 is the same day; alone it is a number, and what is no day stays one."""
    day = 2015 + 59 / 365
    mixed = ["2015-03-01", "20150301", 20150301, " 20160301 ", 2014, "2014-01-01T10:00"]
    assert numbers_of(mixed) == pytest.approx([day, day, day, 2016 + 60 / 366, 2014, 2014])
    assert as_numbers("a", "f", mixed).tolist() == numbers_of(mixed)
    years = [f"20{year:02d}0301" if year % 2 else f"20{year:02d}-03-01" for year in range(20)]
    places, values = binned("a", "f", years, 2)
    assert places.tolist() == [0] * 10 + [1] * 10
    assert values == pytest.approx([2004.66, 2014.66], abs=0.01)
    assert numbers_of(["2015-03", "2015-13", "1_2"]) == [pytest.approx(day), None, None]
    assert numbers_of(["20150301", "20160301", 7]) == [20150301, 20160301, 7]
    others = numbers_of(["2015-03-01", "20151399", "20150301.0", 20150301.0])
    assert others == pytest.approx([day, 20151399, 20150301, 20150301])


def test_a_number_too_large_to_count_is_one_line(tmp_path):
    """10**400 in a field, in groups of it, or as a rating: an AxisError that does not show all digits."""
    with es.Index.create(tmp_path / "i", HashEncoder(8)) as index:
        index.add([es.Document(f"d{n}", f"t {n}", metadata={"huge": 10**400 + n}) for n in range(8)])
        for axis in (es.Axis("a", field="huge"), es.Axis("a", groups={"field": "huge", "bins": 2})):
            with pytest.raises(es.AxisError, match="'huge' holds a number beyond 1e308") as raised:
                index.axes.save(axis)
            assert len(str(raised.value)) < 120
    with pytest.raises(es.AxisError, match="the rating of 'b' must be a number, not one beyond 1e308"):
        es.Axis("a", ratings={"a": 1, "b": 10**400, "c": 2, "d": 3, "e": 4})
    assert as_number(-(10**400)) is None
    assert as_number("1" + "0" * 400) is None
