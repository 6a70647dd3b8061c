"""What may have been missed, and when to stop.

There are two estimates, each with a one-sided bound and a statement of what it assumes: `audit_estimate` from records
that were drawn at random, `ranking_estimate` from the yield of the ranking itself. Both ask the same about a number K:
if K relevant records were still unread, how strange would it be to find as few as were found? The bound is the largest
K whose p-value is above 1 - confidence. For the audit, the p-value is the probability of so few; for the ranking, it is
one that holds at every moment, since it is looked at after every record.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import QueryError, did_you_mean
from embedsearch.screening.martingale import Capital, capital
from embedsearch.screening.tails import Counts, Probabilities, binomial_tail
from embedsearch.wording import shown

Method = Literal["audit", "ranking"]
METHODS: tuple[Method, ...] = ("ranking", "audit")

# A relevant record is taken to be so many times as likely to be read next as another unread one. 1 assumes the least: a
# ranking no worse than chance. 3 saved more and held on the six open reviews that it was chosen on, but it did not hold
# on one of two collections that nothing was chosen on, where 1 did (docs/benchmarks.md).
BIAS = 1.0

_GRID = 24  # suppositions that are tested in one pass

AUDIT_ASSUMPTION = (
    "each record that counts was drawn at random from all records unread at that time, and the size of the sample "
    "was not chosen by what the sample showed"
)
AUDIT_SOURCE = (
    "exact binomial tail for draws without replacement, as in Callaghan and Müller-Hansen, Systematic Reviews 9:273 "
    "(2020), widened to draws that alternate with other reading"
)
RANKING_ASSUMPTION = (
    "at every point of the reading, a relevant record was at least {} to be read next as an irrelevant one"
)
RANKING_SOURCE = (
    "the question of Callaghan and Müller-Hansen, Systematic Reviews 9:273 (2020), answered for every moment by a test "
    "martingale, as in Waudby-Smith and Ramdas, Confidence sequences for sampling without replacement (2020)"
)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What was read, in the order of reading.

    Attributes:
        records: how many records there are, read or not.
        relevant: shape (m,), bool: whether each record read was relevant. Records that were known before the
            screening come first.
        random: shape (m,), bool: whether it had been drawn at random from all records not read at that time.
        left: shape (m,): how many records had not been read before each. Records that were later labelled without being
            in this history (imported, undecided), or taken out of the pile, count as unread until then. If None, it
            follows from *records*.
        beside: shape (m,), never rising: how many of the records in *left* are relevant and were found later, neither
            by a draw nor by a ranking. If None, none.
        joined: shape (m,): how many of the records that are unread now were not among those in *left*. If None, none.
        doubtful: how many of the records drawn at random are undecided; each may be relevant.
    """

    records: int
    relevant: NDArray[np.bool_]
    random: NDArray[np.bool_]
    left: Counts | None = None
    beside: Counts | None = None
    joined: Counts | None = None
    doubtful: int = 0

    def __post_init__(self) -> None:
        """Refuse a history that cannot be."""
        if self.relevant.shape != self.random.shape or len(self.relevant) > self.records:
            raise QueryError(
                f"{len(self.relevant)} labels and {len(self.random)} marks of random draws for {self.records} records"
            )
        for name in ("left", "beside", "joined"):
            counts = getattr(self, name)
            if counts is not None and counts.shape != self.relevant.shape:
                raise QueryError(f"{len(counts)} numbers of records ({name}) for {len(self.relevant)} labels")

    @property
    def read(self) -> int:
        """How many records were read."""
        return len(self.relevant)

    @property
    def unread(self) -> int:
        """How many records were not read."""
        return self.records - self.read

    @property
    def found(self) -> int:
        """How many relevant records were found."""
        return int(self.relevant.sum())


@dataclass(frozen=True, slots=True)
class RecallEstimate:
    """An estimate of how much of all that is relevant has been found.

    Attributes:
        method: ``audit`` or ``ranking``.
        found: how many relevant records have been found so far.
        missed: an estimate of those not found yet: the number for which what was seen is as likely as not.
        missed_at_most: the upper bound on those not found yet, with the confidence.
        confidence: of the one-sided bound, 0…1.
        assumption: what the bound assumes, as a clause.
        source: where the method was published.
    """

    method: Method
    found: int
    missed: int
    missed_at_most: int
    confidence: float
    assumption: str
    source: str

    @property
    def recall(self) -> float:
        """The estimated recall, 0…1; 1 if nothing is found and nothing is missed."""
        return _share(self.found, self.missed)

    @property
    def recall_at_least(self) -> float:
        """The lower bound of the recall, 0…1."""
        return _share(self.found, self.missed_at_most)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields and both recalls as a dict of JSON values."""
        return asdict(self) | {"recall": self.recall, "recall_at_least": self.recall_at_least}


def _share(found: int, missed: int) -> float:
    return found / (found + missed) if found + missed else 1.0


def audit_estimate(history: History, *, confidence: float = 0.95) -> RecallEstimate:
    """Estimate the recall from the records that were drawn at random, whatever else was read between them.

    If K relevant records are unread now, at least K were unread at each draw. So a draw from u unread records hit one
    with probability K/u or more, whatever came before. The number of hits is then at least as large as a sum of
    independent events of these probabilities, and a bound from that sum holds for any order of reading.

    Three corrections: the b relevant records that were found later, beside the draws and the ranking, were unread too,
    so that K + b were; the draw says nothing about the j records that joined after it, so that K - j were; and a draw
    that is undecided counts as a hit.

    Raises:
        QueryError: the confidence is not between 0 and 1.
    """
    error = 1 - _checked(confidence)
    missed, at_most = _largest(audit_tail, history, max(error, 0.5)), _bound(audit_tail, history, error)
    return RecallEstimate("audit", history.found, missed, at_most, confidence, AUDIT_ASSUMPTION, AUDIT_SOURCE)


def ranking_estimate(history: History, *, confidence: float = 0.95, bias: float = BIAS) -> RecallEstimate:
    """Estimate the recall from the yield of the reading, wherever less was found than K missed records would give.

    The records read since any moment are taken as a sample of those unread at that moment, in which relevant records
    are over-represented by *bias* or more. The bound holds at every moment, however often it is looked at: see
    `embedsearch.screening.martingale`. The estimate is the largest number that no part of the reading that ends now
    makes twice as unlikely.

    Args:
        history: the history of the whole reading.
        confidence: the confidence of the bound, above 0 and below 1.
        bias: how many times as likely as another unread record a relevant one is to be read next, at least 1.

    Raises:
        QueryError: the confidence or the bias is out of range.
    """
    _check_bias(bias)
    error = 1 - _checked(confidence)
    at_most = _bound(partial(ranking_tail, bias=bias), history, error)
    missed = min(at_most, _largest(partial(_best_tail, bias=bias), history, 0.5))
    assumption = RANKING_ASSUMPTION.format("as likely" if bias == 1 else f"{bias:g} times as likely")
    return RecallEstimate("ranking", history.found, missed, at_most, confidence, assumption, RANKING_SOURCE)


def audit_tail(history: History, missed: Counts) -> Probabilities:
    """Return the probabilities, shape (g,), that random draws hit as few as they did if *missed* (g,) are unread."""
    drawn = np.flatnonzero(history.random)
    left = history.records - drawn if history.left is None else history.left[drawn]
    there = np.broadcast_to(missed, (len(drawn), len(missed)))
    if history.joined is not None:
        there = np.maximum(there - history.joined[drawn, None], 0)
    if history.beside is not None:
        there = there + history.beside[drawn, None]
    rates = np.minimum(1.0, there / left[:, None])
    return binomial_tail(rates, int(history.relevant[drawn].sum()) + history.doubtful)


def ranking_tail(history: History, missed: Counts, bias: float = BIAS) -> Probabilities:
    """Return p-values, shape (g,), of so low a yield if *missed* (g,) were unread now; they hold at every moment."""
    return np.exp(-np.maximum(_capital(history, missed, bias).together, 0))


def _best_tail(history: History, missed: Counts, bias: float) -> Probabilities:
    """Return how unlikely the part of the reading that speaks most against them makes *missed* (g,)."""
    return np.exp(-_capital(history, missed, bias).best)


def _capital(history: History, missed: Counts, bias: float) -> Capital:
    """Return the capital of bets against *missed* (g,) unread now.

    Records that were read before the last ones joined are not a sample of those unread now, and are left out.
    """
    before = np.flatnonzero([] if history.joined is None else history.joined)
    begin = int(before[-1]) + 1 if len(before) else 0
    relevant = history.relevant[begin:]
    left = history.records - np.arange(begin, history.read) if history.left is None else history.left[begin:]
    found = np.cumsum(relevant[::-1], dtype=np.int64)[::-1]
    there = found if history.beside is None else found + history.beside[begin:]
    return capital(relevant, left, there[:, None] + missed, bias)


def _bound(tail: Callable[[History, Counts], Probabilities], history: History, error: float) -> int:
    """Return the largest number of missed records whose p-value is above the error allowed."""
    return _largest(tail, _credited(tail, history, error), error)


def _credited(tail: Callable[[History, Counts], Probabilities], history: History, error: float) -> History:
    """Leave out records found beside, if more were found than the bound allowed: an assumption did not hold."""
    refuted = history.beside is not None and tail(history, np.array([0]))[0] <= error
    return replace(history, beside=None) if refuted else history


def _largest(tail: Callable[[History, Counts], Probabilities], history: History, level: float) -> int:
    low, high = 0, history.unread
    while low < high:
        grid = np.unique(np.linspace(low + 1, high, _GRID).astype(np.int64))
        # The tail falls with the number missed, so that those above the level come first.
        above = int((tail(history, grid) > level).sum())
        low, high = (int(grid[above - 1]) if above else low), (int(grid[above]) - 1 if above < len(grid) else high)
    return low


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """Stop once the recall is at least *recall*, with *confidence*.

    Attributes:
        recall: the target, above 0 and at most 1.
        confidence: above 0 and below 1.
        method: the estimate that decides, ``ranking`` or ``audit``.
        bias: the bias of the ranking, see `ranking_estimate`; has no meaning for an audit.
    """

    recall: float = 0.95
    confidence: float = 0.95
    method: Method = "ranking"
    bias: float = BIAS

    def __post_init__(self) -> None:
        """Refuse targets that make no sense."""
        if not (isinstance(self.recall, Real) and 0 < self.recall <= 1):
            raise QueryError(f"the target recall must be above 0 and at most 1, not {shown(self.recall)}")
        if not isinstance(self.method, str) or self.method not in METHODS:
            raise QueryError(f"there is no estimate {shown(self.method)}.{did_you_mean(self.method, METHODS)}")
        _checked(self.confidence)
        _check_bias(self.bias)

    def estimate(self, history: History) -> RecallEstimate:
        """Return the estimate that decides."""
        if self.method == "audit":
            return audit_estimate(history, confidence=self.confidence)
        return ranking_estimate(history, confidence=self.confidence, bias=self.bias)

    def met(self, history: History) -> bool:
        """Return whether it is time to stop: never before something relevant was found, always when all is read."""
        if not history.unread:
            return True
        too_many = _allowed(history.found, self.recall) + 1
        if not history.found or too_many > history.unread:
            return bool(history.found)
        supposed = np.array([too_many])
        is_audit = self.method == "audit"
        tail = audit_tail if is_audit else partial(ranking_tail, bias=self.bias)
        error = 1 - self.confidence
        return bool(tail(_credited(tail, history, error), supposed)[0] <= error)


def _allowed(found: int, recall: float) -> int:
    """Return how many may be missed, if *found* are found, for the recall still to be reached."""
    return math.floor(found / recall - found + 1e-9)


def _check_bias(bias: float) -> None:
    if not (isinstance(bias, Real) and 1 <= bias < math.inf):
        raise QueryError(f"the bias of a ranking must be a number of at least 1, not {shown(bias)}")


def _checked(confidence: float) -> float:
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        raise QueryError(f"the confidence must be above 0 and below 1, not {shown(confidence)}")
    return confidence
