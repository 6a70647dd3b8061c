"""Texts per second and cold start: embedsearch beside sentence-transformers, as it is and in bf16, in one run.

Run it with: python benchmarks/encoding.py [TEXTS [ROUNDS]], 5,000 texts of 5 to 200 words, twice, if not given. All
engines run the same model on the same texts, in turn; the better time counts. The ingest is that of the same texts as
documents into a new index: divided, embedded, written, with full text and checksums. What share of the machine that
is, is told by the largest matrix products that torch does here; it is taken from the seconds of the processor, so
that other work on the machine does not count as ours.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import keep, machine

import embedsearch as es
from embedsearch.encoders import encode

ROOT = Path(__file__).parent.parent
STARTS = 5
QUERY = "hunters that nobody sees"

# The shortest script that answers the same question from the same vectors.
PEER = """
import sys, faiss, numpy
from sentence_transformers import SentenceTransformer
vectors = numpy.fromfile(sys.argv[2], dtype="float32").reshape(-1, 384)
index = faiss.IndexFlatIP(384)
index.add(vectors)
query = SentenceTransformer(sys.argv[1]).encode([sys.argv[3]], normalize_embeddings=True)
print(index.search(query, 10))
"""


def texts_of(count: int) -> list[str]:
    """Return texts of 5 to 200 words, short and long in equal number of each length, out of the shipped corpus."""
    lines = (ROOT / "corpus" / "articles.jsonl").read_text("utf-8").splitlines()
    words = " ".join(json.loads(line)["text"] for line in lines).split()
    chance = random.Random(7)
    texts = []
    for _ in range(count):
        start = chance.randrange(len(words) - 200)
        texts.append(" ".join(words[start : start + chance.randint(5, 200)]))
    return texts


def flops(encoder: es.SentenceEncoder, lengths: list[int]) -> float:
    """Return the multiplications and additions of the matrix products over texts of so many tokens, no padding."""
    import torch

    layers = encoder._original.model[0].auto_model.encoder
    linear = sum(2.0 * part.in_features * part.out_features for part in layers.modules()
                 if isinstance(part, torch.nn.Linear))  # fmt: skip
    count = len(layers.layer)
    return sum(length * linear + 4.0 * length * length * encoder.dimension * count for length in lengths)


def peak(kind: str) -> float:
    """Return the fastest that torch multiplies two large matrices, in FLOP per second of one core."""
    import torch

    size = 2048
    first, second = (torch.randn(size, size).to(getattr(torch, kind)) for _ in range(2))
    times = []
    for _ in range(12):
        started = time.process_time()
        first @ second
        times.append(time.process_time() - started)
    return 2.0 * size**3 / min(times)


def engines() -> dict[str, Callable[[list[str]], Any]]:
    """Return what is compared: functions from texts to vectors, loaded and warm."""
    from sentence_transformers import SentenceTransformer

    folder = str(es.load_encoder().folder.path)
    plain, half = (SentenceTransformer(folder, device="cpu") for _ in range(2))
    half.bfloat16()
    found: dict[str, Callable[[list[str]], Any]] = {
        "sentence-transformers, as it is": lambda texts: plain.encode(texts, normalize_embeddings=True),
        "sentence-transformers, bf16": lambda texts: half.encode(texts, normalize_embeddings=True),
    }
    for engine, precision in (("torch", "f32"), ("openvino", "f32"), ("openvino", "bf16"), ("openvino", "int8")):
        try:
            ours = es.load_encoder(engine=engine, precision=precision, device="cpu")
        except es.EncoderError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        found[f"embedsearch, {engine} {precision}"] = lambda texts, ours=ours: encode(ours, texts)
    found["embedsearch, whole ingest"] = ingest
    for function in found.values():
        function(["a wolf", "a wolf in winter " * 20])
    return found


def ingest(texts: list[str]) -> Any:
    """Put texts into a new index; return their vectors, NaN for those of more than one passage."""
    with tempfile.TemporaryDirectory() as folder, es.Index.create(Path(folder) / "index") as index:
        index.add(es.Document(str(place), text) for place, text in enumerate(texts))
        rows = [index._store.rows_of_document(str(place)) for place in range(len(texts))]
        vectors = np.full((len(texts), index._store.dimension), np.nan)
        whole = [place for place, own in enumerate(rows) if len(own) == 1]
        vectors[whole] = index._store.vectors()[[rows[place][0] for place in whole]]
        return vectors


def nearest(vectors: np.ndarray, count: int = 10) -> np.ndarray:
    """Return the rows most like each of the first 500 rows, themselves left out: shape (500, count)."""
    scores = vectors[:500] @ vectors.T
    scores[np.arange(len(scores)), np.arange(len(scores))] = -2
    return np.argsort(-scores, axis=1)[:, :count]


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Return what share of the ten nearest two sets of unit vectors have in common; rows with NaN are left out."""
    whole = ~np.isnan(second).any(axis=1)
    pairs = zip(nearest(first[whole]), nearest(second[whole]), strict=True)
    return float(np.mean([len(set(one) & set(other)) / len(one) for one, other in pairs]))


def measure(texts: list[str], rounds: int) -> dict[str, Any]:
    """Return seconds, rates and cosines by engine, and the machine's peaks, from one run."""
    counter = es.load_encoder(engine="torch", device="cpu")
    lengths = [min(256, count + 2) for count in counter.count_tokens(texts)]
    work, found = flops(counter, lengths), engines()
    seconds = {name: float("inf") for name in found}
    processor = dict(seconds)
    vectors, peaks = {}, {"float32": 0.0, "bfloat16": 0.0}
    for _ in range(rounds):
        peaks = {kind: max(before, peak(kind)) for kind, before in peaks.items()}
        for name, function in found.items():
            started, used = time.perf_counter(), time.process_time()
            vectors[name] = np.asarray(function(texts), dtype=np.float64)
            seconds[name] = min(seconds[name], time.perf_counter() - started)
            processor[name] = min(processor[name], time.process_time() - used)
    first = next(iter(found))
    rows = {}
    for name in found:
        unit = vectors[name] / np.linalg.norm(vectors[name], axis=1, keepdims=True)
        cosines = (unit * vectors[first]).sum(axis=1)
        half = "bf16" in name or (name == "embedsearch, whole ingest" and "embedsearch, openvino bf16" in found)
        precision = "bfloat16" if half else "float32"
        rows[name] = {
            "seconds": round(seconds[name], 3),
            "texts a second": round(len(texts) / seconds[name], 1),
            "tokens a second": round(sum(lengths) / seconds[name]),
            "times as fast": round(seconds[first] / seconds[name], 2),
            "processor seconds": round(processor[name], 3),
            "times less work": round(processor[first] / processor[name], 2),
            "share of the peak": None if "int8" in name else round(work / processor[name] / peaks[precision], 3),
            "mean cosine": round(float(np.nanmean(cosines)), 6),
            "lowest cosine": round(float(np.nanmin(cosines)), 6),
            "same ten nearest": round(agreement(vectors[first], unit), 4),
        }
    return {"texts": len(texts), "tokens": sum(lengths), "FLOP": work, "engines": rows,
            "peak GFLOP per core second": {kind: round(value / 1e9, 1) for kind, value in peaks.items()}}  # fmt: skip


# What the nodes of a compiled model do, by OpenVINO's names of their kinds.
_PARTS = {
    "matrix products": ("FullyConnected", "MatMul"),
    "attention": ("Subgraph", "ScaledDotProductAttention"),
    "normalisation and sums": ("MVN", "Add", "MulAdd", "Multiply", "Eltwise", "ReduceSum", "ReduceL2"),
    "moving and converting": ("Reorder", "Transpose", "Reshape", "Gather", "Convert", "Broadcast", "Concat"),
}


def profile(texts: list[str]) -> dict[str, Any]:
    """Return what share of a core's time each part of the fastest compiled model takes, as OpenVINO counts it."""
    from embedsearch.encoders.compiled import BLOB, CompiledModel, openvino, settings

    choice, model = es.load_encoder(engine="openvino", device="cpu")._engine
    assert isinstance(model, CompiledModel)
    counting = settings(model.manifest.precision) | {"PERF_COUNT": "YES"}
    graph = openvino().Core().import_model((model.folder / BLOB).read_bytes(), "CPU", counting)
    request, seconds = graph.create_infer_request(), dict.fromkeys([*_PARTS, "all else"], 0.0)
    for _, given in model._batches(texts):
        request.infer(given)
        for node in request.profiling_info:
            part = next((name for name, kinds in _PARTS.items() if node.node_type in kinds), "all else")
            seconds[part] += node.real_time.total_seconds()
    whole = sum(seconds.values())
    return {"engine": str(choice), "share": {name: round(time / whole, 3) for name, time in seconds.items()}}


# A process begins with the memory of the one that starts it, so a small one does.
STARTER = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
seconds = time.perf_counter() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": seconds, "processor seconds": used.ru_utime + used.ru_stime, "MB": used.ru_maxrss / 1024}))
"""


def timed(command: list[str]) -> dict[str, float]:
    """Run a command; return the seconds it took, those of the processor, and the most memory it held, in MB."""
    # An installed package has its bytecode, whatever this machine says.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", STARTER, *command], capture_output=True, text=True, check=True, env=environment
    )
    return dict(json.loads(done.stdout))


def cold_start() -> dict[str, Any]:
    """Return medians over whole processes that answer one query: ours, and the shortest script of the peers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predation"
        with es.Index.create(path) as index:
            index.add(es.read(ROOT / "corpus"))
            index.search(QUERY)
        vectors = str(next(path.glob("vectors*.f32")))
        main = "from embedsearch.cli import main; main()"
        commands = {
            "sentence-transformers and faiss": [sys.executable, "-c", PEER, str(es.load_encoder().folder.path), vectors,
                                                QUERY],
            "embedsearch search": [sys.executable, "-c", main, "search", QUERY, "-i", str(path)],
            "embedsearch search --like": [sys.executable, "-c", main, "search", "--like", "p-wolf", "-i", str(path)],
        }  # fmt: skip
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
        for _ in range(STARTS):
            for name, command in commands.items():
                runs[name].append(timed(command))
    found = {
        name: {key: round(statistics.median(run[key] for run in each), 3) for key in each[0]}
        for name, each in runs.items()
    }
    base = found["sentence-transformers and faiss"]
    for row in found.values():
        row["times as fast"] = round(base["seconds"] / row["seconds"], 2)
        row["times less work"] = round(base["processor seconds"] / row["processor seconds"], 2)
    return found


def print_table(rows: dict[str, dict[str, Any]]) -> None:
    names = list(next(iter(rows.values())))
    print("| | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join("" if row[key] is None else f"{row[key]:,}" for key in names) + " |")
    print()


def main() -> None:
    """Print Markdown tables and write them to benchmarks/results/encoding.json, beside those of other processors."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("texts", type=int, nargs="?", default=5000)
    parser.add_argument("rounds", type=int, nargs="?", default=2)
    given = parser.parse_args()
    described = machine()
    result = {"machine": described, "encoding": measure(texts_of(given.texts), given.rounds),
              "cold start": cold_start(), "where the time goes": profile(texts_of(given.texts)[:500])}  # fmt: skip
    described["load average before and after"].append(round(os.getloadavg()[0], 1))
    print_table(result["encoding"]["engines"])
    print(
        "torch's matrix product, GFLOP per second of one core:", result["encoding"]["peak GFLOP per core second"], "\n"
    )
    print_table(result["cold start"])
    print("of a core's time in the compiled model:", result["where the time goes"])
    keep(ROOT / "benchmarks" / "results" / "encoding.json", result)


if __name__ == "__main__":
    main()
