"""Raw coordinates in the unit of the ratings: a line with an interval, from leave-one-out predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.errors import AxisError
from embedsearch.given import taking_back

COVERAGE = 0.9
_FEW = 10  # with fewer ratings, even the largest residual is exceeded more than one time in ten
_NO_SPREAD = 1e-18


@dataclass(frozen=True, slots=True)
class Calibration:
    """How raw coordinates and ratings correspond.

    There are two lines, because they answer two questions:

    - Which rating is to be expected at a raw coordinate? The regression of the ratings on the raw coordinates that the
      rated texts have when each is left out of the fit. It draws towards the mean rating as far as the axis is unsure.
    - Where does a text stand that *was* rated? As many standard deviations from the middle of the rated texts' raw
      coordinates as its rating lies from the mean rating.

    Attributes:
        count: the number of ratings.
        mean: the mean of the ratings.
        deviation: the standard deviation of the ratings (divided by n), above 0.
        raw_mean: the mean of the rated texts' raw coordinates, each left out of the fit.
        raw_deviation: the standard deviation of these coordinates, above 0.
        slope: rating per raw unit in the regression, at least 0.
        half_width: the interval is the expected rating plus and minus this, with `COVERAGE` = 90 %.
        unit: the unit of the ratings.
    """

    count: int
    mean: float
    deviation: float
    raw_mean: float
    raw_deviation: float
    slope: float
    half_width: float
    unit: str = ""

    @classmethod
    def of(cls, ratings: ArrayLike, left_out: ArrayLike, *, unit: str = "") -> Calibration:
        """Return the calibration of ratings, shape (n,), by raw coordinates read off fits without each, shape (n,).

        With ten ratings or more the interval is that of the jackknife: the ⌈(n+1)·0.9⌉-th smallest of the absolute
        leave-one-out residuals; see Barber, Candès, Ramdas and Tibshirani, "Predictive inference with the
        jackknife+", Annals of Statistics 49 (2021), equation 1.2. The line is drawn without each residual's own text
        as well. With fewer ratings even the largest residual is exceeded more than one time in ten. The residuals are
        then taken to be normal, and the interval is their root mean square times Student's t of n - 2 degrees.
        """
        wanted, raw = np.asarray(ratings, dtype=np.float64), np.asarray(left_out, dtype=np.float64)
        n = len(wanted)
        slope = _slope(raw, wanted)
        half = _half_width(left_out_residuals(wanted, raw))
        deviation = max(float(raw.std()), 1e-9)
        return cls(n, float(wanted.mean()), float(wanted.std()), float(raw.mean()), deviation, slope, half, unit)

    def rating_at(self, raw: ArrayLike) -> NDArray[np.float64]:
        """Return the ratings to expect at raw coordinates, shape (n,)."""
        return self.mean + self.slope * (np.asarray(raw, dtype=np.float64) - self.raw_mean)

    def raw_of(self, ratings: ArrayLike) -> NDArray[np.float64]:
        """Return the raw coordinates at which texts with these ratings stand, shape (n,)."""
        standard = (np.asarray(ratings, dtype=np.float64) - self.mean) / self.deviation
        return self.raw_mean + standard * self.raw_deviation

    def ratings_of(self, raw: ArrayLike) -> NDArray[np.float64]:
        """Return the ratings of rated texts that stand at raw coordinates, shape (n,): the inverse of `raw_of`."""
        standard = (np.asarray(raw, dtype=np.float64) - self.raw_mean) / self.raw_deviation
        return self.mean + standard * self.deviation

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as a dict of JSON values; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Calibration:
        """Return the calibration that `to_dict` wrote.

        Raises:
            AxisError: *fields* is not such a dict.
        """
        with taking_back("calibration", fields, error=AxisError):
            return cls(**fields)


def left_out_residuals(ratings: NDArray[np.float64], left_out: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each rating minus the one expected from a direction and a line that did not see its text, shape (n,)."""
    n = len(ratings)
    away, off = left_out - left_out.mean(), ratings - ratings.mean()
    # Sums of squares and products without one text each: the whole sum minus that text's share, n/(n-1) of its square.
    spreads = np.maximum(away @ away - away**2 * n / (n - 1), 0.0)
    slopes = np.maximum(0.0, (away @ off - away * off * n / (n - 1)) / np.where(spreads > _NO_SPREAD, spreads, np.inf))
    residuals: NDArray[np.float64] = (off - slopes * away) * n / (n - 1)
    return residuals


def _half_width(residuals: NDArray[np.float64]) -> float:
    """Return the bound that the absolute residual of another text stays below, with `COVERAGE`."""
    n = len(residuals)
    if n >= _FEW:
        return float(np.sort(np.abs(residuals))[int(np.ceil((n + 1) * COVERAGE)) - 1])
    from scipy.stats import t

    return float(t.ppf((1 + COVERAGE) / 2, max(1, n - 2)) * np.sqrt(np.mean(residuals**2)))


def _slope(raw: NDArray[np.float64], ratings: NDArray[np.float64]) -> float:
    """Return the slope of the least-squares line; 0 if it would fall or the coordinates are all equal."""
    centered = raw - raw.mean()
    spread = float(centered @ centered)
    return max(0.0, float(centered @ (ratings - ratings.mean())) / spread) if spread > _NO_SPREAD else 0.0
