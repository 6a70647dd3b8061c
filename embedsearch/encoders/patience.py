"""How long a failed request is waited for before it is sent again."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime


def _wait(stop: threading.Event, seconds: float) -> bool:
    return stop.wait(seconds)


@dataclass(frozen=True, slots=True)
class Patience:
    """When to send a request again: exponential backoff with full jitter, or what the server asks for.

    Full jitter draws from 0 up to the doubled time, so that clients that failed together do not come back together
    (Brooker, "Exponential Backoff and Jitter", 2015).

    Attributes:
        attempts: how often a request is sent at most.
        first: the longest time before the second attempt, in seconds; it doubles from attempt to attempt.
        longest: the longest time between attempts that is our own choice, in seconds.
        most_asked: a server that asks for more seconds than this is not waited for.
        wait: waits so many seconds, less if the event is set; True if it is. Tests put a clock of their own here.
        now: the time in seconds since 1970.
        draw: a random number from 0 up to 1.
    """

    attempts: int = 6
    first: float = 1.0
    longest: float = 30.0
    most_asked: float = 120.0
    wait: Callable[[threading.Event, float], bool] = field(default=_wait, repr=False)
    now: Callable[[], float] = field(default=time.time, repr=False)
    draw: Callable[[], float] = field(default=random.random, repr=False)

    def seconds(self, attempt: int, asked: float | None) -> float:
        """Return how long to wait after failed attempt number *attempt* (from 1), in seconds."""
        own = self.draw() * min(self.longest, self.first * 2.0 ** (attempt - 1))
        # A little more than was asked for: with several requests waiting, not all at the same moment.
        return own if asked is None else asked + min(1.0, own)

    def asked(self, headers: Mapping[str, str]) -> float | None:
        """Return the seconds that a response asks to wait, or None.

        `Retry-After` holds seconds or a date (RFC 9110, section 10.2.3); ``retry-after-ms`` is finer where it is sent.
        """
        for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
            given = headers.get(name, "").strip()
            try:
                seconds = float(given) * unit
            except ValueError:
                continue
            if 0 <= seconds < float("inf"):
                return seconds
        try:
            return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - self.now())
        except (ValueError, OverflowError):
            return None
