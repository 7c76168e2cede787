"""Which operations of a register cannot be explained, whichever of all the others happened or did not.

A register holds what was written last, so a write may be no part of what is wrong only because
another hides it; leave out both, one after the other, and the first shows again. So a choice of
operations is tried beside all the rest: each of these is *free* to have happened at its time or
never. What is tried begins where the first chosen one does, from anything that the register may
hold by then. A choice that fails there fails in every history that holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Final

from sim.checkers.budget import Meter
from sim.checkers.linearizability.calls import Part
from sim.checkers.linearizability.search import Configurations, Effort, Frontier
from sim.checkers.specifications import Specification

__all__ = ["Register"]

_SMALLEST_WINDOW: Final = 4


class Register:
    """The events of a register that no configuration survives.

    Args:
        part: Whose.
        spec: Of a register: its latest mark stands.
        events: Up to the first that nothing survives.
        meter: Makes the meter of one trial.
        effort: Of a trial.
    """

    def __init__(
        self, part: Part, spec: Specification, events: Sequence[int], meter: Callable[[], Meter], effort: Effort
    ) -> None:
        self._part, self._spec, self._events = part, spec, events
        self._meter, self._effort = meter, effort
        endless = len(events)
        self._begins = {event: at for at, event in enumerate(events) if event >= 0}
        self._ends = dict.fromkeys(self._begins, endless)
        self._ends.update((~event, at) for at, event in enumerate(events) if event < 0)
        self._offers = {n: spec.offers(c.f, c.asked, c.answered) for n in self._begins for c in (part.calls[n],)}
        self._wants = {n: spec.wants(c.f, c.asked, c.answered) for n in self._begins for c in (part.calls[n],)}
        # Writers that want and offer the same, by the first of them.
        self._kinds: dict[tuple[tuple[Hashable, ...], tuple[Hashable, ...]], int] = {}
        for number in self._begins:
            if not part.calls[number].reads:
                self._kinds.setdefault((self._wants[number], self._offers[number]), number)
        self.spent = 0

    def windows(self) -> Iterator[list[int]]:
        """Choices worth a trial: the last few operations with the one that failed, at first without what reads."""
        calls, last = self._part.calls, ~self._events[-1]
        certain = [number for number in self._begins if calls[number].kin is None and number != last]
        writers = [number for number in certain if not calls[number].reads]
        yield [last]
        size = _SMALLEST_WINDOW
        while True:
            for some in (writers, certain):
                yield sorted([*some[-size:], last])
            if size >= len(certain):
                return
            size *= 4

    def fails(self, chosen: list[int]) -> bool:
        """Whether these, by beginning, cannot be explained beside any of the others.

        Raises:
            OverBudget: The meter's limit was passed.
        """
        if not chosen:
            return False
        part, first = self._part, chosen[0]
        start = self._begins[first]
        beside = self._of_use(chosen, start)
        frontier = Frontier(part, self._spec, self._meter(), self._held_by(first), self._effort)
        inside = set(chosen).union(beside)
        try:
            for number in beside:
                part.calls[number].free = part.calls[number].kin is None
                if number < first:
                    frontier.begin(part.calls[number])
            events = [event for event in self._events[start:] if (event if event >= 0 else ~event) in inside]
            return frontier.run(events) is not None
        finally:
            self.spent += 1 + frontier.meter.states + len(self._events) // 8
            for number in beside:
                part.calls[number].free = False

    def can_happen(self, number: int) -> bool:
        """Whether anybody offers what an operation wants, which nobody may have been offered in his turn."""
        wants = self._wants[number]
        return not wants or any((mark, 0) in self._held_by(len(self._part.calls)) for mark in wants)

    def _held_by(self, first: int) -> Configurations:
        """What the register may hold when a call begins: what was offered by those that found what they want."""
        held: dict[Hashable, None] = {self._spec.init(self._spec.initial): None}
        left = [kind for kind, number in self._kinds.items() if number < first]
        while more := dict.fromkeys(kind for kind in left if not kind[0] or any(mark in held for mark in kind[0])):
            left = [kind for kind in left if kind not in more]
            held |= dict.fromkeys(mark for _, offers in more for mark in offers)
        return {(state, 0): None for state in held}

    def _of_use(self, chosen: list[int], start: int) -> list[int]:
        """The other writers that last beyond a place: those of what these want, of what those want, and so on."""
        known, calls, ends = set(chosen), self._part.calls, self._ends
        writers = [n for n in self._begins if ends[n] > start and not calls[n].reads and n not in known]
        wanted = {mark for number in chosen for mark in self._wants[number]}
        found: set[int] = set()
        while more := [n for n in writers if n not in found and not wanted.isdisjoint(self._offers[n])]:
            found.update(more)
            wanted.update(mark for number in more for mark in self._wants[number])
        return [number for number in writers if number in found]
