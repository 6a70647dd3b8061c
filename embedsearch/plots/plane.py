"""A figure of two axes: the index as a quiet background, labelled points, the arrows of a sum, curves of groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.plots.categories import Categories
from embedsearch.plots.frame import add_legend, draw_marks, label_marks, name_axis, settle, title_line
from embedsearch.plots.labels import Label
from embedsearch.plots.lettering import Lettering
from embedsearch.plots.scene import Arrow, Scene
from embedsearch.plots.style import ACCENT, FAINT, QUIET, edge_of, new_figure

DRAWN_ONE_BY_ONE = 20_000  # passages; more become a density
IN_COLOR = 8_000  # of those that are a density, how many are drawn above it where categories are told apart
_SLICES = 25
_CELLS = (240, 180)
_ROOM = 0.07  # of the span, left free beyond the outermost point


def draw_plane(scene: Scene, lettering: Lettering, size: tuple[float, float]) -> tuple[Any, list[str], list[str]]:
    """Return the figure, the labels written, and those that found no room. Inside `styled`."""
    figure = new_figure(size)
    axes = figure.add_subplot()
    axes.set_title(title_line(scene, lettering, size[0]), color=QUIET, pad=8)
    for which, axis in zip("xy", scene.axes, strict=True):
        name_axis(axes, axis, which, lettering)
    positions = np.array([mark.at for mark in scene.marks], dtype=np.float64).reshape(-1, 2)
    _set_limits(axes, scene, positions)
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0.5)
    axes.axvline(0, color=FAINT, linewidth=0.6, zorder=0.5)
    handles = _draw_background(axes, scene)
    if scene.categories is not None:
        add_legend(figure, scene.categories, handles, lettering)
    for place, curve in enumerate(scene.curves):
        axes.plot(*curve.T, color=QUIET, linewidth=1.3, zorder=3, gid=f"curve-{place}")
    _draw_arrows(axes, scene)
    draw_marks(axes, scene.marks, positions, scene.categories)
    settle(figure)
    lines = [*scene.curves, *(np.array([arrow.start, arrow.end]) for arrow in scene.arrows)]
    more = _arrow_labels(scene.arrows, lettering)
    return figure, *label_marks(axes, scene.marks, positions, lettering, more=more, lines=lines)


def _set_limits(axes: Any, scene: Scene, positions: NDArray[np.float64]) -> None:
    """Make room for everything that is drawn, and the mean of the index."""
    corners = [scene.population.coordinates, positions, np.zeros((1, 2)), *scene.curves]
    corners += [np.array([arrow.end]) for arrow in scene.arrows]
    low = np.min([part.min(axis=0) for part in corners if len(part)], axis=0)
    high = np.max([part.max(axis=0) for part in corners if len(part)], axis=0)
    room = np.maximum(high - low, 1.0) * _ROOM
    axes.set_xlim(low[0] - room[0], high[0] + room[0])
    axes.set_ylim(low[1] - room[1], high[1] + room[1])


def _draw_background(axes: Any, scene: Scene) -> list[Any]:
    """Draw the passages; return a handle for the legend for each category."""
    coordinates = scene.population.coordinates
    if len(coordinates) > DRAWN_ONE_BY_ONE:
        _draw_density(axes, coordinates)
    elif scene.categories is None:
        _draw_points(axes, coordinates, QUIET, "o", _point_size(len(coordinates))).set_gid("passages")
    return [] if scene.categories is None else _draw_categories(axes, scene, scene.categories)


def drawn_in_color(count: int) -> NDArray[np.intp]:
    """Return which of so many passages are drawn in colour, and in what order: the same for the same number."""
    most = count if count <= DRAWN_ONE_BY_ONE else IN_COLOR
    return np.random.default_rng(0).permutation(count)[:most]


def _draw_categories(axes: Any, scene: Scene, categories: Categories) -> list[Any]:
    """Draw each passage in its colour and marker; return a handle for the legend for each category.

    They are drawn in slices of passages drawn by lot, so that no category hides the others where they are dense.
    """
    order = drawn_in_color(len(scene.population))
    size = _point_size(len(order))
    for slice_ in np.array_split(order, _SLICES):
        for place, entry in enumerate(categories.entries):
            own = slice_[categories.places[slice_] == place]
            if len(own):
                drawn = _draw_points(axes, scene.population.coordinates[own], entry.color, entry.marker, size)
                drawn.set_gid(f"category-{place}")
    handles = []
    for entry in categories.entries:
        look = {"marker": entry.marker, "color": entry.color, "markersize": 5, "markeredgewidth": 0.4}
        handles.append(axes.plot([], [], linestyle="none", markeredgecolor=edge_of(entry.color), **look)[0])
    return handles


def _draw_points(axes: Any, coordinates: NDArray[np.float64], color: str, marker: str, size: float) -> Any:
    """Draw points as one picture inside the figure, so that an SVG or PDF stays small; return matplotlib's line."""
    return axes.plot(
        *coordinates.T, marker, color=color, alpha=0.3 if marker == "o" and color == QUIET else 0.6,
        markersize=size if marker == "o" else 1.25 * size, markeredgewidth=0.5 if marker == "x" else 0.25,
        markeredgecolor=edge_of(color), rasterized=True, zorder=1,
    )[0]  # fmt: skip


def _point_size(count: int) -> float:
    """Return how wide a point is, in points, the smaller the more there are."""
    return float(np.clip(72 / np.sqrt(max(1, count)), 1.4, 3.0))


def _draw_density(axes: Any, coordinates: NDArray[np.float64]) -> None:
    """Draw how many passages lie where as shades of grey, by the logarithm, nothing where there is none."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    ends = ((left, right), (bottom, top))
    counts = np.histogram2d(coordinates[:, 0], coordinates[:, 1], bins=_CELLS, range=ends)[0]
    shades = np.log1p(counts.T) / np.log1p(max(1.0, counts.max()))
    picture = np.zeros((*shades.shape, 4), dtype=np.uint8)
    picture[..., 3] = np.where(counts.T > 0, 255 * (0.08 + 0.42 * shades), 0)
    axes.imshow(
        picture, extent=(left, right, bottom, top), origin="lower", aspect="auto", interpolation="nearest",
        zorder=0.8, gid="density",
    )  # fmt: skip


def _draw_arrows(axes: Any, scene: Scene) -> None:
    """Draw the terms of a sum head to tail, and a faint line from the mean to where each term itself lies."""
    for mark in scene.marks:
        if mark.role == "term":
            axes.plot([0, mark.at[0]], [0, mark.at[1]], color=ACCENT, linewidth=0.7, linestyle=(0, (2, 2)), zorder=3.5)
    marked = {mark.at: 6.0 if mark.role == "sum" else 3.5 for mark in scene.marks if mark.role in ("sum", "term")}
    for place, arrow in enumerate(scene.arrows):
        # An arrow begins and ends at the rim of a mark that is there, so that its head is seen.
        look = {"arrowstyle": "-|>", "color": ACCENT, "linewidth": 1.3, "mutation_scale": 9}
        look |= {"shrinkA": marked.get(arrow.start, 0), "shrinkB": marked.get(arrow.end, 0)}
        drawn = axes.annotate("", arrow.end, arrow.start, arrowprops=look, annotation_clip=False, zorder=4)
        drawn.set_gid(f"arrow-{place}")


def _arrow_labels(arrows: Sequence[Arrow], lettering: Lettering) -> list[Label]:
    """Return a label at the middle of each arrow but one that ends where its own term is labelled."""
    return [
        Label(
            lettering.text(arrow.text),
            ((arrow.start[0] + arrow.end[0]) / 2, (arrow.start[1] + arrow.end[1]) / 2),
            color=ACCENT,
        )
        for place, arrow in enumerate(arrows)
        if place or arrow.text.startswith("−") or "·" in arrow.text
    ]
