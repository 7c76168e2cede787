"""What does the choice of a failure detector do to the availability and safety of a store?

Claim:     no choice loses an acknowledged event. An average of equal patience does what a fixed time-out does; phi as
           published replaces a dead leader sooner and deposes living ones; Akka's defaults depose nobody and leave the
           store without a leader for more than three seconds.
Varies:    the detector by which followers watch their leader, the trouble (none, a crash, pauses, a step of the
           delay).  Held fixed: Raft, three members in three regions, a heartbeat every 100 ms, the load.
Measures:  needless failovers, unavailable seconds, time with two leaders, seconds to the next; paired over seeds.
Run:       ./lab run detection-in-the-store [--quick] [--seeds N]
Writes:    reports/detection-in-the-store/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.failovers import ARMS, SCENARIOS, FailoverRow, check, run_once
from experiments.results import Results

__all__ = ["EXPERIMENT"]

_LOWER: Final = ("needless", "unavailable_s", "two_leaders_ms", "led_again_s", "lost")
BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {"answered_share": Better.HIGHER} | dict.fromkeys(_LOWER, Better.LOWER)
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
    quick=Size(seeds=2),
    full=Size(seeds=20),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
