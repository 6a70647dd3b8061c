"""An index folder: the only code that touches its files."""

from embedsearch.store.folder import Entry, SavedAxis, Store, StoredPassage

__all__ = ["Entry", "SavedAxis", "Store", "StoredPassage"]
