"""Consensus under cuts that are not clean: the shapes, Raft with and without its safeguards, what must hold.

Read `arms` first: the shapes of the cut, which safeguards an arm leaves out, and what a run measures.
`runs` carries a shape out under an arm, `claims` holds the rows against what the safeguards are said to do.
`experiments.consensus_under_partial_cuts` asks the question.
"""

from experiments.cuts.arms import ARMS, QUICK, SCENARIOS, CutRow
from experiments.cuts.claims import check
from experiments.cuts.runs import run_once

__all__ = [
    "ARMS",
    "QUICK",
    "SCENARIOS",
    "CutRow",
    "check",
    "run_once",
]
