"""Hedged calls: the delays and budgets that are compared, one run of one, and what must hold.

Read `arms` first: when a second request goes, and what a run measures. `runs` carries a scenario out under one of them,
`claims` holds the rows against what is said of hedging. `experiments.hedging` asks.
"""

from experiments.hedges.arms import ARMS, FULL, QUICK, SCENARIOS, HedgeRow
from experiments.hedges.claims import check
from experiments.hedges.runs import run_once

__all__ = [
    "ARMS",
    "FULL",
    "QUICK",
    "SCENARIOS",
    "HedgeRow",
    "check",
    "run_once",
]
