"""Whether phrases that `axes rate` proposes are worth more than phrases drawn at random.

Run from the root of the project: python benchmarks/proposing.py. Prints JSON and writes
benchmarks/results/proposing.json; takes about two minutes. The short passages of the shipped corpus are rated along a
direction that is known, with a tenth of noise: those of the shipped axes, and random ones that spread as the corpus
does. The poles agree with the ratings at r .4. A fixed half of the passages is proposed from, and Pearson's r with the
true ratings is taken over the other half.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
from axes_sets import ROOT
from machine import machine

import embedsearch as es
from embedsearch.axes.blending import fit_weights
from embedsearch.axes.proposing import propose

RESULTS = ROOT / "benchmarks/results/proposing.json"
COUNTS = (5, 10, 20)
SEEDS = 21  # three for each of the seven shipped axes
DRAWS = 5
SIGNAL, POLES, LONGEST = 0.9, 0.4, 80


def corpus() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the vectors of the short passages of the corpus, float32 (n, d), and the directions of its axes."""
    with tempfile.TemporaryDirectory() as folder, es.Index.create(Path(folder) / "i") as index:
        index.add(es.read(ROOT / "corpus"))
        index.axes.save_file(ROOT / "corpus/axes.toml")
        texts = list(dict.fromkeys(place.text for place in index.place_all() if len(place.text) <= LONGEST))
        return index.encoder.encode(texts), {
            name: index.axes[name].fitted.direction.astype(np.float64) for name in index.axes
        }


def gains(vectors: np.ndarray, along: str, axes: list[np.ndarray], seed: int) -> dict[int, tuple[float, float]]:
    """Return r from random phrases, and how much more from proposed ones, by how many are rated."""
    random = np.random.default_rng(seed)
    spreads, basis = np.linalg.eigh(np.cov(vectors.T))
    wide = [basis @ (random.standard_normal(len(basis)) * np.maximum(spreads, 0) ** 0.25) for _ in range(2)]
    true, other = (unit(one) for one in (axes[seed % len(axes)] if along == "shipped" else wide[0], wide[1]))
    signal = (vectors - vectors.mean(axis=0)) @ true
    ratings = np.sqrt(SIGNAL) * signal / signal.std() + np.sqrt(1 - SIGNAL) * random.standard_normal(len(vectors))
    mixed = (unit(share * true + (1 - share) * other) for share in np.linspace(0, 1, 41))
    poles = next(one for one in mixed if np.corrcoef(vectors @ one, ratings)[0, 1] > POLES)
    dealt = random.permutation(len(vectors))
    asked, judged = dealt[: len(dealt) // 2], dealt[len(dealt) // 2 :]

    def reached(rated: np.ndarray) -> float:
        weights = fit_weights(vectors[rated].astype(np.float64), ratings[rated], poles[None])
        return float(np.corrcoef(vectors[judged] @ weights, ratings[judged])[0, 1])

    found = {}
    for count in COUNTS:
        proposed = asked[propose(vectors[asked], vectors[asked] @ poles, vectors[:0], count)]
        drawn = float(np.mean([reached(random.choice(asked, count, replace=False)) for _ in range(DRAWS)]))
        found[count] = (drawn, reached(proposed) - drawn)
    return found


def unit(vector: np.ndarray) -> np.ndarray:
    """Return a vector of length 1."""
    return vector / np.linalg.norm(vector)


def main() -> None:
    """Measure, print and keep."""
    vectors, axes = corpus()
    result = {"phrases": len(vectors), "draws": SEEDS, "machine": machine(), "along": {}}
    for along in ("shipped", "random"):
        found = [gains(vectors, along, list(axes.values()), seed) for seed in range(SEEDS)]
        result["along"][along] = {
            count: {
                "random": float(np.mean([one[count][0] for one in found])),
                "gain": float(np.mean([one[count][1] for one in found])),
                "error": float(np.std([one[count][1] for one in found], ddof=1) / np.sqrt(SEEDS)),
            }
            for count in COUNTS
        }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
