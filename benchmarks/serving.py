"""What `embedsearch serve` costs and saves: throughput, one query warm, and the command line with and without it.

Run it with: python benchmarks/serving.py [--texts 2000]. The same texts are encoded in this process and sent to a
server in batches, by several clients at once; the server is started here, on a port and with a cache of its own, so
that no other command finds it; the model is compiled into that cache first. Each query is another text.
"""

import argparse
import base64
import http
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from encoding import QUERY, ROOT, texts_of, timed
from machine import machine

import embedsearch as es
from embedsearch.encoders import encode
from embedsearch.encoders.cache import CACHE_VARIABLE

RESULTS = ROOT / "benchmarks" / "results" / "serving.json"
BATCH, CLIENTS, QUERIES, STARTS = 64, 4, 200, 5
WORDS = 120  # the server refuses what is longer than the model reads
COMMAND = [sys.executable, "-c", "from embedsearch.cli import main; main()"]


@contextmanager
def server() -> Iterator[str]:
    """Run `embedsearch serve`; give its base URL; end it."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(30)


def ask(connection: http.client.HTTPConnection, path: str, texts: list[str]) -> Any:
    """Return the vectors of texts as the server gives them, shape (n, d)."""
    body = json.dumps({"model": "all-MiniLM-L6-v2", "input": texts, "encoding_format": "base64"})
    connection.request("POST", f"{path}/embeddings", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    if response.status != http.HTTPStatus.OK:
        raise SystemExit(f"the server answered {response.status}: {answer}")
    return np.stack([np.frombuffer(base64.b64decode(one["embedding"]), dtype="<f4") for one in answer["data"]])


def by_server(url: str) -> Callable[[list[str]], Any]:
    """Return what sends texts to the server in batches, several at once, and gives their vectors in order."""
    parts = urlsplit(url)

    def one_batch(texts: list[str]) -> Any:
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
        try:
            return ask(connection, parts.path, texts)
        finally:
            connection.close()

    def all_batches(texts: list[str]) -> Any:
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            return np.concatenate(list(pool.map(one_batch, batches)))

    return all_batches


def throughput(function: Callable[[list[str]], Any], texts: list[str]) -> tuple[float, Any]:
    """Return the texts a second of the better of two rounds, and the vectors."""
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        vectors = function(texts)
        seconds.append(time.perf_counter() - started)
    return len(texts) / min(seconds), vectors


def latency(function: Callable[[list[str]], Any]) -> dict[str, float]:
    """Return the median and the 95th percentile of one query's milliseconds."""
    times = []
    for number in range(QUERIES + 10):
        started = time.perf_counter()
        function([f"{QUERY} {number}"])
        times.append(1000 * (time.perf_counter() - started))
    return {"median_ms": statistics.median(times[10:]), "p95_ms": float(np.percentile(times[10:], 95))}


def command_line(path: Path, *options: str) -> dict[str, float]:
    """Return the medians of whole processes that search the demo's corpus."""
    runs = [timed([*COMMAND, "search", QUERY, "-i", str(path), *options]) for _ in range(STARTS)]
    return {key: round(statistics.median(run[key] for run in runs), 3) for key in runs[0]}


def measure(texts: list[str], path: Path) -> dict[str, Any]:
    """Return the figures of this process and of the server, in turn."""
    ours = es.load_encoder(device="cpu")  # a device that is named is never left to a server
    encode(ours, ["a wolf"])
    rate, vectors = throughput(lambda given: encode(ours, given), texts)
    found: dict[str, Any] = {"in_process": {"texts_per_second": rate, **latency(lambda given: encode(ours, given))}}
    found["command_without"] = command_line(path, "--device", "cpu")
    with server() as url:
        sent = by_server(url)
        sent(texts[:BATCH])
        rate, served = throughput(sent, texts)
        parts = urlsplit(url)
        held = http.client.HTTPConnection(str(parts.hostname), parts.port)
        found["server"] = {"texts_per_second": rate, **latency(lambda given: ask(held, parts.path, given))}
        found["command_with"] = command_line(path)
    found["lowest_cosine"] = float((vectors * served).sum(axis=1).min())
    return found


def main() -> None:
    """Print the figures and write benchmarks/results/serving.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=2000)
    count = parser.parse_args().texts
    described = machine()
    with tempfile.TemporaryDirectory() as folder:
        os.environ[CACHE_VARIABLE] = str(Path(folder) / "cache")
        path = Path(folder) / "predation"
        with es.Index.create(path) as index:
            index.add(es.read(ROOT / "corpus"))
        found = measure([" ".join(text.split()[:WORDS]) for text in texts_of(count)], path)
    described["load average before and after"].append(round(os.getloadavg()[0], 1))
    result = {"machine": described, "texts": count, "batch": BATCH, "clients": CLIENTS, **found}
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
