"""What does the choice of a failure detector do to the availability and safety of a store?

Claim:     no choice breaks what must always hold. Where heartbeats are regular an average of equal patience does what a
           fixed time-out does; phi as published replaces the dead sooner and the living needlessly; NFD-E errs where
           senders stand still; Akka's defaults replace nobody needlessly and leave each death unnoticed for over
           three seconds. Fed with answers an average learns the load's rhythm.
Varies:    the detector; who acts upon it (elections, claims of a read side, monitors of a service, clients that choose
           whom to ask, hinted handoff); the trouble (none, deaths, pauses, more delay).  Held fixed: a heartbeat every
           100 ms, the load.
Measures:  acts, needless ones, time unserved, time with two owners, seconds to the next; paired over seeds.
Run:       ./lab run detection-in-the-store [--quick] [--seeds N]
Writes:    reports/detection-in-the-store/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.failovers import ARMS, DECIDES, FULL, QUICK, SCENARIOS, FailoverRow, check, run_once
from experiments.results import Results

__all__ = ["EXPERIMENT"]

_LOWER: Final = ("needless", "unserved_s", "double_ms", "again_s", "broken")
BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {"served_share": Better.HIGHER} | dict.fromkeys(_LOWER, Better.LOWER)
)


def _report(results: Results[FailoverRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.detection_in_the_store import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="detection-in-the-store",
    question="What does the choice of a failure detector do to the availability and safety of a store?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=FailoverRow,
    quick=Size(seeds=2, only=QUICK),
    full=Size(seeds=40, only=FULL),
    decides=DECIDES,
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
