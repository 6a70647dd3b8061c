"""A figure of one axis: how the passages are spread on it, where a threshold cuts, and how many pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.plots.frame import add_legend, draw_marks, label_marks, name_axis, settle, title_line
from embedsearch.plots.lettering import Lettering
from embedsearch.plots.scene import Mark, Scene
from embedsearch.plots.style import ACCENT, FAINT, LINES, QUIET, new_figure
from embedsearch.wording import count_of

PERCENTILES = (5, 25, 50, 75, 95)
_FEWEST, _MOST = 12, 80  # bins
_NEAR = 0.05  # of the width: nearer names would cover each other


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where passages are cut off.

    Attributes:
        at: in standard deviations.
        given: as it was asked for, such as ``p90``.
        passed: how many passages lie above it.
    """

    at: float
    given: str
    passed: int


def draw_histogram(
    scene: Scene, lettering: Lettering, size: tuple[float, float], threshold: Threshold | None
) -> tuple[Any, list[str], list[str]]:
    """Return the figure, the labels written, and those that found no room. Inside `styled`."""
    figure = new_figure(size)
    axes = figure.add_subplot()
    axes.set_title(_title(scene, threshold, lettering, size[0]), color=QUIET, pad=8)
    name_axis(axes, scene.axes[0], "x", lettering)
    axes.set_ylabel("passages")
    column = scene.population.coordinates[:, 0]
    cut = [threshold.at] if threshold is not None else []
    edges = bin_edges(column, [*(mark.at[0] for mark in scene.marks), *cut], edge=threshold.at if threshold else None)
    highest = _draw_bars(axes, column, edges, threshold)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, highest * (1.5 if scene.marks else 1.12))
    _draw_percentiles(axes, scene)
    if scene.categories is not None:
        add_legend(figure, scene.categories, _draw_outlines(axes, scene, edges), lettering)
    lines = []
    if threshold is not None:
        lines.append(np.array([(threshold.at, 0), (threshold.at, axes.get_ylim()[1])]))
        axes.axvline(threshold.at, color=ACCENT, linewidth=1.3, zorder=4, gid="threshold")
    marks = _nearest_first(scene, threshold)
    positions = np.array([(mark.at[0], 1.16 * highest) for mark in marks]).reshape(-1, 2)
    for at, height in positions:
        lines.append(np.array([(at, 0), (at, height)]))
        axes.plot([at, at], [0, height], color=QUIET, linewidth=0.5, zorder=3.5)
    draw_marks(axes, marks, positions, scene.categories)
    settle(figure)
    return figure, *label_marks(axes, marks, positions, lettering, lines=lines)


def _nearest_first(scene: Scene, threshold: Threshold | None) -> Sequence[Mark]:
    """Return the marks, those nearest to the threshold first, so that their labels can stand on its same side."""
    if threshold is None:
        return scene.marks
    return sorted(scene.marks, key=lambda mark: abs(mark.at[0] - threshold.at))


def _title(scene: Scene, threshold: Threshold | None, lettering: Lettering, width: float) -> str:
    line = title_line(scene, lettering, width)
    if threshold is None:
        return line
    count = len(scene.population)
    value = f"{threshold.at:.3g}" if threshold.given.startswith("p") else ""
    above = f"above {threshold.given}" + (f" ({value})" if value else "")
    share = threshold.passed / max(1, count)
    return f"{line}\n{above}: {threshold.passed:,} of {count_of(count, 'passage')} pass, {share:.1%}"


def bin_edges(
    column: NDArray[np.float64], more: Sequence[float] = (), *, edge: float | None = None
) -> NDArray[np.float64]:
    """Return the edges of bins of one width that hold all coordinates, and reach to some more.

    The width is that of Freedman and Diaconis, "On the histogram as a density estimator" (1981), within 12 to 80 bins.

    Args:
        column: coordinates, shape (n,).
        more: places that the bins must reach to.
        edge: where one bin must end and the next begin.
    """
    values = np.concatenate([column, more, [0.0]])
    low, high = float(values.min()), float(values.max())
    span = max(high - low, 1e-9)
    low, high = low - 0.02 * span, high + 0.02 * span
    quartiles = float(np.subtract(*np.quantile(column, [0.75, 0.25]))) if len(column) else 0.0
    width = 2 * quartiles / max(1, len(column)) ** (1 / 3)
    count = int(np.clip(np.ceil((high - low) / width), _FEWEST, _MOST)) if width > 0 else _FEWEST
    width = (high - low) / count
    if edge is None:
        return np.linspace(low, high, count + 1)
    before, behind = int(np.ceil((edge - low) / width)), int(np.ceil((high - edge) / width))
    return np.linspace(edge - before * width, edge + behind * width, before + behind + 1)


def _draw_bars(
    axes: Any, column: NDArray[np.float64], edges: NDArray[np.float64], threshold: Threshold | None
) -> float:
    """Draw the bars, those above the threshold on top in another colour; return the height of the highest."""
    passing = column > threshold.at if threshold is not None else np.zeros(len(column), dtype=bool)
    kept, _ = np.histogram(column[~passing], edges)
    passed, _ = np.histogram(column[passing], edges)
    axes.stairs(kept, edges, fill=True, color=FAINT, zorder=1, gid="bars")
    axes.stairs(kept + passed, edges, baseline=kept, fill=True, color=ACCENT, alpha=0.55, zorder=1, gid="bars-passed")
    return float(max(1, (kept + passed).max()))


def _draw_percentiles(axes: Any, scene: Scene) -> None:
    """Mark percentiles of the whole index at the top, those that are in view.

    The name of one that is near to the last stands a line lower.
    """
    left, right = axes.get_xlim()
    last, depth = -np.inf, 0
    for percent in PERCENTILES:
        at = scene.axes[0].scale.at_percentile(percent)
        if not left <= at <= right:  # its name would be drawn outside of the axes, however far away
            continue
        depth = depth + 1 if at - last < _NEAR * (right - left) else 0
        last = at
        axes.axvline(at, color=QUIET, linewidth=0.6, linestyle=(0, (1, 2)), zorder=2, gid=f"p{percent}")
        axes.annotate(
            f"p{percent}", (at, 1), (1.5, -2 - 8 * depth), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="top", fontsize=6.5, color=QUIET, zorder=2,
        )  # fmt: skip


def _draw_outlines(axes: Any, scene: Scene, edges: NDArray[np.float64]) -> list[Any]:
    """Draw the outline of each category's own histogram; return a handle for the legend for each."""
    assert scene.categories is not None
    handles = []
    for place, entry in enumerate(scene.categories.entries):
        counts, _ = np.histogram(scene.population.coordinates[scene.categories.members(place), 0], edges)
        style = LINES[place % len(LINES)]
        look = {"color": entry.color, "linestyle": style, "linewidth": 1.1}
        axes.stairs(counts, edges, baseline=None, zorder=2.5, gid=f"category-{place}", **look)
        handles.append(axes.plot([], [], **look)[0])
    return handles
