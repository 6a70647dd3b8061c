"""Writing a map as one HTML file, which needs nothing but a browser."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from embedsearch.axes import ScaledAxis
from embedsearch.errors import EmbedSearchError
from embedsearch.maps.content import Content
from embedsearch.notebooks import show
from embedsearch.plots.categories import Category
from embedsearch.plots.ends import pole_names
from embedsearch.plots.style import COLORS, STEPS

PAGE = Path(__file__).parent / "page"
_PLACE = re.compile(r"@@(\w+)@@")
# What could end a script, begin a comment, or end a line of one, as JSON writes it; a parser of JSON reads the same.
_ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}
_OTHERS, _NONE, _RANGES = 8, 9, 10  # the codes of plane.js for what has no colour of its own
_LAYOUTS = {
    "umap": "UMAP of the vectors: what is near is near in meaning; distances between groups mean little",
    "pca": "The two principal components of the vectors",
}


def require_plotly() -> Path:
    """Return where the script that draws lies.

    Raises:
        EmbedSearchError: plotly is not installed.
    """
    found = find_spec("plotly")
    if found is None or not found.submodule_search_locations:
        raise EmbedSearchError('plotly is not installed; maps need it: pip install "embedsearch[map]"')
    return Path(found.submodule_search_locations[0]) / "package_data" / "plotly.min.js"


def to_html(content: Content) -> str:
    """Return a map as a complete HTML page; the same content gives the same text.

    Raises:
        EmbedSearchError: plotly is not installed.
    """
    plotly = require_plotly().read_text("utf-8")
    scripts = {"plotly": plotly, **{name: _part(f"{name}.js") for name in ("plane", "map")}}
    parts = {
        **scripts,
        "policy": _policy(scripts.values()),
        "title": html.escape(_title(content)),
        "style": _part("plane.css") + _part("map.css"),
        "content": _json(_to_dict(content)),
    }
    return _PLACE.sub(lambda place: parts[place[1]], _part("map.html"))


def _part(name: str) -> str:
    return (PAGE / name).read_text("utf-8")


def _policy(scripts: Iterable[str]) -> str:
    """Return the content security policy: these scripts run, and nothing is loaded from anywhere."""
    hashes = " ".join(f"'sha256-{_base64(hashlib.sha256(script.encode()).digest())}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _json(values: Any) -> str:
    return json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPED)


def _title(content: Content) -> str:
    if content.layout is not None:
        return f"{content.index}: map by {content.layout.kind.upper()}"
    return f"{content.index}: {content.axes[0].name} and {content.axes[1].name}"


def _to_dict(content: Content) -> dict[str, Any]:
    """Return what map.js reads."""
    about = [content.count, f"encoder {content.encoder}"] + [str(content.layout)] * (content.layout is not None)
    record: dict[str, Any] = {
        "title": _title(content),
        "about": "; ".join(about),
        "x": _base64(content.points[:, 0].astype("<f4").tobytes()),
        "y": _base64(content.points[:, 1].astype("<f4").tobytes()),
        "ids": [passage.id for passage in content.passages],
        "titles": [passage.title for passage in content.passages],
        "texts": [passage.text for passage in content.passages],
        "labels": [{"x": region.at[0], "y": region.at[1], "text": region.name} for region in content.clusters],
    }
    if content.layout is None:
        record["axes"] = [_axis(axis) for axis in content.axes]
    else:
        record["layout"] = _LAYOUTS[content.layout.kind]
    if content.categories is not None:
        entries = [
            {"name": show(entry.name), "count": entry.count, "shade": _shade(entry)}
            for entry in content.categories.entries
        ]
        record |= {
            "color": content.categories.field,
            "codes": content.categories.places.tolist(),
            "categories": entries,
        }
    return record


def _axis(axis: ScaledAxis) -> dict[str, Any]:
    title = f"{axis.name} (standard deviations from the mean of the index)"
    return {"name": axis.name, "title": title, "ends": list(pole_names(axis.fitted))}


def _shade(category: Category) -> int:
    """Return which colour of plane.css a category has."""
    if category.color in COLORS:
        return COLORS.index(category.color)
    if category.color in STEPS:
        return _RANGES + STEPS.index(category.color)
    return _OTHERS if category.marker == "." else _NONE
