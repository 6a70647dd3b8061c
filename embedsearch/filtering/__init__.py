"""Filtering streams of documents: what passes a condition, the best of it, a sample of the rest, and how to go on.

Documents come in any number and are held one batch at a time. What is kept longer is bounded by what was asked for:
the best N, a sample of N. Every run can be interrupted: see `Resumable`.
"""

from embedsearch.filtering.outputs import ParquetWriter, RecordWriter
from embedsearch.filtering.population import draw, first, measuring_index
from embedsearch.filtering.profiles import Profile
from embedsearch.filtering.resuming import Resumable
from embedsearch.filtering.sampling import Best, Reservoir
from embedsearch.filtering.sieve import Sieve

__all__ = [
    "Best",
    "ParquetWriter",
    "Profile",
    "RecordWriter",
    "Reservoir",
    "Resumable",
    "Sieve",
    "draw",
    "first",
    "measuring_index",
]
