"""What a detector's mistakes do to a store that elects its leader by it.

Read `arms` first: the detectors, the troubles, what a run measures. `runs` carries one out, `claims` says what must
hold. `experiments.detection_in_the_store` asks the question.
"""

from experiments.failovers.arms import ARMS, SCENARIOS, FailoverRow
from experiments.failovers.claims import check
from experiments.failovers.runs import run_once

__all__ = ["ARMS", "SCENARIOS", "FailoverRow", "check", "run_once"]
