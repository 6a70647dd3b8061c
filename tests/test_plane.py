"""The plane of points, used by itself: what it draws, and what it tells."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from browser import WITHOUT_WEBGL
from conftest import ROOT

from embedsearch.plots.style import COLORS, STEPS

PART = ROOT / "embedsearch" / "maps" / "page"
NINE = "x: Float32Array.of(0, 1, 2, 0, 1, 2, 0, 1, 2), y: Float32Array.of(0, 0, 0, 1, 1, 1, 2, 2, 2)"


@pytest.fixture
def plane(page, tmp_path):
    """Return a page with an empty plane called `plane`, and a list `told` of what it tells."""
    plotly = Path(find_spec("plotly").submodule_search_locations[0]) / "package_data" / "plotly.min.js"
    (tmp_path / "plane.html").write_text(
        f"""<!doctype html><meta charset="utf-8"><style>{(PART / "plane.css").read_text()}</style>
        <div id="here" style="width: 800px; height: 600px"></div>
        <script src="{plotly.as_uri()}"></script><script src="{(PART / "plane.js").as_uri()}"></script><script>
        const told = [], here = document.getElementById("here");
        const plane = new Plane(here, {{xTitle: "<b>size</b>", xEnds: ["small", "large"]}});
        plane.onSelect = indices => told.push(["select", indices]); plane.onView = view => told.push(["view", view]);
        plane.onHover = i => told.push(["hover", i]); plane.onClick = i => told.push(["click", i]);
        const at = (x, y) => {{
          const {{xaxis, yaxis}} = plane._chart._fullLayout, box = plane._chart.getBoundingClientRect();
          return [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)]; }};
        </script>""",
        "utf-8",
    )
    page.goto((tmp_path / "plane.html").as_uri())
    return page


def points(page, more: str = ""):
    """Show nine points on a grid."""
    page.evaluate(f"plane.points({{{NINE}, {more} hover: i => `point <i>${{i}}</i>`}})")


def told(page, what: str) -> list:
    """Return what the plane has told of one kind."""
    return [value for kind, value in page.evaluate("told") if kind == what]


def test_the_pointer_names_points_and_clicks_them(plane):
    """The index told is the place in the arrays given, whatever the order of drawing; the text is no markup."""
    points(plane)
    plane.mouse.move(*plane.evaluate("at(2, 1)"))
    plane.locator(".plane-hover", has_text="point <i>5</i>").wait_for()
    plane.mouse.click(*plane.evaluate("at(2, 1)"))
    assert told(plane, "hover")[0] == 5
    assert told(plane, "click") == [5]


def test_a_box_and_a_lasso_select_the_points_inside(plane):
    """Dragging a box around the left column selects it; after isolating, only what is shown can be selected."""
    points(plane, "codes: Int32Array.of(0, 0, 0, 1, 1, 1, 2, 2, 2),")
    for mode in ("select", "lasso"):
        plane.evaluate(f"plane.mode('{mode}')")
        drag(plane, [(-0.05, -0.05), (0.5, -0.05), (0.5, 2.05), (-0.05, 2.05), (-0.05, -0.04)], box=mode == "select")
    assert told(plane, "select") == [[0, 3, 6], [0, 3, 6]]
    plane.evaluate("plane.isolate(1)")
    drag(plane, [(-0.05, -0.05), (0.5, -0.05), (0.5, 2.05), (-0.05, 2.05), (-0.05, -0.04)])
    assert told(plane, "select")[-1] == [3]
    assert plane.evaluate("plane.shown") == 3


def drag(page, corners, *, box: bool = False):
    """Draw around something with the mouse."""
    corners = [corners[0], corners[2]] if box else corners
    places = [page.evaluate(f"at({x}, {y})") for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    before = len(told(page, "select"))
    page.mouse.up()
    page.wait_for_function(f"told.filter(([what]) => what === 'select').length > {before}")
    settled(page)


def settled(page):
    """Wait until what the plane was asked for is drawn, and what follows from that."""
    page.evaluate("async () => { let last; do { last = plane.drawn; await last; } while (last !== plane.drawn); }")


def test_what_lies_on_points_stays_when_they_are_others(plane):
    """Rings and a star stand where they were put; of points shown alone, the rings of others are hidden with them."""
    points(plane)
    plane.evaluate("plane.rings([{x: 0, y: 0}, {x: 9, y: 8, code: 0}, {x: 2, y: 1, code: 1}]); plane.star(1, 1, 'sum')")
    points(plane, "codes: Int32Array.of(0, 0, 0, 1, 1, 1, 2, 2, 2),")
    shown = "plane.drawn.then(() => [plane._chart.data[1].x, plane._chart.data[1].y, plane._chart.data[2].x])"
    assert plane.evaluate(shown) == [[0, 9, 2], [0, 8, 1], [1]]
    plane.evaluate("plane.isolate(1)")
    assert plane.evaluate(shown) == [[0, 2], [0, 1], [1]]


def test_keys_move_and_zoom_and_show_all_again(plane):
    """Plus halves neither side but divides it by 1.5, an arrow moves by a fifth, 0 goes back; each is told."""
    points(plane)
    plane.locator("#here").focus()
    for key in ("+", "ArrowRight", "0"):
        plane.keyboard.press(key)
    first, second, third = told(plane, "view")
    assert third["x1"] - third["x0"] == pytest.approx(2.2, abs=1e-6)
    assert first["x1"] - first["x0"] == pytest.approx(2.2 / 1.5, abs=1e-6)
    assert second["x0"] - first["x0"] == pytest.approx(0.2 * 2.2 / 1.5, abs=1e-6)
    plane.evaluate("plane.view({x0: -0.5, x1: 0.5, y0: -0.5, y1: 1.5})")
    assert plane.evaluate("plane.inView()") == [0, 3]


def test_an_arrow_is_drawn_as_far_as_it_is_in_view(plane):
    """Of one that leaves the view the part inside, without its head; of one outside nothing."""
    points(plane)
    plane.evaluate("plane.arrows([{x0: 0, y0: 0, x1: 2, y1: 1, label: ''}, {x0: 0, y0: 2, x1: 2, y1: 2, label: ''}])")
    drawn = "plane.drawn.then(() => plane._chart.layout.annotations.filter(one => one.showarrow)"
    drawn += ".map(({ax, ay, x, y, arrowhead}) => [ax, ay, x, y, arrowhead]))"
    assert plane.evaluate(drawn) == [[0, 0, 2, 1, 2], [0, 2, 2, 2, 2]]
    plane.evaluate("plane.view({x0: 0.5, x1: 1.5, y0: 0, y1: 1})")
    assert plane.evaluate(drawn) == [[0.5, 0.25, 1.5, 0.75, 0]]
    plane.evaluate("plane.view({x0: 1.5, x1: 3, y0: 0.5, y1: 2})")
    assert plane.evaluate(drawn) == [[1.5, 0.75, 2, 1, 2], [1.5, 2, 2, 2, 2]]


def test_arrows_stars_labels_and_titles_are_text(plane):
    """What is written on the plane stands there as it was given, markup or not."""
    points(plane)
    plane.evaluate(
        "plane.arrows([{x0: 0, y0: 0, x1: 1, y1: 1, label: '+ <b>wolf</b>'}]); plane.star(1, 1, '<i>sum</i> &amp;')"
    )
    plane.evaluate("plane.labels([{x: 2, y: 2, text: 'a & <a href=\"javascript:alert(1)\">b</a>'}])")
    written = plane.locator("svg text").all_text_contents()
    for text in (
        "<b>size</b>",
        "← small",
        "large →",
        "+ <b>wolf</b>",
        "<i>sum</i> &amp;",
        'a & <a href="javascript:alert(1)">b</a>',
    ):
        assert text in written
    assert plane.locator("svg a").count() == 0


def test_without_webgl_points_are_drawn_all_the_same(page, plane):
    """SVG stands in; each point is a mark in the document."""
    plane.add_init_script(WITHOUT_WEBGL)
    plane.reload()
    points(plane)
    assert plane.evaluate("plane.webgl") is False
    assert plane.locator(".scatterlayer .trace").first.locator("path.point").count() == 9


def test_colours_are_those_of_figures():
    """By day, categories and steps have the colours of the static figures."""
    style = (PART / "plane.css").read_text("utf-8").split("@media")[0]
    for place, color in enumerate(COLORS):
        assert f"--plane-color-{place}: {color};" in style
    for place, color in enumerate(STEPS):
        assert f"--plane-step-{place}: {color};" in style


def test_in_a_narrow_place_titles_wrap_and_ends_are_cut(plane):
    """A long title takes several lines; the two ends of an axis stay apart."""
    plane.evaluate("here.style.width = '360px'")
    points(plane)
    long = "a phrase of many words that has no room beside the other one"
    plane.evaluate(
        f"plane.axes({{xTitle: 'size in the deviations of all that this index holds', xEnds: ['{long}', '{long}']}})"
    )
    plane.locator(".xtitle tspan.line").nth(1).wait_for()
    settled(plane)
    low, high = (plane.locator(f"svg .annotation-text:has-text('{arrow}')").bounding_box() for arrow in "←→")
    assert low["x"] + low["width"] < high["x"]
    assert plane.locator("svg .annotation-text").first.text_content().endswith("…")


def test_all_is_shown_again_where_the_points_are_a_part_of_it(plane):
    """With the range of all there is, the key 0 leads back to it and not to the points that are there."""
    points(plane, "range: {x: [-10, 10], y: [0, 20]},")
    plane.evaluate("plane.view({x0: 0, x1: 1, y0: 0, y1: 1})")
    plane.locator("#here").focus()
    plane.keyboard.press("0")
    assert told(plane, "view")[-1] == {"x0": -11, "x1": 11, "y0": -1, "y1": 21}


def test_a_name_above_a_point_stays_there_when_the_view_changes(plane):
    """Its distance is in pixels, zoomed in or not; what stands beside the star has the room before it."""
    plane.evaluate("plane.options.thin = true")
    points(plane)
    plane.evaluate("plane.star(0, 0, 'sum')")
    plane.evaluate("plane.labels([{x: 1, y: 1, text: 'middle', yshift: 14}, {x: 0, y: 0, text: 'low', yshift: 22}])")
    for view in ("null", "{x0: 0.9, x1: 1.1, y0: 0.9, y1: 1.1}"):
        plane.evaluate(f"plane.view({view})")
        settled(plane)
        box = plane.locator("svg .annotation-text:has-text('middle')").bounding_box()
        x, y = plane.evaluate("at(1, 1)")
        assert box["x"] + box["width"] / 2 == pytest.approx(x, abs=2)
        assert y - (box["y"] + box["height"] / 2) == pytest.approx(14, abs=3)
        assert plane.locator("svg .annotation-text:has-text('low')").count() == 0


def test_thin_labels_come_where_there_is_room(plane):
    """Of two labels on one place the first is shown, and after zooming in both; none covers the star, nor a cross."""
    plane.evaluate("plane.options.thin = true")
    points(plane)
    plane.evaluate("plane.labels([{x: 1, y: 1, text: 'first'}, {x: 1.02, y: 1, text: 'second'}])")
    settled(plane)
    texts = plane.locator("svg .annotation-text")
    assert [text for text in texts.all_text_contents() if text in ("first", "second")] == ["first"]
    plane.evaluate("plane.view({x0: 0.98, x1: 1.04, y0: 0.9, y1: 1.1})")
    settled(plane)
    assert [text for text in texts.all_text_contents() if text in ("first", "second")] == ["first", "second"]
    plane.evaluate("plane.star(1, 1, 'sum')")
    settled(plane)
    assert [text for text in texts.all_text_contents() if text in ("first", "second", "sum")] == ["second", "sum"]
    plane.evaluate(
        "plane.means([{x: {at: 1.01, low: 1, high: 1.02}, y: {at: 1, low: 0.98, high: 1.02}, text: 'mean'}])"
    )
    settled(plane)
    assert [text for text in texts.all_text_contents() if text in ("first", "second", "mean")] == ["mean"]


def test_points_without_a_number_are_faint(plane):
    """Where some have a number, the others lie below the scale; where none has, there is no scale, and no complaint."""
    points(plane, "values: Float32Array.of(2, NaN, 3, 4, NaN, 6, 2, 2, 2),")
    plane.wait_for_selector(".cbfill")
    faint = plane.evaluate("plane._color('faint')")
    marker = plane.evaluate("(({color, ...more}) => ({...more, color: [...color]}))(plane._chart.data[0].marker)")
    assert sorted(set(marker["color"])) == pytest.approx([marker["cmin"], 2, 3, 4, 6])
    assert (marker["cmax"], marker["colorscale"][0]) == (6, [0, faint])
    at = {value: (value - marker["cmin"]) / (6 - marker["cmin"]) for value in (2, 6)}
    assert marker["colorscale"][1][0] < marker["colorscale"][2][0] == pytest.approx(at[2])
    assert [color for _, color in marker["colorscale"][2:]] == [
        plane.evaluate(f"plane._color('step-{step}')") for step in range(5)
    ]
    points(plane, "values: new Float32Array(9).fill(NaN),")
    plane.wait_for_selector(".cbfill", state="detached")
    assert plane.evaluate("plane._chart.data[0].marker.color") == faint


def test_what_lies_on_dense_points_lies_over_them(plane):
    """WebGL draws over everything else: rings, star and crosses are drawn by it too, where few points would leave them
    to be drawn sooner without; rings are never as small as the points."""
    mean = "{x: {at: 1, low: 0, high: 2}, y: {at: 1, low: 0, high: 2}, text: 'mean'}"
    plane.evaluate(f"plane.rings([{{x: 0, y: 0}}]); plane.star(1, 1, 'sum'); plane.means([{mean}])")
    for count, type in ((500, "scatter"), (501, "scattergl")):
        plane.evaluate(f"plane.points({{x: new Float32Array({count}), y: new Float32Array({count})}})")
        settled(plane)
        assert set(plane.evaluate("plane._chart.data.slice(1).map((trace) => trace.type)")) == {type}
        assert plane.evaluate("plane._chart.data[1].marker.size") >= 13
