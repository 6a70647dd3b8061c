"""Groups of documents on axes, for the page: those that a field makes; if there are many, the largest."""

from __future__ import annotations

from typing import Any

from embedsearch.explorer.desk import Desk
from embedsearch.explorer.fields import Fields
from embedsearch.groups import GroupComparison
from embedsearch.groups.telling import told

SHOWN = 12  # groups


def compare(desk: Desk, asked: Fields) -> dict[str, Any]:
    """Return where the groups of a field lie on axes, and how far apart, as `compare -f json` has them."""
    field, axes, where = asked.text("field"), asked.texts("axes", []), asked.optional("where")
    most = asked.whole("most", SHOWN, most=1000)
    found = desk.index.compare(field, axes or None, where=where)
    largest = _largest(found, most)
    return {
        "field": found.field,
        "confidence": found.confidence,
        "groups": [one.to_dict() for one in found.groups if one.group in largest],
        "more": len(found.members) - len(largest),
        "told": told(found),
    }


def _largest(found: GroupComparison, most: int) -> set[str]:
    """Return the names of the *most* groups with the most documents."""
    return set(sorted(found.members, key=lambda name: -len(found.members[name]))[:most])
