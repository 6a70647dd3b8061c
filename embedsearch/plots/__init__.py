"""Static figures that could go into a paper; needs the extra ``plot``."""

from embedsearch.plots.plotting import Look, Plot, plot_axis, plot_plane

__all__ = ["Look", "Plot", "plot_axis", "plot_plane"]
