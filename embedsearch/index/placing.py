"""Where phrases and passages lie on axes: measured, or as they were rated; in the unit asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes import ScaledAxis, measure
from embedsearch.columns import Schema
from embedsearch.documents import Document
from embedsearch.errors import AxisError, QueryError, did_you_mean
from embedsearch.index.embedding import Embedding
from embedsearch.index.standing import Rated
from embedsearch.names import normal
from embedsearch.results import Placement, Placements
from embedsearch.vectors import Mask, Rows, Vectors, project, top

Unit = Literal["sd", "percentile", "raw", "rating"]
UNITS: tuple[Unit, ...] = get_args(Unit)
_PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)$")
_FARTHEST = 1e6  # standard deviations: its square fits in float32, and nothing lies there
_AT_ONCE = 1024  # passages whose texts are held in memory


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Coordinates of n texts on m axes.

    Attributes:
        axes: the m axes.
        coordinates: in standard deviations, shape (n, m).
        ratings: the rating of each text on each axis, NaN if it was not rated; shape (n, m).
        distances: for each axis that is a series of groups, by name, the distances from its curve, shape (n,).
    """

    axes: Sequence[ScaledAxis]
    coordinates: NDArray[np.float64]
    ratings: NDArray[np.float64]
    distances: Mapping[str, NDArray[np.float64]]

    @property
    def rated(self) -> Mask:
        """Which coordinates stand where they were rated, shape (n, m)."""
        return ~np.isnan(self.ratings)

    def take(self, places: Rows) -> Places:
        """Return some of the texts, in the order of *places*."""
        distances = {name: column[places] for name, column in self.distances.items()}
        return Places(self.axes, self.coordinates[places], self.ratings[places], distances)

    def order(self, sort: str | None) -> Rows:
        """Return the texts' places sorted by an axis, highest first; lowest first with ``-`` before its name.

        Raises:
            AxisError: the axis is not among these.
        """
        if not sort:
            return np.arange(len(self.coordinates))
        names = [axis.name for axis in self.axes]
        column = self.coordinates[:, names.index(sorting_axis(sort, names))]
        return top(-column if sort.startswith("-") else column, len(column))

    def column(self, place: int, unit: Unit) -> NDArray[np.float64]:
        """Return the coordinates on one axis in a unit, shape (n,).

        Raises:
            AxisError: the unit is that of ratings, and the axis has no ratings.
        """
        column = in_unit(self.axes[place], self.coordinates[:, place], unit)
        if unit != "rating":
            return column
        ratings = self.ratings[:, place]
        return np.where(np.isnan(ratings), column, ratings)

    def of_phrases(self, texts: Sequence[str], unit: Unit) -> Placements:
        """Return one placement for each text, as phrases that are not passages."""
        asked = phrase_columns([axis.name for axis in self.axes])
        return Placements(self.placements(texts, [""] * len(texts), unit), asked=asked)

    def placements(self, texts: Sequence[str], ids: Sequence[str], unit: Unit) -> Iterator[Placement]:
        """Yield one placement for each text, with the id of its passage."""
        names = [axis.name for axis in self.axes]
        versions = {axis.name: axis.version for axis in self.axes}
        measured = np.column_stack([self.column(place, unit) for place in range(len(names))]).tolist()
        standing = [tuple(compress(names, row)) for row in self.rated.tolist()]
        distances = np.column_stack(list(self.distances.values())).tolist() if self.distances else [()] * len(texts)
        for text, id, row, rated, far in zip(texts, ids, measured, standing, distances, strict=True):
            coordinates = dict(zip(names, row, strict=True))
            intervals = self._intervals(coordinates, rated) if unit == "rating" else {}
            off = dict(zip(self.distances, far, strict=True))
            yield Placement(text, coordinates, id, rated, intervals, versions, off)

    def _intervals(self, coordinates: Mapping[str, float], rated: Sequence[str]) -> dict[str, tuple[float, float]]:
        intervals = {}
        for axis in self.axes:
            calibration = axis.fitted.calibration
            if calibration is not None and axis.name not in rated:
                middle, half = coordinates[axis.name], calibration.half_width
                intervals[axis.name] = (middle - half, middle + half)
        return intervals


class Placer:
    """Places phrases and passages of one index."""

    def __init__(self, embedding: Embedding) -> None:
        """Read nothing yet."""
        self._embedding = embedding
        self._store = embedding.store

    def phrases(
        self, texts: Sequence[str], vectors: Vectors, axes: Sequence[ScaledAxis], *, predicted: bool = False
    ) -> Places:
        """Return where phrases lie; those that were rated stand where they were rated, unless *predicted*."""
        ratings = np.full((len(texts), len(axes)), np.nan)
        for place, axis in enumerate(axes):
            known = Rated({} if predicted else axis.fitted.axis.ratings)
            found = [known.rating(text) for text in texts]
            ratings[:, place] = [np.nan if rating is None else rating for rating in found]
        return _standing(axes, measure(axes, vectors), ratings, _distances(axes, vectors, None))

    def passages(self, rows: Rows, axes: Sequence[ScaledAxis], *, predicted: bool = False, far: bool = False) -> Places:
        """Return where passages lie, read in one pass over the vectors; rated ones stand where they were rated.

        Args:
            rows: in any order, shape (n,).
            axes: m axes.
            predicted: measure rated passages like all others.
            far: also measure how far they lie from the curves of groups, in a pass of its own.
        """
        ratings = np.full((len(rows), len(axes)), np.nan)
        for place, axis in enumerate(axes):
            if not predicted:
                self._look_up(axis, rows, ratings[:, place])
        vectors = self._store.vectors()
        distances = _distances(axes, vectors, rows) if far else {}
        return _standing(axes, measure(axes, vectors, rows), ratings, distances)

    def each(self, places: Places, rows: Rows, unit: Unit) -> Iterator[Placement]:
        """Yield the placements of the passages in *rows*, reading their texts in batches. Inside `reading`."""
        for start in range(0, len(rows), _AT_ONCE):
            part = np.arange(start, min(start + _AT_ONCE, len(rows)))
            passages = self._store.passages(rows[part])
            texts, ids = [passage.text for passage in passages], [passage.id for passage in passages]
            yield from places.take(part).placements(texts, ids, unit)

    def documents(
        self, documents: Sequence[Document], axis: ScaledAxis, measured: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return where documents lie on an axis, shape (n,): as measured, or where they were rated.

        A document stands where it was rated if it equals, by id and text, a rated document of the index, or if its text
        is a rated phrase.

        Args:
            documents: n documents, of the index or not.
            axis: the axis.
            measured: their coordinates, in standard deviations, shape (n,).
        """
        definition, calibration = axis.fitted.axis, axis.fitted.calibration
        if calibration is None or not definition.is_rated:
            return measured
        known = Rated(definition.ratings)
        places = measured.copy()
        for place, document in enumerate(documents):
            rating = known.rating(document.text)
            if document.id in definition.rated_documents:
                own = self._store.document(document.id)
                if own is not None and own.text == document.text:
                    rating = definition.rated_documents[document.id]
            if rating is not None:
                places[place] = axis.scale.standardise(calibration.raw_of([rating]))[0]
        return places

    def rated_rows(self, axis: ScaledAxis) -> Rows:
        """Return the rows of the passages that were rated on an axis, by their text or their document, ascending."""
        return np.array(sorted(self._ratings(axis)), dtype=np.int64)

    def _ratings(self, axis: ScaledAxis) -> dict[int, float]:
        """Return the ratings of passages on an axis, by row; empty for an axis that learned nothing from ratings."""
        definition = axis.fitted.axis
        if axis.fitted.calibration is None:
            return {}
        rated = self._embedding.sayings.rows(Rated(definition.ratings))
        for id, value in definition.rated_documents.items():
            rated |= dict.fromkeys(map(int, self._store.rows_of_document(id)), value)
        return rated

    def _look_up(self, axis: ScaledAxis, rows: Rows, ratings: NDArray[np.float64]) -> None:
        """Write the ratings on an axis of the passages in *rows* into *ratings*."""
        if rated := self._ratings(axis):
            known = np.array(sorted(rated))
            nearest = known[np.minimum(np.searchsorted(known, rows), len(known) - 1)]
            here = np.flatnonzero(nearest == rows)
            ratings[here] = [rated[row] for row in nearest[here].tolist()]


def phrase_columns(names: Sequence[str]) -> Schema:
    """Return the columns that phrases placed on the axes with these names have, beside the text, if any or none."""
    return {**dict.fromkeys(names, "number"), "versions": dict.fromkeys(names, "whole")}


def asked_columns(names: Sequence[str]) -> Schema:
    """Return the columns that passages placed on the axes with these names have, beside the text, found or not."""
    return {"id": "text", **phrase_columns(names)}


def sorting_axis(sort: str, names: Sequence[str]) -> str:
    """Return the axis, one of *names*, that a result is sorted by; ``-`` before it means lowest first.

    Raises:
        AxisError: it is none of them.
    """
    by = normal(sort.removeprefix("-"))
    if by not in names:
        raise AxisError(f"the result is sorted by {by!r}, which is not among its axes.{did_you_mean(by, names)}")
    return by


def in_unit(axis: ScaledAxis, coordinates: NDArray[np.float64], unit: Unit) -> NDArray[np.float64]:
    """Return coordinates on an axis, given in standard deviations, in a unit, shape (n,); ratings are those to expect.

    Raises:
        AxisError: the unit is that of ratings, and the axis has no ratings.
    """
    if unit == "sd":
        return coordinates
    if unit == "percentile":
        return axis.scale.percentile_of(coordinates)
    raw = axis.scale.raw_at(coordinates)
    return raw if unit == "raw" else axis.rating_at(raw)


def point_on(axis: ScaledAxis, value: float | str) -> float:
    """Return a coordinate in standard deviations from a number, or from a percentile such as ``p90``.

    Raises:
        QueryError: it is neither.
    """
    text = " ".join(str(value).split())
    match = _PERCENTILE.match(text)
    if match and float(match[1]) <= 100:
        return axis.scale.at_percentile(float(match[1]))
    number = _number(text)
    if number is None:
        raise QueryError(
            f"{axis.name}={text}: wanted a number of standard deviations, such as 1.5, or a percentile, such as p90"
        )
    return number


def step_on(axis: ScaledAxis, value: float | str) -> float:
    """Return how far to move along an axis, in standard deviations. A percentile is a point, not a step.

    Raises:
        QueryError: it is not a number.
    """
    number = _number(str(value).strip())
    if number is None:
        raise QueryError(
            f"{axis.name}={value}: wanted a number of standard deviations to move by, such as -2; what is like a "
            "phrase at a percentile is found with: embedsearch locate AXIS=p90 --like PHRASE"
        )
    return number


def _number(text: str) -> float | None:
    """Return the number that *text* is; None if it is not a number, or lies beyond everything on an axis."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) <= _FARTHEST else None


def _distances(axes: Sequence[ScaledAxis], vectors: Vectors, rows: Rows | None) -> dict[str, NDArray[np.float64]]:
    """Return how far vectors lie from the curve of each axis that is a series of groups, shape (n,) each."""
    curves = {axis.name: axis.fitted.curve for axis in axes if axis.fitted.curve is not None}
    return {
        name: curve.distances(project(vectors, curve.nodes.astype(np.float32), rows, alike=True).astype(np.float64))
        for name, curve in curves.items()
    }


def _standing(
    axes: Sequence[ScaledAxis],
    measured: NDArray[np.float64],
    ratings: NDArray[np.float64],
    distances: Mapping[str, NDArray[np.float64]],
) -> Places:
    """Return places with rated texts moved to where their rating stands among the ratings."""
    coordinates = measured.copy()
    for place, axis in enumerate(axes):
        rated = ~np.isnan(ratings[:, place])
        if rated.any() and axis.fitted.calibration is not None:
            raw = axis.fitted.calibration.raw_of(ratings[rated, place])
            coordinates[rated, place] = axis.scale.standardise(raw)
        else:
            ratings[:, place] = np.nan
    return Places(axes, coordinates, ratings, distances)
