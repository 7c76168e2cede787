"""Which domains can be split: the textbook's answers, and those of the shipped domains by merge rule."""

import pytest

from experiments.confluence import DOMAINS, RULES, TEXTBOOK, Case, apply_all, replay, split_domain, split_policy
from models.domain import Domain
from models.domains.bank_account import BankAccount, Deposit, Withdraw
from models.domains.counter import Add, Counter
from models.domains.shipped import shipped
from models.domains.username import Claim, Username
from models.merging.policies import CanonicalReplay, LastWriter
from sim.checkers.confluence import Confluence, confluent


@pytest.mark.parametrize("case", TEXTBOOK.values(), ids=TEXTBOOK)
def test_the_checker_agrees_with_the_textbook(case: Case) -> None:
    assert confluent(case.system, depth=5).outcome is case.known


def test_every_shipped_domain_is_tried() -> None:
    assert set(DOMAINS) >= set(shipped().domains)


ANSWERS = {
    "apply-all": {
        "bank-account": "broken",
        "transfer": "broken",
        "household": "broken",
        "inventory": "broken",
        "seats": "broken",
        "username": "broken",
        "cart": "confluent",
        "counter": "confluent",
        "floored-counter": "broken",
        "auction": "confluent",
        "profile": "confluent",
    },
    # Replayed, no invariant breaks; what it costs is what had been promised.
    "replay": dict.fromkeys(DOMAINS, "compensation owed") | {"counter": "confluent", "profile": "confluent"},
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", DOMAINS)
def test_a_domain_and_a_merge_rule_have_their_answer(name: str, rule: str) -> None:
    trial = DOMAINS[name]
    assert (
        str(confluent(split_domain(trial.domain, trial.commands, RULES[rule]), depth=3).outcome) == ANSWERS[rule][name]
    )


def test_the_counterexample_names_the_commands() -> None:
    answer = confluent(split_domain(BankAccount(opening_balance=5), (Withdraw(amount=3),), apply_all), depth=2)
    assert (answer.left, answer.right) == ((Withdraw(amount=3),), (Withdraw(amount=3),))
    assert answer.merged is not None
    assert answer.merged.state.balance == -1


def test_who_was_told_yes_and_is_taken_back_is_named() -> None:
    answer = confluent(split_domain(Username(), (Claim(person=1), Claim(person=2)), replay), depth=2)
    assert answer.reason == "side 1 was told yes to Claim(person=2)"


def test_a_promise_that_holds_already_is_not_owed() -> None:
    assert confluent(split_domain(Username(), (Claim(person=1),), replay), depth=4).outcome is Confluence.CONFLUENT


@pytest.mark.parametrize("name", DOMAINS)
def test_where_the_last_writer_wins_somebody_is_owed_in_every_domain(name: str) -> None:
    trial = DOMAINS[name]
    system = split_policy(trial.domain, trial.commands, LastWriter(trial.domain))
    assert confluent(system, depth=3).outcome is Confluence.OWED


@pytest.mark.parametrize("name", DOMAINS)
def test_the_deployed_replay_answers_as_the_rule_but_owes_for_a_promise_that_holds_already(name: str) -> None:
    trial = DOMAINS[name]
    system = split_policy(trial.domain, trial.commands, CanonicalReplay(trial.domain))
    expected = "compensation owed" if name == "profile" else ANSWERS["replay"][name]
    assert str(confluent(system, depth=3).outcome) == expected


def test_the_last_write_loses_what_the_other_side_added() -> None:
    answer = confluent(split_policy(Counter(), (Add(n=1),), LastWriter(Counter())), depth=2)
    assert answer.reason == "side 0 was told yes to Add(n=1)"


@pytest.mark.parametrize("domain", [BankAccount(), Counter()])
def test_without_commands_nothing_is_asked(domain: Domain[object]) -> None:  # type: ignore[type-var]
    with pytest.raises(ValueError, match="give those that somebody may ask"):
        split_domain(domain, (), apply_all)


def test_deposits_alone_are_free() -> None:
    system = split_domain(BankAccount(), (Deposit(amount=1), Deposit(amount=2)), apply_all)
    assert confluent(system, depth=4).outcome is Confluence.CONFLUENT
