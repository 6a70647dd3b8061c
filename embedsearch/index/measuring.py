"""What an index answers about its axes: where things lie on them, what lies at a point, where a move leads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from embedsearch.documents import Document
from embedsearch.errors import AxisError, QueryError, did_you_mean
from embedsearch.index.arguments import one_of
from embedsearch.index.embedding import Embedding
from embedsearch.index.evidence import DocumentPlace, Witness
from embedsearch.index.moving import Move, Mover
from embedsearch.index.placing import UNITS, Placer, Unit, point_on
from embedsearch.index.remaining import Explainer, Remainder
from embedsearch.index.saved_axes import IndexAxes
from embedsearch.index.searching import Searcher
from embedsearch.results import Hits, Placements
from embedsearch.store import Store
from embedsearch.vectors import Rows, top


class AxisQueries:
    """The part of an `Index` that measures."""

    axes: IndexAxes
    _store: Store
    _embedding: Embedding
    _searcher: Searcher
    _placer: Placer
    _mover: Mover

    @abstractmethod
    def get(self, id: str) -> Document:
        """Return the document called *id*."""

    @abstractmethod
    def _rows(self, where: str | None) -> Rows | None:
        """Return the rows that satisfy a condition, None for all."""

    def locate(self, point: Mapping[str, float | str], *, k: int = 10, where: str | None = None) -> Hits:
        """Return the passages nearest to a point on axes, by Euclidean distance in standard deviations.

        Args:
            point: coordinates by axis, in standard deviations, or percentiles as ``"p90"``.
            k: how many.
            where: a condition that the passages must satisfy.

        Raises:
            QueryError: the point names no axis, or a value is no number.
            AxisError: an axis does not exist.
        """
        if not point:
            raise QueryError('a point needs at least one axis with a value, such as {"size": -1}')
        with self._store.reading():
            axes = self.axes.scaled(list(point))
            wanted = {name: point_on(axes[name], value) for name, value in point.items()}
            return self._searcher.nearest_point(wanted, axes, k, self._rows(where))

    def shift(self, text: str, by: Mapping[str, float], *, k: int = 10, where: str | None = None) -> Move:
        """Move a phrase along axes and return what lies there, with how far that is from anything real.

        Args:
            text: a phrase, in the index or not.
            by: standard deviations by axis, such as ``{"size": -2}``.
            k: how many.
            where: a condition that the passages must satisfy.

        Raises:
            QueryError: nothing to move by, or a value is no number.
            AxisError: an axis does not exist, or the axes cannot be told apart.
        """
        return self._moved(text, dict(by), k=k, where=where, towards=False)

    def locate_like(
        self, text: str, point: Mapping[str, float | str], *, k: int = 10, where: str | None = None
    ) -> Move:
        """Return what is like a phrase but lies at a point on axes: like *wolf*, but small.

        Args:
            text: a phrase, in the index or not.
            point: coordinates by axis, in standard deviations, or percentiles as ``"p90"``.
            k: how many.
            where: a condition that the passages must satisfy.

        Raises:
            QueryError, AxisError: as `shift`.
        """
        return self._moved(text, dict(point), k=k, where=where, towards=True)

    def _moved(self, text: str, point: Mapping[str, float | str], *, k: int, where: str | None, towards: bool) -> Move:
        if not point:
            raise QueryError('name at least one axis with a value, such as {"size": -1}')
        with self._store.reading():
            axes = self.axes.scaled(list(point))
            vector = self._embedding.vectors_of([text])[0]
            by = {name: point_on(axes[name], value) for name, value in point.items()}
            if towards:
                by = {name: value - float(axes[name].coordinates(vector)[0]) for name, value in by.items()}
            return self._mover.move(vector, axes, by, k=k, rows=self._rows(where), leave_out=text)

    def place(
        self, texts: Sequence[str], axes: Sequence[str] | None = None, *, unit: Unit = "sd", predicted: bool = False
    ) -> Placements:
        """Return where phrases lie on axes.

        Args:
            texts: phrases, in the index or not.
            axes: names; all axes of the index if None.
            unit: ``sd`` (standard deviations of the index's passages), ``percentile``, ``raw``, or ``rating``
                (the unit of the axis's ratings, with an interval).
            predicted: measure phrases that were rated like all others; without it they stand where they were rated.

        Raises:
            AxisError: an axis does not exist, or the index has none; the unit is ``rating`` and one has no ratings.
        """
        if isinstance(texts, str):
            raise QueryError(f"texts must be a list of phrases, not the single text {texts!r}")
        one_of("unit", unit, UNITS)
        with self._store.reading():
            scaled = list(self.axes.scaled(self._axis_names(axes)).values())
            vectors = self._embedding.vectors_of(list(texts))
            places = self._placer.phrases(texts, vectors, scaled, predicted=predicted)
        return places.placements(texts, [""] * len(texts), unit)

    def place_all(
        self,
        axes: Sequence[str] | None = None,
        *,
        where: str | None = None,
        sort: str | None = None,
        k: int | None = None,
        unit: Unit = "sd",
        predicted: bool = False,
    ) -> Placements:
        """Return where the passages of the index lie on axes; no encoder is needed.

        Args:
            axes: names; all axes of the index if None.
            where: a condition that the passages must satisfy.
            sort: an axis, highest first; with ``-`` before it lowest first; in the order of the index if None.
            k: how many; all if None.
            unit: ``sd``, ``percentile``, ``raw`` or ``rating``.
            predicted: measure passages that were rated like all others.

        Raises:
            AxisError: an axis does not exist, or the index has none; the unit is ``rating`` and one has no ratings.
            QueryError: a wrong condition.
        """
        one_of("unit", unit, UNITS)
        with self._store.reading():
            names = self._axis_names(axes)
            by = sort.removeprefix("-") if sort else None
            if by is not None and by not in names:
                raise AxisError(
                    f"the result is sorted by {by!r}, which is not among its axes.{did_you_mean(by, names)}"
                )
            rows = self._rows(where)
            rows = self._store.live_rows() if rows is None else rows
            places = self._placer.passages(rows, list(self.axes.scaled(names).values()), predicted=predicted)
            order = np.arange(len(rows))
            if sort and by is not None:
                column = places.coordinates[:, names.index(by)]
                order = top(-column if sort.startswith("-") else column, len(rows))
            order = order[:k]
            passages = self._store.passages(rows[order])
        return places.take(order).placements(
            [passage.text for passage in passages], [passage.id for passage in passages], unit
        )

    def place_documents(
        self,
        ids: Sequence[str],
        axes: Sequence[str] | None = None,
        *,
        threshold: float | str = 1.0,
        evidence: bool = False,
    ) -> list[DocumentPlace]:
        """Return where documents lie by their passages: mean, maximum, share above a threshold, and what carries it.

        Args:
            ids: of documents of the index.
            axes: names; all axes of the index if None.
            threshold: in standard deviations, or a percentile such as ``"p90"``.
            evidence: measure each sentence of the passage that lies highest.

        Raises:
            QueryError: there is no such document, or the threshold is no number.
            AxisError: an axis does not exist, or the index has none.
        """
        scaled = list(self.axes.scaled(self._axis_names(axes)).values())
        witness = Witness(self._embedding)
        return [place for id in ids for place in witness.place(self.get(id), scaled, threshold, evidence=evidence)]

    def explain(self, texts: Sequence[str], axes: Sequence[str] | None = None, *, k: int = 5) -> list[Remainder]:
        """Return how much of the meaning of phrases axes hold, and the nearest texts when only these are known.

        Raises:
            AxisError: an axis does not exist, or the index has none.
        """
        with self._store.reading():
            scaled = self.axes.scaled(self._axis_names(axes))
            return Explainer(self._embedding, self._searcher).explain(texts, scaled, k)

    def _axis_names(self, axes: Sequence[str] | None) -> list[str]:
        names = list(dict.fromkeys(axes if axes is not None else self.axes))
        if not names:
            raise AxisError("the index has no axes yet; add some with: embedsearch axes fit FILE")
        return names
