"""Measure the store: throughput of ingest apart from embedding as the index grows, and the time to open it.

    python benchmarks/store.py [--passages 1000000] [--folder FOLDER]

Short documents of one passage each go into an index with an encoder that takes next to no time; as it works beside
the rest, what it takes is not subtracted. Each step of 50,000 is measured by itself, so that a rate that falls as the
index grows is seen: with words made up, and then, where the open sets are, with sentences of published abstracts, which
come again with another number behind them. The opening is measured in fresh processes, from after the imports to after
the first count.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from index_vectors import DATA, texts
from machine import keep, machine

import embedsearch as es
from embedsearch.encoders import Identity
from embedsearch.vectors import Vectors, unit

DIMENSION = 384
STEP = 50_000
RESULTS = Path(__file__).parent / "results" / "store.json"
_OPEN = (
    "import sys, time, numpy, sqlite3, embedsearch as es, embedsearch.index\n"
    "start = time.perf_counter()\n"
    "index = es.open(sys.argv[1])\n"
    "opened = time.perf_counter()\n"
    "count = len(index)\n"
    "print((opened - start) * 1000, (time.perf_counter() - opened) * 1000, count)\n"
)


class PooledEncoder:
    """An encoder that hands out unit vectors made beforehand."""

    name = "pooled"
    dimension = DIMENSION
    identity = Identity("pooled", DIMENSION)

    def __init__(self) -> None:
        self.pool = unit(np.random.default_rng(0).standard_normal((1 << 15, DIMENSION)).astype(np.float32))
        self.place = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the next vectors of the pool."""
        rows = (self.place + np.arange(len(texts))) % len(self.pool)
        self.place += len(texts)
        return self.pool[rows]


def documents(first: int, last: int, sentences: Sequence[str] = ()) -> Iterator[es.Document]:
    """Yield documents of one of *sentences*, or of about ten words, with three fields; no two have the same text."""
    words = random.Random(first)
    for number in range(first, last):
        if sentences:
            text = sentences[number % len(sentences)]
        else:
            text = " ".join(f"word{words.randrange(20_000)}" for _ in range(words.randrange(6, 14)))
        metadata = {"year": 1900 + number % 120, "kind": ("animal", "person", "plant")[number % 3], "note": str(number)}
        yield es.Document(f"document-{number}", f"{text} {number}", metadata=metadata, source=f"made.jsonl:{number}")


def ingest(index: es.Index, passages: int, sentences: Sequence[str] = ()) -> list[dict[str, float]]:
    """Fill the index step by step; return the passages a second of each step.

    The faiss file is left out: it is measured by benchmarks/index.py.
    """
    index._searcher.refresh_neighbors = lambda *_: None  # type: ignore[method-assign]
    steps = []
    for first in range(0, passages, STEP):
        batch = list(documents(first, first + STEP, sentences))  # made beforehand: this is not what is measured
        start, processor = time.perf_counter(), time.process_time()
        index.add(batch)
        seconds = time.perf_counter() - start
        # On a machine that others use as well, the time of the processor says more than the clock.
        processor = time.process_time() - processor
        rates = {"rate": round(STEP / seconds), "processor_rate": round(STEP / processor)}
        steps.append({"passages": first + STEP, **rates, "load": round(os.getloadavg()[0], 1)})
        print(f"{first + STEP:>10,} passages: {rates} a second apart from embedding", file=sys.stderr)
    return steps


def opening(folder: Path, times: int = 7) -> dict[str, float]:
    """Return the milliseconds to open the index and to count its passages, medians over fresh processes."""
    runs = []
    for _ in range(times):
        done = subprocess.run([sys.executable, "-c", _OPEN, folder], check=True, capture_output=True, text=True)
        runs.append([float(value) for value in done.stdout.split()])
    opened, counted, _ = (statistics.median(column) for column in zip(*runs, strict=True))
    return {
        "open_ms": round(opened, 2),
        "count_ms": round(counted, 2),
        "slowest_open_ms": round(max(run[0] for run in runs), 2),
    }


def again(index: es.Index, passages: int) -> dict[str, float]:
    """Return how fast documents pass that are in the index as they are."""
    batch = list(documents(0, min(STEP, passages)))
    start = time.perf_counter()
    report = index.add(batch)
    assert report.unchanged == len(batch)
    return {"unchanged_rate": round(len(batch) / (time.perf_counter() - start))}


def ingest_sentences(folder: Path, passages: int) -> list[dict[str, float]]:
    """Return the steps of an ingest of sentences; none where the open sets are not."""
    if not DATA.is_dir():
        return []
    with es.Index.create(folder / "sentences", PooledEncoder()) as index:
        return ingest(index, passages, texts())


def measure(folder: Path, passages: int) -> dict[str, Any]:
    """Return all figures."""
    with es.Index.create(folder / "index", PooledEncoder()) as index:
        steps = ingest(index, passages)
        unchanged = again(index, passages)
    sizes = {file.name: file.stat().st_size for file in sorted((folder / "index").iterdir())}
    rates, processor = ([step[name] for step in steps] for name in ("rate", "processor_rate"))
    return {
        "passages": passages,
        "dimension": DIMENSION,
        "rate_lowest": min(rates),
        "rate_first": rates[0],
        "rate_last": rates[-1],
        "rate_median": statistics.median(rates),
        "processor_rate_lowest": min(processor),
        "processor_rate_first": processor[0],
        "processor_rate_last": processor[-1],
        **unchanged,
        **opening(folder / "index"),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "bytes": sizes,
        "steps": steps,
        "steps_of_sentences": ingest_sentences(folder, passages),
        "machine": machine(),
        "sqlite": sqlite3.sqlite_version,
        "date": time.strftime("%Y-%m-%d"),
    }


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--folder", help="where the index is made for the time being; a temporary folder if not given")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=given.folder))
    try:
        result = measure(folder, given.passages)
    finally:
        shutil.rmtree(folder)
    if given.passages == parser.get_default("passages"):
        keep(RESULTS, result)
    print(json.dumps({name: value for name, value in result.items() if not name.startswith("steps")}, indent=2))


if __name__ == "__main__":
    main()
