"""How good a confidence is: scores, reliability, and whether what was said of chances can be true.

Read `said` first: chances that were said, and what came of them, run by run. `scores` are log loss and Brier skill,
`reliability` holds chances against frequencies on a logit axis, with bars of consistency, and `verdict` says where the
two differ by more than chance; the run is the unit, since what is said within one shares its faults.
"""

from experiments.calibration.reliability import Bin, reliability
from experiments.calibration.said import Said, silent_longer
from experiments.calibration.scores import brier_skill, log_loss, log_loss_by_run
from experiments.calibration.verdict import Verdict, verdict

__all__ = [
    "Bin",
    "Said",
    "Verdict",
    "brier_skill",
    "log_loss",
    "log_loss_by_run",
    "reliability",
    "silent_longer",
    "verdict",
]
