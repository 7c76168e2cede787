"""What clients ask for where some aggregates are wanted more than others, and some commands endanger more than others.

`Workload.contended` switches it on for any shipped domain: aggregates are as unequally wanted as a bank's accounts,
and `deposit_fraction` of the commands are of the kind that never breaks an invariant (a deposit, goods that come, a
seat given back); the others compete. `Workload.locality` lets clients prefer aggregates whose primary is near them.
The history says of a command all that it holds, so that a judge can decide it once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final

from models.clients import Drawn, Draws, Mix, Workload, zipf_weights
from models.domain import Command, Domain
from models.domains import cart, counter, household, inventory, profile, seats, username
from models.domains.auction import Award, Bid, Close
from sim.history import Value

__all__ = ["ContendedMix", "LocalMix", "command_of", "said_of"]

#: A command from whether it is harmless and three draws in [0, 1).
_Make = Callable[[bool, float, float, Workload], Command]


class ContendedMix:
    """Commands of one domain on aggregates of a Zipf popularity.

    Raises:
        ValueError: a domain that it has no commands for.
    """

    def __init__(self, domain: Domain[Any], workload: Workload) -> None:
        if domain.name not in _MAKES:
            known = ", ".join(sorted(_MAKES))
            raise ValueError(f"domain={domain.name!r} has no contended demand; take one of {known}, or contended=false")
        self._make = _MAKES[domain.name]
        self._workload = workload
        self._cumulative = zipf_weights(workload.accounts, workload.zipf_exponent)

    def draw(self, draws: Draws) -> Drawn:
        """Four draws."""
        workload = self._workload
        aggregate = draws.pick(self._cumulative)
        harmless = draws.random() < workload.deposit_fraction
        command = self._make(harmless, draws.random(), draws.random(), workload)
        return Drawn(aggregate, command, type(command).__name__.lower(), said_of(command))


class LocalMix:
    """Another mix, some of whose draws are moved on to the next aggregate of the client's own region.

    Args:
        mix: What is drawn.
        region: Of the client.
        primaries: By aggregate, the region of its primary.
        locality: Chance that a draw is to stay near, in [0, 1].
    """

    def __init__(self, mix: Mix, region: str, primaries: Sequence[str], locality: float) -> None:
        self._mix = mix
        self._locality = locality
        near = [number for number, primary in enumerate(primaries) if primary == region]
        self._moved = list(range(len(primaries)))
        at = 0
        for number in range(len(primaries) if near else 0):
            while at < len(near) and near[at] < number:
                at += 1
            self._moved[number] = near[at % len(near)]

    def draw(self, draws: Draws) -> Drawn:
        """One draw more than the other's."""
        drawn = self._mix.draw(draws)
        if draws.random() < self._locality:
            return Drawn(self._moved[drawn.aggregate], drawn.command, drawn.f, drawn.value, drawn.tenant)
        return drawn


def said_of(command: Command) -> Value:
    """All that a command holds, as a history says it."""
    return tuple(getattr(command, field.name) for field in fields(command))


def command_of(domain: Domain[Any], f: str, said: Value) -> Command:
    """The command that a history speaks of.

    Raises:
        ValueError: the domain has none of that name.
    """
    for kind in domain.decisions:
        if kind.__name__.lower() == f:
            values = said if isinstance(said, tuple) else (abs(said) if isinstance(said, int) else said,)
            return kind(**dict(zip((field.name for field in fields(kind)), values, strict=True)))
    raise ValueError(f"{f=} is no command of domain {domain.name!r}; name one of its own")


def _household(harmless: bool, a: float, b: float, workload: Workload) -> Command:
    """Between any two of four accounts; a harmless move is a tenth as large at most."""
    pair = int(a * 12)
    source, target = pair // 3, pair % 3
    span = workload.amount_max - workload.amount_min + 1
    amount = workload.amount_min + int(b * (max(1, span // 10) if harmless else span))
    return household.Move(source=source, target=target + (target >= source), amount=amount)


def _inventory(harmless: bool, a: float, b: float, workload: Workload) -> Command:
    """Goods come as fast as they are asked for; most of what is kept is sent."""
    order = int(a * 40)
    if not harmless:
        return inventory.Reserve(order=order, quantity=1 + int(b * 4))
    if b < 0.5:
        return inventory.Receive(quantity=1 + int(b * 8))
    return inventory.Ship(order=order) if b < 0.85 else inventory.Cancel(order=order)


def _seats(harmless: bool, a: float, b: float, workload: Workload) -> Command:
    """Everybody wants the first rows, and one of nine persons has them."""
    seat, person = 1 + int(a * a * 40), 1 + int(b * 9)
    return seats.GiveBack(seat=seat, person=person) if harmless else seats.Take(seat=seat, person=person)


def _username(harmless: bool, a: float, b: float, workload: Workload) -> Command:
    """Three want it; who has it gives it up."""
    person = 1 + int(a * 3)
    return username.Release(person=person) if harmless else username.Claim(person=person)


def _counter(harmless: bool, a: float, b: float, workload: Workload) -> Command:
    """Up where harmless, else down: nothing forbids either."""
    return counter.Add(n=1 + int(a * 9) if harmless else -1 - int(a * 9))


def _cart(harmless: bool, a: float, b: float, workload: Workload) -> Command:
    """Things in and, less often, out of it; it is hardly ever bought."""
    if b > 0.995:
        return cart.CheckOut()
    return cart.Put(article=int(a * 12), quantity=1 + int(b * 4)) if harmless else cart.Remove(article=int(a * 12))


def _profile(harmless: bool, a: float, b: float, workload: Workload) -> Command:
    """A field that hardly anybody changes, or the one that everybody does."""
    field = ("mail", "phone", "city", "note")[int(a * 4)] if harmless else "name"
    return profile.Change(field=field, value=f"v{int(b * 1000)}")


def _auction(harmless: bool, a: float, b: float, workload: Workload) -> Command:
    """Bids; the others close it or award it."""
    if harmless or b < 0.7:
        return Bid(bidder=1 + int(a * 9), amount=1 + int(b * 500))
    return Close() if b < 0.85 else Award()


_MAKES: Final[Mapping[str, _Make]] = MappingProxyType(
    {
        "auction": _auction,
        "cart": _cart,
        "counter": _counter,
        "household": _household,
        "inventory": _inventory,
        "profile": _profile,
        "seats": _seats,
        "username": _username,
    }
)
