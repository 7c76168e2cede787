"""Does a detector that averages recent heartbeats adapt to a changing network?

Claim:     at equal detection time an average of a hundred intervals errs as often as a fixed time-out in every network.
           It adapts to loss, by patience; of a step of the delay it learns nothing; a short window pays in the tail;
           copies teach it wrong means. Freshness points win where the monitor itself stands still.
Varies:    the network after the change (14, one of which does not change), the detector (18; windows of 5 to 1,000
           heartbeats, and of 10 and 300 s), each over a curve of parameters.  Held fixed: a heartbeat a second.
Measures:  mistakes at equal mean and at equal p99.9 detection time over random crash phase, unnoticed crashes
           censored; parameters from before the change on other seeds; paired over seeds, 95 % interval, Holm.
Run:       ./lab run heartbeat-average [--quick] [--seeds N]
Writes:    reports/heartbeat-average/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.detection.changing import NETWORKS
from experiments.detection.contest import ARMS, QUICK, ContestRow, check, run_once
from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.results import Results

__all__ = ["EXPERIMENT"]

BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    dict.fromkeys(("mean_2s_mistakes", "tail_4s_mistakes"), Better.LOWER)
)


def _report(results: Results[ContestRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.heartbeat_average import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="heartbeat-average",
    question="Does a detector that averages recent heartbeats adapt to a changing network?",
    headline=True,
    arms=ARMS,
    scenarios=tuple(NETWORKS),
    row=ContestRow,
    quick=Size(seeds=3, only=MappingProxyType(dict.fromkeys(NETWORKS, QUICK))),
    full=Size(seeds=40),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
