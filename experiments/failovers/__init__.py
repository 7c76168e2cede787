"""What a detector's mistakes do to those who act upon its suspicion: elections, claims, monitors, routes and handoff.

Read `arms` first: the detectors, who acts, the troubles, what a run measures. `acting` hears what was done and against
whom, `runs` carries one run out, `claims` says what must hold. `experiments.detection_in_the_store` asks the question.
"""

from experiments.failovers.arms import ARMS, FULL, QUICK, SCENARIOS, FailoverRow
from experiments.failovers.claims import DECIDES, check
from experiments.failovers.runs import run_once

__all__ = ["ARMS", "DECIDES", "FULL", "QUICK", "SCENARIOS", "FailoverRow", "check", "run_once"]
