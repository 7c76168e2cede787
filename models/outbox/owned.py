"""A relay that others can take the place of, and a consumer that takes nothing from one that was replaced.

All who may relay follow the logs; the owner of the latest tenure delivers, and tells the others its marks, which they
write down as well. Whoever takes over delivers what lies beyond the last mark that it heard of: some of it again, which
a consumer knows by its id, as far back as it remembers. That is why messages bear a tenure. An owner that stood still
for longer than a consumer remembers would have its message taken a second time, long after later ones; a consumer that
fences refuses it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, Final

from models.outbox.consumer import Consumer
from models.outbox.feed import FeedOptions
from models.outbox.owning import Owner, OwnerOptions
from models.outbox.relay import Relay, RelayOptions, Waiting
from models.outbox.submitting import StoreOptions
from models.outbox.words import Deliver, DeliverUnder, Marked, Outdated, Took
from models.store.log.entries import Entry
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

__all__ = ["OwnedConsumer", "OwnedRelay"]

_TENURES: Final = "tenures"


class OwnedRelay(Relay, Owner):
    """Delivers what events carry while it owns.

    Args:
        ctx: Its host.
        feed: The shard of tenures, then those of the outbox.
        options: Where to.
        store: Where tenures are.
        owner: Who it is.
    """

    FIRST: ClassVar[int] = 1
    POINTS: ClassVar[frozenset[str]] = frozenset({"O4"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"outdone"})

    def __init__(
        self, ctx: Context, feed: FeedOptions, options: RelayOptions, store: StoreOptions, owner: OwnerOptions
    ) -> None:
        Owner.__init__(self, ctx, feed, store, owner)
        self.delivers(options)

    def start(self) -> None:
        """Begin at the marks, and watch whoever owns."""
        self.recall()
        Owner.start(self)

    def taken(self, shard: int, entry: Entry) -> None:
        """A tenure began; or put what an event carries into lanes, delivered or not."""
        if shard:
            Relay.taken(self, shard, entry)
            return
        Owner.taken(self, shard, entry)
        if self.mine and not self.owns:
            self._let_go(self.latest)

    def begun_again(self, shard: int) -> None:
        """Something was taken back."""
        if shard:
            Relay.begun_again(self, shard)
        else:
            Owner.begun_again(self, shard)

    def needless(self, shard: int) -> int:
        """Of the outbox, up to the mark; of tenures, all that it has."""
        return Relay.needless(self, shard) if shard else self.at[shard]

    def advanced(self) -> None:
        """Deliver, if it owns."""
        if self.owns:
            super().advanced()

    def owning(self) -> None:
        """Deliver all that it does not know to be delivered."""
        self.advanced()

    def goes_on(self) -> bool:
        """For as long as it takes itself for the owner."""
        return self.owns

    def message_of(self, one: Waiting) -> Deliver | DeliverUnder:
        """What the consumer is told, and under which tenure."""
        return DeliverUnder(tenure=self.mine, key=one.key, number=one.message.number, body=one.message.body)

    def refused(self, answer: Message | None) -> None:
        """It may be that somebody else has its place."""
        if isinstance(answer, Outdated) and self.mine < answer.tenure:
            self.heard_of(answer.tenure)
            if self.mine:
                self._let_go(answer.tenure)

    def _let_go(self, to: int) -> None:
        self.mine = 0
        self.ctx.note("outdone", to)
        self.ctx.point("O4")

    # -- marks -------------------------------------------------------------------------------

    def marked(self, shard: int, mark: int) -> None:
        """Tell the others."""
        if self.owns:
            for peer in self.options.peers:
                self.ctx.send(peer, Marked(shard=shard, mark=mark, reigns=self.lineage(shard)))

    @handles(Marked)
    def on_marked(self, msg: Marked, sender: Location) -> None:
        """Forget what the owner has delivered; a place in another lineage says nothing."""
        shard, mark = msg.shard, msg.mark
        behind = mark <= self._marked[shard] or mark > self.at[shard]
        if self.owns or behind or msg.reigns != self.lineage(shard):
            return  # one that is ahead of what it has read is followed by another
        waiting = self.waiting[shard]
        for position in [position for position in waiting if position <= mark]:
            del waiting[position]
        for lane in self._lanes:
            kept = [one for one in lane if one.shard != shard or one.position > mark]
            lane.clear()
            lane.extend(kept)
        self._mark(shard)


class OwnedConsumer(Consumer):
    """Takes messages from whoever relays.

    Args:
        ctx: Its host.
        window: Ids that it remembers.
        fences: Whether it refuses an earlier tenure than it has heard of.
    """

    def __init__(self, ctx: Context, window: int, fences: bool = True) -> None:
        super().__init__(ctx, window)
        self._fences = fences
        self._tenure = 0

    def start(self) -> None:
        """Read back what was taken, and under which tenures."""
        super().start()
        self._tenure = max((one for one in self.ctx.disk.read(_TENURES) if one is not TORN), default=0)

    @handles(DeliverUnder)
    def on_deliver_under(self, msg: DeliverUnder, sender: Location) -> Generator[Wait, Any, Took | Outdated]:
        """Take it, unless another relays by now."""
        if self._fences and msg.tenure < self._tenure:
            return Outdated(tenure=self._tenure)
        if msg.tenure > self._tenure:
            self._tenure = msg.tenure
            self.ctx.disk.append(_TENURES, msg.tenure)
            yield self.ctx.disk.flush(_TENURES)
            if self._fences and msg.tenure < self._tenure:
                return Outdated(tenure=self._tenure)  # a later one was heard of meanwhile
        return (yield from self.on_deliver(Deliver(key=msg.key, number=msg.number, body=msg.body), sender))
