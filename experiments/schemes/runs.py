"""One run under one scheme: when it fails, what became of what was acknowledged, and what it cost.

The instant of the fault is data like the rest of the schedule: the scenario's own, later by a part of
`SPAN_US` that the seed names, the same for all arms. Parts of consecutive seeds follow the golden ratio
(Weyl's sequence), so that any number of seeds covers the span evenly, and with it every period that is
compared, of which it holds a whole number but for flushes of 2 ms. Instants drawn independently would
be as uniform and their mean would scatter more: an interval over runs that takes the instants for
independent is almost three times too wide for a mean loss. So a loss is held against the time since
the last flush or shipment of its own run, which is looked up at the instant: what is left is the load's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final, NamedTuple

from experiments.experiment import Cell, Row, RunResult, SystemOption
from experiments.measures import Answer, Observation, Outcome, answered_share, carry_out, latencies_ms
from experiments.measures.availability import served
from experiments.scenario import Scenario, build, load
from experiments.schemes.arms import FAILURES, LOST_REPLIES, scheme_of_arm
from experiments.statistics import quantile
from models.ledger import Status
from models.store.log.entries import entry_bytes
from models.store.requests import Accepted, Refused
from models.store.schemes import Failure, Tier
from models.store.shard import Shard
from models.system import System
from sim.topology import Location, at_service
from sim.trace import TraceLevel
from sim.world import World

__all__ = ["ANSWER_US", "OUTAGE_US", "SPAN_US", "SchemeRow", "Toll", "at_its_instant", "run_once", "toll"]

SPAN_US: Final = 1_000_000
#: Of the span, less whole ones: the golden ratio.
_STEP_US: Final = 618_034
#: Commands issued for so long from the failure on say how available a scheme is.
OUTAGE_US: Final = 3_000_000
#: Longer than an answer's way home, shorter than a client's patience with an attempt.
ANSWER_US: Final = 250_000
_ANSWERS: Final = (Outcome.ACCEPTED, Outcome.DENIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeRow(Row):
    """One run; None where nothing fails, or where there is nothing to divide.

    `near` is the clients of the home region. An acknowledged command is one whose client was told of an event: yes, or
    a denial that was stored; `at_risk` counts those that were in the log when something failed. What had come to the
    leader in the last `unsaved_ms` before that was not flushed, or shipped, yet, which it did every `every_ms`.
    """

    commands: int
    denied_share: float
    latency_near_p50_ms: float
    latency_near_p99_ms: float
    latency_all_p50_ms: float
    latency_all_p99_ms: float
    failed_at_ms: float | None
    acknowledged: int
    at_risk: int | None
    lost: int
    lost_age_ms: float | None
    unsaved_ms: float | None
    every_ms: float | None
    resurfaced: int
    set_aside: int
    merged: int
    compensated: int
    duplicates: int
    availability_all: float
    availability_outage: float | None
    served_again_ms: float | None
    promoted: int
    forced: int
    log_bytes: int
    events: int
    bytes_per_command: float
    events_per_command: float
    decided_twice: int | None
    utilisation_busiest: float
    messages: int
    missing_members: int


class Phase(NamedTuple):
    """The last flush or shipment before a failure, of a leader that does such a thing at times; else None.

    Attributes:
        unsaved_ms: What came since is not saved.
        every_ms: How often it was done so far, on average.
    """

    unsaved_ms: float | None
    every_ms: float | None


class Toll(NamedTuple):
    """What became of the acknowledged commands of a run.

    Attributes:
        acknowledged: Ids of all.
        lost: Neither in the final history nor set aside.
        resurfaced: Told of before the failure, and on the disk of a former leader in the end, dealt with or not.
        set_aside: Of these, successes that nobody has dealt with.
        merged: Of these, accepted again.
        compensated: Of these, denied by now, and paid back.
        duplicates: Commands, acknowledged or not, with more than one event in the final history.
    """

    acknowledged: frozenset[int]
    lost: frozenset[int]
    resurfaced: frozenset[int]
    set_aside: int
    merged: int
    compensated: int
    duplicates: int


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one scheme through one failure."""
    scenario = at_its_instant(_variant(cell.scenario, tuple(sorted(cell.arm.system.items()))), seed)
    trace = TraceLevel.FULL if cell.scenario == LOST_REPLIES else TraceLevel.OFF
    world, system = build(scenario, seed, trace=trace)
    forced: list[int] = []
    world.on_note("forced", lambda t_us, location, value: forced.append(t_us))
    phases: list[Phase] = []
    failed_us = _failed_us(cell, scenario)
    looks = {} if failed_us is None else {failed_us: lambda: phases.append(_phase(cell, _members(world, system)))}
    seen = carry_out(world, system, scenario, seed, looks=looks)
    assert isinstance(seen, Observation), "a store keeps a ledger"
    phase = phases[0] if phases else Phase(None, None)
    return RunResult(row=_row(cell, seen, world, system, len(forced), phase))


def _variant(scenario: str, system: tuple[tuple[str, SystemOption], ...]) -> Scenario:
    """A scenario under a scheme."""
    return load(scenario).with_system(dict(system))


def at_its_instant(scenario: Scenario, seed: int) -> Scenario:
    """The scenario with its faults later, all by the same part of `SPAN_US`."""
    if not scenario.faults:
        return scenario
    later_us = (seed * _STEP_US + _STEP_US // 2) % SPAN_US
    moved = []
    for fault in scenario.faults:
        assert isinstance(fault.at, int), f"{fault.id} begins at no time, so it cannot begin later"
        moved.append(replace(fault, at=fault.at + later_us))
    return scenario.with_faults(moved)


def toll(seen: Observation, failed_us: int | None, *, store_denials: bool = True) -> Toll:
    """Count what became of every acknowledged command; None for a run in which nothing fails."""
    told = _ANSWERS if store_denials else (Outcome.ACCEPTED,)
    acknowledged = frozenset(answer.command_id for answer in seen.answers if answer.outcome in told)
    times = Counter(event.command_id for event in seen.events())
    statuses = {event.command_id: event for event in seen.ledger.divergent}
    # Who was told later had the same command accepted by the new leader: nothing of it was left behind.
    early = _told_before(seen.answers, failed_us)
    resurfaced = acknowledged & statuses.keys() & early
    fates = Counter(statuses[command].status for command in resurfaced if statuses[command].kind != "denied")
    return Toll(
        acknowledged=acknowledged,
        lost=acknowledged - times.keys() - statuses.keys(),
        resurfaced=resurfaced,
        set_aside=fates[Status.DIVERGENT],
        merged=fates[Status.MERGED],
        compensated=fates[Status.COMPENSATED],
        duplicates=sum(count > 1 for count in times.values()),
    )


def _phase(cell: Cell, members: Sequence[Shard]) -> Phase:
    """How it stands with what the leader does behind its acknowledgements, as its scheme has it."""
    scheme, failing = scheme_of_arm(cell.arm.name), FAILURES[cell.scenario]
    leader = next((member for member in members if member.leads), None)
    if leader is None:
        return Phase(None, None)
    rounds = leader.flushes if scheme.ship_every_us is None else leader.shipments
    # What is saved from the heap is out of the process's reach as soon as saving begins.
    heap = scheme.tier is Tier.HEAP and failing.kind is Failure.PROCESS_CRASH
    since_us, every_us = rounds.begun_us if heap else rounds.covered_us, rounds.every_us
    if since_us is None or every_us is None:
        return Phase(None, None)
    return Phase((leader.ctx.mono_us() - since_us) / 1000, every_us / 1000)


def _row(cell: Cell, seen: Observation, world: World, system: System, forced: int, phase: Phase) -> SchemeRow:
    stored = bool(cell.arm.system.get("store_denials", True))
    failed_us = _failed_us(cell, seen.scenario)
    found, verdicts = toll(seen, failed_us, store_denials=stored), served(seen)
    home = seen.scenario.topology.regions[0]
    near = [a for a in seen.measured if a.region == home]
    gone = found.lost | found.resurfaced
    after = [a for a in seen.answers if failed_us is not None and a.invoked_us >= failed_us]
    outage = [a for a in after if failed_us is not None and a.invoked_us < failed_us + OUTAGE_US]
    members = _members(world, system)
    leading = max(members, key=lambda one: (one.epoch, one.leads, one.journal.length), default=None)
    log = leading.journal.entries if leading is not None else []
    commands = len(seen.answers)
    kept = [entry_bytes(entry) for entry in log]
    return SchemeRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seen.seed,
        digest=seen.digest,
        commands=commands,
        denied_share=sum(a.outcome is Outcome.DENIED for a in seen.answers) / commands,
        latency_near_p50_ms=quantile(latencies_ms(near), 0.5),
        latency_near_p99_ms=quantile(latencies_ms(near), 0.99),
        latency_all_p50_ms=quantile(latencies_ms(seen.measured), 0.5),
        latency_all_p99_ms=quantile(latencies_ms(seen.measured), 0.99),
        failed_at_ms=None if failed_us is None else failed_us / 1000,
        acknowledged=len(found.acknowledged),
        at_risk=None if failed_us is None else len(found.acknowledged & _told_before(seen.answers, failed_us)),
        lost=len(found.lost),
        lost_age_ms=_age_ms(seen.answers, gone, failed_us),
        unsaved_ms=phase.unsaved_ms,
        every_ms=phase.every_ms,
        resurfaced=len(found.resurfaced),
        set_aside=found.set_aside,
        merged=found.merged,
        compensated=found.compensated,
        duplicates=found.duplicates,
        availability_all=answered_share(verdicts, seen.measured).share or 0.0,
        availability_outage=answered_share(verdicts, outage).share if outage else None,
        served_again_ms=None if failed_us is None else _served_again_ms(after, failed_us),
        promoted=len(seen.noted["promoted"]),
        forced=forced,
        log_bytes=sum(kept),
        events=len(log),
        bytes_per_command=sum(kept) / commands,
        events_per_command=len(log) / commands,
        decided_twice=_decided_twice(world) if world.trace.full else None,
        utilisation_busiest=max(seen.utilisation.values()),
        messages=seen.network["sent"],
        missing_members=seen.ledger.missing,
    )


def _failed_us(cell: Cell, scenario: Scenario) -> int | None:
    """When it fails; None in a control and where nothing but messages is lost."""
    if cell.scenario not in FAILURES:
        return None
    at = scenario.faults[0].at
    assert isinstance(at, int)
    return at


def _told_before(answers: Iterable[Answer], failed_us: int | None) -> frozenset[int]:
    """Commands whose event was there when it failed, and whose client was told."""
    if failed_us is None:
        return frozenset()
    # An answer that was on its way at the failure still arrives; a retry takes longer than that.
    return frozenset(
        a.command_id
        for a in answers
        if a.answered_us is not None and a.invoked_us < failed_us and a.answered_us < failed_us + ANSWER_US
    )


def _age_ms(answers: Iterable[Answer], gone: frozenset[int], failed_us: int | None) -> float | None:
    """How long before the failure the earliest of what is gone was acknowledged; its event is a little older."""
    if failed_us is None:
        return None
    ages = [failed_us - a.answered_us for a in answers if a.command_id in gone and a.answered_us is not None]
    return max(ages) / 1000 if ages else None


def _served_again_ms(after: Sequence[Answer], failed_us: int) -> float:
    """From the failure to the first answer to a command that was issued after it; infinite if there is none."""
    answered = [a.answered_us for a in after if a.answered_us is not None and a.outcome in _ANSWERS]
    return (min(answered) - failed_us) / 1000 if answered else inf


def _members(world: World, system: System) -> list[Shard]:
    """The members of the store that are up and know where they stand."""
    places = [Location(at_service(one.host, one.name)) for one in system.placements if one.kind is Shard]
    services = [world.service(place) for place in places]
    return [service for service in services if isinstance(service, Shard) and service.ready]


def _decided_twice(world: World) -> int:
    """Commands of which one attempt was accepted and another denied."""
    decided: dict[type, set[int]] = {Accepted: set(), Refused: set()}
    for row in world.trace.rows:
        if row.kind == "send" and row.message.__class__ in decided:
            decided[row.message.__class__].add(row.message.command_id)  # type: ignore[attr-defined]
    return len(decided[Accepted] & decided[Refused])
