"""Many passages at once, as arrays: for pictures, and for whatever else needs all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes import ScaledAxis
from embedsearch.conditions import OWN_FIELDS, field_called, other_spellings
from embedsearch.conditions.values import is_missing
from embedsearch.errors import QueryError, did_you_mean
from embedsearch.index.tables import passage_field
from embedsearch.store import Store
from embedsearch.vectors import Rows
from embedsearch.wording import count_of


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Passages of an index, and where they lie on axes.

    Attributes:
        axes: m axes.
        rows: the passages' rows, ascending or as they were drawn, shape (n,); `Index.passages` reads the passages.
        coordinates: in standard deviations of the whole index, shape (n, m).
        values: the value of the field asked for, one for each passage, None if its document lacks the field; None as
            a whole if no field was asked for.
    """

    axes: Sequence[ScaledAxis]
    rows: Rows
    coordinates: NDArray[np.float64]
    values: Sequence[Any] | None = None

    def __repr__(self) -> str:
        return f"Population({count_of(len(self), 'passage')} on {', '.join(axis.name for axis in self.axes)})"

    def __len__(self) -> int:
        """Return the number of passages."""
        return len(self.rows)


def field_values(store: Store, field: str, rows: Rows) -> list[Any]:
    """Return the value of a field for each passage: that of its document, or None where the document has none.

    Where a document lacks the field, one whose name differs only in letter case, or in how an accent is typed, is
    taken, such as `Year` for `year`.

    Raises:
        QueryError: no document has the field.
    """
    return known_values(store, known_field(store, field), rows)


def known_values(store: Store, field: str, rows: Rows) -> list[Any]:
    """Return what `field_values` returns for a name that `known_field` gave."""
    return _merged(store, field, lambda name: passage_field(store, name, rows))


def document_values(store: Store, field: str) -> list[Any]:
    """Return the value of a field for each document, in the order of the index, as `field_values` does.

    Raises:
        QueryError: no document has the field.
    """
    return _merged(store, known_field(store, field), store.field)


def _merged(store: Store, field: str, read: Callable[[str], list[Any]]) -> list[Any]:
    """Return the values of a field; where one is missing, that of a field whose name is another spelling."""
    values = read(field)
    for other in other_spellings(field, store.field_names()):
        values = [another if is_missing(one) else one for one, another in zip(values, read(other), strict=True)]
    return values


def known_field(store: Store, field: str) -> str:
    """Return the name of a field as the documents spell it.

    Raises:
        QueryError: no document has the field.
    """
    names = {*OWN_FIELDS, *store.field_names()}
    found = field_called(field, names)
    if found is None:
        raise QueryError(f"no document of the index has the field {field!r}.{did_you_mean(field, names)}")
    return found
