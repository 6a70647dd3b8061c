"""Measure the explorer's page in Chromium with software rendering: the first view, and a query to its drawn hits.

    python benchmarks/explorer.py [--passages 5000 1000000] [--folder FOLDER]

Indexes of short passages with random vectors are made beforehand. The first view is the time from asking for the
address to the points being painted, as a sketch; ready is when the page can be used. Each is in a new browser profile,
with a server that has just been started; again is with one that has measured the passages. The query goes to the
demo's index (`make demo`) with the real encoder, warm: from asking to hits listed and ringed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from store import PooledEncoder, documents

import embedsearch as es
from embedsearch.explorer import exploring

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "explorer.json"
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
VIEWS, QUERIES = 5, ("wolf", "a trap that waits", "loan sharks", "sheep + spider", "hunting in packs", "ambush")
_DRAWN = """async (text) => {
  const field = document.getElementById("ask-text"), began = performance.now();
  const answer = document.getElementById("ask-answer"), before = answer.firstChild;
  field.value = text;
  document.getElementById("ask-form").requestSubmit();
  while (answer.firstChild === before) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""


def made(path: Path, passages: int) -> Path:
    """Make an index of so many passages with two axes."""
    with es.Index.create(path, PooledEncoder()) as index:
        index._searcher.refresh_neighbors = lambda *_: None  # type: ignore[method-assign]
        index.add(documents(0, passages))
        for name in ("first", "second"):
            index.axes.save(es.Axis(name, [f"{name} low"], [f"{name} high"]))
    return path


def opened(browser: Browser, address: str) -> tuple[Page, float, float]:
    """Open the page in a new profile; return it, and the seconds until the points were there, and until all was."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("html[data-ready]", timeout=120_000)
    # By the page's own clock: while plotly begins it answers nobody.
    seen = float(page.get_attribute("html", "data-sketched")) / 1000
    return page, seen, time.perf_counter() - began


def first_views(browser: Browser, path: Path) -> dict[str, Any]:
    """Return the seconds of first views: of a server just started, and of one that has measured the passages."""
    cold, warm, usable = [], [], []
    for _ in range(VIEWS):
        with exploring(path, encoder=PooledEncoder()) as address:
            page, seen, ready = opened(browser, address)
            cold.append(seen)
            usable.append(ready)
            says = page.inner_text("#says")
            warm.append(opened(browser, address)[1])
    seconds = {"first": cold, "ready": usable, "again": warm}
    return {name: round(statistics.median(times), 2) for name, times in seconds.items()} | {"says": says}


def queries(browser: Browser) -> dict[str, Any]:
    """Return the milliseconds from asking to drawn hits on the demo's index: median and slowest."""
    with exploring(ROOT / "indexes" / "predation") as address:
        page, _, _ = opened(browser, address)
        page.evaluate(_DRAWN, "a first text")  # loads the encoder
        times = [page.evaluate(_DRAWN, text) for text in QUERIES]
    return {"median_ms": round(statistics.median(times)), "slowest_ms": round(max(times)), "queries": len(times)}


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, nargs="+", default=[5_000, 1_000_000])
    parser.add_argument("--folder", help="where the indexes are made for the time being")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=given.folder))
    found: dict[str, Any] = {"views": {}, "load_at_start": round(os.getloadavg()[0], 1)}
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            for passages in given.passages:
                found["views"][str(passages)] = first_views(browser, made(folder / str(passages), passages))
                print(passages, found["views"][str(passages)], file=sys.stderr)
            found["query"] = queries(browser)
            found["browser"] = browser.version
            browser.close()
    finally:
        shutil.rmtree(folder)
    found["machine"] = f"{os.cpu_count()} cores, {platform.processor() or platform.machine()}"
    if given.passages == parser.get_default("passages"):
        RESULTS.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
