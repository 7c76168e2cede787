"""Every way in which the operations so far may have taken effect, kept up event by event.

A configuration is a state and a word: which open operations have taken effect (a bit each,
used again once the operation ends) and how many of each kin of pending ones (a field each).
Nothing takes effect before it must: when an operation ends, each configuration in which it
has not yet happened is led to where it has, by way of other open operations. What a
configuration holds does not grow with the history, so neither does the memory.

Three reductions keep them few. An open operation that reads happens wherever it is legal, at
once: it changes nothing, so having it behind costs nothing. Of two configurations that differ
only in pending operations used, the one that used more is dropped. And where the
specification says how long marks stand, a pending operation happens only for one that wants it.

Source: Wing and Gong, J. Parallel and Distributed Computing 1993; just-in-time linearization
and memoisation, Lowe, Concurrency and Computation 2017; partition by key, Horn and Kroening,
FORTE 2015. Departures: breadth first by event, as Knossos' *linear* has it, since an earlier
event never has to be looked at again; reductions for reads and pending operations.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from sim.checkers.budget import Meter
from sim.checkers.linearizability.calls import Call, Kin, Part
from sim.checkers.specifications import UNANSWERED, Specification, Stand

__all__ = ["Configurations", "Effort", "Frontier"]

#: A dict for its order: a set's differs between two processes, and with it what a budget buys.
Configurations: TypeAlias = "dict[tuple[Hashable, int], None]"

# A pair, an int, a small state and their share of two tables, measured with tracemalloc and rounded up.
_BYTES_EACH: Final = 320
_STEPS_BETWEEN_COUNTS: Final = 512
_SOME_ALIKE: Final = 8
_SOME_IN_ALL: Final = 4_000


class Effort(StrEnum):
    """How much is kept of configurations that differ only in which pending operations they used.

    Some finding its way is proof that the history is linearizable; none of them doing so, even if each could use what
    all its like left unused, is proof that it is not. Only between the two must all be followed.
    """

    ALL = "all"
    SOME = "some"
    JOINED = "one that used no more of any kin than each of them"


class Frontier:
    """The configurations after some of the events of a part.

    Attributes:
        configurations: At least one while the history so far is linearizable.
        supply: How many of each kin have begun.
        meter: What may be spent.
        effort: What is kept.
    """

    __slots__ = ("_fresh", "_part", "_readers", "_spec", "_writers", "configurations", "effort", "meter", "supply")

    def __init__(
        self,
        part: Part,
        spec: Specification,
        meter: Meter,
        configurations: Configurations,
        effort: Effort = Effort.ALL,
    ) -> None:
        self.effort = effort
        self._part = part
        self._spec = spec
        self.meter = meter
        self.configurations = configurations
        self.supply: dict[int, int] = dict.fromkeys((kin.shift for kin in part.kins), 0)
        self._writers: list[Call] = []
        self._readers: list[Call] = []
        self._fresh: list[Call] = []

    def copy(self, meter: Meter) -> Frontier:
        """Another that goes on from here, on another's account."""
        other = Frontier(self._part, self._spec, meter, self.configurations, self.effort)
        other.supply = dict(self.supply)
        other._writers, other._readers, other._fresh = list(self._writers), list(self._readers), list(self._fresh)
        return other

    def run(self, events: Sequence[int], kept: list[Configurations] | None = None) -> int | None:
        """Follow events.

        Args:
            events: Of the part, from where this frontier stands.
            kept: Takes the configurations before each event, if given.

        Returns:
            The place of the first event that no configuration survives, None if there is none.

        Raises:
            OverBudget: The meter's limit was passed.
        """
        calls, step = self._part.calls, self._spec.step
        at, last = 0, len(events) - 1
        alone = 0
        while at <= last:
            event = events[at]
            if kept is not None:
                kept.append(self.configurations)
            call = calls[event if event >= 0 else ~event]
            if event < 0 and call.free:
                self._let_go(call)
            elif event < 0:
                self._end(call)
            elif (
                at < last
                and events[at + 1] == ~event
                and not (self._writers or self._readers or self.supply or call.free)
            ):
                # Nothing else is open, so it happens here or nowhere.
                f, asked, answered, version = call.f, call.asked, call.answered, call.version
                after: Configurations = {}
                for state, word in self.configurations:
                    legal, new = step(state, f, asked, answered, version)
                    if legal:
                        after[new, word] = None
                alone += len(self.configurations)
                if kept is not None:
                    kept.append(self.configurations)
                self.configurations = after
                at += 1
                if alone > _STEPS_BETWEEN_COUNTS:
                    self.meter.spend(alone)
                    alone = 0
            else:
                self.begin(call)
            if not self.configurations:
                return at
            at += 1
        self.meter.spend(alone)
        return None

    def begin(self, call: Call) -> None:
        """A call may take effect from here."""
        if call.kin is not None:
            self.supply[call.kin.shift] += 1
        elif call.reads:
            self._readers.append(call)
            self._fresh.append(call)
        else:
            self._writers.append(call)

    def _end(self, call: Call) -> None:
        """Lead every configuration to where the call has happened; drop those that cannot be led."""
        bit, fresh, step = call.bit, self._fresh, self._spec.step
        there: Configurations = {}
        before: Configurations = {}
        for state, word in self.configurations:
            for reader in fresh:
                if step(state, reader.f, reader.asked, reader.answered, reader.version)[0]:
                    word |= reader.bit
            if word & bit:
                there[state, word ^ bit] = None
            else:
                before[state, word] = None
        steps = len(self.configurations) * (1 + len(fresh))
        self._fresh = []
        kins: Sequence[Kin] = ()
        if before:
            kins = self._helpful() if self.supply else ()
            steps += self._lead_beside(kins, call, before, there) if kins else self._lead(call, before, there)
        (self._readers if call.reads else self._writers).remove(call)
        self.configurations = self._fewest(there) if kins and len(there) > 1 else there
        self.meter.spend(steps, _BYTES_EACH * (len(there) + len(before)))

    def _let_go(self, call: Call) -> None:
        """A call that need not have happened ends: it may have happened up to here, or never will."""
        bit, step, fresh = call.bit, self._spec.step, self._fresh
        seen: Configurations = {}
        for state, word in self.configurations:
            for reader in fresh:
                if step(state, reader.f, reader.asked, reader.answered, reader.version)[0]:
                    word |= reader.bit
            seen[state, word] = None
        self.configurations, self._fresh = seen, []
        without = {(state, word): None for state, word in self.configurations if not word & bit}
        self._end(call)
        self.configurations.update(without)

    def _lead(self, target: Call, before: Configurations, there: Configurations) -> int:
        """Search from `before` for configurations where `target` has happened, and put them `there`; returns steps."""
        spec, step, bit = self._spec, self._spec.step, target.bit
        readers, meter = self._readers, self.meter
        all_read = 0
        for reader in readers:
            all_read |= reader.bit
        lone = (target,) if spec.stand is Stand.ALL and not target.reads else None
        queue = list(before)
        steps = counted = 0
        for state, word in queue:
            writers: Iterable[Call] = self._writers if lone is None or all_read & ~word else lone
            for call in writers:
                if word & call.bit:
                    continue
                legal, new = step(state, call.f, call.asked, call.answered, call.version)
                steps += 1
                if not legal:
                    continue
                done = word | call.bit
                for reader in readers:
                    if not done & reader.bit:
                        steps += 1
                        if step(new, reader.f, reader.asked, reader.answered, reader.version)[0]:
                            done |= reader.bit
                if done & bit:
                    there[new, done ^ bit] = None
                elif (new, done) not in before:
                    before[new, done] = None
                    queue.append((new, done))
            if steps - counted > _STEPS_BETWEEN_COUNTS:
                meter.spend(steps - counted, _BYTES_EACH * (len(before) + len(there)))
                counted = steps
        return steps - counted

    def _helpful(self) -> Sequence[Kin]:
        """The pending operations that something open may need, as far as the specification lets one know."""
        begun = [kin for kin in self._part.kins if self.supply[kin.shift]]
        match self._spec.stand:
            case Stand.LATEST:
                return _of_use(begun, [*self._readers, *self._writers])
            case Stand.ALL:
                return begun if self._readers else ()
            case _:
                return begun

    def _lead_beside(self, kins: Sequence[Kin], target: Call, before: Configurations, there: Configurations) -> int:
        """The same, where pending operations may help."""
        bit, low, field_bits = target.bit, (1 << self._part.field_bits) - 1, self._part.field_bits
        least: dict[tuple[Hashable, int], list[int]] = {}
        for state, word in before:
            least.setdefault((state, word >> field_bits), []).append(word & low)
        queue = list(before)
        steps = counted = 0
        for state, word in queue:
            for new, done in self._moves(state, word, target, kins):
                steps += 1
                steps += len(self._readers)
                seen = self._absorbed(new, done)
                if seen is None:
                    continue
                if (done := seen) & bit:
                    there[new, done ^ bit] = None
                    continue
                others = least.setdefault((new, done >> field_bits), [])
                steps += len(others) >> 2
                used = self._worth(done & low, others)
                if used is not None:
                    others.append(used)
                    one = new, (done & ~low) | used
                    before[one] = None
                    queue.append(one)
            if self.effort is Effort.SOME and len(queue) > _SOME_IN_ALL:
                break
            if steps - counted > _STEPS_BETWEEN_COUNTS:
                self.meter.spend(steps - counted, _BYTES_EACH * (len(before) + len(there)))
                counted = steps
        return steps - counted

    def _absorbed(self, state: Hashable, word: int) -> int | None:
        """The word with all done that reads and is legal; None if something open can never be."""
        step, past = self._spec.step, self._spec.past if self._part.grows else None
        for reader in self._readers:
            if not word & reader.bit:
                if step(state, reader.f, reader.asked, reader.answered, reader.version)[0]:
                    word |= reader.bit
                elif past is not None and not reader.free and past(state, reader.answered):
                    return None
        return word

    def _worth(self, used: int, others: list[int]) -> int | None:
        """What to go on with beside others that are else the same: None if nothing is won, or enough are kept."""
        guards = self._part.guards
        if self.effort is Effort.JOINED and others:
            # The last holds the least of all so far.
            used = self._both(used, others[-1])
            return None if used == others[-1] else used
        if any((used | guards) - other & guards == guards for other in others):
            return None
        if self.effort is Effort.SOME and len(others) >= _SOME_ALIKE:
            return None
        return used

    def _moves(self, state: Hashable, word: int, target: Call, kins: Sequence[Kin]) -> Iterator[tuple[Hashable, int]]:
        """What may take effect next: an open call that writes, or pending ones if somebody has use for them."""
        spec, step = self._spec, self._spec.step
        waiting = [reader for reader in self._readers if not word & reader.bit]
        writers: Iterable[Call] = self._writers
        if spec.stand is Stand.ALL and not waiting:
            writers = (target,)
        for call in writers:
            if not word & call.bit:
                legal, new = step(state, call.f, call.asked, call.answered, call.version)
                if legal:
                    yield new, word | call.bit
        kins = [kin for kin in kins if word >> kin.shift & kin.mask < self.supply[kin.shift]]
        if spec.stand is Stand.ALL:
            yield from self._bundles(state, word, waiting, kins)
            return
        for kin in kins:
            legal, new = step(state, kin.f, kin.asked, UNANSWERED, None)
            if legal and new != state:
                yield new, word + (1 << kin.shift)

    def _bundles(
        self, state: Hashable, word: int, waiting: Sequence[Call], kins: Sequence[Kin]
    ) -> Iterator[tuple[Hashable, int]]:
        """Where order is nothing: all pending ones together that a waiting reader wants, or one without a mark."""
        step = self._spec.step
        if waiting:
            for kin in kins:
                if not kin.offers:
                    yield step(state, kin.f, kin.asked, UNANSWERED, None)[1], word + (1 << kin.shift)
        for reader in waiting:
            new, done = state, word
            for kin in kins:
                if not frozenset(reader.wants).isdisjoint(kin.offers):
                    legal, after = step(new, kin.f, kin.asked, UNANSWERED, None)
                    if legal and after != new:
                        new, done = after, done + (1 << kin.shift)
            if done != word:
                yield new, done

    def _both(self, one: int, other: int) -> int:
        """The words' lesser count of each kin."""
        fields = ((kin.shift, kin.mask) for kin in self._part.kins)
        return sum(min(one >> shift & mask, other >> shift & mask) << shift for shift, mask in fields)

    def _fewest(self, configurations: Configurations) -> Configurations:
        """Without those that used more of the pending operations than another that is else the same."""
        low, guards, field_bits = (1 << self._part.field_bits) - 1, self._part.guards, self._part.field_bits
        least: dict[tuple[Hashable, int], list[int]] = {}
        compared = 0
        for state, word in configurations:
            same = least.setdefault((state, word >> field_bits), [])
            compared += len(same)
            used = self._worth(word & low, same)
            if used is not None:
                same[:] = [other for other in same if (other | guards) - used & guards != guards]
                same.append(used)
        self.meter.spend(compared >> 2)
        return {(state, (word << field_bits) | used): None for (state, word), all_ in least.items() for used in all_}


def _of_use(kins: Sequence[Kin], waiting: Iterable[Call]) -> list[Kin]:
    """Kins that offer what somebody waiting wants, and those that offer what these want, and so on."""
    wanted = {mark for call in waiting for mark in call.wants}
    found: list[Kin] = []
    left = list(kins)
    while left:
        useful = [kin for kin in left if not kin.offers or not wanted.isdisjoint(kin.offers)]
        if not useful:
            break
        found += useful
        wanted.update(mark for kin in useful for mark in kin.wants)
        left = [kin for kin in left if kin not in useful]
    return found
