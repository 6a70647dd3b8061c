"""A semantic embedding search engine for people who read large amounts of text for a question of their own.

    import embedsearch as es

    with es.open("indexes/predation") as index:
        index.search("ambush from below", k=5)
        index.calc("sheep + spider", on=["predatoriness", "size"], where='kind == "person"')

Importing this package loads nothing heavy; each name is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from embedsearch.axes import Axis, FittedAxis, Scale, ScaledAxis, read_axes
    from embedsearch.conditions import Condition, parse_condition
    from embedsearch.documents import Document, Passage, read, register_reader
    from embedsearch.encoders import Encoder, Identity, SentenceEncoder, load_encoder
    from embedsearch.errors import AxisError, EmbedSearchError, EncoderError, QueryError, SourceError, StoreError
    from embedsearch.expressions import Expression, parse_expression
    from embedsearch.index import AddReport, Index, Verdict, reindex
    from embedsearch.index import open_index as open
    from embedsearch.maps import Map, map_index
    from embedsearch.plots import Plot, plot_axis, plot_groups, plot_plane
    from embedsearch.results import Calculation, Duplicate, Duplicates, Hit, Hits, Placement, Placements

_HOMES = {
    "axes": ("Axis", "FittedAxis", "Scale", "ScaledAxis", "read_axes"),
    "conditions": ("Condition", "parse_condition"),
    "documents": ("Document", "Passage", "read", "register_reader"),
    "encoders": ("Encoder", "Identity", "SentenceEncoder", "load_encoder"),
    "errors": ("AxisError", "EmbedSearchError", "EncoderError", "QueryError", "SourceError", "StoreError"),
    "expressions": ("Expression", "parse_expression"),
    "index": ("AddReport", "Index", "Verdict", "open", "reindex"),
    "maps": ("Map", "map_index"),
    "plots": ("Plot", "plot_axis", "plot_groups", "plot_plane"),
    "results": ("Calculation", "Duplicate", "Duplicates", "Hit", "Hits", "Placement", "Placements"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AddReport",
    "Axis",
    "AxisError",
    "Calculation",
    "Condition",
    "Document",
    "Duplicate",
    "Duplicates",
    "EmbedSearchError",
    "Encoder",
    "EncoderError",
    "Expression",
    "FittedAxis",
    "Hit",
    "Hits",
    "Identity",
    "Index",
    "Map",
    "Passage",
    "Placement",
    "Placements",
    "Plot",
    "QueryError",
    "Scale",
    "ScaledAxis",
    "SentenceEncoder",
    "SourceError",
    "StoreError",
    "Verdict",
    "__version__",
    "load_encoder",
    "map_index",
    "open",
    "parse_condition",
    "parse_expression",
    "plot_axis",
    "plot_groups",
    "plot_plane",
    "read",
    "read_axes",
    "register_reader",
    "reindex",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOME[name]}")
    # `open` cannot be called so where it is defined: it would hide the builtin there.
    value = getattr(module, "open_index" if name == "open" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
