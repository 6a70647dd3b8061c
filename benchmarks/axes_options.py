"""What was tried to bring pole axes nearer to people: wordings, phrasings, layers, what poles are extended over.

Run from the root of the project: python benchmarks/axes_options.py. Prints Markdown tables and writes
benchmarks/results/axes_options.json. Figures are means of Pearson's r (AUC for Zoo) of poles alone over the main, the
tuning and the judging tasks of axes_sets.py. Whatever is chosen may be chosen on the tuning tasks only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from axes import Bench, unit
from axes_sets import ROOT, SETS, Task, Vectors, agreement, awa2, judging_tasks, main_tasks, tuning_tasks, zoo

import embedsearch as es
from embedsearch.axes.extending import extended

RESULTS = ROOT / "benchmarks/results/axes_options.json"
PHRASINGS = {"a {}": ["a {}"], "four phrasings": ["{}", "a {}", "a photo of a {}", "it is a {}"]}
LAYERS = {"layer 4": [4], "last 2 layers": [5, 6], "last 3 layers": [4, 5, 6], "all layers": list(range(7))}

# One question in many words. All were looked at on these two sets; none but the shipped one is used anywhere.
_NOUNS = (
    ["prey animal", "herbivore", "grazer", "plant eater", "victim of predators", "grazing animal",
     "harmless creature", "leaf eater"],
    ["predator", "carnivore", "hunter", "meat eater", "killer of other animals", "hunting animal",
     "dangerous creature", "beast of prey"],
)  # fmt: skip
_PLAIN = (
    ["prey", "grazer", "herbivore", "victim", "plant eater", "browser", "forager", "grass eater"],
    ["predator", "hunter", "carnivore", "killer", "meat eater", "stalker", "attacker", "flesh eater"],
)
_DOES = (
    ["eats grass", "grazes in herds", "is hunted by predators", "flees from danger", "eats leaves and fruit",
     "harms no other animal", "is peaceful and gentle", "is eaten by others"],
    ["hunts its prey", "kills other animals", "eats meat", "stalks and ambushes", "attacks its victims",
     "feeds on flesh", "is fierce and dangerous", "devours others"],
)  # fmt: skip
WORDINGS = {
    "eight nouns": (*_PLAIN, ["a {}"]),
    "eight nouns, for an animal": (*_PLAIN, ["a {} animal"]),
    "the first three": (_PLAIN[0][:3], _PLAIN[1][:3], ["a {}"]),
    "other nouns": (*_NOUNS, ["a {}", "an animal that is a {}"]),
    "what it does": (*_DOES, ["an animal that {}"]),
}


class Options:
    """Every option as a function of a task: vectors of the items, and the direction they are read with."""

    def __init__(self, bench: Bench, layers: Vectors) -> None:
        """Take the encoder's vectors, and those of all hidden layers side by side."""
        self.bench = bench
        self.layers = layers

    def of(self, task: Task) -> dict[str, float]:
        """Return what each option reaches on a task."""
        task, axis = task.known(), self.bench.axes[task.axis]
        items, poles = self.bench.vectors(task.items), self.bench.poles(axis)
        weighed = self.weighed(axis, items)
        found = {"as shipped": (items, poles), "phrases weighed by agreement": (items, weighed)}
        for name, frames in PHRASINGS.items():
            found[name] = (self.phrased(task.items, frames), poles)
        populations = {"the items": items, "the corpus": self.bench.corpus}
        populations["both"] = np.concatenate([self.bench.corpus, items])
        for name, passages in populations.items():
            found[f"extended over {name}"] = (items, _extended(poles, passages))
        four = found["four phrasings"][0]
        both = np.concatenate([self.bench.corpus, four])
        found["four phrasings, extended over both"] = (four, _extended(poles, both))
        found["weighed, four phrasings, extended over both"] = (four, _extended(weighed, both))
        for name, chosen in LAYERS.items():
            low, high = (self.layered(side, chosen).mean(axis=0) for side in (axis.low_texts, axis.high_texts))
            found[name] = (self.layered(task.items, chosen), unit(high - low))
        return {
            name: agreement(vectors @ direction, task.values, two_valued=task.two_valued)
            for name, (vectors, direction) in found.items()
        }

    def phrased(self, items: Sequence[str], frames: Sequence[str]) -> np.ndarray:
        """Return the mean vectors of items in several phrasings, unit rows."""
        total = sum(self.bench.vectors([frame.replace("{}", item) for item in items]) for frame in frames)
        return total / np.linalg.norm(total, axis=1, keepdims=True)

    def weighed(self, axis: es.Axis, items: np.ndarray) -> np.ndarray:
        """Return poles in which each phrase counts as far as its coordinates agree with those of all others."""
        low, high = (
            self.bench.vectors(texts).reshape(len(axis.frames), -1, items.shape[1]).mean(axis=0)
            for texts in (axis.low_texts, axis.high_texts)
        )
        middle = (low.mean(axis=0) + high.mean(axis=0)) / 2
        raters = np.concatenate([middle - low, high - middle])
        columns = (items - items.mean(axis=0)) @ raters.T
        columns /= columns.std(axis=0)
        total = columns.sum(axis=1)
        weights = [max(0.0, np.corrcoef(column, total - column)[0, 1]) for column in columns.T]
        return unit(np.array(weights) @ raters)

    def layered(self, texts: Sequence[str], chosen: Sequence[int]) -> np.ndarray:
        """Return the mean over hidden layers of the mean token vector of each, unit rows."""
        stacked = self.layers(texts).reshape(len(texts), 7, -1)
        stacked /= np.linalg.norm(stacked, axis=2, keepdims=True)
        total = stacked[:, list(chosen)].sum(axis=1)
        return total / np.linalg.norm(total, axis=1, keepdims=True)


def _extended(poles: np.ndarray, passages: np.ndarray) -> np.ndarray:
    return extended(poles.astype(np.float32), passages.astype(np.float32), name="axis").astype(float)


def hidden_layers(folder: str) -> Vectors:
    """Return what gives the mean token vectors of the seven layers of all-MiniLM-L6-v2, side by side."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def encode(texts: Sequence[str]) -> np.ndarray:
        parts = []
        for start in range(0, len(texts), 128):
            batch = tokenizer(list(texts[start : start + 128]), padding=True, truncation=True, return_tensors="pt")
            with torch.inference_mode():
                layers = model(**batch, output_hidden_states=True).hidden_states
            mask = batch["attention_mask"].unsqueeze(-1)
            parts.append(torch.cat([(layer * mask).sum(1) / mask.sum(1) for layer in layers], dim=1).numpy())
        return np.concatenate(parts)

    return Vectors(encode)


def wordings(bench: Bench) -> dict[str, dict[str, float]]:
    """Return what each wording of predatoriness reaches."""
    shipped = bench.axes["predatoriness"]
    axes = {"shipped": shipped}
    axes["its phrases on animals"] = es.Axis("x", shipped.low[:5], shipped.high[:5], frames=shipped.frames)
    axes["its phrases on people"] = es.Axis("x", shipped.low[5:], shipped.high[5:], frames=shipped.frames)
    axes["adjectives (hunting)"] = bench.axes["hunting"]
    axes |= {name: es.Axis("x", low, high, frames=frames) for name, (low, high, frames) in WORDINGS.items()}
    tasks = [awa2("AwA2", "", ("hunter", "meat", "stalker", "fierce")), zoo("Zoo (AUC)", "", 7)]
    return {
        name: {
            task.name: agreement(bench.vectors(task.items) @ bench.poles(axis), task.values, two_valued=task.two_valued)
            for task in tasks
        }
        for name, axis in axes.items()
    }


def main() -> None:
    if not SETS.is_dir():
        print(f"skipped: there is no {SETS}; set EMBEDSEARCH_DATA to the folder of the open sets", file=sys.stderr)
        return
    encoder = es.load_encoder()
    bench = Bench(encoder, draws=0)
    options = Options(bench, hidden_layers(str(encoder.folder.path)))
    groups = {"main": main_tasks(), "tuning": tuning_tasks(), "judging": judging_tasks()}
    found: dict[str, Any] = {name: {task.name: options.of(task) for task in tasks} for name, tasks in groups.items()}
    names = list(next(iter(found["main"].values())))
    print("| poles alone, mean r | " + " | ".join(groups) + " |", "|---" * 4 + "|", sep="\n")
    for name in names:
        means = [np.mean([one[name] for one in found[group].values()]) for group in groups]
        print(f"| {name} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")
    report = {"encoder": encoder.name, "tasks": found, "wordings": wordings(bench)}
    for name, one in report["wordings"].items():
        print(f"| {name} | " + " | ".join(f"{figure:.3f}" for figure in one.values()) + " |")
    RESULTS.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
