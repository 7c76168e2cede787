"""Managers that follow each other: what the keys of steps are good for, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.measures import Observation, gather
from experiments.properties import judge
from experiments.scenario import Scenario, ScenarioError, load
from experiments.scenario.property import Mode, PropertyUse
from models.processes.definition import Step
from models.processes.deployment import lay_out
from models.processes.owned import OwnedManager
from models.system import Site, System
from sim.checkers import Outcome


class Personal(OwnedManager):
    """Asks for each step in its own name: what the owner before has asked for, nobody knows."""

    def key_of(self, key: int, step: Step) -> int:
        return super().key_of(key, step) + self.options.number


def personal(site: Site, workload: Any, *, ceiling: int = 500, managers: int = 3) -> System:
    return lay_out(site, workload, Personal, ceiling=ceiling, managers=managers)


def outcomes(scenario: Scenario, *names: str) -> list[Outcome]:
    seen = gather(scenario, 1)
    assert isinstance(seen, Observation)
    assert seen.noted["outdone"], "nobody came back"
    return [v.outcome for v in judge(seen, [PropertyUse(name=n, mode=Mode.ALWAYS) for n in names]).values()]


@pytest.mark.parametrize("lets_go", [True, False])
def test_an_old_manager_may_let_go_or_go_on_since_keys_of_steps_fence_it(lets_go: bool) -> None:
    scenario = load("process_moved").with_system({"lets_go": lets_go})
    assert outcomes(scenario, "processes_end", "money_conserved") == [Outcome.VALID, Outcome.VALID]


def test_managers_with_keys_of_their_own_make_money() -> None:
    scenario = load("process_moved").with_section("system", {"factory": f"{__name__}:personal"})
    assert outcomes(scenario, "money_conserved") == [Outcome.INVALID]


def test_there_is_a_server_for_each_manager_and_none_is_suspected_between_two_heartbeats() -> None:
    with pytest.raises(ScenarioError) as told:
        load("process_moved").with_system({"managers": 9, "suspect": "1ms"})
    assert "managers = 9: do not fit on 3 servers" in str(told.value)
    assert "a healthy owner would be suspected" in str(told.value)
