"""Fitted axes with the scale of the passages that an index holds."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes import Axis, FittedAxis, ScaledAxis
from embedsearch.axes.ordering import with_inputs
from embedsearch.errors import AxisError, MissingKeyError, QueryError, did_you_mean
from embedsearch.index.embedding import Embedding
from embedsearch.store import SavedAxis
from embedsearch.vectors import Rows, project

_log = logging.getLogger("embedsearch")


class Measures(Protocol):
    """The axes that a condition may name."""

    def __iter__(self) -> Iterator[str]:
        """Yield their names."""

    def scaled(self, names: list[str]) -> dict[str, ScaledAxis]:
        """Return several by name, scaled."""


class Select(Protocol):
    """Evaluates a condition."""

    def __call__(self, source: str, axes: Measures | None = None) -> Rows:
        """Return the rows whose passages satisfy a condition over *axes*, or over those of the index."""


class UnknownAxisError(AxisError, MissingKeyError):
    """There is no axis of that name."""


class FittedAxes:
    """Axes by name as they are fitted; each is scaled on the passages of an index when it is first asked for.

    Attributes:
        fitted: the axes by name; others may be added later.
        versions: the versions of saved axes, by name.
        unreadable: why other axes cannot be read, by name.
    """

    def __init__(
        self,
        embedding: Embedding,
        fitted: Mapping[str, FittedAxis],
        versions: Mapping[str, int] | None = None,
        scaled: Mapping[str, ScaledAxis] | None = None,
        unreadable: Mapping[str, str] | None = None,
    ) -> None:
        """Scale nothing yet; *scaled* are axes that bring a scale of their own."""
        self.fitted = dict(fitted)
        self.versions = versions or {}
        self.unreadable = {name: why for name, why in (unreadable or {}).items() if name not in fitted}
        self._store = embedding.store
        self._encoder = embedding.identity.key
        self._scaled = dict(scaled or {})
        self._wrong: dict[str, str] = {}  # why an axis has no scale
        self._has_told = False

    def __iter__(self) -> Iterator[str]:
        yield from self.fitted
        yield from self.unreadable

    def is_current(self, name: str) -> bool:
        """Return whether the axis was fitted with the index's encoder."""
        return self.fitted[name].encoder == self._encoder

    def axis(self, name: str) -> FittedAxis:
        """Return the axis with this name.

        Raises:
            AxisError: there is none (this is a KeyError too), it cannot be read, or it was fitted with another encoder.
        """
        if name in self.unreadable:
            raise AxisError(self.unreadable[name])
        if name not in self.fitted:
            raise unknown_axis(name, self.fitted)
        if not self.is_current(name):
            raise AxisError(
                f"axis {name!r} was fitted with another encoder; "
                f"fit it again from its definition with: embedsearch axes refit {name}"
            )
        return self.fitted[name]

    def definitions(self) -> dict[str, Axis]:
        """Return the definitions by name; nothing is scaled."""
        return {name: axis.axis for name, axis in self.fitted.items()}

    def scaled(self, names: list[str]) -> dict[str, ScaledAxis]:
        """Return several axes by name, scaled together in one pass over the vectors.

        Raises:
            AxisError: as for `axis`; the passages all lie at one place on one, or a formula gives no number for some.
            QueryError: the index is empty, so that there is nothing to scale them on.
        """
        for name in names:
            self.axis(name)
        self._scale(names)
        for name in names:
            if name in self._wrong:
                raise AxisError(self._wrong[name])
        return {name: self._scaled[name] for name in names}

    def readable(self) -> list[str]:
        """Return the names of all axes that can be scaled; the log says once why another cannot.

        Raises:
            AxisError: there are no axes, or none can be scaled.
            QueryError: as for `scaled`.
        """
        self._scale(list(self.fitted))
        names = [name for name in self.fitted if name not in self._wrong]
        wrong = [self._wrong[name] for name in self.fitted if name in self._wrong]
        if not names:
            none = "the index has no axes yet; add some with: embedsearch axes fit FILE"
            raise AxisError([*wrong, *self.unreadable.values(), none][0])
        for reason in [] if self._has_told else wrong:
            _log.warning("%s. It is left out", reason)
        self._has_told = True
        return names

    def _scale(self, names: list[str]) -> None:
        """Scale axes and the inputs of their formulas on the passages, in one pass over the vectors."""
        missing = [name for name in names if name not in self._scaled and name not in self._wrong]
        if not missing:
            return
        order = with_inputs({name: axis.axis for name, axis in self.fitted.items()}, missing)
        columns = self._columns([name for name in order if self.is_current(name)])
        for name in order:
            if name not in self._scaled:
                try:
                    self._scaled[name] = self._scaled_on(name, columns)
                except AxisError as error:
                    self._wrong[name] = str(error)

    def _columns(self, names: list[str]) -> dict[str, NDArray[np.float32]]:
        """Return by axis the dot products of all passages with its directions; a formula has none of its own."""
        with self._store.reading():
            rows = self._store.live_rows()
            if not len(rows):
                path = self._store.path
                raise QueryError(f"the index {path} is empty; add documents with: embedsearch ingest SOURCE")
            if not names:
                return {}
            parts = [self.fitted[name].directions for name in names]
            products = project(self._store.vectors(), np.concatenate(parts), rows, alike=True)
        ends = np.cumsum([len(part) for part in parts])[:-1]
        return dict(zip(names, np.split(products, ends, axis=1), strict=True))

    def _scaled_on(self, name: str, columns: dict[str, NDArray[np.float32]]) -> ScaledAxis:
        fitted = self.axis(name)
        inputs = fitted.axis.depends_on if fitted.axis.formula else ()
        for other in inputs:
            if other in self._wrong:
                raise AxisError(self._wrong[other])
        if inputs:
            columns[name] = np.concatenate([columns[other] for other in inputs], axis=1)
        scaled = {other: self._scaled[other] for other in inputs}
        return ScaledAxis.on(fitted, columns[name], version=self.versions.get(name, 0), inputs=scaled)


def unknown_axis(name: str, known: Iterable[str]) -> AxisError:
    """Return the error for a name that no axis has; it is a KeyError too."""
    advice = did_you_mean(name, known) or " The index has none yet; add some with: embedsearch axes fit FILE"
    return UnknownAxisError(f"there is no axis {name!r}.{advice}")


def definition_of(name: str, saved: SavedAxis | None) -> Axis:
    """Return the definition of an axis that the store keeps.

    Raises:
        AxisError: it is damaged (None), or is not a definition that we accept, for example because commands would split
            its name.
    """
    try:
        if saved is not None:
            return Axis.from_dict(name, saved.definition)
        why = "it is not what was written"
    except AxisError as error:
        why = str(error)
    raise AxisError(
        f"axis {name!r} cannot be read: {why}. Fit it again from its definition, or delete it with: "
        f"embedsearch axes delete {name!r}"
    )


def read_saved(
    held: Mapping[str, SavedAxis | None], chosen: Mapping[str, Axis] | None = None
) -> tuple[dict[str, FittedAxis], dict[str, str]]:
    """Return the axes that the store keeps, by name, and why others, which may be of *chosen*, cannot be read.

    An axis that is derived from one that cannot be read, or is gone, is not read either: it could not be fitted anew.

    Args:
        held: what the store keeps, None for an axis that is damaged.
        chosen: definitions that are about to replace those held.
    """
    chosen = chosen or {}
    fitted: dict[str, FittedAxis] = {}
    unreadable: dict[str, str] = {}
    for name, saved in held.items():
        try:
            definition = definition_of(name, saved)
        except AxisError as error:
            unreadable |= {} if name in chosen else {name: str(error)}
        else:
            assert saved is not None
            fitted[name] = FittedAxis.from_dict(definition, saved.fitted)
    definitions = {**{name: axis.axis for name, axis in fitted.items()}, **chosen}
    while lost := {
        name: f"axis {name!r} is derived from {other!r}, which is not there or cannot be read; fit that one again"
        for name, axis in definitions.items()
        for other in axis.depends_on
        if name not in unreadable and (other in unreadable or not (other in definitions or name in chosen))
    }:
        unreadable |= lost
    return {name: axis for name, axis in fitted.items() if name not in unreadable}, unreadable
