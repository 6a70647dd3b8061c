"""What commands do when there is no room for what they write: one line, and nothing half written in its place."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CORPUS, ROOT
from disks import make_room, small_disk

FILTER = ["filter", CORPUS / "phrases.csv", CORPUS / "articles.jsonl", "--where", 'near("wolf") > -1', "-f", "jsonl"]
WITHOUT_ROOM = [
    ["search", "wolf"],
    ["search", "wolf", "-f", "table"],
    ["place", "wolf", "-f", "csv"],
    ["filter", CORPUS / "phrases.csv", "--where", 'near("wolf") > -1'],
    ["info"],
]


def embedsearch(*arguments, **given):
    command = [sys.executable, "-c", "from embedsearch.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, check=False, cwd=ROOT, stderr=subprocess.PIPE, text=True, **given)


def test_filter_to_a_full_disk_can_be_run_again(tmp_path, predation):
    """Nothing stands in the output's place; with room the same command gives the bytes that one run gives."""
    whole = tmp_path / "whole.jsonl"
    assert embedsearch(*FILTER, "-i", predation, "-o", whole).returncode == 0
    with small_disk(tmp_path / "disk", 300):
        output = tmp_path / "disk" / "out.jsonl"
        done = embedsearch(*FILTER, "-i", predation, "-o", output)
        assert done.returncode == 2
        assert f"Error: {output} cannot be written: No space left on device. Make room" in done.stderr
        assert "Traceback" not in done.stderr
        assert not output.exists()
        make_room(tmp_path / "disk")
        assert embedsearch(*FILTER, "-i", predation, "-o", output).returncode == 0
        assert output.read_bytes() == whole.read_bytes()
        assert [file.name for file in output.parent.iterdir()] == ["out.jsonl"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("arguments", WITHOUT_ROOM, ids=lambda arguments: " ".join(map(str, arguments[:1])))
def test_a_full_disk_behind_stdout_is_one_line(predation, arguments):
    """Every way of printing ends with one line and exit code 2, also where the last bytes wait to be flushed."""
    with open("/dev/full", "w") as full:
        done = embedsearch(*arguments, "-i", predation, stdout=full)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: the output cannot be written: No space left on device. Make room and run the command again\n"
    )
