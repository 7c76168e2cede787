"""One scenario under one policy: who was served before, during and after the trigger, and how long until all are."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple, Protocol

from experiments.experiment import Cell, RunResult
from experiments.measures import carry_out
from experiments.scenario import Scenario, build, load
from experiments.storms.arms import StormRow
from models.retrying.tier import Tier
from models.system import System
from sim.history import History, Kind
from sim.world import World

__all__ = ["STEP_US", "Asked", "measured", "recovered_us", "run_once", "share_done", "timeline"]

#: Width of a step of the timelines, and of the grain in which recovery is measured.
STEP_US: Final = 500_000
#: Requests of so many steps must be done in this share for the service to have recovered.
_STEPS: Final = 6
_SHARE: Final = 0.9


class Asked(Protocol):
    """A request of a user, as a row and a timeline count it."""

    @property
    def t_us(self) -> int:
        """When it was issued."""
        ...

    @property
    def done(self) -> bool:
        """Whether it was done in time."""
        ...


class _Request(NamedTuple):
    """When it was issued, and whether it was done in time."""

    t_us: int
    done: bool


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one scenario under the arm's policy."""
    return measured(load(cell.scenario).with_system(cell.arm.system), cell, seed)


def measured(scenario: Scenario, cell: Cell, seed: int) -> RunResult:
    """Run a scenario, which may be a shorter one than the cell's, and measure it."""
    world, system = build(scenario, seed)
    begin_us, heal_us = _trigger(scenario)
    from_us = scenario.warm_up_us if heal_us is None else heal_us
    at_heal: list[int] = []
    looks = {from_us: lambda: at_heal.append(_attempts(world, system))}
    seen = carry_out(world, system, scenario, seed, looks=looks)
    requests = _requests(seen.history)
    after = [one for one in requests if one.t_us >= from_us]
    recovered = None if heal_us is None else recovered_us(requests, heal_us, scenario.workload.ends_us)
    tiers = [one for one in _services(world, system) if isinstance(one, Tier)]
    row = StormRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=seen.digest,
        requests=len(requests),
        done_before=share_done([one for one in requests if scenario.warm_up_us <= one.t_us < begin_us]),
        done_during=share_done([one for one in requests if begin_us <= one.t_us < from_us]) if heal_us else 1.0,
        done_after=share_done([one for one in after if one.t_us >= scenario.workload.ends_us - 10_000_000]),
        amplification=(_attempts(world, system) - at_heal[0]) / max(1, len(after)),
        recovered_s=None if recovered is None else recovered / 1_000_000,
        recovery_censored=int(recovered == inf),
        executed=sum(one.executed for one in tiers if not one.options.below),
        done=sum(one.done for one in requests),
        refused=sum(one.intake.refused for one in tiers),
        passed_over=sum(one.intake.passed_over for one in tiers),
        utilisation_busiest=max(seen.utilisation.values()),
    )
    return RunResult(row=row, series=timeline(requests, scenario.workload.ends_us))


def recovered_us(requests: Sequence[tuple[int, bool]], heal_us: int, ends_us: int) -> float:
    """From the heal to the first step from which the requests of three seconds are done but for one in ten.

    Args:
        requests: When each was issued, and whether it was done in time; in order of time.
        heal_us: When the trigger was over.
        ends_us: When the load is.
    """
    for begin_us in range(heal_us, ends_us - _STEPS * STEP_US + 1, STEP_US):
        inside = [done for t_us, done in requests if begin_us <= t_us < begin_us + _STEPS * STEP_US]
        if inside and sum(inside) >= _SHARE * len(inside):
            return begin_us - heal_us
    return inf


def _trigger(scenario: Scenario) -> tuple[int, int | None]:
    """When the only fault begins and ends; without one the end of the load, and None."""
    if not scenario.faults:
        return scenario.workload.ends_us, None
    (fault,) = scenario.faults
    assert isinstance(fault.at, int)
    assert fault.for_us is not None, "a trigger has an end"
    return fault.at, fault.at + fault.for_us


def _services(world: World, system: System) -> list[object]:
    return [world.service(location) for locations in system.stores.values() for location in locations]


def _attempts(world: World, system: System) -> int:
    """Attempts that were made at the last tier so far."""
    return sum(one.attempts_below for one in _services(world, system) if isinstance(one, Tier))


def _requests(history: History) -> list[_Request]:
    pairs = history.pairs()
    return [_Request(begun.t_us, ended is not None and ended.kind is Kind.OK) for begun, ended in pairs]


def share_done(requests: Sequence[Asked]) -> float:
    """The share of requests that were done; 0 of none."""
    return sum(one.done for one in requests) / len(requests) if requests else 0.0


def timeline(requests: Sequence[Asked], ends_us: int) -> dict[str, list[float]]:
    """By step of the load: when it begins, and the share of the requests issued in it that were done."""
    begins, shares = [], []
    for begin_us in range(0, ends_us, STEP_US):
        issued = [one for one in requests if begin_us <= one.t_us < begin_us + STEP_US]
        if issued:
            begins.append(begin_us / 1_000_000)
            shares.append(share_done(issued))
    return {"begin_s": begins, "done": shares}
