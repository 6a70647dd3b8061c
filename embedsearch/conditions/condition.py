"""A condition, from its text to the records that satisfy it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from embedsearch.conditions.evaluating import Evaluator, Table
from embedsearch.conditions.nodes import Axis, Column, Field, Name, Near, Node, comparisons, operands
from embedsearch.conditions.parsing import parse, parse_measure
from embedsearch.conditions.resolving import Resolver, spelled
from embedsearch.conditions.writing import operand_written
from embedsearch.errors import QueryError, did_you_mean
from embedsearch.given import require_kind, require_text, require_texts
from embedsearch.offering import keeps_back
from embedsearch.vectors import Mask


@keeps_back("evaluate", "resolve", "root")
@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition.

    Attributes:
        source: the condition as the user wrote it.
        root: the root of its tree.
    """

    source: str
    root: Node

    @property
    def phrases(self) -> list[str]:
        """The phrases in ``near(...)``, each once."""
        return list(dict.fromkeys(leaf.phrase for leaf in operands(self.root) if isinstance(leaf, Near)))

    @property
    def axes(self) -> list[str]:
        """The names of the axes, each once; complete once the condition is resolved."""
        return list(dict.fromkeys(leaf.name for leaf in operands(self.root) if isinstance(leaf, Axis)))

    @property
    def fields(self) -> list[str]:
        """The names of the fields, each once; complete once the condition is resolved."""
        return list(dict.fromkeys(leaf.name for leaf in operands(self.root) if isinstance(leaf, Field)))

    def resolve(self, axes: Collection[str], fields: Collection[str], *, grows: bool = False) -> Condition:
        """Return the condition with every bare name made an axis or a field.

        A field named by ``field(...)`` need not be among *fields*: that is how to name a field which only later
        records of a stream have. Names that look the same but consist of other characters are accepted.

        Args:
            axes: the axes that exist.
            fields: the fields that exist.
            grows: whether later records may have more fields; if so, the error says how to name one.

        Raises:
            QueryError: a bare name is neither an axis nor a field, or is both; an axis named by ``axis(...)`` does not
                exist; a coordinate is compared with a text, or a percentile with something that is not an axis; an axis
                stands alone, or is tested for being missing or for containing a text; or the names are not texts.
        """
        known = require_texts("the name of an axis", axes)
        resolver = Resolver(self.source, known, set(require_texts("the name of a field", fields)), grows)
        return Condition(self.source, resolver.node(self.root))

    def evaluate(self, table: Table) -> Mask:
        """Return which of the n records of a table satisfy the resolved condition, bool of shape (n,).

        Raises:
            QueryError: *table* is not a `Table`.
        """
        require_kind("what a condition is evaluated on", table, Table, "a table of embedsearch.conditions.evaluating")
        return Evaluator(table).node(self.root)

    def __str__(self) -> str:
        return self.source


def parse_condition(source: str) -> Condition:
    """Parse a condition.

    Raises:
        QueryError: *source* is not a text, or does not follow the language.
    """
    return Condition(require_text("a condition", source).strip(), parse(source))


def resolve_measure(measure: Column, axes: Collection[str], fields: Collection[str]) -> Axis | Near:
    """Return the result of `parse_measure` with a bare name made an axis.

    Raises:
        QueryError: there is no such axis, or the name is a field's.
    """
    resolver = Resolver(operand_written(measure), axes, fields)
    found = resolver.column(measure, resolver.on_axes(measure))
    if isinstance(found, Axis | Near):
        return found
    raise QueryError(f'{found.name!r} is a field; documents are ranked by an axis, or by near("a phrase")')


def axes_in(condition: str | None, axes: Collection[str], measure: str | None = None) -> list[str]:
    """Return which of *axes* an unresolved condition and measure name, each once.

    Raises:
        QueryError: one of them cannot be read.
    """
    leaves = list(operands(parse(condition))) if condition else []
    leaves += [parse_measure(measure)] if measure else []
    found = (spelled(leaf.name, axes) for leaf in leaves if isinstance(leaf, Axis | Name))
    return list(dict.fromkeys(name for name in found if name is not None))


def axis_meant(condition: str | None, axes: Collection[str]) -> str:
    """Return `` Did you mean 'size'?`` for the first name in a condition that is almost that of an axis; else empty.

    Raises:
        QueryError: the condition cannot be read.
    """
    names = [leaf.name for leaf in operands(parse(condition)) if isinstance(leaf, Axis | Name)] if condition else []
    advice = (did_you_mean(name, axes) for name in names)
    return next((one for one in advice if one.startswith(" Did")), "")


def first_measure(condition: str, axes: Collection[str]) -> str:
    """Return the first axis or ``near(...)`` that a condition compares, with ``-`` before it if it asks for less.

    Raises:
        QueryError: the condition cannot be read, or compares neither.
    """
    for part, falling in comparisons(parse(condition)) if condition else ():
        if isinstance(part.left, Axis | Near) or (isinstance(part.left, Name) and spelled(part.left.name, axes)):
            return ("-" if falling else "") + operand_written(part.left)
    raise QueryError("the condition measures nothing to rank by; name an axis or near(...) with --by")
