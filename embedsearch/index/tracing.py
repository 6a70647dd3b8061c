"""What a query did, and how long each step took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Step:
    """One step of a query.

    Attributes:
        name: what was done.
        plan: how it was done, and with how many rows.
        seconds: how long it took.
    """

    name: str
    plan: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class Trace:
    """The steps of the queries made while tracing is on.

    Attributes:
        steps: the steps, in order.
        is_on: whether steps are recorded.
    """

    steps: list[Step] = field(default_factory=list)
    is_on: bool = False

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time what is done inside the ``with`` block, which may set the plan of the step that it is given."""
        step = Step(name)
        started = time.perf_counter()
        yield step
        step.seconds = time.perf_counter() - started
        if self.is_on:
            self.steps.append(step)

    def __str__(self) -> str:
        width = max((len(step.name) for step in self.steps), default=0)
        return "\n".join(f"{step.name:<{width}}  {1000 * step.seconds:8.1f} ms  {step.plan}" for step in self.steps)
