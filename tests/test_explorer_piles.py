"""The page on one axis: passages piled where they lie, used as on two."""

import numpy as np
import pytest
from explorer_page import ask, drawn, exported, hits, lasso, marked_points, place
from explorer_server import numbers

import embedsearch as es

CHART = "document.querySelector('#plane > div')"
POINTS = f"(({{x, y}}) => [Array.from(x), Array.from(y)])({CHART}.data[0])"


def piled(page):
    drawn(page)
    assert page.evaluate(f"{CHART}.layout.yaxis.title.text") == "passages"


def test_passages_are_piled_where_they_lie(open_page, served):
    """What is drawn is the answer of the server, from the axis up; a lasso, an export and a condition do as on two."""
    page = open_page("#x=predatoriness&y=size&tab=cut")
    page.select_option("#y", "passages")
    piled(page)
    assert page.url.endswith("#x=predatoriness&y=-&tab=cut")
    assert page.get_attribute("#plane", "aria-label").startswith("Passages along predatoriness, stacked")
    answer = served.ask("points", x="predatoriness")
    assert sorted(zip(*page.evaluate(POINTS), strict=True)) == sorted(
        zip(*(numbers(answer[side], "<f4").tolist() for side in "xy"), strict=True)
    )
    assert page.evaluate(f"{CHART}.layout.yaxis.range[1]") > answer["range"]["y"][1] > 50
    page.select_option("#x", "size")
    piled(page)
    assert page.evaluate(f"{CHART}.layout.xaxis.title.text").startswith("size")
    page.fill("#cut-where", "size < p50")
    page.click("#cut-form button:not([type])")
    page.wait_for_function("document.getElementById('says').textContent.endsWith('p50: 505 passages.')")
    assert max(page.evaluate(POINTS)[0]) < 0.1
    page.click("#cut-all")
    page.wait_for_function("document.getElementById('says').textContent === '1,010 passages.'")
    count = lasso(page)
    assert marked_points(page) == count > 0
    chosen = [line["coordinates"] for line in exported(page)]
    assert len(chosen) == count
    assert {tuple(one) for one in chosen} == {("size",)}


def test_one_axis_has_one_slider_and_what_is_found_lies_where_it_is_drawn(open_page, served):
    """An axis across and up is that axis once, also by an old link: a star over it, rings around its points, a sum as
    arrows one above the other."""
    page = open_page("#tab=cursor&x=size&y=size&atx=2")
    piled(page)
    page.wait_for_selector("#cursor-answer li")
    assert page.is_hidden("#cursor-y")
    assert page.is_hidden("#cursor-y-name")
    with es.open(served.path) as index:
        assert hits(page, "#cursor-answer") == [hit.id for hit in index.locate({"size": 2}, k=12)]
    star, rings = (page.evaluate(f"{CHART}.data[{trace}]") for trace in (2, 1))
    top = max(page.evaluate(POINTS)[1])
    assert star["x"] == [2]
    assert top < star["y"][0] < page.evaluate(f"{CHART}.layout.yaxis.range[1]")
    assert len(rings["x"]) == 12
    points = np.array(page.evaluate(POINTS)).T
    assert all(np.abs(points - ring).max(axis=1).min() < 1e-5 for ring in zip(rings["x"], rings["y"], strict=True))
    page.click("#tab-ask")
    ask(page, "sheep + spider")
    page.wait_for_selector("#by-plane ol.hits")
    assert page.locator("#ask-answer thead th").all_inner_texts() == ["term", "size"]
    sheep, spider, down = page.evaluate(f"{CHART}.layout.annotations.filter(one => one.showarrow)")
    assert (sheep["ax"], sheep["y"], spider["ax"]) == (0, sheep["ay"], sheep["x"])
    assert top < sheep["y"] < spider["y"] == spider["ay"]
    assert (down["x"], down["y"]) == (spider["x"], 0)
    page.select_option("#y", "predatoriness")
    page.click("#tab-cursor")
    page.wait_for_selector("#cursor-y:visible")


def test_what_is_not_drawn_is_ringed_on_the_axis(open_page, page, monkeypatch):
    """Where a sample is drawn, an answer that is not in it has a place across and none up; zoomed in on, it has."""
    monkeypatch.setattr("embedsearch.explorer.questions.SAMPLE", 200)
    open_page("#x=size&y=-")
    ask(page, "loan shark")
    page.wait_for_function(f"{CHART}.data[1].x.length === 20")
    on_axis = f"Array.from({CHART}.data[1].y).filter((height) => height === 0).length"
    before = page.evaluate(on_axis)
    assert before > 10
    page.evaluate("""async () => {
      const {view} = await import("/page/view.js"), x = document.querySelector("#plane > div").data[1].x[0];
      view.plane.view({...view.plane.range, x0: x - 0.05, x1: x + 0.05}); // all that lies there is drawn
    }""")
    page.wait_for_function("document.getElementById('says').textContent.endsWith('are in view.')")
    page.wait_for_function(f"{CHART}.data[1].y[0] > 0")
    page.click("#whole")
    page.wait_for_function(f"{on_axis} === {before}")


def test_an_axis_chosen_across_that_was_up_turns_the_plane(small, index):
    """Only other axes are offered up, and the passages."""
    assert small.locator("#y option").all_inner_texts() == ["size", "passages"]
    wolf = place(index, "wolf")
    small.select_option("#x", "size")
    drawn(small)
    assert small.url.endswith("#x=size&y=predatoriness")
    assert small.locator("#y option").all_inner_texts() == ["predatoriness", "passages"]
    points = np.array(small.evaluate(POINTS)).T
    assert np.abs(points - wolf[::-1]).max(axis=1).min() == pytest.approx(0, abs=1e-5)
