"""Which bare names of a condition are axes and which are fields, and whether their comparisons make sense."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TypeVar

from embedsearch.conditions.nodes import (
    OWN_FIELDS,
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

OperandT = TypeVar("OperandT", bound=Operand)


@dataclass(frozen=True, slots=True)
class Resolver:
    """Makes every bare name an axis or a field.

    Attributes:
        source: the condition, for messages.
        axes: the axes that exist.
        fields: the fields that exist.
        grows: whether there may be more fields later, as in a stream of which only the beginning is read.
    """

    source: str
    axes: Collection[str]
    fields: Collection[str]
    grows: bool = False

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
                return _any([Truth(one) for one in self._fields(column, "stands alone")])
            case Missing(column):
                missing = [Missing(one) for one in self._fields(column, "is asked to be missing")]
                return missing[0] if len(missing) == 1 else And(tuple(missing))
            case Contains(column, part, negated):
                asked = self._fields(column, "is asked for a text")
                return _any([Contains(one, part, negated) for one in asked])
            case OneOf(column, options, negated):
                columns = self._spellings(self.column(column))
                self._check_kinds(columns[0], options)
                return _any([OneOf(one, options, negated) for one in columns])
            case Comparison(left, sign, right):
                left, right = self.column(left, self.on_axes(left)), self._operand(right)
                if isinstance(right, Percentile) and not isinstance(left, Axis):
                    raise refusal(self.source, "a percentile such as p80 can only be compared with an axis")
                self._check_kinds(left, (right.value,) if isinstance(right, Literal) else ())
                pairs = product(self._spellings(left), self._spellings(right))
                return _any([Comparison(one, sign, other) for one, other in pairs])

    def _check_kinds(self, column: Column, values: Iterable[Scalar]) -> None:
        for value in values:
            if isinstance(column, Axis | Near) and isinstance(value, str | bool):
                raise refusal(self.source, f"a coordinate is a number and cannot be compared with {value!r}")

    def _fields(self, column: Column, how: str) -> Sequence[Column]:
        resolved = self.column(column)
        if isinstance(resolved, Axis):
            raise refusal(
                self.source, f"{resolved.name!r} is an axis and {how}; compare it with a number or a percentile"
            )
        return self._spellings(resolved)

    def _spellings(self, operand: OperandT) -> list[OperandT | Field]:
        """Return a resolved operand, a field with those beside it that are its name in other letters, small or capital.

        Records of several sources have one field in several spellings, ``year`` and ``Year``: each may tell.
        """
        if not isinstance(operand, Field):
            return [operand]
        return [operand, *(Field(other) for other in other_spellings(operand.name, self.fields))]

    def on_axes(self, column: Column) -> str:
        """Return where axes come from, if there are none and the name resembles no field."""
        if not isinstance(column, Name) or self.axes or did_you_mean(column.name, self.fields).startswith(" Did"):
            return ""
        return _NO_AXES

    def _operand(self, operand: Operand) -> Operand:
        if isinstance(operand, Literal | Percentile):
            return operand
        return self.column(operand, " If it is a text, put it in quotes.")

    def column(self, column: Column, advice: str = "") -> Column:
        """Return a column that is not a bare name; see `Condition.resolve`."""
        match column:
            case Name(name):
                return self._named(name, advice)
            case Field(name):
                return Field(field_called(name, self.fields) or name)
            case Axis(name):
                axis = spelled(name, self.axes)
                if axis is None:
                    raise QueryError(f"there is no axis {shortened(name)!r}.{did_you_mean(name, self.axes)}")
                return Axis(axis)
        return column

    def _named(self, name: str, advice: str) -> Axis | Field:
        axis, field = spelled(name, self.axes), spelled(name, self.fields)
        if axis is None and field is None:
            field = field_called(name, self.fields)
        if axis is not None and field is not None:
            raise refusal(self.source, f'{name!r} is both an axis and a field; write axis("{name}") or field("{name}")')
        if axis is not None:
            return Axis(axis)
        if field is not None:
            return Field(field)
        known = [*self.axes, *self.fields]
        if self.grows:
            called = json.dumps(shortened(name), ensure_ascii=False)
            advice = f"{advice} A field that only later records have is written field({called})."
        raise QueryError(f"there is no axis or field {shortened(name)!r}.{did_you_mean(name, known)}{advice}")


def _any(nodes: Sequence[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))


@lru_cache(maxsize=10_000)  # asked for each field of each record of a stream
def folded(name: str) -> str:
    """Return what the spellings of a field's name have in common: case is ignored, and so is how an accent is typed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def field_called(name: str, known: Collection[str]) -> str | None:
    """Return a field's name as it is known, in other letter case if need be; None if it is not known."""
    found = spelled(name, known)
    return found or next((other for other in sorted(known) if folded(other) == folded(name)), None)


def other_spellings(name: str, known: Iterable[str]) -> list[str]:
    """Return the fields whose names are other spellings of a field's name; none for fields that every document has."""
    if name in OWN_FIELDS:
        return []
    return sorted(other for other in known if other not in (name, *OWN_FIELDS) and folded(other) == folded(name))


def spelled(name: str, known: Collection[str]) -> str | None:
    """Return *name* as it is known; None if it is not.

    Names that look the same need not have the same characters: an accent is part of its letter or follows it, and
    Python's parser turns bare names into the normal form NFKC.
    """
    if name in known:
        return name
    wanted = unicodedata.normalize("NFKC", name)
    return next((other for other in known if unicodedata.normalize("NFKC", other) == wanted), None)
