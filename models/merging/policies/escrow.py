"""Escrow: each sub-domain has a share of the aggregate and decides on that alone, so that nothing is taken back.

What a share may still use up are its rights: received - granted - used. Each share keeps the domain's invariants
under the domain's own rules, and they are such that all shares together keep them then, so they hold under any cut
and in any order of merging. The price is paid elsewhere: who has run out of rights must wait for a grant, though the
whole has plenty, and rights of a region that is lost are stranded.

Source: O'Neil, "The Escrow Transactional Method", TODS 1986; Barbara-Milla and Garcia-Molina, "The Demarcation
Protocol", VLDB Journal 1994. Departure: what may be granted, and when, is left to whoever calls `offered`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from models.domain import Command, Denied, Domain, Event, State
from models.merging.meaning import Meaning
from models.merging.policy import Obligation, Step
from models.merging.readings import Shares
from models.merging.rights import Grant, Granted
from models.merging.writes import Merged, Write

__all__ = ["Escrow", "Holdings"]


class Holdings(NamedTuple):
    """By place of the sub-domain, ascending by number, its share."""

    shares: tuple[State, ...]


class Escrow:
    """Every event counts, since nothing is accepted that its sub-domain had no right to.

    `decide` is the rule that makes it so; a host that merges by this policy and decides by the domain's rules alone
    breaks the invariant. Shares are not negative in any view that holds a write only with what its writer had seen; so
    a sub-domain that is lost is to be given up at no less than what any of the others has seen of it. What it had left
    there is nobody's: what it wrote beyond does not count. So somebody may take that over, one of those left and always
    the same, who has all of it up to there; a subclass that does not want this sets `frees` to False.

    Args:
        domain: Whose aggregates are shared out.
        meaning: How (`Meaning.shares`).
        sources: Numbers of the sub-domains.

    Raises:
        ValueError: no sub-domains, or one twice.
    """

    name: str = "escrow"
    frees: bool = True
    promises: ClassVar[frozenset[Obligation]] = frozenset(Obligation)

    def __init__(self, domain: Domain[Any], meaning: Meaning, sources: Sequence[int]) -> None:
        if not sources or len(set(sources)) < len(sources):
            raise ValueError(f"{sources=} name no sub-domains, or one twice; give each once")
        self._domain = domain
        self._shares = meaning.shares
        self._places = {number: place for place, number in enumerate(sorted(sources))}
        apart = () if self._shares is None else self._shares.apart(domain.initial(), len(sources))
        self._first = Holdings(tuple(apart))

    # -- the fold ------------------------------------------------------------------------------

    def begin(self) -> Holdings:
        """What the domain begins with, shared out."""
        return self._first

    def step(self, held: Holdings, write: Write) -> Step:
        """Let it count in its writer's share."""
        merged = (Merged(write.address),)
        if write.event.__class__ is Denied:
            return Step(held, merged)
        return Step(self._after(held, write.origin, write.event), merged)

    def state(self, held: Holdings) -> State:
        """All shares together."""
        together: State = self._reading.together(held.shares)
        return together

    def forget(self, held: Holdings, floor: Sequence[tuple[int, int]]) -> Holdings:
        """There is nothing to forget."""
        return held

    def refusals(self) -> Iterable[str]:
        """A domain of which nothing says how it is shared out."""
        if self._shares is None:
            yield "nothing says how a state is held in shares; give its meaning shares"

    def comes_to(self, writes: Sequence[Write], counting: Collection[int]) -> State:
        """Each sub-domain's own history on its own share, then what was granted, then all together."""
        reading, shares = self._reading, list(self._first.shares)
        counted = [write for write in writes if write.address in counting]
        for place, share in enumerate(shares):
            own = [write.event for write in counted if self._places[write.origin] == place]
            shares[place] = self._domain.replay((one for one in own if not isinstance(one, Granted)), share)
        for write in counted:
            if isinstance(event := write.event, Granted):
                giver, taker = self._places[event.of or write.origin], self._places[event.to]
                shares[giver] = reading.moved(shares[giver], -event.amount)
                shares[taker] = reading.moved(shares[taker], event.amount)
        together: State = reading.together(shares)
        return together

    # -- what a sub-domain may do --------------------------------------------------------------

    def decide(self, held: Holdings, origin: int, command: Command) -> Event | None:
        """What a command leads to on the sub-domain's own share; None where only others' shares allow it.

        A denial by the domain's rule is one on the whole: who has too little where there is plenty elsewhere is
        not denied but refused, and may ask again once it was granted more.

        Raises:
            ValueError: neither the domain nor escrow has such a command.
        """
        share = held.shares[self._places[origin]]
        if isinstance(command, Grant):
            return self._granted(held, origin, command)
        whole = self._domain.decide(self.state(held), command)
        owner = self._reading.owner
        if whole.__class__ is Denied:
            return whole
        if owner is not None and owner(command, len(held.shares)) != self._places[origin]:
            return None
        event = self._domain.decide(share, command)
        return None if event.__class__ is Denied else event

    def asks(self, origin: int) -> tuple[Command, ...]:
        """To grant a right to each of the others."""
        return tuple(Grant(to=number, amount=1) for number in self._places if number != origin)

    def rights(self, held: Holdings, origin: int) -> int:
        """What a sub-domain may still use up or grant."""
        return self._reading.rights(held.shares[self._places[origin]])

    def wanted(self, held: Holdings, origin: int, command: Command) -> int:
        """How many more rights a sub-domain needs for a command; 0 if it needs none, or no number of them helps."""
        if isinstance(command, Grant) or self.decide(held, origin, command) is not None:
            return 0
        share, most = held.shares[self._places[origin]], sum(map(self._reading.rights, held.shares))
        low, high = 0, most + 1  # `low` does not do, and `high` is more than there is
        while high - low > 1:
            middle = (low + high) // 2
            again = self._domain.decide(self._reading.moved(share, middle), command)
            low, high = (middle, high) if again.__class__ is Denied else (low, middle)
        return 0 if high > most else high

    def offered(self, held: Holdings, origin: int, wanted: int) -> int:
        """What a sub-domain gives to one that wants so much: that, or half of what it has, whichever is more.

        Half, so that who asks once does not have to ask at every turn; never more than it has.
        """
        own = self.rights(held, origin)
        return min(own, max(wanted, own // 2))

    def stranded(self, held: Holdings, lost: Collection[int]) -> int:
        """Rights that nobody can use, since the sub-domains that hold them are lost."""
        return sum(self.rights(held, origin) for origin in self._places if origin in lost)

    def _granted(self, held: Holdings, origin: int, command: Grant) -> Event | None:
        if command.amount <= 0:
            return Denied(reason="amount not positive")
        giver = command.of or origin
        if command.to == giver or command.to not in self._places or giver not in self._places:
            return Denied(reason="no other sub-domain")
        if command.of and (command.to != origin or not self.frees):
            return Denied(reason="rights that are stranded")
        if command.amount > self.rights(held, giver):
            return None
        return Granted(to=command.to, amount=command.amount, of=command.of)

    def _after(self, held: Holdings, origin: int, event: Event) -> Holdings:
        shares, place = list(held.shares), self._places[origin]
        if isinstance(event, Granted):
            place = self._places[event.of or origin]
            taker = self._places[event.to]
            shares[place] = self._reading.moved(shares[place], -event.amount)
            shares[taker] = self._reading.moved(shares[taker], event.amount)
        else:
            shares[place] = self._domain.evolve(shares[place], event)
        return Holdings(tuple(shares))

    @property
    def _reading(self) -> Shares:
        assert self._shares is not None, "`refusals` said that it cannot merge this domain"
        return self._shares
