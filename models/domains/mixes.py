"""What clients ask of each shipped domain, as load generators draw it.

A request takes the same number of draws whatever it comes out as, so that two arms that ask
under one seed ask the same. Requests are drawn without a look at the store, as many clients
together would: each kind succeeds sometimes and is denied sometimes. A cart that is bought and
a transfer that is over stay so; who asks for long gives many aggregates, or adds to the drawn
number one that grows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from models.domain import Command
from models.domains import auction, bank_account, cart, counter, inventory, profile, seats, transfer, username

__all__ = ["DRAWS", "MIXES", "Mix", "Uniform", "draw"]

#: Draws that a request takes: its aggregate, its kind, and two that fill it in.
DRAWS: Final = 4
#: A request from three numbers in [0, 1): its kind, and two that fill it in.
Mix = Callable[[float, float, float], Command]


class Uniform(Protocol):
    """Where numbers come from; the draws of a named consumer, as `ctx.rng(name)` gives them."""

    def random(self) -> float:
        """A uniform number in [0, 1)."""


def draw(domain: str, draws: Uniform, aggregates: int) -> tuple[int, Command]:
    """The next request: an aggregate in [0, aggregates), all equally likely, and a command for it.

    Args:
        domain: Name of a shipped one.
        draws: Moved on by `DRAWS`.
        aggregates: How many there are, from 1.

    Raises:
        ValueError: no such domain, or no aggregates.
    """
    mix = MIXES.get(domain)
    if mix is None:
        raise ValueError(f"{domain=} has no mix of requests; give one of {', '.join(sorted(MIXES))}")
    if aggregates < 1:
        raise ValueError(f"{aggregates=} leaves nobody to ask; give at least 1")
    return _whole(draws.random(), aggregates), mix(draws.random(), draws.random(), draws.random())


def _auction(kind: float, a: float, b: float) -> Command:
    """Many bid, few of them enough; now and then somebody wants it closed, and somebody to have it."""
    if kind < 0.8:
        return auction.Bid(bidder=1 + _whole(a, 9), amount=1 + _whole(b, 500))
    return auction.Close() if kind < 0.88 else auction.Award()


def _bank_account(kind: float, a: float, b: float) -> Command:
    """Half come and half go; an empty account denies, and so does a slip of the hand."""
    amount = _whole(a, 100) if b > 0.02 else 0
    return bank_account.Deposit(amount=amount) if kind < 0.5 else bank_account.Withdraw(amount=amount)


def _counter(kind: float, a: float, b: float) -> Command:
    """Mostly up, sometimes down, and now and then by nothing."""
    n = 1 + _whole(a, 9) if b > 0.02 else 0
    return counter.Add(n=n if kind < 0.8 else -n)


def _cart(kind: float, a: float, b: float) -> Command:
    """A few things in, fewer out, and then it is bought."""
    if kind < 0.7:
        return cart.Put(article=_whole(a, 12), quantity=_whole(b, 4))
    return cart.Remove(article=_whole(a, 12)) if kind < 0.9 else cart.CheckOut()


def _floored_counter(kind: float, a: float, b: float) -> Command:
    """A little more down than up, so that the floor is met."""
    n = 1 + _whole(a, 9) if b > 0.02 else 0
    return counter.Add(n=n if kind < 0.45 else -n)


def _inventory(kind: float, a: float, b: float) -> Command:
    """Little more is asked for than comes; an order is mostly sent, sometimes given back."""
    order = _whole(a, 20)
    if kind < 0.2:
        return inventory.Receive(quantity=_whole(b, 12))
    if kind < 0.6:
        return inventory.Reserve(order=order, quantity=_whole(b, 5))
    return inventory.Ship(order=order) if kind < 0.85 else inventory.Cancel(order=order)


def _profile(kind: float, a: float, b: float) -> Command:
    """Few fields, set again and again; the form sometimes comes without a name."""
    field = ("name", "mail", "phone", "city", "note", "")[_whole(a, 6)]
    return profile.Change(field=field, value=f"v{_whole(b, 1000)}" if kind < 0.8 else None)


def _seats(kind: float, a: float, b: float) -> Command:
    """Everybody wants the first rows; few give back, and not always their own."""
    seat, person = 1 + _whole(a * a, 40), 1 + _whole(b, 5)
    return seats.Take(seat=seat, person=person) if kind < 0.65 else seats.GiveBack(seat=seat, person=person)


def _transfer(kind: float, a: float, b: float) -> Command:
    """Its steps in any order: the ones before their time or after it are denied."""
    if kind < 0.3:
        return transfer.Order(source=_whole(a, 8), target=_whole(b, 8), amount=1 + _whole(a * b, 50))
    if kind < 0.55:
        return transfer.RecordDebit()
    if kind < 0.75:
        return transfer.RecordCredit()
    return transfer.RecordRefund() if kind < 0.87 else transfer.Abandon()


def _username(kind: float, a: float, b: float) -> Command:
    """Three want it, and who has it gives it up sooner or later."""
    person = 1 + _whole(a, 3)
    return username.Claim(person=person) if kind < 0.55 else username.Release(person=person)


def _whole(part: float, n: int) -> int:
    """A whole number in [0, n) from one in [0, 1)."""
    return int(part * n)


#: By name of the domain.
MIXES: Final[Mapping[str, Mix]] = {
    "auction": _auction,
    "bank-account": _bank_account,
    "cart": _cart,
    "counter": _counter,
    "floored-counter": _floored_counter,
    "inventory": _inventory,
    "profile": _profile,
    "seats": _seats,
    "transfer": _transfer,
    "username": _username,
}
