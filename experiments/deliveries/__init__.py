"""What leaves a store, killed at every point on the way: orderings, semantics, receivers; a process; an outbox.

Read `arms` first: what is compared and what a run measures. `cells` says which points there are and what strikes at
each, `runs` carries out all cells of an arm, `claims` holds the rows against what each was promised.
`experiments.delivery_order` asks the question.
"""

from experiments.deliveries.arms import (
    ARMS,
    CALM,
    CRASH,
    FULL,
    MOVED,
    POWER,
    POWER_MOVED,
    QUICK,
    SCENARIOS,
    DeliveryRow,
)
from experiments.deliveries.cells import EFFECT_POINTS, OUTBOX_POINTS, PROCESS_POINTS
from experiments.deliveries.claims import check
from experiments.deliveries.runs import run_once, scenario_of

__all__ = [
    "ARMS",
    "CALM",
    "CRASH",
    "EFFECT_POINTS",
    "FULL",
    "MOVED",
    "OUTBOX_POINTS",
    "POWER",
    "POWER_MOVED",
    "PROCESS_POINTS",
    "QUICK",
    "SCENARIOS",
    "DeliveryRow",
    "check",
    "run_once",
    "scenario_of",
]
