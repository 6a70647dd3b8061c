"""Writing a tree as a text that parses to the same tree: for summaries, explanations and profiles."""

from __future__ import annotations

import json
import keyword
import re

import numpy as np

from embedsearch.conditions.nodes import (
    And,
    Axis,
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

_LIKE_PERCENTILES = re.compile(r"p\d+(?:_\d+)?", re.ASCII)
_TAKEN = {"true", "false", "near", "axis", "field", "missing"}


def written(node: Node) -> str:
    """Return a text that parses to *node*, provided that no axis and field have the same name."""
    match node:
        case And(nodes):
            return " and ".join(_inside(inner) for inner in nodes)
        case Or(nodes):
            return " or ".join(written(inner) if isinstance(inner, And) else _inside(inner) for inner in nodes)
        case Not(inner):
            return f"not {_inside(inner)}"
        case Missing(column):
            return f"missing({operand_written(column)})"
        case Truth(column):
            return operand_written(column)
        case Contains(column, part, negated):
            return f"{_scalar(part)} {'not in' if negated else 'in'} {operand_written(column)}"
        case OneOf(column, options, negated):
            listed = ", ".join(map(_scalar, options))
            return f"{operand_written(column)} {'not in' if negated else 'in'} [{listed}]"
        case Comparison(left, sign, right):
            return f"{operand_written(left)} {sign} {operand_written(right)}"


def operand_written(operand: Operand) -> str:
    """Return a text that parses to *operand*; see `written`."""
    match operand:
        case Name(name):
            return name
        case Axis(name) | Field(name):
            kind = "axis" if isinstance(operand, Axis) else "field"
            return name if _is_bare(name) else f"{kind}({_scalar(name)})"
        case Near(phrase):
            return f"near({_scalar(phrase)})"
        case Percentile(percent):
            return "p" + np.format_float_positional(percent, trim="-").replace(".", "_")
        case Literal(value):
            return _scalar(value)


def _inside(node: Node) -> str:
    return f"({written(node)})" if isinstance(node, And | Or) else written(node)


def _scalar(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # The escapes of JSON mean the same to Python, which reads the condition.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _is_bare(name: str) -> bool:
    """Can a name stand as it is? Python reads others in another form, or as something else."""
    taken = keyword.iskeyword(name) or name in _TAKEN or _LIKE_PERCENTILES.fullmatch(name)
    return name.isascii() and name.isidentifier() and not taken
