"""A closing barrier: each sub-domain closes for itself, and what depends on all of them waits until all have closed.

An auction goes on wherever people bid, under any cut. A sub-domain that has closed takes no more bids; the lot is given
away by one that has heard all the others close, and with that, every bid there ever was. So nobody who was told that
they have it is outbid by a bid that came late. The price: while one sub-domain is not heard of, nobody wins.

Source: the auction of Akka's documentation on replicated event sourcing, where every replica says that it is finished
before one decides the winner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from models.domain import Command, Denied, Domain, Event, State
from models.merging.policy import Obligation, Step
from models.merging.readings import Barrier, Meaning
from models.merging.writes import Merged, Write

__all__ = ["ClosingBarrier", "Gathered"]


class Gathered(NamedTuple):
    """What sub-domains came to.

    Attributes:
        state: Of the whole, which is closed when all have closed.
        closed: Numbers of the sub-domains that have, ascending.
    """

    state: State
    closed: tuple[int, ...] = ()


class ClosingBarrier:
    """Every event counts, in any order; the whole is closed when every sub-domain is.

    `decide` is what makes it a barrier; a host that decides by the domain's rules alone has none.

    Args:
        domain: Whose events they are.
        meaning: Which event closes, and which events wait for that everywhere (`Meaning.barrier`).
        sources: Numbers of the sub-domains.

    Raises:
        ValueError: no sub-domains, or one twice.
    """

    name: str = "closing-barrier"
    promises: ClassVar[frozenset[Obligation]] = frozenset(Obligation)

    def __init__(self, domain: Domain[Any], meaning: Meaning, sources: Sequence[int]) -> None:
        if not sources or len(set(sources)) < len(sources):
            raise ValueError(f"{sources=} name no sub-domains, or one twice; give each once")
        self._domain = domain
        self._barrier = meaning.barrier
        self._commuting = meaning.commuting
        self._sources = frozenset(sources)
        self._first = Gathered(domain.initial())

    # -- the fold ------------------------------------------------------------------------------

    def begin(self) -> Gathered:
        """The domain's first state, closed nowhere."""
        return self._first

    def step(self, held: Gathered, write: Write) -> Step:
        """Let it count; what closes counts for the whole when it is the last one that was waited for."""
        merged = (Merged(write.address),)
        event, (state, closed) = write.event, held
        if event.__class__ is Denied:
            return Step(held, merged)
        if event != self._reading.closed:
            return Step(Gathered(self._domain.evolve(state, event), closed), merged)
        closed = tuple(sorted({*closed, write.origin}))
        if self._sources.issubset(closed):
            state = self._domain.evolve(state, event)
        return Step(Gathered(state, closed), merged)

    def state(self, held: Gathered) -> State:
        """The whole."""
        return held.state

    def forget(self, held: Gathered, floor: Sequence[tuple[int, int]]) -> Gathered:
        """There is nothing to forget."""
        return held

    def refusals(self) -> Iterable[str]:
        """A domain that nothing closes, and events that are not known to commute."""
        if self._barrier is None:
            yield "nothing says which event closes; give its meaning barrier"
            return
        for kind in self._domain.effects:
            if kind not in self._commuting:
                yield f"{kind.__name__} is not known to commute; list it in its meaning, or take another policy"

    def comes_to(self, writes: Sequence[Write], counting: Collection[int]) -> State:
        """All that counts, and closed if all have closed."""
        counted = [write for write in writes if write.address in counting]
        closing = [write.origin for write in counted if write.event == self._reading.closed]
        state: State = self._domain.replay(
            (write.event for write in counted if write.event != self._reading.closed), self._first.state
        )
        return self._domain.evolve(state, self._reading.closed) if self._sources.issubset(closing) else state

    # -- what a sub-domain may do --------------------------------------------------------------

    def decide(self, held: Gathered, origin: int, command: Command) -> Event | None:
        """What a command leads to where a sub-domain has closed or not; None where others must close first."""
        state, closed = held
        if origin in closed:
            state = self._domain.evolve(state, self._reading.closed)
        event = self._domain.decide(state, command)
        waits = event.__class__ in self._reading.waiting and not self._sources.issubset(closed)
        return None if waits else event

    def asks(self, origin: int) -> tuple[Command, ...]:
        """Nothing that the domain does not know."""
        return ()

    @property
    def _reading(self) -> Barrier:
        assert self._barrier is not None, "`refusals` said that it cannot merge this domain"
        return self._barrier
