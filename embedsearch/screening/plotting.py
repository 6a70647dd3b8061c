"""The recall curves of a simulation, drawn."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from embedsearch.errors import QueryError
from embedsearch.screening.metrics import recall_curve
from embedsearch.screening.simulation import Simulation
from embedsearch.whole import place_of, write_whole

FORMATS = (".png", ".svg", ".pdf")


def check_plot(path: str | os.PathLike[str]) -> None:
    """Find out before the work whether a plot can be written.

    Raises:
        QueryError: the name says no format that we draw, the path is a folder, its folder is missing or is an index, or
            matplotlib is not installed.
    """
    from importlib.util import find_spec

    file = Path(path)
    if file.suffix.lower() not in FORMATS:
        raise QueryError(f"a plot is a file that ends in {', '.join(FORMATS)}, not {file.name!r}")
    place_of(file)
    if find_spec("matplotlib") is None:
        raise QueryError('plots need matplotlib: pip install "embedsearch[plot]"')


def plot_recall(simulation: Simulation, path: str | os.PathLike[str], *, title: str = "") -> None:
    """Draw recall against the share of records read: each repeat thin, their mean thick, where the rule stops.

    Args:
        simulation: its figures leave the priors out.
        path: the file to write; see `check_plot`.
        title: above the picture.

    Raises:
        QueryError: see `check_plot`.
        StoreError: the disk is full or read-only; what was there is as it was.
    """
    check_plot(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    _draw(figure.add_subplot(), simulation, title)
    # Without a date, the same simulation gives the same bytes.
    hidden = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    suffix, drawn = Path(path).suffix.lower(), BytesIO()
    figure.savefig(drawn, format=suffix[1:], dpi=150, metadata=hidden[suffix])
    write_whole(path, drawn.getvalue())


def _draw(axes: Any, simulation: Simulation, title: str) -> None:
    grid = np.linspace(0, 100, 501)
    curves = []
    for replay in simulation.replays:
        read = 100 * np.arange(len(replay.found) + 1) / len(replay.found)
        recall = 100 * np.concatenate(([0.0], recall_curve(replay.found)))
        axes.plot(read, recall, color="tab:blue", alpha=0.25, linewidth=0.8, drawstyle="steps-post")
        curves.append(np.interp(grid, read, recall))
    axes.plot(grid, np.mean(curves, axis=0), color="tab:blue", linewidth=2, label="mean of repeats")
    axes.plot([0, 100], [0, 100], color="0.6", linestyle=":", label="random order")
    _mark_stops(axes, simulation)
    axes.set(xlabel="records read, %", ylabel="relevant records found, %", xlim=(0, 100), ylim=(0, 103), title=title)
    axes.grid(color="0.92")
    axes.legend(loc="lower right", frameon=False)


def _mark_stops(axes: Any, simulation: Simulation) -> None:
    rule = simulation.settings.rule
    axes.axhline(100 * rule.recall, color="tab:red", linewidth=0.8, label=f"target, {rule.recall:.0%}")
    stops = [100 * (1 - replay.saved_at_stop) for replay in simulation.replays]
    reached = [100 * replay.recall_at_stop for replay in simulation.replays]
    axes.plot(stops, reached, "v", color="tab:red", markersize=6, linestyle="none", label="the rule stops")
