"""Which bare names of a condition are axes and which are fields, and whether their comparisons make sense."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from embedsearch.conditions.nodes import (
    And,
    Axis,
    Column,
    Comparison,
    Contains,
    Field,
    Literal,
    Missing,
    Name,
    Near,
    Node,
    Not,
    OneOf,
    Operand,
    Or,
    Percentile,
    Scalar,
    Truth,
)
from embedsearch.conditions.refusals import refusal, shortened
from embedsearch.errors import QueryError, did_you_mean

_NO_AXES = (
    " No axis is known here: an index has those that `axes fit` has fitted, and `filter` those of --axes FILE that "
    "are asked for."
)


@dataclass(frozen=True, slots=True)
class Resolver:
    """Makes every bare name an axis or a field.

    Attributes:
        source: the condition, for messages.
        axes: the axes there are.
        fields: the fields there are.
    """

    source: str
    axes: Collection[str]
    fields: Collection[str]

    def node(self, node: Node) -> Node:
        """Return a tree without bare names.

        Raises:
            QueryError: see `Condition.resolve`.
        """
        match node:
            case And(nodes):
                return And(tuple(self.node(inner) for inner in nodes))
            case Or(nodes):
                return Or(tuple(self.node(inner) for inner in nodes))
            case Not(inner):
                return Not(self.node(inner))
            case Truth(column):
                return Truth(self._field(column, "stands alone"))
            case Missing(column):
                return Missing(self._field(column, "is asked to be missing"))
            case Contains(column, part, negated):
                return Contains(self._field(column, "is asked for a text"), part, negated)
            case OneOf(column, options, negated):
                column = self.column(column)
                self._check_kinds(column, options)
                return OneOf(column, options, negated)
            case Comparison(left, sign, right):
                left, right = self.column(left, self.on_axes(left)), self._operand(right)
                if isinstance(right, Percentile) and not isinstance(left, Axis):
                    raise refusal(self.source, "a percentile such as p80 can only be compared with an axis")
                self._check_kinds(left, (right.value,) if isinstance(right, Literal) else ())
                return Comparison(left, sign, right)

    def _check_kinds(self, column: Column, values: Iterable[Scalar]) -> None:
        for value in values:
            if isinstance(column, Axis | Near) and isinstance(value, str | bool):
                raise refusal(self.source, f"a coordinate is a number and cannot be compared with {value!r}")

    def _field(self, column: Column, how: str) -> Column:
        resolved = self.column(column)
        if isinstance(resolved, Axis):
            raise refusal(
                self.source, f"{resolved.name!r} is an axis and {how}; compare it with a number or a percentile"
            )
        return resolved

    def on_axes(self, column: Column) -> str:
        """Say where axes come from, where there are none and the name is like that of no field."""
        if not isinstance(column, Name) or self.axes or did_you_mean(column.name, self.fields).startswith(" Did"):
            return ""
        return _NO_AXES

    def _operand(self, operand: Operand) -> Operand:
        if isinstance(operand, Literal | Percentile):
            return operand
        return self.column(operand, " If it is a text, put it in quotes.")

    def column(self, column: Column, advice: str = "") -> Column:
        """Return a column that is no bare name; see `Condition.resolve`."""
        match column:
            case Name(name):
                return self._named(name, advice)
            case Field(name):
                return Field(spelled(name, self.fields) or name)
            case Axis(name):
                axis = spelled(name, self.axes)
                if axis is None:
                    raise QueryError(f"there is no axis {shortened(name)!r}.{did_you_mean(name, self.axes)}")
                return Axis(axis)
        return column

    def _named(self, name: str, advice: str) -> Axis | Field:
        axis, field = spelled(name, self.axes), spelled(name, self.fields)
        if axis is not None and field is not None:
            raise refusal(self.source, f'{name!r} is both an axis and a field; write axis("{name}") or field("{name}")')
        if axis is not None:
            return Axis(axis)
        if field is not None:
            return Field(field)
        known = [*self.axes, *self.fields]
        raise QueryError(f"there is no axis or field {shortened(name)!r}.{did_you_mean(name, known)}{advice}")


def spelled(name: str, known: Collection[str]) -> str | None:
    """Return *name* as it is known; None where it is not.

    What looks the same need not be the same characters: an accent stands with its letter or behind it, and of bare
    names Python's parser makes the normal form NFKC.
    """
    if name in known:
        return name
    wanted = unicodedata.normalize("NFKC", name)
    return next((other for other in known if unicodedata.normalize("NFKC", other) == wanted), None)
