"""The page of several people at once: what one does ends up in nobody else's work."""

import pytest
from browser import quiet
from explorer_server import exploring

import embedsearch as es
from embedsearch.testing import HashEncoder


@pytest.fixture
def served(tmp_path):
    """Serve ten records of an index with one axis."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(es.Document(f"r{place}", f"record {place}") for place in range(10))
        index.axes.save(es.Axis("size", low=["small"], high=["large"]))
    with exploring(tmp_path / "index", encoder=HashEncoder()) as client:
        client.path = tmp_path / "index"
        yield client


def definition(served, name):
    """Return the ends of an axis as the index has it, None where it has none."""
    with es.open(served.path, HashEncoder()) as index:
        axis = index.axes.definitions().get(name)
    return axis and (axis.low, axis.high)


def test_an_axis_is_saved_by_whoever_tried_it_last(served):
    """What a person names is the axis that was looked at, or is refused; without a trial it is what was tried last."""
    mine = served.ask("axes/try", low=["cold"], high=["hot"])["trial"]
    theirs = served.ask("axes/try", low=["slow"], high=["fast"])["trial"]
    assert mine != theirs
    status, answer = served.try_to_ask("axes/save", name="heat", trial=mine)
    assert (status, answer["error"]["code"]) == (409, "changed")
    assert "another axis has been tried since" in answer["error"]["message"]
    assert definition(served, "heat") is None
    served.ask("axes/save", name="speed", trial=theirs)
    assert definition(served, "speed") == (("slow",), ("fast",))
    served.ask("axes/save", name="speed too")
    assert definition(served, "speed too") == (("slow",), ("fast",))


def test_a_trial_is_of_one_server(served):
    """A page that outlives its server saves nothing that was tried at the next one."""
    before = served.ask("axes/try", low=["cold"], high=["hot"])["trial"]
    with exploring(served.path, encoder=HashEncoder()) as other:
        other.ask("axes/try", low=["slow"], high=["fast"])
        assert other.refusal("axes/save", name="heat", trial=before)[0] == 409


def test_the_page_saves_no_axis_of_others(page, watch, served):
    """Who tried first is told to try again, also where the points are still on their way, and saves what is there."""
    page.goto(f"{served.url}#tab=axes")
    page.wait_for_selector("html[data-ready]")
    held, holding = [], [True]
    page.route("**/api/points", lambda route: held.append(route) if holding else route.fallback())
    page.fill("#axes-low", "cold")
    page.fill("#axes-high", "hot")
    page.click("#axes-form button:not([type])")
    page.wait_for_selector("#axes-save:not([hidden])")
    served.ask("axes/try", low=["slow"], high=["fast"])
    page.fill("#axes-name", "heat")
    page.click("#axes-save button")
    page.wait_for_function("document.getElementById('axes-error').textContent.includes('try yours again')")
    holding.clear()
    for route in held:
        route.continue_()
    quiet(page)
    assert "try yours again" in page.text_content("#axes-error")
    assert definition(served, "heat") is None
    page.click("#axes-form button:not([type])")
    page.wait_for_function("document.getElementById('axes-error').textContent === ''")
    page.click("#axes-save button")
    page.wait_for_function("document.getElementById('says').textContent.startsWith('Saved as heat')")
    assert definition(served, "heat") == (("cold",), ("hot",))
    assert "409" in watch.errors.pop()


def test_a_label_is_of_the_record_that_was_shown(page, watch, served):
    """Where an ingest has put another record under its id, that one is shown before it can be labelled."""
    served.ask("screen/start", topic="record")
    page.goto(f"{served.url}#tab=read")
    page.wait_for_selector("#read-record[data-id]:not([hidden])")
    shown = page.get_attribute("#read-record", "data-id")
    with es.open(served.path, HashEncoder()) as index:
        index.add(es.Document(shown, "another one"))
    page.keyboard.press("r")
    page.wait_for_function("document.getElementById('read-error').textContent.includes('read it again')")
    assert served.ask("screen/status")["recent"] == []
    record = served.ask("screen/next")["record"]
    assert served.try_to_ask("screen/label", id=shown, label="relevant", seen="0" * 16)[0] == 400
    served.ask("screen/label", id=record["id"], label="relevant", seen=record["seen"])
    served.ask(
        "screen/label", id=next(f"r{place}" for place in range(10) if f"r{place}" != record["id"]), label="relevant"
    )
    assert len(served.ask("screen/status")["recent"]) == 2
    page.goto("about:blank")
    assert sum("400" in one for one in watch.errors) == 1
    # Texts that the page fetched ahead may have been asked for as their passages went.
    watch.errors = [one for one in watch.errors if "400" not in one and "status of 409" not in one]


@pytest.fixture
def stranded(served):
    """Serve a screening whose condition names an axis that somebody has deleted; one record is shown, one labelled."""
    served.ask("screen/start", topic="record", where="size > -5")
    served.number = served.ask("screen/label", id="r9", label="relevant")["number"]
    served.shown = served.ask("screen/next")["record"]
    with es.open(served.path, HashEncoder()) as index:
        index.axes.delete("size")
    return served


def state_of(served):
    """Return the labels and the settings of the screening as the index has them."""
    with es.open(served.path, HashEncoder()) as index:
        return {id: one.name for id, one in index.labels.items()}, index.labels.settings()


def test_what_is_refused_is_not_kept(stranded):
    """Where a screening cannot be read any more, neither a label nor its undoing is kept and yet refused."""
    before = state_of(stranded)
    for question, given in (("label", {"id": stranded.shown["id"], "label": "relevant"}),
                            ("undo", {"number": stranded.number}), ("status", {})):  # fmt: skip
        status, said = stranded.refusal(f"screen/{question}", **given)
        assert (status, "there is no axis or field 'size'" in said) == (400, True)
    assert state_of(stranded) == before


def test_another_condition_puts_that_right_and_the_topic_stays(page, watch, stranded):
    """A form that could not be filled says nothing of what its empty fields stand for."""
    page.goto(f"{stranded.url}#tab=read")
    page.wait_for_function("document.getElementById('read-error').textContent.includes('size')")
    page.fill("#read-among", 'id != "r3"')
    page.click("#read-form button")
    page.wait_for_selector("#read-record[data-id]:not([hidden])")
    settings = state_of(stranded)[1]
    assert (settings["topic"], settings["where"]) == ("record", 'id != "r3"')
    assert page.input_value("#read-topic") == "record"
    page.fill("#read-topic", "")
    page.fill("#read-among", "")
    page.click("#read-form button")
    page.wait_for_function("document.getElementById('read-progress').textContent.includes('10 records')")
    settings = state_of(stranded)[1]
    assert (settings["topic"], settings["where"]) == ("", "")
    watch.errors = [one for one in watch.errors if "status of 400" not in one]


def test_an_axis_that_is_there_is_replaced_when_that_is_said_twice(page, served):
    """Its name was typed by somebody who may not know of it; what this page has saved it replaces at once."""
    page.goto(f"{served.url}#tab=axes")
    page.wait_for_selector("html[data-ready]")

    def save(high, name):
        page.fill("#axes-low", "cold")
        page.fill("#axes-high", high)
        with page.expect_response("**/api/axes/try"):
            page.click("#axes-form button:not([type])")
        page.wait_for_selector("#axes-save:not([hidden])")
        quiet(page)
        page.fill("#axes-name", name)
        page.click("#axes-save button")

    save("hot", "size")
    page.wait_for_function("document.getElementById('axes-error').textContent.startsWith('this index already has')")
    assert page.inner_text("#axes-error") == (
        "this index already has an axis size (small … large, version 1); save again to replace it, or choose another "
        "name"
    )
    assert definition(served, "size") == (("small",), ("large",))
    page.click("#axes-save button")
    page.wait_for_function("document.getElementById('says').textContent === 'Saved as size, version 2.'")
    assert definition(served, "size") == (("cold",), ("hot",))
    save("warm", "size")
    page.wait_for_function("document.getElementById('says').textContent === 'Saved as size, version 3.'")
    assert definition(served, "size") == (("cold",), ("warm",))
