"""Where phrases, passages and documents of an index lie on its axes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from embedsearch.given import require_flags
from embedsearch.groups import Division, GroupComparison, Material, Settings, compare_groups, divide
from embedsearch.index import arguments
from embedsearch.index.arguments import one_of, require_count
from embedsearch.index.collection import Collection
from embedsearch.index.drawing import Draw, draw_lots
from embedsearch.index.evidence import DocumentPlaces, Witness
from embedsearch.index.placing import UNITS, Placer, Unit, asked_columns
from embedsearch.index.population import Population, field_values, known_field, known_values
from embedsearch.index.remaining import Explainer, Remainders
from embedsearch.index.tables import owners_of
from embedsearch.index.vocabulary import AxisWords, axis_words, group_words, read_rows, read_terms, words_beside
from embedsearch.results import Placement, Placements
from embedsearch.store import StoredPassage
from embedsearch.vectors import Rows
from embedsearch.wording import count_of


class Measured(Collection):
    """Questions about where things lie on axes."""

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
            axes: the name of an axis, or several; if None, all axes of the index.
            unit: ``sd`` (standard deviations of the index's passages), ``percentile``, ``raw``, or ``rating`` (the unit
                of the axis's ratings, with an interval).
            predicted: measure rated phrases like all others. By default a rated phrase stands where it was rated.

        Returns:
            One placement for each phrase, in the order of *texts*.

        Raises:
            AxisError: an axis does not exist, the index has no axes, or the unit is ``rating`` and an axis has no
                ratings.
            QueryError: a phrase is not a text, is empty, or is longer than the encoder reads whole.
        """
        phrases = arguments.texts("a phrase", texts)
        one_of("unit", unit, UNITS)
        require_flags(predicted=predicted)
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
        """Return where the passages of the index lie on axes.

        Takes the arguments of `place_each`, which yields the placements one by one and does not hold them in memory.
        """
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
        """Yield where the passages of the index lie on axes, without an encoder.

        All passages are measured before the first placement is yielded; their texts are read in batches. The placements
        are of one state of the index: until you have taken the last one, this index cannot be written to.

        Args:
            axes: the name of an axis, or several; if None, all axes of the index.
            where: a condition that each passage must satisfy.
            sort: an axis to sort by, highest first, or lowest first with ``-`` before its name; if None, the order of
                the index.
            k: how many passages; if None, all.
            unit: ``sd``, ``percentile``, ``raw`` or ``rating``; see `place`.
            predicted: measure rated passages like all others, in the condition too.

        Raises:
            AxisError: an axis does not exist, the index has no axes, or the unit is ``rating`` and an axis has no
                ratings.
            QueryError: the condition is wrong.
        """
        one_of("unit", unit, UNITS)
        require_flags(predicted=predicted)
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
            axes: the name of an axis, or several; if None, all axes of the index.
            where: a condition that each passage must satisfy.
            documents: the id of a document, or several; only their passages are returned. If None, those of all
                documents.
            field: a field of the documents; the population carries its value for each passage.
            drawn: the rows of a `draw`; they take the place of *where*.

        Raises:
            AxisError: an axis does not exist, or the index has none.
            QueryError: the condition is wrong, a document or the field does not exist, a row of *drawn* no longer
                belongs to a passage, or the index is empty.
        """
        with self._store.reading():
            scaled = list(self.axes.scaled(self._axis_names(axes)).values())
            rows = self.rows(where) if drawn is None else arguments.live_rows(drawn, self._store)
            if documents is not None:
                ids = arguments.texts("the id of a document", documents)
                own = [self._store.rows_of_document(self.get(id).id) for id in ids]
                rows = np.intersect1d(rows, np.concatenate([*own, rows[:0]]))
            values = None if field is None else field_values(self._store, arguments.text("a field", field), rows)
            return Population(scaled, rows, Placer(self._embedding).passages(rows, scaled).coordinates, values)

    def rows(self, where: str | None = None) -> Rows:
        """Return the rows of the passages that satisfy a condition, or of all passages; ascending, int64.

        Raises:
            QueryError: the condition is wrong.
        """
        with self._store.reading():
            rows = self._rows(where)
            return self._store.live_rows() if rows is None else rows

    def draw(self, most: int | None = None, *, where: str | None = None) -> Draw:
        """Draw passages by lot, the same ones each time: the lots are the hashes of their texts.

        Args:
            most: how many at most, 0 or more; if None, all.
            where: a condition that each passage must satisfy.

        Raises:
            QueryError: the condition is wrong, or *most* is not such a number.
        """
        most = None if most is None else require_count(most, "most", least=0)
        with self._store.reading():
            return draw_lots(self._store, most, self._rows(where))

    def passages(self, rows: ArrayLike) -> list[StoredPassage]:
        """Return passages by their rows from a `population`, in the order of *rows*.

        Raises:
            QueryError: a row is not a row number, or no longer belongs to a passage.
            StoreError: a passage is damaged: it is not what was written.
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
        """Return where documents lie: the mean and maximum of their passages, and the share above a threshold.

        Each record also has the text of the passage that lies highest.

        Args:
            ids: the id of a document of the index, or several.
            axes: the name of an axis, or several; if None, all axes of the index.
            threshold: in standard deviations, or a percentile such as ``"p90"``.
            evidence: measure each sentence of the highest passage too, in standard deviations.
            unit: ``sd``, ``percentile``, ``raw`` or ``rating``; see `place`.

        Returns:
            One record for each document and axis, in the order of *ids* and *axes*.

        Raises:
            QueryError: a document or the unit does not exist, the threshold is not a number, or *evidence* is asked for
                in a unit other than ``sd``.
            AxisError: an axis does not exist, the index has none, or the unit is ``rating`` and an axis has no ratings.
        """
        one_of("unit", unit, UNITS)
        require_flags(evidence=evidence)
        with self._store.reading():
            scaled = list(self.axes.scaled(self._axis_names(axes)).values())
            place, wanted = Witness(self._embedding).place, arguments.texts("the id of a document", ids)
            return DocumentPlaces(
                one for id in wanted for one in place(self.get(id), scaled, threshold, evidence=evidence, unit=unit)
            )

    def compare(
        self,
        by: str | Mapping[str, str],
        axes: str | Iterable[str] | None = None,
        *,
        where: str | None = None,
        against: Any = None,
        step: float | None = None,
        least: int = 5,
        confidence: float = 0.95,
        words: int = 0,
    ) -> GroupComparison:
        """Return where groups of documents lie on axes, and how far apart.

        A document lies at the mean of its passages. Numbers and dates with more than eight different values are divided
        into steps. A document whose value is a list is in the group of each value.

        Args:
            by: a field, each of whose values is a group; or a mapping from names of groups to conditions, where a
                document is in a group if one of its passages satisfies the condition.
            axes: the name of an axis, or several; if None, all axes of the index.
            where: a condition that each passage must satisfy; a document lies at the mean of the passages that do.
            against: the group to compare with, by its value or name. If None, each group is compared with all other
                documents (where *by* is a field, those that have a value).
            step: the width of the groups of numbers, in their unit; of dates, in years. If None, a round number that
                divides nine tenths of the values into at most twelve groups.
            least: the fewest documents that a group must have to be shown, at least 1.
            confidence: the level of each interval on its own, between 0 and 1.
            words: how many of the words that are most characteristic of each group to return.

        Raises:
            AxisError: an axis does not exist, or the index has none.
            QueryError: the condition is wrong; the field or group does not exist; there is a step but the values are
                not numbers or dates; no group is large enough; or an argument is of the wrong kind.
        """
        settings = Settings(against, require_count(least, "least"), confidence)
        words = require_count(words, "words", least=0)
        with self._store.reading():
            rows = self.rows(where)
            scaled = list(self.axes.scaled(self._axis_names(axes)).values())
            numbers, first, owners = np.unique(owners_of(self._store, rows), return_index=True, return_inverse=True)
            if isinstance(by, Mapping):
                name, division = "group", self._divided_by_conditions(by, rows, owners)
            else:
                name = known_field(self._store, arguments.text("what to group by", by))
                division = divide(name, known_values(self._store, name, rows[first]), step=step)
            coordinates = Placer(self._embedding).passages(rows, scaled).coordinates
            counts = np.bincount(owners, minlength=len(numbers))
            means = [np.bincount(owners, column, minlength=len(numbers)) / counts for column in coordinates.T]
            found = compare_groups(Material(name, division, len(numbers), scaled, means), settings)
            if not words:
                return found
            read = read_rows(rows)
            document_of = owners[np.searchsorted(rows, read)]
            members = [np.flatnonzero(np.isin(document_of, own)) for own in found.members.values()]
            told = group_words(read_terms(self._store, read), members, words)
            return replace(found, words=dict(zip(found.members, told, strict=True)))

    def _divided_by_conditions(self, conditions: Mapping[str, str], rows: Rows, owners: Rows) -> Division:
        """Return the documents *owners* of *rows* divided by the conditions that a passage of theirs satisfies."""
        members = {}
        for name, condition in conditions.items():
            held = np.isin(rows, self.rows(arguments.text("a condition", condition)), assume_unique=True)
            members[arguments.text("the name of a group", name)] = np.unique(owners[held])
        return Division(tuple(members), tuple(members.values()), np.unique(owners))

    def words(self, axis: str, *, k: int = 15, where: str | None = None) -> AxisWords:
        """Return the words whose passages lie furthest out on an axis, at either end.

        Words of at least three letters that occur in at least three passages are compared, without the most frequent
        words of English. Of more than 50,000 passages an even sample is read.

        Args:
            axis: the name of an axis.
            k: how many words at each end.
            where: a condition that each passage must satisfy.

        Raises:
            AxisError: the axis does not exist.
            QueryError: the condition is wrong, or *k* is not a whole number of at least 1.
        """
        k = require_count(k)
        with self._store.reading():
            rows = self.rows(where)
            read = read_rows(rows)
            (scaled,) = self.axes.scaled([arguments.axis_name(axis)]).values()
            coordinates = Placer(self._embedding).passages(read, [scaled]).coordinates[:, 0]
            terms = read_terms(self._store, read)
        return axis_words(terms, coordinates, k, axis=scaled.name, version=scaled.version, of=len(rows))

    def words_of(self, rows: ArrayLike, *, k: int = 10) -> tuple[str, ...]:
        """Return the words that are most characteristic of some passages, compared with all others.

        Where either side has more than 2,500 passages, an even sample of it is read.

        Args:
            rows: the rows of the passages, from a `population` or a `draw`.
            k: how many words at most.

        Raises:
            QueryError: *k* is not a whole number of at least 1, or a row no longer belongs to a passage.
        """
        k = require_count(k)
        with self._store.reading():
            return words_beside(self._store, arguments.live_rows(rows, self._store), k)

    def explain(self, texts: str | Iterable[str], axes: str | Iterable[str] | None = None, *, k: int = 5) -> Remainders:
        """Return how much of the meaning of phrases some axes hold, and which texts are nearest on the axes alone.

        Args:
            texts: a phrase or several.
            axes: the name of an axis, or several; if None, all axes of the index.
            k: how many nearest texts for each phrase.

        Returns:
            One record for each phrase, in the order of *texts*.

        Raises:
            AxisError: an axis does not exist, or the index has none.
            QueryError: *k* is not a whole number of at least 1, or a phrase is not a text.
        """
        phrases, k = arguments.texts("a phrase", texts), require_count(k)
        with self._store.reading():
            scaled = self.axes.scaled(self._axis_names(axes))
            return Explainer(self._embedding, self._searcher).explain(phrases, scaled, k)
