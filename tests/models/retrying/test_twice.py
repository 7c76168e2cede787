"""What may be asked for twice: hedged layers over a topology, effects done once, and what is refused before the run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from experiments.measures import Observation, carry_out, gather
from experiments.nemesis import with_nemesis
from experiments.properties import PROPERTIES
from experiments.scenario import Scenario, load
from experiments.scenario.problems import ScenarioError
from models.clients import Workload
from models.retrying.deployment import tiers
from models.retrying.tier import Tier
from models.system import Site
from sim.checkers import Outcome
from sim.topology import grid
from sim.world import World

SITE = Site(grid(("east",), clusters=1, hosts=4, cores=1, clients=2))
LOAD = Workload(rate_per_s=20, ends_us=3_000_000, deadline_us=1_000_000)
HEDGED: dict[str, Any] = {"hedge": "1ms", "attempts": 1, "depth": 1, "receiver": "gateway"}


def end_of(kind: type[Tier] = Tier, **options: Any) -> Observation:
    """A short run whose calls are all slower than the delay."""
    scenario = replace(load("retry_hedged_effects"), workload=LOAD, faults=(), warm_up_us=0, until_us=5_000_000)
    system = tiers(Site(scenario.topology), LOAD, tier_kind=kind, **HEDGED | options)
    world = World(topology=scenario.topology, latency=scenario.latency, hosts=scenario.hosts, seed=3)
    for placement in system.placements:
        world.place(placement)
    found = carry_out(world, system, scenario, 3)
    assert isinstance(found, Observation)
    return found


class KeyOfTheService(Tier):
    """Gives a request's effect a key of its own, so the receiver does it once for each service."""

    def once(self, op: int) -> int:
        return op << 8 | (int(self.ctx.location) >> 64) % 251


def judged(name: str, seen: Observation) -> Outcome:
    return PROPERTIES[name].holds(seen).outcome


def test_every_call_sent_twice_is_done_once_and_answered_once() -> None:
    seen = end_of()
    end = seen.ledger.retrying
    assert end is not None
    assert end.book is not None
    assert end.copies == 2 * end.calls
    assert len(end.book) == end.calls > 40
    assert {judged(name, seen) for name in ("done_once", "answered_once")} == {Outcome.VALID}


@pytest.mark.parametrize("seed", [0, 3])
def test_crashes_and_cuts_make_no_effect_twice(seed: int) -> None:
    under_faults, _ = with_nemesis(load("retry_hedged_effects"), seed)
    seen = gather(under_faults, seed)
    assert isinstance(seen, Observation)
    assert {judged(name, seen) for name in ("done_once", "answered_once", "ended_by_deadline")} == {Outcome.VALID}


def test_a_key_that_is_not_the_requests_own_is_caught() -> None:
    assert judged("done_once", end_of(KeyOfTheService)) is Outcome.INVALID


def test_a_tier_hedges_towards_the_one_below_and_users_do_not() -> None:
    seen = end_of(depth=2, hedge="", tier_hedge="1ms", tier_attempts=1, last_units=1)
    end = seen.ledger.retrying
    assert end is not None
    assert end.copies == 2 * end.calls > 80
    assert judged("done_once", seen) is Outcome.VALID


def test_requests_without_an_effect_leave_no_book() -> None:
    assert judged("done_once", end_of(receiver="")) is Outcome.UNKNOWN


def test_one_run_is_one_digest() -> None:
    short = shortened("retry_hedged_slow", until_us=9_000_000)
    assert gather(short, 2).digest == gather(short, 2).digest


def shortened(name: str, *, until_us: int) -> Scenario:
    scenario = load(name)
    return replace(
        scenario, until_us=until_us, workload=replace(scenario.workload, ends_us=until_us - 2_000_000), faults=()
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"receiver": "mailer"},
            r"receiver 'mailer' has no dedup: .*cannot be hedged; give the call a key",
        ),
        ({"receiver": "mailer", "hedge": "", "attempts": 2}, r"attempts=2: receiver 'mailer' has no dedup"),
        ({"attempts": 3}, "a call is hedged or retried, not both; set attempts to 1"),
        ({"breaker": True}, "copies go past a breaker"),
        ({"hedge": "1s"}, "not below the deadline of 1s, so no copy would ever go"),
        ({"tier_hedge": "5ms", "tier_attempts": 1}, "no tier asks another; set hedge"),
        ({"dedup": 60}, r"dedup=60 keys of about 60 requests.*remember at least 107"),
        ({"receiver": "", "dedup": 5}, "keys that nobody remembers"),
        ({"receiver": "gatway"}, "did you mean 'gateway'"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        tiers(SITE, LOAD, **HEDGED | options)


def test_a_scenario_that_hedges_what_would_be_done_twice_is_refused_with_every_mistake() -> None:
    with pytest.raises(ScenarioError) as told:
        load("retry_hedged_effects").with_system(
            {"receiver": "printer", "dedup": 0, "hedge": "p95:mots=3:budget=finagel"}
        )
    for part in ("cannot be hedged", "'mots' is no part of hedging; did you mean 'most'", "did you mean 'finagle'"):
        assert part in str(told.value)
