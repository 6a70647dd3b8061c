"""The vectors that benchmarks/index.py runs on: texts of published abstracts, and beyond these means of two texts.

The texts are the sentences of the open sets and, so that there are 100,000, windows of two sentences.
"""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from embedsearch.documents.sentences import sentences
from embedsearch.vectors import unit

DATA = Path(os.environ.get("EMBEDSEARCH_DATA", Path(__file__).parents[2] / "shared" / "data"))
SCREENING = ("nudging", "ProtonPumpInhibitors", "Kitchenham_2010", "ADHD", "Triptans", "NSAIDS")
QUERIES = 1000
WINDOWS = 30_000
_NOISE = 0.01  # a coordinate, before the mean is scaled to length 1: no two rows are equal
_SPAN = 12  # texts of one abstract that are put into pairs


def abstracts() -> Iterator[str]:
    """Yield the titles and abstracts of the open sets, one text each; the sentences of STS-B too."""
    for name in SCREENING:
        with open(DATA / "screening" / f"{name}.csv", encoding="utf-8-sig", newline="") as stream:
            for record in csv.DictReader(stream):
                yield f"{record.get('title') or ''}\n\n{record.get('abstract') or ''}"
    cranfield = (DATA / "cranfield" / "cran.all.1400.xml").read_text(encoding="utf-8", errors="replace")
    yield from re.findall(r"<text>(.*?)</text>", cranfield, re.DOTALL)
    cisi = (DATA / "cisi" / "CISI.ALL").read_text(encoding="latin-1")
    yield from re.findall(r"^\.W\n(.*?)^\.X", cisi, re.DOTALL | re.MULTILINE)
    with open(DATA / "stsb" / "sts-dev.csv", encoding="utf-8") as stream:
        for line in stream:
            yield "\n\n".join(line.rstrip("\n").split("\t")[5:7])


def texts() -> tuple[list[str], list[int]]:
    """Return texts, each once, in order, and for each the number of the abstract that it is from.

    They are all sentences of at least four words, then 30,000 windows of two sentences, spread over the sets.
    """
    found: dict[str, int] = {}
    for number, text in enumerate(abstracts()):
        for start, end in sentences(text):
            sentence = " ".join(text[start:end].split())
            if len(sentence.split()) >= 4:
                found.setdefault(sentence, number)
    single = list(found.items())
    pairs = [(f"{one} {two}", number) for (one, number), (two, same) in pairwise(single) if number == same]
    for place in np.linspace(0, len(pairs) - 1, WINDOWS).astype(int):
        found.setdefault(*pairs[place])
    return list(found), list(found.values())


def text_vectors(cache: Path) -> Any:
    """Return the unit vectors of `texts`, shape (n, d); embedded once, then read from *cache*."""
    if not cache.exists():
        import embedsearch as es

        own, _ = texts()
        print(f"embedding {len(own):,} texts once; {cache} keeps the vectors", file=sys.stderr)
        encoder = es.load_encoder("all-MiniLM-L6-v2")
        np.save(cache, np.concatenate([encoder.encode(own[start : start + 512]) for start in range(0, len(own), 512)]))
    return np.load(cache)


def vectors(count: int, cache: Path) -> tuple[Any, Any, str]:
    """Return the rows of an index, shape (count, d), queries, shape (1000, d), and what the rows are.

    The queries are texts that are not among the rows. As far as there are enough, the rows are texts; for more,
    all of them and then scaled means of two texts of one abstract, with a little noise: about where a passage with
    both lies. The noise has length .2 where the mean before scaling has about .8.
    """
    own = text_vectors(cache)
    random = np.random.default_rng(0)
    order = random.permutation(len(own))
    queries, rest = own[order[:QUERIES]], np.sort(order[QUERIES:])
    if count <= len(rest):
        return own[random.permutation(rest)[:count]], queries, "texts of abstracts"
    made = _pairs(own, rest, count - len(rest), random)
    rows = np.concatenate([own[rest], made])
    random.shuffle(rows)
    kinds = f"{len(rest):,} texts of abstracts and {len(made):,} scaled means of two texts of one abstract with noise"
    return rows, queries, kinds


def _pairs(own: Any, rest: Any, count: int, random: np.random.Generator) -> Any:
    """Return *count* scaled means of two texts that are from one abstract and not among the queries."""
    numbers = np.array(texts()[1])[rest]
    first, second = [], []
    for step in range(1, _SPAN):
        same = np.flatnonzero(numbers[:-step] == numbers[step:])
        first.append(rest[same])
        second.append(rest[same + step])
    left, right = np.concatenate(first), np.concatenate(second)
    chosen = random.permutation(len(left))[: min(count, len(left))]
    # Where there are too few pairs they are taken again, with other weights.
    chosen = np.concatenate([chosen, random.integers(0, len(left), count - len(chosen))])
    made = np.empty((count, own.shape[1]), dtype=np.float32)
    for start in range(0, count, 50_000):
        part = chosen[start : start + 50_000]
        weight = random.uniform(0.3, 0.7, (len(part), 1))
        mean = weight * own[left[part]] + (1 - weight) * own[right[part]]
        made[start : start + 50_000] = unit(mean + _NOISE * random.standard_normal(mean.shape))
    return made
