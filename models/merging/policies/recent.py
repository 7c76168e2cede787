"""Policies that may change their mind: what is recent is kept, with every write's fate, until nobody can object.

A write may be concurrent with one that is folded already. A rule that lets the later one win, or the one of a
preferred region, must then take the earlier one back. So the writes that a write to come may still be concurrent with
are held as they are, above a state that is certain; the rule says anew which of them count, and what changed goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from models.domain import Denied, Domain, Event, State
from models.merging.meaning import WHOLE, Meaning
from models.merging.policy import Obligation, Step
from models.merging.writes import Compensated, Merged, Output, Superseded, Write, compensation_key, precedes

__all__ = ["Recent", "RecentPolicy", "Verdicts", "conflicting"]


class Recent(NamedTuple):
    """What is certain, and what is not yet.

    Attributes:
        base: The state after all writes that nobody can object to any more.
        writes: The others, in canonical order.
        losers: By place among those, the address of the write that it lost to; 0 where it counts.
        state: The state after all.
        owed: Addresses that were put out as lost, so that each is compensated once.
    """

    base: State
    writes: tuple[Write, ...]
    losers: tuple[int, ...]
    state: State
    owed: frozenset[int] = frozenset()


#: By place among the recent writes, the place of the one that it loses to; None where it counts.
Verdicts = Sequence[int | None]


class RecentPolicy:
    """Base of the policies that decide which of several concurrent writes count.

    Args:
        domain: Whose events they are.
        meaning: What each event writes.
    """

    name: str = ""
    promises: ClassVar[frozenset[Obligation]] = frozenset(Obligation) - {Obligation.COMMUTES, Obligation.INVARIANT}
    #: Whether a write that lost is made known and owed; the negative control keeps silent.
    tells: ClassVar[bool] = True

    def __init__(self, domain: Domain[Any], meaning: Meaning) -> None:
        self._domain = domain
        self._meaning = meaning
        self._first: State = domain.initial()

    # -- what a rule says --------------------------------------------------------------------

    def judge(self, base: State, writes: Sequence[Write]) -> Verdicts:
        """Which of the recent writes, in canonical order, count."""
        raise NotImplementedError

    def fold(self, base: State, writes: Sequence[Write], verdicts: Verdicts) -> State:
        """The state that they come to; those that count, in canonical order, unless a rule says otherwise."""
        for write, lost_to in zip(writes, verdicts, strict=True):
            if lost_to is None:
                base = self._evolved(base, write.event)
        return base

    # -- the policy --------------------------------------------------------------------------

    def begin(self) -> Recent:
        """The domain's first state."""
        return Recent(self._first, (), (), self._first)

    def step(self, held: Recent, write: Write) -> Step:
        """Judge all that is recent anew, and put out what changed."""
        writes = (*held.writes, write)
        verdicts = self.judge(held.base, writes)
        losers = tuple(0 if lost is None else writes[lost].address for lost in verdicts)
        outputs: list[Output] = []
        owed = set(held.owed)
        for place, one in enumerate(writes):
            before = held.losers[place] if place < len(held.losers) else None
            if before is None or (before == 0) != (losers[place] == 0):
                outputs += self._fate(one, losers[place], owed)
        state = self.fold(held.base, writes, verdicts)
        return Step(Recent(held.base, writes, losers, state, frozenset(owed)), tuple(outputs))

    def state(self, held: Recent) -> State:
        """After all that counts."""
        return held.state

    def forget(self, held: Recent, floor: Sequence[tuple[int, int]]) -> Recent:
        """Put what everybody has seen, and nothing uncertain stands before, into the base."""
        known: Mapping[int, int] = dict(floor)
        certain = 0
        for write in held.writes:
            if write.position > known.get(write.origin, 0):
                break
            certain += 1
        # What is certain may still have lost to a write that is not, so they are let go together only.
        if not certain or certain < len(held.writes):
            return held
        return Recent(held.state, (), (), held.state)

    def refusals(self) -> Iterable[str]:
        """Event types of which nothing says what they write."""
        for kind in self._domain.effects:
            if kind not in self._meaning.parts:
                yield f"nothing says what {kind.__name__} writes; give its meaning parts for it"

    # -- for rules ---------------------------------------------------------------------------

    def _fate(self, write: Write, lost_to: int, owed: set[int]) -> Iterable[Output]:
        if not lost_to or not self.tells:
            return (Merged(write.address),)
        told = Superseded(write.address, lost_to, f"lost to a concurrent write under {self.name}")
        if write.address in owed:
            return (told,)
        owed.add(write.address)
        return (told, Compensated(write.address, compensation_key(self.name, (write.address,))))

    def _evolved(self, state: State, event: Event) -> State:
        return state if event.__class__ is Denied else self._domain.evolve(state, event)


def conflicting(meaning: Meaning, first: Write, second: Write) -> bool:
    """Whether two writes were made without seeing each other and write a part in common."""
    if first.event.__class__ is Denied or second.event.__class__ is Denied:
        return False
    if precedes(first, second) or precedes(second, first):
        return False
    ours, theirs = meaning.parts_of(first.event), meaning.parts_of(second.event)
    return WHOLE in ours or WHOLE in theirs or not ours.isdisjoint(theirs)
