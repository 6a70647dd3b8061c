"""Measure filter over many short records: memory, records a second, and whether a killed run goes on to the same end.

    python benchmarks/filtering.py [--records 1000000] [--distinct 20000] [--folder FOLDER]

Records are made of pairs of the corpus's sentences, so many of them distinct and the others repeats, and go through
`embedsearch filter` with the transformer and without an index, in a process of its own: axes are scaled on a sample,
every record is measured. Then the same is done again and killed with SIGKILL on the way, at a moment when part of the
texts are embedded and once more later, and run to its end; the outputs must be the same bytes. Last, 100,000 times the
same record. Peak memory is what the kernel says of the finished process.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from embedsearch.documents.sentences import sentences

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "filtering.json"
AXES = ROOT / "corpus" / "axes.toml"
WHERE = 'predatoriness > p70 and near("hunting in packs") > 0.1 and year >= 1900'
_MOST_CHARACTERS = 160


def corpus_sentences() -> list[str]:
    found: dict[str, None] = {}
    for line in (ROOT / "corpus" / "articles.jsonl").read_text("utf-8").splitlines():
        text = json.loads(line)["text"]
        found.update({text[start:end].strip(): None for start, end in sentences(text)})
    return [sentence for sentence in found if 20 <= len(sentence) <= _MOST_CHARACTERS]


def write_records(file: Path, records: int, distinct: int) -> tuple[int, int]:
    """Write *records* of them; return how many sentences they are made of, and how many distinct texts there are."""
    known, draw = corpus_sentences(), random.Random(0)
    texts = dict.fromkeys(known)
    while len(texts) < distinct:
        texts[" ".join(draw.sample(known, 2))[:_MOST_CHARACTERS]] = None
    pool = list(texts)[:distinct]
    draw.shuffle(pool)
    used = set()
    with file.open("w", encoding="utf-8") as stream:
        for number in range(records):
            place = draw.randrange(len(pool))
            used.add(place)
            record = {"id": f"r{number}", "text": pool[place], "year": draw.randrange(1900, 2025)}
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
    return len(known), len(used)


def command(source: Path, output: Path, *more: str) -> list[str]:
    run = [sys.executable, "-c", "from embedsearch.cli import main; main()", "filter", str(source)]
    return [*run, *more, "--axes", str(AXES), "-o", str(output)]


def start(words: list[str], folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(words, cwd=folder, stderr=(folder / "stderr").open("ab"), stdout=subprocess.DEVNULL)


def finish(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process; return its peak memory in MB."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"filter left with {process.returncode}")
    return usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024)  # bytes there, KB elsewhere


def digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def measured_run(words: list[str], folder: Path) -> dict[str, float]:
    started = time.perf_counter()
    peak = finish(start(words, folder))
    return {"seconds": round(time.perf_counter() - started, 1), "peak_mb": round(peak, 1)}


def killed_run(source: Path, folder: Path, seconds: float) -> dict[str, object]:
    """Kill a run twice on the way, then let it end."""
    output = folder / "killed.jsonl"
    words = command(source, output, "--where", WHERE)
    moments = []
    for share in (0.35, 0.6):
        process = start(words, folder)
        time.sleep(share * seconds)
        was_running = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        part = folder / ".killed.jsonl.part"
        left = {"output_bytes": part / "output", "vectors_bytes": part / "vectors" / "vectors.db"}
        sizes = {what: file.stat().st_size if file.exists() else 0 for what, file in left.items()}
        moments.append({"after_seconds": round(share * seconds, 1), "was_running": was_running} | sizes)
    return {"killed": moments, "last_run": measured_run(words, folder), "sha256": digest(output)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--distinct", type=int, default=20_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        source, output = folder / "records.jsonl", folder / "whole.jsonl"
        known, distinct = write_records(source, given.records, given.distinct)
        load = os.getloadavg()[0]
        whole = measured_run(command(source, output, "--where", WHERE), folder)
        print(whole, flush=True)
        killed = killed_run(source, folder, whole["seconds"])
        print(killed, flush=True)
        same = folder / "same.jsonl"
        same.write_text('{"text": "A wolf hunts in packs."}\n' * 100_000, "utf-8")
        identical = measured_run(
            command(same, folder / "same-out.jsonl", "--where", 'near("hunting in packs") > 0.1'), folder
        )
        result = {
            "records": given.records,
            "sentences": known,
            "distinct_texts": distinct,
            "condition": WHERE,
            "whole": whole | {"records_per_second": round(given.records / whole["seconds"], 1)},
            "passed": sum(1 for _ in output.open("rb")),
            "killed": killed,
            "same_bytes": digest(output) == killed["sha256"],
            "identical_records": {"records": 100_000} | identical,
            "said": (folder / "stderr").read_text("utf-8").splitlines()[:6],
            "machine": {
                "processor": platform.processor() or platform.machine(),
                "cores": os.cpu_count(),
                "load_at_start": round(load, 1),
                "peak_of_this_script_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            },
        }
    given.results.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", "utf-8")
    print(json.dumps(result, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
