"""Can a network partition be reconciled by splitting the domain along region lines, with a merge domain?

Claim:     with the split every region goes on accepting through a cut, no acknowledged event is lost, and what the
           cut made inconsistent is found, made good once and stable everywhere soon after the heal. Where additions
           commute that is free; where rights can be shared out (escrow) it costs some refusals; where two sides may
           promise one thing twice, somebody is owed something, and the majority that serves one side only may be the
           cheaper one. A leaderless quorum, automatic failover and a silent last writer lose updates instead.
Varies:    the design (baselines, and the split under each policy that suits), the workload, and round a base one thing
           at a time: duration, shape and side of the cut, contention, conflict rate, locality; and named pairs. Held
           fixed: hosts, service times, client policy; arms are paired by seed, and every cell has a no-fault control.
Measures:  availability by side and class of operation, goodput, latency, what became of every yes, invariants, making
           good, agreement, staleness, bytes; prices by the hour, by the cut, by the year; 95 % intervals over runs.
Run:       ./lab run merge-domains [--quick] [--seeds N]
Writes:    reports/merge-domains/
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from experiments.experiment import Experiment, Finding, ReportContext, Size
from experiments.family import Family, shown
from experiments.merging import ARMS, BETTER, SITUATIONS, MergeRow, cells_of, run_once
from experiments.merging.choosing import COMPARED, RATIO, best_split, second_half
from experiments.merging.designs import LINEARIZABLE
from experiments.results import Results
from experiments.statistics import at_most

__all__ = ["EXPERIMENT", "SAFE"]

#: Designs that promise to lose no acknowledged event.
SAFE: Final = tuple(arm.name for arm in ARMS if arm.name not in ("failover", "failover-fast", "quorum", "lww"))
_FAMILY: Final = Family(compared=len(COMPARED), fewest=8)
#: Arms that may have to hear the other side before they say yes, fault or not.
_WAITING: Final = ("escrow", "barrier")
#: Designs that decide alone and may have to take back; of these, whole again means compensated.
_FREE: Final = (
    "split",
    "apologise",
    "first-writer",
    "priority",
    "commutative",
    "escrow",
    "observed",
    "by-field",
    "barrier",
)


def check(results: Results[MergeRow]) -> list[Finding]:
    """Hold the claims of this file against the rows."""
    return [
        _more_available(results),
        _nothing_lost(results),
        _takes_nothing_back(
            results, "escrow", "Escrow takes nothing back and breaks no invariant, unless a region is declared lost"
        ),
        _takes_nothing_back(results, "commutative", "Where additions commute the split is free: nothing is taken back"),
        _made_whole(results),
        _linearizable(results),
        _sometimes(
            results, "failover", "github_2018", "divergent_writes", "43 s of cut leave writes behind at the home"
        ),
        _sometimes(results, "quorum", "withdrawal", "superseded", "a leaderless quorum loses updates without a word"),
        _sometimes(
            results, "lww", "withdrawal", "superseded", "a silent last writer loses updates, and nobody is told"
        ),
        _sometimes(
            results, "split", "github_2018", "compensated", "the cut overdraws accounts and the merge reverses it"
        ),
        _sometimes(results, "split", "no_fault", "compensated", "a withdrawal is taken back without any fault"),
        _sometimes(
            results, "escrow", "withdrawal", "waited_for_rights", "a region runs out of rights and asks for more"
        ),
        _met_traffic(results),
        _calm_control(results),
    ]


def _more_available(results: Results[MergeRow]) -> Finding:
    """Against the majority, the strongest baseline that is safe; paired over seeds, as one family.

    Which split it is, the first half of the seeds says; what it serves, the second.
    """
    judged = second_half(results)
    splits = {workload: best_split(results, workload) for workload in COMPARED}
    differences = {
        workload: None if arm is None else _FAMILY.difference(judged, workload, arm, "majority", "availability_cut")
        for workload, arm in splits.items()
    }
    above = [_FAMILY.above(one) for one in differences.values()]
    holds = False if False in above else None if None in above else True
    told = "; ".join(f"{name}, {splits[name]} {shown(one, '+.3f')}" for name, one in differences.items())
    return Finding(
        claim="In a cut of the home region the split that suits best serves a larger share of commands than a "
        "majority, for each of six workloads",
        holds=holds,
        detail=f"difference of shares, together 95 %: {told}; chosen on the first half of the seeds (the cheapest "
        f"outage, an owed command at {RATIO} unserved), compared on the second",
    )


def _nothing_lost(results: Results[MergeRow]) -> Finding:
    rows = [row for row in results.rows if row.arm in SAFE]
    bad = [row.key for row in rows if row.lost or row.set_aside or (row.superseded and row.arm != "siblings")]
    bad += [row.key for row in rows if row.duplicates]
    return Finding(
        claim="Home, primary, majority, read-only and every split that tells lose no yes, and none happens twice",
        holds=not bad,
        detail=f"runs with a loss: {at_most(len(bad), len(rows))}{_first(bad)}; "
        f"{sum(row.acknowledged for row in rows):,} acknowledged",
    )


def _takes_nothing_back(results: Results[MergeRow], arm: str, claim: str) -> Finding:
    rows = [row for row in results.rows if row.arm == arm and not SITUATIONS[row.scenario].lost_s]
    bad = [row.key for row in rows if row.regret or row.violations or row.compensations]
    return Finding(
        claim=claim,
        holds=not bad if rows else None,
        detail=f"runs that do: {at_most(len(bad), len(rows))}{_first(bad)}" if rows else "not run at this size",
    )


def _made_whole(results: Results[MergeRow]) -> Finding:
    rows = [row for row in results.rows if row.arm in _FREE]
    bad = [row.key for row in rows if row.violations_open or row.unstable_censored or row.compensation_failures]
    slowest = max((row.stable_after_heal_s or 0.0 for row in rows), default=0.0)
    return Finding(
        claim="The split is whole again after every cut: no invariant stays broken, every event is stable everywhere, "
        "and whatever was taken back was compensated",
        holds=not bad,
        detail=f"runs that were not: {at_most(len(bad), len(rows))}{_first(bad)}; "
        f"the slowest took {slowest:.1f} s after the heal",
    )


def _linearizable(results: Results[MergeRow]) -> Finding:
    rows = [row for row in results.rows if SITUATIONS[row.scenario].workload in LINEARIZABLE]
    bad = [row.key for row in rows if row.linearizable is False]
    return Finding(
        claim="The baselines on registers and append-logs are linearizable, cut or not",
        holds=not bad if rows else None,
        detail=f"histories that are not: {at_most(len(bad), len(rows))}{_first(bad)}" if rows else "not run",
    )


def _sometimes(results: Results[MergeRow], arm: str, scenario: str, metric: str, claim: str) -> Finding:
    values = [int(value or 0) for value in results.values(metric, scenario=scenario, arm=arm)]
    detail = f"{metric} under {arm} in {scenario}: {', '.join(map(str, values)) or 'not run at this size'}"
    return Finding(claim=f"Sometimes {claim}", holds=any(values) if values else None, detail=detail, sometimes=True)


def _met_traffic(results: Results[MergeRow]) -> Finding:
    met: dict[str, bool] = {}
    for row in results.rows:
        if not SITUATIONS[row.scenario].calm:
            met[row.scenario] = met.get(row.scenario, False) or row.crossed_cut > 0
    missed = sorted(name for name, hit in met.items() if not hit)
    return Finding(
        claim="Sometimes the fault of every situation meets traffic",
        holds=not missed,
        detail=f"{len(met)} situations with a fault; not met in {', '.join(missed) or 'none'}",
        sometimes=True,
    )


def _calm_control(results: Results[MergeRow]) -> Finding:
    calm = [row for row in results.rows if SITUATIONS[row.scenario].calm]
    worst = min((row for row in calm if row.arm not in _WAITING), key=_availability)
    waits = [f"{row.availability_all:.4f}, by {row.arm}" for row in _least_of(calm, _WAITING)]
    return Finding(
        claim="Without a fault every design serves at least 97 % of commands, but those that make a command wait for "
        "the other side: escrow for rights, the closing barrier for its close",
        holds=worst.availability_all >= 0.97,
        detail=f"the least is {worst.availability_all:.4f}, by {worst.arm} in {worst.scenario}"
        + (f"; of those that wait {'; '.join(waits)}" if waits else ""),
    )


def _availability(row: MergeRow) -> float:
    return row.availability_all


def _least_of(rows: Sequence[MergeRow], arms: Sequence[str]) -> list[MergeRow]:
    own = [[row for row in rows if row.arm == arm] for arm in arms]
    return [min(each, key=_availability) for each in own if each]


def _first(bad: Sequence[str]) -> str:
    return f", {bad[0]} the first" if bad else ""


def _report(results: Results[MergeRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.merge_domains import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="merge-domains",
    question="Can a network partition be reconciled by splitting the domain along region lines, with a merge domain?",
    headline=True,
    arms=ARMS,
    scenarios=tuple(SITUATIONS),
    row=MergeRow,
    quick=Size(seeds=2, only=cells_of(quick=True)),
    full=Size(seeds=16, only=cells_of(quick=False)),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
    decides=8,
)
