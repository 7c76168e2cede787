"""Whole API servers before a store: what bounds and two-way closes are worth, and what is refused before a run."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.measures import latencies_ms, observe
from experiments.scenario import Scenario, ScenarioError, load, parse
from experiments.statistics import quantile
from models.pipeline_end import PipelineEnd


def run(name: str, **system: Any) -> tuple[float, PipelineEnd]:
    """How long nine in ten of the commands of the east took at most, milliseconds, and how servers ended."""
    seen = observe(shorter(name).with_system(system), 1)
    assert seen.ledger.pipeline is not None
    waits = latencies_ms(answer for answer in seen.answers if answer.region == "east")
    return quantile(waits, 0.9), seen.ledger.pipeline


def shorter(name: str) -> Scenario:
    document: dict[str, Any] = {key: dict(value) if isinstance(value, dict) else value for key, value in _of(name)}
    document["run"]["until"] = "9s"
    document["workload"]["ends"] = "4s"
    return parse(document, name=name, file=f"{name}.toml", text="")


def _of(name: str) -> Any:
    return load(name).document.items()


def test_who_is_refused_at_a_full_pipe_is_served_sooner_than_who_waits_in_one_without_bounds() -> None:
    sooner, with_bounds = run("pipeline_overload")
    later, without = run("pipeline_overload", bounded=False)
    assert sooner < later - 50
    assert max(end.longest for end in with_bounds.servers) <= 5
    assert max(end.longest for end in without.servers) > 10
    assert with_bounds.told["accept"] > 0
    assert without.told["deadline"] > with_bounds.told.get("deadline", 0)


def test_closes_that_travel_one_way_leave_stages_behind() -> None:
    options = {"fails": "execute", "fails_every": "1s"}
    _, both = run("pipeline_calm", **options)
    _, one_way = run("pipeline_calm", closes="downstream", **options)
    assert [end.held for end in both.servers] == [(), ()]
    assert all(len(end.held) >= 6 for end in one_way.servers)


def test_two_runs_of_a_seed_are_one() -> None:
    assert run("pipeline_cut") == run("pipeline_cut")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"stages": "accept route:1 execute:1 reply:1"}, "no capacity"),
        ({"flow": "accept > authenticate > validate > route > execute > route > reply"}, "flow comes back to route"),
        ({"flow": "accept > audit > reply"}, "'audit', which is no stage"),
        ({"lease": "300ms", "beat": "200ms"}, "shorter than two heartbeats"),
        ({"closes": "upstream"}, "no way that closes travel"),
        ({"stranger_every": -1}, "stranger_every = -1: negative"),
    ],
)
def test_bad_input_is_refused_before_the_run(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        load("pipeline_calm").with_system(wrong)
