"""What was shown while another process wrote: it is kept with the label that follows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from embedsearch.errors import BusyError

if TYPE_CHECKING:
    from embedsearch.screening.session import Screening


class Unnoted:
    """What was shown last in each screening, as far as that is not kept yet."""

    def __init__(self) -> None:
        """Nothing is left to keep."""
        self._left: dict[str, tuple[int, Mapping[str, Any]]] = {}

    def show(self, screening: Screening, shown: Mapping[str, Any]) -> None:
        """Keep that records were shown; while another process writes, with the label that follows."""
        self._left[screening.name] = len(screening.labels.history()), shown
        with suppress(BusyError):
            self.catch_up(screening)

    def catch_up(self, screening: Screening) -> None:
        """Keep what was shown last, if that is not done; what has happened in the screening since has overtaken it.

        Raises:
            BusyError: another process is writing.
        """
        events, shown = self._left.get(screening.name, (None, {}))
        if events == len(screening.labels.history()):
            screening.note_shown(shown)
        self._left.pop(screening.name, None)
