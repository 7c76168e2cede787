"""What a handler decides on, compared: strategies of loading in domains of unlike sensitivity, and what must hold.

Read `arms` first: strategies, domains, how much regions contend, and what a run measures. `runs` carries a scenario
out under one of them, `claims` holds the rows against what S11 of the notes says. `experiments.speculative_load`
asks the question.
"""

from experiments.loads.arms import ARMS, CALM, CUT, DOMAINS, HOT, QUICK, QUIET, SCENARIOS, SLOW, STRATEGIES, LoadRow
from experiments.loads.claims import check
from experiments.loads.runs import run_once

__all__ = [
    "ARMS",
    "CALM",
    "CUT",
    "DOMAINS",
    "HOT",
    "QUICK",
    "QUIET",
    "SCENARIOS",
    "SLOW",
    "STRATEGIES",
    "LoadRow",
    "check",
    "run_once",
]
