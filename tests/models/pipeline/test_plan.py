"""What is written of stages becomes a chain on one host or two, and every mistake is told."""

from __future__ import annotations

import re

import pytest

from models.pipeline import PipelineOptions, plan_of
from models.pipeline.plan import UNBOUNDED
from sim.topology import at_service, pack_location

STAGES = "accept:8 authenticate:4 validate:4 route:4 execute:4*2 reply:4"
FLOW = "accept > authenticate > validate > route > execute > reply"
STORE = at_service(pack_location(1, 1, 1), "store")


def names(stages: tuple[object, ...]) -> list[str]:
    return [stage.name for stage in stages]  # type: ignore[attr-defined]


def test_a_chain_on_one_host_keeps_reply_apart() -> None:
    plan = plan_of(STAGES, FLOW)
    assert names(plan.near) == ["accept", "authenticate", "validate", "route", "execute"]
    assert (plan.far, plan.reply.capacity, plan.near[-1].workers) == ((), 4, 2)


def test_from_a_stage_on_it_runs_on_the_second_host_up_to_execute() -> None:
    plan = plan_of(STAGES, FLOW, "validate")
    assert (names(plan.near), names(plan.far)) == (["accept", "authenticate"], ["validate", "route", "execute"])


def test_two_stages_may_be_left_out() -> None:
    plan = plan_of("accept:1 route:1 execute:1 reply:1", "accept > route > execute > reply")
    assert names(plan.near) == ["accept", "route", "execute"]


def test_without_bounds_nothing_else_changes() -> None:
    plan = plan_of(STAGES, FLOW).unbounded()
    assert [(s.name, s.workers, s.capacity) for s in plan.near][-1] == ("execute", 2, UNBOUNDED)


@pytest.mark.parametrize(
    ("stages", "flow", "away", "told"),
    [
        (STAGES.replace("route:4", "route"), FLOW, "", "stage 'route' has no capacity"),
        (STAGES.replace("route:4", "route:0"), FLOW, "", "stage 'route:0' has no capacity"),
        (STAGES.replace("*2", "*0"), FLOW, "", "stage 'execute:4*0' has nobody to work"),
        (STAGES + " audit:4", FLOW, "", "'audit' is no stage"),
        (STAGES, FLOW + " > audit", "", "flow names 'audit', which is no stage"),
        (STAGES, FLOW.replace("execute >", "execute > validate >"), "", "flow comes back to validate"),
        (STAGES + " route:4", FLOW, "", "stage 'route' is given twice"),
        (STAGES, FLOW.replace("validate > ", ""), "", "stage 'validate' is in no flow"),
        (STAGES.replace("validate:4 ", ""), FLOW, "", "flow passes 'validate', of which `stages` says nothing"),
        ("accept:1 route:1 reply:1", "accept > route > reply", "", "flow goes without execute"),
        (STAGES, "route > execute > accept > authenticate > validate > reply", "", "let it go from accept to reply"),
        (STAGES, "accept > route > validate > authenticate > execute > reply", "", "put the one right before"),
        (STAGES, FLOW, "execute", "away='execute' begins nothing"),
        (STAGES, FLOW, "accept", "away='accept' begins nothing"),
    ],
)
def test_what_makes_no_chain_is_refused(stages: str, flow: str, away: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        plan_of(stages, flow, away)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"no capacity.*comes back to accept"):
        plan_of(STAGES.replace("route:4", "route"), FLOW + " > accept")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"lease_us": 300_000, "beat_us": 200_000}, "shorter than two heartbeats"),
        ({"full": "drop"}, "full='drop' is nothing to do with a request"),
        ({"fails": "execute"}, "go together"),
        ({"fails": "audit", "fails_every_us": 1}, "is no stage"),
        ({"members": ()}, "there is no store to ask"),
        ({"respawn_us": 0}, "respawn_us=0 is none"),
        ({"plan": plan_of(STAGES, FLOW, "route")}, "none is named"),
    ],
)
def test_a_server_is_not_told_what_makes_no_sense(wrong: dict[str, object], told: str) -> None:
    options: dict[str, object] = {"plan": plan_of(STAGES, FLOW), "members": ((STORE,),)}
    with pytest.raises(ValueError, match=told):
        PipelineOptions(**options | wrong)  # type: ignore[arg-type]
