"""A screening of an index: its settings, its labels, what to read next, and how far it has come."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.columns import Schema
from embedsearch.documents import Document
from embedsearch.documents.sentences import sentences
from embedsearch.errors import QueryError
from embedsearch.given import require_kind
from embedsearch.index import Index, arguments, require_index
from embedsearch.index.arguments import require_count
from embedsearch.index.label import seen_of
from embedsearch.index.labels import MAIN
from embedsearch.results import Records
from embedsearch.screening.choosing import choose, order
from embedsearch.screening.pile import Pile, direction_of
from embedsearch.screening.piles import PILE, last_packed
from embedsearch.screening.progress import Progress, how_to_draw, progress_of
from embedsearch.screening.ranking import Labels, Ranker, Scores
from embedsearch.screening.reading import shown_at_random
from embedsearch.screening.settings import ScreeningSettings
from embedsearch.screening.telling import TellingWords, telling_words
from embedsearch.screening.versions import versions
from embedsearch.vectors import Rows, Vectors
from embedsearch.wording import count_of

AUDIT = "audit"
_MOST_SENTENCES = 200  # what an encoder reads on a processor in about half a second


@dataclass(frozen=True, slots=True)
class Proposal:
    """A record proposed for reading.

    Attributes:
        rank: 1 for the record to read first.
        id: the document's id.
        score: how likely it is to be relevant according to the ranker, 0…1; None for a record of an audit sample,
            whose reader should not know.
        by: what proposed it: ``likely``, ``uncertain``, ``random``, or ``audit``.
        title: the document's title.
        text: the document's text.
        source: where the document came from.
    """

    rank: int
    id: str
    score: float | None
    by: str
    title: str = ""
    text: str = ""
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the proposal as a dict of JSON values."""
        return asdict(self)

    @property
    def seen(self) -> str:
        """A digest of the title and text that are judged, for `embedsearch.index.label.Decision`."""
        return seen_of(self.title, self.text)


class Proposals(Records[Proposal]):
    """Records in the order in which they should be read."""

    def _schema(self) -> Schema:
        return {
            "rank": "whole", "id": "text", "score": "number", "by": "text", "title": "text", "text": "text",
            "source": "text",
        }  # fmt: skip


class Screening:
    """One screening of an index: what is looked for, what was labelled, what to read next, when to stop.

    The documents are those that the index holds when they are first asked for: a screening that was opened before
    an ingest does not see the new ones. If a document that would be proposed is gone, they are looked up anew.
    """

    def __init__(self, index: Index, name: str = MAIN) -> None:
        """Open the screening called *name*, which need not have begun.

        Raises:
            QueryError: the name is not one that a screening can have, or *index* is not an `Index`.
        """
        self.index = require_index(index)
        self.labels = index.labels.named(name)
        self.settings = ScreeningSettings.from_dict(self.labels.settings())
        self.pile = Pile(index, self.settings)
        self._ranker: Ranker | None = None
        self._ranked: tuple[int, Scores] | None = None

    @property
    def name(self) -> str:
        """The name of the screening."""
        return self.labels.name

    def configure(self, for_next: str | None = None, /, **given: Any) -> ScreeningSettings:
        """Change settings and save them with the labels; a setting that is not given, or is None, stays.

        Args:
            for_next: how records will be chosen next, as for `next`, so that settings that leave nothing to start from
                are refused; empty for the way that the settings say, None if none will be chosen.
            given: fields of `ScreeningSettings`.

        Raises:
            QueryError: a value is wrong, the topic is too long, no document satisfies the condition, or there is
                nothing to start from. Nothing is saved then.
            AxisError: there is no such axis.
            StoreError: another process is writing.
        """
        if for_next is not None:
            arguments.text("how records are to be chosen next", for_next)
        while True:
            kept = self.labels.settings()
            before = ScreeningSettings.from_dict(kept)
            wanted = before.changed(**given)
            if kept and wanted == before == self.settings:
                return wanted
            pile = Pile(self.index, wanted)
            _ = pile.topic_vector  # a topic that cannot be embedded is refused now, not at every question
            self.index.axes.scaled(list(wanted.axis_names))
            held = {"records": len(pile), "documents": len(self.index.ids())}
            known = {"versions": versions(self.index, wanted.axis_names)}
            if for_next is not None:
                self._require_start(for_next or wanted.by, wanted, pile)
            # All this may take seconds, in which another process may have changed other settings.
            with self.labels.alone():
                if self.labels.settings() == kept:
                    if not kept or wanted != before:
                        self.labels.record("settings", {**wanted.to_dict(), **held, **known, **self._changed(pile)})
                    break
        self.settings, self.pile, self._ranker, self._ranked = wanted, pile, None, None
        return wanted

    # -- ranking ----------------------------------------------------------------------------------------

    @property
    def ranker(self) -> Ranker:
        """The ranker of the records, made when first needed; if one is gone by then, the records are looked up anew."""
        if self._ranker is None:
            with self.index.reading():
                self._renewed()
                self._ranker = Ranker(self.pile.features, prior=self.pile.prior, seed=self.settings.seed)
        return self._ranker

    def scores(self) -> Scores:
        """Return the score of each record of the pile by the labels so far, shape (n,), 0…1."""
        state = self.labels.state
        if self._ranked is None or self._ranked[0] != state:
            self._ranked = state, self.ranker.scores(self._known(undecided=np.nan))
        return self._ranked[1]

    def next(self, count: int = 1, by: str | None = None, *, passed: Collection[str] = ()) -> Proposals:
        """Return the records to read next, and record that they were shown.

        Records that were drawn at random and have no label yet are shown again before more are drawn.

        Args:
            count: how many; fewer if fewer are left.
            by: as for `choose`, or ``audit`` for the next records of the sample drawn last; if None, as the settings
                say.
            passed: ids of records to skip.

        Raises:
            QueryError: *by* is none of these, no sample was drawn, or there is nothing to start from.
            StoreError: another process is writing.
        """
        found, shown = self.propose(count, by, passed=passed)
        self.note_shown(shown)
        return found

    def propose(
        self, count: int = 1, by: str | None = None, *, passed: Collection[str] = ()
    ) -> tuple[Proposals, dict[str, Any]]:
        """Return the records to read next, and what to give `note_shown` about them; nothing is written.

        Args:
            count: as for `next`.
            by: as for `next`.
            passed: as for `next`.

        Raises:
            QueryError: as for `next`.
        """
        require_count(count, "count")
        wanted = self.settings.by if by is None else arguments.text("how to choose", by) or self.settings.by
        passed = set(arguments.texts("the id of a record", passed))
        try:
            return self._proposed(count, wanted, passed)
        except QueryError:
            if not self._renewed():
                raise
        return self._proposed(count, wanted, passed)

    def _proposed(self, count: int, wanted: str, passed: Collection[str]) -> tuple[Proposals, dict[str, Any]]:
        self._require_start(wanted, self.settings, self.pile)
        if wanted == AUDIT:
            return self._next_of_sample(count, passed), {}
        scores, known = self.scores(), self._known(undecided=0.0)
        rows, at_random = choose(scores, known, by=wanted, count=len(known), seed=self.settings.seed)
        ids = [self.pile.ids[row] for row in rows]
        drawn = "random" if at_random else "likely" if wanted == "mixed" else wanted
        waiting: list[str] = []
        if at_random:
            unread = set(ids)
            waiting = [id for id in shown_at_random(self.labels.history()) if id in unread]
            ids = list(dict.fromkeys([*waiting, *ids]))
        shown = list(islice((id for id in ids if id not in passed), count))
        found = self._proposals(shown, scores, drawn)
        if not shown:
            return found, {}
        if not at_random:
            return found, {"by": drawn, "ids": shown, "random": False}
        # A record that is skipped is drawn nevertheless, once: after that it is no longer among those drawn from.
        aside = set(waiting) - set(shown)
        ids = [id for id in ids[: ids.index(shown[-1]) + 1] if id not in aside]
        return found, {"by": drawn, "ids": ids, "random": True, "unread": len(rows) - len(aside)}

    def _renewed(self) -> bool:
        """Look the records up anew if one of them has left the index since; return whether one has."""
        if self.pile.is_current:
            return False
        self.pile, self._ranker, self._ranked = Pile(self.index, self.settings), None, None
        return True

    def note_shown(self, shown: Mapping[str, Any]) -> None:
        """Record that records were shown, as `propose` returned it; what the journal says last is not written again.

        Raises:
            QueryError: *shown* is not a mapping.
            StoreError: another process is writing.
        """
        require_kind("what was shown", shown, Mapping, "what propose gives beside the records")
        changed = self._changed(self.pile)
        last = next((event for event in reversed(self.labels.history()) if event.kind != "settings"), None)
        is_same = last is not None and last.kind == "shown" and {**last.details, PILE: ""} == {**shown, PILE: ""}
        if shown and (changed or not is_same):
            self.labels.record("shown", {**shown, **changed})

    def rank(self) -> list[tuple[str, float]]:
        """Return the id and the score of each record that was not read, the most likely first.

        Raises:
            QueryError: there is nothing to start from.
        """
        self._require_start("likely", self.settings, self.pile)
        scores = self.scores()
        rows = order(scores, self._known(undecided=0.0), seed=self.settings.seed)
        return [(self.pile.ids[row], float(scores[row])) for row in rows]

    def proposal(self, rank: int, id: str, score: float | None, by: str) -> Proposal:
        """Return a record with its title and text."""
        document = self.index.get(id)
        return Proposal(rank, id, score, by, document.title, document.text, document.source)

    def telling_sentence(self, id: str) -> str:
        """Return the sentence of a document that speaks most for it; empty for a document of one sentence.

        It is the sentence nearest to the topic. Without a topic it is the one that lies furthest in the direction from
        the records labelled not relevant to those labelled relevant; without either, there is none. It takes one
        encoding.
        """
        direction = self._direction()
        document: Document = self.index.get(id)
        spans = sentences(document.text)[:_MOST_SENTENCES]
        if direction is None or len(spans) < 2:
            return ""
        texts = [document.text[start:end].strip() for start, end in spans]
        products = self.index.text_vectors(texts) @ direction
        return texts[int(np.argmax(products))]

    def _direction(self) -> Vectors | None:
        if self.pile.topic_vector is not None:
            return self.pile.topic_vector
        features, known = self.ranker.features, self._known(undecided=np.nan)
        return direction_of(features, *(np.flatnonzero(side).tolist() for side in (known >= 0.5, known < 0.5)))

    def words(self, k: int = 15) -> TellingWords:
        """Return the words that set records labelled relevant apart from those labelled not relevant, and the reverse.

        Single words and pairs of words are counted, of at least three letters and in at least three records of a side.

        Args:
            k: how many words on either side.

        Raises:
            QueryError: one of the sides has no record, or *k* is not a number above 0.
        """
        k = require_count(k)
        with self.index.reading():
            labels, held = self.labels.standing(), set(self.index.ids())
            return telling_words((self.index.get(id) for id in labels if id in held), labels, k)

    # -- samples ----------------------------------------------------------------------------------------

    def draw_audit(self, size: int) -> list[str]:
        """Draw a random sample of the records not read, and save it; ``next(by="audit")`` shows its records.

        Returns:
            Their ids, in the order in which they must be read: the part that has been read, from the beginning, is a
            random sample.

        Raises:
            QueryError: the size is not above 0, or is more than what is left; or the last sample is not read to its
                end.
            StoreError: another process is writing.
        """
        with self.labels.alone():
            left, events = self.require_sample(size), len(self.labels.history())
            drawn = np.random.default_rng((self.settings.seed, events)).permutation(left)[:size]
            ids = [self.pile.ids[row] for row in drawn]
            details = {"by": AUDIT, "ids": ids, "seed": self.settings.seed, "unread": len(left)}
            self.labels.record("audit", details | self._changed(self.pile))
        return ids

    def require_sample(self, size: int) -> Rows:
        """Return the places of the records not read, from which a sample can be drawn; nothing is saved.

        Raises:
            QueryError: as for `draw_audit`.
        """
        require_count(size, "size", least=0)
        left = np.flatnonzero(np.isnan(self._known(undecided=0.0)))
        if not 0 < size <= len(left):
            raise QueryError(
                f"a sample of {size:,} cannot be drawn from "
                f"{count_of(len(left), 'record that was', 'records that were')} not read"
                + (f"; draw from 1 to {len(left):,}" if len(left) else "")
            )
        if unread := self._unread_sample():
            raise QueryError(
                f"{count_of(len(unread), 'record')} of the sample drawn last "
                f"{'is' if len(unread) == 1 else 'are'} not read yet; "
                "read on first with: embedsearch screen read --by audit"
            )
        return left

    def progress(self) -> Progress:
        """Return how far the screening has come: the reading so far, what was found, and what may have been missed."""
        return progress_of(self.labels, self.pile.ids, self.settings)

    def _unread_sample(self) -> list[str]:
        drawn = next((event for event in reversed(self.labels.history()) if event.kind == AUDIT), None)
        ids = drawn.details["ids"] if drawn else []
        labels = self.labels.standing()
        return [id for id in ids if id not in labels and id in self.pile.places]

    def _next_of_sample(self, count: int, passed: Collection[str]) -> Proposals:
        ids = [id for id in self._unread_sample() if id not in passed][:count]
        return Proposals(self.proposal(rank, id, None, AUDIT) for rank, id in enumerate(ids, start=1))

    # -- what is behind them ----------------------------------------------------------------------------

    def _known(self, *, undecided: float) -> Labels:
        """Return the labels of the records, shape (n,); NaN for those not read."""
        known: NDArray[np.float64] = np.full(len(self.pile), np.nan)
        for id, label in self.labels.items():
            if (place := self.pile.places.get(id)) is not None:
                known[place] = undecided if label.value is None else label.value
        return known

    def _require_start(self, by: str, settings: ScreeningSettings, pile: Pile) -> None:
        """Refuse to choose records if there is nothing to choose them by."""
        if by == AUDIT and not any(event.kind == AUDIT for event in self.labels.history()):
            labels = self.labels.standing()
            if unread := sum(id not in labels for id in pile.ids):
                raise QueryError(f"no audit sample was drawn yet; draw one with: {how_to_draw(unread)}")
        if by in (AUDIT, "random") or settings.topic or settings.axes:
            return
        if not any(label.is_relevant and id in pile.places for id, label in self.labels.items()):
            raise QueryError(
                "there is nothing to start from: say what is looked for with --topic TEXT or --axis NAME, label a "
                "record that is relevant, or read at random: embedsearch screen read --by random"
            )

    def _proposals(self, ids: Sequence[str], scores: Scores, by: str) -> Proposals:
        return Proposals(
            self.proposal(rank, id, float(scores[self.pile.places[id]]), by) for rank, id in enumerate(ids, start=1)
        )

    def _changed(self, pile: Pile) -> dict[str, str]:
        """Return the records for the journal if they differ from those that it holds last."""
        return {PILE: pile.packed} if pile.packed != last_packed(self.labels.history()) else {}
