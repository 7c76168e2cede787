"""What clients ask for where some of it is wanted more: drawn alike, told in full, kept near as far as asked."""

from __future__ import annotations

import pytest

from models import Workload
from models.clients import BankMix
from models.demand import ContendedMix, LocalMix, command_of, said_of
from models.domains import AppendLog, Cart, Counter, Household, Inventory, Profile, Seats, Username
from models.domains.auction import Auction
from models.domains.bank_account import BankAccount, Withdraw
from models.layout import primary_of
from sim.chance import Chance

WORKLOAD = Workload(rate_per_s=1, ends_us=1, accounts=50, opening_balance=100, amount_max=100, contended=True)
DOMAINS = (Auction(), Cart(), Counter(), Household(), Inventory(), Profile(), Seats(), Username())


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_every_command_can_be_told_and_made_again_from_what_was_told(domain) -> None:
    mix, rng = ContendedMix(domain, WORKLOAD), Chance(1).draws("demand")
    state, accepted = domain.initial(), 0
    for _ in range(300):
        drawn = mix.draw(rng)
        assert command_of(domain, drawn.f, drawn.value) == drawn.command
        event = domain.decide(state, drawn.command)
        accepted += type(event).__name__ != "Denied"
        state = domain.evolve(state, event)
        assert domain.violated(state) == ()
    assert accepted > 3  # an auction is over soon


def test_popular_aggregates_are_asked_for_more() -> None:
    mix, rng = ContendedMix(Counter(), WORKLOAD), Chance(1).draws("demand")
    drawn = [mix.draw(rng).aggregate for _ in range(2_000)]
    assert drawn.count(0) > 5 * drawn.count(30)


def test_money_is_told_as_a_signed_amount() -> None:
    assert command_of(BankAccount(), "withdraw", -7) == Withdraw(amount=7)
    assert said_of(Withdraw(amount=7)) == (7,)


def test_a_domain_without_a_demand_of_its_own_is_refused() -> None:
    with pytest.raises(ValueError, match=r"domain='append-log' has no contended demand; take one of auction"):
        ContendedMix(AppendLog(), WORKLOAD)


@pytest.mark.parametrize(("locality", "least", "most"), [(0.0, 0.2, 0.5), (0.9, 0.85, 1.0), (1.0, 1.0, 1.0)])
def test_locality_keeps_clients_near_their_primaries(locality: float, least: float, most: float) -> None:
    regions = ("a", "b", "c")
    primaries = [primary_of(account, 3, regions) for account in range(50)]
    mix, rng = LocalMix(BankMix(WORKLOAD), "b", primaries, locality), Chance(1).draws("demand")
    near = sum(primaries[mix.draw(rng).aggregate] == "b" for _ in range(1_000)) / 1_000
    assert least <= near <= most
