"""An index folder: the only code that touches its files."""

from embedsearch.store.records import Entry, HeldDocument, SavedAxis, StoredPassage
from embedsearch.store.store import Store

__all__ = ["Entry", "HeldDocument", "SavedAxis", "Store", "StoredPassage"]
