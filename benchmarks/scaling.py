"""What a passage costs as an index grows: ingest, search, filter and placing at 1,000 to 1,000,000 passages.

Run it with: python benchmarks/scaling.py [--passages 1000 10000 100000 1000000] [--real 10000]. The vectors are those
of sentences of published abstracts (benchmarks/index_vectors.py), made once into --cache, so that ingest is measured
apart from embedding; up to --real passages the same sentences are ingested with the encoder as well. Each size is
measured in processes of its own, one that ingests and one that asks, so that memory is its own. Other sizes stay.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from index import load, peak
from index_vectors import DATA, texts, vectors
from machine import machine

import embedsearch as es
from embedsearch.encoders import Identity

RESULTS = Path(__file__).parent / "results" / "scaling.json"
AXES = [f"axis{number}" for number in range(5)]
QUERIES, TIMES = 100, 3
FILTERS = {"metadata": "year >= 2008", "axis": "axis0 > 1.28"}  # about a tenth each


class KnownEncoder:
    """An encoder that knows the vector of every text: of a passage by the number at its end, of a query by its text."""

    name = "known"

    def __init__(self, folder: Path) -> None:
        """Map the rows, shape (n, d), and read the queries."""
        self.rows = np.load(folder / "rows.npy", mmap_mode="r")
        known = np.load(folder / "queries.npy")
        self.queries = dict(zip(json.loads((folder / "queries.json").read_text()), known, strict=True))
        self.dimension = self.rows.shape[1]
        self.identity = Identity("known", self.dimension)

    def encode(self, given: Sequence[str]) -> Any:
        """Return one vector a text, shape (len(given), d)."""
        if all(text in self.queries for text in given):
            return np.stack([self.queries[text] for text in given])
        return self.rows[[int(text.rsplit(" ", 1)[1]) for text in given]]


def documents(count: int) -> Iterator[es.Document]:
    """Yield documents of one sentence each, with its row and two fields; sentences come again, with other rows."""
    own = texts()
    for row in range(count):
        metadata = {"year": 1900 + row * 7919 % 120, "kind": ("animal", "person", "plant")[row % 3]}
        yield es.Document(f"d{row}", f"{own[row % len(own)]} {row}", metadata=metadata)


def ingest(folder: Path) -> dict[str, Any]:
    """Fill an index; tell the seconds of the neighbours' file apart, for it is built anew at each size."""
    encoder = KnownEncoder(folder)
    batch = list(documents(len(encoder.rows)))  # made beforehand: this is not what is measured
    spent = []
    with es.Index.create(folder / "index", encoder) as index:
        refresh = index._searcher.refresh_neighbors

        def timed(progress: Any) -> None:
            began = time.perf_counter()
            refresh(progress)
            spent.append(time.perf_counter() - began)

        index._searcher.refresh_neighbors = timed  # type: ignore[method-assign]
        started = time.perf_counter()
        index.add(batch)
        seconds = time.perf_counter() - started - sum(spent)
        if len(index) != len(batch):
            raise SystemExit(f"{len(batch):,} documents became {len(index):,} passages; the sizes would not be these")
        poles = list(encoder.queries)
        index.axes.save_all([es.Axis(name, [poles[2 * n]], [poles[2 * n + 1]]) for n, name in enumerate(AXES)])
    files = sum(file.stat().st_size for file in (folder / "index").iterdir())
    return {"ingest_seconds": seconds, "neighbors_seconds": sum(spent), "ingest_peak": peak(), "bytes": files}


def ask(folder: Path) -> dict[str, Any]:
    """Open the index and time each kind of question."""
    encoder = KnownEncoder(folder)
    import embedsearch.index  # noqa: F401 - what is timed is the opening, not the import

    started = time.perf_counter()
    index = es.open(folder / "index", encoder)
    opened = time.perf_counter() - started
    queries = list(encoder.queries)[-QUERIES:]
    return {
        "open_ms": 1000 * opened,
        "dense_ms": _median(lambda text: index.search(text, mode="dense"), queries),
        "hybrid_ms": _median(lambda text: index.search(text, mode="hybrid"), queries),
        "filtered_ms": _median(lambda text: index.search(text, mode="dense", where=FILTERS["metadata"]), queries),
        **{f"filter_{name}": _filter(index, condition) for name, condition in FILTERS.items()},
        "place_best_seconds": _least(lambda: index.place_all(AXES, sort=AXES[0], k=10)),
        "ask_peak": peak(),
        "place_all_seconds": _least(lambda: index.place_all(AXES)),
        "place_all_peak": peak(),
    }


def real(folder: Path) -> dict[str, Any]:
    """Ingest the sentences with the encoder that is the default, loaded beforehand."""
    count = len(np.load(folder / "rows.npy", mmap_mode="r"))
    batch = list(documents(count))
    encoder = es.load_encoder()
    encoder.encode(["a wolf"])
    with es.Index.create(folder / "real", encoder) as index:
        started = time.perf_counter()
        index.add(batch)
        return {"real_seconds": time.perf_counter() - started, "real_peak": peak()}


def _median(function: Callable[[str], Any], queries: Sequence[str]) -> float:
    """Return the median of a query's milliseconds, after ten that are not counted."""
    times = []
    for text in [*queries[:10], *queries]:
        started = time.perf_counter()
        function(text)
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times[10:])


def _least(function: Callable[[], Any]) -> float:
    """Return the seconds of the fastest of a few calls."""
    times = []
    for _ in range(TIMES):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


def _filter(index: es.Index, condition: str) -> dict[str, float]:
    """Return the seconds to get all documents that satisfy a condition, and how many they are."""
    passed = sum(1 for _ in index.filter(condition))
    return {"passed": passed, "seconds": _least(lambda: sum(1 for _ in index.filter(condition)))}


STEPS = {"ingest": ingest, "ask": ask, "real": real}


def prepare(count: int, cache: Path, folder: Path) -> str:
    """Write rows, queries and their texts to *folder*; return what the rows are."""
    rows, queries, kinds = vectors(count, cache)
    np.save(folder / "rows", rows)
    np.save(folder / "queries", queries)
    # The words of a query are those of a sentence, that hybrid search has something to look up.
    words = [f"{' '.join(text.split()[:5])} {number} times" for number, text in enumerate(texts()[: len(queries)])]
    (folder / "queries.json").write_text(json.dumps(words))
    return kinds


def in_process(step: str, folder: Path) -> dict[str, Any]:
    """Do one step in a process of its own."""
    command = [sys.executable, __file__, "--step", step, "--folder", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def measure(count: int, cache: Path, limit: int) -> dict[str, Any]:
    """Return all figures of one size."""
    with tempfile.TemporaryDirectory(prefix="embedsearch-scaling-") as name:
        folder = Path(name)
        found: dict[str, Any] = {"passages": count, "vectors": prepare(count, cache, folder), "load": load()}
        for step in STEPS if count <= limit else ("ingest", "ask"):
            found |= in_process(step, folder)
        return found


def main() -> None:
    """Write benchmarks/results/scaling.json, size by size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--real", type=int, default=10_000, help="the largest size that is embedded as well")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "embedsearch-benchmark-texts.npy")
    parser.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        print(json.dumps(STEPS[given.step](given.folder)))
        return
    if not DATA.is_dir():
        print(f"skipped: there is no {DATA}; EMBEDSEARCH_DATA names the folder of the open sets", file=sys.stderr)
        return
    held = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"sizes": {}}
    for count in given.passages:
        held["sizes"][str(count)] = measure(count, given.cache, given.real) | {"cores": os.cpu_count()}
        held["machine"] = machine()
        RESULTS.write_text(json.dumps(held, indent=1) + "\n")
        print(json.dumps(held["sizes"][str(count)], indent=1))


if __name__ == "__main__":
    main()
