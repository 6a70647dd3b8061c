"""The index that users hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from embedsearch.expressions import parse_expression
from embedsearch.index import arguments
from embedsearch.index.arguments import one_of, require_count
from embedsearch.index.collection import Collection
from embedsearch.index.drawing import Draw, draw_lots
from embedsearch.index.evidence import DocumentPlaces, Witness
from embedsearch.index.moving import Move, Mover
from embedsearch.index.placing import UNITS, Placer, Unit, asked_columns, point_on, step_on
from embedsearch.index.population import Population, field_values
from embedsearch.index.ranking import By, Mode
from embedsearch.index.remaining import Explainer, Remainders
from embedsearch.results import Calculation, Hit, Hits, Placement, Placements
from embedsearch.snippets import Snippet
from embedsearch.store import StoredPassage
from embedsearch.vectors import Rows
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch.maps import Map


class Index(Collection):
    """Documents, their vectors and the axes that they are measured on, in one folder.

    Make one with `Index.create`, open one with `open_index`; use it in a ``with`` block or call `close`.
    """

    # -- queries ----------------------------------------------------------------------------------------

    def search(
        self,
        text: str | None = None,
        *,
        like: str | None = None,
        vector: ArrayLike | None = None,
        k: int = 10,
        where: str | None = None,
        mode: Mode | None = None,
        by: By = "passage",
    ) -> Hits:
        """Return the passages that answer a text best, or that are nearest to a document or a vector.

        Args:
            text: what is looked for.
            like: the id of a document; its own passages are left out.
            vector: any vector of the encoder's dimension d, shape (d,) or (1, d).
            k: how many; fewer come only where fewer exist.
            where: a condition that the passages must satisfy.
            mode: ``dense`` ranks by meaning, ``lexical`` by the words of the text (BM25; needs no encoder), ``hybrid``
                by both; if None, hybrid for a text of more than one word, else dense.
            by: ``document`` gives the best passage of each document, ``passage`` any passages.

        Raises:
            QueryError: not exactly one of text, like and vector; an empty text; no such document; a wrong condition;
                words to be looked up where there is no text.
        """
        with self._store.reading():
            rows = self._rows(where)  # before the encoder is loaded, which takes seconds
            question = self._searcher.question(text, like=like, vector=vector, mode=mode)
            return self._searcher.search(question, k, rows, by)

    def snippets(self, hits: Sequence[Hit], text: str | None = None, *, like: str | None = None) -> list[Snippet]:
        """Return the part of each hit that answers the query, at most 160 characters.

        Args:
            hits: of `search`.
            text: what was searched for.
            like: the id that was searched with.
        """
        with self._store.reading():
            return self._searcher.snippets(hits, text, like=like)

    def calc(
        self,
        expression: str,
        *,
        k: int = 10,
        on: str | Iterable[str] | None = None,
        where: str | None = None,
        keep_inputs: bool = False,
    ) -> Calculation:
        """Add and subtract meanings: what lies at ``sheep + spider``?

        Without *on* the unit vectors of the terms are added and the passages nearest to the sum are returned.
        With *on* the coordinates of the terms on those axes are added, as charges add, and the passages nearest
        to that point of the plane (of the space) of the axes are returned.

        Args:
            expression: see `embedsearch.expressions`.
            k: how many answers.
            on: the name of an axis, or several.
            where: a condition that the answers must satisfy.
            keep_inputs: may the terms themselves be answers?

        Raises:
            QueryError: the expression or the condition cannot be read.
            AxisError: an axis does not exist.
        """
        parsed = parse_expression(arguments.text("the expression", expression))
        names = arguments.axis_names(() if on is None else on)
        with self._store.reading():
            rows = self._rows(where)
            vectors = self._embedding.vectors_of(parsed.texts)
            if not names:
                return self._searcher.add_meanings(parsed, vectors, k, rows, keep_inputs=keep_inputs)
            axes = self.axes.scaled(names)
            return self._searcher.add_coordinates(parsed, vectors, axes, k, rows, keep_inputs=keep_inputs)

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
        values = arguments.coordinates("a point", point)
        with self._store.reading():
            axes = self.axes.scaled(list(values))
            wanted = {name: point_on(axes[name], value) for name, value in values.items()}
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
        return self._moved(text, by, k=k, where=where, towards=False)

    def locate_like(
        self, text: str, point: Mapping[str, float | str], *, k: int = 10, where: str | None = None
    ) -> Move:
        """Return what is like a phrase but lies at a point on axes: like *wolf*, but small.

        The point reached is that point on straight axes, nearly; of formulas and curves see `Move.missed`.

        Args:
            text: a phrase, in the index or not.
            point: coordinates by axis, in standard deviations, or percentiles as ``"p90"``.
            k: how many.
            where: a condition that the passages must satisfy.

        Raises:
            QueryError, AxisError: as `shift`.
        """
        return self._moved(text, point, k=k, where=where, towards=True)

    def _moved(self, text: str, point: Mapping[str, float | str], *, k: int, where: str | None, towards: bool) -> Move:
        phrase, k = arguments.text("the text", text), require_count(k)
        values = arguments.coordinates("a point" if towards else "a move", point)
        with self._store.reading():
            axes = self.axes.scaled(list(values))
            vector = self._embedding.vectors_of([phrase])[0]
            if towards:
                here = {name: float(axis.coordinates(vector)[0]) for name, axis in axes.items()}
                by = {name: point_on(axes[name], value) - here[name] for name, value in values.items()}
            else:
                by = {name: step_on(axes[name], value) for name, value in values.items()}
            return Mover(self._searcher).move(vector, axes, by, k=k, rows=self._rows(where), leave_out=phrase)

    def place(
        self,
        texts: str | Iterable[str],
        axes: str | Iterable[str] | None = None,
        *,
        unit: Unit = "sd",
        predicted: bool = False,
    ) -> Placements:
        """Return where phrases lie on axes.

        Args:
            texts: a phrase or several, in the index or not.
            axes: the name of one or several; all axes of the index if None.
            unit: ``sd`` (standard deviations of the index's passages), ``percentile``, ``raw``, or ``rating``
                (the unit of the axis's ratings, with an interval).
            predicted: measure phrases that were rated like all others; without it they stand where they were rated.

        Raises:
            AxisError: an axis does not exist, or the index has none; the unit is ``rating`` and one has no ratings.
            QueryError: a phrase is no text, is empty, or longer than the encoder reads whole.
        """
        phrases = arguments.texts("a phrase", texts)
        one_of("unit", unit, UNITS)
        with self._store.reading():
            scaled = list(self.axes.scaled(self._axis_names(axes)).values())
            vectors = self._embedding.vectors_of(phrases)
            places = Placer(self._embedding).phrases(phrases, vectors, scaled, predicted=predicted)
        return places.of_phrases(phrases, unit)

    def place_all(
        self,
        axes: str | Iterable[str] | None = None,
        *,
        where: str | None = None,
        sort: str | None = None,
        k: int | None = None,
        unit: Unit = "sd",
        predicted: bool = False,
    ) -> Placements:
        """Return where the passages of the index lie on axes; see `place_each`, which holds none of them."""
        names = self._axis_names(axes)
        each = self.place_each(names, where=where, sort=sort, k=k, unit=unit, predicted=predicted)
        return Placements(each, asked=asked_columns(names))

    def place_each(
        self,
        axes: str | Iterable[str] | None = None,
        *,
        where: str | None = None,
        sort: str | None = None,
        k: int | None = None,
        unit: Unit = "sd",
        predicted: bool = False,
    ) -> Iterator[Placement]:
        """Yield where the passages of the index lie on axes; no encoder is needed.

        All of them are measured before the first is yielded; of their texts a batch is held. It is one state of the
        index: until the last is taken, this index cannot be written to.

        Args:
            axes: the name of one or several; all axes of the index if None.
            where: a condition that the passages must satisfy.
            sort: an axis, highest first; with ``-`` before it lowest first; in the order of the index if None.
            k: how many; all if None.
            unit: ``sd``, ``percentile``, ``raw`` or ``rating``.
            predicted: measure passages that were rated like all others, in the condition too.

        Raises:
            AxisError: an axis does not exist, or the index has none; the unit is ``rating`` and one has no ratings.
            QueryError: a wrong condition.
        """
        one_of("unit", unit, UNITS)
        k = None if k is None else require_count(k)
        sort = None if sort is None else arguments.text("what to sort by", sort)
        with self._store.reading():
            names = self._axis_names(axes)
            rows = self._rows(where, predicted=predicted)
            rows = self._store.live_rows() if rows is None else rows
            placer = Placer(self._embedding)
            with self._trace.step("coordinates") as step:
                places = placer.passages(rows, list(self.axes.scaled(names).values()), predicted=predicted, far=True)
                step.plan = f"{count_of(len(names), 'axis', 'axes')}, by a scan of {count_of(len(rows), 'vector')}"
            order = places.order(sort)[:k]
            yield from placer.each(places.take(order), rows[order], unit)

    def population(
        self,
        axes: str | Iterable[str] | None = None,
        *,
        where: str | None = None,
        documents: str | Iterable[str] | None = None,
        field: str | None = None,
        drawn: ArrayLike | None = None,
    ) -> Population:
        """Return where passages lie as one array, read in one pass, without their texts.

        Args:
            axes: the name of one or several; all axes of the index if None.
            where: a condition that the passages must satisfy.
            documents: the id of one or several; only their passages, rather than those of all documents.
            field: of the documents, whose value each passage shall carry.
            drawn: rows of a `draw`; only these, whatever else is said.

        Raises:
            AxisError: an axis does not exist, or the index has none.
            QueryError: a wrong condition, no such document or field, a row drawn is no passage any more, or the
                index is empty.
        """
        with self._store.reading():
            scaled = list(self.axes.scaled(self._axis_names(axes)).values())
            rows = self._rows(where) if drawn is None else arguments.live_rows(drawn, self._store)
            rows = self._store.live_rows() if rows is None else rows
            if documents is not None:
                ids = arguments.texts("the id of a document", documents)
                own = [self._store.rows_of_document(self.get(id).id) for id in ids]
                rows = np.intersect1d(rows, np.concatenate([*own, rows[:0]]))
            values = None if field is None else field_values(self._store, arguments.text("a field", field), rows)
            return Population(scaled, rows, Placer(self._embedding).passages(rows, scaled).coordinates, values)

    def rows(self, where: str | None = None) -> Rows:
        """Return the rows of the passages that satisfy a condition, ascending, int64; of all if None.

        Raises:
            QueryError: a wrong condition.
        """
        with self._store.reading():
            rows = self._rows(where)
            return self._store.live_rows() if rows is None else rows

    @property
    def state(self) -> object:
        """What differs once passages or axes have changed here, or anything in another process."""
        with self._store.reading():
            elsewhere, _ = self._store.database.state()
            return elsewhere, self._store.generation, tuple(self.axes.versions().items())

    @property
    def epoch(self) -> int:
        """How often its rows were numbered anew, by `compact` or `reindex`; numbers of another epoch mean others."""
        return self._store.epoch

    def draw(self, most: int | None = None, *, where: str | None = None) -> Draw:
        """Draw passages by lot, the same ones each time: by the hashes of their texts.

        Args:
            most: how many, at least 0; all if None.
            where: a condition that they must satisfy.

        Raises:
            QueryError: a wrong condition, or no such number.
        """
        most = None if most is None else require_count(most, "most", least=0)
        with self._store.reading():
            return draw_lots(self._store, most, self._rows(where))

    def map(self, x: str | None = None, y: str | None = None, **options: Any) -> Map:
        """Make an interactive map that a notebook shows; what it takes and raises is that of `embedsearch.map_index`.

        This is the one question of an index that a room above it answers. It is asked at the front of the package, so
        that no room imports from a later one.
        """
        import embedsearch

        return embedsearch.map_index(self, x, y, **options)

    def passages(self, rows: ArrayLike) -> list[StoredPassage]:
        """Return the passages in some rows of a `population`, in the order asked for.

        Raises:
            QueryError: one is no row number, or no passage's any more.
            StoreError: a passage is not what was written.
        """
        return self._store.passages(arguments.row_numbers(rows).tolist())

    def place_documents(
        self,
        ids: str | Iterable[str],
        axes: str | Iterable[str] | None = None,
        *,
        threshold: float | str = 1.0,
        evidence: bool = False,
        unit: Unit = "sd",
    ) -> DocumentPlaces:
        """Return where documents lie by their passages: mean, maximum, share above a threshold, and what carries it.

        Args:
            ids: of one document of the index, or several.
            axes: the name of one or several; all axes of the index if None.
            threshold: in standard deviations, or a percentile such as ``"p90"``.
            evidence: measure each sentence of the passage that lies highest, in standard deviations.
            unit: ``sd``, ``percentile``, ``raw``, or ``rating``.

        Raises:
            QueryError: there is no such document or unit, the threshold is no number, or evidence has another unit.
            AxisError: an axis does not exist, or the index has none.
        """
        one_of("unit", unit, UNITS)
        with self._store.reading():
            scaled = list(self.axes.scaled(self._axis_names(axes)).values())
            place, wanted = Witness(self._embedding).place, arguments.texts("the id of a document", ids)
            return DocumentPlaces(
                one for id in wanted for one in place(self.get(id), scaled, threshold, evidence=evidence, unit=unit)
            )

    def explain(self, texts: str | Iterable[str], axes: str | Iterable[str] | None = None, *, k: int = 5) -> Remainders:
        """Return how much of the meaning of phrases axes hold, and the nearest texts when only these are known.

        Raises:
            AxisError: an axis does not exist, or the index has none.
            QueryError: *k* is no whole number, or below 1; or a phrase is no text.
        """
        phrases, k = arguments.texts("a phrase", texts), require_count(k)
        with self._store.reading():
            scaled = self.axes.scaled(self._axis_names(axes))
            return Explainer(self._embedding, self._searcher).explain(phrases, scaled, k)
