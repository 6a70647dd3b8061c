"""Nearest rows to a vector; `nearest_exact` is the oracle of all that is here.

FAISS proposes candidate rows; their scores are always computed anew from the vectors file, so that a score
is a true cosine whatever the type of index, and ties come in ascending row order. How many rows must be proposed
for that is measured when a file is built (`tuning`). Only `faiss_index` imports faiss.
"""

from embedsearch.neighbors.exact import nearest_exact, nearest_exact_many
from embedsearch.neighbors.faiss_index import FaissIndex, Progress, complaint
from embedsearch.neighbors.recipes import FLAT_VALUES, recipe
from embedsearch.neighbors.search import Neighbors, Plan
from embedsearch.neighbors.tuning import RECALL, Effort, SelfTest, checked_recall, self_test

__all__ = [
    "FLAT_VALUES",
    "RECALL",
    "Effort",
    "FaissIndex",
    "Neighbors",
    "Plan",
    "Progress",
    "SelfTest",
    "checked_recall",
    "complaint",
    "nearest_exact",
    "nearest_exact_many",
    "recipe",
    "self_test",
]
