"""Ingest, search and filter the same texts with embedsearch, txtai, chromadb and lancedb; add meanings beside gensim.

Run it with: python benchmarks/peers.py [--texts 2000]. The peers get an environment of their own, made once from
benchmarks/peers-requirements.txt in --environment (1 GB, minutes). All run all-MiniLM-L6-v2 from the same local folder;
each step is a process of its own, so that its memory is its own. The texts have 5 to 140 words: one passage each.
Recall is against brute force over the vectors that are searched: embedsearch's own (bf16 where the processor has it),
for the others those of sentence-transformers.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from encoding import ROOT, texts_of
from machine import machine
from peers_engines import ENGINES, PART, PARTS, K

import embedsearch as es

RESULTS = ROOT / "benchmarks" / "results" / "peers.json"
QUERIES, EXPRESSIONS, WORDS = 100, 200, 140
LIBRARIES = ("txtai", "chromadb", "lancedb", "gensim", "sentence-transformers", "torch")


def environment(folder: Path) -> str:
    """Return the Python that has the peers, in an environment that is made if it is not there."""
    python, done = folder / "bin" / "python", folder / ".set-up"
    if not done.exists():
        print(f"setting up {folder} once; minutes", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt")]
        subprocess.run([*install, "torch"], check=True)  # first, so that no CUDA libraries are pulled in
        wanted = str(ROOT / "benchmarks" / "peers-requirements.txt")
        subprocess.run([*install, "sentence-transformers", "--requirement", wanted], check=True)
        done.touch()
    return str(python)


def prepare(count: int, folder: Path) -> None:
    """Write the texts, the queries, and what the engines are told, to *folder*."""
    texts = [" ".join(text.split()[:WORDS]) for text in texts_of(count)]
    chance = random.Random(11)
    # A query is a run of six words of some text: a user's query has about as many, and something answers it.
    words = [text.split() for text in texts]
    queries = []
    for own in chance.sample([one for one in words if len(one) > 12], QUERIES):
        start = chance.randrange(len(own) - 6)
        queries.append(" ".join(own[start : start + 6]))
    settings = {"model": str(es.load_encoder().folder.path), "allowed": len(range(PART, count, PARTS))}
    for name, held in (("texts", texts), ("queries", queries), ("settings", settings)):
        (folder / f"{name}.json").write_text(json.dumps(held), "utf-8")


def step(python: str, name: str, what: str, folder: Path) -> dict[str, Any]:
    """Do one step of one engine in a process of its own, with the load of the machine when it began."""
    load = round(os.getloadavg()[0], 1)
    paths = {"PYTHONPATH": str(ROOT)} if name == "embedsearch" else {}
    command = [python, str(ROOT / "benchmarks" / "peers_engines.py"), name, what, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **paths}, check=False)
    if done.returncode:
        raise SystemExit(f"{name} ended with code {done.returncode} at {what}; what it said is above")
    return {**json.loads(done.stdout), f"{what}_load": load}


def reference(folder: Path) -> tuple[Any, Any]:
    """Return the vectors of texts and queries as sentence-transformers gives them, both of unit rows."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(json.loads((folder / "settings.json").read_text())["model"], device="cpu")
    texts, queries = (json.loads((folder / f"{name}.json").read_text()) for name in ("texts", "queries"))
    return model.encode(texts, normalize_embeddings=True), model.encode(queries, normalize_embeddings=True)


def own_vectors(folder: Path) -> tuple[Any, Any]:
    """Return the vectors of our index in the order of the texts, and those of the queries."""
    queries = json.loads((folder / "queries.json").read_text())
    with es.open(folder / "embedsearch") as index:
        count = len(json.loads((folder / "texts.json").read_text()))
        rows = [index._store.rows_of_document(str(place)) for place in range(count)]
        if max(map(len, rows)) > 1:
            raise SystemExit("a text became more than one passage; the engines would not hold the same")
        vectors = np.array(index._store.vectors())[[own[0] for own in rows]]
        return vectors, np.stack([index._embedding.vectors_of([query])[0] for query in queries])


def recall(found: list[list[int]], vectors: tuple[Any, Any]) -> float:
    """Return the share of the true ten nearest that was found; equals of the tenth are as good as it."""
    rows, queries = vectors
    shares = []
    for own, query in zip(found, queries, strict=True):
        scores = rows @ query
        least = np.partition(scores, -K)[-K] - 1e-6
        shares.append(sum(scores[place] >= least for place in set(own[:K])) / K)
    return float(np.mean(shares))


def engines(python: str, folder: Path) -> dict[str, Any]:
    """Measure every engine, one after the other, and judge what they found."""
    rows = {}
    for name in ENGINES:
        executable = sys.executable if name == "embedsearch" else python
        rows[name] = step(executable, name, "ingest", folder) | step(executable, name, "query", folder)
        print(f"{name}: {rows[name]['ingest_seconds']:.1f} s, {rows[name]['query_ms']:.2f} ms", file=sys.stderr)
    vectors = reference(folder)
    allowed = json.loads((folder / "settings.json").read_text())["allowed"]
    for name, row in rows.items():
        row["recall"] = recall(row.pop("found"), own_vectors(folder) if name == "embedsearch" else vectors)
        hits = row.pop("filtered_hits")
        row |= {"filtered_share": sum(hits) / allowed / len(hits), "filtered_fewest": min(hits)}
    return rows


def phrases(folder: Path) -> tuple[list[str], list[tuple[list[str], list[str]]]]:
    """Return the words of the texts, each once, and sums of two of them, some less a third."""
    texts = json.loads((folder / "texts.json").read_text())
    words = sorted({word for text in texts for word in re.findall(r"\b[a-z]{3,}\b", text)})
    chance = random.Random(13)
    terms = []
    for number in range(EXPRESSIONS):
        *positive, last = chance.sample(words, 3)
        terms.append((positive, [last] if number % 2 else []))
    return words, terms


def arithmetic(python: str, folder: Path) -> dict[str, Any]:
    """Compare `calc` with gensim's most_similar over the vectors of the same words."""
    words, terms = phrases(folder)
    with es.Index.create(folder / "words") as index:
        index.add(es.Document(word, word) for word in words)
        vectors = index._store.vectors()
        np.save(folder / "phrases", [vectors[index._store.rows_of_document(word)[0]] for word in words])
        found, times = [], []
        for positive, negative in [*terms[:5], *terms]:
            sum_of = " + ".join(f'"{word}"' for word in positive)
            expression = " - ".join([sum_of, *(f'"{word}"' for word in negative)])
            started = time.perf_counter()
            answers = index.calc(expression, k=K)
            times.append(1000 * (time.perf_counter() - started))
            found.append([hit.document for hit in answers.hits])
    for name, held in (("phrases", words), ("terms", terms)):
        (folder / f"{name}.json").write_text(json.dumps(held), "utf-8")
    peer = step(python, "gensim", "arithmetic", folder)
    both = list(zip(found[5:], peer.pop("answers"), strict=True))
    return {
        "words": len(words),
        "expressions": len(terms),
        "embedsearch_ms": float(np.median(times[5:])),
        "gensim_ms": peer["ms"],
        "gensim_peak_mb": peer["peak_mb"],
        "same_first": sum(own[:1] == other[:1] for own, other in both) / len(both),
        "same_ten": sum(len({*own} & {*other}) for own, other in both) / K / len(both),
    }


def versions(python: str) -> dict[str, str]:
    """Return the versions in the peers' environment."""
    script = (
        f"import json; from importlib.metadata import version as v; print(json.dumps({{n: v(n) for n in {LIBRARIES}}}))"
    )
    return dict(json.loads(subprocess.run([python, "-c", script], capture_output=True, text=True, check=True).stdout))


def main() -> None:
    """Print what was found and write benchmarks/results/peers.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--environment", type=Path, default=ROOT / "benchmarks" / ".peers")
    given = parser.parse_args()
    python = environment(given.environment)
    es.load_encoder().encode(["a wolf"])  # compiled once, before anything is timed
    described = machine()
    with tempfile.TemporaryDirectory(prefix="embedsearch-peers-") as name:
        folder = Path(name)
        prepare(given.texts, folder)
        rows = engines(python, folder)
        sums = arithmetic(python, folder)
    described["load average before and after"].append(round(os.getloadavg()[0], 1))
    allowed = len(range(PART, given.texts, PARTS))
    result = {"machine": described, "texts": given.texts, "queries": QUERIES, "allowed": allowed, "engines": rows,
              "arithmetic": sums, "versions": versions(python)}  # fmt: skip
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(json.dumps({"engines": rows, "arithmetic": sums}, indent=2))


if __name__ == "__main__":
    main()
