"""Placing labels so that they cover neither one another, nor what they name, nor arrows and curves."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.plots.style import INK

MOST = 500  # labels in a figure; the time that placing takes grows with their square
_LEADER_FROM = 7.0  # points: a label nearer to its point needs no line to it
_MANY = 100  # labels from which on only the third attempt is made: the others take long, and place hardly more
_ATTEMPTS: tuple[Mapping[str, Any], ...] = (
    {
        "max_distance": 0.12,
        "nbr_candidates": 250,
        "avoid_label_lines_overlap": True,
        "avoid_crossing_label_lines": True,
    },
    {"max_distance": 0.2, "nbr_candidates": 500, "avoid_crossing_label_lines": True},
    {"max_distance": 0.3, "nbr_candidates": 700},
    {"max_distance": 0.6, "nbr_candidates": 1500},
)


@dataclass(frozen=True, slots=True)
class Label:
    """A text beside a point.

    Attributes:
        text: as it is drawn.
        at: the point, in the units of the axes.
        size: of the letters, in points.
        color: of the letters.
        bold: are they?
    """

    text: str
    at: tuple[float, float]
    size: float = 7.5
    color: str = INK
    bold: bool = False


def place_labels(
    axes: Any,
    labels: Sequence[Label],
    *,
    points: NDArray[np.float64],
    lines: Sequence[NDArray[np.float64]] = (),
) -> list[Any]:
    """Write labels where there is room; return a matplotlib text for each, None where there was none.

    It is tried with short lines from labels to points that cross nothing, then with longer ones, until all have a
    place; else the attempt that placed most is kept.

    Args:
        axes: matplotlib's, drawn but for the labels; its limits and place in the figure are final.
        labels: the first of them has the first choice.
        points: what must stay free, shape (p, 2).
        lines: likewise, each of shape (q, 2).
    """
    kept: tuple[list[Any], list[Any]] = ([], [])
    for attempt in _ATTEMPTS if len(labels) < _MANY else _ATTEMPTS[2:3]:
        found = _allocate(axes, labels, points, lines, attempt)
        better, worse = (found, kept) if _count(found) > _count(kept) else (kept, found)
        _remove(worse)
        kept = better
        if _count(kept) == len(labels):
            break
    _finish(axes, *kept)
    return kept[0] or [None] * len(labels)


def _count(placed: tuple[list[Any], list[Any]]) -> int:
    return sum(text is not None for text in placed[0])


def _remove(placed: tuple[list[Any], list[Any]]) -> None:
    for artist in [*placed[0], *placed[1]]:
        if artist is not None:
            artist.remove()


def _allocate(
    axes: Any,
    labels: Sequence[Label],
    points: NDArray[np.float64],
    lines: Sequence[NDArray[np.float64]],
    attempt: Mapping[str, Any],
) -> tuple[list[Any], list[Any]]:
    """Return a text, and a line from it to its point, for each label; None where there was no room for it."""
    if not labels:
        return [], []
    from textalloc import allocate

    with contextlib.redirect_stdout(io.StringIO()):  # textalloc prints where it finds no room; stdout is for data
        _, _, texts, leaders = allocate(
            axes,
            [label.at[0] for label in labels],
            [label.at[1] for label in labels],
            [label.text for label in labels],
            x_scatter=points[:, 0],
            y_scatter=points[:, 1],
            x_lines=[line[:, 0] for line in lines] or None,
            y_lines=[line[:, 1] for line in lines] or None,
            textsize=[label.size for label in labels],
            textcolor=[label.color for label in labels],
            fontweight=["bold" if label.bold else "normal" for label in labels],
            linecolor=INK,
            plot_kwargs={"linewidth": 0.4, "zorder": 4.5},
            margin=0.004,
            min_distance=0.009,
            draw_all=False,
            va="bottom",
            linespacing=1.0,
            zorder=6,
            **attempt,
        )
    return texts, leaders


def _finish(axes: Any, texts: Sequence[Any], leaders: Sequence[Any]) -> None:
    """Put a light ground below each label, and take out the lines to labels that stand beside their points."""
    for text in texts:
        if text is not None:
            text.set_bbox({"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.4})
    for leader in leaders:
        if leader is None:
            continue
        ends = axes.transData.transform(leader.get_xydata())
        length = float(np.linalg.norm(ends[1] - ends[0])) * 72 / axes.get_figure().dpi
        if length < _LEADER_FROM:
            leader.remove()
