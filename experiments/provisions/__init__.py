"""A service whose instances take time to start: what that costs when one is lost, and while nobody can start any.

Read `arms` first: how long it takes, how many are spare, and what a run measures. `runs` carries a scenario out under
one of them, `claims` holds the rows against what S17 of the notes says. `experiments.provisioning` asks the question.
"""

from experiments.provisions.arms import ARMS, QUICK, SCENARIOS, ProvisionRow
from experiments.provisions.claims import check
from experiments.provisions.runs import run_once

__all__ = [
    "ARMS",
    "QUICK",
    "SCENARIOS",
    "ProvisionRow",
    "check",
    "run_once",
]
