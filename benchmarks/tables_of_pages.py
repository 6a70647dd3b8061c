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
        "## The page (`explorer.py`)\n\nChromium with software rendering, a new profile each time. Seconds from asking "
        "for the address to the points being there, to the page being ready to be used, and to the points again once "
        f"the server has measured them; medians. Of a million, 20,000 are drawn. Machine: {found['machine']}.\n\n"
        "| passages | first view, s | ready, s | again, s |\n| --- | --- | --- | --- |\n"
        + "\n".join(lines)
        + f"\n\nFrom a query to its hits being listed and ringed, on the demo's index with the encoder warm: "
        f"{query['median_ms']} ms in the middle of {query['queries']}, {query['slowest_ms']} at most.\n"
    )
