"""What `merge-domains` compares, and how a run of it is judged.

Read `workloads` first (what clients do, and which designs suit that), then `designs` and `situations` (a base, one
factor at a time round it, named pairs). `judging` turns a run into a row of `row`; `truth` is what really happened to
each aggregate, `seeing` what decisions were made on, `stranding` what a cut kept from those who asked for it. `prices`
makes of rows what an architect pays, and `choosing` which design to take, on one half of the seeds for the other.
"""

from experiments.merging.designs import ARMS, BASELINES, SPLITS
from experiments.merging.judging import BIN_US, judge, run_once
from experiments.merging.row import BETTER, SIDES, MergeRow
from experiments.merging.situations import FACTORS, SITUATIONS, Situation, cells_of, scenario_of
from experiments.merging.workloads import WORKLOADS, Demand

__all__ = [
    "ARMS",
    "BASELINES",
    "BETTER",
    "BIN_US",
    "FACTORS",
    "SIDES",
    "SITUATIONS",
    "SPLITS",
    "WORKLOADS",
    "Demand",
    "MergeRow",
    "Situation",
    "cells_of",
    "judge",
    "run_once",
    "scenario_of",
]
