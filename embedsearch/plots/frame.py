"""What plane and histogram have in common: the title line, the words along an axis, the legend, the notes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes import ScaledAxis
from embedsearch.errors import QueryError
from embedsearch.plots.categories import Categories
from embedsearch.plots.ends import own_scale, pole_names
from embedsearch.plots.labels import MOST, Label, place_labels
from embedsearch.plots.lettering import Lettering
from embedsearch.plots.scene import Mark, Scene
from embedsearch.plots.style import ACCENT, INK, QUIET
from embedsearch.wording import count_of

_LABEL, _LEGEND, _CONDITION = 26, 26, 60
_WIDE = 5.0  # inches
_LETTERS_AN_INCH = 14  # at the size that poles and titles are written in
_GROUP = "#505050"
_SMALLEST = 0.65  # letters of 5.5 points
_LEAST = 0.1  # of the figure's side, that the axes must have
_LARGER = 1.1  # by which a size that is too small grows until it is not
_MARGIN = 0.8  # inches that stand left of the axes
_SIZES = {"sum": 9.5, "term": 8.5, "phrase": 8.5, "answer": 7.5, "passage": 7.0, "group": 7.0}
# face, edge, marker, size in points: phrases are rings, so that they are no passage of any category
_LOOKS: dict[str, tuple[str, str, str, float]] = {
    "sum": (ACCENT, INK, "*", 12),
    "term": ("white", INK, "o", 6),
    "phrase": ("white", INK, "o", 5.5),
    "answer": (INK, "white", "o", 5),
    "passage": (INK, "white", "o", 4),
    "group": ("white", QUIET, "d", 5),
}


def title_line(scene: Scene, lettering: Lettering, width: float) -> str:
    """Return what is seen: the index, how many of its passages, the condition, the encoder; lines of *width* inches."""
    drawn = len(scene.population)
    count = count_of(drawn, "passage") if scene.where is None else f"{drawn:,} of {count_of(scene.total, 'passage')}"
    condition = f" ({lettering.text(scene.where, _CONDITION)})" if scene.where else ""
    line = f"{lettering.text(scene.index)}: {count}{condition}, encoder {lettering.text(scene.encoder)}"
    return lettering.lines(line, int((width - _MARGIN) * _LETTERS_AN_INCH), most=4)


def name_axis(axes: Any, axis: ScaledAxis, which: str, lettering: Lettering, *, share: float = 1.0) -> None:
    """Write the name, the unit and the poles of an axis along one side, and its own scale along the other.

    Args:
        axes: matplotlib's.
        axis: ours.
        which: ``x`` or ``y``.
        lettering: makes texts fit.
        share: of the figure's side that these axes have.
    """
    side = share * axes.get_figure().get_size_inches()["xy".index(which)]
    width = min(34, int(side * _LETTERS_AN_INCH * 0.4))
    low, high = (lettering.lines(pole, width) for pole in pole_names(axis.fitted))
    lines = 1 + max(low.count("\n"), high.count("\n"))
    ends = ((0.0, f"← {low}", "left"), (1.0, f"{high} →", "right"))
    for at, text, end in ends:
        place, offset = ((at, 0), (0, -15)) if which == "x" else ((0, at), (-25, 0))
        turned = {"rotation": 90, "rotation_mode": "default", "ha": "right", "va": "bottom" if at == 0 else "top"}
        axes.annotate(
            text, place, offset, xycoords="axes fraction", textcoords="offset points", fontsize=7.5, color=QUIET,
            multialignment=end, annotation_clip=False, gid=f"pole-{which}-{'low' if at == 0 else 'high'}",
            **({"ha": end, "va": "top"} if which == "x" else turned),
        )  # fmt: skip
    unit = "standard deviations from the mean of the index" if side >= _WIDE else "SD"
    room = int((side - _MARGIN) * _LETTERS_AN_INCH) - len(unit) - 4
    label = f"{lettering.text(axis.name, max(8, room))} ({unit})"
    getattr(axes, f"set_{which}label")(label, labelpad=7 + 9.5 * lines)
    _add_own_scale(axes, axis, which, lettering)


def _add_own_scale(axes: Any, axis: ScaledAxis, which: str, lettering: Lettering) -> None:
    if (scale := own_scale(axis)) is None:
        return
    side, add = ("top", axes.secondary_xaxis) if which == "x" else ("right", axes.secondary_yaxis)
    functions = (lambda c: scale.origin + scale.factor * c, lambda own: (own - scale.origin) / scale.factor)
    second = add(side, functions=functions)
    second.set_color(QUIET)
    getattr(second, f"set_{which}label")(lettering.text(scale.name), color=QUIET)


def add_legend(figure: Any, categories: Categories, handles: Sequence[Any], lettering: Lettering) -> None:
    """Put what colours and markers mean beside the axes, with the count of each category."""
    names = [f"{lettering.text(entry.name, _LEGEND)} ({entry.count:,})" for entry in categories.entries]
    figure.legend(
        handles, names, loc="outside right upper", title=lettering.text(categories.field, _LEGEND),
        title_fontsize=8, alignment="left", handletextpad=0.5, borderaxespad=0.2,
    )  # fmt: skip


def scale_of(marks: Sequence[Mark]) -> float:
    """Return how large labels and marks are drawn: as designed for up to 40 of them, the smaller the more there are."""
    return float(np.clip((40 / max(1, len(marks))) ** 0.25, _SMALLEST, 1))


def draw_marks(axes: Any, marks: Sequence[Mark], positions: NDArray[np.float64], categories: Categories | None) -> None:
    """Draw the labelled points.

    Args:
        axes: matplotlib's.
        marks: n of them.
        positions: where they stand, shape (n, 2).
        categories: whose colours and markers passages have.
    """
    scale = scale_of(marks)
    for place, mark in enumerate(marks):
        face, edge, marker, size = _LOOKS[mark.role]
        if categories is not None and mark.category is not None:
            entry = categories.entries[mark.category]
            face, edge = entry.color, INK if entry.marker not in ".x" else entry.color
            marker, size = entry.marker, size + 2
        axes.plot(
            *positions[place], marker, markersize=size * scale, markerfacecolor=face, markeredgecolor=edge,
            markeredgewidth=1.1 * scale if face == "white" else 0.6, zorder=5.5 if mark.role == "sum" else 5,
            gid=f"{mark.role}-{place}", clip_on=False,
        )  # fmt: skip


def label_marks(
    axes: Any,
    marks: Sequence[Mark],
    positions: NDArray[np.float64],
    lettering: Lettering,
    *,
    more: Sequence[Label] = (),
    lines: Sequence[NDArray[np.float64]] = (),
) -> tuple[list[str], list[str]]:
    """Label the points; return the texts that were written, and those that found no room.

    Args:
        axes: matplotlib's, all drawn but the labels.
        marks: n of them.
        positions: where they stand, shape (n, 2).
        lettering: makes texts fit.
        more: labels of other things.
        lines: what labels must not cover beside the points.
    """
    scale = scale_of(marks)
    labels = [
        Label(
            lettering.lines(mark.text, _LABEL),
            (float(at[0]), float(at[1])),
            _SIZES[mark.role] * scale,
            _GROUP if mark.role == "group" else INK,
            mark.role == "sum",
        )
        for mark, at in zip(marks, positions, strict=True)
    ]
    wanted = [*labels, *more]
    taken = np.concatenate([positions, _rims(axes, marks, positions)])
    texts = place_labels(axes, wanted[:MOST], points=taken, lines=lines)
    written = [_one_line(label) for label, text in zip(wanted, texts, strict=False) if text is not None]
    left = [_one_line(label) for label, text in zip(wanted, texts, strict=False) if text is None]
    return written, left + [_one_line(label) for label in wanted[MOST:]]


def _one_line(label: Label) -> str:
    return label.text.replace("\n", " ")


def _rims(axes: Any, marks: Sequence[Mark], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points around each mark, so that labels keep off all of it: shape (8 n, 2)."""
    scale, pixels_a_point = scale_of(marks), axes.get_figure().dpi / 72
    radii = np.array([(_LOOKS[mark.role][3] * scale + 1.5) / 2 for mark in marks]) * pixels_a_point
    angles = np.arange(8) * np.pi / 4
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    pixels = axes.transData.transform(positions)[:, None] + radii[:, None, None] * around
    rims: NDArray[np.float64] = axes.transData.inverted().transform(pixels.reshape(-1, 2)).reshape(-1, 2)
    return rims


def settle(figure: Any) -> None:
    """Fix where everything stands, so that labels can be placed by pixels.

    Raises:
        QueryError: what stands around the axes leaves no room for them.
    """
    given = figure.get_size_inches()
    if not _has_room(figure):
        wanted = given
        while not _has_room(figure):
            wanted = wanted * _LARGER
            figure.set_size_inches(wanted)
        sides = [" x ".join(f"{side:g}" for side in size) for size in (given, np.ceil(wanted * 2) / 2)]
        raise QueryError(
            f"a figure of {sides[0]} inches has no room for its axes and the text around them; "
            f"{sides[1]} inches have (--size {sides[1].replace(' ', '')})"
        )
    figure.set_layout_engine("none")


def _has_room(figure: Any) -> bool:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "constrained_layout not applied", UserWarning)
        try:
            figure.draw_without_rendering()
        except UserWarning:
            return False
    place = figure.axes[0].get_position()
    return bool(min(place.width, place.height) >= _LEAST)
