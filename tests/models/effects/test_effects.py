"""Effects over a whole store: who owns, what a life of its own needs, and what is refused before a run."""

from __future__ import annotations

import pytest

from experiments.measures import Observation, gather
from experiments.nemesis import with_nemesis
from experiments.properties import judge
from experiments.properties.deliveries import effect_fates
from experiments.scenario import load
from experiments.scenario.problems import ScenarioError
from models.effects.domain import Complete, Effect, Intend, Intended, Request, Requested
from models.outbox.owning import OwnerOptions
from models.outbox.tenures import TakenOver, TakeOver, Tenure
from sim.checkers import Outcome


def test_each_tenure_intends_an_effect_once_and_none_after_a_later_one() -> None:
    domain = Effect()
    state = domain.evolve(domain.initial(), Requested(amount=5))
    assert domain.decide(state, Intend(tenure=2)) == Intended(tenure=2)
    state = domain.evolve(state, Intended(tenure=2))
    assert domain.told(state) == "intended 1"
    assert [type(domain.decide(state, Intend(tenure=n))).__name__ for n in (1, 2, 3)] == [
        "Denied",
        "Denied",
        "Intended",
    ]
    state = domain.evolve(state, domain.decide(state, Complete(tenure=2, receipt=1)))
    assert type(domain.decide(state, Request(amount=5))).__name__ == "Denied"


def test_of_two_that_ask_for_a_tenure_one_gets_it() -> None:
    domain = Tenure()
    first = domain.decide(domain.initial(), TakeOver(owner=2, after=0))
    assert first == TakenOver(owner=2, number=1)
    state = domain.evolve(domain.initial(), first)
    assert type(domain.decide(state, TakeOver(owner=1, after=0))).__name__ == "Denied"


def test_two_lives_of_an_owner_never_share_a_tenure() -> None:
    # The second had not read of the first's tenure, asked for it under the same key, and was told it was its own.
    under_faults, _ = with_nemesis(load("effect_printer"), 33)
    seen = gather(under_faults, 33)
    assert isinstance(seen, Observation)
    assert [fate for fate in effect_fates(seen) if fate.errors()] == []


def test_what_an_earlier_owner_persisted_meanwhile_is_asked_for_all_the_same() -> None:
    under_faults, _ = with_nemesis(load("effect_gateway"), 0)
    verdicts = judge(gather(under_faults, 0), under_faults.properties)
    assert {name for name, v in verdicts.items() if v.outcome is Outcome.INVALID} == set()


def test_an_effect_declared_idempotent_needs_a_receiver_with_dedup() -> None:
    with pytest.raises(ScenarioError, match=r"(?s)declared = \"idempotent\": receiver 'mailer' has no dedup.*give it"):
        load("effect_gateway").with_system({"receiver": "mailer"})
    load("effect_gateway").with_system({"dedup": 1})


def test_everything_wrong_with_a_system_is_told_at_once() -> None:
    wrong = {"receiver": "mailer", "declared": "queryable", "ordering": "act", "owners": 9}
    with pytest.raises(ScenarioError) as told:
        load("effect_printer").with_system(wrong)
    for part in ("orders nothing", "cannot be asked; choose", 'semantics = "ask-first"', "owners = 9: do not fit"):
        assert part in str(told.value)


def test_a_healthy_owner_must_not_be_suspected() -> None:
    with pytest.raises(ValueError, match="healthy owner would be suspected"):
        OwnerOptions(number=1, heartbeat_us=5, suspect_us=5)
