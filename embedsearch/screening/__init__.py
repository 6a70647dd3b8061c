"""Screening: reading a pile of records most promising first, and knowing when enough has been found.

A `Ranker` scores the records from their `Features` and the labels so far; `choose` says which record to read next;
`audit_estimate`, `ranking_estimate` and `StoppingRule` say what may have been missed; `simulate` replays a set that is
labelled already. A `Screening` joins all this with an index and its labels.
"""

from embedsearch.screening.agreement import Agreement, Conflict, Conflicts, agreement
from embedsearch.screening.choosing import CHOICES, choose, order
from embedsearch.screening.features import Features
from embedsearch.screening.metrics import Interval
from embedsearch.screening.plotting import plot_recall
from embedsearch.screening.progress import Progress
from embedsearch.screening.ranking import Ranker, RankerSettings
from embedsearch.screening.records import LabelledRecords, record_vectors
from embedsearch.screening.session import Proposal, Proposals, Screening
from embedsearch.screening.settings import ScreeningSettings
from embedsearch.screening.simulation import Replay, Simulation, SimulationSettings, check_labels, simulate
from embedsearch.screening.stopping import History, RecallEstimate, StoppingRule, audit_estimate, ranking_estimate
from embedsearch.screening.summary import summarise

__all__ = [
    "CHOICES",
    "Agreement",
    "Conflict",
    "Conflicts",
    "Features",
    "History",
    "Interval",
    "LabelledRecords",
    "Progress",
    "Proposal",
    "Proposals",
    "Ranker",
    "RankerSettings",
    "RecallEstimate",
    "Replay",
    "Screening",
    "ScreeningSettings",
    "Simulation",
    "SimulationSettings",
    "StoppingRule",
    "agreement",
    "audit_estimate",
    "check_labels",
    "choose",
    "order",
    "plot_recall",
    "ranking_estimate",
    "record_vectors",
    "simulate",
    "summarise",
]
