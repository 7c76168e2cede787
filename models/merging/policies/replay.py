"""Canonical replay: every command is decided once more, in canonical order, on what all before it came to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from models.domain import Denied, Domain, Event, State
from models.merging.policy import Obligation, Step
from models.merging.writes import Compensated, Merged, Output, Superseded, Write, compensation_key
from sim.tuples import made

__all__ = ["CanonicalReplay"]


class CanonicalReplay:
    """First in canonical order, first served: whoever is denied on replay was told yes in vain, and is owed.

    What leads to another event now counts as that event, and its writer is owed the difference: the old one is
    superseded. Its price is that a command may be taken back for one that came later by the clock and earlier in order.

    Args:
        domain: Whose commands they are; each event of it must lead back to a command (`again`).
    """

    name: str = "canonical-replay"
    promises: ClassVar[frozenset[Obligation]] = frozenset(Obligation) - {Obligation.COMMUTES}

    def __init__(self, domain: Domain[Any]) -> None:
        self._domain = domain
        self._first: State = domain.initial()

    def begin(self) -> State:
        """The domain's first state."""
        return self._first

    def step(self, held: State, write: Write) -> Step:
        """Decide the write's command on what is held."""
        event = write.event
        address = write.address
        if event.__class__ is Denied:
            return Step(held, (Merged(address),))
        # What is made for every write is made without its names, in half the time.
        domain = self._domain
        command = domain.again(event)
        assert command is not None, f"{event} has no command; `refusals` did not say so"
        again = domain.decide(held, command)
        if again == event:
            return made(Step, (domain.evolve(held, event), (made(Merged, (address,)),)))
        return Step(domain.evolve(held, again), self._instead(write, again))

    def _instead(self, write: Write, again: Event) -> tuple[Output, ...]:
        key = compensation_key(self.name, (write.address,))
        if isinstance(again, Denied):
            return (Superseded(write.address, 0, again.reason), Compensated(write.address, key, write.event_id))
        return (
            Superseded(write.address, 0, "leads to another event"),
            Compensated(write.address, key, write.event_id, again),
        )

    def state(self, held: State) -> State:
        """It holds nothing else."""
        return held

    def forget(self, held: State, floor: Sequence[tuple[int, int]]) -> State:
        """There is nothing to forget."""
        return held

    def refusals(self) -> Iterable[str]:
        """Events that no command leads to again."""
        overridden = type(self._domain).again is not Domain.again
        if not overridden:
            yield "no event leads back to a command; define again(self, event)"
