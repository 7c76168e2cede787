"""Invariant confluence, to a bound: can two sides go on alone, and be merged, without breaking an invariant?

    one seat, free; side 0 gives it to Ann, side 1 gives it to Ben, both say yes
    merged: two on one seat

A system is *invariant confluent* if any two states that its sides reach from a common one, each on its
own and each keeping the invariant, merge to a state that keeps it: then no coordination is needed, and
otherwise none can be avoided (Bailis et al., "Coordination Avoidance in Database Systems", VLDB 2014).
Whether it is cannot be decided in general; here every divergence of up to `depth` operations is tried,
fewest first, so that a counterexample is one of the smallest there are.

Three things besides a broken invariant can go wrong, and are told apart. The merge may depend on which
side is called the first, so that two regions end differently. It may keep the invariant by taking back
what was accepted, so that an apology is owed. Or a side breaks the invariant alone, and no cut is to blame.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Generic, NamedTuple, TypeVar

from sim.checkers.budget import DEFAULT_BUDGET, Budget, Meter, OverBudget

__all__ = ["Confluence", "Divergence", "SplitSystem", "confluent"]

S = TypeVar("S", bound=Hashable)
O = TypeVar("O", bound=Hashable)  # noqa: E741


class Confluence(StrEnum):
    """What becomes of an invariant when two sides are merged, from good to bad."""

    CONFLUENT = "confluent"
    OWED = "compensation owed"
    DIVERGENT = "divergent"
    BROKEN = "broken"
    BROKEN_ALONE = "broken alone"
    UNKNOWN = "unknown"


def _nothing_owed(base: object, left: object, right: object, merged: object) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSystem(Generic[S, O]):
    """What is cut in two and merged. States and operations are values that can be hashed.

    Attributes:
        initial: The state at first, on both sides.
        offers: Operations that somebody may ask of a side, 0 or 1, in a state.
        apply: The state after an operation at a side; None if the side refuses it.
        merge: The state that both sides have after the heal, from the last common one and each side's.
        invariant: What must hold of every state.
        owed: What of the operations accepted by side 0 and side 1 since the common state the merged state takes
            back, as a sentence; "" if nothing. Called with the common state, both sides' operations, the merged one.
    """

    initial: S
    offers: Callable[[S, int], Iterable[O]]
    apply: Callable[[S, O, int], S | None]
    merge: Callable[[S, S, S], S]
    invariant: Callable[[S], bool]
    owed: Callable[[S, tuple[O, ...], tuple[O, ...], S], str] = _nothing_owed


class Divergence(NamedTuple, Generic[S, O]):
    """The answer, with the counterexample that shows it.

    Attributes:
        outcome: What was found; the worst there is, up to the depth.
        depth: Operations tried, the common ones included.
        base: Operations before the cut, each with its side, in an order that leads to the common state.
        left: What side 0 accepted during the cut.
        right: What side 1 accepted.
        merged: The state after the heal; None if nothing was found.
        reason: One sentence for people; "" if confluent.
        compared: Pairs of sides that were merged.
    """

    outcome: Confluence
    depth: int
    base: tuple[tuple[int, O], ...] = ()
    left: tuple[O, ...] = ()
    right: tuple[O, ...] = ()
    merged: S | None = None
    reason: str = ""
    compared: int = 0


_SIDES: Final = (0, 1)
_RANK: Final = MappingProxyType({one: rank for rank, one in enumerate(Confluence)})


def confluent(system: SplitSystem[S, O], depth: int, budget: Budget = DEFAULT_BUDGET) -> Divergence[S, O]:
    """Try every divergence of up to so many operations, those before the cut included.

    Args:
        system: What is cut and merged.
        depth: Operations in all, at least 1. What is tried grows as the power of what is offered.
        budget: A step is an operation applied or a pair merged.

    Returns:
        *Confluent* to this depth, or the worst that was found with one of its smallest counterexamples;
        *unknown* if the budget ended before either.

    Raises:
        ValueError: a depth below 1, or a first state that breaks the invariant.
    """
    if depth < 1:
        raise ValueError(f"{depth=} tries nothing; give at least 1")
    if not system.invariant(system.initial):
        raise ValueError("the first state breaks the invariant; begin with one that keeps it")
    return _Search(system, depth, budget.meter()).run()


class _Path(NamedTuple, Generic[S, O]):
    """A state that a side reached, and by what."""

    state: S
    operations: tuple[O, ...]


class _Search(Generic[S, O]):
    """Common states by the operations that they cost, and from each what both sides reach alone."""

    def __init__(self, system: SplitSystem[S, O], depth: int, meter: Meter) -> None:
        self._system = system
        self._depth = depth
        self._meter = meter
        self._worst: Divergence[S, O] = Divergence(Confluence.CONFLUENT, depth)
        self._compared = 0
        #: By cost, common states first reached at it, with what led there.
        self._bases: list[dict[S, tuple[tuple[int, O], ...]]] = [{system.initial: ()}]
        self._known: set[S] = {system.initial}
        self._reached: dict[tuple[S, int], list[list[_Path[S, O]]]] = {}

    def run(self) -> Divergence[S, O]:
        try:
            for total in range(1, self._depth + 1):
                self._bases.append({})
                for cost in range(total):
                    for base, led in list(self._bases[cost].items()):
                        self._diverge(base, led, total - cost, total)
                        if self._worst.outcome in (Confluence.BROKEN, Confluence.BROKEN_ALONE):
                            return self._answer()
        except OverBudget as over:
            if self._worst.outcome is Confluence.CONFLUENT:
                return Divergence(Confluence.UNKNOWN, self._depth, reason=str(over), compared=self._compared)
            # There may be worse that was not reached.
            self._worst = self._worst._replace(reason=f"{self._worst.reason}; {over}")
        return self._answer()

    def _answer(self) -> Divergence[S, O]:
        return self._worst._replace(compared=self._compared)

    def _diverge(self, base: S, led: tuple[tuple[int, O], ...], operations: int, total: int) -> None:
        """All pairs of sides that accept so many operations between them."""
        for count in range(operations + 1):
            for left in self._alone(base, 0, count, led):
                for right in self._alone(base, 1, operations - count, led):
                    self._merge(base, led, left, right, total)

    def _alone(self, base: S, side: int, count: int, led: tuple[tuple[int, O], ...]) -> list[_Path[S, O]]:
        """What a side reaches by so many operations of its own; one path for each state and set of operations."""
        levels = self._reached.setdefault((base, side), [[_Path(base, ())]])
        while len(levels) <= count:
            found: dict[tuple[S, frozenset[tuple[O, int]]], _Path[S, O]] = {}
            for path in levels[-1]:
                for step in self._steps(path, side, led):
                    found.setdefault((step.state, _bag(step.operations)), step)
            levels.append(list(found.values()))
        return levels[count]

    def _steps(self, path: _Path[S, O], side: int, led: tuple[tuple[int, O], ...]) -> Iterator[_Path[S, O]]:
        for operation in self._system.offers(path.state, side):
            self._meter.spend()
            state = self._system.apply(path.state, operation, side)
            if state is None:
                continue
            step = _Path(state, (*path.operations, operation))
            if self._system.invariant(state):
                yield step
                continue
            left, right = ((), step.operations) if side else (step.operations, ())
            reason = "a side breaks the invariant with no cut to blame"
            self._found(Confluence.BROKEN_ALONE, led, left, right, state, reason)

    def _merge(
        self, base: S, led: tuple[tuple[int, O], ...], left: _Path[S, O], right: _Path[S, O], total: int
    ) -> None:
        self._meter.spend()
        system = self._system
        merged = system.merge(base, left.state, right.state)
        self._compared += 1
        if not system.invariant(merged):
            self._found(
                Confluence.BROKEN, led, left.operations, right.operations, merged, "merged, it breaks the invariant"
            )
            return
        other = system.merge(base, right.state, left.state)
        if other != merged:
            reason = f"with the sides exchanged it merges to {other!r}"
            self._found(Confluence.DIVERGENT, led, left.operations, right.operations, merged, reason)
        elif owed := system.owed(base, left.operations, right.operations, merged):
            self._found(Confluence.OWED, led, left.operations, right.operations, merged, owed)
        if merged not in self._known:
            self._known.add(merged)
            path = (*((0, one) for one in left.operations), *((1, one) for one in right.operations))
            self._bases[total][merged] = led + path

    def _found(
        self,
        outcome: Confluence,
        led: tuple[tuple[int, O], ...],
        left: tuple[O, ...],
        right: tuple[O, ...],
        merged: S,
        reason: str,
    ) -> None:
        """Keep it if it is worse than what there is; of equals the first is the smallest."""
        if _RANK[outcome] > _RANK[self._worst.outcome]:
            self._worst = Divergence(outcome, self._depth, led, left, right, merged, reason)


def _bag(operations: tuple[O, ...]) -> frozenset[tuple[O, int]]:
    """Operations and how often each, whatever their order."""
    return frozenset((one, operations.count(one)) for one in operations)
