"""Every shipped domain under random requests: one event each, state from events only, invariants kept."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.domain import Denied, Domain, Event
from models.domain.forms import content_of, from_form, lift, to_form
from models.domains import shipped
from models.domains.bank_account import Account, BankAccount, Deposit, Withdraw, Withdrawn
from models.domains.cart import CheckOut, Put
from models.domains.counter import Add
from models.domains.household import Accounts, Evened, Household, Moved, evened
from models.domains.inventory import Receive, Reserve, Ship
from models.domains.mixes import DRAWS, MIXES, draw
from models.domains.profile import Change
from models.domains.seats import Seats, Take, Taken
from models.domains.transfer import Abandon, Order, RecordCredit, RecordDebit, RecordRefund, Step, TransferState
from models.domains.username import Claim, Release
from sim.chance import Chance

DOMAINS = shipped().domains
NAMES = sorted(DOMAINS)


def value_of(hint: Any) -> st.SearchStrategy[Any]:
    """Few different values, so that requests get in each other's way."""
    if hint is int:
        return st.integers(-1, 4)
    if hint is str:
        return st.sampled_from(["", "a", "b", "a=b"])
    if type(None) in get_args(hint):
        return st.none() | value_of(get_args(hint)[0])
    raise AssertionError(hint)


def drawn(hint: Any, draws: Any) -> Any:
    if hint is int:
        return draws.between(-1, 4)
    texts = ["", "a", "b", "a=b", *([None] if hint is not str else [])]
    return texts[draws.below(len(texts))]


@st.composite
def requests(draw: st.DrawFn, domain: Domain[Any]) -> Any:
    kind = draw(st.sampled_from(sorted(domain.decisions, key=lambda one: one.__name__)))
    hints = get_type_hints(kind)
    return kind(**{field.name: draw(value_of(hints[field.name])) for field in fields(kind)})


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=30)
def test_state_comes_from_events_alone_and_keeps_what_must_hold(name: str, data: st.DataObject) -> None:
    domain = DOMAINS[name]
    states, events = [domain.initial()], []
    for request in data.draw(st.lists(requests(domain), max_size=25)):
        event = domain.decide(states[-1], request)
        assert isinstance(event, Event)
        stored = from_form(domain, to_form(event))
        assert stored == event
        assert hash(stored) == hash(event)
        assert content_of(stored) == content_of(event)
        assert lift(domain, event) is event
        events.append(stored)
        states.append(domain.evolve(states[-1], event))
        assert domain.violated(states[-1]) == ()
        if isinstance(event, Denied):
            assert states[-1] == states[-2]
    live = states[-1]
    # From the beginning, or from a snapshot in between: `evolve` holds all that `decide` needs.
    assert domain.replay(events) == live
    cut = data.draw(st.integers(0, len(events)))
    again = domain.replay(events[cut:], states[cut])
    assert again == domain.replay(events[cut:], domain.replay(events[:cut])) == live
    assert domain.told(again) == domain.told(live)
    assert type(domain.told(again)) in (int, str, type(None))
    request = data.draw(requests(domain))
    assert domain.decide(again, request) == domain.decide(live, request)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=30)
def test_a_command_leads_to_its_event_again(name: str, data: st.DataObject) -> None:
    """An operator repeats what was set aside: on the state that an event met, it is that event."""
    domain = DOMAINS[name]
    state = domain.initial()
    for request in data.draw(st.lists(requests(domain), max_size=25)):
        event = domain.decide(state, request)
        command = domain.again(event)
        if isinstance(event, Denied):
            assert command is None
        else:
            assert command is not None
            assert domain.decide(state, command) == event
        state = domain.evolve(state, event)


@pytest.mark.parametrize("name", NAMES)
def test_every_snapshot_of_a_long_walk_leads_to_the_same(name: str) -> None:
    domain, draws = DOMAINS[name], Chance(2).draws("requests")
    states, events = [domain.initial()], []
    for _ in range(120):
        events.append(domain.decide(states[-1], draw(name, draws, 1)[1]))
        states.append(domain.evolve(states[-1], events[-1]))
    for cut, snapshot in enumerate(states):
        assert domain.replay(events[:cut]) == snapshot
        assert domain.replay(events[cut:], snapshot) == states[-1]


@pytest.mark.parametrize("name", NAMES)
def test_every_request_can_succeed_and_some_can_be_denied(name: str) -> None:
    """Else a rule would say nothing: each decision is met both ways over a long fixed walk."""
    domain, draws = DOMAINS[name], Chance(1).draws("requests")
    kinds = sorted(domain.decisions, key=lambda kind: kind.__name__)
    met: dict[str, set[str]] = {}
    state = domain.initial()
    for step in range(4_000):
        kind = kinds[draws.below(len(kinds))]
        hints = get_type_hints(kind)
        request = kind(**{field.name: drawn(hints[field.name], draws) for field in fields(kind)})
        event = domain.decide(state, request)
        met.setdefault(kind.__name__, set()).add(type(event).__name__)
        state = domain.evolve(state, event) if step % 40 else domain.initial()
    assert set(met) == {kind.__name__ for kind in domain.decisions}
    for request, outcomes in met.items():
        assert "Denied" in outcomes, request
        assert len(outcomes) > 1, request


# Requests for each aggregate: a cart that is bought and a transfer that is over deny all later ones.
ASKED_OF_EACH = {"cart": 20, "transfer": 12}


@pytest.mark.parametrize("name", NAMES)
def test_a_mix_meets_every_rule_both_ways(name: str) -> None:
    domain, draws = DOMAINS[name], Chance(3).draws("mix")
    aggregates = 6_000 // ASKED_OF_EACH.get(name, 100)
    states: dict[int, Any] = {}
    met: dict[type, list[int]] = {}
    for _ in range(6_000):
        aggregate, command = draw(name, draws, aggregates)
        assert 0 <= aggregate < aggregates
        state = states.get(aggregate, domain.initial())
        event = domain.decide(state, command)
        states[aggregate] = domain.evolve(state, event)
        met.setdefault(type(command), [0, 0])[event.__class__ is Denied] += 1
    assert set(met) == set(domain.decisions)
    for kind, (accepted, denied) in met.items():
        assert accepted >= 20, (kind, met)
        assert denied >= 20, (kind, met)
    asked = sum(map(sum, met.values()))
    assert sum(accepted for accepted, _ in met.values()) > asked // 6, met


@pytest.mark.parametrize("name", NAMES)
def test_a_request_takes_the_same_draws_whatever_it_is(name: str) -> None:
    class Counted:
        def __init__(self) -> None:
            self.draws, self.taken = Chance(4).draws("mix"), 0

        def random(self) -> float:
            self.taken += 1
            return self.draws.random()

    source = Counted()
    first = [draw(name, source, 5) for _ in range(200)]
    assert source.taken == 200 * DRAWS
    assert {aggregate for aggregate, _ in first} == {0, 1, 2, 3, 4}
    same = Chance(4).draws("mix")
    assert [draw(name, same, 5) for _ in range(200)] == first


def test_every_shipped_domain_has_a_mix_and_no_other_has() -> None:
    assert set(MIXES) == {*DOMAINS, "auction", "floored-counter"}
    with pytest.raises(ValueError, match="domain='bank' has no mix of requests; give one of auction, bank-account"):
        draw("bank", Chance(1).draws("mix"), 1)
    with pytest.raises(ValueError, match="aggregates=0 leaves nobody to ask"):
        draw("cart", Chance(1).draws("mix"), 0)


@pytest.mark.parametrize(
    ("name", "asked", "told"),
    [
        ("bank-account", (Deposit(amount=5), Withdraw(amount=2)), 3),
        ("cart", (Put(article=1, quantity=2), Put(article=2, quantity=1)), 3),
        ("counter", (Add(n=4), Add(n=-6)), -2),
        ("inventory", (Receive(quantity=3), Reserve(order=1, quantity=2)), 3),
        ("profile", (Change(field="b", value="2"), Change(field="a", value="1")), "a=1\nb=2"),
        ("seats", (Take(seat=1, person=1), Take(seat=1, person=2)), 1),
        ("transfer", (Order(source=1, target=2, amount=5), RecordDebit()), "debited"),
        ("username", (Claim(person=7),), 7),
        ("username", (Claim(person=7), Release(person=7)), None),
    ],
)
def test_a_client_is_told_what_there_is(name: str, asked: tuple[Any, ...], told: int | str | None) -> None:
    said = DOMAINS[name].told(run(name, *asked)[0])
    assert said == told
    assert type(said) is type(told)


def run(name: str, *asked: Any) -> tuple[Any, list[str]]:
    domain = DOMAINS[name]
    state, told = domain.initial(), []
    for request in asked:
        event = domain.decide(state, request)
        told.append(event.reason if isinstance(event, Denied) else type(event).__name__)
        state = domain.evolve(state, event)
    return state, told


def test_stock_is_not_promised_twice() -> None:
    state, told = run("inventory", Receive(quantity=3), Reserve(order=1, quantity=2), Reserve(order=2, quantity=2))
    assert told == ["Received", "Reserved", "out of stock"]
    assert state.free == 1
    _, told = run("inventory", Receive(quantity=3), Reserve(order=1, quantity=2), Ship(order=1), Ship(order=1))
    assert told[-2:] == ["Shipped", "nothing reserved"]


def test_a_name_has_one_owner_at_a_time() -> None:
    _, told = run("username", Claim(person=1), Claim(person=2), Release(person=2), Release(person=1), Claim(person=2))
    assert told == ["Claimed", "taken", "not yours", "Released", "Claimed"]


def test_a_transfer_goes_on_or_back() -> None:
    order = Order(source=1, target=2, amount=5)
    done, told = run("transfer", order, RecordDebit(), RecordDebit(), RecordCredit(), Abandon())
    assert told == ["Ordered", "Debited", "is debited", "Credited", "is done"]
    assert done == TransferState(step=Step.DONE, source=1, target=2, amount=5, taken=1, given=1)
    back, told = run("transfer", order, RecordDebit(), Abandon(), RecordCredit(), RecordRefund())
    assert told == ["Ordered", "Debited", "Abandoned", "is owed", "Refunded"]
    assert (back.step, back.taken, back.given) == (Step.ABANDONED, 1, 1)


def test_a_closed_cart_stays_as_it_is() -> None:
    state, told = run("cart", Put(article=1, quantity=2), CheckOut(), Put(article=1, quantity=1), CheckOut())
    assert told == ["Added", "CheckedOut", "checked out", "checked out"]
    assert (state.lines, state.closed) == (((1, 2),), True)


def test_two_on_one_seat_are_seen() -> None:
    seats = Seats(seats=2)
    events = [Taken(seat=1, person=1), Taken(seat=1, person=2)]
    assert seats.violated(seats.replay(events)) == ("one_holder_a_seat",)
    assert seats.decide(seats.initial(), Take(seat=3, person=1)) == Denied(reason="no such seat")


@pytest.mark.parametrize("make", [lambda: Seats(seats=0), lambda: type(DOMAINS["profile"])(most_fields=0)])
def test_options_that_make_no_domain_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        make()


def test_the_whole_balance_can_be_withdrawn_and_not_a_cent_more() -> None:
    bank = BankAccount()

    assert bank.decide(Account(balance=10), Withdraw(amount=10)) == Withdrawn(amount=10)
    assert bank.decide(Account(balance=10), Withdraw(amount=11)) == Denied(reason="insufficient funds")


def test_what_evens_an_account_says_how_much_so_that_its_place_among_moves_does_not_matter() -> None:
    house = Household(accounts=3, opening_balance=10)
    over = Accounts(balances=(-6, 4, 32))
    made, moved = evened(over, 0), Moved(source=2, target=1, amount=30)
    assert made == Evened(account=0, given=(0, 0, 6))
    assert house.evolve(house.evolve(over, made), moved) == house.evolve(house.evolve(over, moved), made)
    assert evened(Accounts(balances=(-26, 24, 32)), 0).given == (0, 0, 26)
    assert evened(Accounts(balances=(-50, 24, 56)), 0).given == (0, 0, 50)
    assert evened(Accounts(balances=(-60, 42, 48)), 0).given == (0, 12, 48)
