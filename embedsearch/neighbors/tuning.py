"""How many rows must be proposed, and how many lists visited, for the recall that is wanted: measured, not guessed.

Rows spread over the index are the queries, each one itself left out, and comparing all rows is the truth. What is
found is counted by its score, so that of several rows with the same text any will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from embedsearch.errors import QueryError
from embedsearch.mapped import gather
from embedsearch.neighbors.exact import kth_scores
from embedsearch.neighbors.faiss_index import FaissIndex, spread
from embedsearch.vectors import Rows, Vectors

RECALL = 0.99
SAMPLED = 200
_K = 10
_CANDIDATES = (40, 60, 80, 120, 160, 240, 320, 480, 640, 960, 1280)
_MARGIN = 2
# With lists fewer do for rows of the index, whose neighbours are tight, than for other texts: on a million rows 40
# of 192 lists gave .9985 for those and .979 for these.
_LEAST_WITH_LISTS = 160
_SAME = 1e-6  # scores of equal vectors differ by rounding
# Reading a candidate's vector and scoring it takes as long as scanning the codes of so many rows.
_ROWS_A_CANDIDATE = 100


def checked_recall(recall: float) -> float:
    """Return *recall*.

    Raises:
        QueryError: it is not above 0 and at most 1.
    """
    if not 0 < recall <= 1:
        raise QueryError(f"the recall is {recall}; it must be above 0 and at most 1, such as 0.99")
    return float(recall)


@dataclass(frozen=True, slots=True)
class Effort:
    """What a search for 10 neighbours does.

    Attributes:
        candidates: how many proposed rows are scored exactly, at least 10.
        probes: how many inverted lists are visited, where there are any.
    """

    candidates: int = 80
    probes: int = 64


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What an index can do.

    Attributes:
        effort: the least that reaches the recall wanted, or the most that was tried.
        recall: recall@10 with that effort, 0...1.
        wanted: the recall that was wanted.
        sampled: how many rows were the queries.
    """

    effort: Effort
    recall: float
    wanted: float
    sampled: int

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, all on one level."""
        return {"recall": self.recall, "wanted": self.wanted, "sampled": self.sampled, **asdict(self.effort)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make one from what `to_dict` gave."""
        effort = Effort(values["candidates"], values["probes"])
        return cls(effort, values["recall"], values["wanted"], values["sampled"])


def self_test(index: FaissIndex, vectors: Vectors, wanted: float = RECALL) -> SelfTest:
    """Find the least effort that reaches a recall@10, with half of what may be missed in reserve.

    Args:
        index: covers all of *vectors*.
        vectors: unit rows, shape (n, d).
        wanted: the recall, 0...1.
    """
    own = spread(len(vectors), SAMPLED)
    k = min(_K, len(vectors) - 1)
    if index.kind == "Flat" or k < 1:
        return SelfTest(Effort(_CANDIDATES[0], 0), 1.0, wanted, 0)
    # Rows of an index are easier queries than texts that are not in it: on a million rows visiting 48 lists gave
    # .990 for these and visiting 64 gave .982 for those.
    aim = 1 - (1 - wanted) / _MARGIN
    wanted_scores = kth_scores(vectors, own, k)
    ladder = [candidates for candidates in _CANDIDATES if candidates >= _LEAST_WITH_LISTS or not index.lists]
    best: tuple[float, SelfTest] | None = None
    highest = SelfTest(Effort(), 0.0, wanted, len(own))
    for probes in _ladder(index.lists):
        scan = len(index) * probes / index.lists if index.lists else len(index)
        if best is not None and scan + _ROWS_A_CANDIDATE * ladder[0] >= best[0]:
            break
        scores = _scores(index, vectors, own, probes)
        for candidates in ladder:
            recall = _recall(scores[:, : candidates + 1], wanted_scores, k)
            found = SelfTest(Effort(candidates, probes), recall, wanted, len(own))
            if recall > highest.recall:
                highest = found
            cost = scan + _ROWS_A_CANDIDATE * candidates
            if recall >= aim and (best is None or cost < best[0]):
                best = cost, found
    return best[1] if best else highest


def _ladder(lists: int) -> list[int]:
    """Return the numbers of lists to try, ascending: powers of two, and three steps between each and the next."""
    if not lists:
        return [0]
    steps = {quarters << power for power in range(18) for quarters in (4, 5, 6, 7)} | {2, 3}
    return sorted({1, lists} | {value for value in steps if value < lists})


def _scores(index: FaissIndex, vectors: Vectors, own: Rows, probes: int) -> Vectors:
    """Return the true scores of what is proposed for the rows *own*, in the order of the proposals; -inf where none."""
    found = index.propose(gather(vectors, own), _CANDIDATES[-1] + 1, probes)
    scores = np.full(found.shape, -np.inf, dtype=np.float32)
    for place, (row, proposed) in enumerate(zip(own, found, strict=True)):
        usable = np.flatnonzero((proposed >= 0) & (proposed != row))
        scores[place, usable] = gather(vectors, proposed[usable]) @ vectors[row]
    return scores


def _recall(scores: Vectors, wanted: Vectors, k: int) -> float:
    """Return which share of the k places is filled with a row as near as the k-th nearest."""
    found = (scores >= wanted[:, None] - _SAME).sum(axis=1)
    return float(np.minimum(found, k).mean() / k)
