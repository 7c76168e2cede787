"""What does each persistence scheme cost, and what does it lose?

Claim:     a scheme loses to a failure what its tier, its holders and their spread do not keep out of its reach, and
           no more: nothing, what came within one period of flushing or shipping (rate x window), or all. The more it
           keeps, the longer an acknowledgement takes: heap, local disk, disks of one cluster, of several, of regions.
Varies:    the scheme (17 arms), the failure (process, host, cluster, disk, region dark and back, region destroyed,
           lost replies, none), its instant within a second.  Held fixed: hosts, load, people; arms paired by seed.
Measures:  p50 and p99 of acknowledgements, acknowledged events lost or left behind, availability, time to be served
           again, commands done twice, bytes and events a command; 95 % intervals over runs.
Run:       ./lab run persistence-schemes [--quick] [--seeds N]
Writes:    reports/persistence-schemes/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.results import Results
from experiments.schemes import ARMS, QUICK, SCENARIOS, SchemeRow, check, run_once

__all__ = ["EXPERIMENT"]

_HIGHER: Final = ("availability_all", "availability_outage")
_LOWER: Final = (
    *("latency_near_p50_ms", "latency_near_p99_ms", "latency_all_p50_ms", "latency_all_p99_ms"),
    *("lost", "set_aside", "compensated", "duplicates", "served_again_ms", "decided_twice", "bytes_per_command"),
)
BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    dict.fromkeys(_HIGHER, Better.HIGHER) | dict.fromkeys(_LOWER, Better.LOWER)
)


def _report(results: Results[SchemeRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.persistence_schemes import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="persistence-schemes",
    question="What does each persistence scheme cost, and what does it lose?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=SchemeRow,
    quick=Size(seeds=3, only=QUICK),
    full=Size(seeds=30),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
