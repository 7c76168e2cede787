"""Last writer wins by entity: the aggregate is what its last writer took it to be.

Each write stands on the last one that its writer had seen, and so in a chain; the chain of the last write in canonical
order is what counts, and all other chains are lost. A write may come back: if two sides write in turn, each new write
brings its own side's chain back and loses the other's. That is what last-writer-wins over whole states comes to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from models.domain import Denied, Domain, State
from models.merging.policy import Obligation, Step
from models.merging.writes import Compensated, Merged, Output, Superseded, Write, compensation_key, precedes

__all__ = ["Chains", "LastWriter", "SilentLastWriter"]

_BASE: Final = -1


class Chains(NamedTuple):
    """The writes that one to come may still stand on, or bring back.

    Attributes:
        base: The state below them.
        writes: In canonical order.
        below: By place, the place of the write that each stands on; -1 for the base.
        states: By place, the state that its writer left.
        owed: Addresses that were put out as lost, so that each is compensated once.
    """

    base: State
    writes: tuple[Write, ...] = ()
    below: tuple[int, ...] = ()
    states: tuple[State, ...] = ()
    owed: frozenset[int] = frozenset()


class LastWriter:
    """Last writer wins by entity; whoever is lost is told and owed.

    Args:
        domain: Whose events they are.
    """

    name: str = "last-writer"
    promises: ClassVar[frozenset[Obligation]] = frozenset(Obligation) - {Obligation.COMMUTES, Obligation.INVARIANT}
    #: Whether a write that lost is made known.
    tells: ClassVar[bool] = True

    def __init__(self, domain: Domain[Any]) -> None:
        self._domain = domain
        self._first: State = domain.initial()

    def begin(self) -> Chains:
        """The domain's first state."""
        return Chains(self._first)

    def step(self, held: Chains, write: Write) -> Step:
        """Put it on what its writer had seen last; that chain counts now."""
        if write.event.__class__ is Denied:
            return Step(held, (Merged(write.address),))
        writes = held.writes
        last = len(writes) - 1
        below = last
        while below > _BASE and not precedes(writes[below], write):
            below -= 1
        state = self._domain.evolve(held.base if below == _BASE else held.states[below], write.event)
        outputs: list[Output] = []
        owed = held.owed
        if self.tells and below != last:
            lost, back = _apart(held.below, last, below)
            for place in lost:
                more, owed = self._lost(writes[place], write.address, owed)
                outputs += more
            outputs += [Merged(writes[place].address) for place in back]
        outputs.append(Merged(write.address))
        after = Chains(held.base, (*writes, write), (*held.below, below), (*held.states, state), owed)
        return Step(after, tuple(outputs))

    def _lost(self, write: Write, winner: int, owed: frozenset[int]) -> tuple[tuple[Output, ...], frozenset[int]]:
        told = Superseded(write.address, winner, f"lost to a concurrent write under {self.name}")
        if write.address in owed:
            return (told,), owed
        key = compensation_key(self.name, (write.address,))
        return (told, Compensated(write.address, key, write.event_id)), owed | {write.address}

    def state(self, held: Chains) -> State:
        """What the last writer left."""
        return held.states[-1] if held.states else held.base

    def forget(self, held: Chains, floor: Sequence[tuple[int, int]]) -> Chains:
        """Let go of what no write to come can stand on, bring back or lose.

        A write to come has seen the last that everybody has, so it stands on that or on a later one. What all of
        those have in their chains counts for good, and what is below it is decided.
        """
        known: Mapping[int, int] = dict(floor)
        seen = (at for at, one in enumerate(held.writes) if one.position <= known.get(one.origin, 0))
        common = last = max(seen, default=_BASE)
        for place in range(last + 1, len(held.writes)):
            common = _meeting(held.below, common, place)
        if common == _BASE:
            return held
        gone = {write.address for write in held.writes[: common + 1]}
        rest = slice(common + 1, None)
        below = tuple(max(one - common - 1, _BASE) for one in held.below[rest])
        return Chains(held.states[common], held.writes[rest], below, held.states[rest], held.owed - gone)

    def refusals(self) -> Iterable[str]:
        """There is no event that it has no rule for."""
        return ()


class SilentLastWriter(LastWriter):
    """The same without a word to anybody: what most stores do, and a negative control here."""

    name = "silent-last-writer"
    promises: ClassVar[frozenset[Obligation]] = LastWriter.promises - {Obligation.CONSERVED}
    tells = False


def _meeting(below: Sequence[int], first: int, second: int) -> int:
    """The highest place that is in both chains; -1 where they meet in the base only."""
    while first != second:
        if first > second:
            first = below[first]
        else:
            second = below[second]
    return first


def _apart(below: Sequence[int], first: int, second: int) -> tuple[list[int], list[int]]:
    """What is in one chain and not in the other, each from its top down."""
    ones: list[int] = []
    others: list[int] = []
    while first != second:
        if first > second:
            ones.append(first)
            first = below[first]
        else:
            others.append(second)
            second = below[second]
    return ones, others
