"""Sentences about a comparison: what its groups alone do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedsearch.groups.dividing import DAY, MONTH, odd_told
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch.groups.comparing import GroupComparison

_NAMED = 5  # at most so many groups that are too small are named


def told(found: GroupComparison, *, by_options: bool = False) -> list[str]:
    """Return what was left out, how much the groups explain, and the trends, one sentence each.

    Args:
        found: the comparison.
        by_options: give advice in terms of the options of the command line.
    """
    lines = []
    if found.without:
        lines.append(f"{count_of(found.without, 'document has', 'documents have')} no {found.field}.")
    if found.odd:
        lines.append(odd_told(found.field, found.odd))
    if found.rare:
        names = "; ".join(list(found.rare)[:_NAMED]) + ("; …" if len(found.rare) > _NAMED else "")
        documents, why = count_of(sum(found.rare.values()), "document"), " (--least)" if by_options else ""
        lines.append(f"Left out as too small: {count_of(len(found.rare), 'group')} of {documents}{why}: {names}.")
    if found.explained:
        shares = ", ".join(f"{100 * max(0.0, share):.1f}% of {name}" for name, share in found.explained.items())
        by_calendar = {None: "", MONTH: " by months", DAY: " by days"}
        steps = by_calendar.get(found.step, f" in steps of {found.step or 0:g}")
        lines.append(f"{found.field}{steps} explains {shares}.")
    if found.trends:
        trends = ", ".join(
            f"{name} {one.value:.3f} ({one.low:.3f} … {one.high:.3f})" for name, one in found.trends.items()
        )
        lines.append(f"Rank correlation with {found.field}: {trends}.")
    return lines
