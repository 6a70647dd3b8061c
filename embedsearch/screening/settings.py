"""What defines a screening: its question, its pile, its seed and its promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral
from typing import Any, Self

from embedsearch.errors import QueryError
from embedsearch.given import require_kind
from embedsearch.index import arguments
from embedsearch.index.arguments import one_of
from embedsearch.screening.choosing import CHOICES
from embedsearch.screening.stopping import Method, StoppingRule


@dataclass(frozen=True, slots=True)
class ScreeningSettings:
    """The settings of a screening.

    Attributes:
        topic: a text that says what is looked for; empty for none.
        axes: names of axes that the ranker reads and starts from; with ``-`` before a name, the low end is wanted.
        where: a condition that restricts the pile; empty for all documents.
        by: how the next record is chosen, see `choose`.
        seed: the seed of all that is drawn at random.
        method: the estimate that decides when to stop, ``ranking`` or ``audit``.
        recall: the target of the stopping rule, above 0 and at most 1.
        confidence: the confidence of the stopping rule and of all bounds, above 0 and below 1.
    """

    topic: str = ""
    axes: tuple[str, ...] = ()
    where: str = ""
    by: str = "likely"
    seed: int = 0
    method: Method = "ranking"
    recall: float = 0.95
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what no screening can be run with."""
        one_of("way to choose records called", self.by, CHOICES)
        require_kind("the seed", self.seed, Integral, "a whole number")
        if self.seed < 0:
            raise QueryError(f"a seed must be 0 or more, not {self.seed}")
        if arguments.text("the topic", self.topic) and not self.topic.strip():
            raise QueryError("the topic holds nothing but spaces; say what is looked for, or leave it out")
        _ = self.rule

    @property
    def rule(self) -> StoppingRule:
        """The rule that says when the screening may be stopped."""
        return StoppingRule(self.recall, self.confidence, self.method)

    @property
    def axis_names(self) -> tuple[str, ...]:
        """The names of the axes, without signs."""
        return tuple(name.removeprefix("-") for name in self.axes)

    def changed(self, **given: Any) -> Self:
        """Return the settings with each value of *given* that is not None in place of the old one."""
        wanted = {name: value for name, value in given.items() if value is not None}
        if "axes" in wanted:
            wanted["axes"] = tuple(arguments.texts("an axis", wanted["axes"]))
        return replace(self, **wanted)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as a dict of JSON values."""
        return asdict(self) | {"axes": list(self.axes)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the settings that `to_dict` wrote; whatever else the journal keeps beside them is ignored."""
        known = {field.name for field in fields(cls)}
        return cls().changed(**{name: value for name, value in values.items() if name in known})
