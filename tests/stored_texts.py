"""An index of twenty texts, what it must hold, and damage to it."""

from pathlib import Path

import numpy as np
import pytest

import embedsearch as es
from embedsearch.encoders import encode
from embedsearch.testing import HashEncoder

TEXTS = {f"d{number}": f"text number {number} " * (number % 3 + 1) for number in range(20)}


def documents(texts=TEXTS):
    """Return documents with some metadata."""
    return [
        es.Document(id, text.strip(), title="A title", metadata={"length": len(text)}) for id, text in texts.items()
    ]


def check_holds(index: es.Index, wanted: dict[str, es.Document]) -> None:
    """Check that an index holds exactly *wanted*, each document whole, each vector that of its text."""
    store = index._store
    assert sorted(store.ids(10**6)) == sorted(wanted)
    rows = store.live_rows()
    passages = store.passages(rows)
    assert len(index) == len(passages)
    found: dict[str, list] = {id: [] for id in wanted}
    for row, passage in zip(rows, passages, strict=True):
        found[passage.document].append((passage.position, passage.start, passage.end, row))
    for id, document in wanted.items():
        held = index.get(id)
        assert (held.text, held.title, held.metadata) == (document.text, document.title, dict(document.metadata))
        expected, embedded = index._embedding.passages_of(document)
        places = sorted(found[id])
        assert [place[:3] for place in places] == [(one.position, one.start, one.end) for one in expected]
        vectors = store.vectors()[[place[3] for place in places]]
        assert np.array_equal(vectors, encode(HashEncoder(index._store.dimension), embedded))


def flip(file: Path, place: int, bits: int = 0x40) -> None:
    """Change one byte of a file."""
    with open(file, "r+b") as stream:
        stream.seek(place)
        value = stream.read(1)[0]
        stream.seek(place)
        stream.write(bytes([value ^ bits]))


@pytest.fixture(name="made")
def twenty_texts(tmp_path):
    """Return an index of twenty documents, most of several passages."""
    with es.Index.create(tmp_path / "index", HashEncoder(), chunk_words=4, overlap=0) as index:
        index.add(documents())
        yield index
