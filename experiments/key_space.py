"""Who owns which keys: how even is it, what moves as nodes come and go, and who reaches an owner in a cut?

Claim:     keys a node vary, and move, as the closed form of each scheme says; where a node joins, rings, tablets,
           rendezvous and jump move only what it gets; probes are Knuth's; no placement carries less than its hottest
           key; in a cut a key's owners are on each side as its zones (within them, the hypergeometric law) say. A store
           so placed loses and repeats nothing while a host joins and another leaves, and serves nearly all meanwhile.
Varies:    the scheme (8 arms), the number of nodes (3 scenarios), and once more 12 with the store on them.
           Held fixed: 3 regions of 2 clusters, 100 keys a node, 3 copies, Zipf's law with 0.99; arms are paired by
           seed, which decides every hash.
Measures:  fullest node and squared coefficient of variation, share of keys moved, the busiest node under Zipf's law,
           shares of keys with a majority or any copy on each side; intervals that hold for all closed forms at once.
           Of the store: shares of commands served, latency, stretches moved, routes refused, commands lost or repeated.
Run:       ./lab run key-space [--quick] [--seeds N]
Writes:    reports/key-space/

In the first three scenarios placements are values, and nothing is simulated over time; in the last the store runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Experiment, ReportContext, Size
from experiments.keyspace import ARMS, QUICK, SIZES, STORE, KeySpaceRow, check, run_once
from experiments.results import Results

__all__ = ["EXPERIMENT"]

_LOWER: Final = ("keys_max", "keys_cv2", "moved_join", "moved_leave", "needless_join", "hot_max", "hot_wrong")
BETTER: Final[Mapping[str, Better]] = MappingProxyType(dict.fromkeys(_LOWER, Better.LOWER))


def _report(results: Results[KeySpaceRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.key_space import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="key-space",
    question="Who owns which keys: how even is it, what moves as nodes come and go, and who reaches an owner in a cut?",
    headline=False,
    arms=ARMS,
    scenarios=(*SIZES, STORE),
    row=KeySpaceRow,
    quick=Size(seeds=4, only=QUICK),
    decides=6,
    full=Size(seeds=24),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
