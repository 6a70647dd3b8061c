"""The house style of figures: what they look like, whatever the user's own matplotlib settings say.

Colours are those of Okabe and Ito, "Color Universal Design" (2008), which people with any of the usual kinds of
colour blindness can tell apart; no two categories share a marker either. Figures are made without pyplot: they have no
window and leave no state behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from embedsearch.errors import EmbedSearchError

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)), (0, (8, 3)))
# Five steps of matplotlib's viridis, from dark to light: it rises evenly in lightness for every kind of eye.
STEPS = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
INK, QUIET, FAINT = "#1a1a1a", "#767676", "#d9d9d9"
ACCENT = "#A50F2B"  # of arrows, sums and thresholds: no category has it, and their shape alone tells what they are
SIZE = (7.2, 5.4)  # inches: the width of a page of a journal
DOTS_PER_INCH = 200
FONT = "DejaVu Sans"  # comes with matplotlib, so that figures are alike on every machine

_SETTINGS: dict[str, Any] = {
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.color": QUIET,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,  # $x^2$ in a phrase is a text like any other
    "savefig.dpi": DOTS_PER_INCH,
    "figure.dpi": DOTS_PER_INCH,
    "pdf.fonttype": 42,  # TrueType: journals refuse Type 3
    "svg.fonttype": "path",  # letters as shapes: an SVG looks the same where the font is missing
    "svg.hashsalt": "embedsearch",  # without it, ids in an SVG are random
}


def edge_of(color: str) -> str:
    """Return the colour of the rim of a mark: its own, but dark where it would not stand out from white paper."""
    return INK if color in ("#F0E442", "#fde725") else color


def require_matplotlib() -> None:
    """Find out, without importing them, whether figures can be drawn.

    Raises:
        EmbedSearchError: matplotlib or textalloc is not installed.
    """
    missing = [name for name in ("matplotlib", "textalloc") if find_spec(name) is None]
    if missing:
        raise EmbedSearchError(f'{missing[0]} is not installed; plots need it: pip install "embedsearch[plot]"')


@contextmanager
def styled(font: str = FONT) -> Iterator[None]:
    """Draw or save inside in the house style; matplotlib's settings are as they were behind it.

    Args:
        font: a family; for characters that it lacks, `FONT` stands in.
    """
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS | {"font.family": list(dict.fromkeys([font, FONT]))})
        yield


def new_figure(size: tuple[float, float] = SIZE) -> Any:
    """Return an empty matplotlib figure with room for what stands around its axes.

    Args:
        size: width and height in inches.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")
