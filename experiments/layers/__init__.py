"""Layers that compete for cores and links: the ways to serve them, one run of one, and what must hold.

Read `arms` first: one queue for all, strict priority, priority with a cap; and what a run measures. `runs`
carries a scenario out under one of them, `claims` holds the rows against what S15 of the notes says.
`experiments.layer_priority` asks the question.
"""

from experiments.layers.arms import ARMS, CALM, FAILOVER, HOSTS, LINKS, QUICK, SCENARIOS, STORM, LayerRow
from experiments.layers.claims import check
from experiments.layers.runs import run_once

__all__ = [
    "ARMS",
    "CALM",
    "FAILOVER",
    "HOSTS",
    "LINKS",
    "QUICK",
    "SCENARIOS",
    "STORM",
    "LayerRow",
    "check",
    "run_once",
]
