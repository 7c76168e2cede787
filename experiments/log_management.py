"""What do storage, recovery and loading cost over a month of one busy aggregate and a long tail, by log policy?

Claim:     snapshots alone make loading fast and storage larger. Cutting the log behind them frees nothing while a
           seldom written aggregate holds on to the oldest segment; a snapshot of what is old, or of what stands in the
           way, bounds log, recovery and loading by a window that does not grow with the month. Nothing is lost, and
           log and archive are together all that was ever appended. A follower that is away holds the log back until
           its leader's patience ends, and is then handed what the log came to.
Varies:    the policy (ten arms); power lost at the end of each week, a follower away for a week, no fault.
           Held fixed: hosts, scheme (one holder, flushed; with the follower 2 of 3), load, accounts, segment, cache,
           window of commands.
Measures:  bytes kept and written, entries kept, time until the leader serves again after each loss of power, loading
           times, latency, loss; over time, and with 95 % intervals over runs.
Run:       ./lab run log-management [--quick] [--seeds N]
Writes:    reports/log-management/
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from experiments.experiment import Experiment, ReportContext, Size
from experiments.logs.arms import ARMS, AWAY, BETTER, CALM, MONTH, QUICK, LogRow
from experiments.logs.claims import check
from experiments.logs.runs import run_once
from experiments.results import Results

__all__ = ["EXPERIMENT"]


def _report(results: Results[LogRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.log_management import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="log-management",
    question="What do storage, recovery and loading cost over a month of one busy aggregate and a long tail, by log "
    "policy?",
    headline=False,
    arms=ARMS,
    scenarios=(CALM, MONTH, AWAY),
    row=LogRow,
    quick=Size(seeds=2, only=QUICK),
    full=Size(seeds=5),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
