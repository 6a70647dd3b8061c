"""How well `embedsearch duplicates` finds records that came from a second database, and how long it takes.

Run from the root of the project: python benchmarks/duplicates.py. Prints JSON and writes
benchmarks/results/duplicates.json; takes some minutes. There is no open set of duplicates that are known to be all, so
copies are made of real records, as another database would have spelled them (`respelled`), with two kinds of records
that only look like copies: follow-ups of the same authors under nearly the same title, and short notices called alike.
Beside it stands what else is done: titles compared without case and punctuation, DOIs or such titles, and the cosine
of one vector for each record (as semhash does, from .90 on if nothing else is said).
"""

from __future__ import annotations

import csv
import html
import json
import os
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from machine import machine

import embedsearch as es
from embedsearch.testing import HashEncoder

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("EMBEDSEARCH_DATA", ROOT.parent / "shared" / "data"))
RESULTS = ROOT / "benchmarks/results/duplicates.json"
RECORDS, COPIES, TRAPS = 3_000, 1_000, 300
SEED = 1  # the rules were made while looking at seed 0
GROWTH = (1_000, 10_000, 100_000)
NOTICES = ("Editorial", "Reply", "In this issue", "Letter to the editor", "Correction", "Book review", "Author's reply")
Pairs = list[tuple[str, str]]


def reviews() -> list[es.Document]:
    """Return records of the open reviews that have an abstract, each title once, with a DOI made up for most."""
    found: dict[str, es.Document] = {}
    for file in sorted((DATA / "screening").glob("*.csv")):
        with file.open(encoding="utf-8", errors="replace", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines)):
                fields = {name: row[name] for name in ("year", "authors") if row.get(name)}
                if len(row["abstract"].split()) >= 50 and len(row["title"].split()) >= 4:
                    one = es.Document(f"{file.stem}-{number}", row["abstract"], title=row["title"], metadata=fields)
                    found.setdefault(plain(one.title), one)
    return list(found.values())


def plain(title: str) -> str:
    """Return a title without case and punctuation."""
    return " ".join(re.findall(r"\w+", title.casefold()))


def with_doi(document: es.Document, number: int, form: str) -> es.Document:
    """Return a document with a made-up DOI."""
    return replace(document, metadata={**document.metadata, "doi": form.format(f"10.5555/J.{number}")})


def respelled(document: es.Document, lot: random.Random) -> es.Document:
    """Return a record as another database might have it."""
    title, text, fields = document.title, document.text, dict(document.metadata)
    title = lot.choice([str, str.upper, str.title, html.escape, lambda one: f"{one}.", lambda one: one.split(": ")[0],
                        lambda one: f"<i>{one.split(' ')[0]}</i> {' '.join(one.split(' ')[1:])}"])(title)  # fmt: skip
    words = text.split()
    drawn = lot.random()
    if drawn < 0.25:
        text = title
    elif drawn < 0.4:
        text = " ".join(words[: len(words) * 6 // 10]) + " (ABSTRACT TRUNCATED)"
    elif drawn < 0.7:
        text = f"{text} (C) 2010 Elsevier Ltd. All rights reserved."
    if drawn >= 0.25 and lot.random() < 0.3:
        sentences = text.split(". ")
        text = ". ".join(
            f"{label}{one}" for label, one in zip(["BACKGROUND: ", "METHODS: ", *[""] * 200], sentences, strict=False)
        )
    if lot.random() < 0.2:
        letters = list(text)
        for place in lot.sample(range(len(letters)), len(letters) // 100):
            letters[place] = lot.choice("abcdefghijklmnopqrstuvwxyz")
        text = "".join(letters)
    if "year" in fields and lot.random() < 0.1:
        fields["year"] = str(int(float(fields["year"])) + lot.choice((-1, 1)))
    if "authors" in fields:
        fields["authors"] = "; ".join(one.strip().split(" ")[0].strip(",") for one in fields["authors"].split(",")[:3])
    return replace(document, id=f"{document.id}/copy", title="" if text == title else title, text=text, metadata=fields)


def made() -> tuple[list[es.Document], dict[str, str]]:
    """Return records in a random order, and of each copy what it is a copy of."""
    lot = random.Random(SEED)
    records = lot.sample(reviews(), RECORDS)
    documents, copied = [], {}
    for number, record in enumerate(records):
        own = with_doi(record, number, "{}") if lot.random() < 0.7 else record
        documents.append(own)
        if number < COPIES:
            copy = respelled(record, lot)
            documents.append(with_doi(copy, number, "https://doi.org/{}") if lot.random() < 0.7 else copy)
            copied[copy.id] = record.id
        elif number < COPIES + TRAPS:
            other = records[number + TRAPS]
            documents.append(
                replace(record, id=f"{record.id}/follow-up", title=f"{record.title}: part 2", text=other.text)
            )
        elif number < COPIES + 2 * TRAPS and record.metadata:
            notice = lot.choice(NOTICES)
            documents.append(replace(record, id=f"{record.id}/notice", title="", text=notice))
    lot.shuffle(documents)
    return documents, copied


def by_key(documents: list[es.Document], keys: Callable[[es.Document], Iterator[str]]) -> Pairs:
    """Return each document with the first before it that has one of its keys."""
    first: dict[str, str] = {}
    pairs = []
    for document in documents:
        own = list(keys(document))
        known = next((first[key] for key in own if key in first), None)
        if known is not None:
            pairs.append((document.id, known))
        for key in own:
            first.setdefault(key, known or document.id)
    return pairs


def title_keys(document: es.Document) -> Iterator[str]:
    """Yield the title of a document; its text where it has none."""
    yield plain(document.title or document.text)


def title_and_doi_keys(document: es.Document) -> Iterator[str]:
    """Yield the DOI of a document, where it has one, and the title."""
    if "doi" in document.metadata:
        yield "doi " + document.metadata["doi"].casefold().removeprefix("https://doi.org/")
    yield from title_keys(document)


def by_cosine(documents: list[es.Document], vectors: np.ndarray, least: float) -> Pairs:
    """Return each document with the nearest of those before it that were kept, from a cosine on."""
    kept: list[int] = []
    pairs = []
    scores = vectors @ vectors.T
    for place, document in enumerate(documents):
        best = kept[int(scores[place, kept].argmax())] if kept else None
        if best is not None and scores[place, best] >= least:
            pairs.append((document.id, documents[best].id))
        else:
            kept.append(place)
    return pairs


def figures(pairs: Pairs, copied: dict[str, str]) -> dict[str, float]:
    """Return how many pairs are right, and how many copies are among them."""
    right = {frozenset(pair) for pair in copied.items()} & {frozenset(pair) for pair in pairs}
    precision, recall = len(right) / max(1, len(pairs)), len(right) / len(copied)
    return {"found": len(pairs), "right": len(right), "precision": precision, "recall": recall,
            "f1": 2 * precision * recall / max(1e-9, precision + recall)}  # fmt: skip


def quality() -> dict[str, dict[str, float]]:
    """Return the figures of each way."""
    documents, copied = made()
    with tempfile.TemporaryDirectory() as folder, es.Index.create(Path(folder) / "i", HashEncoder(8)) as index:
        index.add(documents)
        found = index.duplicates()
    encoder = es.load_encoder("all-MiniLM-L6-v2")
    vectors = encoder.encode([f"{one.title}\n{one.text}".strip()[:1000] for one in documents])
    cosines = {
        least: figures(by_cosine(documents, vectors, least), copied) for least in np.arange(0.8, 0.99, 0.01).round(2)
    }
    best = max(cosines, key=lambda least: cosines[least]["f1"])
    return {
        "embedsearch duplicates": figures([(one.id, one.kept) for one in found.sure], copied),
        "with --doubtful": figures([(one.id, one.kept) for one in found], copied),
        "titles": figures(by_key(documents, title_keys), copied),
        "DOIs or titles": figures(by_key(documents, title_and_doi_keys), copied),
        "cosine from .90 on": figures(by_cosine(documents, vectors, 0.9), copied),
        f"cosine from {best:.2f} on, the best in hindsight": cosines[best],
    }


def natural() -> dict[str, int]:
    """Return how many records of the open reviews, all taken together, are the same as another."""
    documents = {}
    for file in sorted((DATA / "screening").glob("*.csv")):
        with file.open(encoding="utf-8", errors="replace", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines)):
                fields = {name: row[name] for name in ("year", "authors", "pubmedID") if row.get(name)}
                id, text = f"{file.stem}-{number}", row["abstract"] or row["title"] or f"record {number}"
                documents[id] = es.Document(id, text, title=row["title"], metadata=fields)
    with tempfile.TemporaryDirectory() as folder, es.Index.create(Path(folder) / "i", HashEncoder(8)) as index:
        index.add(documents.values())
        found = index.duplicates()
    return {"records": len(documents), "sure": len(found.sure), "doubtful": len(found) - len(found.sure)}


def speed() -> dict[int, dict[str, float]]:
    """Return the seconds that indexes of several sizes take, their records put together from sentences of abstracts."""
    sentences = [one for record in reviews() for one in re.split(r"(?<=[.!?]) +", record.text)]
    found = {}
    for count in GROWTH:
        with tempfile.TemporaryDirectory() as folder, es.Index.create(Path(folder) / "i", HashEncoder(8)) as index:
            index.add(_mixed(number, sentences) for number in range(count))
            started = time.perf_counter()
            sure = len(index.duplicates().sure)
            seconds = time.perf_counter() - started
        found[count] = {
            "copies": count // 20,
            "found": sure,
            "seconds": seconds,
            "microseconds a record": 1e6 * seconds / count,
        }
    return found


def _mixed(number: int, sentences: list[str]) -> es.Document:
    """Return a record of eight sentences under a title of its own; every twentieth is a copy of the next."""
    lot = random.Random(number + (number % 20 == 0))
    text = [lot.choice(sentences) for _ in range(8)]
    return es.Document(str(number), " ".join(text), title=f"Study {lot.getrandbits(32)} of the {text[0][:60]}")


def main() -> None:
    """Measure, print and keep."""
    told = machine()
    result = {
        "records": RECORDS,
        "copies": COPIES,
        "looking alike": len(made()[0]) - RECORDS - COPIES,
        "quality": quality(),
        "in the reviews": natural(),
        "speed": speed(),
        "machine": told,
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
