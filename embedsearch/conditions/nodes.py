"""The tree that a condition is parsed into: leaves that give a value for each record, nodes that say yes or no."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal as OneOfThese

OWN_FIELDS = ("id", "title", "text")  # what every document has, beside its metadata

Scalar = str | bool | int | float
Sign = OneOfThese["<", "<=", ">", ">=", "==", "!="]


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name, an axis or a field; which one is decided when the condition is resolved."""

    name: str


@dataclass(frozen=True, slots=True)
class Axis:
    """The coordinate on an axis, in standard deviations."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a field."""

    name: str


@dataclass(frozen=True, slots=True)
class Near:
    """The cosine to a phrase, -1…1."""

    phrase: str


@dataclass(frozen=True, slots=True)
class Percentile:
    """``p80``: the coordinate below which 80 percent of the reference population lie; 0…100."""

    percent: float


@dataclass(frozen=True, slots=True)
class Literal:
    """A finite number, a text, True or False."""

    value: Scalar


Column = Name | Axis | Field | Near
Operand = Column | Percentile | Literal


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left sign right``; a percentile or a literal is always on the right."""

    left: Column
    sign: Sign
    right: Operand


@dataclass(frozen=True, slots=True)
class OneOf:
    """``column in [options]``, or ``not in`` if negated."""

    column: Column
    options: tuple[Scalar, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Contains:
    """``"part" in column``, or ``not in`` if negated; case is ignored."""

    column: Column
    part: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """A field that stands alone: satisfied if its value says yes."""

    column: Column


@dataclass(frozen=True, slots=True)
class Missing:
    """Satisfied if a field has no value."""

    column: Column


@dataclass(frozen=True, slots=True)
class Not:
    """Satisfied if *node* is not."""

    node: Node


@dataclass(frozen=True, slots=True)
class And:
    """Satisfied if all of at least two nodes are."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Satisfied if any of at least two nodes is."""

    nodes: tuple[Node, ...]


Node = Comparison | OneOf | Contains | Truth | Missing | Not | And | Or


def operands(node: Node) -> Iterator[Operand]:
    """Yield every leaf of a tree, in the order of the text it was parsed from, except for mirrored comparisons."""
    match node:
        case And(nodes) | Or(nodes):
            for inner in nodes:
                yield from operands(inner)
        case Not(inner):
            yield from operands(inner)
        case Comparison(left, _, right):
            yield left
            yield right
        case OneOf(column) | Contains(column) | Truth(column) | Missing(column):
            yield column


def conjuncts(node: Node) -> list[Node]:
    """Return the nodes that must all hold for *node* to hold, in order; *node* itself if it is not an `And`."""
    return [part for inner in node.nodes for part in conjuncts(inner)] if isinstance(node, And) else [node]


def joined(nodes: Sequence[Node]) -> Node | None:
    """Return the node that holds if all of *nodes* do; None if there are none."""
    return (nodes[0] if len(nodes) == 1 else And(tuple(nodes))) if nodes else None


def is_measured(node: Node) -> bool:
    """Return whether a resolved tree names an axis or nearness, so that a text's vectors are needed."""
    return any(isinstance(leaf, Axis | Near) for leaf in operands(node))


def comparisons(node: Node, *, denied: bool = False) -> Iterator[tuple[Comparison, bool]]:
    """Yield the comparisons of a tree, in order, each with whether it asks for less, as ``not x > 1`` does."""
    match node:
        case And(nodes) | Or(nodes):
            for inner in nodes:
                yield from comparisons(inner, denied=denied)
        case Not(inner):
            yield from comparisons(inner, denied=not denied)
        case Comparison(_, sign):
            yield node, sign in ((">", ">=") if denied else ("<", "<="))
