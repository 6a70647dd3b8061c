"""The screenings of one index on the page: which is shown, and that a label goes to no other."""

import re

import pytest
from browser import quiet, violations
from explorer_server import exploring

import embedsearch as es
from embedsearch.screening import Screening
from embedsearch.testing import HashEncoder

HOLD = """(name) => {
  const answer = window.fetch;
  window.held = [];
  window.fetch = (path, options) => !path.endsWith(name) ? answer(path, options)
    : new Promise((done, failed) => window.held.push(() => answer(path, options).then(done, failed)));
  window.release = () => { window.fetch = answer; window.held.splice(0).forEach((go) => go()); };
}"""  # what is asked under this name is not answered until it is released


@pytest.fixture
def served(tmp_path):
    """Serve ten records with two screenings, `main` among the first five and `hunters` among the others."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(es.Document(f"r{place}", f"record {place}", metadata={"n": place}) for place in range(10))
        Screening(index).configure(topic="record 1", where="n < 5")
        Screening(index, "hunters").configure(topic="record 7", where="n >= 5")
    with exploring(tmp_path / "index", encoder=HashEncoder()) as client:
        client.path = tmp_path / "index"
        yield client


@pytest.fixture
def open_page(page, served):
    """Return what opens the page at an address and waits until it is ready."""

    def opened(address="#tab=read"):
        page.goto("about:blank")
        page.goto(served.url + address)
        page.wait_for_selector("html[data-ready]")
        return page

    return opened


def shows(page, id):
    page.wait_for_selector(f"#read-record[data-id={id}]:not([hidden])")


def labels(served):
    """Return the labels of both screenings."""
    with es.open(served.path, HashEncoder()) as index:
        return tuple({id: one.name for id, one in index.labels.named(name).items()} for name in ("main", "hunters"))


def test_each_screening_has_its_own_labels_and_the_address_names_it(open_page, served):
    """The select shows another one; its form, record, counts and undo are its own; back goes back."""
    page = open_page()
    shows(page, "r1")
    assert page.locator("#read-screening option").all_inner_texts() == ["main", "hunters"]
    page.select_option("#read-screening", "hunters")
    shows(page, "r7")
    assert "screening=hunters" in page.url
    assert (page.input_value("#read-topic"), page.input_value("#read-among")) == ("record 7", "n >= 5")
    assert page.inner_text("#read-progress") == "0 relevant of 0 read, of 5 records."
    page.click("[data-label=relevant]")
    page.wait_for_function("document.getElementById('read-progress').textContent.startsWith('1 relevant of 1 read')")
    assert labels(served) == ({}, {"r7": "relevant"})
    page.go_back()
    shows(page, "r1")
    assert page.input_value("#read-screening") == "main"
    assert page.input_value("#read-topic") == "record 1"
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "document.getElementById('read-error').textContent.startsWith('this page has no more labels')"
    )
    page.keyboard.press("n")
    page.wait_for_function("document.getElementById('read-progress').textContent.startsWith('0 relevant of 1 read')")
    assert labels(served) == ({"r1": "not relevant"}, {"r7": "relevant"})
    page.go_forward()
    page.wait_for_function("document.getElementById('read-topic').value === 'record 7'")
    page.wait_for_selector("#read-keys:not([hidden])")
    page.click("#read-undo")
    page.wait_for_function("document.getElementById('says').textContent === 'Undone: r7 was labelled relevant.'")
    assert labels(served) == ({"r1": "not relevant"}, {})


def test_a_link_opens_its_screening_and_start_changes_that_one(open_page, served):
    """What is looked for is set in the screening that is shown."""
    page = open_page("#tab=read&screening=hunters")
    shows(page, "r7")
    page.fill("#read-topic", "record 9")
    with page.expect_response(re.compile("/api/screen/next")):
        page.press("#read-topic", "Enter")
    shows(page, "r9")
    with es.open(served.path, HashEncoder()) as index:
        assert [Screening(index, name).settings.topic for name in ("main", "hunters")] == ["record 1", "record 9"]


def test_a_label_under_way_stays_in_its_screening(open_page, served):
    """Another one is chosen before the label is answered: it is kept where it was given, and what comes of it is not
    shown; nor can a key label anything before a record of the other is there."""
    page = open_page()
    shows(page, "r1")
    page.evaluate(HOLD, "/screen/label")
    page.keyboard.press("r")
    page.wait_for_function("held.length === 1")
    page.select_option("#read-screening", "hunters")
    shows(page, "r7")
    with page.expect_response("**/screen/label"):
        page.evaluate("release()")
    quiet(page)
    assert page.get_attribute("#read-record", "data-id") == "r7"
    assert page.inner_text("#read-progress") == "0 relevant of 0 read, of 5 records."
    assert labels(served) == ({"r1": "relevant"}, {})
    page.evaluate(HOLD, "/screen/next")
    page.select_option("#read-screening", "main")
    page.wait_for_function("held.length === 1")
    page.focus("#read-form button")
    page.keyboard.press("r")
    assert page.is_hidden("#read-record")
    page.select_option("#read-screening", "hunters")
    page.wait_for_function("held.length === 2")
    page.evaluate("release()")
    shows(page, "r7")
    quiet(page)
    assert page.get_attribute("#read-record", "data-id") == "r7"
    assert labels(served) == ({"r1": "relevant"}, {})


def test_a_label_that_fails_after_another_screening_is_chosen_is_told_with_its_name(open_page, served, watch):
    """The place of errors belongs to the screening that is shown by then."""
    page = open_page()
    shows(page, "r1")
    page.evaluate(HOLD, "/screen/label")
    page.keyboard.press("r")
    page.wait_for_function("held.length === 1")
    page.select_option("#read-screening", "hunters")
    shows(page, "r7")
    with es.open(served.path, HashEncoder()) as index:
        index.labels.add("r1", "undecided", author="ada")
    page.evaluate("release()")
    page.wait_for_function(
        "document.getElementById('says').textContent.startsWith(\"main: 'r1' was labelled undecided by ada\")"
    )
    assert page.inner_text("#read-error") == ""
    assert labels(served) == ({"r1": "undecided"}, {})
    watch.errors = [one for one in watch.errors if "status of 400" not in one]


def test_a_screening_that_is_not_there_is_told_and_not_begun(open_page, served):
    """One line; nothing can be started or labelled under the wrong name, and the others can be chosen."""
    page = open_page("#tab=read&screening=huntrs")
    assert page.inner_text("#read-error") == "This index has no screening called huntrs; choose one from the list."
    assert page.is_hidden("#read-form")
    assert page.is_hidden("#read-record")
    assert page.input_value("#read-screening") == ""
    page.select_option("#read-screening", "hunters")
    shows(page, "r7")
    assert page.inner_text("#read-error") == ""
    assert page.is_visible("#read-form")
    with es.open(served.path, HashEncoder()) as index:
        assert index.labels.names() == ["main", "hunters"]


def test_one_screening_needs_no_choice_and_one_that_begins_elsewhere_is_offered(page, tmp_path):
    """An index with main alone shows no select; where another alone has begun, it is shown; a third comes by itself."""
    path = tmp_path / "index"
    with es.Index.create(path, HashEncoder()) as index:
        index.add(es.Document(f"r{place}", f"record {place}") for place in range(3))
    with exploring(path, encoder=HashEncoder()) as client, es.open(path, HashEncoder()) as index:
        page.goto(f"{client.url}#tab=read")
        page.wait_for_selector("html[data-ready]")
        assert page.is_hidden("#read-screening")
        Screening(index, "hunters").configure(topic="record 2")
        page.evaluate("dispatchEvent(new Event('focus'))")  # as when the reader comes back from the terminal
        page.wait_for_selector("#read-screening:visible")
        assert page.input_value("#read-screening") == "main"
        page.goto("about:blank")
        page.goto(f"{client.url}#tab=read")
        shows(page, "r2")
        assert "screening=hunters" in page.url
        Screening(index, "third").configure(topic="record 0")
        page.keyboard.press("r")
        page.wait_for_function("document.getElementById('read-screening').options.length === 3")
        assert page.locator("#read-screening option").all_inner_texts() == ["main", "hunters", "third"]


@pytest.mark.parametrize("width", [1280, 390])
def test_everyone_can_choose(open_page, page, width):
    """axe-core finds nothing, nothing is wider than the window, and arrow keys go through the select, which keeps the
    focus."""
    page.set_viewport_size({"width": width, "height": 800})
    open_page()
    shows(page, "r1")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.focus("#read-screening")
    page.keyboard.press("ArrowDown")
    shows(page, "r7")
    assert page.evaluate("document.activeElement.id") == "read-screening"
    page.keyboard.press("ArrowUp")
    shows(page, "r1")
    open_page("#tab=read&screening=huntrs")
    assert violations(page) == []


def test_a_label_that_another_writer_holds_up_can_still_be_undone(open_page, served, watch):
    """The undo that is refused meanwhile takes back that label when it is asked again, and not the one before it."""
    page = open_page()
    shows(page, "r1")
    for read in (1, 2):
        page.keyboard.press("r")
        page.wait_for_function(f"document.getElementById('read-progress').textContent.includes('of {read} read')")
    first, last = labels(served)[0]
    with es.open(served.path, HashEncoder()) as index, index._store.locked():
        page.keyboard.press("ArrowLeft")
        page.wait_for_function("document.getElementById('read-error').textContent.includes('is writing')")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.getElementById('says').textContent.startsWith('Undone')")
    assert page.inner_text("#says") == f"Undone: {last} was labelled relevant."
    assert labels(served)[0] == {first: "relevant"}
    watch.errors = [one for one in watch.errors if "status of 409" not in one]


def test_arrows_on_the_tabs_go_to_the_next_tab_and_label_nothing(open_page, served):
    """Whoever comes to Read by the keyboard stays on its tab; letters label from there, arrows lead away."""
    page = open_page("#tab=cut")
    page.focus("#tab-cut")
    page.keyboard.press("ArrowRight")
    shows(page, "r1")
    page.keyboard.press("r")
    page.wait_for_function("document.getElementById('read-progress').textContent.includes('of 1 read')")
    page.focus("#tab-read")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    quiet(page)
    page.keyboard.press("ArrowLeft")
    assert page.is_visible("#cut")
    assert labels(served)[0] == {"r1": "relevant"}


def test_on_a_tablet_the_record_comes_first_and_what_was_done_is_seen(open_page, page, served):
    """In a narrow window the plane stands below the record; what a key did is said at the window's edge."""
    page.set_viewport_size({"width": 768, "height": 1024})
    open_page("#tab=cut")
    order = "['side', 'view'].map((id) => document.getElementById(id).getBoundingClientRect().top)"
    side, view = page.evaluate(order)
    assert view < side
    page.click("#tab-read")
    shows(page, "r1")
    side, view = page.evaluate(order)
    assert side < view
    box = page.locator("#read-record").bounding_box()
    assert box["y"] + 100 < 1024
    page.keyboard.press("r")
    page.wait_for_function("document.getElementById('read-progress').textContent.startsWith('1 relevant of 1 read')")
    quiet(page)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.getElementById('says').textContent.startsWith('Undone')")
    box = page.locator("#says").bounding_box()
    assert box["y"] + box["height"] == 1024
    page.keyboard.press("n")
    page.wait_for_selector("#says:not([data-note])")
    assert labels(served)[0] in ({}, {"r1": "not relevant"})


@pytest.mark.parametrize("width", [1280, 768])
def test_a_record_is_read_from_its_beginning(page, tmp_path, width):
    """Also where the one before it was long, and was read to its end."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(es.Document(f"r{place}", f"{place} a sentence that goes on. " * 400) for place in range(3))
        Screening(index).configure(topic="sentence")
    with exploring(tmp_path / "index", encoder=HashEncoder()) as client:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{client.url}#tab=read")
        page.wait_for_selector("#read-record[data-id]:not([hidden])")
        first = page.get_attribute("#read-record", "data-id")
        page.hover("#read-record")
        page.mouse.wheel(0, 2000)
        tops = "['read-keys', 'read-record'].map((id) => document.getElementById(id).getBoundingClientRect())"
        page.wait_for_function(f"(([keys, record]) => record.top < -500 && keys.top >= 0)({tops})")
        page.keyboard.press("n")
        page.wait_for_selector(f"#read-record:not([data-id={first}])")
        quiet(page)
        keys, record = page.evaluate(tops)
        assert record["top"] == pytest.approx(keys["bottom"], abs=2)
        assert keys["top"] >= 0
