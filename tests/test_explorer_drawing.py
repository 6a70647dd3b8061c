"""What the page draws: what is selected in it, its colours, and detail on demand where a sample is drawn."""

import re

import pytest
from browser import WITHOUT_WEBGL, quiet, violations
from explorer_page import AT, ask, drawn, exported, lasso, marked_points, place

import embedsearch as es


def test_a_lasso_chooses_and_exports(open_page):
    """What is drawn around is listed, counted, and leaves as a file with its coordinates."""
    page = open_page("#x=predatoriness&y=size")
    count = lasso(page)
    assert 10 < count < 1010
    lines = exported(page)
    assert len(lines) == count
    assert lines[0]["text"]
    assert lines[0]["coordinates"].keys() == {"predatoriness", "size"}
    words = page.inner_text("#chosen-words").removeprefix("Characteristic words: ").split(", ")
    texts = [line["text"].lower() for line in lines]
    assert 0 < len(words) <= 10
    assert all(sum(word in text for text in texts) >= 3 for word in words)
    assert page.locator("#chosen-list li").count() == min(count, 50)
    page.set_viewport_size({"width": 768, "height": 1000})
    assert violations(page) == []
    assert page.locator("#chosen-list").bounding_box()["height"] <= 600  # what is asked next is below it
    page.click("#chosen-none")
    assert page.is_hidden("#chosen")
    assert page.inner_text("#chosen-words") == ""


def test_what_is_selected_stays_so_when_less_is_drawn(open_page):
    """After a condition: those still drawn are marked, the panel counts them, and all that was chosen is exported."""
    page = open_page("#tab=cut&x=predatoriness&y=size")
    count = lasso(page)
    chosen = exported(page)
    page.fill("#cut-where", 'kind == "animal"')
    page.click("#cut-form button:not([type])")
    drawn = sum(one["metadata"].get("kind") == "animal" for one in chosen)
    page.wait_for_function(f"document.getElementById('chosen-count').textContent.endsWith(', {drawn} of them drawn')")
    assert page.inner_text("#chosen-count") == f"{count} selected, {drawn} of them drawn"
    assert page.inner_text("#chosen-words").startswith("Characteristic words: ")
    page.wait_for_function("document.querySelector('#plane > div').data[0].x.length === 168")
    assert marked_points(page) == drawn > 0
    assert exported(page) == chosen
    page.click("#cut-all")
    page.wait_for_function(f"document.getElementById('chosen-count').textContent === '{count} selected'")


def test_what_the_pointer_is_on_is_said_while_it_is_there(small, index):
    """Then it is said again what is drawn, and under which condition."""
    small.goto(f"{small.url}&where=size+%3E+-9")
    small.reload()
    small.wait_for_selector("html[data-ready]")
    drawn(small)
    small.mouse.move(*small.evaluate(AT, place(index, "wolf")))
    small.wait_for_function("document.getElementById('says').textContent === 'wolf'")
    small.mouse.move(2, 2)
    small.wait_for_function("document.getElementById('says').textContent === 'Only where size > -9: 8 passages.'")


def test_other_colours_leave_the_view_as_it_is(small):
    """What was zoomed in on stays in view, on the plane and in the address."""
    small.focus("#plane")
    small.keyboard.press("+")
    small.wait_for_function("location.hash.includes('view=')")
    address, view = small.url, small.evaluate("document.querySelector('#plane > div').layout.xaxis.range")
    small.select_option("#color", "kind")
    small.wait_for_function("document.querySelector('#plane > div').data[0].marker.cmin === -1.5")
    assert small.evaluate("document.querySelector('#plane > div').layout.xaxis.range") == pytest.approx(view, abs=1e-3)
    assert small.url == f"{address}&color=kind"


def test_without_webgl_a_plain_picture(open_page, page):
    """Where the browser has no WebGL, the points are drawn all the same, and the page says so."""
    page.add_init_script(WITHOUT_WEBGL)
    open_page("#x=predatoriness&y=size")
    assert page.inner_text("#says").startswith("This browser has no WebGL")
    assert page.locator("#plane .scatterlayer .point").count() >= 1010


def test_detail_comes_on_demand(open_page, page, served, monkeypatch):
    """Where not all points are drawn, zooming fetches those in view; the page says how many of how many."""
    monkeypatch.setattr("embedsearch.explorer.questions.SAMPLE", 200)
    open_page("#x=predatoriness&y=size")
    assert page.inner_text("#says") == "200 of 1,010 passages in view are drawn; zoom in for more."
    page.focus("#plane")
    for _ in range(5):
        page.keyboard.press("+")
    page.wait_for_function("document.getElementById('says').textContent.endsWith('are in view.')")
    chart = "document.querySelector('#plane > div')"
    left, right, bottom, top = page.evaluate(f"[...{chart}.layout.xaxis.range, ...{chart}.layout.yaxis.range]")
    with es.open(served.path) as index:
        across, up = index.population(["predatoriness", "size"]).coordinates.T
    inside = int(((across >= left) & (across <= right) & (up >= bottom) & (up <= top)).sum())
    assert page.inner_text("#says") == f"{inside} passages of 1,010 are in view."
    assert page.evaluate("document.querySelector('#plane > div').data[0].x.length") == inside
    page.reload()  # a link to the same view shows the same
    page.wait_for_selector("html[data-ready]")
    assert page.inner_text("#says") == f"{inside} passages of 1,010 are in view."
    page.click("#whole")
    page.wait_for_function("document.getElementById('says').textContent.startsWith('200 of 1,010 passages in view')")
    left, right = page.evaluate(f"{chart}.layout.xaxis.range")
    assert left < across.min() < across.max() < right


HOLD = """() => {
  const answer = window.fetch;
  window.held = [];
  window.fetch = (path, options) => !path.endsWith("/points") ? answer(path, options) : new Promise((done, failed) => {
    window.held.push(() => answer(path, options).then(done, failed));
    options.signal?.addEventListener("abort", () => failed(options.signal.reason));
  });
  window.release = () => { window.fetch = answer; window.held.splice(0).forEach((go) => go()); };
}"""  # what is asked of points is not answered until it is released


def test_a_zoom_is_not_undone_by_points_that_come_late(open_page, page, monkeypatch):
    """Points of the view before do not take the reader back to it."""
    monkeypatch.setattr("embedsearch.explorer.questions.SAMPLE", 200)
    open_page("#x=predatoriness&y=size")
    width = "(([from, to]) => to - from)(document.querySelector('#plane > div').layout.xaxis.range)"
    whole = page.evaluate(width)
    page.evaluate(HOLD)
    drawn = page.evaluate("""async () => {
      const key = () => document.getElementById("plane").dispatchEvent(new KeyboardEvent("keydown", {key: "+"}));
      const until = async (true_) => { while (!true_()) await new Promise((go) => setTimeout(go, 5)); };
      const said = document.getElementById("says").textContent;
      key();
      await until(() => held.length);
      key();
      release();
      await until(() => document.getElementById("says").textContent !== said);
      key();
    }""")
    assert drawn is None
    page.wait_for_function(f"Math.abs({whole} / {width} - 1.5 ** 3) < 0.001")


def test_a_zoom_does_not_take_the_place_of_points_that_were_asked_for(open_page, page, monkeypatch):
    """A condition is drawn also where the reader zooms before its points are there, and then those in view."""
    monkeypatch.setattr("embedsearch.explorer.questions.SAMPLE", 200)
    open_page("#x=predatoriness&y=size&tab=cut")
    page.evaluate(HOLD)
    page.fill("#cut-where", "sociality > p20")
    page.click("#cut-form button:not([type])")
    page.wait_for_function("held.length === 1")
    page.focus("#plane")
    page.keyboard.press("+")
    page.wait_for_function("location.hash.includes('view=')")
    page.evaluate("release()")
    page.wait_for_function("location.hash.includes('where=')")
    page.wait_for_function("document.getElementById('says').textContent.includes('sociality > p20: 200 of ')")
    assert "200 of 808 " not in page.inner_text("#says")


def test_a_zoom_before_other_axes_does_not_follow_to_them(open_page, page):
    """The view of the plane before is no view of this one, nor of an answer that came meanwhile."""
    open_page("#x=predatoriness&y=size")
    page.focus("#plane")
    page.keyboard.press("+")
    page.select_option("#y", "tone")
    page.wait_for_function("document.querySelector('#plane > div').layout.yaxis.title.text.startsWith('tone')")
    quiet(page)
    assert "view=" not in page.url
    page.focus("#plane")
    page.keyboard.press("+")
    ask(page, "wolf")
    quiet(page)
    assert "view=" not in page.url


def test_what_is_found_is_shown_among_its_neighbours_where_a_sample_is_drawn(open_page, page, served, monkeypatch):
    """After zooming in elsewhere an answer brings its own region into view, with the points that lie there."""
    monkeypatch.setattr("embedsearch.explorer.questions.SAMPLE", 200)
    open_page("#x=predatoriness&y=size")
    page.focus("#plane")
    for _ in range(8):
        page.keyboard.press("+")
    page.wait_for_function("document.getElementById('says').textContent.endsWith('are in view.')")
    with page.expect_response(lambda answer: "/api/points" in answer.url):
        ask(page, "loan shark")
    chart = "document.querySelector('#plane > div')"
    page.wait_for_function(f"{chart}.data[1].x.length === 20 && {chart}.data[0].x.length > 100")
    left, right, bottom, top = page.evaluate(f"[...{chart}.layout.xaxis.range, ...{chart}.layout.yaxis.range]")
    with es.open(served.path) as index:
        across, up = index.population(["predatoriness", "size"]).coordinates.T
    inside = int(((across >= left) & (across <= right) & (up >= bottom) & (up <= top)).sum())
    assert page.evaluate(f"{chart}.data[0].x.length") == min(inside, 200)
    assert "view=" not in page.url


def test_rings_and_the_legend_stay_where_a_sample_is_drawn(open_page, page, served, monkeypatch):
    """Every answer is ringed, whether its point is drawn or not, and after a zoom too; so is a value shown alone."""
    monkeypatch.setattr("embedsearch.explorer.questions.SAMPLE", 200)
    open_page("#x=predatoriness&y=size&color=kind")
    ask(page, "wolf")
    page.wait_for_selector("[data-id=p-wolf]")
    rings = "document.querySelector('#plane > div').data[1].x.length"
    page.wait_for_function(f"{rings} === 20")
    page.click("#legend button:has-text('animal')")
    page.focus("#plane")
    with page.expect_response(re.compile("/api/points")):
        page.keyboard.press("+")
    page.wait_for_function("document.getElementById('says').textContent.includes('in view')")
    quiet(page)
    assert page.evaluate(rings) == 20
    assert page.locator("#legend button[aria-pressed=true]").all_inner_texts() == ["animal"]
    shown = page.evaluate("[...new Set(document.querySelector('#plane > div').data[0].marker.color)]")
    assert len(shown) == 1
