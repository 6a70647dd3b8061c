"""How far axes agree with people: bare poles, framed poles, and 6 to 50 ratings, on open sets.

Run from the root of the project: python benchmarks/axes.py [--draws 50]. Prints Markdown tables and writes
benchmarks/results/axes.json.

Agreement is counted among items that were not rated only. The definitions are the axes shipped with the corpus and
those of axes_definitions.toml, written the same way; they are not fitted to the sets. The priors of the blend were
chosen among a few values by looking at the main sets; no constant was set by looking at the judging ones. Poles
are extended over the phrases of the shipped corpus and the items: an index of these.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from axes_sets import ROOT, SETS, Task, Vectors, agreement, definitions, judging_tasks, main_tasks, tuning_tasks

import embedsearch as es
from embedsearch.axes.blending import fit_weights
from embedsearch.axes.extending import extended

RESULTS = ROOT / "benchmarks/results/axes.json"
COUNTS = (6, 10, 20, 50)
FEWEST_LEFT = 20  # unrated items that a figure needs
BARE = {
    "size": (["small", "tiny", "little"], ["large", "huge", "big"]),
    "predatoriness": (["prey", "grazer", "herbivore"], ["predator", "hunter", "carnivore"]),
    "hunting": (["prey", "grazer", "herbivore"], ["predator", "hunter", "carnivore"]),
    "valence": (["bad", "unpleasant", "negative"], ["good", "pleasant", "positive"]),
}
# The norm axis is learned from one set, without the words of the other; a user would import it as a prior.
PRIORS = (
    ("Glasgow SIZE", "AwA2 size"),
    ("Glasgow SIZE", "AnAge log weight, familiar names"),
    ("Glasgow SIZE", "Zoo catsize (AUC)"),
    ("AnAge log weight, familiar names", "AwA2 size"),
    ("AwA2 size", "AnAge log weight, familiar names"),
    ("Zoo predator (AUC)", "AwA2 predatoriness"),
    ("Glasgow dominance", "AwA2 strength"),
    ("Glasgow arousal", "AwA2 ferocity"),
)


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


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


# Each takes vectors and values of what is rated, the poles' direction, and the poles extended.
METHODS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "shipped": lambda vectors, values, poles, longer: fit_weights(vectors, values, np.stack([poles, longer])),
    "not extended": lambda vectors, values, poles, _longer: fit_weights(vectors, values, poles),
    "textbook blend": lambda vectors, values, poles, _longer: textbook_blend(vectors, values, poles),
    "ratings alone": lambda vectors, values, _poles, _longer: fit_weights(vectors, values, None),
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


class Bench:
    """Measures tasks with one encoder."""

    def __init__(self, encoder: es.Encoder, draws: int) -> None:
        """Take the encoder; encode the phrases of the corpus, over which poles are extended."""
        self.vectors = Vectors(encoder.encode)
        self.axes = definitions()
        self.draws = draws
        with open(ROOT / "corpus/phrases.csv", encoding="utf-8", newline="") as stream:
            self.corpus = self.vectors([record["text"] for record in csv.DictReader(stream)])

    def poles(self, axis: es.Axis) -> np.ndarray:
        """Return the unit direction of an axis's poles."""
        return unit(self.vectors(axis.high_texts).mean(axis=0) - self.vectors(axis.low_texts).mean(axis=0))

    def extended(self, poles: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the poles extended over the corpus's phrases and the items."""
        passages = np.concatenate([self.corpus, items]).astype(np.float32)
        return extended(poles.astype(np.float32), passages, name="axis").astype(float)

    def measure(self, task: Task) -> dict[str, Any]:
        """Return what poles alone reach, and each method with ratings."""
        task = task.known()
        vectors, poles = self.vectors(task.items), self.poles(self.axes[task.axis])
        longer = self.extended(poles, vectors)
        directions = {"framed": poles, "extended": longer}
        if task.axis in BARE:
            directions["bare"] = self.poles(es.Axis(task.axis, *BARE[task.axis]))
        result: dict[str, Any] = {"items": len(task.items), "axis": task.axis}
        for name, direction in directions.items():
            place = vectors @ direction
            result[name] = {
                "r": agreement(place, task.values, two_valued=task.two_valued),
                "ordered": ordered(place, task.values),
            }
        fits = {name: lambda x, y, m=method: m(x, y, poles, longer) for name, method in METHODS.items()}
        for count in COUNTS:
            if len(task.items) - count >= FEWEST_LEFT:
                result[str(count)] = self.rated(task, count, poles, fits)
        return result

    def rated(self, task: Task, count: int, poles: np.ndarray, fits: dict[str, Any]) -> dict[str, Any]:
        """Return what each way of fitting reaches among the unrated items, and what it gains on poles alone there."""
        random, vectors, values = np.random.default_rng(count), self.vectors(task.items), task.values
        found: dict[str, dict[str, list[float]]] = {
            name: {"r": [], "ordered": [], "gain": []} for name in ("poles", *fits)
        }
        while len(found["poles"]["r"]) < self.draws:
            chosen = random.permutation(len(values))
            some, others = chosen[:count], chosen[count:]
            if np.ptp(values[some]) == 0:
                continue
            alone = agreement(vectors[others] @ poles, values[others], two_valued=task.two_valued)
            for name in found:
                weights = poles if name == "poles" else fits[name](vectors[some], values[some])
                place = vectors[others] @ weights
                reached = agreement(place, values[others], two_valued=task.two_valued)
                found[name]["r"].append(reached)
                found[name]["gain"].append(reached - alone)
                found[name]["ordered"].append(ordered(place, values[others]))
        return {name: {kind: summary(draws) for kind, draws in kinds.items()} for name, kinds in found.items()}

    def prior(self, source: Task, task: Task) -> dict[str, Any]:
        """Return what an axis learned on one set, without the words of the other, adds to the other's poles."""
        source, task = source.known(), task.known()
        inner = {item.casefold() for item in task.items}
        kept = [place for place, item in enumerate(source.items) if item.casefold() not in inner]
        learned = self.vectors([source.items[place] for place in kept])
        norm = unit(fit_weights(learned, source.values[kept], self.poles(self.axes[source.axis])))
        vectors, poles = self.vectors(task.items), self.poles(self.axes[task.axis])
        longer = self.extended(poles, vectors)
        beliefs = np.stack([poles, longer, norm, unit(longer + norm)])
        directions = {"poles": poles, "extended": longer, "norm": norm, "all": beliefs[-1], "both": unit(poles + norm)}
        result: dict[str, Any] = {"learned from": len(kept), "items": len(task.items)} | {
            name: agreement(vectors @ direction, task.values, two_valued=task.two_valued)
            for name, direction in directions.items()
        }
        fits = {"all": lambda x, y: fit_weights(x, y, beliefs)}
        for count in (6, 20):
            result[str(count)] = self.rated(task, count, poles, fits)["all"]["r"]
        return result


def table(results: dict[str, Any], method: str) -> str:
    head = (
        "| set | items | bare 3 + 3 | framed | extended | " + " | ".join(f"{count} ratings" for count in COUNTS) + " |"
    )
    lines = [head, "|---" * (5 + len(COUNTS)) + "|"]
    for name, result in results.items():
        bare = f"{result['bare']['r']:.3f}" if "bare" in result else ""
        cells = [name, f"{result['items']:,}", bare, f"{result['framed']['r']:.3f}", f"{result['extended']['r']:.3f}"]
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


def priors(results: dict[str, Any]) -> str:
    lines = ["| learned on, read on | poles | extended | norm | all | all, 6 ratings | 20 |", "|---" * 7 + "|"]
    for name, one in results.items():
        figures = [one["poles"], one["extended"], one["norm"], one["all"], one["6"]["mean"], one["20"]["mean"]]
        lines.append(f"| {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=50)
    draws = parser.parse_args().draws
    if not SETS.is_dir():
        print(f"skipped: there is no {SETS}; set EMBEDSEARCH_DATA to the folder of the open sets", file=sys.stderr)
        return
    encoder = es.load_encoder()
    bench = Bench(encoder, draws)
    groups = {"sets": main_tasks(), "tuning": tuning_tasks(), "judging": judging_tasks()}
    by_name = {task.name: task for tasks in groups.values() for task in tasks}
    report: dict[str, Any] = {"encoder": encoder.name, "draws": draws}
    for group, tasks in groups.items():
        report[group] = {task.name: bench.measure(task) for task in tasks}
        for method in ("shipped", "not extended"):
            print(f"{group}, {method}:", "", table(report[group], method), "", sep="\n")
        print(comparison(report[group]), "", sep="\n", flush=True)
    report["priors"] = {f"{one} → {two}": bench.prior(by_name[one], by_name[two]) for one, two in PRIORS}
    print(priors(report["priors"]))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
