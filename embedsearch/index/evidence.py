"""Where a document lies on an axis, by its passages, and the passage and sentences that carry it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from embedsearch.axes import ScaledAxis
from embedsearch.documents import Document, Passage
from embedsearch.documents.sentences import sentences
from embedsearch.index.embedding import Embedding
from embedsearch.index.placing import Placer, point_on
from embedsearch.vectors import Vectors


@dataclass(frozen=True, slots=True)
class SentenceShare:
    """What a sentence adds to the coordinate of its passage.

    Attributes:
        text: the sentence.
        start: its first character in the document's text.
        end: the character behind its last.
        share: the passage's coordinate minus that of the passage without the sentence, in standard deviations.
    """

    text: str
    start: int
    end: int
    share: float


@dataclass(frozen=True, slots=True)
class DocumentPlace:
    """Where a document lies on one axis.

    Attributes:
        document: its id.
        axis: the name of the axis.
        version: of the axis.
        mean: of the coordinates of its passages, in standard deviations.
        maximum: the highest of them.
        threshold: what `above` counts.
        above: the share of passages whose coordinate is above the threshold, 0…1.
        passages: how many there are.
        passage: the text of the passage with the highest coordinate.
        rated: where its rating puts the document, in standard deviations; None where it was not rated.
        sentences: of that passage, in their order; empty unless evidence was asked for.
    """

    document: str
    axis: str
    version: int
    mean: float
    maximum: float
    threshold: float
    above: float
    passages: int
    passage: str
    rated: float | None = None
    sentences: tuple[SentenceShare, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the place as JSON values; sentences only where evidence was asked for."""
        record = asdict(self)
        if not self.sentences:
            del record["sentences"]
        if self.rated is None:
            del record["rated"]
        return {"id": record.pop("document"), **record}


class Witness:
    """Says what in a document puts it where it lies."""

    def __init__(self, embedding: Embedding) -> None:
        """Read nothing yet."""
        self._embedding = embedding

    def place(
        self, document: Document, axes: Sequence[ScaledAxis], threshold: float | str, *, evidence: bool
    ) -> list[DocumentPlace]:
        """Return where a document lies on each of *axes*.

        Args:
            document: in the index or not.
            axes: at least one.
            threshold: in standard deviations, or a percentile such as ``"p90"``.
            evidence: measure the sentences of the passage that lies highest; each takes one encoding.
        """
        passages, texts = self._embedding.passages_of(document)
        vectors, _ = self._embedding.embed(texts)
        found = []
        for axis in axes:
            coordinates = axis.coordinates(vectors)
            best, limit = int(coordinates.argmax()), point_on(axis, threshold)
            shares = self._shares(passages[best], texts[best], vectors[best], axis) if evidence else ()
            found.append(
                DocumentPlace(
                    document.id,
                    axis.name,
                    axis.version,
                    float(coordinates.mean()),
                    float(coordinates[best]),
                    limit,
                    float((coordinates > limit).mean()),
                    len(passages),
                    passages[best].text,
                    self._rated(document, axis),
                    shares,
                )
            )
        return found

    def _rated(self, document: Document, axis: ScaledAxis) -> float | None:
        place = float(Placer(self._embedding).documents([document], axis, np.array([np.nan]))[0])
        return None if np.isnan(place) else place

    def _shares(self, passage: Passage, text: str, vector: Vectors, axis: ScaledAxis) -> tuple[SentenceShare, ...]:
        """Return what each sentence of a passage adds: leave it out, embed the rest, see what is lost."""
        spans = sentences(passage.text)
        whole = float(axis.coordinates(vector)[0])
        if len(spans) < 2:
            return (SentenceShare(passage.text, passage.start, passage.end, whole),)
        before = text[: len(text) - len(passage.text)]  # the title that is embedded with the passage
        rests = [before + " ".join(f"{passage.text[:start]} {passage.text[end:]}".split()) for start, end in spans]
        vectors, _ = self._embedding.embed(rests)
        lost = whole - np.asarray(axis.coordinates(vectors))
        return tuple(
            SentenceShare(passage.text[start:end], passage.start + start, passage.start + end, float(share))
            for (start, end), share in zip(spans, lost, strict=True)
        )
