"""Formulas over coordinates: ``weight - 2*height``. Parsed with `ast` against an allow-list; nothing is executed."""

from __future__ import annotations

import ast
import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import AxisError
from embedsearch.names import normal

_LONGEST = 500
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "sqrt": np.sqrt,
}


@dataclass(frozen=True, slots=True)
class Formula:
    """Arithmetic over the coordinates of axes.

    Attributes:
        source: the formula as the user wrote it.
        names: the axes that it names, in the order of first mention; at least one.
        tree: the parsed formula.
    """

    source: str
    names: tuple[str, ...]
    tree: ast.expr

    def evaluate(self, columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the value of the formula at each place, given one column of coordinates for each axis.

        Raises:
            AxisError: the value is not a number somewhere, for example the logarithm of a negative coordinate.
        """
        with np.errstate(all="ignore"):
            values = np.asarray(_evaluate(self.tree, columns), dtype=np.float64)
        if not np.isfinite(values).all():
            wrong = int(np.argmin(np.isfinite(values)))
            where = ", ".join(f"{name} {columns[name][wrong]:.3g}" for name in self.names)
            raise AxisError(f"the formula {self.source!r} gives no number at {where}; use it where it is defined")
        return values


def parse_formula(source: str) -> Formula:
    """Parse a formula: names, numbers, ``+ - * / **``, parentheses, and a few functions.

    Raises:
        AxisError: it cannot be read, has anything else in it, or names no axis.
    """
    if len(source) > _LONGEST:
        raise AxisError(f"the formula has {len(source)} characters; at most {_LONGEST} are read")
    try:
        tree = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise AxisError(f"the formula {source!r} cannot be read; write it as in weight - 2*height") from error
    names: dict[str, None] = {}
    _check(tree, source, names)
    if not names:
        raise AxisError(f"the formula {source!r} names no axis; write it as in weight - 2*height")
    return Formula(source.strip(), tuple(names), tree)


def _check(node: ast.expr, source: str, names: dict[str, None]) -> None:
    """Refuse whatever is not on the list, and note the names."""
    match node:
        case ast.Name():
            # Taken from the source: Python's parser turns names into the normal form NFKC, which axes need not have.
            node.id = normal(ast.get_source_segment(source.strip(), node) or node.id)
            names[node.id] = None
        case ast.Constant(value=bool() | complex()):
            raise _refused(node, source)
        case ast.Constant(value=int() | float() as number) if abs(number) <= sys.float_info.max:
            pass
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            _check(left, source, names)
            _check(right, source, names)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            _check(operand, source, names)
        case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]) if function in _FUNCTIONS:
            _check(argument, source, names)
        case _:
            raise _refused(node, source)


def _refused(node: ast.expr, source: str) -> AxisError:
    part = ast.get_source_segment(source.strip(), node) or source
    functions = ", ".join(_FUNCTIONS)
    return AxisError(
        f"the formula {source!r} holds {part!r}; it may hold names of axes, numbers, + - * / ** and {functions}"
    )


def _evaluate(node: ast.expr, columns: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return columns[name]
        case ast.Constant(value=value):
            # numpy's float: 9**9**9 becomes inf at once where Python's integers would fill the memory.
            return np.float64(value)  # type: ignore[arg-type]
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_evaluate(left, columns), _evaluate(right, columns))
        case ast.UnaryOp(op=op, operand=operand):
            return _UNARY[type(op)](_evaluate(operand, columns))
        case ast.Call(func=ast.Name(id=function), args=[argument]):
            return _FUNCTIONS[function](_evaluate(argument, columns))
    raise AssertionError(f"{node!r} was let through by the check")
