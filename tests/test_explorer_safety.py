"""Who may use the explorer, and what of texts: nobody from elsewhere, and no text is ever markup."""

import json
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from browser import quiet
from conftest import ROOT
from explorer_server import exploring

import embedsearch as es
from embedsearch.testing import HashEncoder

JSON = {"Content-Type": "application/json"}
EVIL = "<img src=x onerror=window.evil=1>"
EVIL_NAME = "<b>size</b>"  # of an axis, which holds no sign of equality
PAGE = ROOT / "embedsearch" / "explorer" / "page"


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """Return an index whose documents, titles, fields, ids, axes and folder are markup."""
    path = tmp_path_factory.mktemp("evil") / "<b>index<b>"
    with es.Index.create(path, HashEncoder(8)) as index:
        index.add(
            es.Document(f"{place}{EVIL}", f"text {place} {EVIL} </script><script>window.evil=1</script>",
                        title=f"{EVIL} {place}", metadata={f"<i>{EVIL}": EVIL, "kind": "a&amp;b"},
                        source=f"{EVIL}.csv:1")
            for place in range(30)
        )  # fmt: skip
        index.axes.save(es.Axis(EVIL_NAME, [f"low {EVIL}"], ["high <b>"]))
        index.axes.save(es.Axis("size", ["small"], ["large"]))
    return path


@pytest.fixture(scope="module")
def client(evil):
    with exploring(evil, encoder=HashEncoder(8)) as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (JSON, 200),
        ({**JSON, "Host": "evil.example"}, 403),
        ({**JSON, "Host": "127.0.0.1.evil.example"}, 403),
        ({**JSON, "Origin": "http://evil.example"}, 403),
        ({**JSON, "Origin": "null"}, 403),
        ({**JSON, "Origin": "http://[x"}, 403),
        ({"Content-Type": "APPLICATION/JSON; charset=utf-8"}, 200),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({}, 415),
        ({**JSON, "Content-Length": str(64 << 20)}, 413),
    ],
)
def test_a_foreign_page_cannot_ask(client, headers, status):
    """A form of another page, a name pointed at this machine, a body without JSON: none of them does anything."""
    assert client.send("POST", "/api/screen/start", b'{"topic": "x"}', headers)[0] == status


def test_a_page_of_another_port_cannot_ask(client):
    """Another server on this machine is another origin; the page's own is let through."""
    own = {**JSON, "Host": f"127.0.0.1:{client.port}"}
    assert client.send("POST", "/api/index", b"{}", {**own, "Origin": f"http://127.0.0.1:{client.port}"})[0] == 200
    assert client.send("POST", "/api/index", b"{}", {**own, "Origin": "http://127.0.0.1:1"})[0] == 403


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/page/plane.js", "/nothing", "/api/nothing"])
def test_every_answer_forbids_what_the_page_does_not_need(client, path):
    """Headers: no script from elsewhere, no frame, no guessing of types, nothing told to others."""
    _, headers, _ = client.send("GET", path)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'self' 'unsafe-eval';", policy)
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/page/../application.py", "/page/%2e%2e%2fapplication.py", "/page/..%5capplication.py"]
)
def test_no_other_file_is_served(client, path):
    """The page's own files and no others, however the path is written."""
    assert client.send("GET", f"/page/{path}")[0] == 404


def test_bodies_that_are_no_object(client):
    """A list, a text, half of an object: one line each."""
    for body in (b"[]", b'"x"', b'{"text":', b"\xff\xfe", b"[" * 100_000):
        status, _, answer = client.send("POST", "/api/index", body, JSON)
        assert status == 400
        assert "\n" not in json.loads(answer)["error"]["message"]


def test_with_a_token_nobody_else_may_enter(evil):
    """Without the token nothing is answered; the page's first address makes it a cookie that scripts cannot read."""
    with exploring(evil, encoder=HashEncoder(8), token="a secret") as client:
        assert client.send("GET", "/")[0] == 401
        assert client.send("GET", "/?token=guess")[0] == 401
        assert client.send("POST", "/api/index?token=a%20secret", b"{}", JSON)[0] == 401
        status, headers, _ = client.send("GET", "/?token=a%20secret")
        assert (status, headers["location"]) == (303, "/")
        assert re.search(r"HttpOnly.*SameSite=strict", headers["set-cookie"], re.IGNORECASE)
        cookie = {"Cookie": headers["set-cookie"].partition(";")[0]}
        assert client.send("GET", "/", headers=cookie)[0] == 200
        assert client.send("POST", "/api/index", b"{}", {**JSON, **cookie})[0] == 200
        assert client.send("POST", "/api/index", b"{}", {**JSON, "Authorization": "Bearer a secret"})[0] == 200
        assert (
            client.send("POST", "/api/index", b"{}", {**JSON, "Cookie": f"{cookie['Cookie'].partition('=')[0]}=guess"})[
                0
            ]
            == 401
        )


def test_without_a_token_none_is_kept(client):
    """An address with a token that nobody asked for leaves no cookie: another server's may have the same name."""
    status, headers, _ = client.send("GET", "/?token=x")
    assert status == 200
    assert "set-cookie" not in headers


def test_no_script_of_ours_makes_markup_of_text():
    """Nothing in the page's files parses a text as HTML, or runs one."""
    for file in PAGE.glob("*.js"):
        found = re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", file.read_text()
        )
        assert found is None, f"{file.name}: {found}"
    assert "<script>" not in (PAGE / "index.html").read_text()
    assert not re.search(r"\son\w+=", (PAGE / "index.html").read_text())


@pytest.mark.parametrize("tab", ["ask", "cursor", "axes", "cut", "read"])
def test_markup_in_texts_shows_as_text(client, page, tab):
    """In documents, titles, ids, fields, axes, sources and the folder's name: text on every tab, and nothing runs."""
    page.goto(f"{client.url}#tab={tab}&q=text+3&color=%3Ci%3E{quote(EVIL)}&means=shown")
    page.wait_for_selector("html[data-ready]")
    assert page.inner_text("#name") == "<b>index<b>"
    page.wait_for_selector("#means tbody th")
    assert (page.inner_text("#means caption"), EVIL in page.inner_text("#means tbody")) == (EVIL_NAME, True)
    assert (
        EVIL_NAME in page.inner_text("#x option >> nth=0")
        or EVIL_NAME in page.locator("#x option").first.text_content()
    )
    if tab in ("ask", "cursor"):
        assert EVIL in page.inner_text(f"#{tab} ol.hits")
    if tab == "axes":
        assert EVIL in page.inner_text("#axes-list")
        page.click("#axes-list button >> nth=0")
        page.wait_for_selector("#axes-report:not([hidden])")
    if tab == "read":
        page.fill("#read-topic", "text 3")
        page.click("#read-form button")
        page.wait_for_selector("#read-record[data-id]")
        assert EVIL in page.inner_text("#read-record")
    quiet(page)
    assert page.evaluate("window.evil") is None
    assert page.locator("main img").count() == 0


@contextmanager
def exploring_process(*arguments):
    """Run the command, and give its process; it is gone afterwards, whatever happens."""
    command = [sys.executable, "-c", "from embedsearch.cli import main; main()", "explore", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it(predation, number, code):
    """The address is printed when it answers; Ctrl-C ends it with 130, SIGTERM with 0, without a traceback."""
    with exploring_process("-i", predation, "--port", "0") as process:
        url = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
        process.send_signal(number)
        assert process.wait(20) == code
        assert "Traceback" not in process.stderr.read()


def test_a_port_in_use_is_one_line(predation):
    """Where another process listens already: one line and exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with exploring_process("-i", predation, "--port", port) as process:
            assert process.wait(30) == 2
            said = process.stderr.read()
    assert f"cannot listen at 127.0.0.1:{port} " in said
    assert said.count("\n") == 1


def test_no_index_is_one_line(tmp_path):
    """Where there is no index: one line and exit code 2."""
    with exploring_process("-i", tmp_path / "none", "--port", "0") as process:
        assert process.wait(30) == 2
        said = process.stderr.read()
    assert said.startswith("Error:")
    assert said.count("\n") == 1


def test_bound_elsewhere_it_brings_a_secret(predation):
    """With --host the printed address has a token, a new one each time."""
    with exploring_process("-i", predation, "--port", "0", "--host", "0.0.0.0") as process:
        url = process.stdout.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32}", url)


def test_the_page_is_in_the_package():
    """Every file that the page asks for is served, plotly's script among them."""
    from embedsearch.explorer.application import page_files

    files = page_files()
    wanted = set(re.findall(r"/page/([\w.]+)", (PAGE / "index.html").read_text()))
    wanted |= {name for file in PAGE.glob("*.js") for name in re.findall(r'from "\./([\w.]+)"', file.read_text())}
    assert wanted <= files.keys()
    assert all(Path(file).is_file() for file in files.values())
