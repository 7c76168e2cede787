"""Detectors against one another in networks that change: the room of `heartbeat-average`.

Read `contenders` first: who is compared, and what is turned. `tuning` finds parameters before the change, `scoring`
judges a detector on a trace, `runs` is one run of the experiment. `standing` says who wins where and by how much,
`beside` what stands beside the runs (promises under stalls, what averaging learns), `claims` what must hold.
"""

from experiments.detection.contest.claims import check
from experiments.detection.contest.contenders import CONTENDERS, QUICK, REFERENCE
from experiments.detection.contest.runs import ARMS, ContestRow, run_once

__all__ = ["ARMS", "CONTENDERS", "QUICK", "REFERENCE", "ContestRow", "check", "run_once"]
