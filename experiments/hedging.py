"""What does a second request buy, and what does it cost under overload?

Claim:     against one slow service, stalls or a lossy link it cuts the tail for few copies on top; at a fixed delay it
           keeps an overload going, and below the 95th percentile begins one by itself. A budget in proportion, a quota,
           or a delay that is learnt ends it; a throttle that counts failures lets it come and go.
Varies:    when the second request goes (never, after 60 or 45 ms, at the 95th percentile of all answers or of the
           typical service), the budget of copies (none, gRPC's, Finagle's, the AWS SDKs'), the trouble.
           Held fixed: eight services, four callers, deadline, no retries.
Measures:  p50, p99 and p99.9 (ms), copies on top (share), done late after an overload (share), seconds from the heal
           to recovery, censored at the end of the load; paired over seeds, 95 % interval.
Run:       ./lab run hedging [--quick] [--seeds N]
Writes:    reports/hedging/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.hedges import ARMS, FULL, QUICK, SCENARIOS, HedgeRow, check, run_once
from experiments.results import Results

__all__ = ["EXPERIMENT"]

BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {
        "done": Better.HIGHER,
        "latency_p50_ms": Better.LOWER,
        "latency_p99_ms": Better.LOWER,
        "latency_p999_ms": Better.LOWER,
        "extra": Better.LOWER,
        "done_late": Better.HIGHER,
        "recovered_s": Better.LOWER,
    }
)


def _report(results: Results[HedgeRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.hedging import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="hedging",
    question="What does a second request buy, and what does it cost under overload?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=HedgeRow,
    quick=Size(seeds=2, only=QUICK),
    decides=5,
    full=Size(seeds=24, only=FULL),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
