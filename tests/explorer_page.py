"""The explorer's page in a browser, as tests of it use it."""

import json
import re
import shutil
from pathlib import Path

import pytest
from explorer_server import exploring

AT = """([x, y]) => {
  const chart = document.querySelector("#plane > div"), {xaxis, yaxis} = chart._fullLayout;
  const box = chart.getBoundingClientRect();
  return [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)];
}"""  # where a place on the axes is on the screen


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


def drawn(page):
    """Wait until what was asked for is drawn, points that move to other places among it."""
    page.wait_for_selector("#plane[aria-busy=false]")


def lasso(page):
    """Draw around the points up on the right, and return how many they are, once all is said of them."""
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
    page.wait_for_selector("#chosen[aria-busy=false]")
    return int(page.inner_text("#chosen-count").split()[0].replace(",", ""))


def exported(page):
    """Return the records of what is selected."""
    with page.expect_download() as download:
        page.click("[data-export=jsonl]")
    return [json.loads(line) for line in Path(download.value.path()).read_text("utf-8").splitlines()]


def marked_points(page):
    """Return how many points are marked as selected."""
    return page.evaluate("(document.querySelector('#plane > div').data[0].selectedpoints ?? []).length")


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


def start(page, topic, among):
    """Say what is looked for, and wait until the server knows."""
    page.fill("#read-topic", topic)
    page.fill("#read-among", among)
    with page.expect_response(re.compile("/api/screen/start")):
        page.click("#read-form button")
