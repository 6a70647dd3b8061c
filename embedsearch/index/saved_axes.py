"""The axes of an index: fitted with its encoder, scaled on its passages, kept under their names."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from embedsearch.axes import Axis, FittedAxis, ScaledAxis, fit_axis, measure, read_axes
from embedsearch.axes.ordering import dependents, in_order, with_inputs
from embedsearch.axes.report import Report, overlap, report_on
from embedsearch.errors import AxisError, QueryError, did_you_mean
from embedsearch.index.axis_material import IndexMaterial, Select
from embedsearch.index.embedding import Embedding
from embedsearch.notebooks import phrases, table
from embedsearch.store import SavedAxis
from embedsearch.vectors import project

# What a placement says beside its coordinates, under one key an axis.
_RESERVED = frozenset(["text", "id", "rated", "intervals", "versions", "distances"])
_TAKEN = "axes_taken"  # the setting with the digest of each definition that was last taken from a followed file


class IndexAxes(Mapping[str, ScaledAxis]):
    """The axes of an index by name. Looking one up scales it on the passages that the index holds now."""

    def __init__(self, embedding: Embedding) -> None:
        """Read nothing yet."""
        self._embedding = embedding
        self._store = embedding.store
        self._scaled: dict[str, ScaledAxis] = {}
        self._state: object = None
        self._lent: dict[str, SavedAxis] = {}
        self._pinned: dict[str, ScaledAxis] = {}
        self.select: Select | None = None  # evaluates conditions; the index sets it

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
            # Any commit counts, also of another process: axes are saved without documents being added.
            if (state := self._store.database.state()) != self._state:
                self._scaled, self._state = dict(self._pinned), state
            missing = [name for name in dict.fromkeys(names) if name not in self._scaled]
            if missing:
                self._scale(missing)
        return {name: self._scaled[name] for name in names}

    def lend(self, axes: Sequence[Axis]) -> None:
        """Fit axes with the index's encoder for as long as it is open; nothing is written.

        They stand before saved axes of the same name, and are scaled on the index's passages as these are. Axes of the
        index that are derived from them, directly or through others, are fitted anew for as long.

        Raises:
            AxisError: one cannot be fitted, or is derived from one that is not there.
        """
        saved, named = self._saved(), {axis.name: axis for axis in axes}
        new = {**self.definitions(), **named}
        # What was fitted with another encoder is refused when it is asked for, lent or not.
        stale = {name for name in dependents(new, named) if name in named or self._is_current(saved[name])}
        fitted = {name: self._fitted(kept) for name, kept in saved.items() if name not in stale}
        material = IndexMaterial(self._embedding, fitted, self.select)
        for name in [name for name in in_order(new) if name in stale]:
            fitted[name] = fit_axis(new[name], material)
        for name in stale:
            self._lend(fitted[name], version=1 if name in named else saved[name].version)

    def pin(self, axes: Sequence[ScaledAxis]) -> None:
        """Use axes with the scale that they bring, for as long as the index is open; nothing is written."""
        for axis in axes:
            self._lend(axis.fitted, version=axis.version)
            self._pinned[axis.name] = self._scaled[axis.name] = axis

    def _lend(self, fitted: FittedAxis, *, version: int) -> None:
        self._lent[fitted.name] = SavedAxis(fitted.name, version, "", fitted.axis.to_dict(), fitted.to_dict())
        self._pinned.pop(fitted.name, None)
        self._scaled.pop(fitted.name, None)

    def _repr_html_(self) -> str:
        """Show what axes there are in a notebook; nothing is scaled."""
        versions = self.versions()
        return table(
            [
                {
                    "axis": name, "version": versions[name], "made from": ", ".join(axis.kinds),
                    "low": phrases(axis.low), "high": phrases(axis.high),
                }
                for name, axis in self.definitions().items()
            ],
            caption=f"{len(self)} axes",
        )  # fmt: skip

    @property
    def encoder_name(self) -> str:
        """The name of the index's encoder."""
        return self._embedding.identity.name

    def definitions(self) -> dict[str, Axis]:
        """Return the definitions by name; nothing is scaled."""
        return {name: Axis.from_dict(name, saved.definition) for name, saved in self._saved().items()}

    def fitted(self) -> dict[str, FittedAxis]:
        """Return the axes by name as they are fitted, without a scale: no vector of the index is read.

        One that was fitted with another encoder is left out.
        """
        return {name: self._fitted(saved) for name, saved in self._saved().items() if self._is_current(saved)}

    def versions(self) -> dict[str, int]:
        """Return how often each axis was saved, by name."""
        return {name: saved.version for name, saved in self._saved().items()}

    def save(self, axis: Axis) -> FittedAxis:
        """Fit *axis* with the index's encoder and keep it; an axis of that name is replaced by a new version.

        An axis whose definition has not changed stays as it is. Axes derived from one that has are fitted anew.

        Raises:
            AxisError: it cannot be fitted, or is derived from itself through others.
            StoreError: another process is writing.
        """
        return self.save_all([axis])[axis.name]

    def save_all(self, axes: Sequence[Axis], *, anew: bool = False) -> dict[str, FittedAxis]:
        """Fit several axes and keep them, all or none; they may be derived from one another.

        Args:
            axes: in any order.
            anew: fit even those whose definition has not changed, as when the documents behind a field have.

        Raises:
            AxisError, StoreError: as `save`.
        """
        for axis in axes:
            if axis.name in _RESERVED:
                raise AxisError(f"an axis cannot be called {axis.name!r}, a word of placements; choose another name")
        saved = self._saved()
        known = {name: Axis.from_dict(name, old.definition) for name, old in saved.items()}
        new = known | {axis.name: axis for axis in axes}
        changed = [axis.name for axis in axes if anew or not self._is_kept(axis, saved.get(axis.name))]
        stale = dependents(new, changed)
        fitted: dict[str, FittedAxis] = {}
        material = IndexMaterial(self._embedding, fitted, self.select)
        for name in in_order(new):
            if name in stale:
                fitted[name] = fit_axis(new[name], material)
            elif self._is_current(saved[name]):
                fitted[name] = FittedAxis.from_dict(new[name], saved[name].fitted)
        with self._store.locked(), self._store.writing():
            now = datetime.now(UTC).isoformat(timespec="seconds")
            for name in [name for name in new if name in stale]:
                self._store.put_axis(name, new[name].to_dict(), fitted[name].to_dict(), now)
        for name in stale:
            self._lent.pop(name, None)
        self._scaled = dict(self._pinned)
        return {axis.name: fitted[axis.name] for axis in axes}

    def save_file(self, file: str | os.PathLike[str]) -> list[str]:
        """Fit and keep the axes that a TOML file defines; return their names.

        Raises:
            AxisError: the file or a definition is wrong; nothing is saved then.
        """
        axes = read_axes(file)
        self.save_all(axes)
        return [axis.name for axis in axes]

    def follow_file(self, file: str | os.PathLike[str]) -> tuple[list[str], list[str]]:
        """Fit and keep what a TOML file defines, as `save_file`, but for axes that were changed here since.

        Such an axis is one whose saved definition is not the one last taken by this method: it was rated, or fitted
        from elsewhere.

        Returns:
            The names of the axes that are now as the file has them, and of those that stay as they were here.

        Raises:
            AxisError: the file or a definition is wrong; nothing is saved then.
        """
        axes, saved = read_axes(file), self._saved()
        taken = dict(self._store.setting(_TAKEN, {}))
        followed: list[Axis] = []
        kept: list[Axis] = []
        for axis in axes:
            held = saved[axis.name].definition if axis.name in saved else None
            own = held is None or held == axis.to_dict() or _digest(held) == taken.get(axis.name)
            (followed if own else kept).append(axis)
        self.save_all(followed)
        now = taken | {axis.name: _digest(axis.to_dict()) for axis in followed}
        if now != taken:
            with self._store.locked(), self._store.writing():
                self._store.set_setting(_TAKEN, now)
        return [axis.name for axis in followed], [axis.name for axis in kept]

    def refit(self, names: Sequence[str]) -> dict[str, FittedAxis]:
        """Fit axes of the index anew from their definitions, with the index's encoder and on its documents now.

        Raises:
            AxisError: there is none of that name, or it cannot be fitted.
        """
        definitions = self.definitions()
        self._require(list(names), current=False)
        return self.save_all([definitions[name] for name in names], anew=True)

    def check(self, names: Sequence[str] | None = None) -> Report:
        """Return how far axes can be trusted, and what they have in common over the passages of the index.

        Args:
            names: of axes; all if None, so that of an index without axes there is nothing to report.

        Raises:
            AxisError: there is none of that name.
        """
        scaled = self.scaled(list(names if names is not None else self))
        if not scaled:
            return Report((), ())
        material = self.material()
        with self._store.reading():
            coordinates = measure(list(scaled.values()), self._store.vectors(), self._store.live_rows())
        reports = tuple(report_on(axis, material) for axis in scaled.values())
        return Report(reports, overlap(list(scaled.values()), coordinates))

    def material(self) -> IndexMaterial:
        """Return the index as what axes are fitted from, its axes as they are fitted now."""
        return IndexMaterial(
            self._embedding, {name: self._fitted(saved) for name, saved in self._saved().items()}, self.select
        )

    def _fitted(self, saved: SavedAxis) -> FittedAxis:
        return FittedAxis.from_dict(Axis.from_dict(saved.name, saved.definition), saved.fitted)

    def delete(self, name: str) -> None:
        """Forget the axis called *name*.

        Raises:
            AxisError: there is none of that name.
        """
        self._require([name], current=False)
        for other, axis in self.definitions().items():
            if name in axis.depends_on:
                raise AxisError(f"axis {other!r} is derived from {name!r}; delete {other!r} first")
        with self._store.locked(), self._store.writing():
            self._store.delete_axis(name)
        self._lent.pop(name, None)
        self._scaled.pop(name, None)

    def _saved(self) -> dict[str, SavedAxis]:
        return {saved.name: saved for saved in self._store.axes()} | self._lent

    def _is_current(self, saved: SavedAxis) -> bool:
        return bool(saved.fitted["encoder"] in self._embedding.identity.keys)

    def _is_kept(self, axis: Axis, saved: SavedAxis | None) -> bool:
        return saved is not None and saved.definition == axis.to_dict() and self._is_current(saved)

    def _require(self, names: Sequence[str], *, current: bool = True) -> dict[str, SavedAxis]:
        saved = self._saved()
        for name in names:
            if name not in saved:
                advice = (
                    did_you_mean(name, saved) or " The index has none yet; add some with: embedsearch axes fit FILE"
                )
                raise AxisError(f"there is no axis {name!r}.{advice}")
            if current and not self._is_current(saved[name]):
                raise AxisError(
                    f"axis {name!r} was fitted with another encoder; "
                    f"fit it again from its definition with: embedsearch axes refit {name}"
                )
        return saved

    def _scale(self, names: Sequence[str]) -> None:
        """Scale axes and the inputs of their formulas on the passages, in one pass over the vectors."""
        saved = self._require(names)
        definitions = {name: Axis.from_dict(name, kept.definition) for name, kept in saved.items()}
        order = with_inputs(definitions, names)
        self._require(order)
        rows = self._store.live_rows()
        if not len(rows):
            raise QueryError(f"the index {self._store.path} is empty; add documents with: embedsearch ingest SOURCE")
        fitted = {name: FittedAxis.from_dict(definitions[name], saved[name].fitted) for name in order}
        read = [name for name in order if not definitions[name].formula]
        parts = [fitted[name].directions for name in read]
        products = project(self._store.vectors(), np.concatenate(parts), rows, alike=True)
        ends = np.cumsum([len(part) for part in parts])[:-1]
        columns = dict(zip(read, np.split(products, ends, axis=1), strict=True))
        for name in order:
            inputs = {other: self._scaled[other] for other in definitions[name].depends_on if definitions[name].formula}
            if inputs:
                columns[name] = np.concatenate([columns[other] for other in inputs], axis=1)
            self._scaled[name] = ScaledAxis.on(fitted[name], columns[name], version=saved[name].version, inputs=inputs)


def _digest(definition: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
