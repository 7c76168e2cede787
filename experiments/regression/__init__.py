"""Regression tests of consistency: claims over many seeds, for CI.

Read `pytesting` first for tests in Python, `weighing` for when a claim holds over many runs. `claiming` reads what a
test claims; `runs` carries runs out, here or in workers; `report` and `telling` say what came of them, to people and as
JUnit XML; `warning` says before them what may not have been meant.
"""

from experiments.regression.pytesting import assert_holds, scenario_test
from experiments.regression.report import Checked, junit, lines, weigh_all
from experiments.regression.runs import SeedResult, WorkerDied, asked_for, evidence_of, jobs_for, judge_seed, run_seeds
from experiments.regression.warning import warnings
from experiments.regression.weighing import ENOUGH_SEEDS, Standing, Weighed, weigh, worst_code

__all__ = [
    "ENOUGH_SEEDS",
    "Checked",
    "SeedResult",
    "Standing",
    "Weighed",
    "WorkerDied",
    "asked_for",
    "assert_holds",
    "evidence_of",
    "jobs_for",
    "judge_seed",
    "junit",
    "lines",
    "run_seeds",
    "scenario_test",
    "warnings",
    "weigh",
    "weigh_all",
    "worst_code",
]
