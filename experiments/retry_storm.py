"""Does an overload outlive what triggered it, and what ends it?

Claim:     with three attempts in each of two layers a host that was slow, or cut off, for four seconds never recovers,
           at a sixth of its capacity too; jitter changes nothing. A token budget, a breaker, refusing
           hopeless work, LIFO or a short queue ends it; a ratio of first attempts bounds it and drains slowly.
Varies:    the policy of callers and services, the trigger (none, slow for .25 s or 4 s, cut off for 4 s), the load
           (35, 8 or 4 requests a second, of 50 that can be done).  Held fixed: tiers, deadlines, patience.
Measures:  goodput before, during and after (share), attempts at the last tier a request, seconds from the heal to
           recovery, censored at the end of the load; paired over seeds, 95 % interval.
Run:       ./lab run retry-storm [--quick] [--seeds N]
Writes:    reports/retry-storm/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.results import Results
from experiments.storms import ARMS, QUICK, SCENARIOS, StormRow, check, run_once

__all__ = ["EXPERIMENT"]

BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {"done_after": Better.HIGHER, "recovered_s": Better.LOWER, "amplification": Better.LOWER}
)


def _report(results: Results[StormRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.retry_storm import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="retry-storm",
    question="Does an overload outlive what triggered it, and what ends it?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=StormRow,
    quick=Size(seeds=2, only=QUICK),
    decides=5,
    full=Size(seeds=20),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
