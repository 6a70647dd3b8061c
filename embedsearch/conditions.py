"""The filter language over axes and metadata: ``predatoriness > p80 and size < 0 and year >= 2000``.

The text is parsed with `ast` against an allow-list and becomes a tree of small nodes; nothing of it is ever
run. What may be compared:

==================  ====================================================================================
``predatoriness``   an axis: its coordinate in standard deviations; also against ``p80``, the percentile
``year``            a field of the metadata, or ``id``, ``title``, ``text``
``near("phrase")``  cosine to a phrase, -1…1
``axis("x")``       an axis, where a field has the same name or the name is no identifier
``field("x y")``    a field likewise
==================  ====================================================================================

with ``< <= > >= == !=``, ``in [..]``, ``"part" in title``, ``and or not`` and parentheses. A bare field or
``missing(x)`` stands as a condition of its own. A comparison with a missing value is false.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

import numpy as np

from embedsearch.errors import QueryError, did_you_mean
from embedsearch.vectors import Mask

_PERCENTILE = re.compile(r"p(\d{1,3}(?:\.\d+)?|\d{1,3}_\d+)$")
_MAX_LENGTH = 10_000
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_TRUE, _FALSE = frozenset({"true", "yes", "y", "1", "t"}), frozenset({"false", "no", "n", "0", "f"})
_ORDERABLE = (int, float, str)


class Table(Protocol):
    """What a condition is evaluated on: n records with fields, coordinates and vectors."""

    def __len__(self) -> int: ...

    def field(self, name: str) -> Sequence[Any]:
        """Return the n values of a field; None where a record lacks it."""

    def axis(self, name: str) -> Any:
        """Return the n coordinates on an axis, in standard deviations."""

    def percentile(self, axis: str, percent: float) -> float:
        """Return the coordinate on *axis* below which *percent* of the reference population lies."""

    def near(self, phrase: str) -> Any:
        """Return the n cosines to a phrase."""


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name, an axis or a field: which one is known when the condition is resolved."""

    name: str


@dataclass(frozen=True, slots=True)
class Axis:
    """The coordinate on an axis."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a field."""

    name: str


@dataclass(frozen=True, slots=True)
class Near:
    """The cosine to a phrase."""

    phrase: str


@dataclass(frozen=True, slots=True)
class Percentile:
    """``p80``."""

    percent: float


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a string, True or False, or a tuple of them."""

    value: Any


Operand = Name | Axis | Field | Near | Percentile | Literal


@dataclass(frozen=True, slots=True)
class Compare:
    """``left operator right``."""

    left: Operand
    operator: str
    right: Operand


@dataclass(frozen=True, slots=True)
class Truth:
    """A field that stands alone: true where it holds true, yes, y, t, or 1."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class Missing:
    """True where a field has no value."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    node: Node


@dataclass(frozen=True, slots=True)
class All:
    """``and``."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any_:
    """``or``."""

    nodes: tuple[Node, ...]


Node = Compare | Truth | Missing | Not | All | Any_


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition.

    Attributes:
        source: what the user wrote.
        root: the tree.
    """

    source: str
    root: Node

    @property
    def phrases(self) -> list[str]:
        """The phrases of ``near(...)``, each once."""
        return list(dict.fromkeys(leaf.phrase for leaf in _operands(self.root) if isinstance(leaf, Near)))

    @property
    def axes(self) -> list[str]:
        """The names of the axes, each once; complete once the condition is resolved."""
        return list(dict.fromkeys(leaf.name for leaf in _operands(self.root) if isinstance(leaf, Axis)))

    @property
    def fields(self) -> list[str]:
        """The names of the fields, each once; complete once the condition is resolved."""
        return list(dict.fromkeys(leaf.name for leaf in _operands(self.root) if isinstance(leaf, Field)))

    def resolve(self, axes: Collection[str], fields: Collection[str]) -> Condition:
        """Return the condition with every bare name made an axis or a field.

        Args:
            axes: the axes there are.
            fields: the fields there are.

        Raises:
            QueryError: a name is neither or both; an axis named by ``axis(...)`` does not exist; a percentile
                is compared with something that is no axis.
        """
        resolver = _Resolver(self.source, axes, fields)
        return Condition(self.source, resolver.node(self.root))

    def evaluate(self, table: Table) -> Mask:
        """Return which of the n records of *table* satisfy the resolved condition, bool of shape (n,)."""
        return _evaluate(self.root, table)

    def __str__(self) -> str:
        return self.source


def parse_condition(source: str) -> Condition:
    """Return the condition that *source* describes.

    Raises:
        QueryError: the text does not follow the language.
    """
    if not source.strip():
        raise QueryError("the condition is empty; write one such as: predatoriness > p80 and year >= 2000")
    if len(source) > _MAX_LENGTH:
        raise QueryError(f"the condition has {len(source):,} characters; at most {_MAX_LENGTH:,} are read")
    try:
        tree = ast.parse(source.strip(), mode="eval")
        return Condition(source.strip(), _Builder(source.strip()).node(tree.body))
    except SyntaxError as error:
        cause = error.msg.split(".")[0].split("(")[0].strip()
        _refuse(source, f"{cause}, at column {error.offset}")
    except (RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, QueryError):
            raise
        _refuse(source, "it is nested too deeply or holds characters that cannot be read")


def _refuse(source: str, why: str) -> NoReturn:
    shown = source.strip() if len(source) <= 200 else source.strip()[:200] + "…"
    raise QueryError(f"the condition {shown!r} cannot be read: {why}. Example: predatoriness > p80 and kind == \"animal\"")


class _Builder:
    """Python's syntax tree to ours; whatever is not on the list is refused."""

    def __init__(self, source: str) -> None:
        self.source = source

    def node(self, tree: ast.expr) -> Node:
        match tree:
            case ast.BoolOp(op=ast.And(), values=values):
                return All(tuple(self.node(value) for value in values))
            case ast.BoolOp(op=ast.Or(), values=values):
                return Any_(tuple(self.node(value) for value in values))
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return Not(self.node(inner))
            case ast.Compare():
                return self._comparison(tree)
            case ast.Call(func=ast.Name(id="missing")):
                return Missing(self._name_argument(tree))
            case ast.Name() | ast.Call():
                return self._alone(self.operand(tree))
        return self._unknown(tree)

    def _alone(self, operand: Operand) -> Node:
        if isinstance(operand, Name | Field):
            return Truth(operand)
        _refuse(self.source, "an axis, a percentile or near(...) must be compared with something, as in near(\"x\") > 0.4")

    def _comparison(self, tree: ast.Compare) -> Node:
        operands = [self.operand(side) for side in (tree.left, *tree.comparators)]
        pairs = []
        for left, sign, right in zip(operands, tree.ops, operands[1:], strict=False):
            if type(sign) not in _COMPARISONS:
                _refuse(self.source, "`is` is not known here; write == or missing(x)")
            pairs.append(self._compare(left, _COMPARISONS[type(sign)], right))
        return pairs[0] if len(pairs) == 1 else All(tuple(pairs))

    def _compare(self, left: Operand, sign: str, right: Operand) -> Compare:
        if isinstance(left, Literal | Percentile) and isinstance(right, Literal | Percentile):
            _refuse(self.source, "a comparison needs an axis, a field or near(...) on one side")
        if sign in ("in", "not in"):
            listed = isinstance(right, Literal) and isinstance(right.value, tuple)
            part = isinstance(left, Literal) and isinstance(left.value, str) and isinstance(right, Name | Field)
            if not (listed or part):
                _refuse(self.source, '`in` takes a list on its right, as in kind in ["animal", "plant"], or a text on its left, as in "wolf" in title')
        elif any(isinstance(side, Literal) and isinstance(side.value, tuple) for side in (left, right)):
            _refuse(self.source, "a list can only stand behind `in`")
        elif isinstance(left, Literal | Percentile):
            return Compare(right, _MIRRORED[sign], left)
        return Compare(left, sign, right)

    def operand(self, tree: ast.expr) -> Operand:
        match tree:
            case ast.Name(id=name):
                return _percentile(name) or _spelled_literal(name) or Name(name)
            case ast.Constant(value=bool() | str() | int() | float() as value):
                return Literal(self._finite(value))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if not isinstance(value, bool):
                return Literal(self._finite(-value))
            case ast.UnaryOp(op=ast.UAdd(), operand=ast.Constant(value=int() | float() as value)) if not isinstance(value, bool):
                return Literal(self._finite(value))
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return Literal(tuple(self._element(element) for element in elements))
            case ast.Call(func=ast.Name(id="near")):
                return Near(self._argument(tree))
            case ast.Call(func=ast.Name(id="axis")):
                return Axis(self._argument(tree))
            case ast.Call(func=ast.Name(id="field")):
                return Field(self._argument(tree))
        return self._unknown(tree)

    def _element(self, tree: ast.expr) -> Any:
        operand = self.operand(tree)
        if not isinstance(operand, Literal) or isinstance(operand.value, tuple):
            _refuse(self.source, "a list holds numbers and quoted texts only")
        return operand.value

    def _argument(self, call: ast.Call) -> str:
        match call:
            case ast.Call(args=[ast.Constant(value=str() as text)], keywords=[]) if text.strip():
                return text
        _refuse(self.source, f"{ast.unparse(call.func)}(...) takes one quoted text, as in near(\"hunting\")")

    def _name_argument(self, call: ast.Call) -> Operand:
        match call:
            case ast.Call(args=[ast.Name(id=name)], keywords=[]):
                return Name(name)
            case ast.Call(args=[ast.Call(func=ast.Name(id="field")) as inner], keywords=[]):
                return Field(self._argument(inner))
        _refuse(self.source, "missing(...) takes the name of a field")

    def _finite(self, value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            _refuse(self.source, "a number in it is too large")
        return value

    def _unknown(self, tree: ast.expr) -> NoReturn:
        if isinstance(tree, ast.Call):
            _refuse(self.source, f"there is no function {ast.unparse(tree.func)!r}; there are near, axis, field and missing")
        _refuse(self.source, f"{ast.unparse(tree)!r} is not part of the language (and, or, not, comparisons, in, near)")


def _percentile(name: str) -> Percentile | None:
    match = _PERCENTILE.match(name)
    if match is None:
        return None
    # Python reads p99.5 as an attribute of p99, so that fractions are written p99_5.
    percent = float(match[1].replace("_", "."))
    return Percentile(percent) if percent <= 100 else None


def _spelled_literal(name: str) -> Literal | None:
    return Literal(name == "true") if name in ("true", "false") else None


@dataclass(frozen=True, slots=True)
class _Resolver:
    source: str
    axes: Collection[str]
    fields: Collection[str]

    def node(self, node: Node) -> Node:
        match node:
            case All(nodes):
                return All(tuple(self.node(inner) for inner in nodes))
            case Any_(nodes):
                return Any_(tuple(self.node(inner) for inner in nodes))
            case Not(inner):
                return Not(self.node(inner))
            case Truth(operand):
                return Truth(self._field(operand, "stands alone"))
            case Missing(operand):
                return Missing(self._field(operand, "is asked to be missing"))
            case Compare(left, sign, right):
                return self._compare(Compare(self.operand(left), sign, self.operand(right)))

    def _compare(self, node: Compare) -> Compare:
        if isinstance(node.right, Percentile) and not isinstance(node.left, Axis):
            _refuse(self.source, "a percentile such as p80 can only be compared with an axis")
        measured = isinstance(node.left, Axis | Near)
        texts = isinstance(node.right, Literal) and isinstance(node.right.value, str | bool)
        if measured and texts:
            _refuse(self.source, f"a coordinate is a number and cannot be compared with {node.right.value!r}")  # type: ignore[union-attr]
        return node

    def _field(self, operand: Operand, how: str) -> Operand:
        resolved = self.operand(operand)
        if isinstance(resolved, Axis):
            _refuse(self.source, f"{resolved.name!r} is an axis and {how}; compare it with a number or a percentile")
        return resolved

    def operand(self, operand: Operand) -> Operand:
        if isinstance(operand, Axis) and operand.name not in self.axes:
            raise QueryError(f"there is no axis {operand.name!r}.{did_you_mean(operand.name, self.axes)}")
        if not isinstance(operand, Name):
            return operand
        name, known = operand.name, [*self.axes, *self.fields]
        if name in self.axes and name in self.fields:
            _refuse(self.source, f'{name!r} is both an axis and a field; write axis("{name}") or field("{name}")')
        if name not in known:
            raise QueryError(f"there is no axis or field {name!r}.{did_you_mean(name, known)}")
        return Axis(name) if name in self.axes else Field(name)


def _operands(node: Node) -> Iterator[Operand]:
    match node:
        case All(nodes) | Any_(nodes):
            for inner in nodes:
                yield from _operands(inner)
        case Not(inner):
            yield from _operands(inner)
        case Truth(operand) | Missing(operand):
            yield operand
        case Compare(left, _, right):
            yield left
            yield right


def _evaluate(node: Node, table: Table) -> Mask:
    match node:
        case All(nodes):
            return np.logical_and.reduce([_evaluate(inner, table) for inner in nodes])
        case Any_(nodes):
            return np.logical_or.reduce([_evaluate(inner, table) for inner in nodes])
        case Not(inner):
            return ~_evaluate(inner, table)
        case Truth(operand):
            return np.array([truth(value) is True for value in _values(operand, table)], dtype=bool)
        case Missing(operand):
            return np.array([_is_missing(value) for value in _values(operand, table)], dtype=bool)
        case Compare(Axis(name) as axis, sign, Percentile(percent)):
            return _compare_numbers(_values(axis, table), sign, table.percentile(name, percent))
        case Compare(left, sign, Literal(tuple() as options)):
            values = _values(left, table)
            found = np.array([any(_matches(value, "==", option) for option in options) for value in values], dtype=bool)
            return found if sign == "in" else ~found
        case Compare(Literal(part), sign, right) if sign in ("in", "not in"):
            folded = str(part).casefold()
            found = np.array([folded in _as_text(value).casefold() for value in _values(right, table)], dtype=bool)
            return found if sign == "in" else ~found
        case Compare(Axis() | Near() as left, sign, Literal(value)):
            return _compare_numbers(_values(left, table), sign, float(value))
        case Compare(left, sign, Literal(value)):
            return np.array([_matches(given, sign, value) for given in _values(left, table)], dtype=bool)
        case Compare(left, sign, right):
            pairs = zip(_values(left, table), _values(right, table), strict=True)
            return np.array([_matches(first, sign, _plain(second)) for first, second in pairs], dtype=bool)


def _values(operand: Operand, table: Table) -> Any:
    match operand:
        case Axis(name):
            return table.axis(name)
        case Near(phrase):
            return table.near(phrase)
        case Field(name):
            return table.field(name)
    raise AssertionError(f"{operand!r} must be resolved before it is evaluated")


def _compare_numbers(values: Any, sign: str, number: float) -> Mask:
    result: Mask = _OPERATORS[sign](np.asarray(values, dtype=np.float64), number)
    return result


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _matches(value: Any, sign: str, wanted: Any) -> bool:
    """Compare one field value with one wanted value, as the kind of the wanted value says."""
    value = _plain(value)
    if _is_missing(value) or _is_missing(wanted):
        return False
    if isinstance(wanted, bool):
        known = truth(value)
        return known is not None and bool(_OPERATORS[sign](known, wanted))
    if isinstance(wanted, int | float):
        number = _as_number(value)
        return number is not None and bool(_OPERATORS[sign](number, wanted))
    return isinstance(value, _ORDERABLE) and bool(_OPERATORS[sign](_as_text(value), str(wanted)))


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def truth(value: Any) -> bool | None:
    """Return whether a field's value says yes (true, yes, y, t, 1) or no (false, no, n, f, 0); None for anything else."""
    text = str(_plain(value)).strip().casefold()
    return True if text in _TRUE else False if text in _FALSE else None


def _as_number(value: Any) -> float | None:
    if isinstance(value, bool | int | float):
        return float(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
