"""What figures show: every position and count in them is that of the index."""

import errno
import itertools
import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.plots import Look, files, plane
from embedsearch.plots.categories import Categories
from embedsearch.plots.ends import group_names, own_scale, pole_names
from embedsearch.plots.histogram import bin_edges
from embedsearch.plots.lettering import Lettering
from embedsearch.testing import HashEncoder

AXES = ["predatoriness", "size"]
# By hand, from the table of conftest.py: x is (raw - 0.375) / 0.392906, y is (raw + 0.025) / 0.611862.
SHEEP, SPIDER, WOLF = (-0.954427, 1.021472), (0.572656, -1.266626), (1.081684, 0.040859)


def by_gid(plot, prefix):
    """Return the artists of a figure whose gid begins with a prefix."""
    return plot.figure.axes[0].findobj(lambda artist: str(artist.get_gid() or "").startswith(prefix))


def mark(plot, role, place=0):
    """Return where the marks of a role are drawn, one of them."""
    return by_gid(plot, f"{role}-")[place].get_xydata()[0]


def boxes(plot):
    """Return the pixel boxes of the labels of a figure."""
    from matplotlib.text import Annotation

    axes = plot.figure.axes[0]
    texts = [text for text in axes.texts if not isinstance(text, Annotation)]
    return {text.get_text(): text.get_window_extent() for text in texts}


@pytest.fixture
def crowd(tmp_path):
    """Return an index of sixty phrases with random vectors and two axes."""
    with es.Index.create(tmp_path / "crowd", HashEncoder(16)) as index:
        index.add(es.Document(f"d{n}", f"a phrase, the {n}th", metadata={"n": n}) for n in range(60))
        index.axes.save_all([es.Axis("a", ["one"], ["two"]), es.Axis("b", ["three"], ["four"])])
        yield index


def test_points_stand_where_the_index_places_them(index):
    """Each passage is drawn at its own coordinates."""
    plot = es.plot_plane(index, *AXES)
    drawn = by_gid(plot, "passages")[0].get_xydata()
    wanted = [list(place.coordinates.values()) for place in index.place_all(AXES)]
    assert drawn == pytest.approx(np.array(wanted), abs=1e-9)
    assert plot.to_dict()["passages"] == plot.to_dict()["of"] == 8


def test_phrases_stand_where_they_lie(index):
    """A phrase is marked at its coordinates, as worked out by hand."""
    plot = es.plot_plane(index, *AXES, phrases=["wolf", "sheep"])
    assert mark(plot, "phrase", 0) == pytest.approx(WOLF, abs=1e-5)
    assert mark(plot, "phrase", 1) == pytest.approx(SHEEP, abs=1e-5)
    assert set(plot.labels) == {"wolf", "sheep"}


def test_the_star_stands_at_the_sum(index):
    """The star is at the sum of the coordinates, and each answer at its own."""
    plot = es.plot_plane(index, *AXES, calc="sheep + spider", k=3)
    assert mark(plot, "sum") == pytest.approx(np.add(SHEEP, SPIDER), abs=1e-5)
    answer = index.calc("sheep + spider", on=AXES, k=3)
    assert tuple(mark(plot, "sum")) == pytest.approx(tuple(answer.point.values()), abs=1e-9)
    for place, hit in enumerate(answer.hits):
        assert tuple(mark(plot, "answer", place)) == pytest.approx(tuple(hit.coordinates.values()), abs=1e-9)
    assert {hit.text for hit in answer.hits} <= set(plot.labels)


def test_arrows_go_head_to_tail_with_their_weights(index):
    """0.5 wolf - 2 sheep: from the mean to half the wolf, from there against the sheep, twice."""
    plot = es.plot_plane(index, *AXES, calc="0.5*wolf - 2*sheep")
    first, second = by_gid(plot, "arrow-")
    half = np.multiply(0.5, WOLF)
    assert first.get_position() == (0, 0)
    assert first.xy == pytest.approx(half, abs=1e-5)
    assert second.get_position() == pytest.approx(half, abs=1e-5)
    assert second.xy == pytest.approx(half - np.multiply(2, SHEEP), abs=1e-5)
    assert second.xy == pytest.approx(mark(plot, "sum"), abs=1e-9)
    assert {"0.5·wolf", "− 2·sheep"} <= set(plot.labels)


def test_a_condition_holds_for_points_and_answers(index):
    """Passages that do not satisfy the condition are neither drawn nor among the answers."""
    plot = es.plot_plane(index, *AXES, calc="sheep + spider", where='kind == "person"')
    assert len(by_gid(plot, "passages")[0].get_xydata()) == 1
    assert [found.text for found in plot.scene.marks if found.role == "answer"] == ["politician"]
    title = plot.figure.axes[0].get_title(loc="left")
    assert title == 'index: 1 of 8 passages (kind == "person"), encoder table'


def test_each_category_has_a_colour_and_a_marker_of_its_own(index):
    """Points of a category stand at their coordinates; the legend counts them; the most frequent come first."""
    plot = es.plot_plane(index, *AXES, color="kind", documents=["id-politician"])
    entries = plot.scene.categories.entries
    assert [(entry.name, entry.count) for entry in entries] == [("animal", 6), ("person", 1), ("plant", 1)]
    assert len({entry.color for entry in entries}) == len({entry.marker for entry in entries}) == 3
    person = by_gid(plot, "category-1")
    assert [drawn.get_xydata()[0] for drawn in person] == [pytest.approx((0.572656, 0.040859), abs=1e-5)]
    assert person[0].get_color() == entries[1].color
    assert sum(len(drawn.get_xydata()) for drawn in by_gid(plot, "category-0")) == 6
    labelled = by_gid(plot, "passage-")[0]
    assert (labelled.get_markerfacecolor(), labelled.get_marker()) == (entries[1].color, entries[1].marker)
    legend = [text.get_text() for text in plot.figure.legends[0].get_texts()]
    assert legend == ["animal (6)", "person (1)", "plant (1)"]


def test_many_passages_become_a_density(crowd, monkeypatch):
    """Beyond a number of points, the share of cells that are not empty and their shades say where passages are."""
    monkeypatch.setattr(plane, "DRAWN_ONE_BY_ONE", 50)
    monkeypatch.setattr(plane, "IN_COLOR", 20)
    plot = es.plot_plane(crowd, "a", "b", color="n")
    picture = by_gid(plot, "density")[0]
    axes, coordinates = plot.figure.axes[0], plot.scene.population.coordinates
    span = np.array([axes.get_xlim(), axes.get_ylim()])
    cells = ((coordinates - span[:, 0]) / (span[:, 1] - span[:, 0]) * (240, 180)).astype(int)
    shown = np.argwhere(np.asarray(picture.get_array())[..., 3] > 0)[:, ::-1]
    assert {tuple(cell) for cell in cells} == {tuple(cell) for cell in shown}
    assert sum(len(drawn.get_xydata()) for drawn in by_gid(plot, "category-")) == 20


def test_labels_cover_neither_one_another_nor_marks(crowd):
    """Thirty labels, measured in pixels: no two overlap, none covers a mark, all are inside the axes."""
    texts = [f"a phrase, the {n}th" for n in range(30)]
    plot = es.plot_plane(crowd, "a", "b", phrases=texts)
    placed = boxes(plot)
    assert len(placed) == len(plot.labels) == 30
    for first, second in itertools.combinations(placed.values(), 2):
        assert not first.overlaps(second)
    frame = plot.figure.axes[0].get_window_extent()
    marks = plot.figure.axes[0].transData.transform([found.at for found in plot.scene.marks])
    for box in placed.values():
        assert frame.x0 <= box.x0 < box.x1 <= frame.x1
        assert frame.y0 <= box.y0 < box.y1 <= frame.y1
        assert not any(box.contains(*point) for point in marks)


def test_labels_without_room_are_named(crowd):
    """What cannot be labelled is said, and the rest is drawn."""
    plot = es.plot_plane(crowd, "a", "b", phrases=[f"word {n} " * 9 for n in range(60)], look=Look(size=(2, 2)))
    assert plot.left_out
    assert len(plot.left_out) + len(plot.labels) == 60
    assert f"{len(plot.left_out)} labels found no room" in plot.notes[0]
    assert plot.notes[0].endswith(". A larger figure (--size 3x3) has more")


def test_what_lies_at_the_ends_is_labelled_where_nothing_else_is(index):
    """Without phrases, the outermost passages of either axis have labels; with --extremes 0 none."""
    plot = es.plot_axis(index, "size", extremes=1)
    assert set(plot.labels) == {"whale", "mouse"}
    assert es.plot_axis(index, "size", extremes=0).labels == ()
    assert es.plot_axis(index, "size", phrases=["wolf"]).labels == ("wolf",)
    assert len(es.plot_plane(index, *AXES).labels) > 3


def test_a_histogram_counts_what_passes(index):
    """Bars hold all passages; those above the threshold are counted strictly, as in a condition."""
    plot = es.plot_axis(index, "predatoriness", threshold=0.6)  # wolf and shark; 0.5727 is spider and politician
    assert plot.threshold.passed == 2 == plot.to_dict()["passed"]
    assert len(list(index.filter("predatoriness > 0.6"))) == 2
    kept, passed = (by_gid(plot, name)[0].get_data() for name in ("bars", "bars-passed"))
    assert kept.values.sum() == 6
    assert (passed.values - kept.values).sum() == 2
    assert 0.6 in [pytest.approx(edge, abs=1e-9) for edge in kept.edges]
    assert by_gid(plot, "threshold")[0].get_xdata()[0] == 0.6
    assert "above 0.6: 2 of 8 passages pass, 25.0%" in plot.figure.axes[0].get_title(loc="left")


def test_a_threshold_on_a_passage_does_not_pass_it(index):
    """A passage exactly at the threshold is not above it."""
    shark = index.place_all(["predatoriness"], sort="predatoriness")[0].coordinates["predatoriness"]
    for threshold, above in ((shark, 0), (np.nextafter(shark, 0), 1)):
        plot = es.plot_axis(index, "predatoriness", threshold=threshold)
        assert plot.threshold.passed == above
        kept, passed = (by_gid(plot, name)[0].get_data() for name in ("bars", "bars-passed"))
        assert (kept.values.sum(), (passed.values - passed.baseline).sum()) == (8 - above, above)
        assert passed.baseline.tolist() == kept.values.tolist()  # they stand on the others


def test_a_phrase_beyond_all_passages_is_in_view(index):
    """The bars end where the passages do, the axis where the phrase lies."""
    shark = index.place(["shark"], ["predatoriness"])[0].coordinates["predatoriness"]
    plot = es.plot_axis(index, "predatoriness", phrases=["shark"], where='kind == "person"')
    assert by_gid(plot, "bars")[0].get_data().values.sum() == 1
    assert plot.figure.axes[0].get_xlim()[1] > shark > index.population(["predatoriness"]).coordinates[-1, 0]


def test_the_width_of_bins_is_that_of_freedman_and_diaconis():
    """numpy's bins of that width end at the outermost passages; these go 2 % of the whole further on either side."""
    column = np.random.default_rng(0).normal(size=1000)
    wanted = len(np.histogram_bin_edges(column, "fd")) - 1
    assert 12 < wanted <= len(bin_edges(column)) - 1 <= np.ceil(1.04 * wanted) < 80


def test_percentiles_are_those_of_the_index(index):
    """The lines of a histogram stand at the percentiles of the whole index, whatever the condition."""
    plot = es.plot_axis(index, "size", threshold="p90", where='kind == "animal"')
    scale = index.axes["size"].scale
    for percent in (5, 25, 50, 75, 95):
        assert by_gid(plot, f"p{percent}")[0].get_xdata()[0] == scale.at_percentile(percent)
    assert plot.threshold.at == scale.at_percentile(90)
    # At 0 there are shark (animal), wolf (animal): the whale alone is above p90.
    assert plot.threshold.passed == 1


@pytest.mark.parametrize("where", ["size > p90", "size < p10", "year > 3000"])
def test_percentiles_out_of_view_are_left_out(index, where):
    """Their names would stand beside the axes, or, where nothing is drawn, so far away that no memory holds it."""
    axes = es.plot_axis(index, "size", where=where).figure.axes[0]
    left, right = axes.get_xlim()
    named = [text.xy[0] for text in axes.texts if text.get_text() in ("p5", "p25", "p50", "p75", "p95")]
    assert len(named) < 5
    assert all(left <= at <= right for at in named)


def test_categories_have_outlines_in_a_histogram(index):
    """The outlines of a histogram count the passages of each category."""
    plot = es.plot_axis(index, "size", color="kind")
    assert [by_gid(plot, f"category-{n}")[0].get_data().values.sum() for n in range(3)] == [6, 1, 1]


@given(st.lists(st.floats(-9, 9), max_size=200), st.one_of(st.none(), st.floats(-9, 9)))
def test_bins_hold_everything(column, edge):
    """Bins of one width, 12 to about 80, hold all coordinates and begin anew at the edge asked for."""
    values = np.array(column, dtype=np.float64)
    edges = bin_edges(values, [] if edge is None else [edge], edge=edge)
    assert 12 <= len(edges) - 1 <= 83
    assert np.histogram(values, edges)[0].sum() == len(values)
    assert np.diff(edges) == pytest.approx(edges[1] - edges[0], rel=1e-6)
    assert edge is None or np.abs(edges - edge).min() < 1e-9


@given(st.lists(st.one_of(st.none(), st.text(max_size=2), st.integers(-50, 50), st.floats(0, 1)), max_size=60))
def test_every_passage_has_one_category(values):
    """Categories part the passages; each has another look, and none is empty."""
    found = Categories.of("field", values)
    assert sum(entry.count for entry in found.entries) == len(values) == len(found.places)
    assert [len(found.members(n)) for n in range(len(found.entries))] == [entry.count for entry in found.entries]
    assert all(entry.count for entry in found.entries)
    assert len({entry.marker for entry in found.entries}) == len(found.entries) <= 10


def test_numbers_become_five_ranges():
    """Many different numbers are parted into fifths, ascending; missing ones stand last."""
    found = Categories.of("year", [*range(2000, 2050), None])
    assert [(entry.name, entry.count) for entry in found.entries] == [
        ("2000 to 2009", 10), ("2010 to 2019", 10), ("2020 to 2029", 10), ("2030 to 2039", 10), ("2040 to 2049", 10),
        ("no year", 1),
    ]  # fmt: skip


def test_few_values_that_are_no_numbers_are_named(index):
    """For them the others are no ranges: the picture's notes say so, with the condition that leaves them out."""
    index.add(es.Document(f"d{n}", "wolf", metadata={"Year": given}) for n, given in enumerate([*range(30), "n.d."]))
    plot = es.plot_plane(index, "predatoriness", "size", color="year")
    (told,) = plot.notes
    assert told.endswith(
        "(n.d.), all values are taken as text, without steps, ranges or trend. "
        'The condition year not in ["n.d."] leaves the others out'
    )
    assert es.plot_plane(index, "predatoriness", "size", color="year", where='year not in ["n.d."]').notes == ()
    assert Categories.of("f", [*range(30)]).odd == Categories.of("f", ["a", "b", *range(3)]).odd == ()


def test_ranges_that_lie_close_have_names_of_their_own():
    """Moments of one afternoon in seconds, with fractions, are parted into fifths as years are."""
    found = Categories.of("at", [1_700_000_000.5 + place for place in range(50)])
    assert [entry.count for entry in found.entries] == [10] * 5
    assert found.entries[0].name == "1700000000.5 to 1700000009.5"


def test_rare_values_share_a_category():
    """Of more than eight values, seven have a category each."""
    found = Categories.of("letter", [*"aaabbbccddeeffgg", *"hijk"])
    assert [entry.name for entry in found.entries] == [*"abcdefg", "4 other values"]
    assert found.entries[-1].count == 4


def test_values_that_differ_little_are_categories_of_their_own():
    """Neither small numbers nor the ends of long texts make one category of two; 2 and 2.0 are the same number."""
    found = Categories.of("share", [0.0001, 0.0002, 0.0002, 2, 2.0, True, [1, "x"]])
    assert {entry.name: entry.count for entry in found.entries} == {
        "0.0001": 1, "0.0002": 2, "2": 2, "true": 1, "1, x": 1}  # fmt: skip
    none = Categories.of("tags", [["x"], [], "", None])
    assert {entry.name: entry.count for entry in none.entries} == {"x": 1, "no tags": 3}
    texts = Categories.of("text", [f"{'a' * 300}{end}" for end in "xyy"])
    assert {entry.name[-1]: entry.count for entry in texts.entries} == {"x": 1, "y": 2}


@pytest.fixture
def grouped(index, encoder):
    """Return the index with a grouped axis: small, middling and large, at 1, 2 and 4."""
    encoder.table |= {"middling": [0.6, 0.0, 0.8], "tiny": [0.6, -0.8, 0.0]}
    groups = [["small", "tiny"], ["middling"], ["large"]]
    index.axes.save(es.Axis("steps", groups=groups, values=[1, 2, 4], unit="feet"))
    return index


def test_a_grouped_axis_is_a_curve_through_its_groups(grouped):
    """The curve passes through the means of the groups: at their values, and at their members' mean on other axes."""
    plot = es.plot_plane(grouped, "steps", "predatoriness")
    scale = grouped.axes["steps"].scale
    members = grouped.axes["predatoriness"].coordinates([[0, -1, 0], [0.6, -0.8, 0], [0.6, 0, 0.8], [0, 1, 0]])
    wanted = np.stack([scale.standardise([1, 2, 4]), [members[:2].mean(), members[2], members[3]]], axis=1)
    nodes = np.array([drawn.get_xydata()[0] for drawn in by_gid(plot, "group-")])
    assert nodes == pytest.approx(wanted, abs=1e-5)
    line = by_gid(plot, "curve-0")[0].get_xydata()
    assert line[[0, 12, 24]] == pytest.approx(wanted, abs=1e-5)
    assert {"small (+1)", "middling", "large"} <= set(plot.labels)


def test_a_grouped_axis_has_its_own_scale(grouped):
    """The scale of the groups' values reads the mean of the index at 0."""
    axis = grouped.axes["steps"]
    found = own_scale(axis)
    assert (found.origin, found.factor, found.name) == (axis.scale.mean, axis.scale.deviation, "feet")
    plot = es.plot_axis(grouped, "steps")
    second = plot.figure.axes[0].child_axes[0]
    left, right = plot.figure.axes[0].get_xlim()
    assert second.get_xlim() == pytest.approx((found.origin + found.factor * left, found.origin + found.factor * right))
    assert own_scale(grouped.axes["size"]) is None


def test_ends_have_the_names_of_the_poles(grouped):
    """The ends are named by the first phrases; without poles, by the first and last group, or by the axis."""
    assert pole_names(grouped.axes["size"].fitted) == ("small", "large")
    assert pole_names(grouped.axes["steps"].fitted) == ("small", "large")
    assert group_names(grouped.axes["steps"]) == ["small (+1)", "middling", "large"]
    grouped.axes.save(es.Axis("falling", groups=[["large"], ["small"]], values=[9, 1]))
    assert pole_names(grouped.axes["falling"].fitted) == ("small", "large")
    grouped.axes.save(es.Axis("years", field="year"))
    assert pole_names(grouped.axes["years"].fitted) == ("low year", "high year")
    plot = es.plot_plane(grouped, "size", "falling")
    ends = {drawn.get_gid(): drawn.get_text() for drawn in by_gid(plot, "pole-")}
    assert ends == {
        "pole-x-low": "← small", "pole-x-high": "large →", "pole-y-low": "← small", "pole-y-high": "large →",
    }  # fmt: skip


@pytest.mark.parametrize("format", ["png", "svg", "pdf"])
def test_the_same_input_gives_the_same_bytes(index, tmp_path, format):
    """Two figures of one index are the same file, whatever the user's own settings of matplotlib."""
    import matplotlib

    files = [tmp_path / f"{name}.{format}" for name in ("first", "second")]
    es.plot_plane(index, *AXES, calc="sheep + spider", color="kind").save(files[0])
    with es.open(index.path, index.encoder) as again, matplotlib.rc_context({"font.size": 20, "svg.hashsalt": "x"}):
        es.plot_plane(again, *AXES, calc="sheep + spider", color="kind").save(files[1])
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(files[0].read_bytes()) > 5_000


def test_figures_leave_no_state_behind():
    """Drawing opens no figure of pyplot, chooses no backend and leaves matplotlib's settings as they were."""
    code = (
        "import matplotlib\n"
        # Reading the setting for the backend would choose one.
        "def settings():\n    return {k: matplotlib.rcParams[k] for k in matplotlib.rcParams if k != 'backend'}\n"
        "before = settings()\n"
        "from embedsearch.plots.style import new_figure, styled\nfrom embedsearch.plots.files import to_bytes\n"
        "from embedsearch.plots.labels import Label, place_labels\nimport numpy as np\n"
        "with styled():\n    figure = new_figure()\n    axes = figure.add_subplot()\n"
        "    place_labels(axes, [Label('a', (0.5, 0.5))], points=np.array([[0.5, 0.5]]))\n"
        "assert to_bytes(figure, 'png')[:4] == b'\\x89PNG'\n"
        "assert settings() == before\nimport matplotlib.pyplot\n"
        "print(matplotlib.pyplot.get_fignums(), matplotlib.get_backend(auto_select=False))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[] None\n", "")


HOSTILE = ["<img src=x onerror=alert(1)>", "$x^2$", "a_b^c \\alpha", "--> <script>", "50 % & more", "a\x00b\u202ec"]


def test_texts_are_texts(tmp_path):
    """Markup and mathematics in phrases, names and fields are shown as they are written, in all formats."""
    with es.Index.create(tmp_path / "x$y^", HashEncoder(8)) as index:
        index.add(es.Document(f"d{n}", text, metadata={"<b>": text}) for n, text in enumerate(HOSTILE[:-1]))
        index.axes.save_all([es.Axis("$a_1$", ["<i>"], ["\\frac"]), es.Axis("b", ["3"], ["4"])])
        plot = es.plot_plane(index, "$a_1$", "b", phrases=HOSTILE, color="<b>", where="not missing(title)")
        plot.save(tmp_path / "hostile.svg")
        for format in ("png", "pdf"):
            plot.save(tmp_path / f"hostile.{format}")
    assert {"$x^2$", "a_b^c \\alpha", "--> <script>", "abc"} <= set(plot.labels)
    assert plot.figure.axes[0].get_xlabel().startswith("$a_1$ (")
    from matplotlib.text import Text

    texts = plot.figure.findobj(Text)
    assert len(texts) > 20
    assert not any(text.get_parse_math() for text in texts)
    tags = {element.tag.rpartition("}")[2] for element in ET.parse(tmp_path / "hostile.svg").iter()}
    assert not tags & {"img", "script", "b", "i"}


def test_what_the_font_lacks_is_said_once(index, encoder):
    """Letters without a shape become boxes; one note names them; no warning is given."""
    encoder.table |= {"狼 and 羊": [1.0, 0.0, 0.0], "é ж": [0.0, 1.0, 0.0]}
    plot = es.plot_plane(index, *AXES, phrases=["狼 and 羊", "é ж"])
    assert set(plot.labels) == {"□ and □", "é ж"}
    assert len(plot.notes) == 1
    assert "'DejaVu Sans' lacks 狼 (U+72FC) 羊 (U+7F8A), shown as □" in plot.notes[0]
    plot.figure.draw_without_rendering()


@given(st.text(max_size=80))
def test_any_text_becomes_one_line(text):
    """A label has no line breaks and no invisible characters, and is at most as long as was asked for."""
    shown = Lettering().text(text, 20)
    assert len(shown) <= 20
    assert not {unicodedata.category(letter) for letter in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_lines_are_about_as_long_as_one_another():
    """Text that takes two lines is parted near its middle; what does not fit ends in an ellipsis."""
    lettering = Lettering()
    assert lettering.lines("predator that hunts and kills its prey", 34) == "predator that hunts\nand kills its prey"
    assert lettering.lines("all-MiniLM-L6-v2", 34) == "all-MiniLM-L6-v2"
    assert lettering.lines("one two three four five six", 9) == "one two\nthree …"
    assert lettering.lines("", 9) == ""


def test_a_file_is_whole_or_as_it_was(index, tmp_path, monkeypatch):
    """When the disk is full, the old file stays, nothing is left beside it, and the error is one of ours."""
    file = tmp_path / "plot.png"
    file.write_bytes(b"old")
    plot = es.plot_axis(index, "size")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(es.EmbedSearchError, match=r"plot\.png cannot be written: No space left"):
        plot.save(file)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["plot.png"]
    assert file.read_bytes() == b"old"


def test_a_missing_library_is_named(index, tmp_path, monkeypatch):
    """Without the extra, the message says how to install it, before any work."""
    monkeypatch.setattr("embedsearch.plots.style.find_spec", lambda name: None)
    with pytest.raises(es.EmbedSearchError, match=r'matplotlib is not installed.*pip install "embedsearch\[plot\]"'):
        es.plot_axis(index, "size")
    with pytest.raises(es.EmbedSearchError, match="matplotlib is not installed"):
        files.check_file(tmp_path / "a.png")


def test_a_size_without_room_is_refused_and_one_with_room_named(index):
    """What stands around the axes would leave nothing of them: the error names a size, which can be drawn."""
    topics = [f"a topic of many letters {n}" for n in range(8)]
    index.add(es.Document(topic, "sheep", metadata={"topic": topic}) for topic in topics)
    with pytest.raises(es.QueryError, match="a figure of 2 x 2 inches has no room for its axes") as refused:
        es.plot_plane(index, *AXES, color="topic", look=Look(size=(2, 2)))
    width, height = re.search(r"--size ([\d.]+)x([\d.]+)", str(refused.value)).groups()
    drawn = es.plot_plane(index, *AXES, color="topic", look=Look(size=(float(width), float(height))))
    left, bottom, right, top = drawn.figure.axes[0].get_position().extents
    assert right - left >= 0.1
    assert top - bottom >= 0.1


def test_wrong_questions_are_refused(index, tmp_path):
    """One clear line for each."""
    with pytest.raises(es.AxisError, match="Did you mean 'size'"):
        es.plot_axis(index, "sise")
    with pytest.raises(es.AxisError, match="two different axes"):
        es.plot_plane(index, "size", "size")
    with pytest.raises(es.QueryError, match=r"there is no document 'id-wulf'.*Did you mean 'id-wolf'"):
        es.plot_axis(index, "size", documents=["id-wulf"])
    with pytest.raises(es.QueryError, match=r"no document of the index has the field 'knd'.*Did you mean 'kind'"):
        es.plot_axis(index, "size", color="knd")
    with pytest.raises(es.QueryError, match="size=tall: wanted a number of standard deviations"):
        es.plot_axis(index, "size", threshold="tall")
    with pytest.raises(es.QueryError, match="a figure of 1 x 90 inches cannot be made"):
        Look(size=(1, 90))
    with pytest.raises(es.QueryError, match=r"matplotlib finds no font 'DejaVu Snas'. Did you mean 'DejaVu Sans'"):
        es.plot_axis(index, "size", look=Look(font="DejaVu Snas"))
    with es.Index.create(tmp_path / "empty", index.encoder) as empty:
        empty.axes.save(es.Axis("size", ["small"], ["large"]))
        with pytest.raises(es.QueryError, match="is empty"):
            es.plot_axis(empty, "size")


def test_a_notebook_shows_the_figure(index):
    """A figure shows itself as a PNG."""
    assert es.plot_axis(index, "size")._repr_png_().startswith(b"\x89PNG")


def test_the_population_is_what_places_say(index):
    """Arrays of coordinates and fields agree with place_all and the documents, row by row."""
    found = index.population(AXES, field="kind", where="size > 0")
    places = index.place_all(AXES, where="size > 0")
    assert found.coordinates == pytest.approx(np.array([list(place.coordinates.values()) for place in places]))
    assert [passage.id for passage in index.passages(found.rows)] == [place.id for place in places]
    assert list(found.values) == [index.get(place.id).metadata["kind"] for place in places]
    assert [passage.text for passage in index.passages(index.population(["size"], documents=["id-wolf"]).rows)] == [
        "wolf"
    ]
    assert len(index.population(["size"], documents=["id-wolf"], where="size > 9")) == 0


def test_what_is_named_twice_is_labelled_once(index):
    """A phrase that is also a term, or the text of a document, has one mark."""
    plot = es.plot_plane(index, *AXES, phrases=["wolf"], documents=["id-wolf"], calc="wolf - sheep")
    assert plot.labels.count("wolf") == 1


def test_a_small_figure_has_short_names(tmp_path, index):
    """Where the figure is small, the name of an axis is cut and the unit is short, so that neither is cut off."""
    index.axes.save(es.Axis(("a name that is far too long for it " * 3).strip(), ["small"], ["large"]))
    plot = es.plot_plane(index, "size", list(index.axes)[-1], look=Look(size=(3, 3)))
    box = plot.figure.axes[0].yaxis.label.get_window_extent()
    assert 0 <= box.y0 < box.y1 <= plot.figure.bbox.y1
    assert plot.figure.axes[0].get_xlabel() == "size (SD)"
