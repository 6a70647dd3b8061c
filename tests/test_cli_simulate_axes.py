"""screen simulate with the real model: the axes of an index and a topic."""

import csv
import json

from conftest import run

TEXTS = {
    "yes": ["A wolf pack hunts an elk", "The shark attacks a seal", "A spider eats a fly", "An eagle kills a hare"],
    "no": ["A sheep eats grass", "Moss on a wall", "The timetable of the bus", "A recipe for bread", "Choir practice"],
}


def test_axes_of_an_index_rank_too(tmp_path, predation):
    """With the axis the hunters are found sooner than others are; an unknown axis is named."""
    file = tmp_path / "review.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerows([("text", "hunts"), *((text, hit) for hit, texts in TEXTS.items() for text in texts)])
    options = ("screen", "simulate", file, "--label", "hunts", "-i", predation, "--repeats", 2)
    done = run(*options, "-a", "predatoriness", "--priors", 0, 0, "--topic", "an animal that kills its prey")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    # The best that 4 of 9 can do is (1 + 2 + 3 + 4) / 4 / 9 = 0.28; half way is 0.56.
    assert found["atd"]["mean"] < 0.4
    wrong = run(*options, "-a", "predatorines")
    assert wrong.exit_code == 2
    assert "Did you mean 'predatoriness'?" in wrong.stderr
