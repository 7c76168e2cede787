"""Readers come and go: what the operator says in each round, what a plan may be, and who owns what in the end."""

from __future__ import annotations

import pytest

from experiments.measures import Observation, gather
from experiments.properties import judge
from experiments.scenario import ScenarioError, load
from experiments.scenario.property import Mode, PropertyUse
from models.reading.staffing import READER, Staff, StaffPlan
from models.reading.words import Reads, Seat
from sim.checkers import Outcome
from sim.testing.fake import FakeContext
from sim.topology import at_service, pack_location

HOSTS = tuple(pack_location(1, 1, host) for host in (2, 3, 4))
SEATS = tuple((host, at_service(host, f"projector-{seat}")) for seat, host in enumerate(HOSTS))
PLAN = StaffPlan(first=1, grown=3, grows_us=500_000, shrunk=2, shrinks_us=1_500_000, every_us=100_000)


def said(ctx: FakeContext) -> dict[int, bool]:
    """What each seat was told last."""
    return {msg.seat: msg.reads for _, msg in ctx.sent if isinstance(msg, Reads)}


def test_so_many_read_as_the_plan_says_at_an_instant() -> None:
    assert [PLAN.wanted(t_us) for t_us in (0, 499_999, 500_000, 1_499_999, 1_500_000)] == [1, 1, 3, 3, 2]
    assert (PLAN.seats, PLAN.last) == (3, 2)


def test_an_operator_that_died_says_and_asks_again_what_should_be() -> None:
    ctx = FakeContext()
    ctx.advance(600_000)
    ctx.start(Staff(ctx, PLAN, SEATS))
    ctx.advance(1)
    assert [(service, config) for _, service, config, *_ in ctx.provisioned] == [
        (READER, Seat(number=1)),
        (READER, Seat(number=2)),
    ]
    assert said(ctx) == {0: True}
    ctx.advance(1_000_000)
    assert said(ctx) == {0: True, 2: False}


def test_everything_wrong_with_a_plan_is_told_at_once_before_a_run() -> None:
    wrong = {"consumers": 3, "grown": 2, "grows": "5s", "shrunk": 4, "shrinks": "4s", "provision": "0s"}
    with pytest.raises(ScenarioError) as told:
        load("reading_scales").with_system(wrong)
    for part in ("grown = 2: no more than the 3", "shrunk = 4: no fewer", 'shrinks = "4 s": not after', "no time"):
        assert part in str(told.value)
    with pytest.raises(ScenarioError, match="go together: how many, and when"):
        load("projection_calm").with_system({"grown": 4})
    with pytest.raises(ScenarioError, match="changes in mode async, for one version"):
        load("reading_scales").with_system({"rebuild": "5s"})


def test_who_never_let_go_is_held_against_the_read_side() -> None:
    scenario = load("reading_scales").with_section("workload", {"ends": "4s"}).with_section("run", {"until": "6s"})
    seen = gather(scenario, 1)
    assert isinstance(seen, Observation)
    (verdict,) = judge(seen, [PropertyUse(name="readers_share", mode=Mode.ALWAYS)]).values()
    # The run ends before the plan shrinks: four still share, and two of them should not.
    assert verdict.outcome is Outcome.INVALID
    assert "and should be" in verdict.reason
