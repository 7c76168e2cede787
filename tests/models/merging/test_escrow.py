"""Escrow: who may decide what on their share, how rights move, and what is stranded."""

import pytest

from models.addressing import Scope, mint, pack_type
from models.domain import Command, Denied, Domain, Event, Neutral, State
from models.domains.bank_account import BankAccount, Deposit, Withdraw, Withdrawn
from models.domains.counter import Add, Added
from models.domains.floored_counter import FlooredCounter
from models.domains.household import Accounts, Household, Move, Moved
from models.domains.inventory import Cancel, Inventory, Receive, Reserve, Ship, Stock
from models.domains.profile import Profile
from models.domains.seats import GiveBack, GivenBack, Seats, Take, Taken
from models.merging import Grant, Granted, UnfitPolicy, Write, fit, meaning_of
from models.merging.policies import Escrow
from models.merging.policies.escrow import Holdings

WEST, EAST, SOUTH = 1, 2, 3
BANK = BankAccount(opening_balance=10)


def escrow(domain: Domain[State]) -> Escrow:
    return Escrow(domain, meaning_of(domain), (EAST, WEST, SOUTH))


class Lived:
    """An escrow and what it holds after some commands were decided."""

    def __init__(self, domain: Domain[State]) -> None:
        self.policy = escrow(domain)
        self.held: Holdings = self.policy.begin()
        self.writes: list[Write] = []

    def ask(self, origin: int, command: Command) -> Event | None:
        """What a command leads to, which counts from then on."""
        event = self.policy.decide(self.held, origin, command)
        if event is not None:
            position = 1 + len(self.writes)
            address = mint(pack_type(Scope.SERVICE, command=False, domain=1, incarnation=origin), 7, position)
            self.writes.append(Write(position, origin, position, address, event))
            self.held = self.policy.step(self.held, self.writes[-1]).held
        return event

    @property
    def rights(self) -> list[int]:
        return [self.policy.rights(self.held, origin) for origin in (WEST, EAST, SOUTH)]


def test_what_there_is_at_first_is_shared_out() -> None:
    assert Lived(BANK).rights == [4, 3, 3]


def test_a_share_is_used_up_and_then_it_must_wait() -> None:
    lived = Lived(BANK)
    assert lived.ask(WEST, Withdraw(amount=4)) == Withdrawn(amount=4)
    assert lived.ask(WEST, Withdraw(amount=1)) is None
    assert lived.rights == [0, 3, 3]


def test_what_the_whole_does_not_have_is_denied() -> None:
    assert Lived(BANK).ask(WEST, Withdraw(amount=11)) == Denied(reason="insufficient funds")


def test_what_comes_in_is_a_right_of_whoever_took_it_in() -> None:
    lived = Lived(BANK)
    lived.ask(EAST, Deposit(amount=5))
    assert lived.rights == [4, 8, 3]


def test_a_grant_moves_rights_and_leaves_the_whole() -> None:
    lived = Lived(BANK)
    before = lived.policy.state(lived.held)
    assert lived.ask(EAST, Grant(to=WEST, amount=2)) == Granted(to=WEST, amount=2)
    assert lived.rights == [6, 1, 3]
    assert lived.policy.state(lived.held) == before
    assert lived.policy.comes_to(lived.writes, {one.address for one in lived.writes}) == before


def test_what_was_granted_may_be_granted_on() -> None:
    lived = Lived(BANK)
    assert isinstance(lived.ask(WEST, Grant(to=EAST, amount=4)), Granted)
    assert isinstance(lived.ask(EAST, Grant(to=SOUTH, amount=7)), Granted)
    assert lived.rights == [0, 0, 10]
    assert lived.ask(SOUTH, Withdraw(amount=10)) == Withdrawn(amount=10)


def test_a_household_spends_from_its_part_of_every_account_and_a_right_is_one_on_each() -> None:
    lived = Lived(Household(accounts=2, opening_balance=10))
    move = Move(source=0, target=1, amount=5)
    assert lived.ask(WEST, move) is None
    assert lived.policy.wanted(lived.held, WEST, move) == 1
    assert isinstance(lived.ask(EAST, Grant(to=WEST, amount=1)), Granted)
    assert isinstance(lived.ask(WEST, move), Moved)
    assert lived.held.shares[0] == Accounts(balances=(0, 10))
    assert lived.policy.state(lived.held) == Accounts(balances=(5, 15))
    assert lived.ask(WEST, Move(source=0, target=1, amount=6)) == Denied(reason="insufficient funds")


def test_nobody_grants_what_they_do_not_have() -> None:
    assert Lived(BANK).ask(EAST, Grant(to=WEST, amount=4)) is None


@pytest.mark.parametrize(
    ("grant", "reason"),
    [
        (Grant(to=EAST, amount=1), "no other sub-domain"),
        (Grant(to=9, amount=1), "no other sub-domain"),
        (Grant(to=WEST, amount=0), "amount not positive"),
    ],
)
def test_a_grant_that_makes_no_sense_is_denied(grant: Grant, reason: str) -> None:
    assert Lived(BANK).ask(EAST, grant) == Denied(reason=reason)


@pytest.mark.parametrize(("amount", "wanted"), [(4, 0), (5, 1), (10, 6), (11, 0)])
def test_what_is_wanted_is_as_much_as_helps(amount: int, wanted: int) -> None:
    lived = Lived(BANK)
    assert lived.policy.wanted(lived.held, WEST, Withdraw(amount=amount)) == wanted


@pytest.mark.parametrize(("wanted", "offered"), [(1, 5), (7, 7), (99, 10)])
def test_what_is_offered_is_what_is_wanted_or_half(wanted: int, offered: int) -> None:
    policy = Escrow(BANK, meaning_of(BANK), (WEST,))
    assert policy.offered(policy.begin(), WEST, wanted) == offered


def test_a_lost_region_strands_its_rights() -> None:
    lived = Lived(BANK)
    assert lived.policy.stranded(lived.held, (EAST, SOUTH)) == 6


def test_an_order_is_given_back_and_sent_where_it_was_reserved() -> None:
    lived = Lived(Inventory())
    for origin in (WEST, EAST):
        lived.ask(origin, Receive(quantity=5))
    lived.ask(WEST, Reserve(order=1, quantity=4))
    assert lived.ask(EAST, Reserve(order=1, quantity=1)) == Denied(reason="already reserved")
    assert lived.ask(EAST, Cancel(order=1)) is None
    assert lived.ask(EAST, Ship(order=1)) is None
    lived.ask(WEST, Cancel(order=1))
    assert lived.rights == [5, 5, 0]


def test_an_order_that_two_sides_reserved_unawares_is_kept_by_both() -> None:
    inventory = Inventory()
    policy = escrow(inventory)
    west = east = policy.begin().shares[0]
    for command in (Receive(quantity=5), Reserve(order=1, quantity=4)):
        west = inventory.evolve(west, inventory.decide(west, command))
        east = inventory.evolve(east, inventory.decide(east, command))
    assert policy.state(Holdings((west, east))) == Stock(on_hand=10, kept=((1, 8),))


def test_a_counter_counts_down_to_its_floor_and_each_side_its_share() -> None:
    lived = Lived(FlooredCounter(start=3))
    assert lived.ask(WEST, Add(n=-1)) == Added(n=-1)
    assert lived.ask(WEST, Add(n=-1)) is None
    assert lived.ask(WEST, Add(n=-3)) == Denied(reason="below the floor")


def test_a_seat_is_given_away_by_the_one_sub_domain_that_has_it() -> None:
    lived = Lived(Seats(seats=6))
    assert lived.ask(EAST, Take(seat=1, person=1)) is None
    assert lived.ask(WEST, Take(seat=1, person=1)) == Taken(seat=1, person=1)
    assert lived.ask(EAST, Take(seat=2, person=2)) == Taken(seat=2, person=2)
    assert lived.ask(EAST, Take(seat=1, person=2)) == Denied(reason="taken")
    assert lived.ask(WEST, GiveBack(seat=1, person=1)) == GivenBack(seat=1, person=1)
    assert lived.policy.wanted(lived.held, EAST, Take(seat=1, person=1)) == 0  # no number of rights helps


def test_what_no_domain_knows_changes_no_state_of_any() -> None:
    granted = Granted(to=WEST, amount=1)
    assert isinstance(granted, Neutral)
    assert BANK.evolve(BANK.initial(), granted) == BANK.initial()


def test_a_domain_that_nobody_can_share_out_is_refused() -> None:
    with pytest.raises(UnfitPolicy, match="give its meaning shares"):
        fit(escrow(Profile()), Profile(), asked=True)


def test_sub_domains_that_do_not_ask_cannot_have_it() -> None:
    with pytest.raises(UnfitPolicy, match="these sub-domains do not ask it"):
        fit(escrow(BANK), BANK)
    assert fit(escrow(BANK), BANK, asked=True).name == "escrow"


@pytest.mark.parametrize("sources", [(), (WEST, WEST)])
def test_sub_domains_are_named_once(sources: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="give each once"):
        Escrow(BANK, meaning_of(BANK), sources)


def test_a_counter_does_not_begin_below_its_floor() -> None:
    with pytest.raises(ValueError, match="begin with at least 0"):
        FlooredCounter(start=-1)
