"""Groups of documents on axes: the mean of each with its interval, over the middle half of its documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from embedsearch.errors import QueryError
from embedsearch.given import require_kind, require_text
from embedsearch.groups import Group, GroupComparison
from embedsearch.offering import keeps_back
from embedsearch.plots.files import Figure
from embedsearch.plots.frame import name_axis, settle
from embedsearch.plots.lettering import Lettering
from embedsearch.plots.style import COLORS, FAINT, FONT, QUIET, SIZE, new_figure, require_matplotlib, styled

_MOST_AXES, _MOST_GROUPS = 4, 60
_NAME = 30  # letters of a group's name
_A_GROUP, _AROUND = 0.26, 1.5  # inches
_OF_THE_FIGURE = 0.9  # that the panels have
_LEAST_SPAN = 1.0  # standard deviations
_TURNED = 6  # from so many steps on their names stand upright


@keeps_back("subject")
@dataclass(frozen=True, slots=True, eq=False)
class GroupPlot(Figure):
    """A figure of groups.

    Attributes:
        figure: the matplotlib figure, which you may change; saving it with `save` keeps the bytes reproducible.
        comparison: what it shows, as numbers.
        note: what the figure could not show; empty if it shows everything.
    """

    figure: Any
    comparison: GroupComparison
    note: str

    @property
    def subject(self) -> str:
        """The field, and the axes with their versions."""
        axes = ", ".join(f"{axis.name} (version {axis.version})" for axis in self.comparison.axes)
        return f"{self.comparison.field} on {axes}"


def plot_groups(comparison: GroupComparison, *, title: str = "") -> GroupPlot:
    """Draw where groups lie: a dot at each mean, a line for its interval, a bar from quartile to quartile.

    Steps of numbers are drawn from left to right, other groups below one another.

    Args:
        comparison: the result of `embedsearch.Index.compare`, on at most four axes.
        title: a title above the picture; if empty, one that says what is shown.

    Raises:
        QueryError: there are more axes or groups than can be read, *comparison* is not a comparison, or the title is
            not a text.
        EmbedSearchError: matplotlib is not installed.
    """
    require_kind("what is drawn", comparison, GroupComparison, "what Index.compare gives")
    require_text("the title", title)
    require_matplotlib()
    by_axis = {axis.name: [one for one in comparison.groups if one.axis == axis.name] for axis in comparison.axes}
    count = len(next(iter(by_axis.values())))
    if len(by_axis) > _MOST_AXES or count > _MOST_GROUPS:
        raise QueryError(
            f"a figure shows {_MOST_AXES} axes and {_MOST_GROUPS} groups at most, not {len(by_axis)} and {count:,}; "
            "name the axes with -a, and leave small groups out with --least"
        )
    lettering = Lettering(FONT)
    is_upright = comparison.step is not None
    with styled():
        figure = new_figure(_size(len(by_axis), count, is_upright=is_upright))
        shape = (len(by_axis), 1) if is_upright else (1, len(by_axis))
        panels = figure.subplots(*shape, sharex=is_upright, sharey=not is_upright, squeeze=False).ravel()
        for panel, axis in zip(panels, comparison.axes, strict=True):
            _draw(panel, by_axis[axis.name], comparison.step)
            name_axis(panel, axis, "y" if is_upright else "x", lettering, share=_OF_THE_FIGURE / len(by_axis))
        _name_groups(panels, comparison, lettering, is_upright=is_upright)
        panels[0].set_title(lettering.lines(title or _title(comparison), 90), color=QUIET, pad=8)
        settle(figure)
    return GroupPlot(figure, comparison, lettering.note)


def _size(axes: int, groups: int, *, is_upright: bool) -> tuple[float, float]:
    if is_upright:
        return SIZE[0], 1.0 + 2.4 * axes
    return max(SIZE[0], 1.6 + 2.6 * axes), _AROUND + _A_GROUP * groups


def _places(groups: Sequence[Group], step: float | None) -> list[float]:
    """Return where groups stand: steps as far apart as their numbers are, others one beside the other."""
    if step is None:
        return list(range(len(groups)))
    return [(one.start or 0.0) / step for one in groups]


def _draw(panel: Any, groups: Sequence[Group], step: float | None) -> None:
    """Draw the groups of one axis."""
    is_upright = step is not None
    places = _places(groups, step)
    lines, bars = (panel.vlines, panel.bar) if is_upright else (panel.hlines, panel.barh)
    widths = [one.upper_quartile - one.lower_quartile for one in groups]
    start = "bottom" if is_upright else "left"
    bars(
        places, widths, 0.55, **{start: [one.lower_quartile for one in groups]}, color=FAINT, zorder=1, gid="quartiles"
    )
    bounded = [(place, one) for place, one in zip(places, groups, strict=True) if one.documents > 1]
    ends = [[one.low for _, one in bounded], [one.high for _, one in bounded]]
    lines([place for place, _ in bounded], *ends, color=COLORS[0], linewidth=1.6, zorder=3, gid="intervals")
    means = [one.mean for one in groups]
    panel.plot(*((places, means) if is_upright else (means, places)), "o", color=COLORS[0], markersize=4.5, zorder=4,
               gid="means")  # fmt: skip
    (panel.axhline if is_upright else panel.axvline)(0, color=QUIET, linewidth=0.6, linestyle=(0, (1, 2)), zorder=2)
    panel.use_sticky_edges = False
    panel.margins(0.05)
    _widen(panel, "y" if is_upright else "x")


def _widen(panel: Any, which: str) -> None:
    """Let the panel show one standard deviation at least, so that small differences look small; set round ticks."""
    from matplotlib.ticker import MaxNLocator

    low, high = getattr(panel, f"get_{which}lim")()
    more = max(0.0, _LEAST_SPAN - (high - low)) / 2
    getattr(panel, f"set_{which}lim")(low - more, high + more)
    getattr(panel, f"{which}axis").set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def _name_groups(panels: Sequence[Any], comparison: GroupComparison, lettering: Lettering, *, is_upright: bool) -> None:
    """Write what the groups are called, and how many documents each has."""
    groups = [one for one in comparison.groups if one.axis == comparison.axes[0].name]
    names = [f"{lettering.text(one.group, _NAME)} ({one.documents:,})" for one in groups]
    places, field = _places(groups, comparison.step), lettering.text(comparison.field, _NAME)
    if is_upright:
        turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if len(names) > _TURNED else {}
        panels[-1].set_xticks(places, names, **turned)
        panels[-1].set_xlabel(f"{field} (documents)")
    else:
        panels[0].set_yticks(places, names)
        panels[0].set_ylabel(f"{field} (documents)")
        panels[0].invert_yaxis()


def _title(comparison: GroupComparison) -> str:
    return (
        f"Means of documents by {comparison.field}, with {100 * comparison.confidence:g}% intervals; "
        "bars reach from quartile to quartile"
    )
