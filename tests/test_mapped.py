"""Rows of mapped files: the right ones, with little of the file in memory."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import embedsearch as es
from embedsearch import mapped
from embedsearch.mapped import gather, map_rows
from embedsearch.vectors import project

ROWS, DIMENSION = 8192, 256  # 8 MiB


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file of rows, row i filled with the number i."""
    file = tmp_path_factory.mktemp("mapped") / "rows.f32"
    np.repeat(np.arange(ROWS, dtype="<f4"), DIMENSION).tofile(file)
    return file


@pytest.fixture
def small_limits(monkeypatch):
    """Limits that make 8 MiB a large file: at most 1 MiB mapped, rows that are 16 KiB apart are far apart."""
    limits = {"MAPPED_BYTES": 1 << 20, "_AROUND": 1 << 16, "_APART": 16 << 10, "_SPAN": 1 << 18}
    for name, value in limits.items():
        monkeypatch.setattr(mapped, name, value)


def resident(file: Path) -> int:
    """Return how many bytes of a mapped file count as memory of this process."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    starts = [place for place, line in enumerate(lines) if line.endswith(str(file))]
    return sum(1024 * int(line.split()[1]) for place in starts for line in lines[place : place + 8] if "Rss" in line)


def open_files() -> int:
    """Return how many files this process has open, where it can tell."""
    return len(list(Path("/proc/self/fd").glob("*")))


@pytest.mark.parametrize("limits", ["small", "as they are"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.integers(0, ROWS - 1), max_size=300), start=st.integers(0, ROWS - 1))
def test_gathering_gives_what_indexing_gives(file, limits, request, rows, start):
    """Near or far apart, in any order, of a part of a file too: the rows are those asked for."""
    if limits == "small":
        request.getfixturevalue("small_limits")
    with open(file, "rb") as stream:
        vectors = map_rows(stream, ROWS, DIMENSION)
    assert np.array_equal(gather(vectors, rows)[:, 0] if rows else [], np.array(rows, dtype=np.float32))
    part = vectors[start:]
    inside = [row - start for row in sorted(rows) if row >= start]
    assert np.array_equal(gather(part, inside), part[inside])


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process can ask what is resident")
@pytest.mark.parametrize("step", [1, 3, 60, 1000])
def test_a_large_file_does_not_end_up_in_memory(file, small_limits, step):
    """Whatever is read of 8 MiB, and however often, hardly more than the limit stays in memory."""
    with open(file, "rb") as stream:
        vectors = map_rows(stream, ROWS, DIMENSION)
    direction = np.full(DIMENSION, 1 / DIMENSION, dtype=np.float32)
    for _ in range(3):
        rows = np.arange(0, ROWS, step)
        assert project(vectors, direction, rows)[:, 0] == pytest.approx(rows, rel=1e-5)
        # The kernel may map 2 MiB around the last row that was read.
        assert resident(file) <= 4 << 20
    for start in range(0, ROWS, 512):
        assert project(vectors[start : start + 512], direction)[0, 0] == pytest.approx(start, rel=1e-5)
    assert resident(file) <= 4 << 20


@pytest.mark.skipif(sys.platform == "win32", reason="a mapped file cannot be cut there")
def test_a_file_that_has_become_shorter_is_named(file, small_limits, tmp_path):
    """Rows that are not there any more are an error, not zeros."""
    copy = tmp_path / "rows.f32"
    copy.write_bytes(file.read_bytes())
    with open(copy, "rb") as stream:
        vectors = map_rows(stream, ROWS, DIMENSION)
    os.truncate(copy, 4 * DIMENSION)
    with pytest.raises(es.StoreError, match="has become shorter"):
        gather(vectors, [0, ROWS - 1])


def test_no_descriptor_is_left_open(file, small_limits):
    """What a mapping keeps open goes with it."""
    before = open_files()
    for _ in range(20):
        with open(file, "rb") as stream:
            gather(map_rows(stream, ROWS, DIMENSION), [0, ROWS - 1])
    assert open_files() == before
