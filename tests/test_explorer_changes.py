"""The page while its index changes elsewhere: what is drawn, selected and chosen from is what there is now."""

import shutil

import pytest
from browser import quiet
from explorer_page import AT, ask, exported, lasso, marked_points, place
from explorer_server import exploring

import embedsearch as es


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
        page.wait_for_function("document.getElementById('view-error').textContent.includes('are being redrawn')")
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
        "The index has changed since these passages were drawn. They are being redrawn; select again."
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
    quiet(small)  # an answer to what the tab asks would tell of the axis before its choice
    index.axes.delete("size")
    small.select_option("#x", "size")
    small.wait_for_function("document.getElementById('says').textContent.startsWith('This index no longer has')")
    assert small.inner_text("#says") == "This index no longer has the axis size. 8 passages."
    assert small.inner_text("#view-error") == ""
    assert small.locator("#x option").all_inner_texts() == ["predatoriness"]
    assert (small.input_value("#x"), small.input_value("#y")) == ("predatoriness", "-")
    assert "x=predatoriness&y=-" in small.url
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
    quiet(small)
    index.axes.delete("size")
    small.evaluate("dispatchEvent(new Event('focus'))")
    small.wait_for_function("document.getElementById('y').options.length === 1")
    quiet(small)
    assert small.inner_text("#says").startswith("This index no longer has the axis size. 4 of 8 passages in view")


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
            quiet(page)


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
        quiet(page)
    with exploring(tmp_path / "index", encoder=encoder, port=client.port):
        page.evaluate("dispatchEvent(new Event('focus'))")
        page.wait_for_function(
            "document.getElementById('says').textContent === 'This index no longer has the axis tried. 8 passages.'"
        )
        assert page.input_value("#x") == "predatoriness"
        assert page.input_value("#axes-low") == "mouse"
        quiet(page)


def test_what_is_asked_on_an_axis_that_is_gone_is_answered_on_those_that_are_there(small, index, watch):
    """It was deleted by another process: the page says so, and the answer comes without a reload."""
    index.axes.delete("size")
    ask(small, "wolf")
    small.wait_for_selector("#ask-answer li:first-child[data-id=id-wolf]")
    assert small.inner_text("#ask-error") == ""
    assert small.inner_text("#says").startswith("This index no longer has the axis size. ")
    quiet(small)
    watch.errors = [one for one in watch.errors if "status of 400" not in one]


def test_a_document_that_changes_in_place_is_drawn_as_it_is_now(small, index, watch):
    """The index holds as many documents and passages as before: where its text lies, and what its fields say."""
    kind = dict(index.get("id-wolf").metadata)
    index.add(es.Document("id-wolf", "mouse", metadata=kind))
    small.evaluate("dispatchEvent(new Event('focus'))")
    placed = sorted(index.population(["size"]).coordinates[:, 0])
    ys = "Array.from(document.querySelector('#plane > div').data[0].y).sort((a, b) => a - b)"
    small.wait_for_function(f"Math.abs({ys}[1] - {placed[1]}) < 1e-5")
    assert small.evaluate(ys) == pytest.approx(placed, abs=1e-5)
    small.select_option("#color", "kind")
    small.wait_for_selector("#legend >> text=person")
    index.add(es.Document("id-wolf", "mouse", metadata=kind | {"kind": "rodent"}))
    small.evaluate("dispatchEvent(new Event('focus'))")
    small.wait_for_selector("#legend >> text=rodent")
    watch.errors = [one for one in watch.errors if "status of 409" not in one]  # texts that it fetches ahead
