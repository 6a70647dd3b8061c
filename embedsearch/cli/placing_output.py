"""Printing what lies where, where documents lie, and what axes leave out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.output import note, table, write, write_results

if TYPE_CHECKING:
    from embedsearch import Hits
    from embedsearch.index.evidence import DocumentPlace
    from embedsearch.index.remaining import Remainder


def print_documents(places: Sequence[DocumentPlace], format: str) -> None:
    """Print where documents lie by their passages, and the sentences that carry them."""
    if format != "table":
        write((place.to_dict() for place in places), format)
        return
    rows = [
        [place.document, place.axis, place.mean, place.maximum, f"{place.above:.0%} of {place.passages}", place.passage]
        for place in places
    ]
    table(["document", "axis", "mean", "maximum", "above", "highest passage"], rows, wide="highest passage")
    for place in places:
        if place.rated is not None:
            note(f"{place.document} was rated on {place.axis} and stands at {place.rated:.3f}; above it is as measured")
        if place.sentences:
            click.echo()
            rows = [[f"{part.share:+.3f}", part.text] for part in place.sentences]
            said = f"sentence of {place.document} on {place.axis}"
            table(["share", said], rows, wide=said)


def print_remainders(remainders: Sequence[Remainder], format: str) -> None:
    """Print how much of the meaning of phrases the axes hold."""
    if format != "table":
        write((part.to_dict() for part in remainders), format)
        return
    rows = [
        [part.text, f"{part.share:.1%}", f"{part.population:.1%}", "; ".join(part.nearest), "; ".join(part.whole)]
        for part in remainders
    ]
    columns = ["text", "held", "of the index", "nearest on the axes alone", "nearest in all"]
    table(columns, rows, wide="nearest in all")


def print_hits(hits: Hits, format: str) -> None:
    """Print what lies at a point with its distance and coordinates, or what is near a vector with its score."""
    if format != "table":
        write_results(hits, format)
    elif hits:
        measure = "score" if hits[0].distance is None else "distance"
        numbers = [[getattr(hit, measure), *hit.coordinates.values()] for hit in hits]
        print_passages([measure, *hits[0].coordinates], numbers, hits, [titled(hit.title, hit.text) for hit in hits])


def print_passages(names: Sequence[str], numbers: Sequence[Sequence[Any]], hits: Hits, texts: Sequence[Any]) -> None:
    """Print ranks, numbers and passages, each with the line below that says where it is from."""
    rows: list[list[Any]] = []
    for hit, values, text in zip(hits, numbers, texts, strict=True):
        rows.append([hit.rank, *values, text])
        rows.append([None] * (len(names) + 1) + [f"{hit.id}  {hit.source} [{hit.start}:{hit.end}]"])
    table(["#", *names, "passage"], rows, wide="passage")


def titled(title: str, text: str) -> str:
    """Return a passage with its document's title before it."""
    return f"{title} | {text}" if title else text
