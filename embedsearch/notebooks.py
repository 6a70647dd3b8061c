"""How results look in a notebook: small HTML tables in which every text is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SHOWN_CHARACTERS = 160
_MOST_ROWS = 100
_MOST_PHRASES = 12


def show(value: Any) -> str:
    """Return *value* as people read it: numbers to three decimals, long texts cut with an ellipsis."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list | tuple):
        return ", ".join(show(part) for part in value)
    text = " ".join(str(value).split())
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def table(rows: Sequence[Mapping[str, Any]], *, caption: str = "") -> str:
    """Return rows as a table, with a column for each name that any of them has; of many rows, the first.

    Args:
        rows: values by the name of the column; a missing value is left empty.
        caption: stands above the table.
    """
    shown = rows[:_MOST_ROWS]
    names = list(dict.fromkeys(name for row in shown for name in row))
    head = _line("th", names, ' scope="col"')
    body = "".join(_line("td", (show(row.get(name)) for name in names)) for row in shown)
    more = f"<p>… and {len(rows) - len(shown):,} more</p>" if len(rows) > len(shown) else ""
    return f"<table>{_caption(caption)}<thead>{head}</thead><tbody>{body}</tbody></table>{more}"


def facts(values: Mapping[str, Any], *, caption: str = "") -> str:
    """Return names and values as a table, one line each; empty values are left out."""
    lines = "".join(
        f'<tr><th scope="row" style="text-align: left">{html.escape(name)}</th>'
        f'<td style="text-align: left">{html.escape(value if isinstance(value, str) else show(value))}</td></tr>'
        for name, value in values.items()
        if value not in ("", None, (), [], {})
    )
    return f"<table>{_caption(caption)}<tbody>{lines}</tbody></table>"


def phrases(texts: Sequence[str]) -> str:
    """Return phrases on one line, the first dozen."""
    more = f" … ({len(texts)} in all)" if len(texts) > _MOST_PHRASES else ""
    return "; ".join(show(text) for text in texts[:_MOST_PHRASES]) + more


def _caption(text: str) -> str:
    return f'<caption style="text-align: left">{html.escape(text)}</caption>' if text else ""


def _line(cell: str, texts: Iterable[str], more: str = "") -> str:
    return "<tr>" + "".join(f"<{cell}{more}>{html.escape(text)}</{cell}>" for text in texts) + "</tr>"
