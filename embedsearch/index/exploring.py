"""Finding axes and ratings in an index: components to keep, phrases to rate, one definition under two encoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

import numpy as np

from embedsearch.axes import Axis, EncoderMaterial, FittedAxis, fit_axis
from embedsearch.axes.checks import as_name
from embedsearch.axes.components import principal_components
from embedsearch.axes.fitting import rated_vectors
from embedsearch.axes.proposing import propose
from embedsearch.axes.rated import folded
from embedsearch.axes.statistics import ranks, spearman
from embedsearch.encoders import Encoder
from embedsearch.errors import AxisError
from embedsearch.index.arguments import require_count
from embedsearch.index.axis_material import sampled
from embedsearch.index.saved_axes import IndexAxes
from embedsearch.mapped import gather
from embedsearch.store import Store, StoredPassage
from embedsearch.vectors import Rows, Vectors, project, thinned, top

_CANDIDATES = 5_000  # passages that are looked through for phrases to rate
_LONGEST = 80  # characters of a text that can be rated at a glance


def _named(text: str) -> str:
    """Return a name for an end of an axis, from a text that lies there."""
    name = as_name(text)
    return name if 0 < len(name) <= 30 else name[:29].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Component:
    """A principal component of an index, or of a part of it.

    Attributes:
        number: 1 for the component with the largest variance.
        share: its share of the variance, 0…1.
        low: the texts at its low end, outermost first.
        high: the texts at its high end, outermost first.
        axis: an axis definition that keeps it: ``index.axes.save(component.axis)``.
    """

    number: int
    share: float
    low: tuple[str, ...]
    high: tuple[str, ...]
    axis: Axis

    def to_dict(self) -> dict[str, Any]:
        """Return the component as a dict of JSON values."""
        return {
            "id": self.axis.name,
            "number": self.number,
            "share": self.share,
            "low": list(self.low),
            "high": list(self.high),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """One axis definition under two encoders.

    Attributes:
        axis: the name of the axis.
        first: the name of the index's encoder.
        second: the name of the other encoder.
        spearman: the rank correlation of the coordinates of the same texts.
        texts: how many texts were compared.
        apart: the texts whose ranks differ most, each with its percentile under the first and the second encoder.
    """

    axis: str
    first: str
    second: str
    spearman: float
    texts: int
    apart: tuple[tuple[str, float, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as a dict of JSON values."""
        return asdict(self) | {"apart": [list(entry) for entry in self.apart]}


class _Elsewhere(EncoderMaterial):
    """Another encoder with the definitions of an index, and some of its texts for its passages."""

    def __init__(self, encoder: Encoder, definitions: Mapping[str, Axis], texts: Sequence[str]) -> None:
        super().__init__(encoder, {})
        self._definitions = definitions
        self._texts = texts

    def axis(self, name: str) -> FittedAxis:
        """Return another axis of the index, fitted from its definition."""
        return fit_axis(self._definitions[name], self)

    @property
    def passage_count(self) -> int:
        """How many texts there are."""
        return len(self._texts)

    def passages(self, where: str | None) -> Vectors:
        """Return the texts under the other encoder; a part of them cannot be chosen."""
        return self.encode(self._texts) if where is None else super().passages(where)

    def _refuse(self, what: str) -> NoReturn:
        raise AxisError(f"the axis is made from the {what} of the index, which the other encoder has not embedded")


class Explorer:
    """Searches one index for what could become axes; an index has one as `Index.explorer`."""

    def __init__(self, store: Store, axes: IndexAxes) -> None:
        """Read nothing yet."""
        self._store = store
        self._axes = axes

    def discover(self, count: int, where: str | None, ends: int) -> list[Component]:
        """Return the principal components with the largest variance.

        Args:
            count: how many components.
            where: a condition that the passages must satisfy; None for all passages.
            ends: how many texts to return at either end of each component.

        Raises:
            AxisError: there are fewer than two passages.
            QueryError: the condition is wrong, or *count* or *ends* is not a whole number above 0.
        """
        require_count(count, "count")
        require_count(ends, "ends")
        with self._store.reading():
            rows = self._rows(where)
            if len(rows) < 2:
                raise AxisError(f"components need at least 2 passages; there are {len(rows)}")
            vectors = self._store.vectors()
            sample = sampled(vectors, rows)
            _, directions, deviations = principal_components(sample, count)
            spread = float(sample.var(axis=0, dtype=np.float64).sum())
            found = []
            columns = project(vectors, directions, rows).T
            for place, (column, deviation) in enumerate(zip(columns, deviations, strict=True)):
                low, high = (self._texts(rows[top(sign * column, ends)]) for sign in (-1, 1))
                table = {"number": place + 1} | ({"where": where} if where else {})
                axis = Axis(f"{_named(low[0])} - {_named(high[0])}", component=table)
                found.append(Component(place + 1, float(deviation**2) / spread, low, high, axis))
            return found

    def propose(self, name: str, count: int, where: str | None) -> list[str]:
        """Return the texts of passages whose ratings would tell an axis most; texts rated already are left out.

        A text counts as rated if it was rated as a phrase, or if its document was rated.

        Args:
            name: the name of the axis.
            count: how many texts.
            where: a condition that the passages must satisfy; None for all passages.

        Raises:
            AxisError: there is no such axis, it cannot be rated, or no short passage is left to be rated.
        """
        require_count(count, "count")
        axis = self._axes[name]
        definition = axis.fitted.axis
        self._require_ratable(definition)
        with self._store.reading():
            of_documents = [row for id in definition.rated_documents for row in self._store.rows_of_document(id)]
            rated_texts = self._texts(np.array(of_documents, dtype=np.int64))
            rated = set(map(folded, [*definition.ratings, *rated_texts]))
            rows = thinned(self._rows(where), _CANDIDATES)
            kept: dict[str, StoredPassage] = {}
            for passage in self._store.passages(rows):
                if len(passage.text) <= _LONGEST and (said := folded(passage.text)) not in rated:
                    kept.setdefault(said, passage)
            if not kept:
                raise AxisError(f"no passage of {_LONGEST} characters or fewer is left to be rated on {name!r}")
            vectors = gather(self._store.vectors(), [passage.row for passage in kept.values()])
            known = rated_vectors(definition, self._axes.material())[0] if definition.is_rated else vectors[:0]
            texts = [passage.text for passage in kept.values()]
            population = gather(self._store.vectors(), rows)
            return [texts[place] for place in propose(vectors, axis.coordinates(vectors), known, count, population)]

    def _require_ratable(self, axis: Axis) -> None:
        if axis.unratable:
            or_prior = "" if axis.formula or axis.groups else ", or one that names this one as its prior"
            raise AxisError(
                f"axis {axis.name!r} is defined by {axis.unratable} and cannot have ratings; "
                f"rate an axis of poles{or_prior}"
            )

    def rate(self, name: str, ratings: Mapping[str, float], documents: Mapping[str, float] | None = None) -> Axis:
        """Add ratings to an axis and save it as a new version; new ratings replace those of the same text or document.

        Args:
            name: the name of the axis.
            ratings: ratings by phrase; letter case and white space are ignored when phrases are compared.
            documents: ratings by the id of a document of the index.

        Raises:
            AxisError: there is no such axis or document, or the axis has fewer than 5 ratings with these.
        """
        return self._axes.change(name, lambda axis: axis.with_ratings(ratings, documents))

    def compare(self, name: str, other: Encoder, where: str | None = None, count: int = 500) -> Comparison:
        """Return how alike one axis definition orders the same texts under the index's encoder and under another.

        Args:
            name: the name of the axis.
            other: the other encoder.
            where: a condition that the passages must satisfy; None for all passages.
            count: how many passages to compare at most, at least 2.

        Raises:
            AxisError: there is no such axis; it is a formula, or is made of documents, which the other encoder has not
                embedded; or there are fewer than 2 texts.
            QueryError: *count* is not a whole number of at least 2.
        """
        count = require_count(count, "count", least=2)
        axis = self._axes[name]
        if axis.fitted.axis.formula:
            raise AxisError(f"axis {name!r} is a formula; compare {', '.join(axis.fitted.axis.depends_on)}")
        with self._store.reading():
            texts = list(dict.fromkeys(self._texts(thinned(self._rows(where), count))))
        if len(texts) < 2:
            raise AxisError(f"encoders are compared on at least 2 different texts; there are {len(texts)}")
        elsewhere = _Elsewhere(other, self._axes.definitions(), texts)
        fitted = fit_axis(axis.fitted.axis, elsewhere)
        ours = axis.coordinates(self._axes.material().encode(texts))
        theirs = fitted.read(elsewhere.encode(texts))
        places = [100 * (ranks(column) - 1) / (len(texts) - 1) for column in (ours, theirs)]
        apart = tuple(
            (texts[place], float(places[0][place]), float(places[1][place]))
            for place in top(abs(places[0] - places[1]), 10)
        )
        return Comparison(name, self._axes.encoder_name, other.name, spearman(ours, theirs), len(texts), apart)

    def _rows(self, where: str | None) -> Rows:
        return self._store.live_rows() if where is None else self._axes.select(where)

    def _texts(self, rows: Rows) -> tuple[str, ...]:
        return tuple(passage.text for passage in self._store.passages(rows))
