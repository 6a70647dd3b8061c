"""An axis: a named direction of meaning, defined by poles, fitted to an encoder, scaled to a population.

Three steps, three objects. An `Axis` is what the analyst writes down. `Axis.fit` embeds its poles and gives a
`FittedAxis`, which reads a raw coordinate off any vector of that encoder. A `Scale` knows how the raw
coordinates of a population are spread and turns them into standard deviations and percentiles.
"""

from __future__ import annotations

import base64
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.encoders import Encoder, encode, identify
from embedsearch.errors import AxisError, did_you_mean
from embedsearch.vectors import Vectors, as_rows, unit

_KEYS = ("low", "high", "frames", "description")
_QUANTILES = 1001  # every tenth of a percent


@dataclass(frozen=True, slots=True)
class Axis:
    """The definition of an axis by two framed poles.

    Every phrase of a pole is put into every frame: ``large`` in ``a {} animal`` gives *a large animal*. Framed
    poles agree far better with people than bare adjectives, which are of another register than the things
    placed (docs/axes.md has the figures).

    Attributes:
        name: what conditions and commands call it.
        low: phrases of the low pole, where coordinates are small; at least one.
        high: phrases of the high pole; at least one.
        frames: texts with one ``{}`` each; ``{}`` alone leaves phrases as they are.
        description: one line for people.

    Raises:
        AxisError: a pole is empty, a phrase is on both sides, a frame lacks its ``{}``, a name is empty.
    """

    name: str
    low: Sequence[str]
    high: Sequence[str]
    frames: Sequence[str] = ("{}",)
    description: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise AxisError("an axis needs a name")
        for side in ("low", "high", "frames"):
            object.__setattr__(self, side, self._texts(side))
        if shared := {text.casefold() for text in self.low} & {text.casefold() for text in self.high}:
            raise AxisError(f"axis {self.name!r} has {sorted(shared)[0]!r} on both sides; a phrase can be on one only")
        for frame in self.frames:
            if frame.count("{}") != 1:
                raise AxisError(f"axis {self.name!r}: the frame {frame!r} must hold {{}} once, where the phrase goes")

    def _texts(self, side: str) -> tuple[str, ...]:
        given = getattr(self, side)
        if isinstance(given, str) or not all(isinstance(text, str) for text in given):
            raise AxisError(f"axis {self.name!r}: {side!r} must be a list of texts, not {given!r}")
        texts = tuple(dict.fromkeys(text.strip() for text in given if text.strip()))
        if not texts:
            raise AxisError(f"axis {self.name!r} has nothing in {side!r}; give at least one phrase")
        return texts

    @property
    def low_texts(self) -> list[str]:
        """The low pole's phrases, each in every frame."""
        return self._framed(self.low)

    @property
    def high_texts(self) -> list[str]:
        """The high pole's phrases, each in every frame."""
        return self._framed(self.high)

    def _framed(self, phrases: Sequence[str]) -> list[str]:
        return [frame.replace("{}", phrase) for frame in self.frames for phrase in phrases]

    def fit(self, encoder: Encoder) -> FittedAxis:
        """Return the axis as *encoder* sees it.

        The direction is the difference of the means of the unit vectors of the two poles.

        Raises:
            AxisError: the two poles have the same mean.
        """
        vectors = encode(encoder, [*self.low_texts, *self.high_texts])
        low = vectors[: len(self.low_texts)].mean(axis=0)
        high = vectors[len(self.low_texts) :].mean(axis=0)
        return FittedAxis.between(self, low, high, encoder=identify(encoder).key)

    def to_dict(self) -> dict[str, Any]:
        """Return the definition as JSON values, without the name; `from_dict` takes it back."""
        return {
            "low": list(self.low),
            "high": list(self.high),
            "frames": list(self.frames),
            "description": self.description,
        }

    @classmethod
    def from_dict(cls, name: str, definition: Mapping[str, Any]) -> Axis:
        """Return the axis that a table of an ``axes.toml`` describes.

        Raises:
            AxisError: a key is unknown or missing, or a value is wrong.
        """
        for key in definition:
            if key not in _KEYS:
                raise AxisError(f"axis {name!r} has an unknown key {key!r}.{did_you_mean(key, _KEYS)}")
        for key in ("low", "high"):
            if key not in definition:
                raise AxisError(f"axis {name!r} lacks {key!r}; an axis needs phrases for both poles, low and high")
        description = definition.get("description", "")
        if not isinstance(description, str):
            raise AxisError(f"axis {name!r}: 'description' must be a text, not {description!r}")
        for key in ("low", "high", "frames"):
            if not isinstance(definition.get(key, []), list | tuple):
                raise AxisError(f"axis {name!r}: {key!r} must be a list of texts, not {definition[key]!r}")
        frames = definition.get("frames", ("{}",))
        return cls(name, definition["low"], definition["high"], frames=frames, description=description)


def read_axes(file: str | os.PathLike[str]) -> list[Axis]:
    """Return the axes that a TOML file defines, one table each, in their order.

    Raises:
        AxisError: the file cannot be read, is not TOML, or a definition is wrong.
    """
    path = Path(file)
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise AxisError(f"there is no file {path}; it should hold one table [NAME] for each axis") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AxisError(f"{path} cannot be read: {error}") from error
    axes = []
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise AxisError(f"{path}: {name!r} stands outside a table; each axis is a table [NAME]")
        try:
            axes.append(Axis.from_dict(name, table))
        except AxisError as error:
            raise AxisError(f"{path}: {error}") from error
    if not axes:
        raise AxisError(f"{path} defines no axis; write one table [NAME] for each, with low = [...] and high = [...]")
    return axes


@dataclass(frozen=True, slots=True, eq=False)
class FittedAxis:
    """An axis as one encoder sees it.

    Attributes:
        axis: the definition.
        encoder: the key of the encoder's identity.
        direction: what coordinates are read with: unit vector, shape (d,).
        step: what phrases are moved with: mean of the high pole minus mean of the low pole, shape (d,).
        origin: the dot product with *direction* that counts as raw 0: half-way between the poles.
    """

    axis: Axis
    encoder: str
    direction: Vectors
    step: Vectors
    origin: float

    @classmethod
    def between(cls, axis: Axis, low: ArrayLike, high: ArrayLike, *, encoder: str = "") -> FittedAxis:
        """Return the axis that runs from the vector *low* to the vector *high*, each of shape (d,).

        Raises:
            AxisError: they are the same vector, or not finite.
        """
        ends = as_rows(np.stack([np.asarray(low), np.asarray(high)]), error=AxisError)
        step = ends[1] - ends[0]
        if not step.any():
            raise AxisError(
                f"axis {axis.name!r}: both poles have the same mean vector; choose phrases that differ more"
            )
        direction = unit(step, error=AxisError)
        origin = float(np.dot((ends[0].astype(np.float64) + ends[1]) / 2, direction))
        return cls(axis, encoder, direction, step, origin)

    @property
    def name(self) -> str:
        """The name of the axis."""
        return self.axis.name

    def read(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Return the raw coordinates of unit vectors: shape (n,) for (n, d); higher is nearer the high pole.

        The raw coordinate is the dot product with the unit direction, 0 half-way between the poles.

        Raises:
            AxisError: the vectors have another dimension, or are not finite.
        """
        rows = as_rows(vectors, dimension=len(self.direction), error=AxisError)
        return rows.astype(np.float64) @ self.direction.astype(np.float64) - self.origin

    def to_dict(self) -> dict[str, Any]:
        """Return what fitting found, as JSON values; `from_dict` takes it back."""
        return {
            "encoder": self.encoder,
            "direction": _pack(self.direction),
            "step": _pack(self.step),
            "origin": self.origin,
        }

    @classmethod
    def from_dict(cls, axis: Axis, fitted: Mapping[str, Any]) -> FittedAxis:
        """Return the fitted axis that `to_dict` wrote."""
        return cls(axis, fitted["encoder"], _unpack(fitted["direction"]), _unpack(fitted["step"]), fitted["origin"])


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """How the raw coordinates of a population are spread on one axis.

    Attributes:
        count: how many passages the population has.
        mean: their mean raw coordinate.
        deviation: their standard deviation (of the population, divided by n), above 0.
        quantiles: raw coordinates at 0 %, 0.1 %, … 100 %, ascending.
    """

    count: int
    mean: float
    deviation: float
    quantiles: NDArray[np.float64]

    @classmethod
    def of(cls, raw: ArrayLike, *, name: str) -> Scale:
        """Return the scale of a population's raw coordinates, shape (n,).

        Raises:
            AxisError: fewer than two passages, or all at the same place.
        """
        values = np.asarray(raw, dtype=np.float64)
        deviation = float(values.std()) if len(values) else 0.0
        if deviation <= 1e-9:
            found = f"the index has {len(values)}" if len(values) < 2 else f"all {len(values)} lie at one place"
            raise AxisError(f"axis {name!r} needs at least two different passages to be scaled on; {found}")
        quantiles = np.quantile(values, np.linspace(0, 1, _QUANTILES))
        return cls(len(values), float(values.mean()), deviation, quantiles)

    def standardise(self, raw: ArrayLike) -> NDArray[np.float64]:
        """Return raw coordinates in standard deviations from the population's mean."""
        return (np.asarray(raw, dtype=np.float64) - self.mean) / self.deviation

    def at_percentile(self, percent: float) -> float:
        """Return the coordinate, in standard deviations, below which *percent* of the population lies."""
        raw = np.interp(percent / 100, np.linspace(0, 1, _QUANTILES), self.quantiles)
        return float(self.standardise(raw))

    def percentile_of(self, coordinates: ArrayLike) -> NDArray[np.float64]:
        """Return how many percent of the population lie below each coordinate (in standard deviations)."""
        raw = np.asarray(coordinates, dtype=np.float64) * self.deviation + self.mean
        return np.interp(raw, self.quantiles, np.linspace(0, 100, _QUANTILES))

    def to_dict(self) -> dict[str, Any]:
        """Return the scale as JSON values; `from_dict` takes it back."""
        return {
            "count": self.count,
            "mean": self.mean,
            "deviation": self.deviation,
            "quantiles": _pack(self.quantiles),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Scale:
        """Return the scale that `to_dict` wrote."""
        quantiles = _unpack(fields["quantiles"], "<f8")
        return cls(fields["count"], fields["mean"], fields["deviation"], quantiles)


@dataclass(frozen=True, slots=True, eq=False)
class ScaledAxis:
    """A fitted axis with the scale of an index's passages: what coordinates are read off with.

    Attributes:
        fitted: the axis as the index's encoder sees it.
        scale: how the index's own passages are spread on it.
        version: counts how often the axis was saved under its name.
    """

    fitted: FittedAxis
    scale: Scale
    version: int = 1

    @property
    def name(self) -> str:
        """The name of the axis."""
        return self.fitted.name

    def coordinates(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Return the coordinates of unit vectors, in standard deviations: shape (n,) for (n, d)."""
        return self.scale.standardise(self.fitted.read(vectors))

    def from_products(self, products: ArrayLike) -> NDArray[np.float64]:
        """Return the coordinates for dot products with the direction that were taken elsewhere."""
        return self.scale.standardise(np.asarray(products, dtype=np.float64) - self.fitted.origin)


def _pack(values: NDArray[Any]) -> str:
    little = values.astype(values.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode("ascii")


def _unpack(text: str, dtype: str = "<f4") -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text), dtype=dtype)
