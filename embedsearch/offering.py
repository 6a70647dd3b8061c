"""What a prompt offers to complete: what is meant for users, not what the rooms of the package use among themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

_C = TypeVar("_C", bound=type)


def keeps_back(*names: str) -> Callable[[_C], _C]:
    """Hide attributes of a class that other rooms of the package use from ``dir``; they still work.

    Args:
        names: the attributes to hide.
    """

    def mark(cls: _C) -> _C:
        listed: Callable[[object], Iterable[str]] = getattr(cls, "__dir__")  # noqa: B009 - of objects, not of the class

        def offered(self: object) -> Iterable[str]:
            return [name for name in listed(self) if name not in names]

        setattr(cls, "__dir__", offered)  # noqa: B010 - a type checker wants methods to stay
        return cls

    return mark
