"""Effects by risk over a whole store: what is promised, refused, and warned of."""

from __future__ import annotations

import pytest

from experiments.measures import gather
from experiments.nemesis import with_nemesis
from experiments.properties import judge
from experiments.scenario import build, load
from experiments.scenario.problems import ScenarioError
from models.confidence import OutOfReach
from models.delivery_ends import Error
from models.effects.outside import receiver_of
from models.effects.performing import Ordering
from models.effects.promises import promise_of
from models.effects.risk import RiskRule, Rung
from models.effects.risk.deployment import ladder_of, rule_of
from sim.checkers import Outcome


def rule(ladder: str, cost_of_duplicate: float = 10.0) -> RiskRule:
    return rule_of(ladder, cost_of_duplicate=cost_of_duplicate, cost_of_loss=1.0, give_up_us=5_000_000)


@pytest.mark.parametrize("scenario", ["risk_fence", "risk_parks", "risk_same_key"])
def test_what_is_promised_is_kept_under_faults(scenario: str) -> None:
    under_faults, _ = with_nemesis(load(scenario), 3)
    verdicts = judge(gather(under_faults, 3), under_faults.properties)
    assert {name for name, verdict in verdicts.items() if verdict.outcome is Outcome.INVALID} == set()


def test_every_rung_settles_what_the_one_before_it_could_not() -> None:
    scenario = load("risk_ladder")
    verdicts = judge(gather(scenario, 1), scenario.properties)
    assert {verdict.outcome for verdict in verdicts.values()} == {Outcome.VALID}
    assert {"settled_by_asking", "settled_by_fence", "settled_by_key", "parked"} < verdicts.keys()


def test_a_rung_that_is_not_there_settles_nothing() -> None:
    scenario = load("risk_ladder").with_system({"ladder": "fence"})
    verdicts = judge(gather(scenario, 1), scenario.properties)
    assert {name for name, one in verdicts.items() if one.outcome is Outcome.INVALID} == {"settled_by_key"}


def test_on_connections_a_duplicate_may_come_only_of_what_costs_nothing_or_of_a_no_without_a_fence() -> None:
    mailer, printer = receiver_of("mailer"), receiver_of("printer")
    open_printer = receiver_of("printer", fences=False)
    assert Error.DUPLICATE not in promise_of(Ordering.INTENT, rule("risk"), mailer).may
    assert Error.DUPLICATE not in promise_of(Ordering.INTENT, rule("fence+risk"), printer).may
    assert Error.DUPLICATE in promise_of(Ordering.INTENT, rule("risk", 1e-4), mailer).may
    assert Error.DUPLICATE in promise_of(Ordering.INTENT, rule("query"), open_printer).may
    assert Error.DUPLICATE not in promise_of(Ordering.INTENT, rule("same-key"), receiver_of("gateway")).may


def test_a_threshold_that_waiting_never_reaches_is_warned_of() -> None:
    with pytest.warns(OutOfReach, match="on a connection a request that waits is executed after the heal"):
        build(load("risk_parks").with_system({"ladder": "risk"}), 0)


def test_everything_wrong_is_told_at_once() -> None:
    wrong = {"ladder": "fance", "cost_of_duplicate": -1.0, "give_up": "0s", "receiver": "mailer"}
    with pytest.raises(ScenarioError) as told:
        load("risk_fence").with_system(wrong)
    for part in ("'fance'; did you mean 'fence'", "system.cost_of_duplicate = -1.0", "system.give_up = "):
        assert part in str(told.value)
    with pytest.raises(ScenarioError, match=r"rung.*for each of 3 rungs is more than"):
        load("risk_ladder").with_system({"rung": "2s"})
    with pytest.raises(ScenarioError, match="both costs are 0"):
        load("risk_fence").with_system({"cost_of_duplicate": 0.0, "cost_of_loss": 0.0})
    with pytest.raises(ScenarioError, match="'fence', and receiver 'mailer' does not tell and fence"):
        load("risk_fence").with_system({"receiver": "mailer"})


def test_rungs_are_joined_by_a_plus() -> None:
    assert ladder_of("") == ()
    assert ladder_of("same-key+fence") == (Rung.SAME_KEY, Rung.FENCE)
