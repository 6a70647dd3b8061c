"""One index as the page works with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from embedsearch.axes import Axis
from embedsearch.explorer.fields import Fields
from embedsearch.explorer.points import Plane
from embedsearch.index import Index
from embedsearch.vectors import Rows
from embedsearch.web.refusals import Refusal

if TYPE_CHECKING:
    from embedsearch.screening import Screening

TRIED = "tried"  # the name of an axis that is looked at before it is saved

Answer = TypeVar("Answer")


class Desk:
    """An index with what is kept about it between requests. It belongs to the thread that made it, like a database."""

    def __init__(self, index: Index) -> None:
        """Take over an open index."""
        from embedsearch.screening.unnoted import Unnoted

        self.index = index
        self.plane = Plane(index)
        self.tried: Axis | None = None
        self._name, self._changes, self._seen = secrets.token_hex(4), 0, object()
        self._trials = 0
        self._screenings: dict[str, tuple[object, Screening]] = {}
        self.unnoted = Unnoted()

    @property
    def state(self) -> str:
        """A value that differs once passages or axes have changed, another axis is tried, or another process wrote.

        It differs from that of every other desk too, such as the one before it when a server has been started anew.
        """
        seen = self.index.state, self.tried
        if seen != self._seen:
            self._seen, self._changes = seen, self._changes + 1
        return f"{self._name}-{self._changes}"

    def keep_tried(self, axis: Axis) -> None:
        """Note that an axis was lent to the index as the one that is tried."""
        self.tried, self._trials = axis, self._trials + 1
        self.plane.forget(TRIED)

    @property
    def trial(self) -> str:
        """What differs once another axis is tried, here or at another desk."""
        return f"{self._name}-{self._trials}"

    def screening(self, name: str) -> Screening:
        """Return a screening, opened anew if documents or axes have changed, or another process has written."""
        from embedsearch.screening import Screening

        now = self.index.state
        state, found = self._screenings.get(name, (None, None))
        if found is None or state != now:
            found = Screening(self.index, name)
            self._screenings[name] = now, found
        return found

    def chosen(self, asked: Fields, *, most: int) -> Rows:
        """Return the rows of passages that a request names, as they were when the page drew them.

        Raises:
            Refusal: they have been renumbered since, or one of them is gone.
        """
        rows, epoch = asked.rows("rows", most=most), asked.whole("epoch", self.index.epoch, least=0, most=1 << 31)
        chosen = np.array(rows, dtype=np.int64)
        if epoch != self.index.epoch or len(self.plane.places(chosen)) < len(chosen):
            raise Refusal(
                409, "the index has changed since these passages were drawn; ask for the points again", "changed"
            )
        return chosen

    def close(self) -> None:
        """Close the index."""
        self.index.close()


def of_one_state(question: Callable[[Desk, Fields], Answer]) -> Callable[[Desk, Fields], Answer]:
    """Make a question answered from one state of the index: rows of one and coordinates of another do not match."""

    @wraps(question)
    def answered(desk: Desk, asked: Fields) -> Answer:
        with desk.index.reading():
            return question(desk, asked)

    return answered
