"""The explorer's page, used as a reader would: what is on the screen afterwards, and what is in the store."""

import json
import re
import shutil
from pathlib import Path

import pytest
from browser import WITHOUT_WEBGL, violations
from explorer_server import exploring

import embedsearch as es
from embedsearch.screening import Screening
from embedsearch.testing import HashEncoder

SUM = "#q=sheep+%2B+spider&x=predatoriness&y=size"


@pytest.fixture(scope="module")
def served(predation, tmp_path_factory):
    """Serve a copy of the demo's index, with the real model."""
    path = tmp_path_factory.mktemp("explorer") / "predation"
    shutil.copytree(predation, path)
    with exploring(path) as client:
        client.path = path
        yield client


@pytest.fixture
def open_page(page, served):
    """Return what opens the page at an address and waits until it is ready."""

    def opened(address=""):
        page.goto(served.url + address)
        page.wait_for_selector("html[data-ready]")
        return page

    return opened


def hits(page, within="#ask-answer"):
    return [one.get_attribute("data-id") for one in page.locator(f"{within} ol.hits li").all()]


def ask(page, text, among=""):
    page.fill("#ask-text", text)
    page.fill("#ask-among", among)
    with page.expect_response(re.compile("/api/(search|calc)")):
        page.press("#ask-text", "Enter")


def test_a_text_is_answered_and_ringed(open_page, served):
    """Typing a text shows the hits of search with matched words marked, their rings, and a star where it lies."""
    page = open_page()
    assert page.inner_text("#holds") == "873 documents, 1,010 passages, all-MiniLM-L6-v2"
    ask(page, "a trap that waits for its victim")
    page.wait_for_selector("#ask-answer ol.hits")
    with es.open(served.path) as index:
        expected = [hit.id for hit in index.search("a trap that waits for its victim", k=20)]
    assert hits(page) == expected
    assert page.locator("#ask-answer mark").first.inner_text().lower().startswith("trap")
    assert "q=a+trap" in page.url
    rings = page.evaluate("document.querySelector('#plane > div').data[1].x.length")
    assert rings == 20
    assert page.evaluate("document.querySelector('#plane > div').data[2].x.length") == 1


def test_a_sum_shows_both_answers_arrows_and_contributions(open_page, served):
    """Nearest in meaning and on the axes side by side, among persons; the arrows add up to the star."""
    page = open_page(f"{SUM}&among=kind+%3D%3D+%22person%22")
    with es.open(served.path) as index:
        where = 'kind == "person"'
        on = index.calc("sheep + spider", on=["predatoriness", "size"], where=where, k=20)
        meaning = index.calc("sheep + spider", where=where, k=20)
    assert hits(page, "#by-plane") == [hit.id for hit in on.hits]
    assert hits(page, "#by-meaning") == [hit.id for hit in meaning.hits]
    assert (
        page.inner_text("#ask-answer table tbody tr:last-child td:nth-child(2)") == f"{on.point['predatoriness']:.2f}"
    )
    left, right = (page.locator(f"#{name}").bounding_box() for name in ("by-meaning", "by-plane"))
    assert left["x"] + left["width"] <= right["x"]
    arrows = page.evaluate("document.querySelector('#plane > div').layout.annotations.filter(one => one.showarrow)")
    star = page.evaluate("document.querySelector('#plane > div').data[2]")
    assert (arrows[0]["ax"], arrows[0]["ay"]) == (0, 0)
    assert (arrows[0]["x"], arrows[0]["y"]) == (arrows[1]["ax"], arrows[1]["ay"])
    assert (arrows[1]["x"], arrows[1]["y"]) == pytest.approx((star["x"][0], star["y"][0]))
    said = page.locator("#by-plane .shares").first.get_attribute("aria-label")
    assert re.fullmatch(r"Contributions: sheep \S+, spider \S+", said)


def test_back_and_forward_and_a_link_show_the_same(open_page):
    """The address holds question, axes and tab: going back brings the answer before, and a copy of it the same page."""
    page = open_page()
    ask(page, "wolf")
    page.wait_for_selector("[data-id=p-wolf]")
    first = hits(page)
    ask(page, "loan shark")
    page.wait_for_selector("#ask-answer li:first-child[data-id=p-loan-shark]")
    page.select_option("#y", "stealth")
    page.wait_for_function("document.querySelector('#plane > div').layout.yaxis.title.text.startsWith('stealth')")
    page.go_back()
    page.wait_for_function("document.querySelector('#plane > div').layout.yaxis.title.text.startsWith('size')")
    page.go_back()
    page.wait_for_selector("#ask-answer li:first-child[data-id=p-wolf]")
    assert hits(page) == first
    assert page.input_value("#ask-text") == "wolf"
    address = page.url[page.url.index("#") :]
    assert hits(open_page(address)) == first


def test_the_cursor_answers_from_the_keyboard(open_page, served):
    """Arrows on a slider move the cursor; with a phrase held fixed, what is like it there."""
    page = open_page("#tab=cursor&atx=1&aty=-1")
    page.wait_for_selector("#cursor-answer li")
    with es.open(served.path) as index:
        here = [hit.id for hit in index.locate({"predatoriness": 1, "size": -1}, k=12)]
        like = [hit.id for hit in index.locate_like("wolf", {"predatoriness": 1, "size": -1.1}, k=12).hits]
    assert hits(page, "#cursor-answer") == here
    page.focus("#cursor-y")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#cursor-y-value") == "−1.1 standard deviations"
    page.fill("#cursor-like", "wolf")
    page.wait_for_selector(f"#cursor-answer li:first-child[data-id={like[0]}]")
    assert hits(page, "#cursor-answer") == like
    assert "held=wolf" in page.url


def test_an_axis_is_tried_watched_and_saved(open_page, served):
    """Its report stands beside it, the points move to their new places, and it is in the index once it is saved."""
    page = open_page("#tab=axes&x=predatoriness&y=size")
    before = page.evaluate("Array.from(document.querySelector('#plane > div').data[0].x)")
    page.fill("#axes-low", "calm\nquiet and gentle")
    page.fill("#axes-high", "angry\nloud and violent")
    page.click("#axes-form button:not([type])")
    page.wait_for_function("document.querySelector('#plane > div').layout.xaxis.title.text.startsWith('tried')")
    page.wait_for_selector("#axes-save:not([hidden])")
    assert "tried, not saved, by poles" in page.inner_text("#axes-report")
    after = page.evaluate("Array.from(document.querySelector('#plane > div').data[0].x)")
    assert len(after) == len(before) == 1010
    assert after != before
    page.click("#axes-propose")
    page.wait_for_selector(".rating input")
    page.click("#axes-propose")
    page.wait_for_function("document.getElementById('axes-error').textContent.includes('is listed already')")
    assert page.locator(".rating input").count() == 5
    for place, field in enumerate(page.locator(".rating input").all()):
        field.fill(str(place))
    page.click("#axes-form button:not([type])")
    page.wait_for_function("document.getElementById('axes-report').textContent.includes('ratings')")
    page.fill("#axes-name", "anger <b>")
    page.click("#axes-save button")
    page.wait_for_function("document.getElementById('says').textContent.startsWith('Saved as')")
    assert page.inner_text("#axes-list li:last-child strong") == "anger <b>"
    with es.open(served.path) as index:
        saved = index.axes.definitions()["anger <b>"]
        assert (saved.low, saved.high) == (("calm", "quiet and gentle"), ("angry", "loud and violent"))
        assert len(saved.ratings) == 5
        index.axes.delete("anger <b>")


def test_a_condition_is_counted_dragged_and_applied(open_page, served):
    """Counts by part while it is typed; a threshold dragged on the histogram becomes a part; the plane follows."""
    page = open_page("#tab=cut&x=predatoriness&y=size")
    page.fill("#cut-where", 'kind == "animal"')
    page.wait_for_selector("#cut-total")
    box = page.locator("#histogram svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 20, steps=4)
    page.mouse.up()
    dragged = int(page.input_value("#cut-percent"))
    assert 85 < dragged < 100
    page.focus("#cut-percent")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#cut-says").startswith(f"p{dragged - 1}:")
    page.click("#cut-above")
    condition = f'kind == "animal" and predatoriness > p{dragged - 1}'
    assert page.input_value("#cut-where") == condition
    page.click("#cut-form button:not([type])")
    with es.open(served.path) as index:
        count = len(index.rows(condition))
    page.wait_for_function(f"document.getElementById('says').textContent.endsWith(': {count} passages.')")
    assert page.inner_text("#cut-total").startswith(f"{count} of 1,010 passages")
    assert page.evaluate("document.querySelector('#plane > div').data[0].x.length") == count


def lasso(page):
    """Draw around the points up on the right, and return how many they are."""
    page.click("[data-mode=lasso]")
    page.wait_for_function("document.querySelector('#plane > div').layout.dragmode === 'lasso'")
    box = page.locator("#plane").bounding_box()
    corner = [(0.55, 0.2), (0.9, 0.2), (0.9, 0.5), (0.55, 0.5), (0.55, 0.2)]
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corner]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=5)
    page.mouse.up()
    page.wait_for_function("/^[0-9,]+ selected$/.test(document.getElementById('chosen-count').textContent)")
    return int(page.inner_text("#chosen-count").split()[0].replace(",", ""))


def exported(page):
    """Return the records of what is selected."""
    with page.expect_download() as download:
        page.click("[data-export=jsonl]")
    return [json.loads(line) for line in Path(download.value.path()).read_text("utf-8").splitlines()]


def marked_points(page):
    """Return how many points are marked as selected."""
    return page.evaluate("(document.querySelector('#plane > div').data[0].selectedpoints ?? []).length")


def test_a_lasso_chooses_and_exports(open_page):
    """What is drawn around is listed, counted, and leaves as a file with its coordinates."""
    page = open_page("#x=predatoriness&y=size")
    count = lasso(page)
    assert 10 < count < 1010
    lines = exported(page)
    assert len(lines) == count
    assert lines[0]["text"]
    assert lines[0]["coordinates"].keys() == {"predatoriness", "size"}
    page.click("#chosen-none")
    assert page.is_hidden("#chosen")


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
    page.wait_for_function("document.querySelector('#plane > div').data[0].x.length === 168")
    assert marked_points(page) == drawn > 0
    assert exported(page) == chosen
    page.click("#cut-all")
    page.wait_for_function(f"document.getElementById('chosen-count').textContent === '{count} selected'")


def test_a_selection_ends_when_rows_are_numbered_anew(page, predation, tmp_path, watch):
    """After a compaction elsewhere the rows are other passages: nothing is selected any more, as the page says."""
    path = tmp_path / "predation"
    shutil.copytree(predation, path)
    with exploring(path) as client:
        page.goto(f"{client.url}#x=predatoriness&y=size")
        page.wait_for_selector("html[data-ready]")
        lasso(page)
        with es.open(path) as index:
            index.delete(["p-wolf", "p-sheep"])
            index.compact()
        page.click("[data-export=jsonl]")
        page.wait_for_function("document.getElementById('view-error').textContent.includes('are drawn anew')")
        assert page.is_hidden("#chosen")
        assert page.inner_text("#says") == "1,008 passages."
        assert marked_points(page) == 0
        assert 0 < lasso(page) == len(exported(page))
        assert page.inner_text("#view-error") == ""
        with es.open(path) as index:
            index.delete(["p-spider"])
            index.compact()
        page.select_option("#color", "kind")
        page.wait_for_function("document.getElementById('says').textContent.includes('select them again')")
        assert page.is_hidden("#chosen")
    watch.errors = [one for one in watch.errors if "status of 409" not in one]


AT = """([x, y]) => {
  const chart = document.querySelector("#plane > div"), {xaxis, yaxis} = chart._fullLayout;
  const box = chart.getBoundingClientRect();
  return [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)];
}"""


@pytest.fixture
def small(page, index, encoder):
    """Return the page of the index of eight animals."""
    with exploring(index.path, encoder=encoder) as client:
        page.goto(f"{client.url}#x=predatoriness&y=size")
        page.wait_for_selector("html[data-ready]")
        yield page


def place(index, text):
    """Return where a text lies."""
    return list(index.place([text])[0].coordinates.values())


def test_a_click_on_what_is_drawn_no_more_is_explained_and_drawn_anew(small, index, watch):
    """After a compaction a click says what happened, what was asked is answered anew, and the next click asks again."""
    small.goto(f"{small.url}&q=whale&view=-2,3,-3,3")  # so that what is found does not move the view
    small.wait_for_selector("[data-id=id-sheep]")
    drawn = place(index, "wolf")
    index.delete(["id-sheep"])
    index.compact()
    small.mouse.click(*small.evaluate(AT, drawn))
    small.wait_for_function("document.getElementById('view-error').textContent !== ''")
    assert small.inner_text("#view-error") == (
        "The index has changed since these passages were drawn; they are drawn anew, so choose again."
    )
    assert small.evaluate("document.querySelector('#plane > div').data[0].x.length") == 7
    small.wait_for_selector("[data-id=id-sheep]", state="detached")
    small.wait_for_timeout(500)  # two clicks within 300 ms are a double click, which shows everything
    small.mouse.click(*small.evaluate(AT, place(index, "shark")))
    small.wait_for_function("document.querySelector('#ask-says')?.textContent.startsWith('Like id-shark.')")
    assert small.inner_text("#view-error") == ""
    watch.errors = [one for one in watch.errors if "status of 409" not in one]


@pytest.mark.parametrize("tab", ["ask", "cut", "read"])
def test_an_axis_that_is_gone_is_told_and_left(small, index, watch, tab):
    """It was deleted elsewhere: on whatever tab, the page says so, offers those left, and draws one of them."""
    small.click(f"#tab-{tab}")
    index.axes.delete("size")
    small.select_option("#x", "size")
    small.wait_for_function("document.getElementById('says').textContent.startsWith('The index has no axis size any')")
    assert small.inner_text("#says") == "The index has no axis size any more. 8 passages."
    assert small.inner_text("#view-error") == ""
    assert small.locator("#x option").all_inner_texts() == ["predatoriness"]
    assert (small.input_value("#x"), small.input_value("#y")) == ("predatoriness", "predatoriness")
    assert "x=predatoriness&y=predatoriness" in small.url
    watch.errors = [one for one in watch.errors if "status of 400" not in one]


def test_axes_fitted_and_fields_that_come_elsewhere_are_there_without_a_reload(small, index):
    """With the next answer or when the reader comes back; what is fitted anew is drawn anew, what is typed stays."""
    small.fill("#ask-among", "year > 2003")
    index.axes.save(es.Axis("tone", low=["grass"], high=["whale"]))
    index.add(es.Document("new", "wolf", metadata={"habitat": "wood"}))
    small.fill("#ask-text", "wolf")
    small.press("#ask-text", "Enter")
    small.wait_for_function("document.getElementById('x').options.length === 3")
    small.wait_for_function("document.querySelector('#plane > div').data[0].x.length === 9")
    assert "habitat" in small.locator("#color option").all_inner_texts()
    assert small.inner_text("#holds") == "9 documents, 9 passages, table"
    assert small.input_value("#ask-among") == "year > 2003"
    small.wait_for_function("document.querySelector('#plane > div').data[1].x.length === 4")  # its rings
    index.axes.save(es.Axis("size", low=["mouse"], high=["wolf"]))
    small.evaluate("dispatchEvent(new Event('focus'))")
    placed = sorted(index.population(["size"]).coordinates[:, 0])
    ys = "Array.from(document.querySelector('#plane > div').data[0].y).sort((a, b) => a - b)"
    small.wait_for_function(f"Math.abs({ys}[0] - {placed[0]}) < 1e-5")
    assert small.evaluate(ys) == pytest.approx(placed, abs=1e-5)
    small.wait_for_function("document.querySelector('#plane > div').data[1].x.length === 4")
    small.click("#tab-axes")
    assert small.locator("#axes-list strong").all_inner_texts() == ["predatoriness", "size", "tone"]
    index.axes.delete("tone")
    small.evaluate("dispatchEvent(new Event('focus'))")
    small.wait_for_function("document.getElementById('axes-list').children.length === 2")


def test_why_other_axes_are_drawn_is_said_where_detail_is_fetched_too(small, index, monkeypatch):
    """Where a sample is drawn, the points around an answer come after the others: what was said before them stays."""
    monkeypatch.setattr("embedsearch.explorer.questions.SAMPLE", 4)
    small.goto(f"{small.url}&q=wolf")
    small.reload()
    small.wait_for_selector("#ask-answer li")
    small.wait_for_load_state("networkidle")
    index.axes.delete("size")
    small.evaluate("dispatchEvent(new Event('focus'))")
    small.wait_for_function("document.getElementById('y').options.length === 1")
    small.wait_for_timeout(600)
    assert small.inner_text("#says").startswith("The index has no axis size any more. 4 of 8 passages in view")


def test_the_first_axis_of_an_index_is_drawn_when_it_is_there(page, tmp_path, encoder, animals, axes):
    """It was fitted in a terminal while the page stood open."""
    with es.Index.create(tmp_path / "index", encoder) as index:
        index.add(animals)
        with exploring(tmp_path / "index", encoder=encoder) as client:
            page.goto(client.url)
            page.wait_for_selector("html[data-ready]")
            index.axes.save_all(axes)
            page.evaluate("dispatchEvent(new Event('focus'))")
            page.wait_for_function("document.querySelector('#plane > div')?.data[0].x.length === 8")
            assert "The index has no axes" not in page.inner_text("#view")
            page.wait_for_load_state("networkidle")


def test_an_axis_that_is_tried_is_gone_with_its_server(page, tmp_path, encoder, animals, axes, watch):
    """The server is started anew under the page: it says that the axis is gone, and goes on with one that is there."""
    with es.Index.create(tmp_path / "index", encoder) as index:
        index.add(animals)
        index.axes.save_all(axes)
    with exploring(tmp_path / "index", encoder=encoder) as client:
        page.goto(f"{client.url}#tab=axes")
        page.wait_for_selector("html[data-ready]")
        page.fill("#axes-low", "mouse")
        page.fill("#axes-high", "shark")
        page.click("#axes-form button:not([type])")
        page.wait_for_function("document.querySelector('#plane > div').layout.xaxis.title.text.startsWith('tried')")
        page.wait_for_load_state("networkidle")
    with exploring(tmp_path / "index", encoder=encoder, port=client.port):
        page.evaluate("dispatchEvent(new Event('focus'))")
        page.wait_for_function(
            "document.getElementById('says').textContent === 'The index has no axis tried any more. 8 passages.'"
        )
        assert page.input_value("#x") == "predatoriness"
        assert page.input_value("#axes-low") == "mouse"
        page.wait_for_load_state("networkidle")


def test_an_index_without_axes_is_asked_cut_and_read(page, tmp_path, encoder, animals):
    """One sentence says how to add axes; all that needs none works; the first axis that is tried is drawn."""
    with es.Index.create(tmp_path / "index", encoder) as index:
        index.add(animals)
    with exploring(tmp_path / "index", encoder=encoder) as client:
        page.goto(client.url)
        page.wait_for_selector("html[data-ready]")
        said = "make one under Axes, or add some with embedsearch axes fit FILE."
        assert said in page.inner_text("#view")
        assert page.is_hidden("#plane")
        assert violations(page) == []
        ask(page, "wolf")
        page.wait_for_selector("#ask-answer li:first-child[data-id=id-wolf]")
        ask(page, "sheep + spider", "kind == 'person'")
        page.wait_for_selector("#by-meaning li:first-child[data-id=id-politician]")
        assert page.locator("#by-plane").count() == 0
        page.click("#tab-cursor")
        assert page.inner_text("#cursor") == "There is no axis to move along yet."
        page.click("#tab-cut")
        page.fill("#cut-where", "year < 2003")
        page.wait_for_selector("#cut-total")
        assert page.inner_text("#cut-total") == "3 of 8 passages; 3 documents."
        assert page.is_hidden("#cut-percent")
        page.click("#tab-read")
        start(page, "shark", "")
        page.wait_for_selector("#read-record[data-id=id-shark]")
        page.click("#tab-axes")
        page.fill("#axes-low", "mouse")
        page.fill("#axes-high", "shark")
        page.click("#axes-form button:not([type])")
        page.wait_for_function("document.querySelector('#plane > div')?.data[0].x.length === 8")
        assert page.inner_text("#axes-error") == ""
        assert said not in page.inner_text("#view")
        page.click("#tab-cut")
        assert page.input_value("#cut-axis") == "tried"
        page.wait_for_load_state("networkidle")  # the server is there until its histogram is


def test_one_is_one_and_texts_run_their_own_way(page, tmp_path):
    """One passage is no passages; Hebrew runs from right to left where it is found and where it is read."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(es.Document("he", "הזאב רץ (בלילה).", title="זאב"))
    with exploring(tmp_path / "index", encoder=HashEncoder()) as client:
        page.goto(client.url)
        page.wait_for_selector("html[data-ready]")
        assert page.inner_text("#holds") == "1 document, 1 passage, hash"
        ask(page, "wolf")
        page.wait_for_selector("#ask-answer li")
        assert page.inner_text("#ask-says").startswith("1 passage in ")
        ways = "[...document.querySelectorAll('{}')].map((one) => getComputedStyle(one).direction)"
        assert page.evaluate(ways.format("#ask-answer .title, #ask-answer .text")) == ["rtl", "rtl"]
        page.click("#tab-read")
        start(page, "wolf", "")
        page.wait_for_selector("#read-record[data-id=he]")
        assert page.inner_text("#read-progress") == "0 relevant of 0 read, of 1 record."
        assert page.evaluate(ways.format("#read-record h2, #read-record div")) == ["rtl", "rtl"]


def test_one_passage_is_found_though_no_axis_has_a_scale(page, tmp_path, encoder, animals, axes, watch):
    """Why nothing is drawn is said beside the plane; texts and sums are answered, and the second passage is drawn."""
    with es.Index.create(tmp_path / "index", encoder) as index:
        index.add(animals[0])
        index.axes.save_all(axes)
        with exploring(tmp_path / "index", encoder=encoder) as client:
            page.goto(client.url)
            page.wait_for_selector("html[data-ready]")
            said = "axis 'predatoriness' needs at least two different passages to be scaled on; the index has 1"
            assert page.inner_text("#view-error") == said
            ask(page, "wolf")
            page.wait_for_selector("#ask-answer li[data-id=id-sheep]")
            ask(page, "wolf + spider")
            page.wait_for_selector("#by-meaning li[data-id=id-sheep]")
            assert page.inner_text("#ask-error") == ""
            index.add(animals[1])
            ask(page, "wolf")
            page.wait_for_function("document.querySelector('#plane > div')?.data[1].x.length === 2")  # its rings
            assert page.inner_text("#view-error") == ""
            page.wait_for_load_state("networkidle")
    watch.errors = [one for one in watch.errors if "status of 400" not in one]


@pytest.mark.parametrize("width", [1280, 390])
def test_long_names_and_titles_are_broken(page, tmp_path, width):
    """An address as id, a title without spaces, a long name of the index: none is wider than its place."""
    path = tmp_path / ("index-" * 30)
    with es.Index.create(path, HashEncoder()) as index:
        index.add(es.Document(f"https://doi.org/{'1' * 200}{place}", "wolf", title="T" * 300) for place in range(2))
    with exploring(path, encoder=HashEncoder()) as client:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{client.url}#q=wolf")
        page.wait_for_selector("html[data-ready]")
        page.wait_for_selector("#ask-answer li")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("(side => side.scrollWidth <= side.clientWidth)(document.getElementById('side'))")


def test_an_empty_index_says_so(page, tmp_path, encoder, axes, watch):
    """With axes or without documents: the page says how to add documents, and no tab is dead."""
    with es.Index.create(tmp_path / "index", encoder) as index:
        index.axes.save_all(axes)
    with exploring(tmp_path / "index", encoder=encoder) as client:
        page.goto(client.url)
        page.wait_for_selector("html[data-ready]")
        assert page.inner_text("#view-error").endswith("is empty; add documents with: embedsearch ingest SOURCE")
        page.click("#tab-axes")
        assert page.locator("#axes-list li").count() == 2
    watch.errors = [one for one in watch.errors if "status of 400" not in one]


def test_a_threshold_is_added_to_what_stands_there(small, index):
    """Where that has an `or`, in parentheses, since `and` binds closer; an axis called as a field is named as one."""
    index.axes.save(es.Axis("year", low=["mouse"], high=["whale"]))
    small.reload()
    small.wait_for_selector("html[data-ready]")
    small.click("#tab-cut")
    small.fill("#cut-where", 'kind == "plant" or kind == "person"')
    small.select_option("#cut-axis", "year")
    with small.expect_response(re.compile("/api/condition")):
        small.click("#cut-above")
    condition = '(kind == "plant" or kind == "person") and axis("year") > p70'
    assert small.input_value("#cut-where") == condition
    small.wait_for_function(
        f"document.getElementById('cut-total').textContent.startsWith('{len(index.rows(condition))} of 8')"
    )


def test_what_is_asked_on_an_axis_that_is_gone_is_answered_on_those_that_are_there(small, index, watch):
    """It was deleted by another process: the page says so, and the answer comes without a reload."""
    index.axes.delete("size")
    ask(small, "wolf")
    small.wait_for_selector("#ask-answer li:first-child[data-id=id-wolf]")
    assert small.inner_text("#ask-error") == ""
    assert small.inner_text("#says").startswith("The index has no axis size any more. ")
    small.wait_for_load_state("networkidle")
    watch.errors = [one for one in watch.errors if "status of 400" not in one]


def test_a_key_that_is_held_labels_one_record(small, index):
    """The keyboard repeats it; only the first counts."""
    small.click("#tab-read")
    start(small, "shark", "")
    small.wait_for_selector("#read-record[data-id=id-shark]")
    for _ in range(5):
        small.keyboard.down("r")
        small.wait_for_timeout(100)
    small.keyboard.up("r")
    assert list(index.labels) == ["id-shark"]


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


def test_a_condition_that_cannot_be_read_is_not_kept(open_page, watch):
    """It is refused beside its form and stays out of the address; one that a link brings leaves all points drawn."""
    page = open_page("#tab=cut&x=predatoriness&y=size")
    page.fill("#cut-where", "size > > 3")
    page.click("#cut-form button:not([type])")
    page.wait_for_function("document.getElementById('cut-error').textContent.includes('cannot be read')")
    assert "where" not in page.url
    page.select_option("#y", "tone")
    page.wait_for_function("document.querySelector('#plane > div').layout.yaxis.title.text.startsWith('tone')")
    page.goto("about:blank")
    page = open_page("#tab=ask&x=predatoriness&y=size&where=size+%3E+%3E+3")
    page.wait_for_function("document.getElementById('cut-error').textContent.includes('cannot be read')")
    assert page.input_value("#cut-where") == "size > > 3"
    assert page.is_visible("#cut-error")
    assert page.inner_text("#says") == "1,010 passages."
    page.click("#cut-all")
    page.wait_for_function("document.getElementById('cut-error').textContent === ''")
    watch.errors = [one for one in watch.errors if "status of 400" not in one]


def test_what_is_typed_outlives_the_choice_of_axes_and_colours(open_page):
    """Only going back or forward, and a link, fill the forms."""
    page = open_page("#tab=cut&x=predatoriness&y=size")
    page.click("#cut-above")
    assert page.input_value("#cut-where") == "predatoriness > p70"
    page.click("#tab-ask")
    page.fill("#ask-text", "a trap that waits")
    page.fill("#ask-among", 'kind == "animal"')
    for id, value, trace in (
        ("color", "kind", "data[0].marker.cmin === -1.5"),
        ("y", "tone", "layout.yaxis.title.text.startsWith('tone')"),
    ):
        page.select_option(f"#{id}", value)
        page.wait_for_function(f"document.querySelector('#plane > div').{trace}")
    assert page.input_value("#ask-text") == "a trap that waits"
    assert page.input_value("#ask-among") == 'kind == "animal"'
    page.click("#tab-cut")
    assert page.input_value("#cut-where") == "predatoriness > p70"


def test_one_axis_twice_has_one_slider(open_page, served):
    """It moves the star along both sides of the plane, and what lies there answers; the export has the axis once."""
    page = open_page("#tab=cursor&x=size&y=size&atx=2")
    page.wait_for_selector("#cursor-answer li")
    assert page.is_hidden("#cursor-y")
    assert page.is_hidden("#cursor-y-name")
    with es.open(served.path) as index:
        assert hits(page, "#cursor-answer") == [hit.id for hit in index.locate({"size": 2}, k=12)]
    star = page.evaluate("document.querySelector('#plane > div').data[2]")
    assert (star["x"], star["y"]) == ([2], [2])
    page.click("#tab-ask")
    ask(page, "sheep + spider")
    page.wait_for_selector("#by-plane ol.hits")
    assert page.locator("#ask-answer thead th").all_inner_texts() == ["term", "size"]
    page.select_option("#y", "predatoriness")
    page.click("#tab-cursor")
    assert page.is_visible("#cursor-y")


def test_screening_by_keys(open_page, served, watch):
    """R, N, U and the arrows label, put off and take back; every label is in the store when the next record shows."""
    page = open_page("#tab=read")
    page.fill("#read-topic", "fraud and extortion")
    page.fill("#read-among", "year >= 1000")
    page.click("#read-form button")
    page.wait_for_selector("#read-record[data-id]")
    assert page.inner_text("#read-progress") == "0 relevant of 0 read, of 172 records."
    first = page.get_attribute("#read-record", "data-id")
    assert page.locator("#read-record mark").count() == 1
    place = page.locator("[data-label=relevant]").bounding_box()
    seen = [first]
    for key in "rnu":
        page.keyboard.press(key)
        page.wait_for_function(f"document.getElementById('read-record').dataset.id !== {json.dumps(seen[-1])}")
        seen.append(page.get_attribute("#read-record", "data-id"))
        assert page.locator("[data-label=relevant]").bounding_box() == place
    with es.open(served.path) as index:
        labels = index.labels.standing()
    assert [labels[id].name for id in seen[:3]] == ["relevant", "not relevant", "undecided"]
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"document.getElementById('read-record').dataset.id !== {json.dumps(seen[3])}")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.getElementById('says').textContent.startsWith('Undone')")
    with es.open(served.path) as index:
        assert seen[2] not in index.labels.standing()
    # A colleague labels what is shown; it is told, the label stands, and undoing takes back none but this page's own.
    shown = page.get_attribute("#read-record", "data-id")
    with es.open(served.path) as index:
        index.labels.add(shown, "relevant", author="ada")
        page.keyboard.press("n")
        page.wait_for_function("document.getElementById('read-error').textContent.includes('by ada in the meantime')")
        page.wait_for_function(f"document.getElementById('read-record').dataset.id !== {json.dumps(shown)}")
        for said in ("not relevant", "relevant"):
            page.keyboard.press("ArrowLeft")
            page.wait_for_function(f"document.getElementById('says').textContent.endsWith('was labelled {said}.')")
        page.keyboard.press("ArrowLeft")
        page.wait_for_function(
            "document.getElementById('read-error').textContent.startsWith('no label given on this page')"
        )
        assert {id: label.name for id, label in index.labels.items()} == {shown: "relevant"}
    watch.errors = [one for one in watch.errors if "status of 400" not in one]
    page.click("#read-evidence summary")
    assert "The rule (recall 0.95 at confidence 0.95, by ranking) says: read on." in page.inner_text("#read-stop")


def test_records_put_off_come_again(page, predation, tmp_path):
    """Later on each of five, and they begin again; when all are labelled nothing is left, and keys do nothing."""
    path = tmp_path / "predation"
    shutil.copytree(predation, path)
    with exploring(path) as client:
        page.goto(f"{client.url}#tab=read")
        page.wait_for_selector("html[data-ready]")
        start(page, "fraud", "topic == 'fraud'")
        put_off_and_read_five(page)


def start(page, topic, among):
    """Say what is looked for, and wait until the server knows."""
    page.fill("#read-topic", topic)
    page.fill("#read-among", among)
    with page.expect_response(re.compile("/api/screen/start")):
        page.click("#read-form button")


def put_off_and_read_five(page):
    page.wait_for_selector("#read-record[data-id]")
    assert page.inner_text("#read-progress") == "0 relevant of 0 read, of 5 records."
    seen = []
    for _ in range(5):
        seen.append(page.get_attribute("#read-record", "data-id"))
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"document.getElementById('read-record').dataset.id !== {json.dumps(seen[-1])}")
    assert len(set(seen)) == 5
    assert page.get_attribute("#read-record", "data-id") == seen[0]
    assert page.inner_text("#says") == "All that is left was put off for later; it begins again."
    for left in range(4, -1, -1):
        page.keyboard.press("r")
        page.wait_for_function(f"document.getElementById('read-progress').textContent.includes('of {5 - left} read')")
    page.wait_for_function("document.getElementById('read-record').textContent === 'There is nothing left to read.'")
    assert page.is_disabled("[data-label=relevant]")
    page.keyboard.press("r")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#read-error") == ""
    assert page.inner_text("#says") == "1,010 passages."  # what was done before the last is told no longer
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.getElementById('says').textContent.startsWith('Undone')")
    assert page.is_enabled("[data-label=relevant]")


def test_the_form_of_reading_shows_what_records_are_chosen_by(open_page, served):
    """Settings changed elsewhere are shown; what is typed and not started yet stays."""
    page = open_page("#tab=read")
    start(page, "fraud", "")
    with es.open(served.path) as index:
        Screening(index).configure(topic="animals that fly", where="kind == 'plant'")
    page.fill("#read-among", "kind == 'person'")
    page.click("#tab-ask")
    page.click("#tab-read")
    page.wait_for_function("document.getElementById('read-topic').value === 'animals that fly'")
    assert page.input_value("#read-among") == "kind == 'person'"
    start(page, "animals that fly", "")
    with es.open(served.path) as index:
        assert Screening(index).settings.where == ""


def test_errors_stand_beside_what_caused_them(open_page, watch):
    """A wrong condition is one line under the form, and what was typed is still there."""
    page = open_page()
    ask(page, "wolf", "knd == 3")
    page.wait_for_function("document.getElementById('ask-error').textContent !== ''")
    assert "knd" in page.inner_text("#ask-error")
    assert (page.input_value("#ask-text"), page.input_value("#ask-among")) == ("wolf", "knd == 3")
    ask(page, "wolf")
    page.wait_for_selector("#ask-answer ol.hits")
    assert page.inner_text("#ask-error") == ""
    # The browser tells of every answer that is no success.
    watch.errors = [one for one in watch.errors if "status of 400" not in one]


@pytest.mark.parametrize("tab", ["ask", "cursor", "axes", "cut", "read"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everyone_can_use_it(open_page, page, tab, width):
    """axe-core finds nothing on any tab, wide or narrow; nothing is wider than the window."""
    page.set_viewport_size({"width": width, "height": 800})
    open_page(f"#tab={tab}&q=sheep+%2B+spider&color=kind")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_dark_is_dark(open_page, page):
    """The page and the plane follow the system's choice, and stay readable."""
    page.emulate_media(color_scheme="dark")
    open_page(SUM)
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(22, 24, 27)"
    assert page.evaluate("document.querySelector('#plane > div').layout.paper_bgcolor") == "#16181b"
    assert violations(page) == []


def test_nothing_jumps(open_page, page):
    """What is read stays where it is while answers come: the layout shift is a tenth of what is called good."""
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => list.getEntries().forEach(one => { if (!one.hadRecentInput)"
        " window.shift += one.value })).observe({type: 'layout-shift', buffered: true})"
    )
    open_page(f"{SUM}&color=kind")
    page.wait_for_timeout(300)
    assert page.evaluate("window.shift") < 0.01


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
    page.wait_for_timeout(100)
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
    page.wait_for_timeout(400)
    assert "view=" not in page.url
    page.focus("#plane")
    page.keyboard.press("+")
    ask(page, "wolf")
    page.wait_for_timeout(400)
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
    page.wait_for_timeout(300)
    assert page.evaluate(rings) == 20
    assert page.locator("#legend button[aria-pressed=true]").all_inner_texts() == ["animal"]
    shown = page.evaluate("[...new Set(document.querySelector('#plane > div').data[0].marker.color)]")
    assert len(shown) == 1
