"""Replaying a labelled set: what a screening of it would have been like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.errors import QueryError
from embedsearch.index.arguments import one_of
from embedsearch.screening.choosing import CHOICES, choose
from embedsearch.screening.features import Features
from embedsearch.screening.ranking import Ranker, RankerSettings, Scores
from embedsearch.screening.stopping import History, StoppingRule
from embedsearch.vectors import Mask, Rows
from embedsearch.wording import count_of

Progress = Callable[[int, int], None]
Scorer = Callable[[NDArray[np.float64]], Scores]


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """How a simulation runs.

    Attributes:
        repeats: how many reviews are replayed, each from its own priors.
        seed: the seed of all that is drawn at random. The priors of a repeat depend on the seed and the labels alone,
            so that rankers are compared from the same ones.
        by: how the next record is chosen; see `choose`.
        relevant_priors: how many relevant records are known beforehand, drawn at random.
        other_priors: how many records that are not relevant are known beforehand, drawn at random.
        retrain_every: the fewest records that are read from one ranking.
        retrain_growth: the same as a share of the records read so far, used if it is more. What one more label teaches
            grows less and less, and batches that grow with the reading are usual (Cormack and Grossman, "Autonomy and
            reliability of continuous active learning", 2015, grow them by a tenth).
        ranker: how the ranker learns.
        rule: the rule that says when the reading would have been stopped.
    """

    repeats: int = 10
    seed: int = 0
    by: str = "likely"
    relevant_priors: int = 1
    other_priors: int = 1
    retrain_every: int = 1
    retrain_growth: float = 0.02
    ranker: RankerSettings = field(default_factory=RankerSettings)
    rule: StoppingRule = field(default_factory=StoppingRule)

    def __post_init__(self) -> None:
        """Refuse a choice that there is not, and numbers that make no sense."""
        one_of("way to choose records called", self.by, CHOICES)
        for name, least in (("repeats", 1), ("retrain_every", 1), ("relevant_priors", 0), ("other_priors", 0)):
            if (given := getattr(self, name)) < least:
                raise QueryError(f"{name.replace('_', ' ')} must be at least {least}, not {given}")
        if not 0 <= self.retrain_growth <= 1:
            raise QueryError(f"retrain growth must be between 0 and 1, not {self.retrain_growth:g}")

    def batch(self, read: int) -> int:
        """Return how many records are read from one ranking when *read* records have been read."""
        return max(self.retrain_every, int(self.retrain_growth * read))


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """One review that was replayed to its end.

    Attributes:
        order: all n rows in the order of reading, int64, the priors first.
        random: shape (n,), bool: whether the record at that place was drawn at random.
        relevant: shape (n,), bool: whether the record at that place was relevant.
        priors: how many records were known beforehand.
        stop: the number of records, priors included, after which the rule would have stopped; n if it never would
            before.
    """

    order: Rows
    random: Mask
    relevant: Mask
    priors: int
    stop: int

    @property
    def found(self) -> Mask:
        """The input of `embedsearch.screening.metrics`: the relevance in the order of reading, without the priors."""
        return self.relevant[self.priors :]

    @property
    def recall_at_stop(self) -> float:
        """The share of all relevant records, priors included, found when the rule would have stopped; 0…1."""
        return float(self.relevant[: self.stop].sum() / self.relevant.sum())

    @property
    def saved_at_stop(self) -> float:
        """The share of all records that would not have been read, 0…1."""
        return 1 - self.stop / len(self.order)


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """Reviews that were replayed.

    Attributes:
        settings: the settings of the simulation.
        replays: one for each repeat.
    """

    settings: SimulationSettings
    replays: tuple[Replay, ...]


def simulate(
    features: Features,
    relevant: ArrayLike,
    *,
    settings: SimulationSettings | None = None,
    prior: ArrayLike | None = None,
    progress: Progress | None = None,
) -> Simulation:
    """Replay the screening of a labelled set, from random priors to the last record.

    Args:
        features: the features of n records.
        relevant: shape (n,), their labels, true or false.
        settings: how to simulate; if None, the defaults.
        prior: see `Ranker`.
        progress: called with the records read so far and the records in all, over all repeats.

    Raises:
        QueryError: the labels have another shape, or there are more priors than records, or they leave nothing to find.
    """
    chosen = settings or SimulationSettings()
    labels = np.asarray(relevant, dtype=bool)
    if labels.shape != (len(features),):
        raise QueryError(f"there are labels of shape {labels.shape} for {len(features)} records")
    check_labels(labels, chosen)

    def scorer(repeat: int) -> Scorer:
        ranker = Ranker(features, prior=prior, settings=chosen.ranker, seed=chosen.seed + repeat)
        return ranker.scores if chosen.by == "uncertain" else ranker.values

    return replayed(labels, scorer, chosen, progress)


def replayed(
    labels: Mask, scorer: Callable[[int], Scorer], settings: SimulationSettings, progress: Progress | None = None
) -> Simulation:
    """Replay with any ranker, for comparison.

    Args:
        labels: shape (n,).
        scorer: takes the number of the repeat and returns a function from labels to scores, as `Ranker.scores` is. Only
            ``uncertain`` needs more than the order of the scores.
        settings: how to simulate; the ranker and the prior are left to *scorer*.
        progress: as for `simulate`.
    """
    replays = []
    for repeat in range(settings.repeats):

        def tell(read: int, done: int = repeat * len(labels)) -> None:
            if progress:
                progress(done + read, settings.repeats * len(labels))

        replays.append(_replay(labels, scorer(repeat), settings, repeat, tell))
    return Simulation(settings, tuple(replays))


def check_labels(relevant: Mask, settings: SimulationSettings) -> None:
    """Check, before the work, whether a simulation can be run.

    Raises:
        QueryError: there are more priors than records, they leave nothing to find, or the rule can never be met.
    """
    count, others = int(relevant.sum()), int((~relevant).sum())
    if count <= settings.relevant_priors or others < settings.other_priors or not others:
        wanted = f"{settings.relevant_priors + 1} relevant and {max(1, settings.other_priors)} other records"
        are = "is" if count == 1 else "are"
        raise QueryError(
            f"{count:,} of {count_of(len(relevant), 'record')} {are} relevant; wanted at least {wanted}, of which "
            f"{settings.relevant_priors} and {settings.other_priors} are known beforehand"
        )
    if settings.rule.method == "audit" and settings.by not in ("random", "mixed"):
        raise QueryError(
            f"with records chosen as {settings.by!r} none is drawn at random, so an audit never stops; "
            "choose them as 'mixed', or stop by 'ranking'"
        )


def _replay(
    labels: Mask, scores_of: Scorer, settings: SimulationSettings, repeat: int, tell: Callable[[int], None]
) -> Replay:
    order = _priors(labels, settings, repeat)
    random = [False] * len(order)
    known = np.full(len(labels), np.nan)
    known[order] = labels[order]
    missing = int(labels.sum() - labels[order].sum())
    scores = np.zeros(len(labels))
    while len(order) < len(labels):
        # When nothing is left to find, the order of the rest makes no difference to any figure.
        if missing and settings.by != "random":
            scores = scores_of(known)
        count = settings.batch(len(order)) if missing else len(labels)
        rows, at_random = choose(scores, known, by=settings.by, count=count, seed=settings.seed + repeat)
        order += rows.tolist()
        random += [at_random] * len(rows)
        known[rows] = labels[rows]
        missing -= int(labels[rows].sum())
        tell(len(order))
    rows, draws = np.array(order, dtype=np.int64), np.array(random)
    return Replay(
        rows, draws, labels[rows], settings.relevant_priors + settings.other_priors,
        stopping_place(settings.rule, labels[rows], draws),
    )  # fmt: skip


def _priors(labels: Mask, settings: SimulationSettings, repeat: int) -> list[int]:
    draws = np.random.default_rng((settings.seed, repeat))
    kinds = ((labels, settings.relevant_priors), (~labels, settings.other_priors))
    return [int(row) for kind, count in kinds for row in draws.choice(np.flatnonzero(kind), count, replace=False)]


def stopping_place(rule: StoppingRule, relevant: Mask, random: Mask) -> int:
    """Return after how many records, in the order of reading, a rule that is asked after each would first stop.

    As long as nothing is found, every record read makes it likelier that little is left. So a rule that is not met at
    the end of such a stretch was not met within it, and the first moment within one can be found by bisection.
    """
    ends = np.unique(np.append(np.flatnonzero(relevant), len(relevant)))

    def met(read: int) -> bool:
        return rule.met(History(len(relevant), relevant[:read], random[:read]))

    begin = 0
    for end in ends.tolist():
        if end > begin and met(end):
            return _first(met, begin + 1, end)
        begin = end
    return len(relevant)


def _first(met: Callable[[int], bool], low: int, high: int) -> int:
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if met(middle) else (middle + 1, high)
    return low
