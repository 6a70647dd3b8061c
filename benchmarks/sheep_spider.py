"""Where is the politician at sheep + spider? Ranks in the whole space and on the axes, among all and among persons.

Run it with: python benchmarks/sheep_spider.py (it needs the demo's index; `make demo` builds it).
"""

import json
from pathlib import Path

import embedsearch as es

ROOT = Path(__file__).parent.parent
EXPRESSION, WANTED = "sheep + spider", "politician"
AXES = ["predatoriness", "size"]
PERSONS = 'kind == "person"'
PHRASES = "not missing(kind)"


def rank(index: es.Index, on: list[str] | None, where: str) -> dict[str, object]:
    """Return the rank of the phrase wanted among the answers, and the first five of them."""
    hits = index.calc(EXPRESSION, k=len(index), on=on, where=where).hits
    texts = [hit.text for hit in hits]
    return {"rank": texts.index(WANTED) + 1, "of": len(texts), "first": texts[:5]}


def main() -> None:
    """Print a Markdown table and write benchmarks/results/sheep_spider.json."""
    ways = {
        "whole space, all phrases": (None, PHRASES),
        "whole space, persons": (None, PERSONS),
        "on predatoriness and size, all phrases": (AXES, PHRASES),
        "on predatoriness and size, persons": (AXES, PERSONS),
    }
    with es.open(ROOT / "indexes" / "predation") as index:
        found = {name: rank(index, on, where) for name, (on, where) in ways.items()}
        placed = {place.text: dict(place.coordinates) for place in index.place(["sheep", "spider", WANTED], AXES)}
    print("| answers | rank of *politician* | first five |\n|---|---|---|")
    for name, row in found.items():
        print(f"| {name} | {row['rank']} of {row['of']} | {', '.join(row['first'])} |")
    result = {"expression": EXPRESSION, "ranks": found, "coordinates": placed}
    file = ROOT / "benchmarks" / "results" / "sheep_spider.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
