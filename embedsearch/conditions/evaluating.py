"""Evaluating a resolved tree on n records: which of them satisfy it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from embedsearch.conditions.nodes import (
    And,
    Axis,
    Column,
    Comparison,
    Contains,
    Field,
    Literal,
    Missing,
    Near,
    Node,
    Not,
    OneOf,
    Operand,
    Or,
    Percentile,
    Scalar,
    Sign,
    Truth,
)
from embedsearch.conditions.values import OPERATORS, agree, contains, is_missing, reading_as, satisfies, truth
from embedsearch.vectors import Mask

Test = Callable[[Any], bool]


@runtime_checkable
class Table(Protocol):
    """What a condition is evaluated on: n records with fields, coordinates and vectors (a protocol)."""

    def __len__(self) -> int: ...

    def field(self, name: str) -> Sequence[Any]:
        """Return the n values of a field, JSON values; None for a record that lacks it."""

    def axis(self, name: str) -> Any:
        """Return the n coordinates on an axis, in standard deviations."""

    def percentile(self, axis: str, percent: float) -> float:
        """Return the coordinate on *axis* below which *percent* of the reference population lies."""

    def near(self, phrase: str) -> Any:
        """Return the n cosines to a phrase."""


class Evaluator:
    """Evaluates trees on one table; each column is asked for once."""

    def __init__(self, table: Table) -> None:
        """Read nothing yet."""
        self._table = table
        self._columns: dict[Operand, Any] = {}

    def node(self, node: Node) -> Mask:
        """Return which records satisfy a resolved tree, bool of shape (n,)."""
        match node:
            case And(nodes):
                return np.asarray(np.all([self.node(inner) for inner in nodes], axis=0))
            case Or(nodes):
                return np.asarray(np.any([self.node(inner) for inner in nodes], axis=0))
            case Not(inner):
                return ~self.node(inner)
            case Missing(column):
                return ~self._each(column, lambda _: True)
            case Comparison(Axis(name) as left, sign, Percentile(percent)):
                return _compare_numbers(self._values(left), sign, self._table.percentile(name, percent))
            case Comparison(Axis() | Near() as left, sign, Axis() | Near() as right):
                return _compare_numbers(self._values(left), sign, self._values(right))
            case Comparison(Axis() | Near() as left, sign, Literal(wanted)):
                return _compare_numbers(self._values(left), sign, wanted)
            case Comparison(left, sign, right) if not isinstance(right, Literal):
                return self._pairs(left, sign, right)
        return self._each(*column_test(node))

    def _each(self, column: Column, test: Test) -> Mask:
        """Return where a value is there and passes a test."""
        return np.array([not is_missing(value) and test(value) for value in self._plain(column)], dtype=bool)

    def _pairs(self, left: Column, sign: Sign, right: Operand) -> Mask:
        pairs = zip(self._plain(left), self._plain(right), strict=True)
        return np.array(
            [not (is_missing(one) or is_missing(other)) and agree(one, sign, other) for one, other in pairs], dtype=bool
        )

    def _plain(self, operand: Operand) -> Sequence[Any]:
        """Return values one by one: JSON values of fields, and Python's numbers for numpy's."""
        values = self._values(operand)
        listed: Sequence[Any] = values.tolist() if isinstance(values, np.ndarray) else values
        return listed

    def _values(self, operand: Operand) -> Any:
        if operand not in self._columns:
            self._columns[operand] = self._read(operand)
        return self._columns[operand]

    def _read(self, operand: Operand) -> Any:
        match operand:
            case Axis(name):
                return self._table.axis(name)
            case Near(phrase):
                return self._table.near(phrase)
            case Field(name):
                return self._table.field(name)
        raise AssertionError(f"{operand!r} must be resolved before it is evaluated")


def column_test(node: Truth | Contains | OneOf | Comparison) -> tuple[Column, Test]:
    """Return the column that a node tests, and the test that a value must pass if it is not missing."""
    match node:
        case Truth(column):
            return column, lambda value: truth(value) is True
        case Contains(column, part, negated):
            return column, lambda value: contains(value, part) != negated
        case OneOf(column, options, negated):
            among = _listed(options)
            return column, lambda value: among(value) != negated
        case Comparison(column, sign, Literal(wanted)):
            return column, lambda value: satisfies(value, sign, wanted)
    raise AssertionError(f"{node!r} looks at more than one column")


def _listed(options: Sequence[Scalar]) -> Test:
    """Return whether a value `satisfies` equality with one of *options*, however many they are."""
    kinds: dict[Callable[[Any], Any], set[Scalar]] = {}
    for option in options:
        read = reading_as(option)
        kinds.setdefault(read, set()).add(read(option))
    return lambda value: any(read(value) in wanted for read, wanted in kinds.items())


def _compare_numbers(left: ArrayLike, sign: Sign, right: ArrayLike) -> Mask:
    """Compare coordinates, shape (n,), with others or with one number; NaN compares with nothing."""
    first, second = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    compared: Mask = OPERATORS[sign](first, second)
    known: Mask = ~(np.isnan(first) | np.isnan(second))
    return compared & known
