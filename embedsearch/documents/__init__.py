"""From sources to Documents (readers by suffix), and from Documents to Passages.

Readers and chunking are loaded when they are first used: a search reads no source.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from embedsearch.documents.document import Document, Passage

if TYPE_CHECKING:
    from embedsearch.documents.chunking import chunk
    from embedsearch.documents.formats import register_reader
    from embedsearch.documents.reading import estimate, plan, read, read_stream

__all__ = ["Document", "Passage", "chunk", "estimate", "plan", "read", "read_stream", "register_reader"]


def __getattr__(name: str) -> Any:
    """Load a name from its module when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = {"chunk": "chunking", "register_reader": "formats"}.get(name, "reading")
    found = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found  # asked for with every document
    return found
