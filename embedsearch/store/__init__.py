"""An index folder; this is the only code that touches its files."""

from embedsearch.store.adopting import FittedRecord, adopt, discard, unshare
from embedsearch.store.cache import VectorCache
from embedsearch.store.checking import ANEW, Finding, Inspection, inspect
from embedsearch.store.compacting import Compaction, compact
from embedsearch.store.derived import DerivedFiles, Kept, Keys, short_keys
from embedsearch.store.folder import is_index
from embedsearch.store.labels import Event
from embedsearch.store.records import Entry, HeldDocument, SavedAxis, StoredPassage
from embedsearch.store.store import Store

__all__ = [
    "ANEW",
    "Compaction",
    "DerivedFiles",
    "Entry",
    "Event",
    "Finding",
    "FittedRecord",
    "HeldDocument",
    "Inspection",
    "Kept",
    "Keys",
    "SavedAxis",
    "Store",
    "StoredPassage",
    "VectorCache",
    "adopt",
    "compact",
    "discard",
    "inspect",
    "is_index",
    "short_keys",
    "unshare",
]
