"""Committed events of shards, pulled in order by whoever asks, from a position on: at least once.

A follower asks the leader of each shard for what is committed beyond what it has. It keeps nothing on a
disk of its own unless it wants to: what it knows, it can derive again from the log, on whatever host it is
started. It is *live* once it has everything that was committed when it asked; before that it replays,
and who acts while it replays does again what was done (P9).

Where a forced change of lead takes committed events back, the follower hears another lineage, forgets
what it derived, and begins from the first event.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.addressing import OUTBOX, Scope, message_type_id
from models.reading.feeding import FedShard
from models.store.group.lineage import Reign, common_prefix
from models.store.log.entries import OWN, Entry
from models.store.requests import Unavailable
from sim.host import Context, Service, Wait, handles
from sim.message import Message
from sim.topology import Location

__all__ = ["FeedOptions", "Follow", "Followed", "FollowedShard", "Follower"]

_LIMIT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow(Message):
    """A question for what a shard has committed.

    Attributes:
        consumer: Who asks.
        after: Up to where it has everything.
        done: Up to where it needs nothing any more, whatever becomes of it.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, OUTBOX, 1, command=True)
    consumer: str
    after: int
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed(Message):
    """Committed entries of a shard, in order.

    Attributes:
        reigns: The lineage that they belong to.
        after: The first of them stands behind this position; more than was asked for if the rest is not kept.
        entries: So many as fit.
        upto: How far the shard is committed.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, OUTBOX, 2)
    reigns: tuple[Reign, ...]
    after: int
    entries: tuple[Entry, ...]
    upto: int

    def work(self) -> int:
        """A batch costs its length."""
        return len(self.entries) or 1


class FollowedShard(FedShard):
    """A shard that may be read, which also remembers of those who follow it what they need no more.

    A reader asks any member, for part of the keys, and waits for news; a follower asks the leader, for all, and
    its mark holds the log for it.

    Attributes:
        CONSUMERS: Those that the log is kept for until they have it; a leader that has not heard of one keeps all.
        marks: By consumer, up to where it needs nothing any more.
    """

    CONSUMERS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.marks: dict[str, int] = {}

    @handles(Follow)
    def on_follow(self, msg: Follow, sender: Location) -> Followed | Unavailable:
        """What the leader has committed."""
        if not self.leads:
            return Unavailable(command_id=0, reason="not the leader")
        if msg.done > self.marks.get(msg.consumer, 0):
            self.marks[msg.consumer] = msg.done
            self.let_go()
        after = min(max(msg.after, self.journal.base.position), self.committed)
        entries = self.journal.after(after, min(_LIMIT, self.committed - after)) if after < self.committed else []
        return Followed(reigns=self.reigns, after=after, entries=tuple(entries), upto=self.committed)

    @property
    def kept_for_others(self) -> bool:
        """Whether anybody needs the log until it has read it."""
        return bool(self.CONSUMERS) or super().kept_for_others

    def _released(self) -> int:
        """As for any shard, and not beyond what those have for whom the log is kept."""
        return min([super()._released(), *(self.marks.get(consumer, 0) for consumer in self.CONSUMERS)])


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOptions:
    """Whom a follower asks, and how often.

    Attributes:
        consumer: What it is called by shards.
        shards: By shard, its members.
        poll_us: Pause where there is nothing new.
        ask_us: Patience with an answer.
    """

    consumer: str
    shards: tuple[tuple[Location, ...], ...]
    poll_us: int = 20_000
    ask_us: int = 300_000

    def __post_init__(self) -> None:
        if not self.shards or not all(self.shards):
            raise ValueError(f"shards={self.shards}: there is nothing to follow; name the members of each shard")
        for name in ("poll_us", "ask_us"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is no time; give at least 1")


class Follower(Service):
    """Follows the logs of shards; a subclass makes something of each entry.

    Args:
        ctx: Its host.
        feed: Whom it asks.

    Attributes:
        at: By shard, up to which position it has everything.
        live: Whether it has had, of every shard, all that was committed when it asked.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"feed-gap", "taken-back"})

    def __init__(self, ctx: Context, feed: FeedOptions) -> None:
        super().__init__(ctx)
        self.feed = feed
        self.at: dict[int, int] = {}
        self._reigns: dict[int, tuple[Reign, ...]] = {}
        self._caught_up: set[int] = set()

    @property
    def live(self) -> bool:
        """Whether what it derived is of today."""
        return len(self._caught_up) == len(self.feed.shards)

    def follow(self) -> None:
        """Begin; called once, by `start`."""
        for shard in range(len(self.feed.shards)):
            self.at.setdefault(shard, 0)
            self.ctx.set_timer(0, self._follow, shard)

    # -- for subclasses ----------------------------------------------------------------------

    def taken(self, shard: int, entry: Entry) -> None:
        """The next entry of a shard, the shard's own apart."""
        raise NotImplementedError

    def advanced(self) -> None:
        """Everything that came with one answer was taken, or the follower has become live."""

    def begun_again(self, shard: int) -> None:
        """Events were taken back: forget all that was derived of a shard."""

    def needless(self, shard: int) -> int:
        """Up to which position a shard's log is needed no more."""
        return self.at[shard]

    def may_lack(self, shard: int) -> bool:
        """Whether it goes on behind entries that are gone; who derives a state from all of them stands still there."""
        return False

    # -- for those that keep their place on a disk -------------------------------------------

    def lineage(self, shard: int) -> tuple[Reign, ...]:
        """What `at` is a place in; empty if nobody has answered yet."""
        return self._reigns.get(shard, ())

    def knows(self, shard: int, reigns: tuple[Reign, ...]) -> None:
        """Recall what `at` is a place in, before following."""
        self._reigns[shard] = reigns

    # -- inside ------------------------------------------------------------------------------

    def _follow(self, shard: int) -> Generator[Wait, Any, None]:
        ctx, feed = self.ctx, self.feed
        members = feed.shards[shard]
        turn = 0
        while True:
            asked = Follow(consumer=feed.consumer, after=self.at[shard], done=self.needless(shard))
            answer = yield ctx.call(members[turn % len(members)], asked, feed.ask_us)
            if not isinstance(answer, Followed) or not self._heard(shard, answer.reigns):
                turn += 1
                if isinstance(answer, Unavailable) or turn % len(members) == 0:
                    yield ctx.sleep(feed.poll_us)
                continue
            fresh = self._take(shard, answer)
            if not fresh:
                yield ctx.sleep(feed.poll_us)

    def _heard(self, shard: int, reigns: tuple[Reign, ...]) -> bool:
        """Take note of a lineage; returns whether what came with it fits what this one has."""
        known = self._reigns.get(shard)
        if known is not None and reigns[-1].epoch < known[-1].epoch:
            return False
        self._reigns[shard] = reigns
        if known is not None and known != reigns and common_prefix(known, self.at[shard], reigns) < self.at[shard]:
            self.ctx.note("taken-back", shard)
            self.at[shard] = 0
            self._caught_up.discard(shard)
            self.begun_again(shard)
            return False
        return True

    def _take(self, shard: int, pulled: Followed) -> bool:
        """Take what is new of an answer; returns whether anything is."""
        before = self.at[shard]
        if pulled.after > before:
            # Nobody has what lies between: it is told, never passed over in silence.
            self.ctx.note("feed-gap", pulled.after - before)
            if not self.may_lack(shard):
                return False
            self.at[shard] = pulled.after
        for entry in pulled.entries:
            if entry.position == self.at[shard] + 1:
                self.at[shard] = entry.position
                if entry.tenant != OWN:
                    self.taken(shard, entry)
        fresh = self.at[shard] > before
        if self.at[shard] >= pulled.upto and shard not in self._caught_up:
            self._caught_up.add(shard)
            fresh = True
        if fresh:
            self.advanced()
        return fresh
