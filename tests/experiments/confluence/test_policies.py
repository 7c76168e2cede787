"""What merge policies come to, asked of the policies themselves: who may split a domain for free, and who owes."""

import pytest

from experiments.confluence import DOMAINS, SOURCES, split_policy
from models.domains.bank_account import BankAccount
from models.merging import UnfitPolicy, meaning_of
from models.merging.policies import POLICIES
from sim.checkers.confluence import Confluence, confluent


def answer(policy: str, domain: str, depth: int = 3) -> Confluence:
    trial = DOMAINS[domain]
    made = POLICIES[policy](trial.domain, meaning_of(trial.domain), SOURCES)
    return confluent(split_policy(trial.domain, trial.commands, made), depth).outcome


@pytest.mark.parametrize("domain", ["bank-account", "inventory", "floored-counter"])
def test_with_escrow_nothing_breaks_and_nothing_is_owed(domain: str) -> None:
    assert answer("escrow", domain, depth=4) is Confluence.CONFLUENT


@pytest.mark.parametrize("domain", ["bank-account", "floored-counter"])
def test_with_the_same_events_and_no_rights_it_breaks(domain: str) -> None:
    assert answer("commutative", domain) is Confluence.BROKEN


def test_an_auction_needs_its_barrier() -> None:
    assert answer("commutative", "auction", depth=4) is Confluence.BROKEN
    assert answer("closing-barrier", "auction", depth=5) is Confluence.CONFLUENT


@pytest.mark.parametrize("domain", ["cart", "profile"])
def test_what_removes_only_what_it_saw_is_free(domain: str) -> None:
    assert answer("observed", domain) is Confluence.CONFLUENT


@pytest.mark.parametrize("policy", ["canonical-replay", "accept-and-apologise", "silent-last-writer"])
def test_a_bank_that_takes_back_makes_good_or_forgets_owes(policy: str) -> None:
    assert answer(policy, "bank-account") is Confluence.OWED


def test_a_policy_without_a_rule_is_refused() -> None:
    with pytest.raises(UnfitPolicy, match="give its meaning shares"):
        answer("escrow", "username")


def test_without_commands_nothing_is_asked() -> None:
    bank = BankAccount()
    with pytest.raises(ValueError, match="give those that somebody may ask"):
        split_policy(bank, (), POLICIES["commutative"](bank, meaning_of(bank), SOURCES))
