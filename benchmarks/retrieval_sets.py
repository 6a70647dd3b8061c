"""Cranfield and CISI: documents, queries and judgements, read from their published files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embedsearch import Document


@dataclass(frozen=True, slots=True)
class Collection:
    """A test collection.

    Attributes:
        name: what it is called in the table.
        documents: those that have a text.
        queries: texts by query id; only queries with at least one relevant document.
        relevant: by query id, the ids of the relevant documents.
    """

    name: str
    documents: list[Document]
    queries: dict[str, str]
    relevant: dict[str, set[str]]


def _collection(
    name: str, documents: Iterator[tuple[str, str, str]], queries: dict[str, str], relevant: dict[str, set[str]]
) -> Collection:
    kept = [Document(id, text, title=title) for id, title, text in documents if text]
    return Collection(name, kept, {id: queries[id] for id in queries if id in relevant}, relevant)


def cranfield(folder: Path) -> Collection:
    """Return Cranfield: 1,400 abstracts on aerodynamics, 225 queries; any grade above 0 is relevant."""
    source = (folder / "cran.all.1400.xml").read_text("utf-8")
    documents = (
        (_tag(block, "docno"), _tag(block, "title"), _tag(block, "text"))
        for block in re.findall(r"<doc>(.*?)</doc>", source, re.DOTALL)
    )
    topics = re.findall(r"<top>(.*?)</top>", (folder / "cran.qry.xml").read_text("utf-8"), re.DOTALL)
    # The judgements count the queries from 1 in the order of the file, whatever numbers stand in it.
    queries = {str(number): _tag(topic, "title") for number, topic in enumerate(topics, 1)}
    relevant: dict[str, set[str]] = {}
    for line in (folder / "cranqrel.trec.txt").read_text("utf-8").splitlines():
        query, _, document, grade = line.split()
        if int(grade) > 0:
            relevant.setdefault(query, set()).add(document)
    return _collection("Cranfield", documents, queries, relevant)


def _tag(block: str, name: str) -> str:
    found = re.search(rf"<{name}>(.*?)</{name}>", block, re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def cisi(folder: Path) -> Collection:
    """Return CISI: 1,460 abstracts on information science, 76 judged queries."""
    documents = ((id, parts.get("T", ""), parts.get("W", "")) for id, parts in _smart(folder / "CISI.ALL"))
    queries = {id: f"{parts.get('T', '')} {parts['W']}".strip() for id, parts in _smart(folder / "CISI.QRY")}
    relevant: dict[str, set[str]] = {}
    for line in (folder / "CISI.REL").read_text("utf-8").splitlines():
        if fields := line.split():
            relevant.setdefault(fields[0], set()).add(fields[1])
    return _collection("CISI", documents, queries, relevant)


def _smart(file: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the id and the fields of each record of a file in SMART's format (``.I 1``, ``.T`` and so on)."""
    for record in re.split(r"^\.I ", file.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        id, _, rest = record.partition("\n")
        pieces = re.split(r"^\.([A-Z])\s*\n", rest, flags=re.MULTILINE)
        names, texts = pieces[1::2], pieces[2::2]
        yield id.strip(), {name: " ".join(text.split()) for name, text in zip(names, texts, strict=True)}
