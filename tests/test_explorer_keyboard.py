"""The page by keyboard alone, and as a screen reader tells it: where the focus is, what is said, what is called how."""

import pytest
from explorer_server import exploring

import embedsearch as es
from embedsearch.testing import HashEncoder


@pytest.fixture
def opened(page, tmp_path):
    """Open the page of ten records and an axis."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        long = " ".join(["a record that goes on"] * 5)
        index.add(es.Document(f"r{place}", f"record {place}", title=long if place == 9 else "") for place in range(10))
        index.axes.save(es.Axis("size", low=["small"], high=["large"]))
    with exploring(tmp_path / "index", encoder=HashEncoder()) as client:
        page.goto(client.url)
        page.wait_for_selector("html[data-ready]")
        yield page


def focused(page):
    return page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label')")


def test_who_asks_by_keyboard_is_told_and_stays_where_he_is(opened):
    """Enter asks; how many passages answer is said in a live region, and the focus is in the field still."""
    opened.focus("#ask-text")
    opened.keyboard.type("record 3")
    opened.keyboard.press("Enter")
    opened.wait_for_selector("#ask-answer li")
    status = opened.get_by_role("status").filter(has_text="10 passages in")
    assert status.count() == 1
    assert focused(opened) == "ask-text"


def test_what_is_like_an_answer_is_asked_by_keyboard(opened):
    """Each button says what it is like; the list goes, and the focus with it to what is said of the next one."""
    opened.fill("#ask-text", "record 3")
    opened.keyboard.press("Enter")
    opened.wait_for_selector("#ask-answer li")
    called = opened.locator("#ask-answer li button").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert sorted(called)[0] == "like this: a record that goes on a record that goes on a record that g…"
    assert sorted(called)[1:] == [f"like this: record {place}" for place in range(9)]
    opened.get_by_role("button", name="like this: record 7").focus()
    opened.keyboard.press("Enter")
    opened.wait_for_function("document.getElementById('ask-says').textContent.startsWith('Like r7. 9 passages in')")
    assert focused(opened) == "ask-says"


def test_a_point_of_the_plane_takes_no_focus_away(opened):
    """What is like a point is shown beside it; the arrow keys go on moving the plane."""
    opened.focus("#plane")
    opened.evaluate("document.dispatchEvent(new CustomEvent('like', {detail: 'r7'}))")
    opened.wait_for_function("document.getElementById('ask-says').textContent.startsWith('Like r7.')")
    assert focused(opened) == "plane"


def test_each_report_says_of_which_axis_it_is(opened):
    """A list of buttons that are all called report tells nobody apart."""
    opened.focus("#tab-ask")
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowRight")
    opened.get_by_role("button", name="report on size").focus()
    opened.keyboard.press("Enter")
    opened.wait_for_selector("#axes-report:not([hidden])")
    assert focused(opened) == "axes-report"
