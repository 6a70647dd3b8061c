"""From text to tree: Python's own parser reads it, and an allow-list lets a few shapes through. Nothing is ever run."""

from __future__ import annotations

import ast
import math
import re
import warnings

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
    Sign,
    Truth,
)
from embedsearch.conditions.refusals import misspelling, refusal, shortened
from embedsearch.errors import QueryError
from embedsearch.given import require_text

_MAX_LENGTH = 10_000
_MAX_DEPTH = 50
_PERCENTILE = re.compile(r"p(\d{1,3}(?:_\d+)?)", re.ASCII)
_DOTTED = re.compile(r"[\w.]+")
_BREAKS = re.compile(r"[\r\n\f\v]")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_SIGNS: dict[type[ast.cmpop], Sign] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_MIRRORED: dict[Sign, Sign] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def parse(source: str) -> Node:
    """Return the tree of a condition, its bare names not yet resolved.

    Raises:
        QueryError: the text does not follow the language.
    """
    if not source.strip():
        raise QueryError("the condition is empty; write one such as: predatoriness > p80 and year >= 2000")
    if len(source) > _MAX_LENGTH:
        raise QueryError(f"the condition has {len(source):,} characters; at most {_MAX_LENGTH:,} are read")
    if _UNWRITABLE.search(source):
        raise refusal(source, "it holds a NUL character or bytes that are not UTF-8")
    # A line break means no more than a space, so that a long condition can be written on several lines.
    line = _BREAKS.sub(" ", source).strip()
    return _Builder(line).node(_syntax_tree(line))


def parse_measure(source: str) -> Column:
    """Return the axis (or the bare name of one) or the ``near(...)`` that a text names.

    Raises:
        QueryError: it is something else.
    """
    cleaned = _BREAKS.sub(" ", require_text("a measure", source).strip())
    if cleaned and len(cleaned) <= _MAX_LENGTH and not _UNWRITABLE.search(cleaned):
        operand = _Builder(cleaned)._operand(_syntax_tree(cleaned))
        if isinstance(operand, Name | Axis | Near):
            return operand
    raise QueryError(f'{shortened(source)!r} is not a measure; name an axis, or write near("a phrase")')


def _syntax_tree(source: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's opinion of "\d" is of no use to the analyst
            tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        raise misspelling(source, error) from None
    except (RecursionError, MemoryError):  # how Python's parser says that it has gone deep enough
        raise refusal(source, "it is nested too deeply") from None
    if b"#" in source.encode()[tree.end_col_offset :]:
        raise refusal(source, "what follows # would be ignored; put # in quotes, or leave it out")
    return tree


class _Builder:
    """Python's syntax tree to ours; whatever is not on the list is refused."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._depth = 0

    def node(self, tree: ast.expr) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._refusal(f"it is nested more than {_MAX_DEPTH} deep")
        node = self._node(tree)
        self._depth -= 1
        return node

    def _node(self, tree: ast.expr) -> Node:
        match tree:
            case ast.BoolOp(op=ast.And(), values=values):
                return And(tuple(self.node(value) for value in values))
            case ast.BoolOp(op=ast.Or(), values=values):
                return Or(tuple(self.node(value) for value in values))
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return Not(self.node(inner))
            case ast.Compare():
                return self._comparisons(tree)
            case ast.Call(func=ast.Name(id="missing")):
                return Missing(self._field_argument(tree))
        return self._alone(self._operand(tree))

    def _alone(self, operand: Operand) -> Node:
        match operand:
            case Name() | Field():
                return Truth(operand)
            case Literal():
                raise self._refusal("a number or a text must be compared with something, as in year >= 2000")
        raise self._refusal('an axis, a percentile or near(...) must be compared with something, as in near("x") > 0.4')

    def _comparisons(self, tree: ast.Compare) -> Node:
        """Return ``a < b < c`` as ``a < b and b < c``."""
        sides = [tree.left, *tree.comparators]
        pairs = tuple(
            self._comparison(left, sign, right) for left, sign, right in zip(sides, tree.ops, sides[1:], strict=False)
        )
        return pairs[0] if len(pairs) == 1 else And(pairs)

    def _comparison(self, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> Node:
        if isinstance(sign, ast.Is | ast.IsNot):
            raise self._refusal("`is` cannot be used; write == or missing(x)")
        if isinstance(sign, ast.In | ast.NotIn):
            return self._membership(left, right, negated=isinstance(sign, ast.NotIn))
        if any(isinstance(side, ast.List | ast.Tuple | ast.Set) for side in (left, right)):
            raise self._refusal("a list can only follow `in`")
        return self._ordered(self._operand(left), _SIGNS[type(sign)], self._operand(right))

    def _ordered(self, left: Operand, sign: Sign, right: Operand) -> Node:
        if not isinstance(left, Literal | Percentile):
            return Comparison(left, sign, right)
        if not isinstance(right, Literal | Percentile):
            return Comparison(right, _MIRRORED[sign], left)
        why = "a comparison needs an axis, a field or near(...) on one side"
        if isinstance(left, Percentile) or isinstance(right, Percentile):
            why += '; p80 is a percentile, and an axis or a field of that name is axis("p80") or field("p80")'
        raise self._refusal(why)

    def _membership(self, left: ast.expr, right: ast.expr, *, negated: bool) -> Node:
        if isinstance(right, ast.List | ast.Tuple | ast.Set):
            column = self._operand(left)
            if isinstance(column, Literal | Percentile):
                raise self._refusal("an axis, a field or near(...) must stand before `in` and a list")
            return OneOf(column, tuple(self._option(option) for option in right.elts), negated)
        part, column = self._operand(left), self._operand(right)
        if isinstance(part, Literal) and isinstance(part.value, str) and isinstance(column, Name | Field):
            return Contains(column, part.value, negated)
        raise self._refusal(
            '`in` takes a list on its right, as in kind in ["animal", "plant"], or a text on its left and a field on '
            'its right, as in "wolf" in title'
        )

    def _option(self, tree: ast.expr) -> Scalar:
        match tree:
            case ast.Constant() | ast.UnaryOp() | ast.Name(id="true" | "false"):
                operand = self._operand(tree)
                assert isinstance(operand, Literal)
                return operand.value
        raise self._refusal("a list holds numbers and quoted texts only")

    def _operand(self, tree: ast.expr) -> Operand:
        match tree:
            case ast.Name(id="true" | "false" as word):
                return Literal(word == "true")
            case ast.Name(id=name):
                return _percentile(name) or Name(name)
            case ast.Constant(value=bool() | str() as value):
                return Literal(self._writable(value) if isinstance(value, str) else value)
            case ast.Constant(value=int() | float() as number):
                return Literal(self._finite(number))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant(value=int() | float() as number)):
                if not isinstance(number, bool):
                    return Literal(self._finite(-number if isinstance(sign, ast.USub) else number))
            case ast.Call(func=ast.Name(id="near")):
                return Near(self._text_argument(tree))
            case ast.Call(func=ast.Name(id="axis")):
                return Axis(self._text_argument(tree))
            case ast.Call(func=ast.Name(id="field")):
                return Field(self._text_argument(tree))
        raise self._unknown(tree)

    def _text_argument(self, call: ast.Call) -> str:
        match call:
            case ast.Call(args=[ast.Constant(value=str() as text)], keywords=[]) if text.strip():
                return self._writable(text)
        raise self._refusal(f'{self._written(call.func)}(...) takes one quoted text, as in near("hunting")')

    def _field_argument(self, call: ast.Call) -> Name | Field:
        match call:
            case ast.Call(args=[ast.Name(id=name)], keywords=[]):
                return Name(name)
            case ast.Call(args=[ast.Call(func=ast.Name(id="field")) as inner], keywords=[]):
                return Field(self._text_argument(inner))
        raise self._refusal('missing(...) takes a field, as in missing(year) or missing(field("first author"))')

    def _writable(self, text: str) -> str:
        if _UNWRITABLE.search(text):
            raise self._refusal("a text in it holds a NUL character or a lone surrogate")
        return text

    def _finite(self, number: int | float) -> int | float:
        try:
            finite = math.isfinite(number)
        except OverflowError:  # a whole number beyond the largest float, 1.8e308
            finite = False
        if not finite:
            raise self._refusal("a number in it is too large")
        return number

    def _unknown(self, tree: ast.expr) -> QueryError:
        match tree:
            case ast.Call(func=function):
                what = f"there is no function {self._written(function)!r}; there are near, axis, field and missing"
            case ast.Constant(value=None):
                what = "None cannot be used; write missing(x)"
            case _:
                written = self._written(tree)
                what = f"{written!r} is not part of the language (and, or, not, comparisons, in, near)"
                if _DOTTED.fullmatch(written):
                    what += f'; a field of that name is field("{written}")'
        return self._refusal(what)

    def _written(self, tree: ast.expr) -> str:
        """Return the words of the source that *tree* was made of."""
        return shortened(ast.get_source_segment(self._source, tree) or "")

    def _refusal(self, why: str) -> QueryError:
        return refusal(self._source, why)


def _percentile(name: str) -> Percentile | None:
    match = _PERCENTILE.fullmatch(name)
    if match is None:
        return None
    # Python reads p99.5 as p99 and .5, so that fractions are written p99_5.
    percent = float(match[1].replace("_", "."))
    return Percentile(percent) if percent <= 100 else None
