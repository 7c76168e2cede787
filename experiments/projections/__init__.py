"""Projections compared: inline, async and live; one run of one, what must hold, and the crash table of the read side.

Read `arms` first: the ways to project, and what a run measures. `runs` carries a scenario out under one of them,
`claims` holds the rows against what is claimed. `crashes` enumerates the points P1 to P9 under each way to save
places. `experiments.projection_lag` asks the question.
"""

from experiments.projections.arms import ARMS, QUICK, SCENARIOS, LagRow
from experiments.projections.claims import check
from experiments.projections.runs import run_once

__all__ = [
    "ARMS",
    "QUICK",
    "SCENARIOS",
    "LagRow",
    "check",
    "run_once",
]
