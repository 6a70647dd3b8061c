"""A few papers to label, and files of labels for them."""

import pytest

import embedsearch as es
from embedsearch.testing import HashEncoder


@pytest.fixture
def papers(tmp_path):
    """Return an index of four papers with a DOI and authors each, in a folder whose path is told."""
    with es.Index.create(tmp_path / "papers", HashEncoder()) as index:
        index.add(
            es.Document(
                f"p{number}",
                f"The abstract of paper {number}.\nIts second line.",
                title=f"Paper  {number}",
                metadata={"doi": f"10.1/ABC.{number}", "authors": ["Ada A.", "Bob B."], "year": 2000 + number},
                source=f"found.csv:{number + 1}",
            )
            for number in range(1, 5)
        )
        yield index


def write(folder, text, name="labels.csv"):
    """Return a file with *text*."""
    file = folder / name
    file.write_text(text, "utf-8")
    return file
