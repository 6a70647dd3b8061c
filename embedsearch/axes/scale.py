"""How the raw coordinates of a population are spread on an axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.axes.checks import as_floats
from embedsearch.axes.packing import pack, unpack
from embedsearch.errors import AxisError
from embedsearch.given import require_text, taking_back
from embedsearch.wording import shown

_QUANTILES = 1001  # every tenth of a percent
_SAME = 1e-5  # standard deviations: nearer texts stand at the same place, as float32 vectors are no more exact


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """How the raw coordinates of a population are spread on one axis.

    Attributes:
        count: how many passages the population has.
        mean: their mean raw coordinate.
        deviation: their standard deviation (of the population, divided by n), above 0.
        quantiles: raw coordinates at 0 %, 0.1 %, … 100 %, ascending.
    """

    count: int
    mean: float
    deviation: float
    quantiles: NDArray[np.float64]

    @classmethod
    def of(cls, raw: ArrayLike, *, name: str) -> Scale:
        """Return the scale of a population's raw coordinates, shape (n,).

        Raises:
            AxisError: there are fewer than two passages, all lie at the same place, or one is NaN or infinite.
        """
        require_text("the name of an axis", name, error=AxisError)
        values = np.atleast_1d(as_floats(raw))
        if not np.isfinite(values).all():
            raise AxisError(f"axis {name!r} cannot be scaled on coordinates that are NaN or infinite; leave these out")
        deviation = float(values.std()) if len(values) else 0.0
        if deviation <= 1e-9:
            found = f"the index has {len(values)}" if len(values) < 2 else f"all {len(values)} lie at one place"
            raise AxisError(f"axis {name!r} needs at least two different passages to be scaled on; {found}")
        quantiles = np.quantile(values, np.linspace(0, 1, _QUANTILES))
        return cls(len(values), float(values.mean()), deviation, quantiles)

    def standardise(self, raw: ArrayLike) -> NDArray[np.float64]:
        """Return raw coordinates in standard deviations from the population's mean."""
        return (as_floats(raw) - self.mean) / self.deviation

    def raw_at(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Return raw coordinates from coordinates in standard deviations: the inverse of `standardise`."""
        return as_floats(coordinates) * self.deviation + self.mean

    def at_percentile(self, percent: float) -> float:
        """Return the coordinate, in standard deviations, whose `percentile_of` is *percent*.

        Where the population lies at one place over a range of percentiles, each of these gives that place.

        Raises:
            AxisError: *percent* is not a number from 0 to 100.
        """
        if not isinstance(percent, Real) or not 0 <= percent <= 100:
            raise AxisError(f"the percentile is {shown(percent)}, wanted a number from 0 to 100")
        tenths = np.round(float(percent) * 10, 9)  # a percentile meant to be a quantile is exactly one
        return float(self.standardise(np.interp(tenths, np.arange(_QUANTILES), self.quantiles)))

    def percentile_of(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Return the percentile of each coordinate (in standard deviations), in the same shape.

        For a member of the population, the percentile is the percentage of the other members that lie below it, with
        those at the same place counted half (the mid-rank of ties), accurate to a tenth of a percent. The lowest has 0
        and the highest 100 if no other shares their place. Between members it is interpolated.
        """
        raw = self.raw_at(coordinates)
        near = _SAME * self.deviation
        first = np.searchsorted(self.quantiles, raw - near, side="left")
        last = np.searchsorted(self.quantiles, raw + near, side="right") - 1
        between = np.interp(raw, self.quantiles, np.arange(_QUANTILES))
        return np.where(last >= first, (first + last) / 2, between) / 10

    def to_dict(self) -> dict[str, Any]:
        """Return the scale as a dict of JSON values; `from_dict` reads it back."""
        return {
            "count": self.count,
            "mean": self.mean,
            "deviation": self.deviation,
            "quantiles": pack(self.quantiles),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Scale:
        """Return the scale that `to_dict` wrote.

        Raises:
            AxisError: *fields* is not such a dict.
        """
        with taking_back("scale", fields, error=AxisError):
            quantiles = unpack(fields["quantiles"], "<f8")
            return cls(fields["count"], fields["mean"], fields["deviation"], quantiles)
