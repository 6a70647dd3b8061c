"""The libraries that benchmarks/index.py sets beside embedsearch, each with the settings of its documentation."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PEERS = {"FAISS HNSW": "faiss", "hnswlib": "hnswlib", "usearch": "usearch"}  # what each is imported as
K, RECALL = 10, 0.99
PHRASES = ("short", "foreign")
_EFFORTS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768)
_EDGES, _BUILD_EFFORT = 32, 80  # 16 edges a node and layer in hnswlib's and usearch's counting


class FaissHNSW:
    """``HNSW32`` of FAISS."""

    file = "faiss-hnsw.index"

    def build(self, rows: Any, file: Path) -> None:
        """Build the graph and write it."""
        import faiss

        index = faiss.IndexHNSWFlat(rows.shape[1], _EDGES, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = _BUILD_EFFORT
        index.add(rows)
        faiss.write_index(index, str(file))

    def open(self, file: Path, dimension: int) -> None:  # noqa: ARG002 - hnswlib alone must be told
        """Read the graph."""
        import faiss

        self.index = faiss.read_index(str(file))

    def search(self, queries: Any, effort: int) -> Any:
        """Return the rows found, shape (m, 10)."""
        self.index.hnsw.efSearch = effort
        return self.index.search(queries, K)[1]


class Hnswlib:
    """hnswlib in its inner-product space."""

    file = "hnswlib.index"

    def build(self, rows: Any, file: Path) -> None:
        """Build the graph and write it."""
        import hnswlib

        index = hnswlib.Index(space="ip", dim=rows.shape[1])
        index.init_index(max_elements=len(rows), ef_construction=_BUILD_EFFORT, M=_EDGES // 2)
        index.add_items(rows)
        index.save_index(str(file))

    def open(self, file: Path, dimension: int) -> None:
        """Read the graph."""
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=dimension)
        self.index.load_index(str(file))

    def search(self, queries: Any, effort: int) -> Any:
        """Return the rows found, shape (m, 10)."""
        self.index.set_ef(effort)
        self.index.set_num_threads(1 if len(queries) == 1 else -1)
        return self.index.knn_query(queries, k=K)[0]


class Usearch:
    """usearch with bf16 vectors, its default."""

    file = "usearch.index"

    def build(self, rows: Any, file: Path) -> None:
        """Build the graph and write it."""
        from usearch.index import Index

        index = Index(
            ndim=rows.shape[1], metric="ip", dtype="bf16", connectivity=_EDGES // 2, expansion_add=_BUILD_EFFORT
        )
        index.add(np.arange(len(rows)), rows)
        index.save(str(file))

    def open(self, file: Path, dimension: int) -> None:  # noqa: ARG002 - hnswlib alone must be told
        """Read the graph."""
        from usearch.index import Index

        self.index = Index.restore(str(file))

    def search(self, queries: Any, effort: int) -> Any:
        """Return the rows found, shape (m, 10)."""
        self.index.expansion_search = effort
        found = self.index.search(queries, K, threads=1 if len(queries) == 1 else 0).keys
        return np.asarray(found).reshape(len(queries), -1)


_CLASSES = {"FAISS HNSW": FaissHNSW, "hnswlib": Hnswlib, "usearch": Usearch}


def measure(name: str, step: str, folder: Path, timed: Callable[..., Any], peak: Callable[[], int]) -> dict[str, Any]:
    """Do one step of one library's measurement, in this process."""
    peer = _CLASSES[name]()
    file = folder / peer.file
    if step == "build":
        rows = np.load(folder / "rows.npy")[:-1000]
        started, spent = time.perf_counter(), time.process_time()
        peer.build(rows, file)
        seconds, cpu = time.perf_counter() - started, time.process_time() - spent
        return {"build_seconds": seconds, "build_cpu_seconds": cpu, "size": file.stat().st_size, "build_peak": peak()}
    queries, truth = np.load(folder / "queries.npy"), np.load(folder / "queries_truth.npy")
    started = time.perf_counter()
    peer.open(file, queries.shape[1])
    opened = time.perf_counter() - started
    if step == "search":
        found = _search(peer, queries, truth, timed)
        found |= of_phrases(lambda query: peer.search(query[None], found["effort"])[0], folder, timed)
        (folder / f"{peer.file}.effort").write_text(json.dumps(found["effort"]))
        return {"open_seconds": opened, **found, "search_peak": peak()}
    effort = json.loads((folder / f"{peer.file}.effort").read_text())
    peer.search(queries[:10], effort)
    started = time.perf_counter()
    peer.search(queries, effort)
    return {"batch_per_second": len(queries) / (time.perf_counter() - started)}


def _search(peer: Any, queries: Any, truth: Any, timed: Callable[..., Any]) -> dict[str, Any]:
    """Time the least effort that reaches the recall on these queries, one query at a time."""
    for effort in _EFFORTS:
        reached = recall(peer.search(queries, effort), truth)
        if reached >= RECALL:
            break
    found, timing = timed(lambda query: peer.search(query[None], effort)[0], queries)
    return {"effort": effort, "found_recall": recall(found, truth), **timing}


def of_phrases(search: Callable[[Any], Any], folder: Path, timed: Callable[..., Any]) -> dict[str, float]:
    """Return recall and time of both kinds of phrases."""
    found: dict[str, float] = {}
    for kind in PHRASES:
        answers, timing = timed(search, np.load(folder / f"{kind}.npy"))
        found[f"{kind}_recall"] = recall(answers, np.load(folder / f"{kind}_truth.npy"))
        found[f"{kind}_ms"] = timing["ms"]
    return found


def recall(found: Any, truth: Any) -> float:
    """Return which share of the true neighbours was found."""
    return float(
        np.mean([len(set(map(int, one)) & set(map(int, own))) / K for one, own in zip(found, truth, strict=True)])
    )


def print_table(compared: dict[str, Any], ours: str) -> None:
    """Print what was measured as Markdown."""
    print(f"\n{compared['rows']:,} x {compared['dimension']}: {compared['vectors']}\n")
    print(
        "| | build, s | file, MB | open, s | recall@10 | ms a query | of phrases | ms | queries/s | peak memory, MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, one in compared["results"].items():
        cells = (
            f"{one['build_seconds']:.1f}",
            f"{one['size'] / 1e6:.0f}",
            f"{one['open_seconds']:.3f}",
            f"{one['found_recall']:.4f}",
            f"{one['ms']:.2f}",
            f"{one['short_recall']:.4f}",
            f"{one['short_ms']:.2f}",
            f"{one['batch_per_second']:,.0f}",
            f"{one['search_peak'] / 1e6:.0f}",
        )
        print(f"| {name} | {' | '.join(cells)} |")
    own = compared["results"].get(ours)
    if own:
        print(
            f"\n{ours}: {own['kind']}, {own['candidates']} candidates, {own['visited']:.0f} lists; recall of the "
            f"self-test {own['recall']:.4f}; with the least effort for {RECALL} on these queries "
            f"{own['least']['ms']:.2f} ms; first search {own['first_search_seconds']:.2f} s; among 0.1% of the rows "
            f"{own['restricted_ms']:.2f} ms, among 10% {own['tenth_ms']:.2f} ms; with the texts from the database "
            f"{own['with_texts_ms']:.2f} ms; adding 1,000 passages {own['add_seconds']:.2f} s; own memory (without "
            f"mapped pages) {own['search_own_memory'] / 1e6:.0f} MB; ingest of all apart from embedding "
            f"{own['ingest_seconds']:.0f} s."
        )
