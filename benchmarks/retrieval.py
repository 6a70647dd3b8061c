"""nDCG@10 of BM25, dense and hybrid search on Cranfield and CISI, through an index as a user has it.

    python benchmarks/retrieval.py              # makes the indexes under $TMPDIR, or uses those it made before

Titles and texts are ingested as they stand in the published files, cut into passages as long as the encoder reads
whole; each query is searched with ``by="document"``, k 10. Nothing is set per collection. Queries that are longer
than the encoder reads (3 of CISI's, whole abstracts) are cut there, for all methods.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from retrieval_sets import Collection, cisi, cranfield

import embedsearch as es
from embedsearch.encoders import count_tokens
from embedsearch.fusion import DENSE_WEIGHT
from embedsearch.store.fulltext import TITLE_WEIGHT

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("EMBEDSEARCH_DATA", ROOT.parent / "shared" / "data"))
RESULTS = ROOT / "benchmarks" / "results" / "retrieval.json"
TARGETS = {"Cranfield": 0.439, "CISI": 0.457}
K = 10
RRF_K, RRF_DEPTH = 60, 100
MODES: tuple[Any, ...] = ("lexical", "dense", "hybrid")


def ndcg(ranking: Iterable[str], relevant: set[str], k: int = K) -> float:
    """Return the normalised discounted cumulative gain of binary judgements (Järvelin and Kekäläinen, 2002)."""
    gain = sum(1 / math.log2(place + 1) for place, id in enumerate(ranking, 1) if id in relevant and place <= k)
    return gain / sum(1 / math.log2(place + 1) for place in range(1, min(k, len(relevant)) + 1))


def opened(collection: Collection) -> es.Index:
    """Return an index of the collection; what is in it already is not embedded again."""
    folder = Path(tempfile.gettempdir()) / f"embedsearch-retrieval-{collection.name.lower()}"
    index = es.open(folder) if (folder / "index.db").exists() else es.Index.create(folder)
    report = index.add(collection.documents)
    print(f"{collection.name}: {len(index):,} passages, {report.embedded:,} embedded now", file=sys.stderr)
    return index


def rank_fused(index: es.Index, query: str) -> list[str]:
    """Return documents by reciprocal rank fusion of the two parents, for comparison."""
    sums: dict[str, float] = {}
    for mode in ("lexical", "dense"):
        for hit in index.search(query, k=RRF_DEPTH, mode=mode, by="document"):
            sums[hit.document] = sums.get(hit.document, 0) + 1 / (RRF_K + hit.rank)
    return sorted(sums, key=lambda id: -sums[id])


def searched(index: es.Index, mode: Any) -> Callable[[str], list[str]]:
    """Return the search in one mode as a function from a query to document ids."""
    return lambda query: [hit.document for hit in index.search(query, k=K, mode=mode, by="document")]


def measured(collection: Collection) -> dict[str, Any]:
    """Return the mean nDCG@10 by method."""
    with opened(collection) as index:
        methods = {mode: searched(index, mode) for mode in MODES} | {"rrf": lambda query: rank_fused(index, query)}
        queries = {id: readable(index, query) for id, query in collection.queries.items()}
        found = {name: _measured(collection, queries, method) for name, method in methods.items()}
    return {"documents": len(collection.documents), "queries": len(collection.queries), "methods": found}


def readable(index: es.Index, query: str) -> str:
    """Return as many words of a query as the index's encoder reads."""
    while count_tokens(index.encoder, [query])[0] > (getattr(index.encoder, "max_tokens", None) or math.inf):
        query = query.rpartition(" ")[0]
    return query


def _measured(collection: Collection, queries: dict[str, str], method: Callable[[str], list[str]]) -> dict[str, float]:
    gains = [ndcg(method(query), collection.relevant[id]) for id, query in queries.items()]
    return {"ndcg@10": round(sum(gains) / len(gains), 4)}


def markdown(results: dict[str, Any]) -> str:
    """Return the results as a table."""
    names = {
        "lexical": "BM25 (lexical)",
        "dense": "MiniLM (dense)",
        "hybrid": "**hybrid**",
        "rrf": "reciprocal rank fusion, k 60",
    }
    sets = list(results["collections"])
    lines = ["| nDCG@10 | " + " | ".join(sets) + " |", "|---|" + "---|" * len(sets)]
    for name, shown in names.items():
        cells = (f"{results['collections'][one]['methods'][name]['ndcg@10']:.3f}" for one in sets)
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    lines.append("| wanted of hybrid | " + " | ".join(f"{TARGETS[one]:.3f}" for one in sets) + " |")
    return "\n".join(lines)


def missed(results: dict[str, Any]) -> list[str]:
    """Return what the hybrid search falls short of."""
    short = []
    for name, found in results["collections"].items():
        gains = {method: values["ndcg@10"] for method, values in found["methods"].items()}
        wanted = max(TARGETS[name], gains["lexical"], gains["dense"])
        if gains["hybrid"] < wanted:
            short.append(f"{name}: hybrid has {gains['hybrid']:.4f}, wanted {wanted:.4f}")
    return short


def main() -> None:
    """Measure, write the results and print the table; exit 1 where a target is missed."""
    if not (DATA / "cranfield").is_dir():
        print(f"skipped: there is no {DATA / 'cranfield'}; set EMBEDSEARCH_DATA to the folder of the collections")
        return
    settings = {"encoder": "all-MiniLM-L6-v2", "dense_weight": DENSE_WEIGHT, "title_weight": TITLE_WEIGHT}
    collections = {one.name: measured(one) for one in (cranfield(DATA / "cranfield"), cisi(DATA / "cisi"))}
    results = {"settings": settings, "collections": collections}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    print(markdown(results))
    if short := missed(results):
        sys.exit("\n".join(short))


if __name__ == "__main__":
    main()
