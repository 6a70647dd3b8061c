"""Models in processes that were forked: the threads that a model computes with are not copied."""

from __future__ import annotations

import os

from embedsearch.errors import EncoderError

_computing: list[int] = []  # the process in which a model was loaded; a copy of it begins with the same


def require_unforked() -> None:
    """Remember that this process has a model; whoever computed in a copy of it would wait for ever, or crash.

    Raises:
        EncoderError: this process was forked from one that has a model.
    """
    if _computing and _computing[0] != os.getpid():
        raise EncoderError(
            "this process was forked from one that had loaded a model, and a fork does not copy the model's threads. "
            'Start processes with multiprocessing.get_context("spawn"), or fork them before you load a model'
        )
    _computing[:] = [os.getpid()]
