"""The few operations that show why a history is not linearizable.

What is left must itself fail to be linearizable, and must not owe that to what was left out: a
read of 5 alone proves nothing if the write of 5 was thrown away. So an operation is left out
only where a linearizable history would have stayed linearizable without it:

- one that reads, always; it changed nothing;
- one that writes a register, unless a kept operation may have read it: one that wants what it
  wrote, did not end before it began, and has no kept write between the two;
- in a queue, all operations on one element together; in a set, an element, which is then
  struck from every answer too;
- any other, if the rest fails even where this one was free not to have happened.

Time runs backwards: what comes after an operation is reduced before it is tried, so a trial
follows a handful of events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from sim.checkers.budget import Budget, Meter, OverBudget
from sim.checkers.linearizability.calls import Call, Part
from sim.checkers.linearizability.registers import Register
from sim.checkers.linearizability.search import Configurations, Effort, Frontier
from sim.checkers.specifications import Specification, Stand

__all__ = ["STRIDE", "fewest_operations"]

_Item = TypeVar("_Item")
#: Events between two frontiers that are kept, so that a long history is not kept whole.
STRIDE: Final = 512
_STEPS_AT_LEAST: Final = 200_000
_STEPS_A_TRIAL: Final = 20_000


def fewest_operations(
    part: Part, spec: Specification, at: int, frontiers: Sequence[Frontier], meter: Meter
) -> tuple[Call, ...]:
    """Calls of a part that are not linearizable by themselves, by beginning.

    Args:
        part: Whose events up to `at` no configuration survives.
        spec: Of what.
        at: The place of the first such event.
        frontiers: Where the search stood at every `STRIDE`th event up to there.
        meter: What may still be spent; when it is used up, the answer is less small.
    """
    allowed = min(_STEPS_AT_LEAST + 6 * meter.states, meter.budget.states - meter.states)
    allowance = Budget(states=max(1, allowed), memory_bytes=meter.budget.memory_bytes)
    shrinking = _Shrinking(part, spec, part.events[: at + 1], allowance, frontiers[0].effort)
    try:
        if not shrinking.drop_all_but_a_few():
            frontiers = shrinking.drop_reads(frontiers)
            shrinking.drop_one_by_one(frontiers)
            shrinking.drop_marks()
            shrinking.drop_what_is_not_needed()
        shrinking.show_sources()
        if spec.stand is not Stand.LATEST:
            shrinking.drop_free()
    except OverBudget:
        pass
    return tuple(part.calls[number] for number in sorted(event for event in shrinking.events if event >= 0))


class _Shrinking:
    """Events that no configuration survives, on their way to fewer.

    Attributes:
        events: What is left.
        meter: What may be spent.
    """

    def __init__(self, part: Part, spec: Specification, events: list[int], allowance: Budget, effort: Effort) -> None:
        self._effort = effort
        self._whole = self._part = part
        self._spec = spec
        self._start: Configurations = {(spec.init(spec.initial), 0): None}
        self.events = self._reached = events
        self.meter = allowance.meter()
        self._places = {event: at for at, event in enumerate(events)}
        self._a_trial = replace(allowance, states=min(allowance.states, _STEPS_A_TRIAL))
        self._register = Register(part, spec, events, self._a_trial.meter, effort)
        self._sources: set[int] = set()
        self._offers = [frozenset(spec.offers(one.f, one.asked, one.answered)) for one in part.calls]
        self._wants = [frozenset(spec.wants(one.f, one.asked, one.answered)) for one in part.calls]

    def drop_reads(self, frontiers: Sequence[Frontier]) -> Sequence[Frontier]:
        """Leave out what reads all at once, but for the one that failed; most often no other has a part in it."""
        calls, last = self._part.calls, ~self.events[-1]
        rest = [event for event in self.events if not calls[n := event if event >= 0 else ~event].reads or n == last]
        if len(rest) > STRIDE or not self._dead(self._part, rest):
            return frontiers
        # Without them it may fail sooner, and then what comes later has no part in it.
        place = self._frontier().run(rest)
        self.events = rest if place is None else rest[: place + 1]
        return [self._frontier()]

    def _frontier(self) -> Frontier:
        return Frontier(self._part, self._spec, self.meter, self._start, self._effort)

    def drop_one_by_one(self, frontiers: Sequence[Frontier]) -> None:
        """Leave out, from the last to the first, what reads, and what no kept operation can have read.

        Args:
            frontiers: At every `STRIDE`th event.
        """
        events = self.events
        places = {event: at for at, event in enumerate(events)}
        tail: deque[int] = deque()
        open_now = {event for event in events if event >= 0 and ~event not in places}
        at = len(events)
        try:
            for number in reversed(range((len(events) - 1) // STRIDE + 1)):
                start = number * STRIDE
                before: list[Configurations] = []
                frontiers[number].copy(self.meter).run(events[start : start + STRIDE], before)
                for at in reversed(range(start, min(start + STRIDE, len(events)))):
                    event = events[at]
                    tail.appendleft(event)
                    if event < 0:
                        open_now.add(~event)
                    else:
                        open_now.discard(event)
                        tail = self._drop(event, before[at - start], places, tail, open_now)
        finally:
            self.events = [*events[:at], *tail]

    def _drop(
        self,
        event: int,
        configurations: Configurations,
        places: Mapping[int, int],
        tail: deque[int],
        open_now: Collection[int],
    ) -> deque[int]:
        """Try a tail without the operation that begins it, and then without those whose only readers went."""
        calls = self._part.calls
        suspects = [event]
        while suspects:
            number = suspects.pop()
            if calls[number].reads or self._unread(number, places, tail, open_now):
                rest = [other for other in tail if other not in (number, ~number)]
                if self._dead_from(configurations, open_now, rest):
                    tail = deque(rest)
                    suspects += self._offering(self._wants[number], tail)
        return tail

    def drop_marks(self) -> None:
        """Leave out whole elements, where the specification says that the others do not care."""
        spec, part = self._spec, self._part
        if spec.stand is not Stand.TAKEN and spec.restrict is None:
            return
        calls = [part.calls[event] for event in self.events if event >= 0]
        offered = dict.fromkeys(mark for call in calls for mark in spec.offers(call.f, call.asked, call.answered))
        first = spec.initial if isinstance(spec.initial, tuple) else ()
        events = self.events

        def dead_with(marks: list[Hashable]) -> bool:
            gone = frozenset(offered) - frozenset(marks) - frozenset(first)
            seen = [_without(call, spec, gone) for call in part.calls]
            rest = [event for event in events if seen[event if event >= 0 else ~event] is not None]
            view = replace(part, calls=[call or whole for call, whole in zip(seen, part.calls, strict=True)])
            if dead := self._dead(view, rest):
                self._part, self.events = view, rest
            return dead

        _fewest(list(offered), dead_with)

    def drop_all_but_a_few(self) -> bool:
        """Leave out of a register what the rest does not need, whichever of the others happened; whether any was."""
        if self._spec.stand is not Stand.LATEST:
            return False
        few = next((window for window in self._register.windows() if self._fails_beside_all(window)), None)
        if few is not None:
            _fewest(few, self._fails_beside_all)
        return few is not None

    def drop_what_is_not_needed(self) -> None:
        """The same for what is left of a register in which no few operations were found."""
        if self._spec.stand is Stand.LATEST:
            kept = [event for event in self.events if event >= 0 and self._part.calls[event].kin is None]
            if self._fails_beside_all(kept):
                _fewest(kept, self._fails_beside_all)

    def _fails_beside_all(self, chosen: list[int]) -> bool:
        """Whether these fail whichever of the others happened; if so, they are what is left."""
        before = self._register.spent
        try:
            fails = self._register.fails(chosen)
        except OverBudget:
            fails = False
        self.meter.spend(self._register.spent - before)
        if fails:
            kept = set(chosen)
            self.events = [event for event in self._reached if (event if event >= 0 else ~event) in kept]
        return fails

    def drop_free(self) -> None:
        """Leave out what the rest does not need: it fails even where this is free not to have happened."""
        calls, events = self._part.calls, self.events
        numbers = [event for event in events if event >= 0 and calls[event].kin is None and event not in self._sources]

        def dead_with(needed: list[int]) -> bool:
            free = set(numbers).difference(needed)
            for number in numbers:
                calls[number].free = number in free
            if dead := self._dead(self._part, events):
                self.events = [event for event in events if (event if event >= 0 else ~event) not in free]
            return dead

        try:
            _fewest(numbers, dead_with)
        finally:
            for number in numbers:
                calls[number].free = False
        # Whatever fails with the help of pending operations fails without it.
        self.events = [
            event
            for event in self.events
            if calls[number := event if event >= 0 else ~event].kin is None or number in self._sources
        ]

    def show_sources(self) -> None:
        """Add, for each mark that somebody wants, the last operation that offered it, if it had begun by then.

        Not what can never have happened, such as a pending cas of what nobody wrote: that explains nothing.
        """
        spec = self._spec
        places, end = self._places, len(self._reached)
        kept = {event for event in self.events if event >= 0}
        for number in sorted(kept):
            call = self._part.calls[number]
            for mark in spec.wants(call.f, call.asked, call.answered):
                by_then = places.get(~number, end)
                sources = [
                    n
                    for n in self._reached[:by_then]
                    if n >= 0 and mark in self._offers[n] and n != number and self._can_happen(n)
                ]
                if not sources:
                    continue
                if present := kept.intersection(sources):
                    self._sources.update(present)
                    continue
                more = {sources[-1], *(event if event >= 0 else ~event for event in self.events)}
                shown = [event for event in self._reached if (event if event >= 0 else ~event) in more]
                if self._dead(self._part, shown):
                    self.events = shown
                    kept.add(sources[-1])
                    self._sources.add(sources[-1])

    def _can_happen(self, number: int) -> bool:
        return self._spec.stand is not Stand.LATEST or self._register.can_happen(number)

    def _offering(self, marks: frozenset[Hashable], tail: Collection[int]) -> list[int]:
        """The writers of a register that begin in the tail and offer one of the marks."""
        if self._spec.stand is not Stand.LATEST:
            return []
        calls, offers = self._part.calls, self._offers
        return [
            other for other in tail if other >= 0 and not calls[other].reads and not marks.isdisjoint(offers[other])
        ]

    def _unread(self, number: int, places: Mapping[int, int], tail: Collection[int], open_now: Collection[int]) -> bool:
        """Whether no operation that is still there can have read what a writer of a register wrote."""
        if self._spec.stand is not Stand.LATEST:
            return False
        calls, wants, marks = self._part.calls, self._wants, self._offers[number]
        self.meter.spend(1 + len(tail) // 8)
        present = {event if event >= 0 else ~event for event in tail}.union(open_now)
        ended = places.get(~number, len(places))
        overwritten = min(
            (
                places.get(~other, len(places))
                for other in tail
                if other > number and places[other] > ended and not calls[other].reads and calls[other].kin is None
            ),
            default=len(places),
        )
        shown = [other for other in self._offering(marks, tail) if other != number]
        for other in present:
            wanting = other != number and not marks.isdisjoint(wants[other])
            if wanting and (places[other] <= overwritten or not shown):
                return False
        return True

    def _dead_from(self, configurations: Configurations, open_now: Collection[int], events: list[int]) -> bool:
        frontier = Frontier(self._part, self._spec, self._a_trial.meter(), configurations, self._effort)
        for number in sorted(open_now):
            frontier.begin(self._part.calls[number])
        return self._tried(frontier, events)

    def _dead(self, part: Part, events: list[int]) -> bool:
        return self._tried(Frontier(part, self._spec, self._a_trial.meter(), self._start, self._effort), events)

    def _tried(self, frontier: Frontier, events: list[int]) -> bool:
        try:
            return frontier.run(events) is not None
        except OverBudget:
            return False
        finally:
            self.meter.spend(1 + frontier.meter.states)


def _without(call: Call, spec: Specification, gone: frozenset[Hashable]) -> Call | None:
    """The call as it looks where some marks never were; None if it goes with them."""
    marks = spec.offers(call.f, call.asked, call.answered)
    if spec.restrict is None:
        marks += spec.wants(call.f, call.asked, call.answered)
    elif call.reads:
        return replace(call, answered=spec.restrict(call.f, call.asked, call.answered, gone))
    return None if any(mark in gone for mark in marks) else call


def _fewest(items: list[_Item], enough: Callable[[list[_Item]], bool]) -> None:
    """Ask whether fewer and fewer items are enough, in shrinking chunks, until no single one can go.

    Source: delta debugging by complements, Zeller and Hildebrandt, IEEE TSE 2002.
    """
    chunk = len(items)
    while chunk:
        at = 0
        while at < len(items):
            rest = items[:at] + items[at + chunk :]
            if enough(rest):
                items = rest
            else:
                at += chunk
        chunk //= 2
