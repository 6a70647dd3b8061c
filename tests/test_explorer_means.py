"""Means of groups on the page: the figures of compare in its tables, and as crosses where they lie."""

import re

import pytest
from browser import violations
from conftest import run
from explorer_page import drawn
from explorer_server import exploring

import embedsearch as es
from embedsearch.testing import HashEncoder

BOTH = ["predatoriness", "size"]
CHART = "document.querySelector('#plane > div')"
WHERE = "year > 1900 or kind != 'act'"


def told(page):
    """Wait until the means are there."""
    drawn(page)
    page.wait_for_selector("#means[aria-busy=false]")


def tables(page):
    """Return the cells of the tables, by their axes, as the command prints them."""
    rows = page.locator("#means tbody tr").evaluate_all(
        "all => all.map(row => [row.closest('table').caption, ...row.cells].map(cell => cell.textContent))"
    )
    return [[cell.replace("−", "-").replace(",", "") for cell in row] for row in rows]


def crosses(page):
    """Return where the means are, their arms from low to high, and their colours."""
    return page.evaluate(f"""(([under, ...traces]) => {{
      const middles = traces.pop();
      return traces.map(({{x, y, line}}, place) => ({{
        at: [middles.x[place], middles.y[place]], arms: [[x[0], x[1]], [y[3], y[4]]], color: line.color }}));
    }})({CHART}.data.slice(3))""")


def test_the_figures_are_those_of_compare(open_page, served):
    """Tables and sentences say what the command prints, of the passages that are drawn and on the axes that are."""
    page = open_page("#x=predatoriness&y=size&tab=cut")
    assert page.is_hidden("#means-toggle")
    page.select_option("#color", "kind")
    page.focus("#means-toggle")
    page.keyboard.press("Enter")
    told(page)
    assert "means=shown" in page.url
    for where, more in ((None, []), (WHERE, ["--where", WHERE])):
        if where:
            page.fill("#cut-where", where)
            page.click("#cut-form button:not([type])")
            page.wait_for_function("document.getElementById('says').textContent.startsWith('Only where')")
            told(page)
        printed = run("compare", "kind", "-a", ",".join(BOTH), *more, "-f", "table", "-i", served.path)
        rows = [re.split(" {2,}", line.strip()) for line in printed.stdout.splitlines()]
        assert tables(page) == [row[:4] + row[5:] for row in rows if row[0] in BOTH]  # all but the deviation
        assert page.locator("#means-told li").all_inner_texts() == printed.stderr.splitlines() != []
    assert page.inner_text("#means-says") == "7 groups by kind."
    page.select_option("#y", "passages")
    told(page)
    assert {row[0] for row in tables(page)} == {"predatoriness"}
    page.select_option("#color", "year")
    told(page)
    printed = run("compare", "year", "-a", BOTH[0], "--where", WHERE, "-f", "table", "-i", served.path).stderr
    assert page.locator("#means-told li").all_inner_texts() == printed.replace(" (--least)", "").splitlines()
    page.click("#means-toggle")
    page.wait_for_selector("#means", state="hidden")
    assert crosses_count(page) == 0
    assert "means" not in page.url


def crosses_count(page):
    return page.evaluate(f"{CHART}.data.length - 3")


def test_crosses_lie_where_the_means_are_in_the_colours_of_the_points(open_page, served):
    """Arms are the intervals; a value shown alone has its cross alone; on one axis they stand one above the other."""
    page = open_page("#x=predatoriness&y=size&color=kind&means=shown")
    told(page)
    with es.open(served.path) as index:
        groups = index.compare("kind", BOTH).groups
    across, up = ([one for one in groups if one.axis == axis] for axis in BOTH)
    names = served.ask("points", x=BOTH[0], y=BOTH[1], field="kind")["field"]["names"]
    colors = page.evaluate("Array.from({length: 9}, (_, code) => getComputedStyle(document.documentElement)"
                           ".getPropertyValue(`--plane-color-${code}`).trim())")  # fmt: skip
    for cross, x, y in zip(crosses(page), across, up, strict=True):
        assert (cross["at"], cross["arms"]) == ([x.mean, y.mean], [[x.low, x.high], [y.low, y.high]])
        assert cross["color"] == colors[names.index(x.group)]
    assert page.evaluate(f"{CHART}.data[0].marker.opacity") == 0.25  # they would be lost among points of their colours
    page.click("#legend button:has-text('animal')")
    page.wait_for_function(f"{CHART}.data.length === 6")
    assert [cross["at"][0] for cross in crosses(page)] == [one.mean for one in across if one.group == "animal"]
    page.click("#legend button:has-text('animal')")
    page.select_option("#y", "passages")
    told(page)
    page.wait_for_function(f"{CHART}.data.length === 13")
    heights = [cross["at"][1] for cross in crosses(page)]
    top, reach = page.evaluate(f"[Math.max(...{CHART}.data[0].y), {CHART}.layout.yaxis.range[1]]")
    assert [cross["at"][0] for cross in crosses(page)] == [one.mean for one in across]
    assert top < heights[-1] < heights[0] < reach
    assert heights == sorted(heights, reverse=True)


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    """Serve 15 groups of 5 to 19 documents, a field with a value for each document, and one axis."""
    path = tmp_path_factory.mktemp("groups") / "index"
    with es.Index.create(path, HashEncoder()) as index:
        index.add(
            es.Document(f"d{group}-{n}", f"text {group} {n}", metadata={"group": f"g{group}", "own": f"{group}-{n}"})
            for group in range(15)
            for n in range(5 + group)
        )
        index.axes.save(es.Axis("size", low=["small"], high=["large"]))
    with exploring(path, encoder=HashEncoder()) as client:
        client.path = path
        yield client


def test_of_many_groups_the_largest_are_shown(page, groups, watch):
    """Twelve, and how many there are is told, as is why there are none; those without a colour are in ink."""
    page.goto(f"{groups.url}#color=group&means=shown")
    page.wait_for_selector("html[data-ready]")
    told(page)
    assert page.inner_text("#means-says") == "15 groups by group; the 12 with the most documents are shown."
    assert {row[1] for row in tables(page)} == {f"g{group}" for group in range(3, 15)}
    ink = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--plane-ink').trim()")
    assert sum(cross["color"] == ink for cross in crosses(page)) == 3
    page.select_option("#color", "own")
    page.wait_for_function("document.getElementById('means-error').textContent.startsWith(\"no group by 'own' has 5\")")
    assert (crosses_count(page), page.inner_text("#means-tables"), page.inner_text("#means-says")) == (0, "", "")
    page.go_back()
    told(page)
    assert page.inner_text("#means-error") == ""
    assert len(tables(page)) == 12
    watch.errors = [one for one in watch.errors if "status of 400" not in one]


def test_the_interface_gives_what_compare_does(groups):
    """Of the groups with the most documents; the others are counted."""
    with es.open(groups.path, HashEncoder()) as index:
        found = index.compare("group", "size", where="id != 'd14-0'")
    answer = groups.ask("compare", field="group", where="id != 'd14-0'", most=2)
    assert answer["groups"] == [one.to_dict() for one in found.groups if one.group in ("g13", "g14")]
    assert (answer["more"], answer["confidence"], answer["field"]) == (13, 0.95, "group")
    assert groups.ask("compare", field="group", axes=["size"], most=100)["more"] == 0
    assert "no group by 'own'" in groups.refusal("compare", field="own")[1]
    assert "Did you mean 'group'?" in groups.refusal("compare", field="groop")[1]


@pytest.mark.parametrize("width", [1280, 390])
def test_everyone_can_read_the_means(open_page, page, width):
    """axe-core finds nothing, and nothing is wider than the window."""
    page.set_viewport_size({"width": width, "height": 800})
    open_page("#x=predatoriness&y=size&color=kind&means=shown")
    told(page)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
