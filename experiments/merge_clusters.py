"""Should a domain be split along region lines, along cluster lines, or along both?

Claim:     finer lines serve more where clusters are cut from one another, since every cluster has all shards; where
           only regions are cut they serve no more. They cost messages, and along cluster lines bytes between regions,
           which both lines together save again: only one stream a region crosses. They wait longest.
Varies:    the lines, and what is cut: a region, one cluster, every cluster from every other, nothing. Held fixed:
           hosts, clients, load, policy (canonical replay); arms are paired by seed.
Measures:  service in the cut, regret, lag until stable, bytes between regions and messages a command.
Run:       ./lab run merge-clusters [--quick] [--seeds N]
Writes:    reports/merge-clusters/
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from experiments.experiment import Better, Experiment, Finding, ReportContext, Size
from experiments.family import Family, shown
from experiments.merging.lines import CLUSTER_ARMS, CLUSTER_CALM, PLACES, LinesRow, run_lines
from experiments.results import Results
from experiments.statistics import Interval, at_most

__all__ = ["EXPERIMENT"]

_FAMILY: Final = Family(compared=4, fewest=6)


def check(results: Results[LinesRow]) -> list[Finding]:
    """Hold the claims of this file against the rows."""

    def more(first: str, second: str, metric: str, name: str) -> Interval | None:
        return _FAMILY.difference(results, name, first, second, metric)

    claims = (
        (
            "With one cluster cut off, cluster lines serve more than region lines",
            more("cluster", "region", "availability_cut", "lines_cluster"),
        ),
        (
            "With every cluster cut from every other, cluster lines serve more than region lines",
            more("cluster", "region", "availability_cut", "lines_every_cluster"),
        ),
        (
            "Cluster lines send more bytes between regions than both lines together",
            more("cluster", "both", "wan_bytes_per_command", CLUSTER_CALM),
        ),
        (
            "Both lines take longer than region lines until an event is stable everywhere",
            more("both", "region", "lag_p50_s", CLUSTER_CALM),
        ),
    )
    found = [
        Finding(
            claim=claim, holds=_FAMILY.above(interval), detail=f"difference, together 95 %: {shown(interval, '+.3f')}"
        )
        for claim, interval in claims
    ]
    return [*found, _whole(results), _met(results)]


def _whole(results: Results[LinesRow]) -> Finding:
    bad = [row.key for row in results.rows if row.lost or row.violations_open or row.unstable_censored]
    return Finding(
        claim="Along whatever lines, nothing acknowledged is lost and every account and event is settled in the end",
        holds=not bad,
        detail=f"runs that were not: {at_most(len(bad), len(results.rows))}",
    )


def _met(results: Results[LinesRow]) -> Finding:
    missed = [
        name
        for name, targets in PLACES.items()
        if targets and not any(results.values("crossed_cut", scenario=name, arm="both"))
    ]
    return Finding(
        claim="Sometimes every cut meets traffic",
        holds=not missed,
        detail=f"not met: {missed or 'none'}",
        sometimes=True,
    )


def _report(results: Results[LinesRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.merge_clusters import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="merge-clusters",
    question="Should a domain be split along region lines, along cluster lines, or along both?",
    headline=False,
    arms=CLUSTER_ARMS,
    scenarios=tuple(PLACES),
    row=LinesRow,
    quick=Size(seeds=2),
    full=Size(seeds=30),
    run_once=run_lines,
    check=check,
    report=_report,
    better={
        "availability_all": Better.HIGHER,
        "availability_cut": Better.HIGHER,
        "availability_struck": Better.HIGHER,
        "regret": Better.LOWER,
        "lag_p99_s": Better.LOWER,
        "stable_after_heal_s": Better.LOWER,
        "wan_bytes_per_command": Better.LOWER,
        "lost": Better.LOWER,
    },
    decides=6,
)
