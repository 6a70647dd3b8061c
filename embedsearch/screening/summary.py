"""What a simulation showed, in numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from embedsearch.screening.metrics import (
    Found,
    Interval,
    average_time_to_discovery,
    recall_at,
    times_to_discovery,
    work_saved,
)
from embedsearch.screening.simulation import Simulation

CURVE_POINTS = 101  # every percent


class Metric(NamedTuple):
    """A metric of an order of reading, with its smallest and largest possible value."""

    of: Callable[[Found], float]
    least: float = 0.0
    most: float = 1.0


def _work_saved(recall: float) -> Metric:
    # Below 0 where an order is worse than random: at worst all is read.
    return Metric(lambda found: work_saved(found, recall), least=recall - 1, most=recall)


METRICS: dict[str, Metric] = {
    "wss95": _work_saved(0.95),
    "wss100": _work_saved(1.0),
    "recall5": Metric(lambda found: float(recall_at(found, 0.05))),
    "recall10": Metric(lambda found: float(recall_at(found, 0.10))),
    "atd": Metric(average_time_to_discovery),
}


def summarise(simulation: Simulation, ids: Sequence[str]) -> dict[str, Any]:
    """Return the metrics, the stop, the recall curve and the times to discovery, as a dict of JSON values.

    All figures except those of the stop leave the priors out. Shares are 0…1; intervals are 95% intervals over repeats.

    Args:
        simulation: a simulation of n records.
        ids: the ids of the records, in the order of their rows.
    """
    replays, settings = simulation.replays, simulation.settings
    return {
        "records": len(ids),
        "relevant": int(replays[0].relevant.sum()),
        "repeats": len(replays),
        "seed": settings.seed,
        "by": settings.by,
        "priors": {"relevant": settings.relevant_priors, "other": settings.other_priors},
        "retrain": {"every": settings.retrain_every, "growth": settings.retrain_growth},
        **{name: metric_interval(simulation, name).to_dict() for name in METRICS},
        "stop": stop(simulation),
        "curve": curve(simulation),
        "time_to_discovery": discovery(simulation, ids),
    }


def metric_interval(simulation: Simulation, name: str) -> Interval:
    """Return the interval of one of `METRICS` over the repeats."""
    metric = METRICS[name]
    values = [metric.of(replay.found) for replay in simulation.replays]
    return Interval.of(values, least=metric.least, most=metric.most)


def stop(simulation: Simulation) -> dict[str, Any]:
    """Return how often the rule stopped the reading before its end, where, and the recall reached.

    ``met`` is the share of repeats in which the target recall was reached, including those read to the end; its
    interval, and that of ``fired``, is Clopper and Pearson's.
    """
    rule, replays = simulation.settings.rule, simulation.replays
    return {
        "target": rule.recall,
        "confidence": rule.confidence,
        "method": rule.method,
        "bias": rule.bias if rule.method == "ranking" else None,
        "fired": Interval.of_share([replay.stop < len(replay.order) for replay in replays]).to_dict(),
        "met": Interval.of_share([replay.recall_at_stop >= rule.recall for replay in replays]).to_dict(),
        "recall": Interval.of([replay.recall_at_stop for replay in replays]).to_dict(),
        "read": Interval.of([1 - replay.saved_at_stop for replay in replays]).to_dict(),
        "records_read": [replay.stop for replay in replays],
    }


def curve(simulation: Simulation) -> dict[str, list[float | None]]:
    """Return the recall after every percent of the records: lists ``read``, ``mean``, ``low``, ``high``."""
    shares = np.linspace(0, 1, CURVE_POINTS)
    recalls = np.array([recall_at(replay.found, shares) for replay in simulation.replays])
    intervals = [Interval.of(column.tolist()) for column in recalls.T]
    return {
        "read": shares.round(4).tolist(),
        "mean": [one.mean for one in intervals],
        "low": [one.low for one in intervals],
        "high": [one.high for one in intervals],
    }


def discovery(simulation: Simulation, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return, for each relevant record, the share of records read when it was found; the last to be found first.

    A repeat in which the record was known beforehand does not count. A record known in all repeats has no entry.
    """
    times: dict[int, list[float]] = {}
    for replay in simulation.replays:
        rows = replay.order[replay.priors :][replay.found]
        for row, time in zip(rows.tolist(), times_to_discovery(replay.found).tolist(), strict=True):
            times.setdefault(row, []).append(time)
    entries = [{"id": ids[row], **Interval.of(values).to_dict()} for row, values in sorted(times.items())]
    return sorted(entries, key=lambda entry: -entry["mean"])
