"""First-in-first-out queues whose every element was put in once: no search, since it is known who took what.

A history of such a queue is linearizable iff it shows none of these *bad patterns*: an element taken
that nobody put in, or only later; one taken twice; one put in before another, and taken after it (or
never, though the other was); a queue found empty though at each instant of that look something was
surely in it. What is surely in: an element from the end of its enqueue to the beginning of its dequeue.

Source: Henzinger, Sezgin and Vafeiadis, *Aspect-oriented linearizability proofs*, CONCUR 2013.
Departures: a pending enqueue has not ended, and one whose element nobody took never happened; pending
dequeues first take nothing, then what has to be gone soonest. Where that fails too, the answer is unknown.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sim.checkers.budget import DEFAULT_BUDGET, Budget, OverBudget
from sim.checkers.reading import AUDIT, NEVER, Attempt, attempts_of, by_key
from sim.checkers.verdict import Outcome, Verdict
from sim.checkers.wellformed import well_formed
from sim.history import History, Value

__all__ = ["first_in_first_out"]

_STEPS_AN_OPERATION: Final = 10


@dataclass(slots=True)
class _Element:
    """An element: who put it in and, if anybody surely did, took it out; places are rows, `NEVER` if not yet."""

    enqueue: Attempt
    dequeue: Attempt | None = None
    taken_from: int = NEVER
    taken_by: int = NEVER

    def attempts(self) -> tuple[Attempt, ...]:
        """Its operations."""
        return (self.enqueue,) if self.dequeue is None else (self.enqueue, self.dequeue)


@dataclass(slots=True)
class _Queue:
    """What happened to one queue.

    Attributes:
        elements: That were surely put in, or taken out.
        empties: Dequeues that found nothing.
        pending: Where dequeues without an answer begin.
    """

    elements: list[_Element]
    empties: list[Attempt]
    pending: list[int]


def first_in_first_out(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """Every key is a queue that begins empty: what is taken is what was put in first.

    Unknown where an element was put in twice, or where it matters what pending dequeues took and no easy choice
    of that explains the history.
    """
    if not (form := well_formed(history, None, budget)).valid:
        return form
    try:
        budget.meter().spend(_STEPS_AN_OPERATION * len(history))
    except OverBudget as limit:
        return Verdict(Outcome.UNKNOWN, (), str(limit))
    unknown: Verdict | None = None
    public = (one for one in attempts_of(history) if not one.session.startswith(AUDIT) and not one.failed)
    for key, attempts in by_key(public).items():
        verdict = _judge(attempts)
        if verdict.outcome is Outcome.INVALID:
            return verdict._replace(reason=f"key {key!r}: {verdict.reason}")
        if verdict.outcome is Outcome.UNKNOWN:
            unknown = verdict._replace(reason=f"key {key!r}: {verdict.reason}")
    return unknown or Verdict(Outcome.VALID)


def _judge(attempts: Sequence[Attempt]) -> Verdict:
    queue = _read(attempts)
    if isinstance(queue, Verdict):
        return queue
    found = _bad(queue)
    if found is None or not queue.pending or all(one.dequeue is not None for one in found[1]):
        return Verdict(Outcome.VALID) if found is None else _invalid(*found)
    _take_pending(queue)
    if _bad(queue) is None:
        return Verdict(Outcome.VALID)
    return Verdict(Outcome.UNKNOWN, (), "it depends on what the pending dequeues took")


def _read(attempts: Sequence[Attempt]) -> _Queue | Verdict:
    """The queue; a verdict if there is no need, or no way, to look on."""
    elements: dict[Value, _Element] = {}
    for one in attempts:
        if one.f == "enqueue":
            if one.asked in elements:
                return Verdict(Outcome.UNKNOWN, (), "an element was put in twice")
            elements[one.asked] = _Element(one)
    empties, pending = [], []
    for one in attempts:
        if one.f != "dequeue":
            continue
        if not one.ok:
            pending.append(one.begin)
        elif one.answer is None:
            empties.append(one)
        else:
            element = elements.get(one.answer)
            if element is None or one.precedes(element.enqueue):
                return _told("nobody had put in what was taken", (one,))
            if element.dequeue is not None:
                return _told("an element was taken twice", (*element.attempts(), one))
            element.dequeue, element.taken_from, element.taken_by = one, one.begin, one.end
    there = [one for one in elements.values() if one.enqueue.ok or one.dequeue is not None]
    return _Queue(sorted(there, key=lambda one: one.enqueue.end), empties, sorted(pending))


def _bad(queue: _Queue) -> tuple[str, list[_Element], tuple[Attempt, ...]] | None:
    """The first bad pattern: what it is, elements, and others that are part of it."""
    ends = [one.enqueue.end for one in queue.elements]
    longest: list[_Element] = []
    for one in queue.elements:
        longest.append(one if not longest or one.taken_from > longest[-1].taken_from else longest[-1])

    def lasting(until: int) -> _Element | None:
        """Of what was put in before a row, what stayed longest."""
        count = bisect_left(ends, until)
        return longest[count - 1] if count else None

    for later in queue.elements:
        sooner = lasting(later.enqueue.begin)
        if sooner is not None and sooner.taken_from > later.taken_by:
            return "what was put in first was not taken first", [sooner, later], ()
    for look in queue.empties:
        chain: list[_Element] = []
        reach = look.begin
        while (inside := lasting(reach)) is not None and inside.taken_from > reach:
            chain.append(inside)
            reach = inside.taken_from
            if reach > look.end:
                return "the queue was found empty and was not", chain, (look,)
    return None


def _take_pending(queue: _Queue) -> None:
    """Let pending dequeues take what nobody else did, first what has to be gone soonest."""
    left = [one for one in queue.elements if one.dequeue is None]
    deadlines = []
    for one in left:
        later = [b.taken_by for b in queue.elements if one.enqueue.end < b.enqueue.begin]
        looks = [look.end for look in queue.empties if one.enqueue.end < look.begin]
        deadlines.append(min([*later, *looks], default=NEVER))
    order = sorted(range(len(left)), key=deadlines.__getitem__)
    for place, begin in zip(order, queue.pending, strict=False):
        if deadlines[place] < NEVER:
            left[place].taken_from = begin


def _invalid(what: str, elements: Sequence[_Element], others: Sequence[Attempt]) -> Verdict:
    return _told(what, (*(attempt for one in elements for attempt in one.attempts()), *others))


def _told(what: str, attempts: Sequence[Attempt]) -> Verdict:
    ops = {one.op: one.begin for one in attempts}
    return Verdict(Outcome.INVALID, tuple(sorted(ops, key=ops.__getitem__)), what)
