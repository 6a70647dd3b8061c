"""How well an order of reading did: the metrics of the field, and their intervals over repeats.

All take ``found``: shape (m,), bool, one value for each record in the order of reading, True if it was relevant.
The caller leaves out records that were known beforehand (priors), as ASReview does: they are neither read nor found,
and m and the number of relevant records are counted without them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.errors import QueryError
from embedsearch.wording import shown

Found = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over repeats with its 95% confidence interval.

    Attributes:
        mean: the mean of the repeats.
        low: the lower end; None with a single repeat, which says nothing about the spread.
        high: the upper end, likewise.
    """

    mean: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Sequence[float], *, least: float = 0.0, most: float = 1.0) -> Interval:
        """Return Student's t interval of the mean of *values*, at least one, cut off at the limits of a value.

        Args:
            values: one for each repeat.
            least: the smallest that a value can be.
            most: the largest.
        """
        n, mean = len(values), float(np.mean(values))
        if n < 2:
            return cls(mean, None, None)
        from scipy.stats import t

        half = float(t.ppf(0.975, n - 1)) * float(np.std(values, ddof=1)) / math.sqrt(n)
        return cls(mean, max(least, mean - half), min(most, mean + half))

    @classmethod
    def of_share(cls, outcomes: Sequence[bool]) -> Interval:
        """Return the share of true outcomes, at least one, with Clopper and Pearson's exact interval."""
        from scipy.stats import beta

        n, hits = len(outcomes), sum(outcomes)
        low = float(beta.ppf(0.025, hits, n - hits + 1)) if hits else 0.0
        high = float(beta.ppf(0.975, hits + 1, n - hits)) if hits < n else 1.0
        return cls(hits / n, low, high)

    def to_dict(self) -> dict[str, float | None]:
        """Return ``{"mean": …, "low": …, "high": …}``."""
        return asdict(self)


def recall_curve(found: Found) -> NDArray[np.float64]:
    """Return the share of relevant records found after 1, 2, … m records, shape (m,), 0…1."""
    return np.asarray(np.cumsum(_checked(found)) / found.sum(), dtype=np.float64)


def recall_at(found: Found, shares: ArrayLike) -> NDArray[np.float64]:
    """Return the recall after the first ``floor(share · m)`` records, in the shape of *shares*, each 0…1."""
    recalls = np.concatenate(([0.0], recall_curve(found)))
    return np.asarray(recalls[np.floor(_shares(shares) * len(found) + 1e-9).astype(np.int64)])


def records_needed(found: Found, recall: float) -> int:
    """Return how many records had been read when at least *recall* of the relevant ones were found."""
    wanted = math.ceil(float(_shares(recall)) * _checked(found).sum() - 1e-9)
    return int(np.flatnonzero(found)[max(wanted, 1) - 1]) + 1


def work_saved(found: Found, recall: float) -> float:
    """Return the work saved over sampling: ``(m - k) / m - (1 - recall)``, k from `records_needed`.

    Source: Cohen, Hersh, Peterson and Yen, "Reducing workload in systematic review preparation using automated
    citation classification", JAMIA 13(2), 2006. At most *recall*; 0 is what random order saves on average.
    """
    return (len(_checked(found)) - records_needed(found, recall)) / len(found) - (1 - recall)


def times_to_discovery(found: Found) -> NDArray[np.float64]:
    """Return, for each relevant record, the share of the m records read when it was found; ascending, 0…1."""
    return (np.flatnonzero(_checked(found)) + 1) / len(found)


def average_time_to_discovery(found: Found) -> float:
    """Return the mean of `times_to_discovery`.

    Source: Ferdinands et al., "Performance of active learning models for screening prioritization in systematic
    reviews", Systematic Reviews 12:100, 2023.
    """
    return float(times_to_discovery(found).mean())


def _shares(given: ArrayLike) -> NDArray[np.float64]:
    shares = np.asarray(given)
    if shares.dtype.kind not in "iuf" or not ((shares >= 0) & (shares <= 1)).all():
        raise QueryError(f"the share is {shown(given)}, wanted a number from 0 to 1")
    return shares.astype(np.float64)


def _checked(found: Found) -> Found:
    if not isinstance(found, np.ndarray) or found.ndim != 1 or found.dtype != np.bool_:
        raise QueryError(f"what was found is {shown(found)}, wanted an array of true and false, one for each record")
    if not found.any():
        raise QueryError("none of the records is relevant; metrics need at least one besides the priors")
    return found
