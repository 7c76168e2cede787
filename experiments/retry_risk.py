"""When may a non-idempotent side effect be retried?

Claim:     by waiting alone only where a duplicate costs at most p_req / ((1 - p_req) p_rep) losses, and then after T*;
           under cuts that averages of losses hide, heartbeats relative to the send decide, and a retry waits for the
           heal; on a connection never by waiting. Who can ask a receiver that fences, or has its key, needs no risk.
Varies:    the rule (never, silence as failure, threshold on T, on P, on both, wrong belief, outcome query with and
           without fence, same key), what fails (nothing, losses even or not, cuts of both ways or of the way back, on
           datagrams and on connections).
           Held fixed: delays, costs (five ratios in turns), load.
Measures:  duplicates, omissions, parked (of 1,000), waiting (ms), cost; paired over seeds, 95 % interval.
Run:       ./lab run retry-risk [--quick] [--seeds N]
Writes:    reports/retry-risk/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext
from experiments.results import Results
from experiments.risks import ARMS, FULL, QUICK, SCENARIOS, RiskRow, check, run_once

__all__ = ["EXPERIMENT"]

BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {
        "duplicates": Better.LOWER,
        "omissions": Better.LOWER,
        "parked": Better.LOWER,
        "waiting_ms": Better.LOWER,
        "cost": Better.LOWER,
    }
)


def _report(results: Results[RiskRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.retry_risk import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="retry-risk",
    question="When may a non-idempotent side effect be retried?",
    headline=True,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=RiskRow,
    quick=QUICK,
    full=FULL,
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
    decides=60,
)
