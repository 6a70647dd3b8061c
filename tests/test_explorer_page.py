"""The explorer's page, used as a reader would: what is on the screen afterwards, and what is in the store."""

import json
import re
import shutil

import pytest
from browser import quiet, violations
from explorer_page import ask, drawn, hits, start
from explorer_server import exploring

import embedsearch as es
from embedsearch.screening import Screening
from embedsearch.testing import HashEncoder

SUM = "#q=sheep+%2B+spider&x=predatoriness&y=size"


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
    drawn(page)
    assert "tried, not saved, by poles" in page.inner_text("#axes-report")
    after = page.evaluate("Array.from(document.querySelector('#plane > div').data[0].x)")
    assert len(after) == len(before) == 1010
    assert after != before
    page.click("#axes-propose")
    page.wait_for_selector(".rating input")
    page.click("#axes-propose")
    page.wait_for_function("document.getElementById('axes-error').textContent.includes('are listed already')")
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
        page.click("[aria-label='definition of anger <b>']")
        page.wait_for_selector("#axes-report[aria-label=Definition]")
        assert page.evaluate("document.activeElement.id") == "axes-report"
        assert page.inner_text("#axes-report") == saved.to_toml()
        page.click("#axes-all")
        page.wait_for_function("document.getElementById('axes-report').textContent.startsWith('[predatoriness]')")
        with page.expect_download() as download:
            page.click("#axes-download")
        assert download.value.suggested_filename == "axes.toml"
        assert es.read_axes(download.value.path()) == list(index.axes.definitions().values())
        page.click("#axes-copy")
        page.wait_for_function("/^(Copied|Marked)/.test(document.getElementById('says').textContent)")
        page.click("[aria-label='report on size']")
        page.wait_for_selector("#axes-toml", state="hidden")
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


def test_an_index_without_axes_is_asked_cut_and_read(page, tmp_path, encoder, animals):
    """One sentence says how to add axes; all that needs none works; the first axis that is tried is drawn."""
    with es.Index.create(tmp_path / "index", encoder) as index:
        index.add(animals)
    with exploring(tmp_path / "index", encoder=encoder) as client:
        page.goto(client.url)
        page.wait_for_selector("html[data-ready]")
        said = "Make one under Axes, or add some with embedsearch axes fit FILE."
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
        quiet(page)  # the server is there until its histogram is


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
            quiet(page)
    watch.errors = [one for one in watch.errors if "status of 400" not in one]


@pytest.mark.parametrize("width", [1280, 390])
def test_long_names_and_titles_are_broken(page, tmp_path, width):
    """An address as id or value, a title without spaces, a long name of the index: none is wider than its place."""
    path = tmp_path / ("index-" * 30)
    with es.Index.create(path, HashEncoder()) as index:
        address = f"https://doi.org/{'1' * 200}"
        index.add(
            es.Document(f"{address}{place}", f"wolf {place}", title="T" * 300, metadata={"at": address})
            for place in range(5)
        )
        index.axes.save(es.Axis("size", low=["small"], high=["large"]))
    with exploring(path, encoder=HashEncoder()) as client:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{client.url}#q=wolf&color=at&means=shown")
        page.wait_for_selector("html[data-ready]")
        page.wait_for_selector("#ask-answer li")
        page.wait_for_selector("#means tbody th")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("(view => view.scrollWidth <= view.clientWidth)(document.getElementById('view'))")
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


def test_a_key_that_is_held_labels_one_record(small, index):
    """The keyboard repeats it; only the first counts."""
    small.click("#tab-read")
    start(small, "shark", "")
    small.wait_for_selector("#read-record[data-id=id-shark]")
    with small.expect_response("**/api/screen/label"):
        small.keyboard.down("r")
    for _ in range(4):
        quiet(small)
        small.keyboard.down("r")
    quiet(small)
    small.keyboard.up("r")
    assert list(index.labels) == ["id-shark"]


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
            "document.getElementById('read-error').textContent.startsWith('this page has no more labels')"
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
    assert page.inner_text("#says") == "You put off all the records that are left; the first of them is shown again."
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


@pytest.mark.parametrize("width", [1280, 390])
def test_everyone_can_use_it(open_page, page, width):
    """axe-core finds nothing on any tab, wide or narrow; nothing is wider than the window."""
    page.set_viewport_size({"width": width, "height": 800})
    open_page("#q=sheep+%2B+spider&color=kind")
    for tab in ("ask", "cursor", "axes", "cut", "read"):
        page.click(f"#tab-{tab}")
        page.wait_for_selector(f"#{tab}:not([hidden])")
        quiet(page)
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
    quiet(page)
    assert page.evaluate("window.shift") < 0.01
