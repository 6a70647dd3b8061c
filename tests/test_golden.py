"""Indexes of every format ever shipped, each made once and kept: this build opens them and answers as they did."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ANIMALS, ROOT, run

import embedsearch as es

GOLDEN = sorted((ROOT / "tests" / "golden").glob("format-*"))


@pytest.fixture(params=GOLDEN, ids=lambda folder: folder.name)
def golden(request, tmp_path) -> Path:
    """Return a copy of a golden index folder."""
    return shutil.copytree(request.param, tmp_path / "index")


def test_a_golden_index_answers_as_it_did(golden):
    """Counts, scores, coordinates, metadata and words of an old index are what they were when it was made."""
    with es.open(golden) as index:
        held = index.info()
        assert (held["documents"], held["passages"], held["dimension"]) == (len(ANIMALS) + 1, len(ANIMALS) + 1, 3)
        hits = index.search("sheep", k=3)
        assert [hit.text for hit in hits] == ["sheep", "grass", "politician"]
        assert [hit.score for hit in hits] == pytest.approx([1, 0.8, 0.64], abs=1e-6)
        assert hits[0].metadata == {"kind": "animal", "year": 2000}
        assert [hit.id for hit in index.search("title", mode="lexical")] == ["titled"]
        raw = index.place(["wolf", "whale"], ["predatoriness", "size"], unit="raw")
        assert [list(place.coordinates.values()) for place in raw] == [
            pytest.approx([0.8, 0], abs=1e-6),
            pytest.approx([0, 1], abs=1e-6),
        ]
        assert index.calc("sheep + wolf", k=1, where='kind == "person"').hits[0].text == "politician"
        with pytest.raises(es.QueryError, match="no document 'doomed'"):
            index.get("doomed")


def test_a_golden_index_is_whole_and_can_grow(golden):
    """verify finds nothing wrong with it, and its documents can be compacted and deleted."""
    assert run("verify", "-i", golden).exit_code == 0
    with es.open(golden) as index:
        index.compact()
        assert index.delete(["titled"]) == 1
        assert {hit.text for hit in index.search(vector=np.ones(3), k=99)} == set(ANIMALS)


def test_the_faiss_file_of_a_golden_index_is_used_and_replaced(golden):
    """It is found under the name that it had, and gives way to one that has its checksum in its name."""
    with es.open(golden) as index:
        assert index._store.neighbors()[0] == golden / "neighbors.faiss"
        index.compact()
        assert [file.name for file in golden.glob("neighbors*")] == [index.info()["neighbors"]["file"]]
        assert index._store.neighbors()[0] == next(golden.glob("neighbors.*.faiss"))
    assert run("verify", "-i", golden).exit_code == 0


def test_a_golden_index_keeps_its_labels_or_takes_its_first(golden):
    """The labels of an index stand as they were given; one of format 1 gets room for them with the first."""
    with es.open(golden) as index:
        old = index.info()["format"] == 1
        given = (
            [] if old else [(id, 1.0, "hunts", "ada") for id in ("id-wolf", "doomed")] + [("id-sheep", 0.25, "", "bob")]
        )
        held = [(label.document, label.value, label.note, label.author) for label in index.labels.values()]
        assert held == given
        assert index.labels.names() == ([] if old else ["main", "second"])
        index.labels.add("id-whale", "not relevant", author="eve")
        assert index.info()["format"] == 3
    with es.open(golden) as index:
        assert [label.value for label in index.labels.values()] == [*(value for _, value, *_ in given), 0.0]
        assert index.search("sheep", k=1)[0].text == "sheep"
    assert run("verify", "-i", golden).exit_code == 0


def test_a_golden_index_in_a_folder_that_cannot_be_written_can_be_read(golden, monkeypatch):
    """An index of an older format is searched as it stands, and a label is refused with a reason."""
    for file in golden.iterdir():
        file.chmod(0o444)
    golden.chmod(0o555)
    monkeypatch.setattr("os.access", lambda _, mode: mode == os.R_OK)  # as an account that is not root sees it
    before = {file.name: file.read_bytes() for file in golden.iterdir()}
    with es.open(golden) as index:
        assert index.search("sheep", k=1)[0].text == "sheep"
        assert len(index.labels) in (0, 3)
    assert {file.name: file.read_bytes() for file in golden.iterdir()} == before


def test_there_is_a_golden_index_of_the_present_format():
    """Whoever changes the format keeps an index of it."""
    from embedsearch.store.folder import FORMAT

    assert f"format-{FORMAT}" in [folder.name for folder in GOLDEN]
