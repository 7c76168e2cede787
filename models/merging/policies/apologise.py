"""Accept and apologise: every event counts, and where two sides together went too far, somebody makes it good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from models.domain import Denied, Domain, State
from models.merging.meaning import Meaning
from models.merging.policy import Obligation, Step
from models.merging.writes import Compensated, Merged, Write, compensation_key

__all__ = ["AcceptAndApologise"]


class AcceptAndApologise:
    """Nothing is taken back; a write after which an invariant is broken is followed by its repair, at once and once.

    The repair is an event of the merge's own, with a key from the policy and the write: the bank puts in what is
    missing, the second holder of a seat is seated elsewhere. After Helland, "Memories, Guesses, and Apologies", 2007.

    Args:
        domain: Whose invariants count.
        meaning: How harm is made good, by event type.
    """

    name: str = "accept-and-apologise"
    promises: ClassVar[frozenset[Obligation]] = frozenset(Obligation) - {Obligation.COMMUTES}

    def __init__(self, domain: Domain[Any], meaning: Meaning) -> None:
        self._domain = domain
        self._meaning = meaning
        self._first: State = domain.initial()
        self._invariants = tuple(getattr(domain, name) for name in domain.invariants)

    def begin(self) -> State:
        """The domain's first state."""
        return self._first

    def step(self, held: State, write: Write) -> Step:
        """Let it count; then make good."""
        event = write.event
        merged = Merged(write.address)
        if event.__class__ is Denied:
            return Step(held, (merged,))
        domain = self._domain
        after = domain.evolve(held, event)
        if all(holds(after) for holds in self._invariants):
            return Step(after, (merged,))
        repair = self._meaning.repairs.get(event.__class__)
        made = None if repair is None else repair(after, event)
        if made is None:
            return Step(after, (merged,))
        key = compensation_key(self.name, (write.address,))
        return Step(domain.evolve(after, made), (merged, Compensated(write.address, key, write.event_id, made)))

    def state(self, held: State) -> State:
        """It holds nothing else."""
        return held

    def forget(self, held: State, floor: Sequence[tuple[int, int]]) -> State:
        """There is nothing to forget."""
        return held

    def refusals(self) -> Iterable[str]:
        """A domain with invariants and no way to make anything good."""
        if self._invariants and not self._meaning.repairs:
            yield "it has invariants, and nothing says how a broken one is made good; give its meaning repairs"
