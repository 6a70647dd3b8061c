"""The manual is run: every console block gives what it shows, every Python block runs."""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CORPUS, ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "corpus" / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
SECONDS = re.compile(r"\(\d+\.\d s\)")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
TOLERANCE = 0.03  # bf16 differs between processors: a distance on two axes by .02


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page in one language."""
    return [text for kind, text in BLOCK.findall(page.read_text("utf-8")) if kind == language]


def steps(block: str) -> list[tuple[str, list[str]]]:
    """Return the commands of a console block as they stand there, each with the lines shown below it."""
    found: list[tuple[str, list[str]]] = []
    is_open = False
    for line in block.splitlines():
        if is_open:
            found[-1] = (f"{found[-1][0]}\n{line}", [])
        elif line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(line)
        is_open = bool(found) and not found[-1][1] and goes_on(found[-1][0])
    return found


def goes_on(command: str) -> bool:
    """Would a shell read the next line too, as a quote is open or the line ends in a backslash outside of one?"""
    try:
        shlex.split(command)
    except ValueError:
        return True
    return False


def same(shown: str, printed: str) -> bool:
    """Are two lines the same but for white space, the last digits of numbers, and seconds?"""
    shown, printed = (" ".join(SECONDS.sub("", line).split()) for line in (shown, printed))
    numbers = [[float(number.replace(",", "")) for number in NUMBER.findall(line)] for line in (shown, printed)]
    if NUMBER.sub("#", shown) != NUMBER.sub("#", printed) or len(numbers[0]) != len(numbers[1]):
        return False
    return all(abs(first - second) <= TOLERANCE for first, second in zip(*numbers, strict=True))


def test_commands_are_read_as_a_shell_reads_them():
    """A backslash at the end of a line goes on, in single quotes it stays: nothing is mended on the way to bash."""
    block = "$ echo 'a \\\nb'\na \\\nb\n$ echo a \\\n  b\na b\n$ echo c\n"
    assert steps(block) == [("echo 'a \\\nb'", ["a \\", "b"]), ("echo a \\\n  b", ["a b"]), ("echo c", [])]


@pytest.fixture(scope="module")
def desk(predation: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the corpus and its index, as they lie in a checkout after `make demo`."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(CORPUS, folder / "corpus")
    shutil.copytree(predation, folder / "indexes" / "predation")
    return folder


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "console")], ids=lambda page: page.name)
def test_console_blocks_give_what_they_show(page, desk):
    """Each command of a page prints the lines that the page shows; a line of … stands for any lines."""
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": paths, "COLUMNS": "120"}
    for block in blocks(page, "console"):
        for command, shown in steps(block):
            done = subprocess.run(
                ["bash", "-c", command], cwd=desk, env=environment, capture_output=True, text=True, check=False
            )
            printed = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            assert done.returncode in (0, 1), f"{command}\n{done.stderr}"
            for line in (line for line in shown if line.strip() != "…"):
                assert any(same(line, other) for other in printed), f"{command}\nshown: {line}\n" + "\n".join(printed)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_python_blocks_run(page, desk, monkeypatch):
    """The Python blocks of a page run one after another in one session."""
    monkeypatch.chdir(desk)
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every relative link of a page leads to a file that is there, and to a heading that is there."""
    for target, heading in LINK.findall(page.read_text("utf-8")):
        file = page.parent / target if target else page
        assert file.exists(), f"{page.name}: {target}"
        assert not heading or heading in anchors(file), f"{page.name}: {target}#{heading}"


def anchors(page: Path) -> set[str]:
    """Return what the headings of a page are called in links, as GitHub makes it of them."""
    headings = HEADING.findall(BLOCK.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_front_page_leads_to_every_other():
    """README's list of the manual has each page of docs/."""
    listed = {target for target, _ in LINK.findall((ROOT / "README.md").read_text("utf-8"))}
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= listed


def test_the_page_of_commands_is_current():
    """docs/commands.md is what docs/write_commands.py writes now."""
    write = runpy.run_path(str(ROOT / "docs" / "write_commands.py"))["write"]
    assert (ROOT / "docs" / "commands.md").read_text("utf-8") == write()


def test_every_error_and_plug_in_point_is_documented():
    """The Python page names every public name."""
    import embedsearch as es

    text = (ROOT / "docs" / "python.md").read_text("utf-8")
    assert [name for name in es.__all__ if name not in text and not name.startswith("__")] == []


def test_the_page_of_benchmarks_is_what_their_results_say(monkeypatch):
    """The page is written from the committed results, and leaves none out but that of a page of its own."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    written = runpy.run_path(str(ROOT / "benchmarks" / "write_tables.py"))
    assert (ROOT / "docs" / "benchmarks.md").read_text("utf-8") == written["page"]()
    results = {file.stem for file in (ROOT / "benchmarks" / "results").glob("*.json")}
    assert {writer.__name__ for writer in written["WRITERS"]} == results - {"sheep_spider"}
