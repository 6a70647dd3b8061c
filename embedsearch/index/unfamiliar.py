"""Documents in letters that the encoder knows hardly any words of, so that their vectors say nothing."""

from __future__ import annotations

import logging
from collections import Counter

from embedsearch.documents import Document
from embedsearch.encoders import Encoder
from embedsearch.encoders.letters import sample, script_of
from embedsearch.wording import count_of

_log = logging.getLogger("embedsearch")

_ENOUGH = 16  # so many documents in a script tell whether the encoder knows it
_SHOWN = 3  # ids in a warning


class Unfamiliar:
    """Counts such documents of one run, and tells of them once.

    Most texts are told by a look at their letters alone, and a script that was always unknown, or never, is not looked
    at again: tokens cost more than letters.
    """

    def __init__(self) -> None:
        """Count none yet."""
        self._count = 0
        self._first: list[str] = []
        self._seen: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()

    def look_at(self, document: Document, encoder: Encoder) -> None:
        """Take notice of a document that *encoder* embeds, if it tells what it knows."""
        tell = getattr(encoder, "is_unknown", None)
        if tell is None or not (part := sample(document.text)):
            return
        script = script_of(part)
        seen, unknown = self._seen[script], self._unknown[script]
        if seen < _ENOUGH or 0 < unknown < seen:
            is_unknown = bool(tell(part))
            self._seen[script] += 1
            self._unknown[script] += is_unknown
        else:
            is_unknown = unknown == seen
        if is_unknown:
            self._count += 1
            self._first = [*self._first, document.id][:_SHOWN]

    def tell(self, path: object, name: str) -> None:
        """Say how many documents of the index at *path* the encoder called *name* does not know, if there are any."""
        if not self._count:
            return
        said = count_of(self._count, "document is", "documents are")
        shown = ", ".join(map(repr, self._first)) + ", …" * (self._count > _SHOWN)
        _log.warning(
            "%s: %s in letters of which %s knows hardly any words: %s. Their vectors say next to nothing; use an "
            "encoder that was trained on their language: docs/encoders.md#other-languages-than-english",
            path, said, name, shown,
        )  # fmt: skip
