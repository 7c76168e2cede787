"""Observed: a write undoes only what its writer had seen, so that writes which do not commute merge as if they did.

Of a cart this makes a set with observed removes (what was put in beside a removal stays), of a field a register of
several values, and of a document a map of such registers. Nobody is taken back and nothing is lost; what two people
set a field to without seeing each other stands side by side, as an open conflict, until somebody has seen both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from models.domain import Denied, Domain, Event, State
from models.merging.meaning import Meaning
from models.merging.policy import Obligation, Step
from models.merging.readings import Observed
from models.merging.writes import Merged, Opened, Output, Resolved, Write, compensation_key, precedes, seen_of

__all__ = ["ObservedWrites", "Standing", "Uncovered"]


class Uncovered(NamedTuple):
    """An event that nothing covers, and where it was written: position 0 is seen by every write to come."""

    event: Event
    address: int
    origin: int
    position: int


class Standing(NamedTuple):
    """What an aggregate comes to.

    Attributes:
        events: Uncovered ones, in canonical order.
        open: Conflicts among them: the key, and the two addresses.
    """

    events: tuple[Uncovered, ...] = ()
    open: tuple[tuple[int, int, int], ...] = ()


class ObservedWrites:
    """Every event counts, for what it leaves of those that its writer had seen.

    Concurrent writes may change places, whatever they are. It promises no invariant: the cart keeps its own all the
    same, which is tried (`experiments.obligations`).

    Source: Shapiro et al., "A Comprehensive Study of Convergent and Commutative Replicated Data Types", 2011; kept as
    Baquero, Almeida, Shoker, 2017 have it, whose causal stability is `forget`. Since writes come in an order that
    respects causality, a removal needs no tombstone.

    Args:
        domain: Whose events they are.
        meaning: What its events cover (`Meaning.observed`).
    """

    name: str = "observed"
    promises: ClassVar[frozenset[Obligation]] = frozenset(Obligation) - {Obligation.INVARIANT}

    def __init__(self, domain: Domain[Any], meaning: Meaning) -> None:
        self._observed = meaning.observed

    def begin(self) -> Standing:
        """Nothing stands."""
        return Standing()

    def step(self, held: Standing, write: Write) -> Step:
        """Drop what it covers of what its writer had seen, and let it stand if it stays."""
        merged = Merged(write.address)
        event = write.event
        if event.__class__ is Denied:
            return Step(held, (merged,))
        reading = self._reading
        known = {number: seen_of(write, number) for number in {one.origin for one in held.events}}
        kept, gone, rivals = [], set(), []
        for one in held.events:
            if one.position <= known[one.origin]:
                if reading.covers(event, one.event):
                    gone.add(one.address)
                    continue
            elif reading.rivals(event, one.event):
                rivals.append(one.address)
            kept.append(one)
        if reading.stays(event):
            kept.append(Uncovered(event, write.address, write.origin, write.position))
        else:
            rivals = []
        outputs: list[Output] = [merged]
        still: list[tuple[int, int, int]] = []
        for key, first, second in held.open:
            if first in gone or second in gone:
                outputs.append(Resolved(key, write.address))
            else:
                still.append((key, first, second))
        for address in rivals:
            key = compensation_key(self.name, (address, write.address))
            outputs.append(Opened(key, (address, write.address)))
            still.append((key, address, write.address))
        return Step(Standing(tuple(kept), tuple(still)), tuple(outputs))

    def state(self, held: Standing) -> State:
        """What stands, read together."""
        return self._reading.comes_to([one.event for one in held.events])

    def forget(self, held: Standing, floor: Sequence[tuple[int, int]]) -> Standing:
        """Let go of where a write was, once every write to come has seen it, and join such events where they can be."""
        known: Mapping[int, int] = dict(floor)
        events = held.events
        if not any(0 < one.position <= known.get(one.origin, 0) for one in events):
            return held
        contested = {address for _, *pair in held.open for address in pair}
        kept: list[Uncovered] = []
        for one in events:
            if one.position <= known.get(one.origin, 0):
                one = Uncovered(one.event, one.address, one.origin, 0)
                if one.address not in contested and self._join(kept, one, contested):
                    continue
            kept.append(one)
        return Standing(tuple(kept), held.open)

    def _join(self, kept: list[Uncovered], one: Uncovered, contested: set[int]) -> bool:
        for place, other in enumerate(kept):
            if other.position == 0 and other.address not in contested:
                joined = self._reading.joined(other.event, one.event)
                if joined is not None:
                    kept[place] = Uncovered(joined, other.address, other.origin, 0)
                    return True
        return False

    def refusals(self) -> Iterable[str]:
        """A domain of which nothing says what its events cover."""
        if self._observed is None:
            yield "nothing says what an event leaves of those that its writer had seen; give its meaning observed"

    def comes_to(self, writes: Sequence[Write], counting: Collection[int]) -> State:
        """What no write covers whose writer had seen it."""
        reading = self._reading
        counted = [one for one in writes if one.address in counting and one.event.__class__ is not Denied]
        return reading.comes_to(
            [
                one.event
                for one in counted
                if reading.stays(one.event)
                and not any(
                    reading.covers(other.event, one.event) and precedes(one, other)
                    for other in counted
                    if other is not one
                )
            ]
        )

    @property
    def _reading(self) -> Observed:
        assert self._observed is not None, "`refusals` said that it cannot merge this domain"
        return self._observed
