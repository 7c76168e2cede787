"""What does it gain to propagate confidence as a spectrum instead of a bool, and where is a bool enough?

Claim:     with right priors the whole spectrum, fused from what all observers heard, takes more of what an oracle would
    save than the best detector's bool, tuned for each ratio of costs, up to ten; with priors learnt or wrong tenfold no
    less. How much more, by which of its parts, and where nothing, is told by decision and by fault.
Varies:    who tells (detectors, one belief thresholded at its source or at the consumer, four conditions, evidence of
           one or of all; priors right, wrong by 3 and 10, heavy-tailed, learnt), the decision, the ratio of costs, the
           fault.  Held fixed: instants of decision, evidence, the store and its load.
Measures:  cost of decisions against an oracle's, share of the possible gain, log loss, reliability; intervals over
    runs.
Run:       ./lab run confidence-spectrum [--quick] [--seeds N]
Writes:    reports/confidence-spectrum/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Better, Experiment, ReportContext, Size
from experiments.results import Results
from experiments.spectrum import (
    ARM,
    CALM,
    CRASHES,
    DECIDES,
    EVERYTHING,
    PARTIAL,
    SCENARIOS,
    SpectrumRow,
    check,
    run_once,
)

__all__ = ["EXPERIMENT"]

BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {
        "learnt_log_loss": Better.LOWER,
        "learnt_brier_skill": Better.HIGHER,
        "learnt_regret": Better.LOWER,
        "wrong_regret": Better.LOWER,
    }
)
_QUICK: Final = (EVERYTHING, CRASHES, PARTIAL, CALM)


def _report(results: Results[SpectrumRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.confidence_spectrum import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="confidence-spectrum",
    question="What does it gain to propagate confidence as a spectrum instead of a bool, and where is a bool enough?",
    headline=True,
    # One world is run before all providers, so that they decide on the very same points.
    arms=(Arm(name=ARM, label="all providers side by side", system=MappingProxyType({})),),
    scenarios=SCENARIOS,
    row=SpectrumRow,
    quick=Size(seeds=3, only=MappingProxyType(dict.fromkeys(_QUICK, (ARM,)))),
    full=Size(seeds=40),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
    decides=DECIDES,
)
