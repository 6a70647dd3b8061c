"""Drawing the recall curves of a simulation."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from embedsearch.plots.files import check_file, save
from embedsearch.plots.style import ACCENT, COLORS, FAINT, QUIET, new_figure, styled
from embedsearch.screening.metrics import recall_at, recall_curve
from embedsearch.screening.simulation import Simulation


def plot_recall(simulation: Simulation, path: str | os.PathLike[str], *, title: str = "") -> None:
    """Draw recall against the share of records read: each repeat thin, their mean thick, and where the rule stops.

    Args:
        simulation: the simulation; the curves leave its priors out.
        path: the file to write, PNG, SVG or PDF; the same simulation gives the same bytes.
        title: a title above the picture.

    Raises:
        QueryError: the suffix is none of these, the path is a folder, its folder is missing or is an index.
        EmbedSearchError: the drawing library is not installed, or the disk is full or read-only; a file that was there
            is unchanged.
    """
    check_file(path)
    with styled():
        figure = new_figure()
        _draw(figure.add_subplot(), simulation, title)
    save(figure, path)


def _draw(axes: Any, simulation: Simulation, title: str) -> None:
    grid = np.linspace(0, 1, 501)
    for replay in simulation.replays:
        read = 100 * np.arange(len(replay.found) + 1) / len(replay.found)
        recall = 100 * np.concatenate(([0.0], recall_curve(replay.found)))
        axes.plot(read, recall, color=COLORS[0], alpha=0.25, linewidth=0.8, drawstyle="steps-post")
    mean = np.mean([recall_at(replay.found, grid) for replay in simulation.replays], axis=0)
    axes.plot(100 * grid, 100 * mean, color=COLORS[0], linewidth=2, label="mean of repeats")
    axes.plot([0, 100], [0, 100], color=QUIET, linestyle=":", label="random order")
    _mark_stops(axes, simulation)
    axes.set(xlabel="records read, %", ylabel="relevant records found, %", xlim=(0, 100), ylim=(0, 103), title=title)
    axes.grid(color=FAINT)
    axes.legend(loc="lower right")


def _mark_stops(axes: Any, simulation: Simulation) -> None:
    rule = simulation.settings.rule
    axes.axhline(100 * rule.recall, color=ACCENT, linewidth=0.8, label=f"target, {rule.recall:.0%}")
    stops = [100 * (1 - replay.saved_at_stop) for replay in simulation.replays]
    reached = [100 * replay.recall_at_stop for replay in simulation.replays]
    axes.plot(stops, reached, "v", color=ACCENT, markersize=6, linestyle="none", label="the rule stops")
