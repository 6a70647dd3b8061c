"""Photograph the pages of the demo for the manual. Run it after `make demo`, with Chromium."""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

import embedsearch as es

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SIZE = {"width": 1280, "height": 800}


def main() -> None:
    """Open the map by UMAP as a reader does, search for a word, and take the picture."""
    with es.open(ROOT / "indexes" / "predation") as index, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "map.html"
        es.map_index(index, color="kind").save(file)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            photograph(browser.new_page(viewport=SIZE, color_scheme="light"), file)
            browser.close()


def photograph(page: Page, file: Path) -> None:
    """Take the picture of a map on which a word was looked for."""
    page.goto(file.as_uri())
    page.get_by_label("Search the texts shown").fill("wolf")
    page.get_by_text("found").first.wait_for()
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(500)
    page.screenshot(path=PICTURES / "map.png")


if __name__ == "__main__":
    main()
