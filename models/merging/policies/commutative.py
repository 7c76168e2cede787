"""Commutative merge: events that may change places need no decision, and none is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from models.domain import Denied, Domain, State
from models.merging.meaning import Meaning
from models.merging.policy import Obligation, Step
from models.merging.writes import Merged, Write

__all__ = ["Commutative"]


class Commutative:
    """Every event counts, in any order: a counter, or money where being overdrawn is allowed.

    It promises no invariant: two sides that each keep one may break it together (`sim.checkers.confluence`
    tells beforehand). After Shapiro et al., "Conflict-free Replicated Data Types", SSS 2011.

    Args:
        domain: Whose events they are.
        meaning: Which event types commute.
    """

    name: str = "commutative"
    promises: ClassVar[frozenset[Obligation]] = frozenset(Obligation) - {Obligation.INVARIANT}

    def __init__(self, domain: Domain[Any], meaning: Meaning) -> None:
        self._domain = domain
        self._meaning = meaning
        self._first: State = domain.initial()

    def begin(self) -> State:
        """The domain's first state."""
        return self._first

    def step(self, held: State, write: Write) -> Step:
        """Let it count."""
        event = write.event
        after = held if event.__class__ is Denied else self._domain.evolve(held, event)
        return Step(after, (Merged(write.address),))

    def state(self, held: State) -> State:
        """It holds nothing else."""
        return held

    def forget(self, held: State, floor: Sequence[tuple[int, int]]) -> State:
        """There is nothing to forget."""
        return held

    def refusals(self) -> Iterable[str]:
        """Event types that are not known to commute."""
        for kind in self._domain.effects:
            if kind not in self._meaning.commuting:
                yield f"{kind.__name__} is not known to commute; list it in its meaning, or take another policy"
