"""Policies that may change their mind: what is recent is kept, with every write's fate, until nobody can object.

A write may be concurrent with one that is folded already. A rule that lets the later one win, or the one of a
preferred region, must then take the earlier one back. So the writes that a write to come may still be concurrent with
are held as they are, above a state that is certain; a new write changes the fate of those that it is concurrent with,
and of nobody else, and what changed goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from models.domain import Denied, Domain, Event, State
from models.merging.meaning import WHOLE, Meaning
from models.merging.policy import Obligation, Step
from models.merging.writes import Compensated, Merged, Output, Superseded, Write, compensation_key, precedes
from sim.tuples import made

__all__ = ["Recent", "RecentPolicy", "concurrent_in", "conflicting", "meet"]


_NOWHERE: Final = -1


class Recent(NamedTuple):
    """What is certain, and what is not yet.

    Attributes:
        base: The state after all writes that nobody can object to any more.
        writes: The others, in canonical order.
        lost_to: By place among those, the address of the write that it lost to; 0 where it counts.
        states: By place, the state after it.
        owed: Addresses that were put out as lost, so that each is compensated once.
        heads: By sub-domain, the position of its last write so far: whoever has seen all of those is concurrent with
            nothing here, which is most of a long cut, and need not be held against every write.
    """

    base: State
    writes: tuple[Write, ...] = ()
    lost_to: tuple[int, ...] = ()
    states: tuple[State, ...] = ()
    owed: frozenset[int] = frozenset()
    heads: tuple[tuple[int, int], ...] = ()

    @property
    def state(self) -> State:
        """After all that counts."""
        return self.states[-1] if self.states else self.base


class RecentPolicy:
    """Base of the policies that decide which of several concurrent writes count.

    Args:
        domain: Whose events they are.
        meaning: What each event writes.
    """

    name: str = ""
    promises: ClassVar[frozenset[Obligation]] = frozenset(Obligation) - {Obligation.COMMUTES, Obligation.INVARIANT}

    def __init__(self, domain: Domain[Any], meaning: Meaning) -> None:
        self._domain = domain
        self._meaning = meaning
        self._first: State = domain.initial()
        self._lost = f"lost to a concurrent write under {self.name}"

    def judge(self, writes: Sequence[Write], lost_to: list[int], concurrent: Sequence[int]) -> None:
        """Say what the last write does to those that it is concurrent with, and they to it.

        Args:
            writes: All recent ones, the new one last.
            lost_to: By place, what each lost to; 0 for the new one. To be changed for that one and the concurrent ones.
            concurrent: Places of those that the new one's writer had not seen, ascending.
        """
        raise NotImplementedError

    # -- the policy --------------------------------------------------------------------------

    def begin(self) -> Recent:
        """The domain's first state."""
        return Recent(self._first)

    def step(self, held: Recent, write: Write) -> Step:
        """Let it be judged among those that it is concurrent with, and put out what changed."""
        if write.event.__class__ is Denied:
            return Step(held, (Merged(write.address),))
        return self.judged(held, write, concurrent_in(held, write))

    def judged(self, held: Recent, write: Write, concurrent: Sequence[int]) -> Step:
        """What becomes of a write, and of others by it.

        Args:
            held: What is held of the others.
            write: The new one.
            concurrent: Places of those that its writer had not seen, ascending.
        """
        base, earlier, before, states, owed, heads = held
        writes, lost_to = earlier + (write,), [*before, 0]  # noqa: RUF005 - unpacking takes twice the time
        self.judge(writes, lost_to, concurrent)
        heads = _moved(heads, write.origin, write.position)
        changed = [place for place in concurrent if before[place] != lost_to[place]]
        if not changed:
            lost = lost_to[-1]
            outputs, owed = self.fate(write, lost, owed)
            state = states[-1] if states else base
            if not lost:
                state = self.effect(state, write.event)
            after = (base, writes, before + (lost,), states + (state,), owed, heads)  # noqa: RUF005
            return made(Step, (made(Recent, after), outputs))
        told: list[Output] = []
        count = len(earlier)
        for place in (*changed, count):
            more, owed = self.fate(writes[place], lost_to[place], owed)
            told += more
        first = count
        for place in changed:
            if not (before[place] and lost_to[place]):
                first = place
                break
        anew = list(states[:first])
        state = anew[-1] if anew else base
        for place in range(first, len(writes)):
            if not lost_to[place]:
                state = self.effect(state, writes[place].event)
            anew.append(state)
        after = (base, writes, tuple(lost_to), tuple(anew), owed, heads)
        return made(Step, (made(Recent, after), tuple(told)))

    def fate(self, write: Write, lost_to: int, owed: frozenset[int]) -> tuple[tuple[Output, ...], frozenset[int]]:
        """What goes out of a write whose fate is new, and who has been put out as owed."""
        if not lost_to:
            return (made(Merged, (write.address,)),), owed
        told = made(Superseded, (write.address, lost_to, self._lost))
        if write.address in owed:
            return (told,), owed
        key = compensation_key(self.name, (write.address,))
        return (told, made(Compensated, (write.address, key, write.event_id, None))), owed | {write.address}

    def state(self, held: Recent) -> State:
        """After all that counts."""
        return held.state

    def forget(self, held: Recent, floor: Sequence[tuple[int, int]]) -> Recent:
        """Put what everybody has seen into the base, up to the first that somebody has not, or that is not over.

        What everybody has seen is concurrent with no write to come, so its fate is final; but a loser is kept beside
        its winner, since what was built on it unawares is known by the two of them.
        """
        known: Mapping[int, int] = dict(floor)
        certain = 0
        for place, write in enumerate(held.writes):
            if write.position > known.get(write.origin, 0) or self.is_open(held, place):
                break
            certain = place + 1
        if any(held.lost_to[:certain]):
            places = {write.address: place for place, write in enumerate(held.writes)}
            for place in range(certain):
                if places.get(held.lost_to[place], _NOWHERE) >= certain:
                    certain = place
                    break
        if not certain:
            return held
        gone = {write.address for write in held.writes[:certain]}
        base, rest = held.states[certain - 1], slice(certain, None)
        return Recent(base, held.writes[rest], held.lost_to[rest], held.states[rest], held.owed - gone, held.heads)

    def is_open(self, held: Recent, place: int) -> bool:
        """Whether the fate of a write waits for more than everybody's having seen it."""
        return False

    def refusals(self) -> Iterable[str]:
        """Event types of which nothing says what they write."""
        for kind in self._domain.effects:
            if kind not in self._meaning.parts:
                yield f"nothing says what {kind.__name__} writes; give its meaning parts for it"

    # -- for rules ---------------------------------------------------------------------------

    def parts(self, event: Event) -> frozenset[str]:
        """What an event writes."""
        return self._meaning.parts_of(event)

    def effect(self, state: State, event: Event) -> State:
        """The state after a write that counts."""
        after: State = self._domain.evolve(state, event)
        return after

    def clash(self, first: Write, second: Write) -> bool:
        """Whether two writes write a part in common."""
        return meet(self.parts(first.event), self.parts(second.event))


def meet(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether two writes that write these parts write one in common."""
    return WHOLE in ours or WHOLE in theirs or not ours.isdisjoint(theirs)


def _moved(heads: tuple[tuple[int, int], ...], origin: int, position: int) -> tuple[tuple[int, int], ...]:
    """The heads with a sub-domain's at another position, ascending by number."""
    for place, (number, _) in enumerate(heads):
        if number >= origin:
            rest = place + (number == origin)
            return heads[:place] + ((origin, position),) + heads[rest:]  # noqa: RUF005 - as above
    return (*heads, (origin, position))


def concurrent_in(held: Recent, write: Write) -> list[int]:
    """Places, ascending, of what is held and a write's author had not seen; what is held comes earlier."""
    if not held.writes:
        return []
    seen = dict(write.seen)
    seen[write.origin] = write.position
    upto = seen.get
    for origin, position in held.heads:
        if position > upto(origin, 0):
            return [place for place, one in enumerate(held.writes) if one.position > upto(one.origin, 0)]
    return []  # whoever has seen the last of every sub-domain has seen all


def conflicting(meaning: Meaning, first: Write, second: Write) -> bool:
    """Whether two writes were made without seeing each other and write a part in common."""
    if precedes(first, second) or precedes(second, first):
        return False
    return meet(meaning.parts_of(first.event), meaning.parts_of(second.event))
