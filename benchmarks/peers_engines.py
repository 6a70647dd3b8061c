"""The engines that benchmarks/peers.py sets side by side, each as its documentation shows it, and one step of one.

Run by peers.py as: python benchmarks/peers_engines.py ENGINE STEP FOLDER, in the engine's own environment. Imports no
more than the engine that is measured. FOLDER holds texts.json, queries.json and settings.json; the answer is JSON on
stdout.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

K, PARTS, PART = 10, 100, 7  # the filter allows one part of a hundred
Search = Callable[[str, int, bool], list[int]]  # query, how many, filtered: places of texts, best first


class Embedsearch:
    """embedsearch in its shipped settings, ranking by meaning alone as the others do."""

    version_of = "embedsearch"

    def __init__(self, folder: Path, model: str) -> None:  # noqa: ARG002 - the same weights are its default
        self.path = folder / "embedsearch"

    def ingest(self, texts: list[str]) -> None:
        """Make the index."""
        import embedsearch as es

        with es.Index.create(self.path) as index:
            index.add(
                es.Document(str(place), text, metadata={"part": place % PARTS}) for place, text in enumerate(texts)
            )

    def open(self) -> Search:
        """Return a search over the index."""
        import embedsearch as es

        index = es.open(self.path)

        def search(query: str, k: int, filtered: bool) -> list[int]:
            where = f"part == {PART}" if filtered else None
            return [int(hit.document) for hit in index.search(query, k=k, mode="dense", where=where)]

        return search


class Txtai:
    """txtai with content, so that SQL may filter."""

    version_of = "txtai"

    def __init__(self, folder: Path, model: str) -> None:
        self.path, self.model = folder / "txtai", model

    def ingest(self, texts: list[str]) -> None:
        """Make the index and save it."""
        from txtai import Embeddings

        embeddings = Embeddings(path=self.model, content=True, gpu=False)
        embeddings.index((place, {"text": text, "part": place % PARTS}) for place, text in enumerate(texts))
        embeddings.save(str(self.path))

    def open(self) -> Search:
        """Return a search over the index."""
        from txtai import Embeddings

        embeddings = Embeddings()
        embeddings.load(str(self.path))
        plain = "select id, score from txtai where similar(:query)"

        def search(query: str, k: int, filtered: bool) -> list[int]:
            sql = f"{plain} and part = {PART}" if filtered else plain
            return [int(hit["id"]) for hit in embeddings.search(sql, k, parameters={"query": query})]

        return search


class Chroma:
    """chromadb on disk with its sentence-transformers function and cosine."""

    version_of = "chromadb"

    def __init__(self, folder: Path, model: str) -> None:
        self.path, self.model = folder / "chromadb", model

    def _client(self) -> tuple[Any, Any]:
        import chromadb
        from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

        client = chromadb.PersistentClient(str(self.path), chromadb.Settings(anonymized_telemetry=False))
        return client, SentenceTransformerEmbeddingFunction(self.model, device="cpu", normalize_embeddings=True)

    def ingest(self, texts: list[str]) -> None:
        """Make the collection, in batches as large as the client takes."""
        client, function = self._client()
        texts_of = client.create_collection(
            "texts", embedding_function=function, configuration={"hnsw": {"space": "cosine"}}
        )
        step = client.get_max_batch_size()
        for start in range(0, len(texts), step):
            places = range(start, min(start + step, len(texts)))
            texts_of.add(
                ids=[str(place) for place in places],
                documents=[texts[place] for place in places],
                metadatas=[{"part": place % PARTS} for place in places],
            )

    def open(self) -> Search:
        """Return a search over the collection."""
        client, function = self._client()
        texts_of = client.get_collection("texts", embedding_function=function)

        def search(query: str, k: int, filtered: bool) -> list[int]:
            found = texts_of.query(
                query_texts=[query], n_results=k, where={"part": PART} if filtered else None, include=["distances"]
            )
            return [int(name) for name in found["ids"][0]]

        return search


class Lance:
    """lancedb with its sentence-transformers function, unindexed, as its tables are until one asks for an index."""

    version_of = "lancedb"

    def __init__(self, folder: Path, model: str) -> None:
        self.path, self.model = folder / "lancedb", model

    def ingest(self, texts: list[str]) -> None:
        """Make the table."""
        import lancedb
        from lancedb.embeddings import get_registry
        from lancedb.pydantic import LanceModel, Vector

        function = get_registry().get("sentence-transformers").create(name=self.model, device="cpu")

        class Passage(LanceModel):
            place: int
            part: int
            text: str = function.SourceField()
            vector: Vector(function.ndims()) = function.VectorField()  # type: ignore[valid-type]

        table = lancedb.connect(str(self.path)).create_table("texts", schema=Passage)
        table.add([{"place": place, "part": place % PARTS, "text": text} for place, text in enumerate(texts)])

    def open(self) -> Search:
        """Return a search over the table."""
        import lancedb

        table = lancedb.connect(str(self.path)).open_table("texts")

        def search(query: str, k: int, filtered: bool) -> list[int]:
            asked = table.search(query).distance_type("cosine").select(["place", "_distance"]).limit(k)
            asked = asked.where(f"part = {PART}") if filtered else asked
            return [int(row["place"]) for row in asked.to_list()]

        return search


ENGINES = {"embedsearch": Embedsearch, "txtai": Txtai, "chromadb": Chroma, "lancedb": Lance}


def peak_mb() -> float:
    """Return the most memory that this process has held, in MB, mapped pages among it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:"))


def ingest(engine: Any, folder: Path) -> dict[str, Any]:
    """Ingest all texts; loading the libraries and the model counts, as it does for a user."""
    texts = json.loads((folder / "texts.json").read_text("utf-8"))
    started, used = time.perf_counter(), time.process_time()
    engine.ingest(texts)
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    size = sum(file.stat().st_size for file in engine.path.rglob("*") if file.is_file())
    return {
        "ingest_seconds": seconds,
        "ingest_processor_seconds": processor,
        "ingest_peak_mb": peak_mb(),
        "bytes": size,
    }


def query(engine: Any, folder: Path) -> dict[str, Any]:
    """Open what was made and ask every query, without a filter and with one."""
    queries = json.loads((folder / "queries.json").read_text("utf-8"))
    allowed = json.loads((folder / "settings.json").read_text("utf-8"))["allowed"]
    started = time.perf_counter()
    search = engine.open()
    search(queries[0], K, False)
    first = time.perf_counter() - started
    found, plain = _timed(search, queries, K, False)
    filtered, among = _timed(search, queries, allowed, True)
    return {
        "first_answer_seconds": first,
        "query_ms": plain,
        "filtered_ms": among,
        "query_peak_mb": peak_mb(),
        "found": found,
        "filtered_hits": [len({place for place in one if place % PARTS == PART}) for one in filtered],
    }


def _timed(search: Search, queries: list[str], k: int, filtered: bool) -> tuple[list[list[int]], float]:
    """Return what each query finds, and the median of their milliseconds; each query is new to the engine."""
    for text in queries[:5]:
        search(f"{text} again", k, filtered)
    found, times = [], []
    for text in queries:
        asked = f"{text} now" if filtered else text  # what was embedded for the plain query is not to be had again
        started = time.perf_counter()
        found.append(search(asked, k, filtered))
        times.append(1000 * (time.perf_counter() - started))
    return found, statistics.median(times)


def gensim(folder: Path) -> dict[str, Any]:
    """Answer the expressions with gensim's KeyedVectors over the vectors of our phrases."""
    import numpy as np
    from gensim.models import KeyedVectors

    phrases = json.loads((folder / "phrases.json").read_text("utf-8"))
    terms = json.loads((folder / "terms.json").read_text("utf-8"))
    keyed = KeyedVectors(np.load(folder / "phrases.npy").shape[1])
    keyed.add_vectors(phrases, np.load(folder / "phrases.npy"))
    keyed.fill_norms()
    found, times = [], []
    for positive, negative in [*terms[:5], *terms]:
        started = time.perf_counter()
        answers = keyed.most_similar(positive=positive, negative=negative, topn=K)
        times.append(1000 * (time.perf_counter() - started))
        found.append([name for name, _ in answers])
    return {"ms": statistics.median(times[5:]), "answers": found[5:], "peak_mb": peak_mb()}


def main() -> None:
    """Do one step of one engine."""
    name, step, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true", "ANONYMIZED_TELEMETRY": "False"}
    answers = sys.stdout
    sys.stdout = sys.stderr  # what libraries print is no answer
    if name == "gensim":
        result = gensim(folder)
    else:
        engine = ENGINES[name](folder, json.loads((folder / "settings.json").read_text("utf-8"))["model"])
        result = {"ingest": ingest, "query": query}[step](engine, folder)
    print(json.dumps(result), file=answers)


if __name__ == "__main__":
    main()
