"""The merge of one shard's sub-domains: streams in, outputs out, at a cut that nothing can come below.

In come one ordered stream for each sub-domain, at least once: what was had before is dropped, what leaves a gap is
held until the gap is filled. Above the *stable cut* there is a tentative view, folded in canonical order and folded
again from where a late write lands in the middle; decisions are made on it. What lies below the cut has its final
place, since every sub-domain has promised to write nothing there any more, and is settled: its outputs go out, with
the vector of what they rest on, as one record that is saved whole or not at all.

A sub-domain that is *declared lost* at a position is waited for no more. What it wrote beyond that, and brings along
when it returns, is superseded with that reason and owed: nobody merges it, and nobody drops it in silence. So is a
write that comes *late*, stamped at or below what its sub-domain had promised or written before, as after the loss of
what its clock had kept: what has its final place keeps it. Stamps that go back within a stream everybody sees; where
a promise alone was broken, a place whose cut was lower still has merged the write, and the word of who reports it late
is for a person to weigh.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from models.domain import State
from models.merging.knowing import Knowledge
from models.merging.policy import Policy
from models.merging.settled import BACK, GapTooWide, Settled, passed_over
from models.merging.tentative import Aggregate
from models.merging.writes import Output, Write

__all__ = ["GapTooWide", "MergeFold", "Settled"]


class MergeFold:
    """The merge of one shard in one place; no input or output but its methods.

    Args:
        policy: How the writes of an aggregate become one history.
        sources: Numbers of the sub-domains.
        gap: Writes that may be held behind a gap of one stream.

    Attributes:
        cut_us: Everything stamped at or below has its final place.
        repeated: Writes that came again and were dropped.
        losses: How often each sub-domain was declared lost.
        passed: By sub-domain, positions that were given up for good, though what follows them counts again.

    Raises:
        ValueError: no sources, or two alike.
    """

    def __init__(self, policy: Policy, sources: Iterable[int], *, gap: int = 10_000) -> None:
        numbers = tuple(sources)
        if not numbers or len(set(numbers)) < len(numbers):
            raise ValueError(f"sources={numbers} name no sub-domains, or one twice; give each once")
        self.policy = policy
        self.cut_us = 0
        self.repeated = 0
        self._gap = gap
        self._aggregates: dict[int, Aggregate] = {}
        self._pending: dict[int, deque[Write]] = {number: deque() for number in sorted(numbers)}
        self._settled = dict.fromkeys(self._pending, 0)
        #: By sub-domain, how many of its writes have been taken.
        self._received = dict.fromkeys(self._pending, 0)
        self._held: dict[int, dict[int, Write]] = {number: {} for number in self._pending}
        self._holds = 0
        #: Up to where a lost sub-domain counts, and up to where it was given up.
        self._lost: dict[int, int] = {}
        self._given: dict[int, int] = {}
        self._lost_told: tuple[tuple[int, int, int], ...] = ()
        self.losses: Counter[int] = Counter()
        self.passed: dict[int, list[range]] = {}
        self._stray: list[Write] = []
        #: By sub-domain, the latest stamp that was taken.
        self._highest = dict.fromkeys(self._pending, 0)
        #: Addresses of writes that came below the cut, or below their own stream's last, and are not settled yet.
        self._late: set[int] = set()
        self._knowledge = Knowledge(self._pending)

    # -- in --------------------------------------------------------------------------------

    def ingest(self, write: Write) -> bool:
        """Take a write; whether it, or what waited for it, is in the view now.

        It waits for what comes before it in its stream, and for what its writer had seen: a view that held an
        answer without the question would be one that nobody could have had.

        Raises:
            GapTooWide: too much of its stream waits already.
        """
        origin, position = write.origin, write.position
        held = self._held[origin]
        if position <= self._received[origin] or position in held:
            self.repeated += 1
            return False
        if not self._follows(write):
            if len(held) >= self._gap:
                raise GapTooWide(origin, self.received(origin) + 1)
            held[position] = write
            self._holds += 1
            return False
        self._accept(write)
        if self._holds:
            self._release()
        return True

    def _release(self) -> None:
        """Take whatever waits for nothing any more."""
        while (following := self._next()) is not None:
            del self._held[following.origin][following.position]
            self._holds -= 1
            self._accept(following)

    def _next(self) -> Write | None:
        """A write that waits for nothing any more."""
        for origin, held in self._held.items():
            if held:
                write = held.get(self.received(origin) + 1)
                if write is not None and self._follows(write):
                    return write
        return None

    def _follows(self, write: Write) -> bool:
        """Whether all that comes before a write, in its stream and by what its writer saw, has been taken."""
        received = self._received
        if write.position != received[write.origin] + 1:
            return False
        for origin, position in write.seen:
            if position > received[origin] and self._lost.get(origin, position) > received[origin]:
                return False
        return True

    def _accept(self, write: Write) -> None:
        origin = write.origin
        self._take(write)
        self._received[origin] = self._count(origin) if origin in self._lost else write.position

    def _take(self, write: Write) -> None:
        origin, stamp_us = write.origin, write.stamp_us
        upto = self._lost.get(origin)
        if upto is not None and write.position > upto:
            self._stray.append(write)
            self._given[origin] = write.position
            return
        self._pending[origin].append(write)
        if stamp_us <= self.cut_us or stamp_us <= self._highest[origin]:
            self._late.add(write.address)
            return
        self._highest[origin] = stamp_us
        found = self._aggregate(write.instance)
        writes = found.writes
        if not writes or write > writes[-1]:
            writes.append(write)
            return
        at = bisect_left(writes, write)
        writes.insert(at, write)
        found.disturb(at)

    def say(self, origin: int, beyond: int, seen: Mapping[int, int]) -> None:
        """Take a sub-domain's word that all its writes beyond a position will have seen so much of others.

        Who writes nothing is known by this alone to have seen anything, and else nothing could ever be forgotten.
        """
        self._knowledge.say(origin, beyond, seen)

    @property
    def waiting(self) -> int:
        """The most writes of one sub-domain that wait for what comes before them."""
        return max(map(len, self._held.values()))

    @property
    def late(self) -> int:
        """Writes that came below the cut, or out of their stream's order, and are to be passed over."""
        return len(self._late)

    def declare_lost(self, origin: int, upto: int) -> None:
        """Wait for a sub-domain no more; what it wrote beyond a position is not merged, now or ever.

        Raises:
            ValueError: it is none of the sources, or more of it has its final place already.
        """
        if origin not in self._pending:
            raise ValueError(f"{origin=} is no sub-domain here; name one of {sorted(self._pending)}")
        if upto < self._settled[origin]:
            raise ValueError(f"{upto=} is below {self._settled[origin]}, which is settled; give that or more")
        self.losses[origin] += origin not in self._lost
        self._lost[origin] = upto = min(upto, self._lost.get(origin, upto))
        pending = self._pending[origin]
        if pending and pending[-1].position > upto:
            self._given[origin] = pending[-1].position
        while pending and pending[-1].position > upto:
            write = pending.pop()
            self._stray.append(write)
            if write.address in self._late:
                self._late.discard(write.address)
                continue
            found = self._aggregates[write.instance]
            at = bisect_left(found.writes, write)
            del found.writes[at]
            found.disturb(at)
        self._received[origin] = self._count(origin)
        self._release()  # what waited for the rest of it need not any more

    def may_take_back(self, origin: int, upto: int) -> bool:
        """Whether all that a lost sub-domain wrote has its fate: what counts of it, and the rest up to a position."""
        return (
            origin in self._lost
            and self._settled[origin] == self._lost[origin]
            and not any(write.origin == origin for write in self._stray)
            and self._received[origin] == upto
        )

    def take_back(self, origin: int, upto: int) -> Settled:
        """Wait for a lost sub-domain again, which writes on from behind a position, above any cut that there is.

        Returns:
            A record of it, to be saved before anything rests on it.

        Raises:
            ValueError: some of what it wrote has no fate yet.
        """
        if not self.may_take_back(origin, upto):
            raise ValueError(f"{origin=} is not lost with all up to {upto} given up; have that settled first")
        self._resume(origin, upto)
        self._highest[origin] = max(self._highest[origin], self.cut_us)
        self._lost_told = self._lost_so_far()
        lost = (*self._lost_told, (origin, BACK, upto))
        return Settled(self.cut_us, tuple(self._settled.items()), (), (), lost)

    def _resume(self, origin: int, upto: int) -> None:
        self.passed.setdefault(origin, []).append(range(self._lost.pop(origin) + 1, upto + 1))
        self._given.pop(origin, None)
        self._settled[origin] = self._received[origin] = upto

    # -- the tentative view ----------------------------------------------------------------

    def lost_at(self, origin: int) -> int:
        """Up to which position a sub-domain that is waited for no more counts."""
        return self._lost[origin]

    def standing(self) -> Settled:
        """How things stand, as a record: that a sub-domain is lost must be known before anything rests on it."""
        return Settled(self.cut_us, tuple(self._settled.items()), (), (), self._lost_so_far())

    def _lost_so_far(self) -> tuple[tuple[int, int, int], ...]:
        """Lost sub-domains as records have them: what is to be given up still is not given up yet."""
        still: dict[int, int] = {}
        for write in self._stray:
            still[write.origin] = min(write.position, still.get(write.origin, write.position))
        return tuple(
            (number, upto, still[number] - 1 if number in still else self._given.get(number, 0))
            for number, upto in sorted(self._lost.items())
        )

    @property
    def lost(self) -> tuple[int, ...]:
        """The sub-domains that are waited for no more."""
        return tuple(sorted(self._lost))

    @property
    def backlog(self) -> int:
        """Writes that wait for the cut, or behind a gap."""
        return sum(map(len, self._pending.values())) + sum(map(len, self._held.values()))

    def received(self, origin: int) -> int:
        """How many writes of a stream have been taken."""
        return self._received[origin]

    def _count(self, origin: int) -> int:
        """The same, counted: what is pending, and of a lost one what was passed over."""
        pending = self._pending[origin]
        taken = pending[-1].position if pending else self._settled[origin]
        if taken == self._lost.get(origin):
            return max(taken, self._given.get(origin, 0))
        return taken

    def vector(self) -> dict[int, int]:
        """By sub-domain, how many writes have their final place."""
        return dict(self._settled)

    def seen(self, origin: int) -> tuple[tuple[int, int], ...]:
        """What a writer of a sub-domain has merged, as its next write says."""
        return tuple([item for item in self._received.items() if item[0] != origin])

    def held(self, instance: int) -> Any:
        """What the policy holds of an aggregate after everything known, in canonical order."""
        found = self._aggregates.get(instance)
        return self.policy.begin() if found is None else found.view(self.policy.step)

    def state(self, instance: int) -> State:
        """The state after everything known, in canonical order."""
        return self.policy.state(self.held(instance))

    def stable(self, instance: int) -> State:
        """The state at the cut."""
        found = self._aggregates.get(instance)
        return self.policy.state(self.policy.begin() if found is None else found.held)

    def instances(self) -> Iterator[int]:
        """Every aggregate with a history, in order."""
        return iter(sorted(self._aggregates))

    def _aggregate(self, instance: int) -> Aggregate:
        found = self._aggregates.get(instance)
        if found is None:
            found = self._aggregates[instance] = Aggregate(self.policy.begin())
        return found

    # -- out -------------------------------------------------------------------------------

    def settle(self, cut_us: int) -> Settled | None:
        """Advance the cut and give everything at or below it its final place.

        Returns:
            What to save; None if nothing was concerned.
        """
        if cut_us <= self.cut_us and not self._stray and not self._late:
            return None
        self.cut_us = max(cut_us, self.cut_us)
        before = dict(self._settled)
        due, late = self._take_due()
        stray, self._stray = self._stray, []
        if not due and not late and not stray:
            return None
        outputs: list[Output] = []
        concerned: dict[int, Aggregate] = {}
        was: dict[int, Any] = {}
        step, name = self.policy.step, self.policy.name
        for write in due:
            instance = write.instance
            found = concerned.get(instance)
            if found is None:
                found = concerned[instance] = self._aggregates[instance]
                was[instance] = found.held
            found.held, more = step(found.held, write)
            outputs += more
        self._shed(due)
        for write in late:
            outputs += passed_over(
                self.policy.name, write, f"it came below what sub-domain {write.origin} had promised"
            )
        for write in sorted(stray):
            lost_at = self._lost[write.origin]
            outputs += passed_over(name, write, f"sub-domain {write.origin} was declared lost at {lost_at}")
        floor, forget = self._knowledge.floor(self._lost), self.policy.forget
        for found in concerned.values():
            found.held = forget(found.held, floor)
        held = tuple(
            (instance, found.held)
            for instance, found in sorted(concerned.items())
            if found.held is not was[instance] or not found.recorded
        )
        for found in concerned.values():
            found.recorded = True
        vector = tuple((number, position) for number, position in self._settled.items() if position > before[number])
        lost = self._lost_so_far()
        news, self._lost_told = () if lost == self._lost_told else lost, lost
        return Settled(self.cut_us, vector, held, tuple(outputs), news)

    def _take_due(self) -> tuple[list[Write], list[Write]]:
        """What lies at or below the cut, in canonical order: what is merged, and what came late."""
        due: list[Write] = []
        for origin, pending in self._pending.items():
            while pending and pending[0].stamp_us <= self.cut_us:
                due.append(pending.popleft())
            if due and due[-1].origin == origin:
                self._settled[origin] = due[-1].position
                self._knowledge.settled(origin, due[-1].seen)
            self._knowledge.believe(origin, self._settled[origin])
        due.sort()
        if not self._late:
            return due, []
        late = [write for write in due if write.address in self._late]
        self._late.difference_update(write.address for write in late)
        return [write for write in due if write not in late], late

    def restore(self, records: Iterable[Settled]) -> None:
        """Take up again what an earlier life saved; writes beyond the vector are due anew."""
        for record in records:
            self.cut_us = record.cut_us
            for number, upto, given in record.lost:
                if upto == BACK:
                    self._resume(number, given)
                else:
                    self.losses[number] += number not in self._lost
                    self._lost[number], self._given[number] = upto, given
            self._settled.update(record.vector)
            if record.lost:
                self._lost_told = tuple(one for one in record.lost if one[1] != BACK)
            for instance, held in record.held:
                found = self._aggregate(instance)
                found.held, found.recorded = held, True
        self._received = {origin: self._count(origin) for origin in self._pending}

    def _shed(self, due: list[Write]) -> None:
        """Drop what is settled from the fronts of its aggregates' tentative lists."""
        for instance, count in Counter([write.instance for write in due]).items():
            self._aggregates[instance].shed(count)
