"""Axes: named directions of meaning that are defined, fitted to an encoder, scaled on a population, and reported on.

Three steps, three objects. An `Axis` is what the analyst writes down. `Axis.fit` returns a `FittedAxis`, which
reads a raw coordinate off any vector of that encoder. A `ScaledAxis` adds the `Scale` of a population: how its
raw coordinates are spread, which turns them into standard deviations and percentiles.
"""

from embedsearch.axes.calibration import Calibration
from embedsearch.axes.curve import Curve
from embedsearch.axes.definition import Axis
from embedsearch.axes.files import read_axes, read_ratings, write_to_rate
from embedsearch.axes.fitted import FittedAxis
from embedsearch.axes.fitting import fit_axis
from embedsearch.axes.material import EncoderMaterial, Material
from embedsearch.axes.scale import Scale
from embedsearch.axes.scaled import ScaledAxis, measure

__all__ = [
    "Axis",
    "Calibration",
    "Curve",
    "EncoderMaterial",
    "FittedAxis",
    "Material",
    "Scale",
    "ScaledAxis",
    "fit_axis",
    "measure",
    "read_axes",
    "read_ratings",
    "write_to_rate",
]
