"""Does priority by layer keep control working under overload, and who starves in a storm of its own?

Claim:     with one queue for all, heartbeats wait behind commands: a healthy leader is deposed, and a dead one replaced
           late; with priority neither. A storm of region scope starves commands under strict priority, and deposes a
           healthy leader; a cap on its layer prevents both. Each layer up is of lower volume but for replication.
Varies:    how hosts and links serve layers (one queue, strict priority, priority with the region layer capped at 30 %),
           what is short (nothing, cores, links, cores and the leader, or a storm).  Held fixed: the rest.
Measures:  commands answered (share), p50 and p99 (ms), false failovers (count), time to the next leader (ms), messages
           and bytes by layer; paired over seeds.
Run:       ./lab run layer-priority [--quick] [--seeds N]
Writes:    reports/layer-priority/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.layers import ARMS, QUICK, SCENARIOS, LayerRow, check, run_once
from experiments.results import Results

__all__ = ["EXPERIMENT"]

_LOWER: Final = ("latency_p50_ms", "latency_p99_ms", "false_failovers", "led_again_ms", "served_again_ms", "unled")
BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {"answered_share": Better.HIGHER} | dict.fromkeys(_LOWER, Better.LOWER)
)


def _report(results: Results[LayerRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.layer_priority import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="layer-priority",
    question="Does priority by layer keep control working under overload, and who starves in a storm of its own?",
    headline=False,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=LayerRow,
    quick=Size(seeds=3, only=QUICK),
    decides=5,
    full=Size(seeds=20),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
