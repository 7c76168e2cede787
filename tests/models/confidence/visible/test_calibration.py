"""Whether chances that clients are told can be true: verdicts over runs that nobody had looked at, and twins to catch.

Bins are equal on a logit axis, with bars of consistency, and runs are resampled as wholes (`experiments.calibration`).
Each check is shown to catch somebody who is miscalibrated by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache

import pytest
from numpy.random import PCG64, Generator

from experiments.calibration import Said, Verdict, brier_skill, verdict
from experiments.measures.observation import Observation, observe
from experiments.scenario import Scenario, load
from models.deployment import region_split
from models.ledger import Status
from models.system import System
from models.tenancy import asked_as
from sim.faults import Fault
from tests.models.confidence.visible import former

S = 1_000_000
VERSION = (1 << 32) - 1
#: A view's owner says that nothing is new every 200 ms; what is read earlier than that everybody says the same of.
QUIET_US = 300_000
#: A chance, and whether it came true.
Pairs = Iterable[tuple[float, bool]]


def told(runs: Iterable[Observation], pairs: Callable[[Observation], Pairs]) -> list[Said]:
    found = []
    for seen in runs:
        samples = list(pairs(seen))
        found.append(Said(chances=[chance for chance, _ in samples], outcomes=[so for _, so in samples]))
    return found


def off(found: Verdict) -> list[tuple[float, float, int]]:
    return [(round(one.said, 3), round(one.came, 3), one.samples) for one in found.off]


# -- acceptances -------------------------------------------------------------------------------


def survivals(seen: Observation) -> Iterator[tuple[float, bool]]:
    assert seen.ledger.visible is not None
    status = {event.command_id: event.status for event in seen.events()}
    for op, said in seen.ledger.visible.survivals:
        if status.get(op) not in (None, Status.TENTATIVE):
            yield said.survives, status[op] is Status.MERGED


@cache
def split(make: Callable[..., System] = region_split, runs: int = 10) -> list[Said]:
    scenario = load("confidence_split")
    scenario = replace(scenario, system=replace(scenario.system, make=make))
    return told((observe(scenario, seed) for seed in range(1_000, 1_000 + runs)), survivals)


def test_as_many_acceptances_survive_as_was_said_of_each_chance() -> None:
    found = verdict(split())
    assert found.judged >= 4
    assert off(found) == []
    skill = brier_skill(split())
    assert skill is not None
    assert skill > 0.1


def test_a_posterior_that_takes_writes_for_poisson_and_conflicts_for_alike_is_caught() -> None:
    found = verdict(split(former.region_split, 8))
    assert found.calibrated is False
    assert all(one.said > one.came for one in found.off)


# -- reads -------------------------------------------------------------------------------------


def reads(seen: Observation) -> Iterator[tuple[float, bool]]:
    """Of views that hear nothing: fresh is what has all that was acknowledged by then; all clocks agree here."""
    acknowledged = {row.op: row.t_us for row in seen.history if row.f == "append" and row.kind == "ok"}
    assert seen.ledger.visible is not None
    for said in seen.ledger.visible.reads:
        if (said.freshness.bound_us or 0) > QUIET_US:
            events = seen.ledger.final.get(said.freshness.key, ())
            there = sum(acknowledged.get(event.command_id, 1 << 60) <= said.freshness.at_us for event in events)
            yield said.freshness.fresh, there <= said.version


@cache
def cut_off() -> list[Said]:
    scenario = replace(load("confidence_reads"), until_us=12_500_000)
    return told((observe(scenario, seed) for seed in range(1_000, 1_006)), reads)


def test_as_many_reads_across_a_cut_are_fresh_as_was_said() -> None:
    found = verdict(cut_off())
    assert found.judged >= 4
    assert off(found) == []


def test_a_view_that_counts_half_of_its_silence_is_caught() -> None:
    half = [replace(run, chances=[chance**0.5 for chance in run.chances]) for run in cut_off()]
    found = verdict(half)
    assert found.calibrated is False
    assert all(one.said > one.came for one in found.off)


# -- commands ----------------------------------------------------------------------------------


def cuts(seed: int) -> Iterator[Fault]:
    """As the clients of the scenario believe that they come: one in 10 s, of 3 s."""
    draws, at_s = Generator(PCG64(seed)), 2.0
    while (at_s := at_s + float(draws.exponential(10.0))) < 24:
        lasts_s = float(draws.exponential(3.0))
        yield Fault(
            id=f"cut{at_s:.3f}",
            kind="partition-full",
            targets=("us-east-1",),
            at=round(at_s * S),
            for_us=max(1, round(lasts_s * S)),
        )
        at_s += lasts_s


def waiting(seed: int) -> Scenario:
    scenario = load("confidence_waiting")
    workload = replace(scenario.workload, rate_per_s=8.0, ends_us=26 * S)
    return replace(scenario, workload=workload, faults=tuple(cuts(seed)))


@cache
def on_connections() -> tuple[Observation, ...]:
    return tuple(observe(waiting(seed), seed) for seed in range(1_000, 1_010))


def fates(seen: Observation) -> Iterator[tuple[tuple[float, float, float], int]]:
    """What was said, and which it was: executed by then, later, never."""
    assert seen.ledger.visible is not None
    executed_us = {event.command_id: event.accepted_us for event in seen.events()}
    asked_us = {one.command_id: one.invoked_us for one in seen.answers}
    for op, said in seen.ledger.visible.outcomes:
        at_us = executed_us.get(op)
        came = 2 if at_us is None else int(at_us > asked_us[op] + said.silent_us)
        yield (said.executed, said.will_execute, said.lost), came


@pytest.mark.parametrize("which", [0, 1, 2], ids=["executed", "will-execute", "lost"])
def test_as_many_commands_are_executed_and_will_be_and_are_lost_as_was_said(which: int) -> None:
    runs = told(on_connections(), lambda seen: [(said[which], came == which) for said, came in fates(seen)])
    found = verdict(runs)
    assert found.judged >= 1
    assert off(found) == []


def test_what_is_rather_to_be_executed_is_after_the_heal() -> None:
    likely = [(said, came) for seen in on_connections() for said, came in fates(seen) if said[1] > 0.5]
    assert len(likely) > 50
    assert sum(came == 1 for _, came in likely) > 0.5 * len(likely)


def test_who_takes_for_lost_what_waits_in_a_connection_is_caught() -> None:
    """As on datagrams: what met a cut is lost."""
    runs = told(on_connections(), lambda seen: [(1 - said[0], came == 2) for said, came in fates(seen)])
    assert verdict(runs).calibrated is False


# -- questions ---------------------------------------------------------------------------------


def looks(seen: Observation) -> Iterator[tuple[float, bool]]:
    """When an answer arrives: fresh is what has all that was written by then; before 3 s the prior speaks."""
    tenants = seen.ledger.tenants
    arrived_us = {row.op: row.t_us for row in seen.history if row.kind == "ok"}
    written: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for event in seen.events():
        written.setdefault((event.account, event.tenant), []).append((event.accepted_us, event.address & VERSION))
    assert seen.ledger.visible is not None
    for said in seen.ledger.visible.reads:
        if (at_us := arrived_us[said.op]) > 3 * S:
            events = written.get((said.freshness.key, asked_as(said.op, tenants)[0]), ())
            yield said.freshness.fresh, all(t_us > at_us or version <= said.version for t_us, version in events)


@cache
def asked() -> list[Said]:
    return told((observe(load("confidence_looks"), seed) for seed in range(1_000, 1_005)), looks)


def test_as_many_answers_still_hold_when_they_arrive_as_was_said() -> None:
    found = verdict(asked())
    assert found.judged >= 4
    assert off(found) == []


def test_who_takes_the_way_back_for_half_as_long_is_caught() -> None:
    half = [replace(run, chances=[chance**0.5 for chance in run.chances]) for run in asked()]
    assert verdict(half).calibrated is False
