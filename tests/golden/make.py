"""Make the golden index of the present format: python tests/golden/make.py (refuses to overwrite one)."""

import sqlite3
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from conftest import ANIMALS, KINDS, POLES  # noqa: E402

import embedsearch as es  # noqa: E402
from embedsearch.testing import TableEncoder  # noqa: E402


def make(folder: Path) -> None:
    """Write an index of the animals of conftest with two axes, labels, one deleted document and one with a title."""
    table = ANIMALS | POLES | {"doomed": [1, 1, 1], "Title\nwolf": [0, 0.6, -0.8]}
    with es.Index.create(folder, TableEncoder(table)) as index:
        documents = [
            es.Document(f"id-{name}", name, metadata={"kind": KINDS.get(name, "animal"), "year": 2000 + place})
            for place, name in enumerate(ANIMALS)
        ]
        index.add([*documents, es.Document("doomed", "doomed"), es.Document("titled", "wolf", title="Title")])
        index.axes.save(es.Axis("predatoriness", ["prey"], ["predator"]))
        index.axes.save(es.Axis("size", ["small"], ["large"]))
        index.labels.add(["id-wolf", "doomed"], "relevant", note="hunts", author="ada")
        index.labels.add("id-sheep", "relevant", author="ada")
        index.labels.undo(author="ada")
        index.labels.add("id-sheep", 0.25, author="bob")
        index.labels.named("second").add("id-wolf", "undecided", author="bob")
        index.delete(["doomed"])
    # What the write-ahead log holds goes into the one file that is kept.
    connection = sqlite3.connect(folder / "index.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


if __name__ == "__main__":
    make(HERE / "format-3")
