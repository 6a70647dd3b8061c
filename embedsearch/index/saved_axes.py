"""The axes of an index: fitted with its encoder, scaled on its passages, kept under their names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import numpy as np

from embedsearch.axes import Axis, FittedAxis, Scale, ScaledAxis, read_axes
from embedsearch.errors import AxisError, QueryError, did_you_mean
from embedsearch.index.embedding import Embedding
from embedsearch.store import SavedAxis
from embedsearch.vectors import project


class IndexAxes(Mapping[str, ScaledAxis]):
    """The axes of an index by name. Looking one up scales it on the passages that the index holds now."""

    def __init__(self, embedding: Embedding) -> None:
        """Read nothing yet."""
        self._embedding = embedding
        self._store = embedding.store
        self._scaled: dict[str, ScaledAxis] = {}
        self._generation = -1

    def __iter__(self) -> Iterator[str]:
        return iter(self._saved())

    def __len__(self) -> int:
        return len(self._saved())

    def __contains__(self, name: object) -> bool:
        return name in self._saved()

    def __getitem__(self, name: str) -> ScaledAxis:
        """Return the axis called *name*.

        Raises:
            AxisError: there is none of that name, or it was fitted with another encoder.
            QueryError: the index is empty, so that there is nothing to scale it on.
        """
        return self.scaled([name])[name]

    def scaled(self, names: list[str]) -> dict[str, ScaledAxis]:
        """Return several axes by name, scaled together in one pass over the vectors.

        Raises:
            AxisError, QueryError: as looking one up.
        """
        with self._store.reading():
            if self._generation != self._store.generation:
                self._scaled, self._generation = {}, self._store.generation
            missing = [name for name in dict.fromkeys(names) if name not in self._scaled]
            if missing:
                self._scale(missing)
        return {name: self._scaled[name] for name in names}

    def definitions(self) -> dict[str, Axis]:
        """Return the definitions by name; nothing is scaled."""
        return {name: Axis.from_dict(name, saved.definition) for name, saved in self._saved().items()}

    def versions(self) -> dict[str, int]:
        """Return how often each axis was saved, by name."""
        return {name: saved.version for name, saved in self._saved().items()}

    def save(self, axis: Axis) -> FittedAxis:
        """Fit *axis* with the index's encoder and keep it; an axis of that name is replaced by a new version.

        An axis whose definition has not changed stays as it is.

        Raises:
            AxisError: it cannot be fitted.
            StoreError: another process is writing.
        """
        saved = self._saved().get(axis.name)
        if saved is not None and saved.definition == axis.to_dict() and self._is_current(saved):
            return FittedAxis.from_dict(axis, saved.fitted)
        fitted = axis.fit(self._embedding.encoder)
        with self._store.locked(), self._store.writing():
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._store.put_axis(axis.name, axis.to_dict(), fitted.to_dict(), now)
        self._scaled.pop(axis.name, None)
        return fitted

    def save_file(self, file: str | os.PathLike[str]) -> list[str]:
        """Fit and keep the axes that a TOML file defines; return their names.

        Raises:
            AxisError: the file or a definition is wrong; nothing is saved then.
        """
        axes = read_axes(file)
        for axis in axes:
            self.save(axis)
        return [axis.name for axis in axes]

    def delete(self, name: str) -> None:
        """Forget the axis called *name*.

        Raises:
            AxisError: there is none of that name.
        """
        self._require([name])
        with self._store.locked(), self._store.writing():
            self._store.delete_axis(name)
        self._scaled.pop(name, None)

    def _saved(self) -> dict[str, SavedAxis]:
        return {saved.name: saved for saved in self._store.axes()}

    def _is_current(self, saved: SavedAxis) -> bool:
        return bool(saved.fitted["encoder"] == self._embedding.identity.key)

    def _require(self, names: list[str]) -> dict[str, SavedAxis]:
        saved = self._saved()
        for name in names:
            if name not in saved:
                advice = (
                    did_you_mean(name, saved) or " The index has none yet; add some with: embedsearch axes fit FILE"
                )
                raise AxisError(f"there is no axis {name!r}.{advice}")
            if not self._is_current(saved[name]):
                raise AxisError(
                    f"axis {name!r} was fitted with another encoder; fit it again with: embedsearch axes fit FILE"
                )
        return saved

    def _scale(self, names: list[str]) -> None:
        saved = self._require(names)
        rows = self._store.live_rows()
        if not len(rows):
            raise QueryError(f"the index {self._store.path} is empty; add documents with: embedsearch ingest SOURCE")
        fitted = [
            FittedAxis.from_dict(Axis.from_dict(name, saved[name].definition), saved[name].fitted) for name in names
        ]
        products = project(self._store.vectors(), np.stack([axis.direction for axis in fitted]), rows)
        for axis, column in zip(fitted, products.T, strict=True):
            scale = Scale.of(column.astype(np.float64) - axis.origin, name=axis.name)
            self._scaled[axis.name] = ScaledAxis(axis, scale, saved[axis.name].version)
