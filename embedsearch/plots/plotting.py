"""Figures of an index: on two axes, or along one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from embedsearch.errors import AxisError, QueryError
from embedsearch.given import require_kind, require_text
from embedsearch.groups.dividing import odd_told
from embedsearch.index import Index, require_index
from embedsearch.index.placing import point_on
from embedsearch.offering import keeps_back
from embedsearch.plots.files import Figure
from embedsearch.plots.histogram import Threshold, draw_histogram
from embedsearch.plots.lettering import Lettering
from embedsearch.plots.plane import DRAWN_ONE_BY_ONE, IN_COLOR, draw_plane
from embedsearch.plots.scene import Scene, Wanted, gather
from embedsearch.plots.style import FONT, SIZE, require_matplotlib, styled
from embedsearch.wording import count_of

_NAMED = 8
_SMALLEST, _LARGEST = 2, 40  # inches


@dataclass(frozen=True, slots=True)
class Look:
    """The size and font of a figure.

    Attributes:
        size: width and height in inches.
        font: a font family that matplotlib finds; for characters that it lacks, `FONT` stands in.
    """

    size: tuple[float, float] = SIZE
    font: str = FONT

    def __post_init__(self) -> None:
        if len(self.size) != 2 or not all(_SMALLEST <= side <= _LARGEST for side in self.size):
            given = " x ".join(f"{side:g}" for side in self.size)
            raise QueryError(f"a figure of {given} inches cannot be made; each side may have {_SMALLEST} to {_LARGEST}")


@keeps_back("scene", "subject")
@dataclass(frozen=True, slots=True, eq=False)
class Plot(Figure):
    """A figure, and what it was made from.

    Attributes:
        figure: the matplotlib figure, which you may change; saving it with `save` keeps the bytes reproducible.
        scene: what it shows, as numbers.
        labels: the labels that were written.
        left_out: the labels that found no room.
        notes: what a reader should know and the figure does not say.
        threshold: where it cuts and how many pass, if there is one.
    """

    figure: Any
    scene: Scene
    labels: tuple[str, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    threshold: Threshold | None = None

    @property
    def subject(self) -> str:
        """One line about the figure, kept in the file's metadata."""
        return self.scene.subject

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as a dict of JSON values."""
        scene = self.scene
        record: dict[str, Any] = {
            "axes": [axis.name for axis in scene.axes],
            "passages": len(scene.population),
            "of": scene.total,
            "labels": list(self.labels),
            "left_out": list(self.left_out),
        }
        if scene.categories is not None:
            record["categories"] = {entry.name: entry.count for entry in scene.categories.entries}
        if self.threshold is not None:
            record |= {"threshold": self.threshold.at, "passed": self.threshold.passed}
        return record

    def __repr__(self) -> str:
        axes = ", ".join(axis.name for axis in self.scene.axes)
        return f"Plot({self.scene.index!r}: {count_of(len(self.scene.population), 'passage')} on {axes})"


def plot_plane(
    index: Index,
    x: str,
    y: str,
    *,
    phrases: str | Iterable[str] = (),
    documents: str | Iterable[str] = (),
    calc: str | None = None,
    k: int = 5,
    color: str | None = None,
    where: str | None = None,
    extremes: int | None = None,
    look: Look | None = None,
) -> Plot:
    """Draw an index on two axes, with phrases, passages, and the arithmetic of meanings.

    Args:
        index: an open index.
        x: the axis from left to right.
        y: the axis from bottom to top.
        phrases: one text to label, or several, in the index or not.
        documents: the id of one document to label, or several; each is drawn at the mean of its passages.
        calc: an expression; its terms are drawn as arrows, head to tail, and its sum as a star.
        k: how many of the passages nearest to the sum are labelled.
        color: a field of the documents that gives passages their colour and marker.
        where: a condition that the passages, and the answers to *calc*, must satisfy.
        extremes: how many passages to label at each end of each axis; if None, 3 if nothing else is labelled.
        look: size and font.

    Raises:
        AxisError: an axis does not exist, or both are the same.
        QueryError: the expression or the condition cannot be read; a document or the field does not exist; the index is
            empty.
        EmbedSearchError: matplotlib or textalloc is not installed.
    """
    if require_text("an axis", x) == require_text("an axis", y):
        raise AxisError(f"a plane needs two different axes, not {x!r} twice; for one axis, draw a histogram")
    require_matplotlib()
    look = _checked_look(look)
    lettering = Lettering(look.font)
    wanted = Wanted.of(phrases, documents, extremes, calc=calc, k=k, color=color, where=where)
    return draw(gather(index, [x, y], wanted), lettering, look.size)


def plot_axis(
    index: Index,
    axis: str,
    *,
    threshold: float | str | None = None,
    phrases: str | Iterable[str] = (),
    documents: str | Iterable[str] = (),
    color: str | None = None,
    where: str | None = None,
    extremes: int | None = None,
    look: Look | None = None,
) -> Plot:
    """Draw how the passages of an index are spread on one axis, and how many lie above a threshold.

    Args:
        index: an open index.
        axis: the name of the axis.
        threshold: in standard deviations, or a percentile of the index such as ``"p90"``.
        phrases: as for `plot_plane`.
        documents: as for `plot_plane`.
        color: a field of the documents; each of its values is drawn as an outline of its own.
        where: a condition that the passages must satisfy.
        extremes: as for `plot_plane`.
        look: size and font.

    Raises:
        AxisError: the axis does not exist.
        QueryError: the threshold is neither a number nor a percentile, or as for `plot_plane`.
        EmbedSearchError: matplotlib or textalloc is not installed.
    """
    require_matplotlib()
    look = _checked_look(look)
    lettering = Lettering(look.font)
    wanted = Wanted.of(phrases, documents, extremes, color=color, where=where)
    with require_index(index).reading():
        at = None if threshold is None else point_on(index.axes[axis], threshold)
        scene = gather(index, [axis], wanted)
    cut = None
    if at is not None:
        cut = Threshold(at, str(threshold).strip(), int((scene.population.coordinates[:, 0] > at).sum()))
    return draw(scene, lettering, look.size, cut)


def draw(
    scene: Scene, lettering: Lettering, size: tuple[float, float] = SIZE, threshold: Threshold | None = None
) -> Plot:
    """Draw a scene of two axes, or of one with or without a threshold."""
    with styled(lettering.font):
        if len(scene.axes) == 2:
            figure, labels, left_out = draw_plane(scene, lettering, size)
        else:
            figure, labels, left_out = draw_histogram(scene, lettering, size, threshold)
    notes = _notes(scene, left_out, lettering, size)
    return Plot(figure, scene, tuple(labels), tuple(left_out), notes, threshold)


def _checked_look(look: Look | None) -> Look:
    look = Look() if look is None else look
    require_kind("the look", look, Look, "a Look of embedsearch.plots, or None")
    return look


def _notes(scene: Scene, left_out: Sequence[str], lettering: Lettering, size: tuple[float, float]) -> tuple[str, ...]:
    notes = [lettering.note] if lettering.note else []
    if left_out:
        named = "; ".join(left_out[:_NAMED]) + ("; …" if len(left_out) > _NAMED else "")
        wider, higher = (min(_LARGEST, round(1.6 * side)) for side in size)
        larger = f". A larger figure (--size {wider}x{higher}) has more" if min(size) < _LARGEST else ""
        notes.append(f"{count_of(len(left_out), 'label')} found no room: {named}{larger}")
    if scene.categories is not None and scene.categories.odd:
        notes.append(odd_told(scene.categories.field, scene.categories.odd).removesuffix("."))
    count = len(scene.population)
    if scene.categories is not None and len(scene.axes) == 2 and count > DRAWN_ONE_BY_ONE:
        notes.append(f"{IN_COLOR:,} of {count:,} passages, drawn by lot, are in colour; the grey shows all")
    return tuple(notes)
