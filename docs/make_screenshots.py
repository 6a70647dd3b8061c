"""Photograph the map and the page of the demo for the manual. Run it after `make demo`, with Chromium."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

import embedsearch as es

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
INDEX = ROOT / "indexes" / "predation"
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SIZE = {"width": 1280, "height": 800}
SUM = "#q=sheep+%2B+spider&among=kind+%3D%3D+%22person%22&x=predatoriness&y=size&color=kind"


def photograph_map(browser: Browser) -> None:
    """Draw the map by UMAP, search it, and take its picture."""
    page = browser.new_page(viewport=SIZE, color_scheme="light")
    with es.open(INDEX) as index, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "map.html"
        es.map_index(index, layout="umap", color="kind").save(file)
        page.goto(file.as_uri())
        page.get_by_label("Search the texts shown").fill("wolf")
        page.get_by_text("found").first.wait_for()
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(500)
        page.screenshot(path=PICTURES / "map.png")


def photograph_page(browser: Browser) -> None:
    """Start the explorer, ask for the sum, and take its picture."""
    page = browser.new_page(viewport=SIZE, color_scheme="light")
    command = [
        sys.executable,
        "-c",
        "from embedsearch.cli import main; main()",
        "explore",
        "-i",
        str(INDEX),
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        page.goto(process.stdout.readline().strip() + SUM)
        page.wait_for_selector("html[data-ready]")
        page.wait_for_timeout(500)
        page.screenshot(path=PICTURES / "explorer.png")
        process.terminate()


def main() -> None:
    """Take both pictures."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        photograph_map(browser)
        photograph_page(browser)
        browser.close()


if __name__ == "__main__":
    main()
