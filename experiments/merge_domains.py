"""Can a network partition be reconciled by splitting the domain along region lines, with a merge domain?

Claim:     with the split every region goes on accepting through a cut, no acknowledged event is lost, and what the
           cut made inconsistent is found, compensated once and stable everywhere soon after the heal. One home
           region keeps the invariant by being unavailable; automatic failover over asynchronous replication stays
           available and leaves acknowledged writes behind; last writer wins loses updates without a trace.
Varies:    the design (six arms), the cut (43 s of the home region as in October 2018; five minutes of each region in
           turn; none).  Held fixed: hosts, service times, load, accounts, client policy; arms are paired by seed.
Measures:  availability and latency by side of the cut, acknowledged events lost, lost updates, overdrafts,
           compensations, regret, time from the heal to stability and to a drained backlog; 95 % intervals over runs.
Run:       ./lab run merge-domains [--quick] [--seeds N]
Writes:    reports/merge-domains/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Better, Cell, Experiment, Finding, ReportContext, Row, RunResult, Size
from experiments.measures import (
    Answer,
    Fate,
    Observation,
    Overdrafts,
    Stability,
    answered_share,
    fates,
    latencies_ms,
    observe,
    overdrafts,
    stability,
)
from experiments.measures.availability import served
from experiments.measures.fates import regretted
from experiments.results import Results
from experiments.scenario import load
from experiments.statistics import at_most, format_interval, holm, paired_difference, paired_p_value, quantile

__all__ = ["ARMS", "BIN_US", "CONTROL", "CUTS", "EXPERIMENT", "SIDES", "MergeRow", "judge"]

ARMS: Final = (
    Arm(name="home", label="home region", system={"factory": "models.deployment:home_region"}),
    Arm(
        name="failover",
        label="failover, reconciling 1/s",
        system={"factory": "models.deployment:home_failover", "reconcile": "1/s"},
    ),
    Arm(
        name="failover-fast",
        label="failover, reconciling 10/s",
        system={"factory": "models.deployment:home_failover", "reconcile": "10/s"},
    ),
    Arm(
        name="majority",
        label="majority (Raft)",
        system={"factory": "models.deployment:majority"},
    ),
    Arm(name="split", label="region split", system={"factory": "models.deployment:region_split"}),
    Arm(
        name="lww",
        label="split, last writer wins",
        system={"factory": "models.deployment:region_split", "merge": "silent-last-writer"},
        ranked=False,  # a negative control
    ),
)
CONTROL: Final = "no_fault"
CUTS: Final = ("github_2018", "isolate_region", "isolate_us_west_2", "isolate_eu_west_1")
SCENARIOS: Final = (CONTROL, *CUTS)
SIDES: Final = ("cutoff", "rest")
BIN_US: Final = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRow(Row):
    """One run. `cutoff` is the isolated region, `rest` the others; None where there is no cut or nothing to divide.

    What became of an acknowledged command is counted on the side whose client was told yes, over the whole run; an
    overdraft on the side that accepted the withdrawal which took the account below zero.
    """

    commands: int
    cut_s: float | None
    availability_all: float
    availability_cut: float | None
    availability_cutoff: float | None
    availability_rest: float | None
    denied_without_cause: int
    latency_calm_p50_ms: float
    latency_calm_p99_ms: float
    latency_cutoff_p50_ms: float | None
    latency_cutoff_p99_ms: float | None
    latency_rest_p50_ms: float | None
    latency_rest_p99_ms: float | None
    acknowledged: int
    lost: int
    set_aside: int
    superseded: int
    compensated: int
    regret: int
    regret_share: float
    acknowledged_cutoff: int | None
    acknowledged_rest: int | None
    lost_cutoff: int | None
    lost_rest: int | None
    set_aside_cutoff: int | None
    set_aside_rest: int | None
    superseded_cutoff: int | None
    superseded_rest: int | None
    compensated_cutoff: int | None
    compensated_rest: int | None
    regret_cutoff: int | None
    regret_rest: int | None
    overdrafts_cutoff: int | None
    overdrafts_rest: int | None
    divergent_writes: int
    address_conflicts: int
    overdrafts: int
    overdrafts_open: int
    overdraft_depth_cents: int
    overdraft_account_s: float
    stable_after_heal_s: float | None
    drained_after_heal_s: float | None
    degraded_per_cut: float | None
    backlog_p99_before: float
    backlog_peak: int
    utilisation_mean: float
    utilisation_max: float
    messages: int
    crossed_cut: int
    unstable_censored: int


#: Metrics that may be read either way: the load, what shows only that the cut met it, and work: a design that refuses
#: has less of it.
_EITHER_WAY: Final = (
    *("commands", "cut_s", "acknowledged", "acknowledged_cutoff", "acknowledged_rest", "crossed_cut"),
    *("messages", "utilisation_mean", "utilisation_max"),
)
BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {
        column.name: Better.HIGHER if column.name.startswith("availability") else Better.LOWER
        for column in fields(MergeRow)
        if column.name not in (*_EITHER_WAY, *(inherited.name for inherited in fields(Row)))
    }
)


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one design through one cut and judge it."""
    scenario = load(cell.scenario).with_system(dict(cell.arm.system))
    return judge(cell, seed, observe(scenario, seed))


def judge(cell: Cell, seed: int, seen: Observation) -> RunResult:
    """Turn what was observed into a row and its timelines."""
    verdicts, stable = served(seen), stability(seen)
    series = _service_by_bin(seen, verdicts) | {"backlog": stable.backlog}
    return RunResult(row=_row(cell, seed, seen, verdicts, stable), series=series)


def _row(cell: Cell, seed: int, seen: Observation, verdicts: Mapping[int, bool | None], stable: Stability) -> MergeRow:
    measured, cut = seen.measured, seen.cut
    during = [a for a in measured if cut and cut.begin_us <= a.invoked_us < cut.end_us]
    cutoff = [a for a in during if cut and a.region in cut.regions]
    rest = [a for a in during if cut and a.region not in cut.regions]
    calm = [a for a in measured if not cut or a.invoked_us < cut.begin_us]
    by_command = fates(seen)
    count = list(by_command.values()).count
    over = overdrafts(seen)
    cut_s = (cut.end_us - cut.begin_us) / 1e6 if cut else None
    lag_s = stable.stable_after_heal_s
    busy = list(seen.utilisation.values())
    return MergeRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=seen.digest,
        commands=len(seen.answers),
        cut_s=cut_s,
        availability_all=answered_share(verdicts, measured).share or 0.0,
        availability_cut=answered_share(verdicts, during).share,
        availability_cutoff=answered_share(verdicts, cutoff).share,
        availability_rest=answered_share(verdicts, rest).share,
        denied_without_cause=answered_share(verdicts, measured).unjustified,
        latency_calm_p50_ms=_quantile(calm, 0.5) or 0.0,
        latency_calm_p99_ms=_quantile(calm, 0.99) or 0.0,
        latency_cutoff_p50_ms=_quantile(cutoff, 0.5),
        latency_cutoff_p99_ms=_quantile(cutoff, 0.99),
        latency_rest_p50_ms=_quantile(rest, 0.5),
        latency_rest_p99_ms=_quantile(rest, 0.99),
        acknowledged=len(by_command),
        lost=count(Fate.LOST),
        set_aside=count(Fate.SET_ASIDE),
        superseded=count(Fate.SUPERSEDED),
        compensated=count(Fate.COMPENSATED),
        regret=regretted(by_command.values()),
        regret_share=regretted(by_command.values()) / max(1, len(by_command)),
        **_by_side(seen, by_command, over),
        divergent_writes=sum(event.kind != "denied" for event in seen.ledger.divergent),
        address_conflicts=seen.ledger.conflicts,
        overdrafts=over.times,
        overdrafts_open=over.open,
        overdraft_depth_cents=over.depth,
        overdraft_account_s=over.account_us / 1e6,
        stable_after_heal_s=lag_s,
        drained_after_heal_s=stable.drained_after_heal_s,
        degraded_per_cut=None if cut_s is None or lag_s is None else (cut_s + lag_s) / cut_s,
        backlog_p99_before=stable.backlog_p99_before,
        backlog_peak=stable.backlog_peak,
        utilisation_mean=sum(busy) / len(busy),
        utilisation_max=max(busy),
        messages=seen.network["sent"],
        crossed_cut=sum(n for reason, n in seen.network.items() if reason.startswith("dropped: cut")),
        unstable_censored=stable.unstable_at_end,
    )


def _by_side(seen: Observation, by_command: Mapping[int, Fate], over: Overdrafts) -> dict[str, int | None]:
    """Fates and overdrafts by side of the cut; None throughout without one."""
    found: dict[str, int | None] = {}
    for side in SIDES:
        fates_here = [
            by_command[answer.command_id]
            for answer in seen.answers
            if answer.command_id in by_command and _side(seen, answer.region) == side
        ]
        count = fates_here.count
        found |= {
            f"acknowledged_{side}": len(fates_here),
            f"lost_{side}": count(Fate.LOST),
            f"set_aside_{side}": count(Fate.SET_ASIDE),
            f"superseded_{side}": count(Fate.SUPERSEDED),
            f"compensated_{side}": count(Fate.COMPENSATED),
            f"regret_{side}": regretted(fates_here),
            f"overdrafts_{side}": sum(n for region, n in over.by_region.items() if _side(seen, region) == side),
        }
    return found if seen.cut else dict.fromkeys(found)


def _side(seen: Observation, region: str) -> str:
    return SIDES[0] if seen.cut and region in seen.cut.regions else SIDES[1]


def _quantile(answers: Sequence[Answer], level: float) -> float | None:
    sample = latencies_ms(answers)
    return quantile(sample, level) if sample else None


def _service_by_bin(seen: Observation, verdicts: Mapping[int, bool | None]) -> dict[str, Sequence[int]]:
    """Operations issued and available, by bin of `BIN_US` and side of the cut."""
    bins = -(-seen.scenario.until_us // BIN_US)
    series = {f"{what}_{side}": [0] * bins for what in ("issued", "available") for side in SIDES}
    for answer in seen.answers:
        side = _side(seen, answer.region)
        at = answer.invoked_us // BIN_US
        series[f"issued_{side}"][at] += 1
        series[f"available_{side}"][at] += verdicts[answer.command_id] is True
    return dict(series)


def check(results: Results[MergeRow]) -> list[Finding]:
    """Hold the claims of this file against the rows."""
    return [
        _more_available(results),
        _nothing_lost(results),
        _made_whole(results),
        _sometimes(
            results, "failover", "github_2018", "divergent_writes", "43 s of cut leave writes behind on the former home"
        ),
        _sometimes(results, "lww", "github_2018", "superseded", "last writer wins loses updates, and nobody is told"),
        _sometimes(
            results, "split", "isolate_region", "compensated", "the cut overdraws accounts and the merge reverses it"
        ),
        *(_sometimes(results, "home", cut, "crossed_cut", f"{cut} meets traffic") for cut in CUTS),
        _calm_control(results),
    ]


def _more_available(results: Results[MergeRow]) -> Finding:
    """Paired over seeds, Holm over the four cuts."""
    differences, p_values = {}, {}
    for cut in CUTS:
        pairs = results.pairs(cut, "split", "home")
        split, home = ([row.availability_cut or 0.0 for row in arm] for arm in zip(*pairs, strict=True))
        differences[cut] = paired_difference(split, home)
        p_values[cut] = paired_p_value(split, home)
    known = {cut: p for cut, p in p_values.items() if p is not None}
    adjusted = holm(known)
    holds = all(d.estimate > 0 for d in differences.values()) and all(p < 0.05 for p in adjusted.values())
    shown = (f"{cut} {format_interval(difference, '+.3f')}" for cut, difference in differences.items())
    return Finding(
        claim="During every cut the region split serves a larger share of commands than one home region",
        holds=holds if len(known) == len(CUTS) else None,
        detail=f"difference of shares, 95 %: {'; '.join(shown)}; Holm-adjusted p at most "
        f"{max(adjusted.values(), default=1):.2g}",
    )


def _nothing_lost(results: Results[MergeRow]) -> Finding:
    rows = [row for row in results.rows if row.arm in ("home", "majority", "split")]
    bad = [row.key for row in rows if row.lost or row.set_aside or row.superseded]
    return Finding(
        claim="One home region, the majority and the region split lose no acknowledged event",
        holds=not bad,
        detail=f"runs with a loss: {at_most(len(bad), len(rows))}; {sum(r.acknowledged for r in rows):,} acknowledged",
    )


def _made_whole(results: Results[MergeRow]) -> Finding:
    rows = [row for row in results.rows if row.arm == "split"]
    bad = [row.key for row in rows if row.overdrafts_open or row.unstable_censored or row.regret != row.compensated]
    slowest = max((row.stable_after_heal_s or 0.0 for row in rows), default=0.0)
    return Finding(
        claim="The split is whole again after every cut: no account stays overdrawn, every event is stable everywhere, "
        "and whatever was taken back was compensated",
        holds=not bad,
        detail=f"runs that were not: {at_most(len(bad), len(rows))}; the slowest took {slowest:.1f} s after the heal",
    )


def _sometimes(results: Results[MergeRow], arm: str, scenario: str, metric: str, claim: str) -> Finding:
    values = [int(value or 0) for value in results.values(metric, scenario=scenario, arm=arm)]
    detail = f"{metric} under {arm} in {scenario}: {', '.join(map(str, values))}"
    return Finding(claim=f"Sometimes {claim}", holds=any(values), detail=detail, sometimes=True)


def _calm_control(results: Results[MergeRow]) -> Finding:
    rows = [row for row in results.rows if row.scenario == CONTROL]
    worst = min(rows, key=lambda row: row.availability_all)
    return Finding(
        claim="Without a fault every design serves at least 99 % of commands",
        holds=worst.availability_all >= 0.99,
        detail=f"the least is {worst.availability_all:.4f}, by {worst.arm}",
    )


def _report(results: Results[MergeRow], folder: Path, context: ReportContext) -> str:
    from experiments.report.merge_domains import report

    return report(results, folder, context)


EXPERIMENT: Final = Experiment(
    name="merge-domains",
    question="Can a network partition be reconciled by splitting the domain along region lines, with a merge domain?",
    headline=True,
    arms=ARMS,
    scenarios=SCENARIOS,
    row=MergeRow,
    quick=Size(seeds=3),
    full=Size(seeds=30),
    run_once=run_once,
    check=check,
    report=_report,
    better=BETTER,
)
