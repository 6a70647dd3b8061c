"""A labelled set replayed: what a screening would have been like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from embedsearch.errors import QueryError
from embedsearch.screening.choosing import choose
from embedsearch.screening.features import Features
from embedsearch.screening.ranking import Ranker
from embedsearch.screening.stopping import StoppingRule
from embedsearch.vectors import Mask, Rows

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """How a simulation runs.

    Attributes:
        repeats: how many reviews are replayed, each from priors of its own.
        seed: of all that is drawn at random.
        by: how the next record is chosen; see `choose`.
        rule: when it would have been stopped.
    """

    repeats: int = 10
    seed: int = 0
    by: str = "likely"
    rule: StoppingRule = field(default_factory=StoppingRule)


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """Reviews that were replayed.

    Attributes:
        relevant: shape (n,), bool, the labels.
        orders: for each repeat all n rows in the order of reading, int64, the priors first.
        priors: how many of them were known beforehand.
    """

    relevant: Mask
    orders: tuple[Rows, ...]
    priors: int


def simulate(
    features: Features, relevant: ArrayLike, *, settings: SimulationSettings, progress: Progress | None = None
) -> Simulation:
    """Replay the screening of a labelled set."""
    del progress
    labels = np.asarray(relevant, dtype=bool)
    if labels.sum() < 2 or labels.all():
        raise QueryError("wanted at least two relevant records and one that is not")
    ranker = Ranker(features, seed=settings.seed)
    orders = []
    for repeat in range(settings.repeats):
        draws = np.random.default_rng((settings.seed, repeat))
        order = [int(draws.choice(np.flatnonzero(labels))), int(draws.choice(np.flatnonzero(~labels)))]
        known = np.full(len(labels), np.nan)
        known[order] = labels[order]
        while len(order) < len(labels):
            rows, _ = choose(ranker.scores(known), known, by=settings.by, seed=settings.seed)
            known[rows] = labels[rows]
            order += rows.tolist()
        orders.append(np.array(order))
    return Simulation(labels, tuple(orders), 2)
