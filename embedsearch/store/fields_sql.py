"""Conditions over fields as SQL, with exactly the meaning that `embedsearch.conditions` gives them.

The names of fields and all values are parameters, so that any text can be either. What SQL says in other words
than the evaluator - numbers in texts, numbers beyond 64 bits, decimal fractions (which SQLite may read in another
last bit), yes and no, upper and lower case, accents, lists - it hands to the evaluator's own test of single values,
as a registered function. What it says in the same words it answers by itself: texts of ASCII compare by code point,
whole numbers exactly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from unicodedata import normalize

from embedsearch.conditions.evaluating import column_test
from embedsearch.conditions.nodes import (
    OWN_FIELDS,
    And,
    Comparison,
    Contains,
    Field,
    Literal,
    Missing,
    Node,
    Not,
    OneOf,
    Or,
    Scalar,
    Truth,
    operands,
)
from embedsearch.conditions.values import as_text, is_missing

_SIGNS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "==": "=", "!=": "<>"}
_MOST_LEAVES = 100  # SQLite takes expressions up to a depth of 1,000
_MOST_OPTIONS = 500
_SINGLETONS = set("K;`")  # in composed form U+212A, U+037E and U+1FEF are these; nothing else becomes ASCII

# What may be written otherwise in the same text: a letter with the accents behind it, and what is not ASCII.
_VARYING = re.compile(rf"[{''.join(_SINGLETONS)}]|.?[^\0-\x7f]", re.DOTALL)

_Part = tuple[str, list[Any]]  # SQL, and the values of its question marks in their order


def is_translatable(node: Node) -> bool:
    """Return whether a resolved tree can become SQL: it speaks of fields only, of one in each comparison."""
    leaves = list(operands(node))
    return len(leaves) <= _MOST_LEAVES and _compares_fields_with_values(node)


def _compares_fields_with_values(node: Node) -> bool:
    match node:
        case And(nodes) | Or(nodes):
            return all(map(_compares_fields_with_values, nodes))
        case Not(inner):
            return _compares_fields_with_values(inner)
        case Comparison(left, _, right):
            return isinstance(left, Field) and isinstance(right, Literal)
        case OneOf(column) | Contains(column) | Truth(column) | Missing(column):
            return isinstance(column, Field)


@dataclass(slots=True)
class Translation:
    """A condition as SQL over ``documents AS d``.

    Attributes:
        tests: what `test_value` and `test_field` do; their first argument says which.
        names: of the field that each test is for.
    """

    tests: list[Callable[[Any], bool]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def test_value(self, number: int, value: Any) -> bool:
        """Return whether a value of SQL's passes a test; to be registered as a function."""
        return self.tests[number](value)

    def test_field(self, number: int, metadata: str) -> bool:
        """Return whether the test's field of a record of metadata passes it; to be registered as a function."""
        return self.tests[number](json.loads(metadata).get(self.names[number]))

    def node(self, node: Node) -> _Part:
        """Return a translatable tree as SQL that is 0 or 1, never NULL."""
        match node:
            case And(nodes) | Or(nodes):
                parts = [self.node(inner) for inner in nodes]
                joined = (" AND " if isinstance(node, And) else " OR ").join(sql for sql, _ in parts)
                return f"({joined})", [value for _, values in parts for value in values]
            case Not(inner):
                sql, values = self.node(inner)
                return f"(NOT {sql})", values
            case Missing(column):
                sql, values = self._leaf(column, lambda _: True, _present())
                return f"(NOT {sql})", values
        assert isinstance(node, Truth | Contains | OneOf | Comparison)
        column, test = column_test(node)
        assert isinstance(column, Field)  # nothing else is translatable
        sql, values = self._leaf(column, test, _fast(node))
        needle = _needle(node)
        if needle and column.name not in OWN_FIELDS:
            # A search of the bytes takes a third of the time of reading the JSON, and rules most records out.
            return f"(instr(d.metadata, ?) > 0 AND {sql})", [needle, *values]
        return sql, values

    def _leaf(self, column: Any, test: Callable[[Any], bool], fast: dict[str, _Part]) -> _Part:
        number = len(self.tests)
        self.tests.append(lambda value: not is_missing(value) and test(value))
        self.names.append(column.name)
        tested = f"test_value({number}, f.value)"
        if column.name in OWN_FIELDS:
            sql, values = fast.get("text") or (tested, [])
            if "ascii" in fast:
                sql, values = f"CASE WHEN {_ASCII} THEN {fast['ascii'][0]} ELSE {tested} END", fast["ascii"][1]
            return f"({sql.replace('f.value', f'd.{column.name}')})", values  # one of three constants
        slow = f"test_field({number}, d.metadata)"
        if json.dumps(column.name, ensure_ascii=False) != f'"{column.name}"':
            return slow, []  # a name that JSON escapes
        kinds: dict[str, _Part] = {"null": ("0", []), **fast}
        kinds.setdefault("text", (tested, []))  # behind those of ASCII
        cases = " ".join(f"WHEN {_TYPES[kind]} THEN ({sql})" for kind, (sql, _) in kinds.items())
        bound = [value for _, own in kinds.values() for value in own]
        # SQLite ends a text of JSON at an escaped NUL, be it a name or a value.
        return (
            rf"CASE WHEN instr(d.metadata, '\u0000') THEN {slow} ELSE coalesce((SELECT CASE {cases} ELSE {slow} END "
            "FROM json_each(d.metadata) AS f WHERE f.key = ?), 0) END"
        ), [*bound, column.name]


_ASCII = "length(CAST(f.value AS BLOB)) = length(f.value)"  # nor has it a NUL, at which length() ends

# By kind, when a value of json_each is of it.
_TYPES = {
    "null": "f.type = 'null'",
    "ascii": f"f.type = 'text' AND {_ASCII}",
    "text": "f.type = 'text'",
    "integer": "f.type = 'integer' AND typeof(f.value) = 'integer'",
    "boolean": "f.type IN ('true', 'false')",
}


def _present() -> dict[str, _Part]:
    return {"text": ("f.value <> ''", []), "integer": ("1", []), "boolean": ("1", [])}


def _fast(node: Node) -> dict[str, _Part]:
    """Return by kind of value what SQL can say of it in the evaluator's words."""
    match node:
        case Truth():
            return {"boolean": ("f.type = 'true'", [])}
        case Comparison(_, sign, Literal(wanted)):
            return _compared(_SIGNS[sign], wanted)
        case OneOf(_, options, negated) if len(options) <= _MOST_OPTIONS:
            return _listed(options, negated=negated)
    return {}


def _needle(node: Node) -> str:
    """Return what the JSON of a record must hold somewhere if it satisfies a comparison; empty if nothing is known."""
    match node:
        case Comparison(_, "==", Literal(str() as wanted)):
            return json.dumps(max(_VARYING.split(normalize("NFD", wanted)), key=len), ensure_ascii=False)[1:-1]
    return ""


def _compared(sign: str, wanted: Scalar) -> dict[str, _Part]:
    if isinstance(wanted, bool):
        return {"boolean": (f"(f.type = 'true') {sign} ?", [int(wanted)])}
    if isinstance(wanted, str):
        kind = "text" if sign in ("=", "<>") and _has_one_form(wanted) else "ascii"
        return {kind: (f"f.value <> '' AND f.value {sign} ?", [as_text(wanted)])} if _bindable(wanted) else {}
    return {"integer": (f"f.value {sign} ?", [wanted])} if _bindable(wanted) else {}


def _listed(options: Sequence[Scalar], *, negated: bool) -> dict[str, _Part]:
    among = f"f.value {'NOT IN' if negated else 'IN'} ({', '.join('?' * len(options))})"
    if not all(map(_bindable, options)):
        return {}
    texts = [option for option in options if isinstance(option, str)]
    if len(texts) == len(options):
        kind = "text" if all(map(_has_one_form, texts)) else "ascii"
        return {kind: (f"f.value <> '' AND {among}", list(map(as_text, texts)))}
    if all(isinstance(option, int | float) and not isinstance(option, bool) for option in options):
        return {"integer": (among, list(options))}
    return {}


def _has_one_form(text: str) -> bool:
    """Return whether no other text is the same in composed form."""
    return text.isascii() and not _SINGLETONS & set(text)


def _bindable(value: Scalar) -> bool:
    """Return whether SQLite can hold a value: whole numbers of 64 bits, texts without lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace") == value.encode("utf-8", "surrogatepass")
    return isinstance(value, float) or -(2**63) <= value < 2**63
