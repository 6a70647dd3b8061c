"""Finding documents that are the same: one record from several databases, one text in several versions.

Words and bibliographic data are compared, not vectors. Records that are the same share their words.
"""

from embedsearch.duplicates.comparing import SAME, Match, checked_same, compare
from embedsearch.duplicates.finding import BOTH_LABELLED, Copy, Finder, ranks
from embedsearch.duplicates.fingerprints import Fingerprints
from embedsearch.duplicates.record import Record

__all__ = [
    "BOTH_LABELLED",
    "SAME",
    "Copy",
    "Finder",
    "Fingerprints",
    "Match",
    "Record",
    "checked_same",
    "compare",
    "ranks",
]
