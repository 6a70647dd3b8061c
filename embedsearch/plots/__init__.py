"""Static figures fit for a paper; needs the extra ``plot``."""

from embedsearch.plots.groups import GroupPlot, plot_groups
from embedsearch.plots.plotting import Look, Plot, plot_axis, plot_plane

__all__ = ["GroupPlot", "Look", "Plot", "plot_axis", "plot_groups", "plot_plane"]
