"""``embedsearch plot``."""

import json

import pytest
from conftest import run


@pytest.fixture
def folder(index):
    """Return the folder of the index; all phrases asked about are in it, so that no encoder is loaded."""
    return index.path


def test_a_plane_is_written(folder, tmp_path):
    """The file is a picture; words go to stderr, nothing to stdout."""
    file = tmp_path / "plane.svg"
    done = run("plot", "wolf", "sheep", "-a", "predatoriness,size", "-i", folder, "-o", file)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"{file}: 8 passages on predatoriness and size, 2 labels\n"
    assert file.read_text("utf-8").startswith("<?xml")


def test_the_first_two_axes_are_the_default(folder, tmp_path):
    """Without -a, the plane of the first two axes is drawn, and the sum of an expression on it."""
    done = run("plot", "--calc", "sheep + spider", "-k", "2", "-i", folder, "-o", tmp_path / "a.pdf", "-f", "json")
    found = json.loads(done.stdout)
    assert found["axes"] == ["predatoriness", "size"]
    assert found["passages"] == 8
    assert {"sheep + spider", "sheep", "spider"} < set(found["labels"])
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_a_histogram_says_how_many_pass(folder, tmp_path):
    """A threshold's count is in the words and in the JSON."""
    done = run("plot", "-a", "size", "--threshold", "0.5", "-i", folder, "-o", tmp_path / "a.png", "-f", "json")
    assert "8 passages on size, 2 of them above 0.5" in done.stderr
    assert json.loads(done.stdout)["passed"] == 2


def test_phrases_come_from_stdin(folder, tmp_path):
    """A dash reads phrases, one a line."""
    done = run("plot", "-", "-i", folder, "-o", tmp_path / "a.png", "-f", "json", input="wolf\n\nshark\n")
    assert sorted(json.loads(done.stdout)["labels"]) == ["shark", "wolf"]


def test_nothing_is_written_where_nothing_is_found(folder, tmp_path):
    """A condition that no passage satisfies ends with exit code 1 and no file."""
    done = run("plot", "--where", "year > 3000", "-i", folder, "-o", tmp_path / "a.png")
    assert done.exit_code == 1
    assert done.stderr == f"Nothing found: no passage satisfies the condition; {tmp_path / 'a.png'} is not written\n"
    assert not (tmp_path / "a.png").exists()


def test_notes_say_what_the_figure_does_not(folder, tmp_path):
    """What the font lacks is one line on stderr."""
    done = run("plot", "-a", "size", "--where", 'kind != "狼"', "-i", folder, "-o", tmp_path / "a.png")
    assert done.exit_code == 0
    assert "Note: The font 'DejaVu Sans' lacks 狼 (U+72FC)" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-a", "sise"), "there is no axis 'sise'. Did you mean 'size'?"),
        (("-a", "a,b,c"), "a figure has one axis or two, not 3: a, b, c"),
        (("-a", "size", "--calc", "wolf"), "--calc goes with two axes, as in -a predatoriness,size"),
        (("--threshold", "1"), "--threshold goes with one axis, as in -a size"),
        (("-k", "3"), "-k is how many answers to --calc are labelled; add --calc, or leave -k out"),
        (
            ("--calc", "sheep", "+", "spider"),
            "'+' is not a phrase; put a sum in quotes, as in --calc \"sheep + spider\"",
        ),
        (("-a", "size", "--threshold", "tall"), "size=tall: wanted a number of standard deviations"),
        (("--label", "id-wulf"), "there is no document 'id-wulf'. Did you mean 'id-wolf'?"),
        (("--color", "knd"), "no document of the index has the field 'knd'. Did you mean 'kind'?"),
        (("--size", "big"), "'big' is not a width and height in inches, such as 7x5"),
        (("--size", "1x99"), "a figure of 1 x 99 inches cannot be made; each side may have 2 to 40"),
        (("-o", "a.jpeg"), "'a.jpeg' names no format that can be drawn; end it in .png, .svg or .pdf."),
        (("-o", "a"), "'a' names no format that can be drawn; end it in .png, .svg or .pdf."),
        (("-o", "no/such/a.png"), "there is no folder 'no/such' to put 'a.png' in; make it first"),
        (("--where", "nonsense >"), "cannot be read"),
    ],
)
def test_wrong_usage_is_one_line(folder, tmp_path, monkeypatch, arguments, message):
    """Every mistake has exit code 2, one line, no traceback, and leaves no file."""
    monkeypatch.chdir(tmp_path)
    output = () if "-o" in arguments else ("-o", "a.png")
    done = run("plot", "-i", folder, *output, *arguments)
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert not list(tmp_path.glob("a*"))
