"""One run, judged: from what was observed to a row and its timelines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from experiments.evidence import Evidence
from experiments.experiment import Cell, RunResult
from experiments.measures import Answer, Observation, Outcome, answered_share, carry_out, fates, latencies_ms, stability
from experiments.measures.fates import Fate, regretted
from experiments.measures.observation import answers_of, first_cut
from experiments.merging.converging import Agreeing
from experiments.merging.designs import LEADERLESS, LINEARIZABLE
from experiments.merging.row import SIDES, MergeRow
from experiments.merging.seeing import session_violations, staleness
from experiments.merging.situations import HISTORIC, SITUATIONS, scenario_of
from experiments.merging.stranding import Stranding
from experiments.merging.truth import Truth, truth_of
from experiments.merging.workloads import COMPETING, WORKLOADS
from experiments.properties import PROPERTIES
from experiments.scenario import Scenario, build
from experiments.statistics import quantile
from models.factories import domain_of
from models.merging.policy import RightsRule
from models.system import System
from sim.message import wire_size
from sim.world import World

__all__ = ["BIN_US", "judge", "run_once"]

BIN_US: Final = 5_000_000
#: What somebody is owed something for; what was set aside waits for a person already.
_OWED: Final = (Fate.COMPENSATED, Fate.SUPERSEDED, Fate.LOST)


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one design through one situation and judge it."""
    scenario = scenario_of(cell.scenario, cell.arm)
    world, system = build(scenario, seed)
    agreeing = _agreeing(cell, world, system, scenario)
    stranding = _stranding(cell, world, system, scenario)
    looks = {} if agreeing is None else agreeing.looks
    seen = carry_out(world, system, scenario, seed, looks=looks if stranding is None else stranding.looks)
    disk_bytes = _disk_bytes(world)
    if SITUATIONS[cell.scenario].workload in LINEARIZABLE:
        return RunResult(row=_by_history(cell, seed, seen, disk_bytes))
    assert isinstance(seen, Observation)
    return judge(
        cell,
        seed,
        seen,
        disk_bytes,
        None if agreeing is None else agreeing.after_heal_s,
        None if stranding is None else stranding.stranded(seen),
    )


def _agreeing(cell: Cell, world: World, system: System, scenario: Scenario) -> Agreeing | None:
    """Who looks when replicas agree again, where they have no log that would tell."""
    cut = first_cut(scenario)
    if cut is None or cell.arm.name != LEADERLESS or SITUATIONS[cell.scenario].workload in LINEARIZABLE:
        return None
    return Agreeing(world, system, cut.end_us, scenario.until_us)


def _stranding(cell: Cell, world: World, system: System, scenario: Scenario) -> Stranding | None:
    """Who looks at what a cut strands, where there are rights to strand."""
    if first_cut(scenario) is None or system.merging is None:
        return None
    policy = system.merging.policy(system.merging.domain, system.merging.sources)
    if not isinstance(policy, RightsRule):
        return None
    return Stranding(world, system, scenario, lost_us=SITUATIONS[cell.scenario].lost_s * 1_000_000)


def judge(
    cell: Cell,
    seed: int,
    seen: Observation,
    disk_bytes: int = 0,
    agreed_s: float | None = None,
    stranded: int | None = None,
) -> RunResult:
    """Turn what was observed into a row and, where they are drawn, its timelines.

    Args:
        cell: What was run.
        seed: Under which seed.
        seen: What was observed.
        disk_bytes: Of all disks, at the end.
        agreed_s: Seconds from the heal until replicas agreed, where no log says when.
        stranded: Rights that the cut kept from those who asked for them, where there are rights and a cut.
    """
    domain = domain_of(WORKLOADS[SITUATIONS[cell.scenario].workload].domain, seen.scenario.workload)
    truth = truth_of(seen, domain)
    row, backlog = _row(cell, seed, seen, truth, disk_bytes, agreed_s, stranded)
    drawn = cell.scenario in HISTORIC or cell.scenario == "withdrawal"
    series = _service_by_bin(seen, truth.served) | {"backlog": backlog} if drawn else {}
    return RunResult(row=row, series=series)


def _row(
    cell: Cell,
    seed: int,
    seen: Observation,
    truth: Truth,
    disk_bytes: int,
    agreed_s: float | None,
    stranded: int | None,
) -> tuple[MergeRow, Sequence[int]]:
    by_command = fates(seen)
    count = Counter(by_command.values())
    noted = any(one for one in seen.progress)
    stable = stability(seen) if noted else None  # a leaderless store has no log that somebody could be behind with
    lag_s = agreed_s if stable is None else stable.stable_after_heal_s
    cut_s = _cut_s(seen)
    broken, cut = truth.violations, seen.cut
    regrets = _regret_by_side(seen, by_command)
    sides = {seen.scenario.topology.region_number(name): _side(seen, name) for name in seen.scenario.topology.regions}
    by_side = {side: sum(n for region, n in broken.by_region.items() if sides[region] == side) for side in SIDES}
    repaid = _repaid(seen, truth, by_command)
    stale = staleness(seen)
    merging = seen.ledger.merging
    idle = None if merging is None or not merging.rights else _idle(merging.rights.values())
    reconciled = len(seen.noted["reconciled"])
    row = MergeRow(
        **_named(cell, seed, seen),
        **_service(seen, truth.served, seen.measured, cut_s),
        denied_without_cause=answered_share(truth.served, seen.measured).unjustified,
        goodput_per_s=_kept_per_s(seen, by_command, _measured_s(seen), during=False) or 0.0,
        goodput_cut_per_s=_kept_per_s(seen, by_command, cut_s, during=True),
        acknowledged=len(by_command),
        lost=count[Fate.LOST],
        set_aside=count[Fate.SET_ASIDE],
        superseded=count[Fate.SUPERSEDED],
        compensated=count[Fate.COMPENSATED],
        tentative_censored=count[Fate.TENTATIVE],
        regret=regretted(by_command.values()),
        regret_share=regretted(by_command.values()) / max(1, len(by_command)),
        duplicates=_duplicates(seen),
        regret_cutoff=regrets[SIDES[0]] if cut else None,
        regret_rest=regrets[SIDES[1]] if cut else None,
        divergent_writes=sum(event.kind != "denied" for event in seen.ledger.divergent),
        address_conflicts=seen.ledger.conflicts,
        conflicts_opened=0 if merging is None else merging.opened,
        violations=broken.times,
        violations_cutoff=by_side[SIDES[0]] if cut else None,
        violations_rest=by_side[SIDES[1]] if cut else None,
        violations_open=broken.open,
        violation_depth=broken.depth,
        violation_s=broken.us / 1e6,
        compensations=len(truth.compensated_us),
        compensation_p50_s=quantile(repaid, 0.5) if repaid else None,
        compensation_max_s=repaid[-1] if repaid else None,
        compensation_failures=_failures(seen, truth, by_command),
        rework=len(truth.compensated_us) + count[Fate.SUPERSEDED] + count[Fate.SET_ASIDE] + reconciled,
        stable_after_heal_s=lag_s,
        drained_after_heal_s=None if stable is None else stable.drained_after_heal_s,
        degraded_per_cut=None if cut_s is None or lag_s is None else (cut_s + lag_s) / cut_s,
        lag_p50_s=None if stable is None else stable.lag_p50_s,
        lag_p99_s=None if stable is None else stable.lag_p99_s,
        lag_healed_p50_s=None if stable is None else stable.lag_healed_p50_s,
        lag_healed_p99_s=None if stable is None else stable.lag_healed_p99_s,
        stale_decisions=stale.decisions,
        staleness_p99_s=stale.p99_s,
        session_violations=session_violations(seen, by_command),
        waited_for_rights=len(seen.noted.get("waiting", ())),
        stranded_rights=stranded,
        rights_idle_share=idle,
        linearizable=None,
        backlog_p99_before=0.0 if stable is None else stable.backlog_p99_before,
        backlog_peak=0 if stable is None else stable.backlog_peak,
        wan_bytes_per_command=seen.network.get("bytes", 0) / max(1, len(seen.answers)),
        storage_amplification=disk_bytes / max(1, _event_bytes(seen)),
        **_work(seen),
        unstable_censored=0 if stable is None else stable.unstable_at_end,
    )
    return row, (() if stable is None else stable.backlog)


# -- parts of a row ------------------------------------------------------------------------


def _named(cell: Cell, seed: int, seen: Evidence) -> dict[str, Any]:
    return {"scenario": cell.scenario, "arm": cell.arm.name, "seed": seed, "digest": seen.digest}


def _service(
    seen: Any, verdicts: Mapping[int, bool | None], measured: Sequence[Answer], cut_s: float | None
) -> dict[str, Any]:
    """Availability and latency, by side and by class of operation."""
    cut = seen.cut if isinstance(seen, Observation) else first_cut(seen.scenario)
    during = [a for a in measured if cut and cut.begin_us <= a.invoked_us < cut.end_us]
    cutoff = [a for a in during if cut and a.region in cut.regions]
    rest = [a for a in during if cut and a.region not in cut.regions]
    # Whoever has asked a deadline before the cut has an answer by then, or none ever; of those who asked later only
    # the quick ones would be over, and so none of them counts.
    deadline_us = seen.scenario.workload.deadline_us
    calm = [a for a in measured if not cut or a.invoked_us + deadline_us <= cut.begin_us]

    def share(answers: Sequence[Answer]) -> float | None:
        return answered_share(verdicts, answers).share

    return {
        "commands": len(verdicts),
        "cut_s": cut_s,
        "availability_all": share(measured) or 0.0,
        "availability_cut": share(during),
        "availability_cutoff": share(cutoff),
        "availability_rest": share(rest),
        "availability_competing": share([a for a in during if a.f in COMPETING]),
        "availability_harmless": share([a for a in during if a.f not in COMPETING]),
        "latency_calm_p50_ms": _quantile(calm, 0.5) or 0.0,
        "latency_calm_p99_ms": _quantile(calm, 0.99),
        "latency_calm_p999_ms": _quantile(calm, 0.999),
        "latency_cutoff_p50_ms": _quantile(cutoff, 0.5),
        "latency_cutoff_p99_ms": _quantile(cutoff, 0.99),
        "latency_cutoff_p999_ms": _quantile(cutoff, 0.999),
        "latency_rest_p50_ms": _quantile(rest, 0.5),
        "latency_rest_p99_ms": _quantile(rest, 0.99),
        "latency_rest_p999_ms": _quantile(rest, 0.999),
    }


def _work(seen: Evidence) -> dict[str, Any]:
    busy = list(seen.utilisation.values())
    return {
        "utilisation_mean": sum(busy) / len(busy),
        "utilisation_max": max(busy),
        "messages": seen.network["sent"],
        "crossed_cut": sum(n for reason, n in seen.network.items() if reason.startswith("dropped: cut")),
    }


def _cut_s(seen: Evidence) -> float | None:
    cut = first_cut(seen.scenario)
    return (cut.end_us - cut.begin_us) / 1e6 if cut else None


def _measured_s(seen: Evidence) -> float:
    return (seen.scenario.workload.ends_us - seen.scenario.warm_up_us) / 1e6


def _kept_per_s(
    seen: Observation, by_command: Mapping[int, Fate], seconds: float | None, *, during: bool
) -> float | None:
    """Commands a second that were told yes and were not taken back."""
    if seconds is None:
        return None
    cut = seen.cut
    chosen = [a for a in seen.measured if not during or (cut and cut.begin_us <= a.invoked_us < cut.end_us)]
    return sum(by_command.get(a.command_id) is Fate.KEPT for a in chosen) / seconds


def _side(seen: Observation, region: str) -> str:
    return SIDES[0] if seen.cut and region in seen.cut.regions else SIDES[1]


def _regret_by_side(seen: Observation, by_command: Mapping[int, Fate]) -> dict[str, int]:
    found: dict[str, list[Fate]] = {side: [] for side in SIDES}
    for answer in seen.answers:
        if answer.command_id in by_command:
            found[_side(seen, answer.region)].append(by_command[answer.command_id])
    return {side: regretted(fates_here) for side, fates_here in found.items()}


def _duplicates(seen: Observation) -> int:
    """Commands with more than one event that counts."""
    times = Counter(one.command_id for one in seen.events() if one.status == "merged" and one.kind != "denied")
    return sum(n > 1 for n in times.values())


def _repaid(seen: Observation, truth: Truth, by_command: Mapping[int, Fate]) -> list[float]:
    """Seconds from acceptance to compensation, ascending."""
    accepted = truth.accepted_us
    return sorted(
        max(0.0, (t_us - accepted[command]) / 1e6)
        for command, t_us in truth.compensated_us.items()
        if command in accepted
    )


def _failures(seen: Observation, truth: Truth, by_command: Mapping[int, Fate]) -> int:
    """Yeses that came to nothing, and nobody was compensated, nor is a conflict of that very write left to a person."""
    merging = seen.ledger.merging
    left = frozenset() if merging is None else merging.left
    chosen_among = {event.command_id for event in seen.events() if event.address in left}
    made_good = truth.compensated_us.keys() | chosen_among
    return sum(fate in _OWED and command not in made_good for command, fate in by_command.items())


def _idle(rights: Iterable[int]) -> float | None:
    """Of all rights at the end, the share that is where most of them are: 1 / sub-domains if they lie evenly."""
    held = list(rights)
    return max(held) / sum(held) if sum(held) else None


def _quantile(answers: Sequence[Answer], level: float) -> float | None:
    """A quantile of latencies; None of so few that it would be no other than the largest."""
    sample = latencies_ms(answers)
    return quantile(sample, level) if round(len(sample) * (1 - level), 9) >= 1 else None


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


def _disk_bytes(world: World) -> int:
    """Bytes of all records on all disks; one that several hosts hold counts for each."""
    sizes: dict[Any, int] = {}
    total = 0
    for machine in world.machines:
        for _, records in machine.device.contents():
            for record in records:
                size = sizes.get(record)
                if size is None:
                    size = sizes[record] = wire_size(record)
                total += size
    return total


def _event_bytes(seen: Observation) -> int:
    """Bytes of the events that clients' commands led to, each once and without any envelope."""
    return sum(wire_size(one.event) for one in seen.events() if one.event is not None and one.status == "merged")


# -- workloads that only a history tells of ------------------------------------------------


def _by_history(cell: Cell, seed: int, seen: Evidence, disk_bytes: int) -> MergeRow:
    scenario: Scenario = seen.scenario
    answers = [a for a in answers_of(seen.history) if a.invoked_us < scenario.workload.ends_us]
    verdicts: dict[int, bool | None] = {a.command_id: a.outcome is Outcome.ACCEPTED for a in answers}
    measured = [a for a in answers if a.invoked_us >= scenario.warm_up_us]
    accepted = sum(a.outcome is Outcome.ACCEPTED for a in answers)
    unknown: dict[str, Any] = {column.name: None if "None" in str(column.type) else 0 for column in fields(MergeRow)}
    seen_row = (
        unknown
        | _named(cell, seed, seen)
        | _service(seen, verdicts, measured, _cut_s(seen))
        | _work(seen)
        | {
            "acknowledged": accepted,
            "goodput_per_s": accepted / _measured_s(seen),
            "regret_share": 0.0,
            "violation_s": 0.0,
            "staleness_p99_s": 0.0,
            "backlog_p99_before": 0.0,
            "linearizable": PROPERTIES["linearizable"].holds(seen).valid,
            "wan_bytes_per_command": seen.network.get("bytes", 0) / max(1, len(answers)),
            "storage_amplification": disk_bytes / max(1, 8 * accepted),
        }
    )
    return MergeRow(**seen_row)
