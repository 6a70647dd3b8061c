"""How well the poles of an axis stand apart: each phrase left out in turn, and frames compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.definition import BARE, Axis
from embedsearch.axes.fitting import clearing, pole_vectors
from embedsearch.axes.material import Material
from embedsearch.vectors import Vectors

FRAMES = ("a {} thing", "a {} animal", "a {} person", "something {}", "it is {}")
_PARALLEL = 1e-6
# Endings that nouns hardly have: elephant, serpent, epidemic, detective and fish have those of many adjectives.
_ADJECTIVE = re.compile(r"(?!vegetable|constable|timetable)[a-z]+(ous|ful|less|ssive|[a-z]{2}able)")
_DEGREE = re.compile(r"^(very|most|more|rather|quite) ")
_COMMON = frozenset(
    """
    large small big little tiny huge tall short long wide narrow thick thin heavy light fast slow quick strong
    weak old young new good bad happy sad kind cruel hot cold warm cool wet dry hard soft loud quiet bright dark
    rich poor wild tame fierce timid gentle brave smart clever stupid wise safe clean dirty dead alive rare
    common sharp blunt ugly pretty great minute giant immense tough calm angry free rough smooth deep shallow
    high low open sick violent silent innocent intelligent ancient elegant arrogant dominant important urgent
    toxic gigantic tragic domestic exotic microscopic miniature predatory active passive deadly friendly lonely
    hungry greedy lazy horrible terrible visible invisible edible flexible selfish foolish primitive sensitive
    """.split()  # noqa: SIM905 - a list would have a line for each
)


@dataclass(frozen=True, slots=True)
class PolePhrase:
    """A phrase of a pole, read off an axis that was made without it.

    Attributes:
        text: the phrase, without frames.
        side: ``low`` or ``high``.
        margin: how far the phrase lies on its own side of the middle, in units of half the distance between the poles:
            1 is where its pole is, below 0 is the wrong side. None for the only phrase of a pole, because without it
            there is no axis to read it off.
    """

    text: str
    side: str
    margin: float | None


@dataclass(frozen=True, slots=True)
class Separation:
    """How well poles stand apart.

    Attributes:
        phrases: all phrases, in the order of the definition, low before high.
        right: the share of the phrases left out that lie on their own side; None if both poles are one phrase.
        bare: phrases that look like adjectives and stand in no frame.
        suggested_frame: the frame that separates best, if there are bare phrases and any can be left out; else empty.
    """

    phrases: tuple[PolePhrase, ...]
    right: float | None
    bare: tuple[str, ...] = ()
    suggested_frame: str = ""

    @property
    def against(self) -> list[PolePhrase]:
        """The phrases that pull against the rest: left out, they lie on the wrong side. Worst first."""
        wrong = [(phrase.margin, phrase) for phrase in self.phrases if phrase.margin is not None and phrase.margin < 0]
        return [phrase for _, phrase in sorted(wrong, key=lambda entry: entry[0])]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as a dict of JSON values."""
        return asdict(self) | {"against": [phrase.text for phrase in self.against]}


def separate(axis: Axis, material: Material) -> Separation:
    """Return how well the poles of *axis* stand apart, and a frame for bare adjectives."""
    phrases = _left_out(axis, material)
    margins = _margins(phrases)
    right = float(np.mean((margins > 0) + 0.5 * (margins == 0))) if len(margins) else None
    bare = tuple(text for text in (*axis.low, *axis.high) if tuple(axis.frames) == BARE and is_adjective(text))
    frame = best_frame(axis, material) if bare and len(margins) else ""
    return Separation(phrases, right, bare, frame)


def is_adjective(text: str) -> bool:
    """Return whether a phrase looks like a lone adjective, by its ending or as one of the common ones."""
    word = _DEGREE.sub("", text.strip().casefold())
    return word in _COMMON or bool(_ADJECTIVE.fullmatch(word))


def best_frame(axis: Axis, material: Material, frames: Sequence[str] = FRAMES) -> str:
    """Return the frame in which the phrases lie most clearly on their own sides: by the mean margin over its spread.

    At least one pole must have two phrases.
    """

    def clarity(frame: str) -> float:
        margins = _margins(_left_out(replace(axis, frames=(frame,)), material))
        return float(margins.mean() / (margins.std() + 1e-9))

    return max(frames, key=clarity)


def _left_out(axis: Axis, material: Material) -> tuple[PolePhrase, ...]:
    clear = clearing(axis, material)
    whole = [_by_phrase(vectors, axis) for vectors in pole_vectors(axis, material)]
    low, high = (clear(side) for side in whole)
    silent = _distance(low, high) <= _PARALLEL * _distance(*whole)  # what is left says nothing, left out even less
    found = []
    for side, own, other, texts in (("low", low, high, axis.low), ("high", high, low, axis.high)):
        for place, text in enumerate(texts):
            rest = np.delete(own, place, axis=0)
            margin = None
            if len(rest):
                margin = 0.0 if silent else _margin(own[place], rest.mean(axis=0), other.mean(axis=0))
            found.append(PolePhrase(text, side, margin))
    return tuple(found)


def _distance(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(high.mean(axis=0) - low.mean(axis=0)))


def _by_phrase(vectors: Vectors, axis: Axis) -> NDArray[np.float64]:
    """Return the mean vector of each phrase over the frames, shape (phrases, d)."""
    frames = len(axis.frames)
    means: NDArray[np.float64] = vectors.astype(np.float64).reshape(frames, -1, vectors.shape[1]).mean(axis=0)
    return means


def _margin(vector: NDArray[np.float64], own: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    step = own - other
    half = float(step @ step) / 2
    return float((vector - (own + other) / 2) @ step) / half if half > 1e-15 else 0.0


def _margins(phrases: Sequence[PolePhrase]) -> NDArray[np.float64]:
    """Return the margins of the phrases that were left out, shape (m,)."""
    return np.array([phrase.margin for phrase in phrases if phrase.margin is not None], dtype=np.float64)
