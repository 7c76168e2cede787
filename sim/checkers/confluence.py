"""Invariant confluence, to a bound: can two sides go on alone, and be merged, without breaking an invariant?

    one seat, free; side 0 gives it to Ann, side 1 gives it to Ben, both say yes
    merged: two on one seat

A system is *invariant confluent* if any two states that its sides reach from a common one, each on its
own and each keeping the invariant, merge to a state that keeps it: then no coordination is needed, and
otherwise none can be avoided (Bailis et al., "Coordination Avoidance in Database Systems", VLDB 2014).
Whether it is cannot be decided in general; here every divergence of up to `depth` operations is tried,
fewest first, so that a counterexample is one of the smallest there are.

Nothing can go wrong between sides that accept nothing, and nothing is shown by it: that is *unknown*.

Three things besides a broken invariant can go wrong, and are told apart. The merge may depend on which
side is called the first, so that two regions end differently. It may keep the invariant by taking back
what was accepted, so that an apology is owed. Or a side breaks the invariant alone, and no cut is to blame.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar

from sim.checkers.budget import DEFAULT_BUDGET, Budget, Meter, OverBudget

__all__ = ["Confluence", "Divergence", "SplitSystem", "SystemFailed", "confluent"]

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


class SystemFailed(Exception):
    """A function of a `SplitSystem` raised, or gave what is none of its results; the text says which and on what."""


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
        *unknown* if the budget ended before either, or nothing that is offered is accepted.

    Raises:
        ValueError: a depth below 1, or a first state that breaks the invariant.
        SystemFailed: a function of the system raised, or gave what it must not.
    """
    if depth < 1:
        raise ValueError(f"{depth=} tries nothing; give at least 1")
    _hashable(system.initial, "initial")
    asked = _Asked(system)
    if not asked.keeps(system.initial):
        raise ValueError("the first state breaks the invariant; begin with one that keeps it")
    return _Search(asked, depth, budget.meter()).run()


def _hashable(value: object, what: str, name: str = "", arguments: tuple[object, ...] = ()) -> None:
    """Refuse what cannot be hashed; it is told as `what`, of a function's call if one is named."""
    try:
        frozenset((value,))  # hashes it
    except Exception as failed:
        of = f" of {_call(name, arguments)}" if name else ""
        raise SystemFailed(
            f"{what}{of} is {value!r}, which cannot be hashed ({_told(failed)}); give a value, such as a tuple for a "
            "list and a frozenset for a set"
        ) from failed


class _Asked(Generic[S, O]):
    """A system's functions, each held to what it may give.

    Raises:
        SystemFailed: by every method: the function raised, or gave anything else.
    """

    def __init__(self, system: SplitSystem[S, O]) -> None:
        self._system = system
        self.initial = system.initial

    def offers(self, state: S, side: int) -> Iterator[O]:
        """One at a time: there may be more than anybody can try."""
        given = self._called("offers", state, side)
        try:
            operations = iter(given)
        except TypeError as failed:
            told = f"{_call('offers', (state, side))} gave {given!r}, which holds no operations"
            raise SystemFailed(f"{told}; give a tuple, empty where there are none") from failed
        while True:
            try:
                operation = next(operations)
            except StopIteration:
                return
            except KeyboardInterrupt:
                raise
            except BaseException as failed:  # as in `_called`
                raise SystemFailed(f"{_call('offers', (state, side))} raised {_told(failed)}; mend offers") from failed
            _hashable(operation, "an operation", "offers", (state, side))
            yield operation

    def apply(self, state: S, operation: O, side: int) -> S | None:
        after: S | None = self._called("apply", state, operation, side)
        _hashable(after, "the state", "apply", (state, operation, side))
        return after

    def merge(self, base: S, left: S, right: S) -> S:
        merged: S | None = self._called("merge", base, left, right)
        if merged is None:
            raise SystemFailed(f"{_call('merge', (base, left, right))} gave None; give the state after the heal")
        _hashable(merged, "the state", "merge", (base, left, right))
        return merged

    def keeps(self, state: S) -> bool:
        holds = self._called("invariant", state)
        if holds is None:
            raise SystemFailed(f"{_call('invariant', (state,))} gave None; give whether it holds")
        return bool(holds)

    def owed(self, base: S, left: tuple[O, ...], right: tuple[O, ...], merged: S) -> str:
        told = self._called("owed", base, left, right, merged)
        if not isinstance(told, str):
            rule = f"gave {told!r}; give what is owed as a sentence, or an empty text"
            raise SystemFailed(f"{_call('owed', (base, left, right, merged))} {rule}")
        return told

    def _called(self, name: str, *arguments: object) -> Any:
        try:
            return getattr(self._system, name)(*arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as failed:  # somebody's function, which may raise anything, or exit
            raise SystemFailed(f"{_call(name, arguments)} raised {_told(failed)}; mend {name}") from failed


#: What the functions of a system are called with.
_TAKEN: Final = MappingProxyType(
    {
        "offers": ("state", "side"),
        "apply": ("state", "operation", "side"),
        "merge": ("base", "left", "right"),
        "invariant": ("state",),
        "owed": ("base", "left", "right", "merged"),
    }
)


def _call(name: str, arguments: tuple[object, ...]) -> str:
    given = (f"{one}={value!r}" for one, value in zip(_TAKEN[name], arguments, strict=True))
    return f"{name}({', '.join(given)})"


def _told(failed: BaseException) -> str:
    return f"{type(failed).__name__}: {failed}"


class _Path(NamedTuple, Generic[S, O]):
    """A state that a side reached, and by what."""

    state: S
    operations: tuple[O, ...]


class _Search(Generic[S, O]):
    """Common states by the operations that they cost, and from each what both sides reach alone."""

    def __init__(self, asked: _Asked[S, O], depth: int, meter: Meter) -> None:
        self._asked = asked
        self._depth = depth
        self._meter = meter
        self._worst: Divergence[S, O] = Divergence(Confluence.CONFLUENT, depth)
        self._compared = 0
        #: By cost, common states first reached at it, with what led there.
        self._bases: list[dict[S, tuple[tuple[int, O], ...]]] = [{asked.initial: ()}]
        self._known: set[S] = {asked.initial}
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
                reason = f"{over}; try less deep"
                return Divergence(Confluence.UNKNOWN, self._depth, reason=reason, compared=self._compared)
            # There may be worse that was not reached.
            self._worst = self._worst._replace(reason=f"{self._worst.reason}; {over}")
        return self._answer()

    def _answer(self) -> Divergence[S, O]:
        if not self._compared and self._worst.outcome is Confluence.CONFLUENT:
            return Divergence(Confluence.UNKNOWN, self._depth, reason=self._untried())
        return self._worst._replace(compared=self._compared)

    def _untried(self) -> str:
        """Why no pair of sides was merged."""
        offered = sum(1 for side in _SIDES for _ in self._asked.offers(self._asked.initial, side))
        what = f"both sides refuse all {offered} operations that are offered" if offered else "nothing is offered"
        return f"{what} in the first state, so that nothing was tried; offer what a side accepts"

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
        for operation in self._asked.offers(path.state, side):
            self._meter.spend()
            state = self._asked.apply(path.state, operation, side)
            if state is None:
                continue
            step = _Path(state, (*path.operations, operation))
            if self._asked.keeps(state):
                yield step
                continue
            left, right = ((), step.operations) if side else (step.operations, ())
            reason = "a side breaks the invariant with no cut to blame"
            self._found(Confluence.BROKEN_ALONE, led, left, right, state, reason)

    def _merge(
        self, base: S, led: tuple[tuple[int, O], ...], left: _Path[S, O], right: _Path[S, O], total: int
    ) -> None:
        self._meter.spend()
        asked = self._asked
        merged = asked.merge(base, left.state, right.state)
        self._compared += 1
        if not asked.keeps(merged):
            self._found(
                Confluence.BROKEN, led, left.operations, right.operations, merged, "merged, it breaks the invariant"
            )
            return
        other = asked.merge(base, right.state, left.state)
        if other != merged:
            reason = f"with the sides exchanged it merges to {other!r}"
            self._found(Confluence.DIVERGENT, led, left.operations, right.operations, merged, reason)
        elif owed := asked.owed(base, left.operations, right.operations, merged):
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
