"""The open sets that axes are measured on: things, each with a number that people or scales gave it.

Read from ../shared/data, or from the folder that EMBEDSEARCH_DATA names; never copied.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import embedsearch as es

ROOT = Path(__file__).parent.parent
SETS = Path(os.environ.get("EMBEDSEARCH_DATA", ROOT / "../shared/data"))
_GLASGOW = SETS / "glasgow/13428_2018_1099_MOESM2_ESM.csv"


@dataclass
class Task:
    """Items with a number each, and the axis that should read it."""

    name: str
    axis: str
    items: list[str]
    values: np.ndarray
    two_valued: bool = False

    def known(self) -> Task:
        """Return the task without items that have no number."""
        kept = ~np.isnan(self.values)
        items = [item for item, keep in zip(self.items, kept, strict=True) if keep]
        return Task(self.name, self.axis, items, self.values[kept], self.two_valued)


def definitions() -> dict[str, es.Axis]:
    """Return the axes by name: those shipped with the corpus, and those written for the sets."""
    shipped = {axis.name: axis for axis in es.read_axes(ROOT / "corpus/axes.toml")}
    return shipped | {axis.name: axis for axis in es.read_axes(Path(__file__).parent / "axes_definitions.toml")}


@cache
def _glasgow() -> list[dict[str, str]]:
    with open(_GLASGOW, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def glasgow(name: str, axis: str, column: str) -> Task:
    """Return a scale of the Glasgow norms: 5,553 words."""
    words = _glasgow()
    return Task(name, axis, [word["Words"] for word in words], np.array([float(word[column]) for word in words]))


@cache
def _awa2() -> tuple[list[str], list[str], np.ndarray]:
    def names(file: str) -> list[str]:
        return [line.split()[1].replace("+", " ") for line in (SETS / "awa2" / file).read_text().splitlines() if line]

    strengths = np.loadtxt(SETS / "awa2/predicate-matrix-continuous.txt")
    strengths[strengths < 0] = np.nan
    return names("classes.txt"), names("predicates.txt"), strengths


def awa2(name: str, axis: str, plus: Sequence[str], minus: Sequence[str] = ()) -> Task:
    """Return the 50 animals of AwA2 by a sum of attributes minus others."""
    animals, predicates, strengths = _awa2()
    columns = {predicate: strengths[:, predicates.index(predicate)] for predicate in (*plus, *minus)}
    values = sum((columns[one] for one in plus), np.zeros(len(animals)))
    return Task(name, axis, animals, values - sum((columns[one] for one in minus), np.zeros(len(animals))))


def zoo(name: str, axis: str, column: int) -> Task:
    """Return a trait of the 101 animals of the UCI Zoo set: 0 or 1."""
    records = [line.split(",") for line in (SETS / "zoo/zoo.data").read_text().splitlines() if line.strip()]
    values = np.array([float(record[column]) for record in records])
    return Task(name, axis, [record[0] for record in records], values, two_valued=True)


def anage(name: str, axis: str, column: str) -> Task:
    """Return logarithms of a column of AnAge, for common names all of whose words occur in the other sets."""
    others = [*(word["Words"] for word in _glasgow()), *_awa2()[0], *zoo("", "", 7).items]
    familiar = {word for other in others for word in other.casefold().split()}
    values: dict[str, float] = {}
    with open(SETS / "anage/anage_data.txt", encoding="utf-8", errors="replace", newline="") as stream:
        for record in csv.DictReader(stream, delimiter="\t"):
            common, value = record["Common name"].casefold(), record[column]
            if common and value and familiar.issuperset(common.split()):
                values.setdefault(common, float(value))
    return Task(name, axis, list(values), np.log10(list(values.values())))


def main_tasks() -> list[Task]:
    """Return the tasks that the project's targets are about."""
    prey = ("hunter", "meat", "stalker", "fierce")
    return [
        awa2("AwA2 size", "size", ["big"], ["small"]),
        awa2("AwA2 predatoriness", "predatoriness", prey),
        awa2("AwA2 predatoriness, axis for animals", "hunting", prey),
        zoo("Zoo predator (AUC)", "predatoriness", 7),
        zoo("Zoo predator (AUC), axis for animals", "hunting", 7),
        anage("AnAge log weight, familiar names", "size", "Adult weight (g)"),
        glasgow("Glasgow SIZE", "size", "Size.M"),
        glasgow("Glasgow valence", "valence", "Valence.M"),
    ]


def tuning_tasks() -> list[Task]:
    """Return tasks that choices may be made on; none of them is among the main or the judging ones."""
    return [
        glasgow("Glasgow arousal", "arousal", "Arousal.M"),
        glasgow("Glasgow concreteness", "concreteness", "Concreteness.M"),
        glasgow("Glasgow familiarity", "familiarity", "Familiarty.M"),
        glasgow("Glasgow age of acquisition", "age", "AoA.M"),
        awa2("AwA2 speed", "speed", ["fast"], ["slow"]),
        awa2("AwA2 strength", "strength", ["strong"], ["weak"]),
        awa2("AwA2 water", "water", ["water", "swims", "ocean"], ["ground"]),
        awa2("AwA2 activity", "activity", ["active"], ["inactive"]),
        zoo("Zoo venomous (AUC)", "venom", 11),
        zoo("Zoo domestic (AUC)", "domestication", 15),
        anage("AnAge log longevity, familiar names", "longevity", "Maximum longevity (yrs)"),
    ]


def judging_tasks() -> list[Task]:
    """Return tasks that nothing was chosen on."""
    return [
        glasgow("Glasgow dominance", "dominance", "Dominance.M"),
        glasgow("Glasgow imageability", "imageability", "Imag.M"),
        glasgow("Glasgow gender", "masculinity", "Gender.M"),
        awa2("AwA2 fur", "furriness", ["furry"], ["hairless"]),
        awa2("AwA2 sociality", "sociality", ["group"], ["solitary"]),
        awa2("AwA2 intelligence", "intelligence", ["smart"]),
        awa2("AwA2 ferocity", "ferocity", ["fierce"], ["timid"]),
        awa2("AwA2 nocturnal", "night", ["nocturnal"]),
        awa2("AwA2 domestic", "domestication", ["domestic"]),
        zoo("Zoo airborne (AUC)", "flight", 5),
        zoo("Zoo aquatic (AUC)", "water", 6),
        zoo("Zoo catsize (AUC)", "size", 16),
    ]


def agreement(coordinates: np.ndarray, values: np.ndarray, *, two_valued: bool) -> float:
    """Return Pearson's r, or the area under the ROC curve where values are 0 and 1."""
    if not two_valued:
        return float(np.corrcoef(coordinates, values)[0, 1])
    high, low = coordinates[values == 1], coordinates[values == 0]
    return float((high[:, None] > low).mean() + (high[:, None] == low).mean() / 2)


class Vectors:
    """Float64 unit vectors of texts, each encoded once."""

    def __init__(self, encode: Callable[[Sequence[str]], np.ndarray]) -> None:
        """Take what encodes: texts to vectors, shape (n, d)."""
        self._encode = encode
        self._found: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of *texts*, shape (n, d)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._found]
        if new:
            vectors = np.asarray(self._encode(new), dtype=np.float64)
            self._found.update(zip(new, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), strict=True))
        return np.stack([self._found[text] for text in texts])
