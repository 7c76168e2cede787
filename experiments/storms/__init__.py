"""Retries under an overload: the policies, one run of one, and what must hold.

Read `arms` first: what callers and services do about failures, and what a run measures. `runs` carries a scenario out
under one of them, `claims` holds the rows against what is said of retry storms. `experiments.retry_storm` asks.
"""

from experiments.storms.arms import ARMS, QUICK, SCENARIOS, StormRow
from experiments.storms.claims import check
from experiments.storms.runs import run_once

__all__ = [
    "ARMS",
    "QUICK",
    "SCENARIOS",
    "StormRow",
    "check",
    "run_once",
]
