"""Where a consumer's events come from: a shard's committed log, or the global sequence of all shards.

A *batch* is what lies beyond a place, up to another place. Of a log it bears the lineage that the
member knows, by which the consumer finds what was taken back. Of the global sequence it ends where
nothing can appear any more: below a gap that an open transaction could still fill.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Final, NamedTuple

from models.keyspace.keys import KeyHash
from models.reading.feeding import Fetch, Fetched, Pull, Pulled
from models.store.group.lineage import Reign
from models.store.log.entries import Entry, instance_of
from models.store.sequence.numbering import Numbered
from models.store.sequence.sequencer import ReadAll, Slice
from sim.host import Context, Wait
from sim.topology import Location

__all__ = ["Batch", "GlobalFeed", "LogFeed", "Stretch", "headless"]

#: A hop's patience beyond what the member may wait for news.
_ASK_US: Final = 400_000


class Stretch(NamedTuple):
    """A part of the line of hashes, end exclusive."""

    begin: int
    end: int


class Batch(NamedTuple):
    """What was found beyond a place.

    Attributes:
        feed: Which feed it is of.
        after: Where it begins: the place that was asked about, or an earlier one.
        upto: Where it ends.
        entries: With their shards, in order.
        places: Of each entry, its place in the feed.
        reigns: The lineage that it stands under; empty of a global sequence.
        whole: Whether there was nothing beyond it when it was asked for, as whoever answered knows.
        base: Place behind which the feed begins.
    """

    feed: int
    after: int
    upto: int
    entries: tuple[tuple[int, Entry], ...]
    places: tuple[int, ...]
    reigns: tuple[Reign, ...]
    whole: bool
    base: int


def headless(batch: Batch, position: int) -> str:
    """Why nothing can be made of a batch by whoever has a log up to a position, and lacks what comes next."""
    return (
        f"shard {batch.feed}: its log begins behind position {batch.base}, and up to {position} it is known here; "
        "what lies between nobody hands out"
    )


class LogFeed:
    """One shard's log, asked of one member after the other.

    Args:
        ctx: Who reads.
        shard: Its number.
        members: Whom to ask, the nearest first.
    """

    def __init__(self, ctx: Context, shard: int, members: Sequence[Location]) -> None:
        self._ctx = ctx
        self._shard = shard
        self._members = tuple(members)
        self._turn = 0

    def ask_another(self) -> None:
        """Go on with the next member: what this one has is of no use."""
        self._turn += 1

    def read(
        self, after: int, limit: int, stretch: Stretch, wait_us: int, keys: frozenset[int] = frozenset()
    ) -> Generator[Wait, Any, Batch | None]:
        """What lies beyond a position; None if this member is silent, or lags: the next one is asked then."""
        message = Pull(after=after, limit=limit, begin=stretch.begin, end=stretch.end, keys=keys, wait_us=wait_us)
        member = self._members[self._turn % len(self._members)]
        found = yield self._ctx.call(member, message, wait_us + _ASK_US)
        if not isinstance(found, Pulled):
            self._turn += 1
            return None
        shard = self._shard
        if found.after < after or found.base > after or not (found.led or found.entries):
            self._turn += 1  # another may have more
        return Batch(
            shard,
            found.after,
            found.upto,
            tuple([(shard, entry) for entry in found.entries]),
            tuple([entry.position for entry in found.entries]),
            found.reigns,
            found.led and found.upto >= found.committed,
            found.base,
        )


class GlobalFeed:
    """The events of all shards in the order of their global numbers.

    Args:
        ctx: Who reads.
        sequencer: Who knows the order.
        members: By shard, whom to ask for events, the nearest first.
    """

    def __init__(self, ctx: Context, sequencer: Location, members: Sequence[Sequence[Location]]) -> None:
        self._ctx = ctx
        self._sequencer = sequencer
        self._members = tuple(tuple(one) for one in members)
        self._turns = [0] * len(self._members)
        self._on_line = KeyHash()

    def passes(self, after: int, found: Slice, limit: int) -> int:
        """Up to which number a reader may go: below whatever an open transaction could still fill."""
        last = found.entries[-1].number if len(found.entries) >= limit else found.settled
        return max(after, min(last, found.settled))

    def read(
        self, after: int, limit: int, stretch: Stretch, wait_us: int, keys: frozenset[int] = frozenset()
    ) -> Generator[Wait, Any, Batch | None]:
        """What lies beyond a number, of these keys if any are given; None if somebody is silent."""
        found = yield self._ctx.call(self._sequencer, ReadAll(after=after, limit=limit), _ASK_US)
        if not isinstance(found, Slice):
            return None
        upto = self.passes(after, found, limit)
        if upto == after and wait_us:
            yield self._ctx.sleep(wait_us)
        listed = [one for one in found.entries if one.number <= upto and self._wanted(one, stretch, keys)]
        if upto > after and upto - after > len(found.entries):
            self._ctx.point("P4")
        entries = yield from self._fetched(listed)
        if entries is None:
            return None
        numbers = tuple([one.number for one in listed])
        return Batch(0, after, upto, entries, numbers, (), len(found.entries) < limit, 0)

    def _wanted(self, one: Numbered, stretch: Stretch, keys: frozenset[int]) -> bool:
        instance = instance_of(one.address)
        return instance in keys if keys else stretch.begin <= self._on_line(instance) < stretch.end

    def _fetched(self, listed: list[Numbered]) -> Generator[Wait, Any, tuple[tuple[int, Entry], ...] | None]:
        """The events of numbers, from their shards' logs."""
        by_shard: dict[int, list[tuple[int, int]]] = {}
        for one in listed:
            by_shard.setdefault(one.shard, []).append((one.tenant, one.address))
        if not by_shard:
            return ()
        shards = sorted(by_shard)
        calls = [
            self._ctx.call(
                self._members[shard][self._turns[shard] % len(self._members[shard])],
                Fetch(addresses=tuple(by_shard[shard])),
                _ASK_US,
            )
            for shard in shards
        ]
        answers = yield self._ctx.first(calls, need=len(calls))
        known: dict[tuple[int, int, int], Entry] = {}
        for index, answer in answers:
            shard = shards[index]
            if isinstance(answer, Fetched):
                known.update({(shard, entry.tenant, entry.address): entry for entry in answer.entries})
        for shard in shards:
            if any((shard, *one) not in known for one in by_shard[shard]):
                self._turns[shard] += 1
        if any((one.shard, one.tenant, one.address) not in known for one in listed):
            return None
        return tuple([(one.shard, known[one.shard, one.tenant, one.address]) for one in listed])
