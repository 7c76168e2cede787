"""Does consensus stay available when the network is cut in pieces that overlap, and which safeguard is it owed to?

Claim:     with pre-vote, check-quorum and stickiness a Raft group of five serves whoever is in reach through
           every shape of cut, with one election at most at its beginning and none after its end; without check-quorum
           a deaf leader serves nobody for as long as it is heard; without the others a member with a bad link
           deposes leaders.
Varies:    the shape of the cut (leader or follower alone, one way, one link, bridge, ring, flapping), and which
           safeguards are off.  Held fixed: five members of one region, load, a cut of ten seconds.
Measures:  commands answered (share) during the cut, once settled, and after; elections; the longest outage (ms).
Run:       ./lab run consensus-under-partial-cuts [--quick] [--seeds N]
Writes:    reports/consensus-under-partial-cuts/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.cuts import ARMS, QUICK, SCENARIOS, CutRow, check, run_once
from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.results import Results

__all__ = ["EXPERIMENT"]

_HIGHER: Final = ("cut_share", "settled_share", "healed_share")
_LOWER: Final = ("latency_p99_ms", "elections", "elections_healed", "terms", "outage_ms", "lost")
BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    dict.fromkeys(_HIGHER, Better.HIGHER) | dict.fromkeys(_LOWER, Better.LOWER)
)


def _report(results: Results[CutRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.consensus import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="consensus-under-partial-cuts",
    question="Does consensus stay available when the network is cut in pieces that overlap, and which safeguard is it "
    "owed to?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=CutRow,
    quick=Size(seeds=3, only=QUICK),
    full=Size(seeds=30),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
