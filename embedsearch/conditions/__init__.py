"""The filter language over axes and metadata: ``predatoriness > p80 and size < 0 and year >= 2000``.

The text is parsed with `ast` against an allow-list and becomes a tree of small nodes; nothing of it is ever
run. These can be compared:

==================  ====================================================================================
``predatoriness``   an axis: its coordinate in standard deviations; also against ``p80``, the percentile
                    (``p99_5`` for 99.5)
``year``            a field of the metadata, its name in any case, or ``id``, ``title``, ``text``
``near("phrase")``  the cosine to a phrase, -1…1
``axis("x")``       an axis, if a field has the same name or the name is not an identifier
``field("x y")``    a field, likewise
==================  ====================================================================================

Compare them with ``< <= > >= == !=``, chained too (``p10 < size < p90``), with ``in [..]``, or with ``"part" in
title``, which ignores case. Join comparisons with ``and or not`` and parentheses. A bare field, or ``missing(x)``, is a
condition by itself.

What a field is compared with decides how its values are read:

- with a number, texts such as ``"2000"`` are numbers, and other texts are missing;
- with a quoted text, everything is a text;
- with ``true`` or ``false``, yes and no, y and n, t and f, 1 and 0 are booleans too;
- two columns are compared as numbers where both values are numbers, else as texts.

None, the empty text and NaN are missing. A comparison with a missing value is false, even with ``!=`` and ``not in``.
``not`` inverts what follows it, so that ``not kind == "animal"`` lets missing kinds through.
"""

from embedsearch.conditions.condition import (
    Condition,
    axes_in,
    axis_meant,
    first_measure,
    parse_condition,
    resolve_measure,
)
from embedsearch.conditions.evaluating import Evaluator
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
    Truth,
    comparisons,
    conjuncts,
    is_measured,
    joined,
    operands,
)
from embedsearch.conditions.parsing import parse_measure
from embedsearch.conditions.resolving import field_called, folded, other_spellings, spelled
from embedsearch.conditions.values import truth
from embedsearch.conditions.writing import operand_written, written

__all__ = [
    "OWN_FIELDS",
    "And",
    "Axis",
    "Column",
    "Comparison",
    "Condition",
    "Contains",
    "Evaluator",
    "Field",
    "Literal",
    "Missing",
    "Name",
    "Near",
    "Node",
    "Not",
    "OneOf",
    "Operand",
    "Or",
    "Percentile",
    "Truth",
    "axes_in",
    "axis_meant",
    "comparisons",
    "conjuncts",
    "field_called",
    "first_measure",
    "folded",
    "is_measured",
    "joined",
    "operand_written",
    "operands",
    "other_spellings",
    "parse_condition",
    "parse_measure",
    "resolve_measure",
    "spelled",
    "truth",
    "written",
]
