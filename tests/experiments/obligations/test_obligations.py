"""Obligations of merge policies: every shipped one keeps its own, and every wrong one is caught with few steps."""

import pytest

from experiments.confluence import DOMAINS
from experiments.obligations import Case, broken_obligation, exercised, tried
from models.merging import meaning_of
from models.merging.policies import POLICIES
from models.merging.policy import Obligation, UnfitPolicy, fit
from tests.experiments.obligations.merge_controls import CONTROLS

FITTING = [
    (name, domain)
    for name in POLICIES
    for domain, trial in DOMAINS.items()
    if not tuple(POLICIES[name](trial.domain, meaning_of(trial.domain), (1, 2, 3)).refusals())
]


def case_of(policy: str, domain: str) -> Case:
    trial = DOMAINS[domain]
    made = POLICIES[policy](trial.domain, meaning_of(trial.domain), (1, 2, 3))
    return Case(domain=trial.domain, policy=made, commands=trial.commands)


@pytest.mark.parametrize(("policy", "domain"), FITTING)
def test_a_shipped_policy_keeps_what_it_promises(policy: str, domain: str) -> None:
    broken = broken_obligation(case_of(policy, domain), range(2))
    assert broken is None, "\n".join(broken.lines())


@pytest.mark.parametrize(
    ("policy", "domain"), [("observed", "cart"), ("canonical-replay", "transfer"), ("siblings", "seats")]
)
def test_an_invariant_is_kept_though_the_policy_does_not_promise_it_of_every_domain(policy: str, domain: str) -> None:
    assert broken_obligation(case_of(policy, domain), range(10), [Obligation.INVARIANT]) is None


@pytest.mark.parametrize(("policy", "domain"), FITTING)
def test_what_could_go_wrong_is_met(policy: str, domain: str) -> None:
    met = exercised(case_of(policy, domain), range(3))
    always = ("concurrent", "came again", "held behind a gap", "restarts", "several settled at once")
    assert [name for name in always if not met[name]] == []


@pytest.mark.parametrize(
    ("policy", "domain", "name"),
    [
        ("canonical-replay", "bank-account", "compensated"),
        ("accept-and-apologise", "seats", "compensated"),
        ("last-writer", "counter", "compensated"),
        ("siblings", "profile", "opened"),
        ("observed", "profile", "opened"),
        ("escrow", "floored-counter", "refused"),
    ],
)
def test_what_a_policy_is_for_is_met(policy: str, domain: str, name: str) -> None:
    assert exercised(case_of(policy, domain), range(5))[name] > 0


@pytest.mark.parametrize("name", CONTROLS)
def test_a_wrong_merge_is_caught_and_shrunk(name: str) -> None:
    control = CONTROLS[name]
    case = control.wrong()
    broken = broken_obligation(case, range(30), [control.obligation])
    assert broken is not None
    assert broken.obligation is control.obligation
    assert len(broken.steps) <= 10
    # Each step is needed.
    for place in range(len(broken.steps)):
        fewer = [*broken.steps[:place], *broken.steps[place + 1 :]]
        assert not tried(case, control.obligation, fewer, broken.seed)


@pytest.mark.parametrize("name", CONTROLS)
def test_the_same_without_the_mistake_is_not(name: str) -> None:
    control = CONTROLS[name]
    assert broken_obligation(control.twin(), range(30), [control.obligation]) is None


@pytest.mark.parametrize(
    ("policy", "domain", "told"),
    [
        ("commutative", "seats", "Taken is not known to commute"),
        ("accept-and-apologise", "cart", "nothing says how a broken one is made good"),
        ("last-writer-by-field", "transfer", "nothing says what Ordered writes"),
    ],
)
def test_a_policy_without_a_rule_for_an_event_is_refused(policy: str, domain: str, told: str) -> None:
    case = case_of(policy, domain)
    with pytest.raises(UnfitPolicy, match=told):
        fit(case.policy, case.domain)
