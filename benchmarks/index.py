"""Build, open, search and add to an index of many passages, beside other libraries for nearest neighbours.

Run it with: python benchmarks/index.py --rows 100000 (with --rows 1000000 it takes the better part of an hour).
Others are measured as far as they are installed: pip install -r benchmarks/requirements.txt, in an environment of
their own. Each is measured in processes of its own, so that memory is its own. The texts are embedded once, into
--cache. A query is one vector in and ten rows out; "ms" is processor time on one thread, the mean over 1,000 queries.
With --keep FOLDER what was built stays there, and another run with it measures the searches alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import cycle, product
from pathlib import Path
from typing import Any

import index_peers
import numpy as np
from index_vectors import DATA, phrases, vectors

import embedsearch as es
from embedsearch.encoders import Identity
from embedsearch.index import Index
from embedsearch.neighbors import Neighbors, exact, nearest_exact_many, tuning

RESULTS = Path(__file__).parent / "results" / "index.json"
K, ADDED, GROUPS = 10, 1000, 1000
CONDITIONS = {"all": "group >= 0", "10%": f"group < {GROUPS // 10}", "0.1%": "group == 7"}
OURS = "embedsearch"


class ArrayEncoder:
    """An encoder that knows the vector of every text beforehand: text 17 is row 17."""

    name = "array"

    def __init__(self, rows: Any) -> None:
        """Keep the rows, shape (n, d)."""
        self.rows = rows
        self.dimension = rows.shape[1]
        self.identity = Identity("array", self.dimension)

    def encode(self, texts: list[str]) -> Any:
        """Return the rows that the texts name."""
        return self.rows[[int(text.rsplit(" ", 1)[1]) for text in texts]]


def documents(first: int, last: int) -> Any:
    """Yield documents with a text that names their row."""
    return (es.Document(f"d{row}", f"Passage {row}", metadata={"group": row % GROUPS}) for row in range(first, last))


def peak() -> int:
    """Return the most memory that this process has used, in bytes, pages of mapped files among it."""
    return _status("VmHWM")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def build_ours(folder: Path) -> dict[str, Any]:
    """Ingest all passages but the last 1,000; time apart what the faiss file takes, its self-test among it."""
    rows = np.load(folder / "rows.npy", mmap_mode="r")
    started, times = time.perf_counter(), []
    with Index.create(folder / "ours", ArrayEncoder(rows)) as index:
        refresh = index._searcher.refresh_neighbors

        def timed(progress: Any) -> None:
            times.append((time.perf_counter(), time.process_time()))
            refresh(progress)
            times.append((time.perf_counter(), time.process_time()))

        index._searcher.refresh_neighbors = timed
        index.add(documents(0, len(rows) - ADDED))
        stamp = index.info()["neighbors"]
    (began, began_cpu), (ended, ended_cpu) = times
    ingest, seconds, cpu = began - started, ended - began, ended_cpu - began_cpu
    files = {file.name: file.stat().st_size for file in (folder / "ours").iterdir()}
    return {
        "ingest_seconds": ingest,
        "build_seconds": seconds,
        "build_cpu_seconds": cpu,
        "size": files[stamp["file"]],
        "database_size": files["index.db"],
        "build_peak": peak(),
        **{name: stamp[name] for name in ("kind", "recall", "candidates", "gap", "visited", "sampled")},
    }


def search_ours(folder: Path) -> dict[str, Any]:
    """Open the index and search it on one thread."""
    queries, truth = np.load(folder / "queries.npy"), np.load(folder / "queries_truth.npy")
    encoder = ArrayEncoder(np.load(folder / "rows.npy", mmap_mode="r"))
    started = time.perf_counter()
    index = es.open(folder / "ours", encoder)
    opened = time.perf_counter() - started
    started = time.perf_counter()
    index.search(vector=queries[0], k=K)
    first = time.perf_counter() - started
    neighbors = index._searcher.neighbors
    of_phrases = index_peers.of_phrases(lambda query: neighbors.search(query, K)[0], folder, _timed)
    found, timing = _timed(lambda query: neighbors.search(query, K)[0], queries)
    groups = cycle(np.arange(group, len(neighbors.vectors), GROUPS) for group in range(GROUPS))
    _, restricted = _timed(lambda query: neighbors.search(query, K, next(groups))[0], queries)
    tenth = np.arange(7, len(neighbors.vectors), 10)
    _, tenth_timing = _timed(lambda query: neighbors.search(query, K, tenth)[0], queries)
    _, whole = _timed(lambda query: index.search(vector=query, k=K), queries[:200])
    conditions = {share: _conditioned(index, condition, queries[:200]) for share, condition in CONDITIONS.items()}
    memory, anonymous = peak(), _status("RssAnon")
    index.close()
    return {
        "open_seconds": opened,
        "first_search_seconds": first,
        "found_recall": index_peers.recall(found, truth),
        **timing,
        **of_phrases,
        "visits": _visits(neighbors, folder),
        "least": _least(neighbors, queries, truth),
        "restricted_ms": restricted["ms"],
        "tenth_ms": tenth_timing["ms"],
        "with_texts_ms": whole["ms"],
        "conditions": conditions,
        "search_peak": memory,
        "search_own_memory": anonymous,
    }


def _visits(neighbors: Neighbors, folder: Path) -> dict[str, dict[str, float]]:
    """Return by kind of query how many lists are visited, and the recall; also with as many for every query."""
    index, effort = neighbors._index, neighbors._effort
    sets = {kind: np.load(folder / f"{kind}.npy") for kind in ("queries", *index_peers.PHRASES)} if index.lists else {}
    lists = {kind: float(effort.lists(index, queries).mean()) for kind, queries in sets.items()}
    found = {}
    for kind, queries in sets.items():
        truth = np.load(folder / f"{kind}_truth.npy")
        fixed = tuning.Effort(effort.candidates, round(lists["queries"]))
        searchers = {"recall": neighbors, "fixed": Neighbors(neighbors.vectors, None, index, fixed)}
        found[kind] = {"lists": lists[kind]} | {
            name: index_peers.recall([rows for rows, _ in searcher.search_many(queries, K)], truth)
            for name, searcher in searchers.items()
        }
    return found


def _least(neighbors: Neighbors, queries: Any, truth: Any) -> dict[str, float]:
    """Time the least effort that reaches the recall on these queries, as it is chosen for the others."""
    index = neighbors._index
    for gap, candidates in product(tuning._GAPS if index.lists else (0.0,), (40, 80)):
        least = Neighbors(neighbors.vectors, None, index, tuning.Effort(candidates, tuning._LEAST_LISTS, gap))
        reached = index_peers.recall([rows for rows, _ in least.search_many(queries, K)], truth)
        if reached >= index_peers.RECALL:
            break
    _, timing = _timed(lambda query: least.search(query, K)[0], queries)
    return {"found_recall": reached, **timing}


def _conditioned(index: Index, condition: str, queries: Any) -> dict[str, float]:
    """Return how long the first search under a condition takes, and then any other, with the texts of the hits."""
    started = time.perf_counter()
    index.search(vector=queries[0], k=K, where=condition)
    first = time.perf_counter() - started
    _, timing = _timed(lambda query: index.search(vector=query, k=K, where=condition), queries)
    return {"first_seconds": first, **timing}


def batch_ours(folder: Path) -> dict[str, Any]:
    """Search for all queries together on all threads, then add 1,000 passages."""
    rows, queries = np.load(folder / "rows.npy", mmap_mode="r"), np.load(folder / "queries.npy")
    with es.open(folder / "ours", ArrayEncoder(rows)) as index:
        neighbors = index._searcher.neighbors
        neighbors.search_many(queries[:10], K)
        started = time.perf_counter()
        neighbors.search_many(queries, K)
        batch = len(queries) / (time.perf_counter() - started)
        started = time.perf_counter()
        index.add(documents(len(rows) - ADDED, len(rows)))
        added = time.perf_counter() - started
        newest = index.search(vector=rows[-1], k=1)[0].document
        if newest != f"d{len(rows) - 1}" and index.search(vector=rows[-1], k=1)[0].score < 0.9999:
            raise RuntimeError(f"the newest passage was not found, but {newest}")
        index.delete([f"d{row}" for row in range(len(rows) - ADDED, len(rows))])  # so that it can be measured again
    return {"batch_per_second": batch, "add_seconds": added}


def _timed(search: Any, queries: Any) -> tuple[list[Any], dict[str, float]]:
    """Return what *search* finds for each query, and its times in milliseconds."""
    for query in queries[:20]:
        search(query)
    spent, walls, found = time.process_time(), [], []
    for query in queries:
        started = time.perf_counter()
        found.append(search(query))
        walls.append(time.perf_counter() - started)
    cpu = (time.process_time() - spent) / len(queries)
    return found, {"ms": 1000 * cpu, "wall_ms": 1000 * float(np.median(walls))}


def measure(name: str, step: str, folder: Path) -> dict[str, Any]:
    """Do one step of one library's measurement, in this process."""
    if name == OURS:
        return {"build": build_ours, "search": search_ours, "batch": batch_ours}[step](folder)
    return index_peers.measure(name, step, folder, _timed, peak)


def in_process(name: str, step: str, folder: Path) -> dict[str, Any]:
    """Do one step in a process of its own; searching on one thread."""
    threads = "1" if step == "search" else str(os.cpu_count())
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, __file__, "--measure", name, "--step", step, "--folder", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": paths}
    found = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(found.stdout)


def compare(count: int, cache: Path, names: list[str], folder: Path) -> Iterator[dict[str, Any]]:
    """Measure every library on *count* rows, one after the other; yield what is known after each."""
    kinds = prepared(count, cache, folder)
    results = {}
    for one in names:
        built = folder / f"{one}.json"
        if not built.exists():
            built.write_text(json.dumps(in_process(one, "build", folder) | {"build_load": load()}))
        results[one] = json.loads(built.read_text())
    # Searches are measured together, after all has been built: what else the machine does is the same for them.
    for one in names:
        results[one] |= in_process(one, "search", folder) | in_process(one, "batch", folder) | {"search_load": load()}
        print(f"{count:,} rows, {one}: {json.dumps(results[one])}", file=sys.stderr)
        yield {"rows": count, **kinds, "results": dict(results), "cores": os.cpu_count()}


def prepared(count: int, cache: Path, folder: Path) -> dict[str, Any]:
    """Have rows, queries and the true neighbours of these in *folder*; return what they are."""
    kept = folder / "kinds.json"
    if not kept.exists():
        rows, queries, kinds = vectors(count, cache)
        exact._SCORES_AT_ONCE = 1 << 27  # fewer passes over the rows
        np.save(folder / "rows", rows)
        encoder = es.load_encoder("all-MiniLM-L6-v2")
        sets = {kind: encoder.encode_queries(texts) for kind, texts in phrases().items()}
        for kind, asked in {"queries": queries, **sets}.items():
            truth = [found for found, _ in nearest_exact_many(rows[: count - ADDED], asked, K)]
            np.save(folder / kind, asked)
            np.save(folder / f"{kind}_truth", np.stack(truth))
        kept.write_text(json.dumps({"dimension": queries.shape[1], "vectors": kinds}))
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def load() -> float:
    """Return the load of the machine over the last minute, which others may use as well."""
    return round(os.getloadavg()[0], 1)


def main() -> None:
    """Write benchmarks/results/index.json and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "embedsearch-benchmark-texts.npy")
    parser.add_argument("--keep", type=Path, help="where what is built stays; a temporary folder if not given")
    parser.add_argument("--only", nargs="+", default=[OURS, *index_peers.PEERS])
    for hidden in ("--measure", "--step", "--folder"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure, given.step, Path(given.folder))))
        return
    if not DATA.is_dir():
        print(f"skipped: there is no {DATA}; EMBEDSEARCH_DATA names the folder of the open sets", file=sys.stderr)
        return
    names = [name for name in given.only if name == OURS or find_spec(index_peers.PEERS[name])]
    for absent in set(given.only) - set(names):
        print(f"{absent} is not installed and is left out", file=sys.stderr)
    held = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for count in given.rows:
        with tempfile.TemporaryDirectory(prefix="embedsearch-benchmark-") as name:
            folder = (given.keep or Path(name)) / str(count)
            folder.mkdir(parents=True, exist_ok=True)
            for known in compare(count, given.cache, names, folder):
                held[str(count)] = known
                RESULTS.write_text(json.dumps(held, indent=1) + "\n")
            index_peers.print_table(held[str(count)], OURS)


if __name__ == "__main__":
    main()
