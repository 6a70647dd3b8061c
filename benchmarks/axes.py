"""How far axes agree with people: bare poles, framed poles, and 6 to 50 ratings, on open sets.

Run from the root of the project: python benchmarks/axes.py [--draws 50]. The sets are read from ../shared/data,
or from the folder that EMBEDSEARCH_DATA names. Prints a Markdown table and writes benchmarks/results/axes.json.

Agreement is counted among items that were not rated only. The definitions are the axes shipped with the corpus
and, for valence, one written the same way; they are not fitted to the sets. The priors of the blend and the two
constants of the extension were chosen among a few values by looking at these sets.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import embedsearch as es
from embedsearch.axes.blending import fit_weights
from embedsearch.axes.extending import extended

ROOT = Path(__file__).parent.parent
SETS = Path(os.environ.get("EMBEDSEARCH_DATA", ROOT / "../shared/data"))
RESULTS = ROOT / "benchmarks/results/axes.json"
COUNTS = (6, 10, 20, 50)
FEWEST_LEFT = 20  # unrated items that a figure needs

VALENCE = es.Axis(
    "valence",
    ["bad", "unpleasant", "negative", "sad", "horrible", "painful", "ugly", "hateful"],
    ["good", "pleasant", "positive", "happy", "wonderful", "delightful", "beautiful", "lovely"],
    frames=["a {} thing", "something {}"],
)
BARE = {
    "size": (["small", "tiny", "little"], ["large", "huge", "big"]),
    "predatoriness": (["prey", "grazer", "herbivore"], ["predator", "hunter", "carnivore"]),
    "valence": (["bad", "unpleasant", "negative"], ["good", "pleasant", "positive"]),
}


@dataclass
class Task:
    """Items with a number each that people or scales gave them."""

    name: str
    axis: str
    items: list[str]
    values: np.ndarray
    two_valued: bool = False


def glasgow() -> list[dict[str, str]]:
    with open(SETS / "glasgow/13428_2018_1099_MOESM2_ESM.csv", encoding="latin-1", newline="") as stream:
        return list(csv.DictReader(stream))


def awa2() -> tuple[list[str], Callable[[str], np.ndarray]]:
    def names(file: str) -> list[str]:
        return [line.split()[1].replace("+", " ") for line in (SETS / "awa2" / file).read_text().splitlines() if line]

    strengths = np.loadtxt(SETS / "awa2/predicate-matrix-continuous.txt")
    strengths[strengths < 0] = np.nan
    predicates = names("predicates.txt")
    return names("classes.txt"), lambda name: strengths[:, predicates.index(name)]


def tasks() -> list[Task]:
    words = glasgow()
    texts = [word["Words"] for word in words]
    animals, strength = awa2()
    zoo = [line.split(",") for line in (SETS / "zoo/zoo.data").read_text().splitlines() if line.strip()]
    hunting = strength("hunter") + strength("meat") + strength("stalker") + strength("fierce")
    names = [*texts, *animals, *(record[0] for record in zoo)]
    familiar = {word for name in names for word in name.casefold().split()}
    weights = anage(familiar)
    return [
        Task("AwA2 size", "size", animals, strength("big") - strength("small")),
        Task("AwA2 predatoriness", "predatoriness", animals, hunting),
        Task("Zoo predator (AUC)", "predatoriness", [z[0] for z in zoo], np.array([float(z[7]) for z in zoo]), True),
        Task("AnAge log weight, familiar names", "size", list(weights), np.log10(list(weights.values()))),
        Task("Glasgow SIZE", "size", texts, np.array([float(word["Size.M"]) for word in words])),
        Task("Glasgow valence", "valence", texts, np.array([float(word["Valence.M"]) for word in words])),
    ]


def anage(familiar: set[str]) -> dict[str, float]:
    """Return adult weights by common name, of the names all of whose words occur in the other sets."""
    weights: dict[str, float] = {}
    with open(SETS / "anage/anage_data.txt", encoding="utf-8", errors="replace", newline="") as stream:
        for record in csv.DictReader(stream, delimiter="\t"):
            name, weight = record["Common name"].casefold(), record["Adult weight (g)"]
            if name and weight and familiar.issuperset(name.split()):
                weights.setdefault(name, float(weight))
    return weights


def agreement(coordinates: np.ndarray, values: np.ndarray, *, two_valued: bool) -> float:
    """Return Pearson's r, or the area under the ROC curve where values are 0 and 1."""
    if not two_valued:
        return float(np.corrcoef(coordinates, values)[0, 1])
    high, low = coordinates[values == 1], coordinates[values == 0]
    return float((high[:, None] > low).mean() + (high[:, None] == low).mean() / 2)


def ordered(coordinates: np.ndarray, values: np.ndarray) -> float:
    """Return the share of pairs of different values that stand in that order; of at most 1,000 items."""
    keep = np.random.default_rng(0).permutation(len(values))[:1000]
    signs = np.sign(values[keep][:, None] - values[keep])
    found = np.sign(coordinates[keep][:, None] - coordinates[keep])
    return float((found == signs)[signs > 0].mean())


def textbook_blend(vectors: np.ndarray, values: np.ndarray, poles: np.ndarray) -> np.ndarray:
    """Return √(n/20)·unit(ridge with leave-one-out λ) + unit(poles): what MEASURED.md recommends."""
    return np.sqrt(len(values) / 20) * unit(ridge(vectors, values)) + poles


def ridge(vectors: np.ndarray, values: np.ndarray) -> np.ndarray:
    centered, rest = vectors - vectors.mean(axis=0), values - values.mean()
    left, singular, right = np.linalg.svd(centered, full_matrices=False)
    best: tuple[float, Any] = (np.inf, None)
    for penalty in 10.0 ** np.arange(-2, 3.25, 0.25):
        shrink = singular**2 / (singular**2 + penalty)
        leverage = np.clip(1 / len(rest) + left**2 @ shrink, 0, 1 - 1e-9)
        error = float((((rest - left @ (shrink * (left.T @ rest))) / (1 - leverage)) ** 2).sum())
        if error < best[0]:
            best = error, right.T @ (left.T @ rest * singular / (singular**2 + penalty))
    return best[1]


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


METHODS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "shipped": fit_weights,
    "shipped, extended": fit_weights,
    "textbook blend": textbook_blend,
    "ratings alone": lambda vectors, values, _poles: fit_weights(vectors, values, None),
}


def summary(found: Sequence[float]) -> dict[str, float]:
    """Return the mean over draws, its standard error, and where the middle 90 % of the draws lie."""
    low, high = np.percentile(found, [5, 95])
    return {
        "mean": float(np.mean(found)),
        "error": float(np.std(found, ddof=1) / np.sqrt(len(found))),
        "low": float(low),
        "high": float(high),
    }


def measure(task: Task, encoder: es.Encoder, axis: es.Axis, draws: int) -> dict[str, Any]:
    known = ~np.isnan(task.values)
    vectors = encode(encoder, task.items)[known]
    values = task.values[known]
    poles = axis.fit(encoder).direction.astype(float)
    bare = es.Axis(axis.name, *BARE[axis.name]).fit(encoder).direction
    result: dict[str, Any] = {"items": len(values), "axis": axis.name}
    longer = extended(poles.astype(np.float32), vectors.astype(np.float32), name=axis.name).astype(float)
    for name, direction in (("bare", bare), ("framed", poles), ("extended", longer)):
        place = vectors @ direction
        result[name] = {
            "r": agreement(place, values, two_valued=task.two_valued),
            "ordered": ordered(place, values),
        }
    for count in COUNTS:
        if len(values) - count >= FEWEST_LEFT:
            result[str(count)] = rated(vectors, values, (poles, longer), count, draws, two_valued=task.two_valued)
    return result


def rated(
    vectors: np.ndarray,
    values: np.ndarray,
    directions: tuple[np.ndarray, np.ndarray],
    count: int,
    draws: int,
    *,
    two_valued: bool,
) -> dict[str, Any]:
    """Return what each method reaches among the unrated items, and what it gains on poles alone there."""
    random, (poles, longer) = np.random.default_rng(count), directions
    found: dict[str, dict[str, list[float]]] = {
        name: {"r": [], "ordered": [], "gain": []} for name in ("poles", *METHODS)
    }
    while len(found["poles"]["r"]) < draws:
        chosen = random.permutation(len(values))
        some, others = chosen[:count], chosen[count:]
        if np.ptp(values[some]) == 0:
            continue
        alone = agreement(vectors[others] @ poles, values[others], two_valued=two_valued)
        for name in found:
            prior = longer if name == "shipped, extended" else poles
            weights = poles if name == "poles" else METHODS[name](vectors[some], values[some], prior)
            place = vectors[others] @ weights
            reached = agreement(place, values[others], two_valued=two_valued)
            found[name]["r"].append(reached)
            found[name]["gain"].append(reached - alone)
            found[name]["ordered"].append(ordered(place, values[others]))
    return {name: {kind: summary(draws) for kind, draws in kinds.items()} for name, kinds in found.items()}


_CACHE: dict[str, np.ndarray] = {}


def encode(encoder: es.Encoder, texts: Sequence[str]) -> np.ndarray:
    """Return float64 unit vectors; each text is encoded once."""
    new = [text for text in dict.fromkeys(texts) if text not in _CACHE]
    if new:
        _CACHE.update(zip(new, np.asarray(encoder.encode(new), dtype=np.float64), strict=True))
    return np.stack([_CACHE[text] for text in texts])


def table(results: dict[str, Any], method: str) -> str:
    head = (
        "| set | items | bare 3 + 3 | framed | extended | " + " | ".join(f"{count} ratings" for count in COUNTS) + " |"
    )
    lines = [head, "|---" * (5 + len(COUNTS)) + "|"]
    for name, result in results.items():
        cells = [name, f"{result['items']:,}", f"{result['bare']['r']:.3f}", f"{result['framed']['r']:.3f}"]
        cells.append(f"{result['extended']['r']:.3f}")
        for count in COUNTS:
            part = result.get(str(count), {}).get(method, {}).get("r")
            cells.append(f"{part['mean']:.3f} ({part['low']:.2f}–{part['high']:.2f})" if part else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def comparison(results: dict[str, Any]) -> str:
    """Return each method's gain on poles alone: mean over the sets, and the worst set."""
    lines = ["| gain in r on poles alone: mean (worst set) | " + " | ".join(map(str, COUNTS)) + " |"]
    lines.append("|---" * (1 + len(COUNTS)) + "|")
    for name in METHODS:
        cells = []
        for count in COUNTS:
            gains = [r[str(count)][name]["gain"]["mean"] for r in results.values() if str(count) in r]
            cells.append(f"{np.mean(gains):+.3f} ({min(gains):+.3f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=50)
    draws = parser.parse_args().draws
    if not SETS.is_dir():
        print(f"skipped: there is no {SETS}; set EMBEDSEARCH_DATA to the folder of the open sets", file=sys.stderr)
        return
    encoder = es.load_encoder()
    axes = {axis.name: axis for axis in [*es.read_axes(ROOT / "corpus/axes.toml"), VALENCE]}
    results = {task.name: measure(task, encoder, axes[task.axis], draws) for task in tasks()}
    report = {"encoder": encoder.name, "draws": draws, "sets": results}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print("Ratings with framed poles:", "", table(results, "shipped"), "", sep="\n")
    print("Ratings with extended poles:", "", table(results, "shipped, extended"), "", comparison(results), sep="\n")


if __name__ == "__main__":
    main()
