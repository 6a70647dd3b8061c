"""Axes worked out by hand in three dimensions."""

import numpy as np
import pandas
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.axes import Scale
from embedsearch.axes.writing import axes_toml
from embedsearch.testing import TableEncoder

UP = {"small": [1, 0, 0], "tiny": [0.8, 0, 0.6], "large": [0, 1, 0], "huge": [0, 0.8, 0.6]}


def test_a_pole_axis_is_the_difference_of_the_means():
    """Direction, step and origin agree with arithmetic on squared paper to 1e-6."""
    fitted = es.Axis("size", ["small", "tiny"], ["large", "huge"]).fit(TableEncoder(UP))
    # means (.9, 0, .3) and (0, .9, .3): the step is (-.9, .9, 0), the direction (-1, 1, 0)/sqrt 2.
    assert fitted.step.tolist() == pytest.approx([-0.9, 0.9, 0], abs=1e-6)
    assert fitted.direction.tolist() == pytest.approx([-(0.5**0.5), 0.5**0.5, 0], abs=1e-6)
    # half-way is (.45, .45, .3), which the direction reads as 0.
    assert fitted.origin == pytest.approx(0, abs=1e-6)
    assert fitted.read([0, 1, 0]).tolist() == pytest.approx([0.5**0.5], abs=1e-6)
    assert fitted.read([[1, 0, 0], [0, 0, 1]]).tolist() == pytest.approx([-(0.5**0.5), 0], abs=1e-6)


def test_every_phrase_goes_into_every_frame():
    """Two phrases in two frames are four texts, and their mean is the pole."""
    axis = es.Axis("size", ["small"], ["large", "huge"], frames=["a {} animal", "a {} person"])
    assert axis.low_texts == ["a small animal", "a small person"]
    assert axis.high_texts == ["a large animal", "a huge animal", "a large person", "a huge person"]
    table = {text: [1, 0, 0] for text in axis.low_texts} | {text: [0, 1, 0] for text in axis.high_texts}
    table["a huge person"] = [0, -1, 0]
    assert axis.fit(TableEncoder(table)).step.tolist() == pytest.approx([-1, 0.5, 0], abs=1e-6)


def test_a_scale_counts_in_standard_deviations():
    """Of 1, 2, 3, 4, 5 the mean is 3 and the deviation sqrt 2; percentiles lie between the values."""
    scale = Scale.of([5, 1, 3, 2, 4], name="size")
    assert scale.standardise([3, 5]).tolist() == pytest.approx([0, 2**0.5])
    assert scale.at_percentile(50) == pytest.approx(0)
    assert scale.at_percentile(75) == pytest.approx(1 / 2**0.5)
    assert scale.at_percentile(0) == pytest.approx(-(2**0.5))
    assert scale.percentile_of([0, 2**0.5, 99, -99]).tolist() == pytest.approx([50, 100, 100, 0])


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=50, unique=True), st.floats(0, 100))
def test_percentiles_are_those_of_numpy(values, percent):
    """The quantile table gives what numpy gives on the whole population, to a thousandth of the range."""
    if np.std(values) < 1e-6:
        return
    scale = Scale.of(values, name="size")
    wanted = (np.percentile(values, percent) - np.mean(values)) / np.std(values)
    width = (max(values) - min(values)) / np.std(values)
    assert scale.at_percentile(percent) == pytest.approx(wanted, abs=width / 500)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"low": ["small"], "high": []}, "'size' has nothing in 'high'"),
        ({"low": ["small"], "high": ["  "]}, "has nothing in 'high'"),
        ({"low": ["small"]}, "'size' has nothing in 'high'"),
        ({"low": ["small"], "high": ["large", "Small"]}, "'small' on both sides"),
        ({"low": ["very  small"], "high": ["large", "Very small"]}, "'very small' on both sides"),
        ({"low": ["small"], "hihg": ["large"]}, "unknown key 'hihg'. Did you mean 'high'"),
        ({"low": "small", "high": ["large"]}, "must be a list of texts, not 'small'"),
        ({"low": [1], "high": ["large"]}, "must be a list of texts"),
        ({"low": ["small"], "high": ["large"], "frames": ["an animal"]}, "must hold {} once"),
        ({"low": ["small"], "high": ["large"], "frames": []}, "nothing in 'frames'"),
        ({"low": ["small"], "high": ["large"], "description": 3}, "'description' must be a text"),
    ],
)
def test_wrong_definitions_get_one_clear_line(definition, message):
    """A definition that cannot work says what was seen and what is wanted."""
    with pytest.raises(es.AxisError) as caught:
        es.Axis.from_dict("size", definition)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_arrays_and_columns_are_lists_and_tables():
    """As numpy and pandas give them; a column whose index is no texts rates nothing, one with twins too much."""
    poles = es.Axis("a", low=np.array(["small"]), high=pandas.Series(["large", "huge"]))
    assert (poles.low, poles.high) == (("small",), ("large", "huge"))
    frame = pandas.DataFrame({"text": list("abcdef"), "rating": [1, 2, 3, 4, 5, 6.5]})
    rated = es.Axis("a", ratings=frame.set_index("text")["rating"])
    assert rated == es.Axis("a", ratings=dict(zip("abcdef", [1, 2, 3, 4, 5, 6.5], strict=True)))
    assert es.Axis("a", groups=[["a"], ["b"]], values=np.array([1, 8])).values == (1.0, 8.0)
    with pytest.raises(es.AxisError, match=r"'ratings' rates 0, which is no text; make them the column's index"):
        es.Axis("a", ratings=frame["rating"])
    with pytest.raises(es.AxisError, match="'ratings' rates 'a' twice"):
        es.Axis("a", ratings=pandas.concat([frame, frame[:1]]).set_index("text")["rating"])
    with pytest.raises(es.AxisError, match=r"'ratings' rates 5, which is no text$"):
        es.Axis("a", ratings={5: 1.0})
    for wrong in (frame, np.ones((2, 2)), {"small"}, "small"):
        with pytest.raises(es.AxisError, match="'low' must be a list of texts"):
            es.Axis("a", low=wrong, high=["large"])
    with pytest.raises(es.AxisError, match="'ratings' is a data frame; give one column, with what is rated as"):
        es.Axis("a", ratings=frame)
    with pytest.raises(es.AxisError, match="'ratings' must be a table of texts with numbers"):
        es.Axis("a", ratings=np.ones((2, 2)))


@pytest.mark.parametrize("name", ["one, two", "-a", "a=1", "a\nb", " a", "a ", "a  b", ",", "", " ", 3, "a\ud800"])
def test_what_commands_would_take_apart_is_no_name(name):
    """A name can be asked for alone, among others, with a value, and turned round."""
    with pytest.raises(es.AxisError, match=r"cannot be called|needs a name"):
        es.Axis(name, ["small"], ["large"])


@pytest.mark.parametrize("name", ["size", "größe", "prey - predator", "how large?", "x.y"])
def test_other_names_are_names(name):
    """Spaces, signs and letters of any script may stand in a name."""
    assert es.Axis(name, ["small"], ["large"]).name == name


def test_poles_with_the_same_mean_are_refused():
    """An axis between two equal points has no direction."""
    table = {"small": [1, 0], "large": [0, 1], "tall": [1, 0], "short": [0, 1]}
    with pytest.raises(es.AxisError, match="same mean vector"):
        es.Axis("size", ["small", "short"], ["large", "tall"]).fit(TableEncoder(table))


def test_a_population_of_one_point_is_refused():
    """Standard deviations of nothing, of one passage, and of equal passages do not exist."""
    wrong = (([], "has 0"), ([0.3], "has 1"), ([0.3, 0.3], "all 2 lie at one place"), ([0.3, np.nan], "are NaN or inf"))
    for raw, message in wrong:
        with pytest.raises(es.AxisError, match=message):
            Scale.of(raw, name="size")


def test_vectors_of_another_encoder_are_refused():
    """Reading vectors of another dimension says both dimensions."""
    fitted = es.Axis("size", ["small"], ["large"]).fit(TableEncoder(UP))
    with pytest.raises(es.AxisError, match="2 dimensions where 3 are wanted"):
        fitted.read([1.0, 0.0])


def test_axes_come_from_toml(tmp_path):
    """A file with one table an axis gives them in their order, frames among them."""
    file = tmp_path / "axes.toml"
    file.write_text('[size]\nlow = ["small"]\nhigh = ["large"]\nframes = ["a {} thing"]\n[b]\nlow=["x"]\nhigh=["y"]\n')
    size, other = es.read_axes(file)
    assert (size.name, size.high_texts, other.name) == ("size", ["a large thing"], "b")
    assert es.Axis.from_dict("size", size.to_dict()) == size


NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.sampled_from(["size", "körper größe", "a.b [c]", '"', "#1", "ratings"])


@given(
    names=st.lists(NAMES, min_size=1, unique=True),
    text=st.text(st.characters(codec="utf-8")).filter(str.strip),
    ratings=st.dictionaries(st.text('abcdefgh."\\', min_size=1), NUMBERS, min_size=5),
)
def test_what_is_written_as_toml_is_read_back(tmp_path_factory, names, text, ratings):
    """Whatever names, phrases and numbers are: quotes, line breaks, signs of TOML, and lists longer than a line."""
    assume(len(set(map(float, ratings.values()))) > 1)
    shared = {"frames": ["{}", "a {}"], "description": text, "ratings": ratings, "rated_documents": {text: 0.5}}
    axes = [es.Axis(name, low=["-" + text], high=["+" + text] * 2 + ["x" * 99], **shared) for name in names]
    file = tmp_path_factory.mktemp("toml") / "axes.toml"
    file.write_bytes(axes_toml(axes).encode())
    assert es.read_axes(file) == axes


def test_a_definition_as_toml_says_what_is_its_own(tmp_path):
    """Nothing stands there that a definition leaves unsaid; several are a file."""
    plain = es.Axis("size", ["small"], ["large"])
    assert plain.to_toml() == '[size]\nlow = ["small"]\nhigh = ["large"]\n'
    rated = es.Axis("own size", ratings={"flea": 0.1, "the mouse": 7, "a": 1, "b": 2, "c": 3}, unit="cm")
    assert rated.to_toml() == (
        '["own size"]\nunit = "cm"\n["own size".ratings]\nflea = 0.1\n"the mouse" = 7\na = 1\nb = 2\nc = 3\n'
    )
    (tmp_path / "axes.toml").write_text(axes_toml([plain, rated]), "utf-8")
    assert es.read_axes(tmp_path / "axes.toml") == [plain, rated]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "defines no axis"),
        ("low = [1]", "'low' stands outside a table"),
        ("[size\n", "cannot be read"),
        ('[size]\nlow = ["a"]\nhigh = []\n', "nothing in 'high'"),
    ],
)
def test_wrong_files_are_named(tmp_path, text, message):
    """An axis file that cannot be used is named with the cause."""
    file = tmp_path / "axes.toml"
    file.write_text(text)
    with pytest.raises(es.AxisError) as caught:
        es.read_axes(file)
    assert str(file) in str(caught.value)
    assert message in str(caught.value)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    """Editors on Windows put one before the text."""
    (tmp_path / "axes.toml").write_bytes(b'\xef\xbb\xbf[size]\nlow = ["small"]\nhigh = ["large"]\n')
    assert es.read_axes(tmp_path / "axes.toml") == [es.Axis("size", ["small"], ["large"])]


def test_a_missing_file_is_named(tmp_path):
    """A path without a file says what should be there."""
    with pytest.raises(es.AxisError, match=r"there is no file .*none\.toml"):
        es.read_axes(tmp_path / "none.toml")


def test_the_shipped_axes_have_eight_poles_a_side():
    """The corpus ships predatoriness, size and at least four more, each with frames and 8 phrases a side."""
    axes = es.read_axes(__import__("conftest").CORPUS / "axes.toml")
    assert {"predatoriness", "size"} <= {axis.name for axis in axes}
    assert len(axes) >= 6
    for axis in axes:
        assert min(len(axis.low), len(axis.high)) >= 8
        assert axis.description
        assert axis.frames


@pytest.mark.parametrize("seed", range(8))
def test_passages_at_one_place_share_their_middle_percentile(seed):
    """Of 60 % duplicates and others: percent of the others below plus half of those at the same place, in any order."""
    random = np.random.default_rng(seed)
    values = np.concatenate([np.full(600, random.normal()), random.normal(size=400)])
    scale = Scale.of(values, name="x")
    others = len(values) - 1
    below = (values[:, None] > values).sum(axis=1)
    same = (values[:, None] == values).sum(axis=1) - 1
    wanted = 100 * (below + same / 2) / others
    found = scale.percentile_of(scale.standardise(values))
    assert found[:600] == pytest.approx(wanted[:600], abs=0.051)
    assert found == pytest.approx(wanted, abs=0.1)
    assert len(set(found[:600])) == 1
    # The last bits of float32 products say nothing: neither of what is asked for nor of the population.
    noise = random.normal(size=1000) * 3e-8
    assert scale.percentile_of(scale.standardise(values + noise))[:600] == pytest.approx(found[:600], abs=1e-9)
    shaken = Scale.of(values + noise, name="x")
    assert shaken.percentile_of(shaken.standardise(values + noise)) == pytest.approx(wanted, abs=0.2)
    # The place at any percent in the middle of them is theirs, and has the percentile of all of them.
    for percent in np.linspace(wanted[0] - 29, wanted[0] + 29, 7):
        assert scale.at_percentile(percent) == pytest.approx(scale.standardise(values[0]), abs=1e-12)
    for percent in (0, 0.1, 33.3, 99.5, 100):
        back = scale.percentile_of([scale.at_percentile(percent)])[0]
        assert back == pytest.approx(wanted[0] if abs(percent - wanted[0]) < 29.9 else percent, abs=0.06)


def test_two_places_have_the_middles_of_their_halves():
    """Fifty at 0 and fifty at 1: 49 others at the same place count half, 24.7 %, and 75.3 %; between them a half."""
    scale = Scale.of(np.repeat([0.0, 1.0], 50), name="x")
    assert scale.percentile_of([-1, 1, 0, -9, 9]) == pytest.approx([24.75, 75.25, 50, 0, 100], abs=0.06)
    assert [scale.at_percentile(percent) for percent in (0, 49, 51, 100)] == [-1, -1, 1, 1]


def test_a_percent_that_was_computed_is_the_one_that_was_meant():
    """A hundred times .333 is not 33.3 to the last bit; the place at either is the same to the last bit."""
    scale = Scale.of(np.random.default_rng(0).normal(size=5000), name="x")
    computed = [scale.at_percentile(100 * (tenths / 1000)) for tenths in range(1001)]
    assert computed == [scale.at_percentile(tenths / 10) for tenths in range(1001)]
