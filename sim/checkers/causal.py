"""Causal consistency of registers: who has seen an effect has seen its causes.

    1 write x a @alice/s      alice writes x,
    2 read x -> a @bob/s      bob reads it,
    3 write y b @bob/s        and then writes y:
    4 read y -> b, 5 read x -> nothing @carol/s    carol sees the effect without its cause

`write`, `read` and `cas` are judged. Causality is the order of sessions together with *reads from*,
which unique values tell. The history is right iff it shows none of these *bad patterns*: CyclicCO (an
operation before itself), ThinAirRead (a value that nobody wrote, or only a write that failed),
WriteCOInitRead (the initial value, after a write), WriteCORead (a value, after another write that
comes after it), and, where all must settle conflicts alike, CyclicCF (writes of which each was
overwritten by the next). Source: Bouajjani, Enea, Guerraoui and Hamza, *On verifying causal
consistency*, POPL 2017: CC is the first four, CCv all five; polynomial because values are unique.

Departures: sessions may overlap themselves, so they are partial orders, laid out in chains for which
each operation holds a vector clock (n operations, c chains: n * c steps). A write without an answer
is left out unless it was read, and nothing in its session comes after it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from sim.checkers.budget import DEFAULT_BUDGET, Budget, Meter
from sim.checkers.digraph import Edges, shortest_cycle, topological
from sim.checkers.reading import Attempt, Key, given, invalid, judged, named, shown, unknown, written
from sim.checkers.verdict import Outcome, Verdict
from sim.history import History, Value

__all__ = ["CausalSpec", "causal"]

_PLACE_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalSpec:
    """What is promised.

    Attributes:
        convergent: Whether conflicting writes are ordered alike for all (CCv rather than CC).
        whole_clients: Whether all that a client does without a session's name is one session of it.
        initial: What every key holds before it is written.
    """

    convergent: bool = True
    whole_clients: bool = False
    initial: Value = None


def causal(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """What was read respects the order of causes.

    A value that two writes gave tells no source: reads of it are passed over, and a history that
    shows nothing wrong otherwise is *unknown*.

    Args:
        history: What the clients recorded.
        spec: A `CausalSpec`; None asks for convergence, in named sessions.
        budget: A step is an operation, or its place in one chain.
    """
    options = given(spec, CausalSpec, CausalSpec())
    return judged(history, budget, lambda attempts, meter: _Causality(attempts, options, meter).verdict())


class _Causality:
    """The operations that took place, by number, and which of them came before which."""

    def __init__(self, attempts: list[Attempt], options: CausalSpec, meter: Meter) -> None:
        self._options = options
        self._meter = meter
        self._writers: defaultdict[tuple[Key, Value], list[Attempt]] = defaultdict(list)
        for attempt in attempts:
            for value in written(attempt):
                self._writers[attempt.key, value].append(attempt)
        self._ambiguous: Attempt | None = None
        self._thin: Verdict | None = None
        self._ops = self._taken_place(attempts)
        self._number = {attempt.op: number for number, attempt in enumerate(self._ops)}
        self._source = [self._source_of(attempt) for attempt in self._ops]

    def verdict(self) -> Verdict:
        if self._thin is not None:
            return self._thin
        self._lay_out()
        edges: Edges = [[] for _ in self._ops]
        for number, before in enumerate(self._before):
            for other in before:
                edges[other].append(number)
        order = topological(edges)
        if len(order) < len(self._ops):
            return self._cycle(edges, {}, "CyclicCO: each of these comes before the next, and so before itself")
        self._clock(order)
        return self._overwritten(edges) or self._otherwise()

    def _otherwise(self) -> Verdict:
        if self._ambiguous is None:
            return Verdict(Outcome.VALID)
        return unknown(f"more than one write can be what {named(self._ambiguous)} shows", self._ambiguous)

    # -- what took place -------------------------------------------------------------------

    def _taken_place(self, attempts: list[Attempt]) -> list[Attempt]:
        """What was acknowledged, and what was not and yet was read, by beginning."""
        taken = {a.op: a for a in attempts if a.ok and (a.f == "read" or written(a))}
        waiting = list(taken.values())
        while waiting:
            source = self._source_of(waiting.pop())
            if source is not None and source.op not in taken:
                taken[source.op] = source
                waiting.append(source)
        return sorted(taken.values(), key=lambda attempt: attempt.begin)

    def _looked(self, attempt: Attempt) -> tuple[Value, ...]:
        """The value that an operation saw; () if it saw none."""
        if attempt.f == "read":
            return (attempt.answer,)
        return attempt.asked[:1] if attempt.f == "cas" and isinstance(attempt.asked, tuple) else ()

    def _source_of(self, attempt: Attempt) -> Attempt | None:
        """The write that an operation read from; None if it read nothing, the initial value, or nobody can tell."""
        for value in self._looked(attempt):
            writers = [w for w in self._writers[attempt.key, value] if not w.failed and w.op != attempt.op]
            if len(writers) == 1 and value != self._options.initial:
                return writers[0]
            if writers:
                self._ambiguous = self._ambiguous or attempt
            elif value != self._options.initial and self._thin is None:
                failed = self._writers[attempt.key, value]
                what = "whose write failed" if failed else "which nobody wrote"
                reason = f"ThinAirRead: {named(attempt)} of {attempt.key!r} shows {shown(value)}, {what}"
                self._thin = invalid(reason, attempt, *failed[:1])
        return None

    # -- before and after ------------------------------------------------------------------

    def _lay_out(self) -> None:
        """Put every operation in a chain, and find what comes right before it."""
        self._chain = [-1] * len(self._ops)  # -1: nothing comes after it
        self._place = [0] * len(self._ops)
        self._before: list[list[int]] = [[] for _ in self._ops]
        sessions: defaultdict[tuple[str, str], list[_Chain]] = defaultdict(list)
        self._chains = 0
        for number, attempt in enumerate(self._ops):
            if attempt.session or self._options.whole_clients:
                chains = sessions[attempt.client, attempt.session]
                self._before[number] = [last for chain in chains if (last := chain.last_before(attempt.begin)) >= 0]
                if attempt.ok:
                    self._join(number, attempt, chains)
        for number, source in enumerate(self._source):
            if source is not None:
                origin = self._number[source.op]
                self._before[number].append(origin)
                if self._chain[origin] < 0:
                    self._chain[origin], self._chains = self._chains, self._chains + 1

    def _join(self, number: int, attempt: Attempt, chains: list[_Chain]) -> None:
        chain = next((chain for chain in chains if chain.ends[-1] < attempt.begin), None)
        if chain is None:
            chain = _Chain(self._chains)
            self._chains += 1
            chains.append(chain)
        self._chain[number], self._place[number] = chain.number, len(chain.ends)
        chain.ends.append(attempt.end)
        chain.members.append(number)

    def _clock(self, order: list[int]) -> None:
        """By operation, how many of each chain come before it; itself not counted."""
        self._meter.spend(len(order) * self._chains, holding_bytes=len(order) * self._chains * _PLACE_BYTES)
        self._clocks: list[list[int]] = [[] for _ in self._ops]
        nothing = [0] * self._chains
        for number in order:
            clock = nothing
            for other in self._before[number]:
                clock = list(map(max, clock, self._clocks[other]))
                clock[self._chain[other]] = max(clock[self._chain[other]], self._place[other] + 1)
            self._clocks[number] = clock

    def _precedes(self, one: int, other: int) -> bool:
        chain = self._chain[one]
        return chain >= 0 and self._clocks[other][chain] > self._place[one]

    # -- what a read may not miss ----------------------------------------------------------

    def _overwritten(self, edges: Edges) -> Verdict | None:
        """A read of what another write before it has replaced; for all together, if they must converge."""
        writes: defaultdict[Key, dict[int, tuple[list[int], list[int]]]] = defaultdict(dict)
        for number, attempt in enumerate(self._ops):
            if written(attempt) and self._chain[number] >= 0:
                places, numbers = writes[attempt.key].setdefault(self._chain[number], ([], []))
                places.append(self._place[number])
                numbers.append(number)
        conflicts: dict[tuple[int, int], int] = {}
        for number, attempt in enumerate(self._ops):
            source = self._source[number]
            looked = self._looked(attempt)
            if source is None and (not looked or self._is_ambiguous(attempt, looked[0])):
                continue
            self._meter.spend(len(writes[attempt.key]))
            for chain, (places, numbers) in writes[attempt.key].items():
                last = bisect_left(places, self._clocks[number][chain]) - 1
                if last < 0 or (source is not None and source.op == self._ops[numbers[last]].op):
                    continue
                if (verdict := self._missed(number, numbers[last], source)) is not None:
                    return verdict
                assert source is not None
                conflicts.setdefault((numbers[last], self._number[source.op]), number)
        return self._settled(edges, conflicts) if self._options.convergent else None

    def _is_ambiguous(self, attempt: Attempt, value: Value) -> bool:
        return any(not w.failed and w.op != attempt.op for w in self._writers[attempt.key, value])

    def _missed(self, number: int, write: int, source: Attempt | None) -> Verdict | None:
        read, missed = self._ops[number], self._ops[write]
        if source is None:
            reason = f"WriteCOInitRead: {named(read)} shows the initial value of {read.key!r}, after {named(missed)}"
            return invalid(reason, missed, read)
        if not self._precedes(self._number[source.op], write):
            return None
        reason = f"WriteCORead: {named(read)} shows {named(source)} of {read.key!r}, after {named(missed)} replaced it"
        return invalid(reason, source, missed, read)

    def _settled(self, edges: Edges, conflicts: dict[tuple[int, int], int]) -> Verdict | None:
        """A ring of writes of which each was read as overwritten by the next."""
        for first, second in conflicts:
            edges[first].append(second)
        if len(topological(edges)) == len(self._ops):
            return None
        return self._cycle(edges, conflicts, "CyclicCF: each of these was replaced by, or comes before, the next")

    def _cycle(self, edges: Edges, conflicts: dict[tuple[int, int], int], reason: str) -> Verdict:
        ring = shortest_cycle(edges)
        members = set(ring)
        members |= {conflicts[pair] for pair in zip(ring, [*ring[1:], ring[0]], strict=True) if pair in conflicts}
        return invalid(reason, *(self._ops[number] for number in members))


class _Chain:
    """Operations of one session, each ended before the next began."""

    __slots__ = ("ends", "members", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.ends: list[int] = []
        self.members: list[int] = []

    def last_before(self, begin: int) -> int:
        """The last member that ended before `begin`; -1 if none did."""
        at = bisect_left(self.ends, begin) - 1
        return self.members[at] if at >= 0 else -1
