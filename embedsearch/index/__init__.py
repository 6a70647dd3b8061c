"""The index, the one deep object that users hold: a store, its encoder, its neighbours and its axes."""

from embedsearch.index.index import Index
from embedsearch.index.ingest import AddReport
from embedsearch.index.judging import Counts, PartCount, Verdict, Verdicts, Wanted
from embedsearch.index.opening import open_index, require_index
from embedsearch.index.placing import UNITS
from embedsearch.index.planning import Plan
from embedsearch.index.reindexing import Reindexing, reindex
from embedsearch.index.selecting import Agreement

__all__ = [
    "UNITS",
    "AddReport",
    "Agreement",
    "Counts",
    "Index",
    "PartCount",
    "Plan",
    "Reindexing",
    "Verdict",
    "Verdicts",
    "Wanted",
    "open_index",
    "reindex",
    "require_index",
]
