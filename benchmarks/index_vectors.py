"""The vectors that benchmarks/index.py runs on: texts out of published abstracts, all of them embedded.

The texts are the sentences of the open sets and, so that there are 100,000, windows of two sentences; so that there are
1,000,000, any two sentences of one abstract together, windows of three, and pieces of ten words.
"""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Iterator
from itertools import chain, combinations, groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from embedsearch.documents.sentences import sentences

DATA = Path(os.environ.get("EMBEDSEARCH_DATA", Path(__file__).parents[2] / "shared" / "data"))
SCREENING = ("nudging", "ProtonPumpInhibitors", "Kitchenham_2010", "ADHD", "Triptans", "NSAIDS")
QUERIES, PHRASES = 1000, 300
WINDOWS = 30_000
_PIECE, _STRIDE = 10, 2  # words
_AT_ONCE = 50_000  # texts that are embedded together


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


def texts(count: int = 0) -> list[str]:
    """Return texts, each once, in an order that does not depend on *count*: as many, or more if those are as cheap.

    They are all sentences of at least four words, then 30,000 windows of two sentences, spread over the sets; where
    more are wanted, all pairs of sentences of one abstract, windows of three, and pieces of ten words.
    """
    found: dict[str, int] = {}
    for number, text in enumerate(abstracts()):
        for start, end in sentences(text):
            sentence = " ".join(text[start:end].split())
            if len(sentence.split()) >= 4:
                found.setdefault(sentence, number)
    single = list(found.items())
    pairs = [f"{one} {two}" for (one, number), (two, same) in pairwise(single) if number == same]
    spread = np.linspace(0, len(pairs) - 1, WINDOWS).astype(int).tolist()
    wanted = dict.fromkeys(found) | dict.fromkeys(pairs[place] for place in spread)
    if count > len(wanted):
        whole = [[sentence for sentence, _ in own] for _, own in groupby(single, key=lambda one: one[1])]
        wanted |= dict.fromkeys(" ".join(pair) for own in whole for pair in combinations(own, 2))
        wanted |= dict.fromkeys(" ".join(three) for own in whole for three in zip(own, own[1:], own[2:], strict=False))
        pieces = [piece for piece in dict.fromkeys(chain.from_iterable(map(_pieces, found))) if piece not in wanted]
        order = np.random.default_rng(0).permutation(len(pieces)).tolist()
        wanted |= dict.fromkeys(pieces[place] for place in order[: max(0, count - len(wanted))])
    return list(wanted)


def _pieces(sentence: str) -> Iterator[str]:
    words = sentence.split()
    for start in range(0, len(words) - _PIECE, _STRIDE):
        yield " ".join(words[start : start + _PIECE])


def phrases() -> dict[str, list[str]]:
    """Return questions that are shorter than any row, 300 of each kind, spread over what they are taken from.

    ``short`` are the first three words of titles, ``foreign`` phrases about predation, of which the abstracts know
    hardly anything.
    """
    titles = [words[:3] for text in abstracts() if len(words := text.partition("\n\n")[0].split()) > 6]
    with open(Path(__file__).parents[1] / "corpus" / "phrases.csv", encoding="utf-8", newline="") as stream:
        kinds = {
            "short": [" ".join(words) for words in titles],
            "foreign": [record["text"] for record in csv.DictReader(stream)],
        }
    return {
        kind: [texts[place] for place in np.linspace(0, len(texts) - 1, PHRASES).astype(int)]
        for kind, texts in kinds.items()
    }


def text_vectors(count: int, cache: Path) -> Any:
    """Return the unit vectors of `texts`, shape (n, d); embedded once, then read from *cache*."""
    known = np.load(cache, mmap_mode="r") if cache.exists() else None
    own = texts(count)
    if known is None or len(known) < len(own):
        import embedsearch as es

        missing = own if known is None else own[len(known) :]
        print(f"embedding {len(missing):,} texts once; {cache} keeps the vectors", file=sys.stderr)
        encoder = es.load_encoder("all-MiniLM-L6-v2")
        parts = [] if known is None else [np.array(known)]
        parts += [encoder.encode(missing[start : start + _AT_ONCE]) for start in range(0, len(missing), _AT_ONCE)]
        known = np.concatenate(parts)
        np.save(cache, known)
    return known[: len(own)]


def vectors(count: int, cache: Path) -> tuple[Any, Any, str]:
    """Return the rows of an index, shape (count, d), queries, shape (1000, d), and what the rows are.

    The queries are texts that are not among the rows.
    """
    own = text_vectors(count + QUERIES, cache)
    order = np.random.default_rng(0).permutation(len(own))
    if len(order) < count + QUERIES:
        raise SystemExit(f"there are {len(own):,} texts, too few for {count:,} rows and {QUERIES:,} queries")
    return own[order[QUERIES : count + QUERIES]], own[order[:QUERIES]], f"{count:,} texts out of abstracts"
