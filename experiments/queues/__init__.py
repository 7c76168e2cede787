"""A queue under each mode, scheme and way to send: the designs compared, one run of one, and what must hold.

Read `arms` first. `runs` measures what producers, receiver and desk recorded; `frontier` says which designs no other
beats; `claims` holds the rows against what a mode and a scheme promise. `experiments.queue_tradeoff` asks the question.
"""

from experiments.queues.arms import ARMS, BUSY, CALM, FAILURES, QUICK, SCENARIOS, QueueRow
from experiments.queues.claims import check
from experiments.queues.runs import run_once

__all__ = [
    "ARMS",
    "BUSY",
    "CALM",
    "FAILURES",
    "QUICK",
    "SCENARIOS",
    "QueueRow",
    "check",
    "run_once",
]
