"""How often the intervals that `axes check` and `place --unit rating` show hold what they are intervals of.

Run from the root of the project: python benchmarks/axes_intervals.py. Prints a table, and writes
benchmarks/results/axes_intervals.json; takes some fifteen minutes.
Vectors are drawn from a normal distribution of six dimensions. Ratings are one coordinate and noise, or noise alone.
The poles lie at a cosine of .6 to that coordinate. What holds is judged on 300 texts drawn in the same way and not
rated: how a fit to the ratings orders them, their rank correlation, and whether their ratings lie in the interval.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.blending import blend
from embedsearch.axes.calibration import Calibration, left_out_residuals
from embedsearch.axes.statistics import Pairs, bootstrap, determination, spearman
from embedsearch.axes.validation import design_without, ordered_by, ordered_by_fits, splits_of

RESULTS = Path(__file__).parent / "results/axes_intervals.json"
FIGURES = ("pairs", "gain", "Spearman", "R²", "R² by percentiles", "rating")  # that of ratings is to hold .9
COUNTS = (5, 8, 20, 50)
SIGNALS = (2.0, 1.0, 0.0)  # deviations of the coordinate for one of the noise
DIMENSION, FRESH, REPEATS = 6, 300, 100
POLES = np.array([0.6, 0.8, *[0.0] * (DIMENSION - 2)])

Floats = NDArray[np.float64]


def ordered(coordinates: Floats, ratings: Floats) -> float:
    """Return the share of pairs that coordinates order as ratings do."""
    pairs = Pairs.none(len(ratings))
    pairs.count(np.arange(len(ratings)), coordinates, ratings)
    return pairs.share()


def r_squared(values: Floats, residuals: Floats) -> float:
    """Return the R² of `determination`, without its interval; NaN where values do not vary."""
    total = float(values.var()) * len(values) * (len(values) / (len(values) - 1)) ** 2
    return 1 - float(residuals @ residuals) / total if total > 0 else float("nan")


def held(count: int, signal: float, seed: int) -> Iterator[float]:
    """Yield whether the intervals of pairs, gain, rank correlation and R² hold, and that of resamples of R².

    Last comes the share of ratings in theirs.
    """
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((count + FRESH, DIMENSION))
    ratings = signal * vectors[:, 0] + random.standard_normal(count + FRESH)
    rated, given, fresh, true = vectors[:count], ratings[:count], vectors[count:], ratings[count:]
    found = blend(rated, given, POLES, np.zeros(DIMENSION))
    splits, everyone = list(splits_of(count, 10)), np.arange(count)
    learned = ordered_by_fits(rated, given, everyone, splits, [design_without(rated, split, POLES) for split in splits])
    alone = ordered_by(rated @ POLES, given, splits)
    coordinates = fresh @ found.weights / np.linalg.norm(found.weights)
    reached = ordered(coordinates, true)
    for estimate, value in (
        (bootstrap(learned.share, count), reached),
        (bootstrap(lambda p: learned.share(p) - alone.share(p), count), reached - ordered(fresh @ POLES, true)),
        (bootstrap(lambda p: spearman(given[p], found.left_out[p]), count), spearman(true, coordinates)),
    ):
        yield estimate.low <= value <= estimate.high
    line = Calibration.of(given, found.left_out)
    missed, residuals = line.rating_at(coordinates) - true, left_out_residuals(given, found.left_out)
    reached = 1 - float(np.mean(missed**2) / np.mean((true - given.mean()) ** 2))
    for estimate in (determination(given, residuals), bootstrap(lambda p: r_squared(given[p], residuals[p]), count)):
        yield estimate.low <= reached <= estimate.high
    yield float(np.mean(abs(missed) <= line.half_width))


def main() -> None:
    """Print how often each interval held, and keep it."""
    print("| ratings | signal | " + " | ".join(FIGURES) + " |\n|" + "---|" * (2 + len(FIGURES)))
    rows = []
    for signal in SIGNALS:
        for count in COUNTS:
            shares = np.mean([list(held(count, signal, seed)) for seed in range(REPEATS)], axis=0).tolist()
            rows.append({"ratings": count, "signal": signal, "held": dict(zip(FIGURES, shares, strict=True))})
            print(f"| {count} | {signal:g} | " + " | ".join(f"{share:.2f}" for share in shares) + " |", flush=True)
    RESULTS.write_text(json.dumps({"repeats": REPEATS, "rows": rows}, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
