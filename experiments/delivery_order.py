"""Which order of acting and persisting loses effects, which repeats them, and what makes once of it?

Claim:     the order only chooses the error. Acting first leaves orphans or repeats; persisting first omits or, with
           resume, repeats; an intent tells what is in doubt. A receiver that dedups, or one that is asked first and
           fences, makes once of any of them; asked and not fenced it repeats after a pause. A process manager and an
           outbox over the same store neither lose nor make anything, whoever goes on, and whether an old owner does.
Varies:    ordering (three) x semantics and receiver (five), a process, an outbox, both with an old owner fenced and
           not; who dies (a process, the power of its host) x who goes on (the same host, another); the crash point
           (E1 to E9, P9; M1 to M6; O1 to O4).  Held fixed: the rest of a world of three servers, or five where managers
           or relays take over from each other.
Measures:  duplicates, omissions, orphans, effects left (counts), latency mean, p50 and p99 (ms); paired over seeds.
Run:       ./lab run delivery-order [--quick] [--seeds N]
Writes:    reports/delivery-order/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.deliveries import ARMS, FULL, QUICK, SCENARIOS, DeliveryRow, check, run_once, scenario_of
from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.results import Results

__all__ = ["EXPERIMENT"]

_COUNTS: Final = ("duplicates", "omissions", "orphans", "left", "open", "unpromised")
_LOWER: Final = (*_COUNTS, "latency_mean_ms", "latency_p50_ms", "latency_p99_ms")
BETTER: Final[Mapping[str, Better]] = MappingProxyType(dict.fromkeys(_LOWER, Better.LOWER))


def _report(results: Results[DeliveryRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.delivery_order import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="delivery-order",
    question="Which order of acting and persisting loses effects, which repeats them, and what makes once of it?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=DeliveryRow,
    quick=Size(seeds=2, only=QUICK),
    decides=10,
    full=Size(seeds=10, only=FULL),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
    scenario_of=scenario_of,
)
