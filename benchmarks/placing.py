"""Placing one million vectors on five axes, against the bare matrix product and against reading at memory speed.

All go over the same memory-mapped file; memory of the process's own is read as well. Reading is done on all cores, with
no arithmetic to speak of.

Run from the root of the project: python benchmarks/placing.py [--rows 1000000]. Prints a Markdown table and keeps the
result in benchmarks/results/placing.json, beside those of other processors. The file (1.5 GB at 384 dimensions) is made
in a temporary folder and deleted.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from machine import keep, machine

import embedsearch as es
from embedsearch.axes import ScaledAxis, measure
from embedsearch.vectors import block_rows

RESULTS = Path(__file__).parent / "results/placing.json"
DIMENSION = 384


def make(file: Path, rows: int) -> np.ndarray:
    """Write random unit vectors block by block, and map them."""
    random = np.random.default_rng(0)
    with open(file, "wb") as stream:
        for start in range(0, rows, 50_000):
            block = random.standard_normal((min(50_000, rows - start), DIMENSION), dtype=np.float32)
            stream.write((block / np.linalg.norm(block, axis=1, keepdims=True)).tobytes())
    return np.memmap(file, dtype="<f4", mode="r", shape=(rows, DIMENSION)).view(np.ndarray)


def bare(vectors: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the matrix product alone, in blocks of the same size so that neither holds the file whole."""
    result = np.empty((len(vectors), len(directions)), dtype=np.float32)
    columns, step = np.ascontiguousarray(directions.T), block_rows(DIMENSION)
    for start in range(0, len(vectors), step):
        np.matmul(vectors[start : start + step], columns, out=result[start : start + step])
    return result


def read(vectors: np.ndarray, pool: ThreadPoolExecutor) -> float:
    """Read all of *vectors* in blocks, on all cores; return the largest, the cheapest that depends on every number."""
    step = block_rows(DIMENSION)
    blocks = (vectors[start : start + step] for start in range(0, len(vectors), step))
    return float(max(pool.map(np.max, blocks)))


def own_memory(rows: int) -> np.ndarray:
    """Return memory of the process's own, a quarter as large as the file and far larger than any cache."""
    return np.ones((rows // 4, DIMENSION), dtype=np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        vectors = make(Path(folder) / "vectors.f32", rows)
        ends = np.random.default_rng(1).standard_normal((5, 2, DIMENSION)).astype(np.float32)
        fitted = [es.FittedAxis.between(es.Axis(f"a{n}", ["low"], ["high"]), *pair) for n, pair in enumerate(ends)]
        axes = [ScaledAxis.on(axis, vectors[:10_000] @ axis.direction) for axis in fitted]
        directions = np.stack([axis.direction for axis in fitted])
        times: dict[str, list[float]] = {"bare": [], "reading": [], "reading own memory": [], "placing": []}
        pool, own = ThreadPoolExecutor(len(os.sched_getaffinity(0))), own_memory(rows)
        bare(vectors, directions)  # the file is read into the page cache once, for both alike
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(5):
            for name, function in (
                ("bare", lambda: bare(vectors, directions)),
                ("reading", lambda: read(vectors, pool)),
                ("reading own memory", lambda: read(own, pool)),
                ("placing", lambda: measure(axes, vectors)),
            ):
                start = time.perf_counter()
                function()
                times[name].append(time.perf_counter() - start)
        least = {name: min(found) for name, found in times.items()}
    result = {
        "rows": rows,
        "axes": 5,
        "dimension": DIMENSION,
        "seconds": least,
        "ratio": least["placing"] / least["bare"],
        "ratio_to_reading": least["placing"] / least["reading"],
        "bytes_per_second": {
            "reading": rows * DIMENSION * 4 / least["reading"],
            "reading own memory": own.nbytes / least["reading own memory"],
            "placing": rows * DIMENSION * 4 / least["placing"],
        },
        "machine": machine(),
        "load": round(os.getloadavg()[0], 1),
        "all": times,
        "peak_bytes_before": before * 1024,
    }
    keep(RESULTS, result)
    print("| vectors | reading | bare product | placing on five axes | to reading |\n|---|---|---|---|---|")
    print(f"| {rows:,} | {least['reading']:.2f} s | {least['bare']:.2f} s | {least['placing']:.2f} s "
          f"| {result['ratio_to_reading']:.2f} |")  # fmt: skip


if __name__ == "__main__":
    main()
