"""The axes of an index: fitted with its encoder, scaled on its passages, saved under their names."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from embedsearch.axes import Axis, FittedAxis, ScaledAxis, fit_axis, measure, read_axes
from embedsearch.axes.ordering import dependents, in_order
from embedsearch.axes.report import Report, overlap, report_on
from embedsearch.errors import AxisError, EmbedSearchError
from embedsearch.given import require_flags, require_function, require_kind, several
from embedsearch.index import arguments
from embedsearch.index.axis_material import IndexMaterial
from embedsearch.index.embedding import Embedding
from embedsearch.index.label import now
from embedsearch.index.scaling import FittedAxes, Select, definition_of, read_saved, unknown_axis
from embedsearch.names import normal
from embedsearch.notebooks import phrases, table
from embedsearch.offering import keeps_back
from embedsearch.store import SavedAxis
from embedsearch.wording import count_of

_log = logging.getLogger("embedsearch")

# Keys of a placement besides its coordinates, which have one key for each axis.
_RESERVED = frozenset(["text", "id", "rated", "intervals", "versions", "distances"])
_TAKEN = "axes_taken"  # the setting with the digest of each definition that was last taken from a followed file

# From the saved axes by name (None if one is damaged) to the definitions that are to be saved.
Choose = Callable[[Mapping[str, SavedAxis | None]], Iterable[Axis]]


@keeps_back("change", "encoder_name", "follow_file", "material", "pin", "readable", "select")
class IndexAxes(Mapping[str, ScaledAxis]):
    """The axes of an index, by name. Looking one up scales it on the passages that the index holds now."""

    def __init__(self, embedding: Embedding) -> None:
        """Read nothing yet."""
        self._embedding = embedding
        self._store = embedding.store
        self._now: FittedAxes | None = None
        self._state: object = None
        self._lent: dict[str, Axis] = {}
        self._lending: dict[str, FittedAxis] = {}  # lent axes, and those derived from them
        self._pinned: dict[str, ScaledAxis] = {}
        self._told: set[str] = set()  # why axes cannot be read
        self.select: Select  # evaluates conditions; the index sets it

    def __iter__(self) -> Iterator[str]:
        return iter(self._axes())

    def __len__(self) -> int:
        return len(list(self._axes()))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and normal(name) in list(self._axes())

    def __getitem__(self, name: str) -> ScaledAxis:
        """Return the axis with this name.

        Raises:
            AxisError: there is none (this is a KeyError too), it cannot be read, it was fitted with another encoder,
                the passages all lie at one place on it, or it is a formula that gives no number for some passage.
            QueryError: the index is empty, so that there is nothing to scale the axis on.
        """
        return self.scaled([name])[name]

    def scaled(self, names: str | Iterable[str]) -> dict[str, ScaledAxis]:
        """Return several axes by name, scaled together in one pass over the vectors.

        Raises:
            AxisError, QueryError: as for looking one up.
        """
        with self._store.reading():
            wanted = {name: arguments.axis_name(name) for name in arguments.texts("an axis", names)}
            found = self._axes().scaled(list(wanted.values()))
        return {name: found[wanted[name]] for name in wanted}

    def readable(self) -> list[str]:
        """Return the names of all axes that can be read on the passages; the log says why another cannot.

        Raises:
            AxisError: there are no axes, or none can be read.
            QueryError: the index is empty.
        """
        with self._store.reading():
            return self._axes().readable()

    def lend(self, axes: Sequence[Axis]) -> None:
        """Use unsaved axes for as long as the index is open: fit them with its encoder, and write nothing.

        They hide saved axes of the same name, and are scaled on the index's passages as saved axes are. Axes of the
        index that are derived from them, directly or through others, are fitted anew for as long. All these have
        version 0, which no saved axis has.

        Raises:
            AxisError: one cannot be fitted, or is derived from an axis that does not exist.
        """
        lent = self._lent | {axis.name: axis for axis in arguments.definitions(axes)}
        self._lending = self._fitted_with(self._read(), lent)
        self._lent, self._now = lent, None

    def pin(self, axes: Sequence[ScaledAxis]) -> None:
        """Use axes with the scale that they bring, for as long as the index is open; nothing is written.

        Raises:
            AxisError: one is not a `ScaledAxis`.
        """
        for axis in (axes := several(axes)):
            require_kind("what is pinned", axis, ScaledAxis, "a ScaledAxis", error=AxisError)
        self._pinned |= {axis.name: axis for axis in axes}
        self._now = None

    def _fitted_with(self, axes: FittedAxes, lent: Mapping[str, Axis]) -> dict[str, FittedAxis]:
        """Return lent axes, and those of *axes* that are derived from them, fitted."""
        definitions = {**axes.definitions(), **lent}
        # An axis that was fitted with another encoder is refused when it is asked for, lent or not.
        stale = {name for name in dependents(definitions, lent) if name in lent or axes.is_current(name)}
        fitted = self._fit(definitions, axes.fitted, stale).fitted
        return {name: fitted[name] for name in definitions if name in stale}

    def _fit(
        self, definitions: Mapping[str, Axis], fitted: Mapping[str, FittedAxis], stale: Collection[str]
    ) -> FittedAxes:
        """Return axes by their definitions: the *stale* ones fitted anew, the others as they are fitted already."""
        axes = FittedAxes(self._embedding, {name: axis for name, axis in fitted.items() if name not in stale})
        material = IndexMaterial(self._embedding, axes, self.select)
        for name in in_order(definitions):
            if name in stale:
                axes.fitted[name] = fit_axis(definitions[name], material)
        return axes

    def __repr__(self) -> str:
        try:
            return f"IndexAxes({', '.join(self) or 'none'})"
        except EmbedSearchError as error:  # closed, or of another thread
            return f"IndexAxes({error})"

    def _repr_html_(self) -> str:
        """Show in a notebook which axes there are; nothing is scaled."""
        versions = self.versions()
        return table(
            [
                {
                    "axis": name, "version": versions[name], "made from": ", ".join(axis.kinds),
                    "low": phrases(axis.low), "high": phrases(axis.high),
                }
                for name, axis in self.definitions().items()
            ],
            caption=count_of(len(self), "axis", "axes"),
        )  # fmt: skip

    @property
    def encoder_name(self) -> str:
        """The name of the index's encoder."""
        return self._embedding.identity.name

    def definitions(self) -> dict[str, Axis]:
        """Return the definitions of the axes that can be read, by name; nothing is scaled."""
        return self._axes().definitions()

    def fitted(self) -> dict[str, FittedAxis]:
        """Return the fitted axes by name, without a scale: no vector of the index is read.

        An axis that cannot be read, or was fitted with another encoder, is left out.
        """
        axes = self._axes()
        return {name: axis for name, axis in axes.fitted.items() if axes.is_current(name)}

    def versions(self) -> dict[str, int]:
        """Return each axis's version by name: how often one was saved under that name; 0 for a lent axis."""
        axes = self._axes()
        return {name: axes.versions.get(name, 0) for name in axes.fitted}

    def save(self, axis: Axis) -> FittedAxis:
        """Fit an axis with the index's encoder and save it, as a new version if the name is taken.

        An axis whose definition has not changed stays as it is. If it has changed, axes derived from it are fitted
        anew.

        Raises:
            AxisError: it cannot be fitted, is derived from itself through others, or is a formula that gives no number
                for some passage.
            StoreError: another process is writing.
        """
        return self.save_all([axis])[axis.name]

    def save_all(self, axes: Sequence[Axis], *, anew: bool = False) -> dict[str, FittedAxis]:
        """Fit several axes and save all of them or none; they may be derived from one another.

        Args:
            axes: the definitions, in any order.
            anew: fit even axes whose definition has not changed, for example because the documents behind a field have.

        Raises:
            AxisError, StoreError: as for `save`.
        """
        require_flags(anew=anew)
        return self._save(lambda _: axes, anew=anew)

    def change(self, name: str, change: Callable[[Axis], Axis]) -> Axis:
        """Save what *change* makes of an axis's definition: of the newest one, even if another process saves meanwhile.

        Args:
            name: the name of the axis.
            change: takes a definition and returns another with the same name; it may be called more than once.

        Raises:
            AxisError: there is no such axis, or as for `save`.
            StoreError: another process is writing.
        """
        name = arguments.axis_name(name)
        require_function("what changes an axis", change)
        return self._save(lambda saved: [change(self._definition(name, saved))])[name].axis

    def _definition(self, name: str, saved: Mapping[str, SavedAxis | None]) -> Axis:
        """Return the definition of an axis that is lent or, if it is not, saved."""
        if name in self._lent:
            return self._lent[name]
        if name not in saved:
            raise unknown_axis(name, {*saved, *self._lent})
        return definition_of(name, saved[name])

    def _save(
        self, choose: Choose, *, anew: bool = False, note: Callable[[Iterable[Axis]], None] | None = None
    ) -> dict[str, FittedAxis]:
        """Fit and keep what is chosen, with all that is derived from it, once no other process saves meanwhile.

        Args:
            choose: returns the definitions to save; called again if the axes that it was given are no longer those
                that are saved.
            anew: fit even those whose definition has not changed.
            note: called with what was chosen, in the transaction.
        """
        while True:
            saved = self._store.axes.all()
            chosen = {axis.name: axis for axis in arguments.definitions(choose(saved))}
            for name in _RESERVED & chosen.keys():
                raise AxisError(f"an axis cannot be called {name!r}, a word that placements use; choose another name")
            known, unreadable = read_saved(saved, chosen)
            for name in unreadable.keys() & chosen.keys():
                raise AxisError(unreadable[name])
            new = {name: axis.axis for name, axis in known.items()} | chosen
            changed = [name for name, axis in chosen.items() if anew or not self._is_kept(axis, saved.get(name))]
            stale = dependents(new, changed)
            axes = self._fit(new, known, stale)
            # A formula can be wrong for good, unlike a direction on which all passages lie at one place so far.
            formulas = [name for name in changed if new[name].formula and not anew]
            if formulas and self._store.count_passages() > 1:
                axes.scaled(formulas)
            lent = {name: axis for name, axis in self._lent.items() if name not in chosen}
            lending = self._fitted_with(axes, lent)
            # Encoding takes time, and other writers need not wait for it. So what was read is compared.
            with self._store.locked(), self._store.writing():
                if self._store.axes.all() != saved:
                    continue
                saved_at = now()
                for name in [name for name in new if name in stale]:
                    self._store.axes.put(name, new[name].to_dict(), axes.fitted[name].to_dict(), saved_at)
                if note is not None:
                    note(chosen.values())
            self._lent, self._lending, self._now = lent, lending, None
            self._pinned = {name: axis for name, axis in self._pinned.items() if name not in chosen}
            return {name: axes.fitted[name] for name in chosen}

    def save_file(self, file: str | os.PathLike[str]) -> list[str]:
        """Fit and save the axes that a TOML file defines, and return their names.

        Raises:
            AxisError: the file or a definition is wrong; nothing is saved then.
        """
        axes = read_axes(file)
        self.save_all(axes)
        return [axis.name for axis in axes]

    def follow_file(self, file: str | os.PathLike[str]) -> tuple[list[str], list[str]]:
        """Fit and save the axes that a TOML file defines, except those that were changed in the index since.

        An axis was changed if its saved definition is not the one that this method last took: it was rated, or fitted
        from elsewhere.

        Returns:
            The names of the axes that are now as the file has them, and the names of those that stay as they were.

        Raises:
            AxisError: the file or a definition is wrong; nothing is saved then.
        """
        axes = read_axes(file)

        def followed(saved: Mapping[str, SavedAxis | None]) -> list[Axis]:
            taken = self._store.setting(_TAKEN, {})
            return [axis for axis in axes if _is_followed(axis, saved.get(axis.name), taken.get(axis.name))]

        def note(followed: Iterable[Axis]) -> None:
            taken = self._store.setting(_TAKEN, {})
            latest = taken | {axis.name: _digest(axis.to_dict()) for axis in followed}
            if latest != taken:
                self._store.set_setting(_TAKEN, latest)

        done = self._save(followed, note=note)
        names = [axis.name for axis in axes]
        return [name for name in names if name in done], [name for name in names if name not in done]

    def refit(self, names: Sequence[str]) -> dict[str, FittedAxis]:
        """Fit axes anew from their definitions, with the index's encoder and on its present documents.

        Raises:
            AxisError: there is no such axis, or it cannot be fitted.
        """
        wanted = arguments.axis_names(names)
        return self._save(lambda saved: [self._definition(name, saved) for name in wanted], anew=True)

    def check(self, names: Sequence[str] | None = None) -> Report:
        """Return how far axes can be trusted, and how much they overlap over the passages of the index.

        Args:
            names: names of axes; if None, all that are `readable`, and an empty report if the index has no axes.

        Raises:
            AxisError: there is no such axis, or as for `readable`.
        """
        with self._store.reading():
            chosen = arguments.axis_names(names) if names is not None else self.readable() if len(self) else []
            if not chosen:
                return Report((), ())
            scaled = self.scaled(chosen)
            material = self.material()
            coordinates = measure(list(scaled.values()), self._store.vectors(), self._store.live_rows())
        reports = tuple(report_on(axis, material) for axis in scaled.values())
        return Report(reports, overlap(list(scaled.values()), coordinates))

    def material(self) -> IndexMaterial:
        """Return the index as material to fit axes from, with its axes as they are fitted now."""
        return IndexMaterial(self._embedding, self._axes(), self.select)

    def delete(self, name: str) -> None:
        """Delete an axis. Its version numbers are not used again by a later axis of that name.

        Raises:
            AxisError: there is no such axis, or another axis is derived from it.
            StoreError: another process is writing.
        """
        name = arguments.axis_name(name)
        with self._store.locked(), self._store.writing():
            axes = self._axes()
            if name not in self:
                raise unknown_axis(name, axes)
            for other, axis in axes.definitions().items():
                if name in axis.derived_from(axes.fitted):
                    raise AxisError(f"axis {other!r} is derived from {name!r}; delete {other!r} first")
            self._store.axes.delete(name)
        for own in (self._lent, self._lending, self._pinned):
            own.pop(name, None)
        self._now = None

    def _axes(self) -> FittedAxes:
        """Return the axes as they are now: pinned or lent axes hide saved ones of the same name."""
        with self._store.database.reading():
            # Any commit counts, even another process's: axes can be saved without documents being added.
            state = self._store.database.state()
            if self._now is None or state != self._state:
                axes = self._read()
                versions = {name: version for name, version in axes.versions.items() if name not in self._lending}
                scaled = {name: axis for name, axis in self._pinned.items() if name not in self._lending}
                fitted = axes.fitted | self._lending
                self._now = FittedAxes(self._embedding, fitted, versions, scaled, axes.unreadable)
                self._state = state
        return self._now

    def _read(self) -> FittedAxes:
        """Return the saved axes, hidden by pinned ones of the same name; warn once about those that cannot be read."""
        saved = self._store.axes.all()
        fitted, unreadable = read_saved(saved)
        for why in set(unreadable.values()) - self._told:
            _log.warning("%s", why)
            self._told.add(why)
        versions = {name: axis.version for name, axis in saved.items() if axis is not None}
        fitted |= {name: axis.fitted for name, axis in self._pinned.items()}
        versions |= {name: axis.version for name, axis in self._pinned.items()}
        return FittedAxes(self._embedding, fitted, versions, unreadable=unreadable)

    def _is_kept(self, axis: Axis, saved: SavedAxis | None) -> bool:
        if saved is None or saved.definition != axis.to_dict():
            return False
        return bool(saved.fitted["encoder"] == self._embedding.identity.key)


def _is_followed(axis: Axis, saved: SavedAxis | None, taken: str | None) -> bool:
    """Return whether an axis of a file has not been changed in the index since it was last taken from there."""
    return saved is None or saved.definition == axis.to_dict() or _digest(saved.definition) == taken


def _digest(definition: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
