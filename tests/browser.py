"""Chromium for tests that use a page as a reader would: it reaches this machine alone, and must not complain.

Ask for the fixture ``page``; it is skipped where no Chromium is installed. When the test ends, every request that
would have left the machine, every error on the console and every exception of a script fails it.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
_SOFTWARE_WEBGL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
WITHOUT_WEBGL = "HTMLCanvasElement.prototype.getContext = (get => function (kind, ...more) { return /webgl/.test(kind) ? null : get.call(this, kind, ...more) })(HTMLCanvasElement.prototype.getContext)"  # noqa: E501
# How many questions of a page are not answered to the end, and when this changed last. No timer of ours is longer than
# 300 ms, so what asks more by itself has asked it by then.
_UNDER_WAY = """window.underWay = 0; window.lastAsked = 0; window.fetch = (ask => async (...given) => {
  const count = (more) => { window.underWay += more; window.lastAsked = performance.now(); };
  count(1);
  try {
    const answer = await ask(...given);
    await answer.clone().arrayBuffer();
    return answer;
  } finally { count(-1); } })(window.fetch)"""
_OURS = ("127.0.0.1", "localhost", "[::1]")


@dataclass
class Watch:
    """What a page did that it must not."""

    refused: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def route(self, route):
        """Let a request through if it stays on this machine."""
        url = urlsplit(route.request.url)
        if url.scheme in ("file", "data", "blob", "about") or url.hostname in _OURS:
            route.continue_()
        else:
            self.refused.append(route.request.url)
            route.abort()

    def heard(self, message):
        """Note an error on the console, but for those of a page that outlives the server of its test."""
        if message.type == "error" and "ERR_CONNECTION_REFUSED" not in message.text:
            self.errors.append(message.text)


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    """Return a running Chromium, one for all tests of a file: its loop must not run while other files are tested."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS + _SOFTWARE_WEBGL)
        yield browser
        browser.close()


@pytest.fixture
def watch() -> Watch:
    """Return what notes the faults of the page of this test."""
    return Watch()


@pytest.fixture
def page(chromium, watch) -> Iterator:
    """Return an empty page of 1,280 by 800 pixels in a profile of its own."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(20_000)
    context.route("**/*", watch.route)
    context.add_init_script(_UNDER_WAY)
    page = context.new_page()
    page.on("console", watch.heard)
    page.on("pageerror", lambda error: watch.errors.append(str(error)))
    yield page
    context.close()
    assert watch.refused == []
    assert watch.errors == []


def quiet(page):
    """Wait until a page asks its server nothing, nor is about to."""
    page.wait_for_function("window.underWay === 0 && performance.now() - window.lastAsked > 350")


def violations(page) -> list[str]:
    """Return what axe-core finds wrong with a page for those who cannot see it, or use no mouse."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]
