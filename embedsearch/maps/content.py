"""What a map shows, as numbers and texts: taken from an index before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes import ScaledAxis
from embedsearch.errors import AxisError, QueryError
from embedsearch.index import Index, require_index
from embedsearch.index.arguments import require_count
from embedsearch.maps.clusters import Cluster, find_clusters
from embedsearch.maps.fitting import Points
from embedsearch.maps.layouts import Ground, Kind, LayoutReport, lay_out, read_ground
from embedsearch.plots.categories import Categories
from embedsearch.store import StoredPassage
from embedsearch.wording import count_of

SHOWN = 20_000  # passages: a browser draws and searches so many without a pause
_LONGEST = 300  # characters of a text
_LONGEST_TITLE = 120
_READ_AT_ONCE = 2_000  # passages; a document may be long


@dataclass(frozen=True, slots=True)
class Shown:
    """A passage on a map; texts are cut."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a map is to show.

    Attributes:
        axes: two names; empty if there is a layout.
        layout: ``umap`` or ``pca``; None if there are axes.
        color: a field that tells passages apart.
        where: a condition that the passages must satisfy.
        sample: the most passages shown.
        seed: the seed of the layout.
        anew: whether to make the layout anew.
    """

    axes: tuple[str, ...] = ()
    layout: Kind | None = None
    color: str | None = None
    where: str | None = None
    sample: int = SHOWN
    seed: int | None = None
    anew: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What a map shows.

    Attributes:
        index: the name of the index's folder.
        encoder: the name of the encoder.
        total: how many passages the index has.
        of: how many of them satisfy the condition.
        axes: two, or none.
        points: shape (n, 2).
        passages: the n passages.
        categories: the categories of the passages, if a field was named.
        clusters: regions with names, if there is a layout.
        layout: how the layout was made, if there is one.
        where: the condition.
        notes: what a user should know.
    """

    index: str
    encoder: str
    total: int
    of: int
    axes: tuple[ScaledAxis, ...]
    points: Points
    passages: tuple[Shown, ...]
    categories: Categories | None
    clusters: tuple[Cluster, ...]
    layout: LayoutReport | None
    where: str | None
    notes: tuple[str, ...]

    @property
    def count(self) -> str:
        """How many passages are shown, of how many, as a text for people."""
        shown = len(self.passages)
        drawn = f"{shown:,} of {count_of(self.of, 'passage')} shown" if shown < self.of else count_of(shown, "passage")
        if self.where is None:
            return drawn
        among = "" if shown < self.of else f" of {self.total:,}"
        return f"{drawn}{among} where {self.where}"


def gather(index: Index, wanted: Wanted) -> Content:
    """Return what a map of an index shows.

    Raises:
        AxisError: an axis does not exist, or there are not two different ones.
        QueryError: the condition cannot be read, no passage satisfies it, or no document has the field.
        EmbedSearchError: as for `read_ground` and `lay_out`.
    """
    if wanted.layout is None and len(set(wanted.axes)) != 2:
        raise AxisError(f"a map has two different axes, or a layout; given are {', '.join(wanted.axes) or 'none'}")
    require_count(wanted.sample, "sample")
    with require_index(index).reading():
        content, ground = _see(index, wanted)
    if ground is None:
        return content
    layout = lay_out(ground)
    clusters = tuple(find_clusters(layout.points, [f"{one.title}. {one.text}" for one in content.passages]))
    return replace(content, points=layout.points, clusters=clusters, layout=layout.report, notes=layout.notes)


def _see(index: Index, wanted: Wanted) -> tuple[Content, Ground | None]:
    """Take from one state of an index what a map shows, and, where it is to be laid out, what that is made from."""
    draw = index.draw(wanted.sample, where=wanted.where)
    if not len(draw):
        raise QueryError("no passage satisfies the condition" if wanted.where else "the index is empty")
    axes: tuple[ScaledAxis, ...] = ()
    points: Points = np.empty((0, 2), np.float32)
    ground = None
    if wanted.layout is None:
        population = index.population(wanted.axes, drawn=draw.rows)
        axes, points = tuple(population.axes), population.coordinates.astype(np.float32)
    else:
        ground = read_ground(index, draw, wanted.layout, seed=wanted.seed, anew=wanted.anew)
    color = wanted.color
    content = Content(
        index=index.path.name, encoder=index.axes.encoder_name, total=len(index), of=draw.of, axes=axes, points=points,
        passages=tuple(map(_shown, _read(index, draw.rows))),
        categories=None if color is None else Categories.of(color, index.field_of_passages(color, draw.rows)),
        clusters=(), layout=None, where=wanted.where, notes=(),
    )  # fmt: skip
    return content, ground


def _read(index: Index, rows: NDArray[np.int64]) -> Iterator[StoredPassage]:
    for start in range(0, len(rows), _READ_AT_ONCE):
        yield from index.passages(rows[start : start + _READ_AT_ONCE])


def _shown(passage: StoredPassage) -> Shown:
    title = f"{passage.title} #{passage.position}" if passage.title and passage.position else passage.title
    return Shown(passage.id, _cut(title, _LONGEST_TITLE), _cut(passage.text, _LONGEST))


def _cut(text: str, longest: int) -> str:
    line = " ".join(text[: 4 * longest].split())
    return line if len(line) <= longest and len(text) <= 4 * longest else line[: longest - 1].rstrip() + "…"
