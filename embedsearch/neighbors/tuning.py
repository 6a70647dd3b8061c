"""How many rows must be proposed, and which lists visited, for the recall that is wanted: measured, not guessed.

Rows spread over the index are the queries, each one itself left out, and comparing all rows is the truth. What is
found is counted by its score, so that of several rows with the same text any will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from numbers import Real
from typing import Any, Self

import numpy as np

from embedsearch.errors import QueryError
from embedsearch.mapped import gather
from embedsearch.neighbors.exact import kth_scores
from embedsearch.neighbors.faiss_index import FaissIndex, spread
from embedsearch.vectors import Mask, Rows, Vectors
from embedsearch.wording import shown

RECALL = 0.99
SAMPLED = 200
TESTED = 10  # neighbours, for which the effort is measured
_CANDIDATES = (40, 60, 80, 120, 160, 240, 320, 480, 640, 960, 1280)
_MARGIN = 1.5  # 200 rows tell a recall of .99 to about .003
_LEAST_LISTS = 32
_STEP = 1.1  # the number of lists is rounded up to a power of this, so that many queries can be answered together
# Differences of cosines to centroids, the last of which takes all lists.
_GAPS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.225, 0.25, 0.275, 0.3, 0.325, 0.35, 0.375, 0.4, 0.45, 0.5, 0.6, 0.8, 2.0)
_SLACK = 1.5  # times more are proposed than would do if allowed rows were spread evenly, which they are not
_SAME = 1e-6  # scores of equal vectors differ by rounding
# Reading a candidate's vector and scoring it takes as long as scanning the codes of so many rows.
_ROWS_A_CANDIDATE = 100


def checked_recall(recall: float) -> float:
    """Return *recall*.

    Raises:
        QueryError: it is no number above 0 and at most 1.
    """
    if not isinstance(recall, Real) or not 0 < recall <= 1:
        raise QueryError(f"the recall is {shown(recall)}; it must be above 0 and at most 1, such as 0.99")
    return float(recall)


def growth(indexed: int, allowed: int) -> float:
    """Return how many times more rows are proposed, and lists visited, where *allowed* of *indexed* rows count."""
    return 1 + _SLACK * (indexed / max(1, allowed) - 1)


@dataclass(frozen=True, slots=True)
class Effort:
    """What a search for 10 neighbours does.

    Attributes:
        candidates: how many proposed rows are scored exactly, at least 10.
        probes: how many inverted lists are visited at least, where there are any.
        gap: lists whose centroid's cosine to the query is at most so much less than the nearest one's are visited too.
    """

    candidates: int = 80
    probes: int = 64
    gap: float = 0.0

    def lists(self, index: FaissIndex, queries: Vectors, times: float = 1.0) -> Rows:
        """Return how many lists of an index are visited for each of *queries*, (m, d): int64 of shape (m,).

        Args:
            index: the index.
            queries: unit vectors, shape (m, d).
            times: as many more where only some of the rows count, whose nearest lie farther away; see `growth`.
        """
        wanted = np.full(len(queries), self.probes)
        if index.lists and self.gap:
            near = np.maximum(index.lists_near(queries, self.gap), self.probes)
            wanted = np.ceil(_STEP ** np.ceil(np.log(near) / np.log(_STEP) - 1e-9))
        visited: Rows = np.minimum(np.ceil(times * wanted), index.lists).astype(np.int64)
        return visited


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What an index can do.

    Attributes:
        effort: the least that reaches the recall wanted, or the most that was tried.
        recall: recall@10 with that effort, 0...1.
        wanted: the recall that was wanted.
        sampled: how many rows were the queries.
        visited: how many lists were visited for one of them, on average.
    """

    effort: Effort
    recall: float
    wanted: float
    sampled: int
    visited: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, all on one level."""
        own = {"recall": self.recall, "wanted": self.wanted, "sampled": self.sampled, "visited": self.visited}
        return own | asdict(self.effort)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make one from what `to_dict` gave."""
        effort = Effort(values["candidates"], values["probes"], values["gap"])
        return cls(effort, values["recall"], values["wanted"], values["sampled"], values["visited"])


def self_test(index: FaissIndex, vectors: Vectors, wanted: float = RECALL, dead: Rows | None = None) -> SelfTest:
    """Find the least effort that reaches a recall@10, with a third of what may be missed in reserve.

    Args:
        index: covers all of *vectors*.
        vectors: unit rows, shape (n, d).
        wanted: the recall, 0...1.
        dead: the deleted rows, ascending, which are neither queries nor neighbours; none if None.
    """
    is_live = np.ones(len(vectors), dtype=bool)
    is_live[np.empty(0, dtype=np.int64) if dead is None else dead] = False
    live = np.flatnonzero(is_live)
    k = min(TESTED, len(live) - 1)
    if index.kind == "Flat" or k < 1:
        return SelfTest(Effort(_CANDIDATES[0], 0), 1.0, wanted, 0)
    own, times = live[spread(len(live), SAMPLED)], growth(len(index), len(live))
    aim = 1 - (1 - wanted) / _MARGIN
    queries = gather(vectors, own)
    wanted_scores = kth_scores(vectors, own, k, is_live)
    # Where more would have to be proposed, a search compares all live rows.
    most = max(_CANDIDATES[-1] + 1, len(live) // 4)
    best: tuple[float, SelfTest] | None = None
    highest = SelfTest(Effort(), 0.0, wanted, len(own))
    for gap in _GAPS if index.lists else (0.0,):
        effort = Effort(probes=min(_LEAST_LISTS, index.lists), gap=gap)
        probes = effort.lists(index, queries, times)
        visited = float(probes.mean())
        scan = len(index) * (visited / index.lists if index.lists else 1)
        if best is not None and scan + _ROWS_A_CANDIDATE * _CANDIDATES[0] >= best[0]:
            break
        proposed = index.propose(queries, min(most, int(np.ceil(times * (_CANDIDATES[-1] + 1)))), probes)
        scores = _scores(vectors, own, proposed, is_live)
        for candidates in _CANDIDATES:
            recall = _recall(scores[:, : int(np.ceil(times * (candidates + 1)))], wanted_scores, k)
            found = SelfTest(replace(effort, candidates=candidates), recall, wanted, len(own), visited)
            if recall > highest.recall:
                highest = found
            cost = scan + _ROWS_A_CANDIDATE * candidates
            if recall >= aim and (best is None or cost < best[0]):
                best = cost, found
    return best[1] if best else highest


def _scores(vectors: Vectors, own: Rows, proposed: Rows, is_live: Mask) -> Vectors:
    """Return the true scores of the live rows proposed for *own*, in the order of the proposals; -inf elsewhere."""
    scores = np.full(proposed.shape, -np.inf, dtype=np.float32)
    for place, (row, rows) in enumerate(zip(own, proposed, strict=True)):
        usable = np.flatnonzero((rows >= 0) & (rows != row) & is_live[rows])
        scores[place, usable] = gather(vectors, rows[usable]) @ vectors[row]
    return scores


def _recall(scores: Vectors, wanted: Vectors, k: int) -> float:
    """Return which share of the k places is filled with a row as near as the k-th nearest."""
    found = (scores >= wanted[:, None] - _SAME).sum(axis=1)
    return float(np.minimum(found, k).mean() / k)
