"""How a log is kept from growing for ever: the policies that are compared, one run of one, and what must hold.

Read `arms` first: the policies and what a run measures. `runs` lets a month pass under one of them,
`claims` holds the rows against what each policy promises. `experiments.log_management` asks the question.
"""

from experiments.logs.arms import ARMS, AWAY, CALM, EVERY, MONTH, LogRow
from experiments.logs.claims import check, log_bound
from experiments.logs.runs import measured, run_once

__all__ = ["ARMS", "AWAY", "CALM", "EVERY", "MONTH", "LogRow", "check", "log_bound", "measured", "run_once"]
