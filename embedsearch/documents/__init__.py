"""Sources to Documents (readers by suffix), Documents to Passages."""

from embedsearch.documents.chunking import chunk
from embedsearch.documents.document import Document, Passage
from embedsearch.documents.reading import estimate, read, read_stream, register_reader

__all__ = ["Document", "Passage", "chunk", "estimate", "read", "read_stream", "register_reader"]
