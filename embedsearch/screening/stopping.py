"""What may have been missed, and when to stop.

Two estimates, each with a one-sided bound and named with what it assumes: `audit_estimate` from records that were
drawn at random, `ranking_estimate` from the yield of the ranking itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import QueryError

Method = Literal["audit", "ranking"]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What was read, in the order of reading.

    Attributes:
        records: how many there are, read or not.
        relevant: shape (m,), bool: whether each record read was relevant. Records that were known before the
            screening stand first.
        random: shape (m,), bool: whether it had been drawn at random from all records not read at that time.
    """

    records: int
    relevant: NDArray[np.bool_]
    random: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Refuse a history that cannot be."""
        if self.relevant.shape != self.random.shape or len(self.relevant) > self.records:
            raise QueryError(
                f"{len(self.relevant)} labels and {len(self.random)} marks of random draws for {self.records} records"
            )

    @property
    def read(self) -> int:
        """How many records were read."""
        return len(self.relevant)

    @property
    def unread(self) -> int:
        """How many were not."""
        return self.records - self.read

    @property
    def found(self) -> int:
        """How many relevant ones were found."""
        return int(self.relevant.sum())


@dataclass(frozen=True, slots=True)
class RecallEstimate:
    """What has been found of all that is relevant.

    Attributes:
        method: ``audit`` or ``ranking``.
        found: relevant records found so far.
        missed: estimate of those not found yet.
        missed_at_most: no more than so many, with the confidence.
        confidence: of the one-sided bound, 0…1.
        assumption: under which the bound holds, a sentence.
        source: where the method was published.
    """

    method: Method
    found: int
    missed: float
    missed_at_most: int
    confidence: float
    assumption: str
    source: str

    @property
    def recall(self) -> float:
        """The estimate, 0…1; 1 where nothing is found and nothing is missed."""
        return _share(self.found, self.missed)

    @property
    def recall_at_least(self) -> float:
        """The lower bound, 0…1."""
        return _share(self.found, self.missed_at_most)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields and both recalls as JSON values."""
        return asdict(self) | {"recall": self.recall, "recall_at_least": self.recall_at_least}


def _share(found: float, missed: float) -> float:
    return found / (found + missed) if found + missed else 1.0


def audit_estimate(history: History, *, confidence: float = 0.95) -> RecallEstimate:
    """Estimate from the records that were drawn at random.

    Raises:
        QueryError: the confidence is not between 0 and 1.
    """
    return RecallEstimate(
        "audit", history.found, float(history.unread), history.unread, _checked(confidence), "none", ""
    )


def ranking_estimate(history: History, *, confidence: float = 0.95) -> RecallEstimate:
    """Estimate from the yield of the records read last.

    Raises:
        QueryError: the confidence is not between 0 and 1.
    """
    return RecallEstimate(
        "ranking", history.found, float(history.unread), history.unread, _checked(confidence), "none", ""
    )


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """Stop once the recall is at least *recall*, with *confidence*.

    Attributes:
        recall: the target, above 0 and at most 1.
        confidence: above 0 and below 1.
        method: which estimate decides.
    """

    recall: float = 0.95
    confidence: float = 0.95
    method: Method = "ranking"

    def __post_init__(self) -> None:
        """Refuse targets that make no sense."""
        if not 0 < self.recall <= 1:
            raise QueryError(f"the target recall must be above 0 and at most 1, not {self.recall:g}")
        _checked(self.confidence)

    def estimate(self, history: History) -> RecallEstimate:
        """Return the estimate that decides."""
        return (audit_estimate if self.method == "audit" else ranking_estimate)(history, confidence=self.confidence)

    def met(self, history: History) -> bool:
        """Is it time to stop?"""
        return history.found > 0 and self.estimate(history).recall_at_least >= self.recall


def _checked(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise QueryError(f"the confidence must be above 0 and below 1, not {confidence:g}")
    return confidence
