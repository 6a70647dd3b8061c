"""Maps of an index: on two axes, or by a layout."""

from __future__ import annotations

import html
import os
from collections import Counter
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

from embedsearch.errors import QueryError
from embedsearch.given import require_flags, require_kind, require_text
from embedsearch.index import Index
from embedsearch.maps.content import SHOWN, Content, Wanted, gather
from embedsearch.maps.layouts import Kind
from embedsearch.maps.writing import require_plotly, to_html
from embedsearch.whole import place_of, write_whole

_HEIGHT = 700  # pixels in a notebook


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """A map, and what it was made from.

    Attributes:
        content: what it shows, as numbers and texts.
        html: the page, complete in itself.
    """

    content: Content
    html: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page; an existing file is replaced when the new one is whole.

        Raises:
            QueryError: as for `check_file`.
            EmbedSearchError: the file cannot be written.
        """
        check_file(path)
        write_whole(path, self.html.encode())

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as a dict of JSON values."""
        content = self.content
        regions: Counter[str] = Counter()  # two may have the same name
        for region in content.clusters:
            regions[region.name] += region.count
        record: dict[str, Any] = {
            "axes": [axis.name for axis in content.axes],
            "shown": len(content.passages),
            "passages": content.of,
            "of": content.total,
            "clusters": dict(regions),
            "layout": content.layout.to_dict() if content.layout else None,
        }
        if content.categories is not None:
            record["categories"] = {entry.name: entry.count for entry in content.categories.entries}
        return record

    def __repr__(self) -> str:
        return f"Map({self.content.index!r}: {self.content.count})"

    def _repr_html_(self) -> str:
        """Show the map in a notebook, in a frame of its own that reaches nothing of the notebook."""
        return (
            f'<iframe title="Map" sandbox="allow-scripts allow-downloads" width="100%" height="{_HEIGHT}" '
            f'style="border: 1px solid #767676" srcdoc="{html.escape(self.html)}"></iframe>'
        )


def map_index(
    index: Index,
    x: str | None = None,
    y: str | None = None,
    *,
    layout: Kind | None = None,
    color: str | None = None,
    where: str | None = None,
    sample: int = SHOWN,
    seed: int | None = None,
    relayout: bool = False,
) -> Map:
    """Make an interactive map of an index, on two axes or by a layout of its vectors.

    A layout is computed once and kept in the index's folder; documents that are added later are placed in it.

    Args:
        index: an open index.
        x: the axis from left to right.
        y: the axis from bottom to top.
        layout: ``umap`` or ``pca``, instead of axes; UMAP if there are neither.
        color: a field of the documents that gives passages their colour.
        where: a condition that the passages must satisfy.
        sample: the most passages shown; if there are more, so many are drawn by lot, the same each time.
        seed: the seed of UMAP, 0 to 2³² - 1; a seed other than that of the layout that is kept makes it anew.
        relayout: make the layout anew.

    Raises:
        AxisError: an axis does not exist, or there are not two different ones.
        QueryError: there are both axes and a layout; the condition cannot be read, or nothing satisfies it; the field
            does not exist; or the seed is out of range.
        EmbedSearchError: plotly, or for UMAP umap-learn, is not installed.
    """
    require_plotly()
    axes = tuple(require_text("an axis", name) for name in (x, y) if name is not None)
    require_flags(relayout=relayout)
    require_kind("the seed", seed, (Integral, type(None)), "a whole number, or None")
    if layout is not None:
        require_text("the layout", layout)
    if axes and layout is not None:
        raise QueryError(f"a map has axes or a layout; both were given: {', '.join(axes)} and {layout}")
    if color is not None:
        require_text("the field for the colour", color)
    wanted = Wanted(axes, None if axes else layout or "umap", color, where, sample, seed, relayout)
    content = gather(index, wanted)
    return Map(content, to_html(content))


def check_file(path: str | os.PathLike[str]) -> None:
    """Check, before the work, whether a map can be written there.

    Raises:
        QueryError: its name does not end in ``.html`` or ``.htm``, the path is a folder, or its folder is missing or is
            an index.
    """
    file = Path(path)
    if file.suffix.lower() not in (".html", ".htm"):
        raise QueryError(f"a map is an HTML file; {file.name!r} should end in .html")
    place_of(file)
