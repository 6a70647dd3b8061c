"""Write docs/pictures/map.png, the map of the demo in Chromium. Run it after `make demo`."""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import embedsearch as es

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Draw the map by UMAP, search it, and take its picture."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, es.open(ROOT / "indexes" / "predation") as index:
        file = Path(folder) / "map.html"
        es.map_index(index, layout="umap", color="kind").save(file)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(file.as_uri())
            page.get_by_label("Search the texts shown").fill("shark")
            page.get_by_text("passages", exact=False).nth(1).wait_for()
            page.wait_for_timeout(1000)
            page.screenshot(path=ROOT / "docs" / "pictures" / "map.png")
            browser.close()


if __name__ == "__main__":
    main()
