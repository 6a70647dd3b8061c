"""The table of the explorer's page; `write_tables.py` has the others."""

from __future__ import annotations

from typing import Any


def explorer(found: dict[str, Any]) -> str:
    """Return how soon the page shows an index, and how soon it answers."""
    lines = [
        f"| {int(passages):,} | {one['first']} | {one['ready']} | {one['again']} |"
        for passages, one in found["views"].items()
    ]
    query = found["query"]
    return (
        "## The page (`explorer.py`)\n\nChromium with software rendering, a new profile each time; medians of seconds "
        "after the address is asked for. Of a million passages, 20,000 are drawn. "
        f"Machine: {found['machine']}.\n\n"
        "- *first view*: the points are there.\n- *ready*: the page can be used.\n"
        "- *again*: the points are there, once the server has measured them before.\n\n"
        "| passages | first view, s | ready, s | again, s |\n| --- | --- | --- | --- |\n"
        + "\n".join(lines)
        + "\n\nFrom a query until its hits are listed and ringed, on the demo's index with the encoder warm: "
        f"{query['median_ms']} ms is the median of {query['queries']} queries, {query['slowest_ms']} ms the most.\n"
    )
