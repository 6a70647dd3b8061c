"""An index folder: the only code that touches its files."""

from embedsearch.store.checking import Finding, Inspection, inspect
from embedsearch.store.compacting import Compaction, compact
from embedsearch.store.records import Entry, HeldDocument, SavedAxis, StoredPassage
from embedsearch.store.store import Store

__all__ = [
    "Compaction",
    "Entry",
    "Finding",
    "HeldDocument",
    "Inspection",
    "SavedAxis",
    "Store",
    "StoredPassage",
    "compact",
    "inspect",
]
