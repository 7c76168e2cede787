"""What does the time that a new instance takes cost a service, and what happens while nobody can start one?

Claim:     when an instance or a region is lost, or the load grows, a start in 100 ms leaves more served than one in
           20 s; a spare instance makes up for minutes, and is worth more than the fastest start. While scheduler,
           registry or monitors are out of reach nothing is provisioned and what runs goes on; after the heal it
           converges, and what was replaced meanwhile acts no more.
Varies:    the provisioning delay (100 ms, 3 s, 20 s, 2 min) and spare instances (0, 1), what is lost (nothing, a host,
           a region, a host while the scheduler, the registry or two of three monitors are gone), and a load that is
           too much.  Held fixed: everything else.
Measures:  requests served (share), seconds until another instance acts (censored at the end), slots that change hands
           in a cut, replacements without a loss; paired over seeds.
Run:       ./lab run provisioning [--quick] [--seeds N]
Writes:    reports/provisioning/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.provisions import ARMS, QUICK, SCENARIOS, ProvisionRow, check, run_once
from experiments.results import Results

__all__ = ["EXPERIMENT"]

BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {"served_share": Better.HIGHER, "short_s": Better.LOWER, "false_replacements": Better.LOWER}
)


def _report(results: Results[ProvisionRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.provisioning import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="provisioning",
    question="What does the time that a new instance takes cost a service, and what if nobody can start one?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=ProvisionRow,
    quick=Size(seeds=2, only=QUICK),
    decides=10,
    full=Size(seeds=12),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
