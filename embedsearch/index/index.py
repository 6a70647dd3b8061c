"""The index that users hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from embedsearch.expressions import parse_expression
from embedsearch.given import require_flags
from embedsearch.index import arguments
from embedsearch.index.arguments import require_count
from embedsearch.index.measured import Measured
from embedsearch.index.moving import Move, Mover
from embedsearch.index.placing import point_on, step_on
from embedsearch.index.ranking import By, Mode
from embedsearch.offering import keeps_back
from embedsearch.results import Calculation, Hit, Hits
from embedsearch.snippets import Snippet

if TYPE_CHECKING:
    from embedsearch.maps import Map


@keeps_back(
    "deleted_duplicates",
    "derived",
    "epoch",
    "field_of_passages",
    "generation",
    "prepare",
    "sift",
    "state",
    "term_counts",
    "words_of",
)
class Index(Measured):
    """Documents, their vectors, and the axes that measure them, in one folder.

    Make an index with `Index.create` and open one with `embedsearch.open`. Use it in a ``with`` block, or call
    `close` when you are done.
    """

    # -- queries ----------------------------------------------------------------------------------------

    def search(
        self,
        text: str | None = None,
        *,
        like: str | Iterable[str] | None = None,
        vector: ArrayLike | None = None,
        k: int = 10,
        where: str | None = None,
        mode: Mode | None = None,
        by: By = "passage",
    ) -> Hits:
        """Return the passages that best answer a text, or that are nearest to documents or to a vector.

        Give exactly one of *text*, *like* and *vector*.

        Args:
            text: the text to search for.
            like: the id of a document, or several ids, which count alike; the passages of these documents are left out
                of the answers.
            vector: any vector of the encoder's dimension d, shape (d,) or (1, d).
            k: the number of hits; you get fewer only where fewer exist.
            where: a condition that each passage must satisfy.
            mode: ``dense`` ranks by meaning (cosine), ``lexical`` by the words of the text (BM25; needs no encoder),
                ``hybrid`` by both. If None, hybrid for a text of more than one word, else dense.
            by: ``passage`` returns any passages, ``document`` only the best passage of each document.

        Returns:
            The hits, best first.

        Raises:
            QueryError: not exactly one of *text*, *like* and *vector* is given; the text is empty; a document does not
                exist; the condition is wrong; or the mode looks up words and there is no text.
        """
        with self._store.reading():
            rows = self._rows(where)  # before the encoder is loaded, which takes seconds
            question = self._searcher.question(text, like=like, vector=vector, mode=mode)
            return self._searcher.search(question, k, rows, by)

    def search_many(
        self,
        texts: Iterable[str],
        *,
        k: int = 10,
        where: str | None = None,
        mode: Mode | None = None,
        by: By = "passage",
    ) -> list[Hits]:
        """Search for many texts at once: faster than calling `search` for each, with the same hits.

        All texts are encoded together and compared together.

        Args:
            texts: the texts to search for, any number.
            k: the number of hits for each text.
            where: a condition that each passage must satisfy.
            mode: as for `search`; if None, it is chosen for each text.
            by: as for `search`.

        Returns:
            The hits of each text, in the order of *texts*.

        Raises:
            QueryError: as for `search`.
        """
        asked = arguments.texts("the text", texts)
        with self._store.reading():
            return self._searcher.search_many(asked, k, self._rows(where), by, mode)

    def snippets(
        self, hits: Sequence[Hit], text: str | None = None, *, like: str | Iterable[str] | None = None
    ) -> list[Snippet]:
        """Return the part of each hit that answers the query, at most 160 characters.

        Args:
            hits: the hits of a `search`.
            text: the text that was searched for.
            like: the document ids that were searched with.

        Returns:
            One snippet for each hit, in the order of *hits*.
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

        Without *on*, the unit vectors of the terms are added, and the answers are the passages nearest to the sum.
        With *on*, the coordinates of the terms on those axes are added, as charges add, and the answers are the
        passages nearest to that point in the plane (or space) of the axes.

        Args:
            expression: terms with signs and weights, such as ``sheep + 0.5*"loan shark"``; see
                `embedsearch.expressions`.
            k: the number of answers.
            on: the name of an axis, or several.
            where: a condition that each answer must satisfy.
            keep_inputs: whether the terms themselves may be answers.

        Raises:
            QueryError: the expression or the condition cannot be read.
            AxisError: an axis does not exist.
        """
        require_flags(keep_inputs=keep_inputs)
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
            point: a coordinate for each axis, in standard deviations (``1.5``) or as a percentile (``"p90"``).
            k: the number of hits.
            where: a condition that each passage must satisfy.

        Raises:
            QueryError: the point names no axis, or a value is not a number.
            AxisError: an axis does not exist.
        """
        values = arguments.coordinates("a point", point)
        with self._store.reading():
            axes = self.axes.scaled(list(values))
            wanted = {name: point_on(axes[name], value) for name, value in values.items()}
            return self._searcher.nearest_point(wanted, axes, k, self._rows(where))

    def shift(self, text: str, by: Mapping[str, float], *, k: int = 10, where: str | None = None) -> Move:
        """Move a phrase along axes, and return what lies where it arrives.

        The answer also says how far that place is from any real passage.

        Args:
            text: a phrase, in the index or not.
            by: how far to move on each axis, in standard deviations, such as ``{"size": -2}``.
            k: the number of hits.
            where: a condition that each passage must satisfy.

        Raises:
            QueryError: there is nothing to move by, or a value is not a number.
            AxisError: an axis does not exist, or the axes cannot be told apart.
        """
        return self._moved(text, by, k=k, where=where, towards=False)

    def locate_like(
        self, text: str, point: Mapping[str, float | str], *, k: int = 10, where: str | None = None
    ) -> Move:
        """Return passages that are like a phrase but lie at a given point on axes: like *wolf*, but small.

        On straight axes the point reached is very nearly the one asked for. On formulas and curves it may not be:
        `Move.missed` names the axes on which it is not.

        Args:
            text: a phrase, in the index or not.
            point: a coordinate for each axis, in standard deviations (``1.5``) or as a percentile (``"p90"``).
            k: the number of hits.
            where: a condition that each passage must satisfy.

        Raises:
            QueryError, AxisError: as for `shift`.
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

    @property
    def state(self) -> object:
        """A value that differs once passages or axes have changed here, or anything has changed in another process."""
        with self._store.reading():
            elsewhere, _ = self._store.database.state()
            return elsewhere, self._store.generation, tuple(self.axes.versions().items())

    @property
    def epoch(self) -> int:
        """How often `compact` or `reindex` has renumbered the rows; row numbers of another epoch are not comparable."""
        return self._store.epoch

    def map(self, x: str | None = None, y: str | None = None, **options: Any) -> Map:
        """Make an interactive map that a notebook shows.

        Takes the arguments of `embedsearch.map_index`, and raises the same errors.
        """
        # A room above this one answers. It is asked at the front of the package, so that no room imports a later one.
        import embedsearch

        return embedsearch.map_index(self, x, y, **options)
