"""Where phrases and passages lie on axes: measured, or as they were rated; in the unit asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes import ScaledAxis, measure
from embedsearch.columns import Schema
from embedsearch.documents import Document
from embedsearch.errors import QueryError
from embedsearch.index.embedding import Embedding
from embedsearch.index.standing import Rated
from embedsearch.results import Placement, Placements
from embedsearch.vectors import Mask, Rows, Vectors, project

Unit = Literal["sd", "percentile", "raw", "rating"]
_PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)$")
UNITS: tuple[Unit, ...] = ("sd", "percentile", "raw", "rating")


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Coordinates of n texts on m axes.

    Attributes:
        axes: m of them.
        coordinates: in standard deviations, shape (n, m).
        ratings: what each text was rated on each axis, NaN where it was not; shape (n, m).
        distances: from the curve of each axis that is a series of groups, by its name, shape (n,).
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

    def column(self, place: int, unit: Unit) -> NDArray[np.float64]:
        """Return the coordinates on one axis in a unit, shape (n,).

        Raises:
            AxisError: the unit is that of ratings, and the axis has none.
        """
        column = in_unit(self.axes[place], self.coordinates[:, place], unit)
        if unit != "rating":
            return column
        ratings = self.ratings[:, place]
        return np.where(np.isnan(ratings), column, ratings)

    def placements(self, texts: Sequence[str], ids: Sequence[str], unit: Unit) -> Placements:
        """Return one placement for each text."""
        names = [axis.name for axis in self.axes]
        versions = {axis.name: axis.version for axis in self.axes}
        columns = [self.column(place, unit) for place in range(len(names))]
        found, stands_rated = [], self.rated
        for row, (text, id) in enumerate(zip(texts, ids, strict=True)):
            coordinates = {name: float(column[row]) for name, column in zip(names, columns, strict=True)}
            rated = tuple(name for name, stands in zip(names, stands_rated[row], strict=True) if stands)
            intervals = self._intervals(coordinates, rated) if unit == "rating" else {}
            distances = {name: float(column[row]) for name, column in self.distances.items()}
            found.append(Placement(text, coordinates, id, rated, intervals, versions, distances))
        asked: Schema = {"id": "text", **dict.fromkeys(names, "number"), "versions": dict.fromkeys(names, "whole")}
        return Placements(found, asked=asked)

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
            rows: ascending, shape (n,).
            axes: m of them.
            predicted: measure the rated ones like all others.
            far: measure how far they lie from the curves of groups as well, in a pass of its own.
        """
        ratings = np.full((len(rows), len(axes)), np.nan)
        for place, axis in enumerate(axes):
            if not predicted and axis.fitted.calibration is not None:
                self._look_up(axis, rows, ratings[:, place])
        vectors = self._store.vectors()
        distances = _distances(axes, vectors, rows) if far else {}
        return _standing(axes, measure(axes, vectors, rows), ratings, distances)

    def documents(
        self, documents: Sequence[Document], axis: ScaledAxis, measured: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return where documents lie on an axis, shape (n,): as measured, or where they were rated.

        A document stands as rated where it is, by id and text, a document of the index that was rated, or where its
        text is a phrase that was.

        Args:
            documents: n of them, of the index or not.
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

    def _look_up(self, axis: ScaledAxis, rows: Rows, ratings: NDArray[np.float64]) -> None:
        """Write into *ratings* what the passages in *rows* were rated on an axis."""
        definition = axis.fitted.axis
        rated = self._embedding.sayings.rows(Rated(definition.ratings))
        for id, value in definition.rated_documents.items():
            rated |= dict.fromkeys(map(int, self._store.rows_of_document(id)), value)
        if rated:
            places = np.searchsorted(rows, list(rated))
            for place, (row, value) in zip(places, rated.items(), strict=True):
                if place < len(rows) and rows[place] == row:
                    ratings[place] = value


def in_unit(axis: ScaledAxis, coordinates: NDArray[np.float64], unit: Unit) -> NDArray[np.float64]:
    """Return coordinates on an axis, in standard deviations, in a unit, shape (n,): as ratings those to be expected.

    Raises:
        AxisError: the unit is that of ratings, and the axis has none.
    """
    if unit == "sd":
        return coordinates
    if unit == "percentile":
        return axis.scale.percentile_of(coordinates)
    raw = coordinates * axis.scale.deviation + axis.scale.mean
    return raw if unit == "raw" else axis.rating_at(raw)


def point_on(axis: ScaledAxis, value: float | str) -> float:
    """Return a coordinate in standard deviations from a number, or from a percentile such as ``p90``.

    Raises:
        QueryError: it is neither.
    """
    text = str(value).strip()
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
    """Return how far to move along an axis, in standard deviations. A percentile is a point and no step.

    Raises:
        QueryError: it is no number.
    """
    number = _number(str(value).strip())
    if number is None:
        raise QueryError(
            f"{axis.name}={value}: wanted a number of standard deviations to move by, such as -2; what is like a "
            "phrase at a percentile is found with: embedsearch locate AXIS=p90 --like PHRASE"
        )
    return number


def _number(text: str) -> float | None:
    """Return the finite number that *text* is, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


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
