"""Carries out the cells of an arm under one seed, each a world of its own, and counts what went wrong in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from math import fsum
from types import MappingProxyType
from typing import Final

from experiments.deliveries.arms import CALM, OUTBOX, POWER, POWER_MOVED, TAKEN_OVER, TRANSFER, DeliveryRow, kind_of
from experiments.deliveries.cells import faults_of, points_of
from experiments.experiment import Cell, RunResult
from experiments.measures import Observation, gather
from experiments.properties.deliveries import (
    effect_fates,
    money_conserved,
    outbox_delivers_all,
    outbox_in_order,
    processes_end,
)
from experiments.scenario import Scenario, load
from experiments.statistics import quantile
from models.delivery_ends import EffectFate, Error
from sim.checkers import Outcome, Verdict
from sim.faults import CrashKind, Fault

__all__ = ["Counted", "carry_out_cell", "count", "kind_at", "passage", "run_once", "scenario_of"]

#: The passages of a point that are struck, by seed in turns: late enough that something was done before.
_PASSAGES: Final = (3, 4, 5)
#: Effects have all ended by then: the last owner is back, or replaced, for two seconds.
_UNTIL: Final = "7s"
#: Of these a run has fewer; or what strikes must last while there are effects to come.
_EARLY: Final = frozenset({"E9", "M4", "M5"})
#: Two that may take over from each other, of whoever is one at a time.
_TWO: Final = MappingProxyType({TRANSFER: "managers", OUTBOX: "relays"})
#: Servers, where logs of orders and tenures need hosts that nobody strikes.
_APART: Final = 5


@dataclass(slots=True)
class Counted:
    """What went wrong in one cell, and how long effects took, microseconds."""

    struck: bool = False
    effects: int = 0
    errors: dict[Error, int] = field(default_factory=lambda: dict.fromkeys(Error, 0))
    unpromised: int = 0
    latencies_us: list[int] = field(default_factory=list)


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run every cell of an arm; without a crash there is one, the control."""
    scenario = scenario_of(cell)
    points = () if cell.scenario == CALM else tuple(points_of(cell.arm.name))
    kind = kind_at(cell.scenario)
    found: list[Counted] = []
    digest = ""
    for point in points or ("",):
        faults = faults_of(point, passage(point, seed), moved=cell.scenario in TAKEN_OVER, kind=kind) if point else ()
        seen = carry_out_cell(scenario, faults, seed)
        digest = _chained(digest, seen.digest)
        found.append(count(seen, cell.arm.name))
    waits = sorted(us / 1_000 for one in found for us in one.latencies_us)
    row = DeliveryRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=digest,
        cells=len(found),
        struck=sum(one.struck for one in found),
        effects=sum(one.effects for one in found),
        duplicates=_total(found, Error.DUPLICATE),
        omissions=_total(found, Error.OMISSION),
        orphans=_total(found, Error.ORPHAN),
        left=_total(found, Error.LEFT),
        open=_total(found, Error.OPEN),
        unpromised=sum(one.unpromised for one in found),
        # Of about ten effects the median is a matter of where a poll fell.
        latency_mean_ms=fsum(waits) / len(waits) if waits else None,
        latency_p50_ms=quantile(waits, 0.5) if waits else None,
        latency_p99_ms=quantile(waits, 0.99) if waits else None,
    )
    return RunResult(row=row, series=_by_point(found))


def scenario_of(cell: Cell) -> Scenario:
    """The scenario with the arm's system; with one owner where the host that dies starts again."""
    moved = cell.scenario in TAKEN_OVER
    if (several := _TWO.get(kind_of(cell.arm.name))) is not None:
        # The same world; the crash of the file is at a point that these do not pass.
        world = load(CALM).with_section("topology", {"hosts": _APART}) if moved else load(CALM)
        return world.with_system({**cell.arm.system, **({several: 2} if moved else {})})
    scenario = load(cell.scenario)
    owners = 2 if moved or cell.scenario == CALM else 1
    return scenario.with_system({**cell.arm.system, "owners": owners}).with_section("run", {"until": _UNTIL})


def passage(point: str, seed: int) -> int:
    """At which of its passages a point strikes."""
    return 1 if point in _EARLY else _PASSAGES[seed % len(_PASSAGES)]


def kind_at(scenario: str) -> CrashKind:
    """What whoever passes a point dies of."""
    return CrashKind.POWER_LOSS if scenario in (POWER, POWER_MOVED) else CrashKind.PROCESS_CRASH


def carry_out_cell(scenario: Scenario, faults: Sequence[Fault], seed: int) -> Observation:
    """Run a cell to its end."""
    seen = gather(replace(scenario, faults=tuple(faults)), seed)
    assert isinstance(seen, Observation), "a store keeps a ledger"
    return seen


def count(seen: Observation, arm: str) -> Counted:
    """What went wrong in a finished cell."""
    counted = Counted(struck=bool(seen.encounters) and len(seen.encounters) == len(seen.scenario.faults))
    kind = kind_of(arm)
    if kind == TRANSFER:
        money, ends = money_conserved(seen), processes_end(seen)
        lost = Error.OMISSION if "are gone" in money.reason else Error.DUPLICATE
        _judged(counted, lost, money)
        _judged(counted, Error.OPEN, ends)
    elif kind == OUTBOX:
        _judged(counted, Error.DUPLICATE, outbox_in_order(seen))
        _judged(counted, Error.OMISSION, outbox_delivers_all(seen))
    else:
        _effects(counted, seen, effect_fates(seen))
    return counted


def _judged(counted: Counted, error: Error, verdict: Verdict) -> None:
    """A cell that breaks a claim, or of which nobody can tell, breaks its promise."""
    if verdict.outcome is Outcome.INVALID:
        counted.errors[error] += 1
    counted.unpromised += verdict.outcome is not Outcome.VALID


def _effects(counted: Counted, seen: Observation, fates: Sequence[EffectFate]) -> None:
    assert seen.ledger.outside is not None
    may = seen.ledger.outside.promise.may
    for fate in fates:
        counted.effects += 1
        for error in fate.errors():
            counted.errors[error] += 1
            counted.unpromised += error not in may
        if fate.latency_us is not None:
            counted.latencies_us.append(fate.latency_us)
    counted.unpromised += not fates


def _total(found: Sequence[Counted], error: Error) -> int:
    return sum(one.errors[error] for one in found)


def _by_point(found: Sequence[Counted]) -> dict[str, list[int]]:
    """By point in order: whether it was struck, and what went wrong there."""
    return {
        "struck": [int(one.struck) for one in found],
        "duplicates": [one.errors[Error.DUPLICATE] for one in found],
        "omissions": [one.errors[Error.OMISSION] + one.errors[Error.LEFT] for one in found],
        "orphans": [one.errors[Error.ORPHAN] for one in found],
    }


def _chained(before: str, digest: str) -> str:
    """One digest for the worlds of a row."""
    if not before:
        return digest
    return blake2b(f"{before}{digest}".encode(), digest_size=16).hexdigest()
