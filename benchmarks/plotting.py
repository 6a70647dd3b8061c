"""Drawing one million passages on two axes, beside matplotlib's scatter of the same points.

Run from the root of the project: python benchmarks/plotting.py [--points 1000000]. Prints a Markdown table and writes
benchmarks/results/plotting.json. The coordinates are synthetic; measuring them is the matter of placing.py.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np

import embedsearch as es
from embedsearch.axes import ScaledAxis
from embedsearch.index.population import Population
from embedsearch.plots.categories import Categories
from embedsearch.plots.files import to_bytes
from embedsearch.plots.lettering import Lettering
from embedsearch.plots.plotting import draw
from embedsearch.plots.scene import Mark, Scene

RESULTS = Path(__file__).parent / "results/plotting.json"
FORMATS = ("png", "svg", "pdf")


def scene(coordinates: np.ndarray, values: list[str] | None) -> Scene:
    """Return what a figure of these points shows, thirty of them labelled."""
    axes = []
    for name in ("predatoriness", "size"):
        fitted = es.FittedAxis.between(es.Axis(name, ["low"], ["high"]), [0.0, 1.0], [1.0, 0.0])
        axes.append(ScaledAxis.on(fitted, coordinates[:1000, 0]))
    count = len(coordinates)
    marks = tuple(
        Mark("phrase", f"phrase {place}", tuple(coordinates[place * count // 30].tolist())) for place in range(30)
    )
    categories = Categories.of("kind", values) if values else None
    population = Population(axes, np.arange(count), coordinates)
    return Scene("synthetic", "none", count, tuple(axes), population, categories, marks, (), (), None)


def scatter(coordinates: np.ndarray, format: str) -> bytes:
    """Return what matplotlib's own scatter gives, rasterised so that a million points can be saved at all."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 5.4), dpi=200)
    figure.add_subplot().scatter(*coordinates.T, s=1, alpha=0.3, linewidths=0, rasterized=True)
    stream = BytesIO()
    figure.savefig(stream, format=format, dpi=200)
    return stream.getvalue()


def timed(function: Callable[[], bytes]) -> tuple[float, int]:
    """Return the least seconds of three runs, and the size of the file."""
    times, size = [], 0
    for _ in range(3):
        start = time.perf_counter()
        size = len(function())
        times.append(time.perf_counter() - start)
    return min(times), size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    points = parser.parse_args().points
    random = np.random.default_rng(0)
    coordinates = random.standard_normal((points, 2))
    kinds = random.choice(["animal", "person", "plant", "place"], points).tolist()
    result: dict[str, object] = {"points": points}
    print("| format | density | by kind | scatter | MB | MB by kind | MB of scatter |\n" + "|---" * 7 + "|")
    for format in FORMATS:
        plain = timed(lambda format=format: to_bytes(draw(scene(coordinates, None), Lettering()).figure, format))
        colored = timed(lambda format=format: to_bytes(draw(scene(coordinates, kinds), Lettering()).figure, format))
        other = timed(lambda format=format: scatter(coordinates, format))
        result[format] = {
            "density": {"seconds": plain[0], "bytes": plain[1]},
            "by kind": {"seconds": colored[0], "bytes": colored[1]},
            "scatter": {"seconds": other[0], "bytes": other[1]},
        }
        cells = [f"{found[0]:.2f} s" for found in (plain, colored, other)]
        cells += [f"{found[1] / 1e6:.2f}" for found in (plain, colored, other)]
        print(f"| {format} | " + " | ".join(cells) + " |")
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
