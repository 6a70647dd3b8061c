"""The map in a browser, used as a reader uses it."""

import csv
import json
import shutil
from itertools import combinations

import pytest
from browser import WITHOUT_WEBGL, violations

import embedsearch as es
from embedsearch.testing import HashEncoder

EVIL = "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>\u2028&amp; <b>bold</b> ${x} @@map@@"
FOLLOWED = "document.querySelector('.main-svg').clientWidth === document.getElementById('plane').clientWidth"
AT = """([x, y]) => {
  const {xaxis, yaxis} = document.querySelector(".js-plotly-plot")._fullLayout;
  const box = document.querySelector(".js-plotly-plot").getBoundingClientRect();
  return [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)];
}"""


@pytest.fixture
def plane(index, page, tmp_path):
    """Return a page with the map of the animals on both axes, by kind."""
    es.map_index(index, "predatoriness", "size", color="kind").save(tmp_path / "map.html")
    page.goto((tmp_path / "map.html").as_uri())
    return page


def listed(page) -> list[str]:
    """Return the names in the list."""
    return page.locator("#rows button").all_text_contents()


def places(index) -> dict[str, tuple[float, float]]:
    """Return where each animal lies."""
    return {
        one.text: (one.coordinates["predatoriness"], one.coordinates["size"]) for one in index.place_all(sort="size")
    }


def test_the_head_says_what_is_shown(plane):
    """The title names index and axes; the line below counts, and names the encoder; axes bear unit and poles."""
    assert plane.locator("h1").text_content() == "index: predatoriness and size"
    assert plane.locator("#about").text_content() == "8 passages; encoder table"
    written = plane.locator("svg text").all_text_contents()
    for text in ("predatoriness (standard deviations from the mean of the index)", "← prey", "predator →", "← small"):
        assert text in written


def test_the_pointer_reads_a_point(plane, index):
    """Over a point stand its title or text, its category and its coordinates."""
    plane.mouse.move(*plane.evaluate(AT, places(index)["whale"]))
    box = plane.locator(".plane-hover")
    box.wait_for()
    x, y = places(index)["whale"]
    shown = f"whale\nkind: animal\npredatoriness {x:.2f}, size {y:.2f}".replace("-", "−")
    assert box.text_content() == shown


def test_a_search_counts_and_lists(plane):
    """A part of a word finds texts, ids and titles in either case; clearing it empties the list."""
    plane.get_by_label("Search the texts shown").fill("SH")
    plane.get_by_text("2 of 8 passages").wait_for()
    assert sorted(listed(plane)) == ["id-shark", "id-sheep"]
    plane.get_by_role("button", name="Clear").click()
    assert listed(plane) == []
    assert plane.locator("#listed").text_content() == "Nothing selected"


def test_the_legend_isolates(plane):
    """Pressing a category leaves it alone on the plane, pressing it again brings the others back."""
    button = plane.get_by_role("button", name="animal (6)")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    plane.get_by_role("button", name="Select what is in view").click()
    assert plane.locator("#listed").text_content() == "6 selected"
    button.click()
    plane.get_by_role("button", name="Select what is in view").click()
    assert plane.locator("#listed").text_content() == "8 selected"


@pytest.mark.parametrize("tool", ["Lasso", "Box"])
def test_what_is_drawn_around_is_listed_and_exported(plane, index, tmp_path, tool):
    """A lasso or box around the shark selects it alone; CSV and JSON lines have its id, text and place."""
    x, y = places(index)["shark"]
    plane.get_by_role("button", name=tool).click()
    corners = [(x - 0.3, y - 0.3), (x + 0.1, y - 0.3), (x + 0.1, y + 0.3), (x - 0.3, y + 0.3), (x - 0.3, y - 0.25)]
    corners = corners if tool == "Lasso" else [corners[0], corners[2]]
    first, *rest = [plane.evaluate(AT, corner) for corner in corners]
    plane.mouse.move(*first)
    plane.mouse.down()
    for place in rest:
        plane.mouse.move(*place, steps=6)
    plane.mouse.up()
    plane.get_by_text("1 selected").wait_for()
    rows = list(csv.DictReader(exported(plane, "Export CSV", tmp_path).decode().splitlines()))
    record = json.loads(exported(plane, "Export JSON lines", tmp_path))
    assert [row["id"] for row in rows] == ["id-shark"]
    assert float(rows[0]["coordinates.predatoriness"]) == pytest.approx(x, abs=1e-5)
    expected = {"id": "id-shark", "title": "", "text": "shark", "category": "animal"}
    assert {name: record[name] for name in expected} == expected
    assert record["coordinates"]["size"] == pytest.approx(y, abs=1e-5)


@pytest.mark.parametrize(("options", "names"), [
    ({"x": "predatoriness", "y": "size", "color": "size"}, ("predatoriness", "size")),
    ({"layout": "pca", "color": "x"}, ("x", "y")),
    ({"x": "predatoriness", "y": "size", "color": "text"}, ("predatoriness", "size")),
    ({"x": "predatoriness", "y": "size", "color": "id"}, ("predatoriness", "size")),
])  # fmt: skip
def test_an_export_has_all_that_it_names_whatever_gives_the_colour(index, page, tmp_path, options, names):
    """A field called as an axis, or id and text themselves, take the place of nothing."""
    index.add(es.Document(f"new{i}", "sheep", metadata={"size": f"size {i}", "x": f"x {i}"}) for i in range(9))
    content = es.map_index(index, **options).content
    es.map_index(index, **options).save(tmp_path / "map.html")
    page.goto((tmp_path / "map.html").as_uri())
    page.get_by_role("button", name="Select what is in view").click()
    rows = list(csv.DictReader(exported(page, "Export CSV", tmp_path).decode().splitlines()))
    records = [json.loads(line) for line in exported(page, "Export JSON lines", tmp_path).decode().splitlines()]
    assert list(rows[0]) == ["id", "title", "text", *(f"coordinates.{name}" for name in names), "category"]
    assert len(rows) == len(records) == 17
    wanted = {one.id: (one, at) for one, at in zip(content.passages, content.points.tolist(), strict=True)}
    for row, record in zip(rows, records, strict=True):
        one, at = wanted[record["id"]]
        assert (row["id"], row["text"], record["text"]) == (one.id, one.text, one.text)
        assert list(record["coordinates"].values()) == pytest.approx(at)
        assert [float(row[f"coordinates.{name}"]) for name in names] == pytest.approx(at)
        assert row["category"] == record["category"]


def exported(page, button: str, folder) -> bytes:
    """Press an export and return the file."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    waiting.value.save_as(folder / "download")
    return (folder / "download").read_bytes()


def test_a_cell_that_would_be_a_formula_is_text(tmp_path, page):
    """A title that a spreadsheet would run gets an apostrophe in the CSV; the JSON lines have it as it is."""
    show(page, tmp_path, [es.Document("one", "=1+1", title='=HYPERLINK("http://x")'), es.Document("two", "b")])
    page.get_by_role("button", name="Select what is in view").click()
    line = exported(page, "Export CSV", tmp_path).decode()
    assert '"\'=HYPERLINK(""http://x"")",\'=1+1,' in line
    first = json.loads(exported(page, "Export JSON lines", tmp_path).decode().splitlines()[0])
    assert first["text"] == "=1+1"


def show(page, folder, documents, **options):
    """Open the map of an index of documents."""
    with es.Index.create(folder / "made", HashEncoder(8)) as made:
        made.add(documents)
        es.map_index(made, layout="pca", **options).save(folder / "made.html")
    page.goto((folder / "made.html").as_uri())


def test_texts_are_never_markup(tmp_path, page):
    """What looks like markup or a script in an id, title, text, field or file name stands there as text."""
    folder = tmp_path / "<img src=x onerror=alert(1)>"
    folder.mkdir()
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    documents = [es.Document(f"{EVIL}{i}", f"{EVIL} {i}", title=EVIL, metadata={EVIL: EVIL}) for i in range(12)]
    show(page, folder, documents, color=EVIL)
    page.get_by_role("button", name="Select what is in view").click()
    shown = " ".join(EVIL.split())
    assert page.locator("#rows button").first.text_content() == shown[:120]
    assert page.locator("#legend-title").text_content() == EVIL
    assert shown in page.locator("#rows p").first.text_content()
    assert page.locator("#categories button").first.text_content().strip() == f"{shown} (12)"
    assert page.locator("img, #rows b, script[src]").count() == 0
    assert dialogs == []
    records = [json.loads(line) for line in exported(page, "Export JSON lines", tmp_path).splitlines()]
    assert {record["id"] for record in records} == {document.id for document in documents}


def test_it_fits_and_can_be_used_without_seeing_it(plane):
    """By day and night, on a desk and in the hand: nothing is cut off at the side, and axe-core finds nothing."""
    plane.get_by_role("button", name="Select what is in view").click()
    for scheme in ("light", "dark"):
        for width in (1280, 390):
            plane.set_viewport_size({"width": width, "height": 800})
            plane.emulate_media(color_scheme=scheme)
            plane.wait_for_function(FOLLOWED)
            assert plane.evaluate("document.documentElement.scrollWidth") == width
            assert violations(plane) == [], (scheme, width)


def test_the_keyboard_reaches_everything(plane, index):
    """Tab goes to the tools, the plane, the search; keys zoom in on what then is selected, listed and pointed at."""
    for name in ("Move", "Zoom", "Lasso", "Box", "Zoom in", "Zoom out", "Show all", "Select what is in view"):
        plane.keyboard.press("Tab")
        assert plane.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent") == name
    plane.keyboard.press("Tab")
    assert plane.evaluate("document.activeElement.id") == "plane"
    for key in "++++":
        plane.keyboard.press(key)
    plane.keyboard.press("Shift+Tab")
    plane.keyboard.press("Enter")
    near = listed(plane)
    assert 0 < len(near) < 8
    plane.locator("#rows button").first.press("Enter")
    assert plane.evaluate("document.querySelector('.js-plotly-plot').data[1].x.length") == 1


def test_without_webgl_a_plain_picture_says_so(index, page, tmp_path):
    """Where the browser has no WebGL, the points are drawn as SVG, with a note."""
    page.add_init_script(WITHOUT_WEBGL)
    es.map_index(index, "predatoriness", "size").save(tmp_path / "map.html")
    page.goto((tmp_path / "map.html").as_uri())
    page.get_by_text("This browser has no WebGL: 8 of 8 points are drawn, as a plain picture.").wait_for()
    page.locator(".scatterlayer .trace").first.wait_for(state="attached")
    assert page.locator(".scatterlayer .trace").first.locator("path.point").count() == 8


def test_a_notebook_shows_it_in_a_frame_of_its_own(index, page, tmp_path):
    """In a frame that can reach neither the notebook nor anything else, the map is drawn all the same."""
    head = '<!doctype html><meta charset="utf-8"><title>Notebook</title>'  # as notebooks say; else browsers guess
    notebook = f"{head}{index.map('predatoriness', 'size')._repr_html_()}"
    (tmp_path / "notebook.html").write_text(notebook, "utf-8")
    page.goto((tmp_path / "notebook.html").as_uri())
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Select what is in view").click()
    frame.get_by_text("8 selected").wait_for()
    assert page.locator("iframe").get_attribute("sandbox") == "allow-scripts allow-downloads"


def test_a_layout_shows_its_regions_by_name(predation, page, tmp_path):
    """The map of the demo by its components has no scales, and the names of its twelve regions."""
    shutil.copytree(predation, tmp_path / "predation")  # the layout is kept in the folder, which others read
    with es.open(tmp_path / "predation") as index:
        made = es.map_index(index, layout="pca", color="kind")
    made.save(tmp_path / "map.html")
    page.goto((tmp_path / "map.html").as_uri())
    page.get_by_text("1,010 passages; encoder").wait_for()
    names = {region.name for region in made.content.clusters}
    assert len(names) == 12
    assert page.locator(".xtick text").count() == 0
    on_a_desk = regions(page, names)
    assert len(on_a_desk) >= 8
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function(FOLLOWED)
    names_drawn = "[...document.querySelectorAll('svg .annotation-text')]"
    page.wait_for_function(f"{names_drawn}.every((one) => one.getBoundingClientRect().right <= 390)")  # drawn anew
    assert 3 <= len(regions(page, names)) <= len(on_a_desk)


def regions(page, names: set[str]) -> list[str]:
    """Return the names of regions on the map, and find out that none covers another or is cut off."""
    written = [(text.text_content(), text.bounding_box()) for text in page.locator("svg .annotation-text").all()]
    boxes = [box for name, box in written if name in names]
    width = page.viewport_size["width"]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    for one, other in combinations(boxes, 2):
        is_beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        assert is_beside or abs(one["y"] - other["y"]) >= min(one["height"], other["height"])
    return [name for name, _ in written if name in names]


def test_a_search_narrows_a_selection(plane):
    """What is selected and then searched lists what is both; an emptied search lists the selection again."""
    plane.get_by_role("button", name="Select what is in view").click()
    plane.get_by_label("Search the texts shown").fill("sh")
    plane.get_by_text("2 found of 8 selected").wait_for()
    assert sorted(listed(plane)) == ["id-shark", "id-sheep"]
    plane.get_by_label("Search the texts shown").fill("")
    plane.get_by_text("8 selected", exact=True).wait_for()
    assert len(listed(plane)) == 8
