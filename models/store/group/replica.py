"""A replica: a member that holds what is written as its scheme demands, and knows when that is enough.

A leader flushes and ships what is appended, and once so many members hold it where they must, it
is *committed*. A follower takes what the leader ships, in order, and says how much it holds. The
crash points C7 to C9 stand where they are passed, and so do those of replication: R1, a follower has
applied entries and its position is not saved; R2, what came lies beyond a gap; R4, a leader
acknowledged what nobody else has, and will have to give it up if another takes its place.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, ClassVar

from models.domain import Domain
from models.store.group.member import Member
from models.store.group.shipping import Outbound
from models.store.group.wire import Install, Ship, ShipAck
from models.store.holding import ROLLED_BACK, SILENT
from models.store.log.entries import Entry
from models.store.options import MemberOptions
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["Replica"]


class Replica(Member):
    """One member of one shard of one domain.

    Args:
        ctx: Its host.
        options: Who it is.
        domain: What it stores.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"C8", "C9", "R1", "R2", "R4"})

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx, options, domain)
        self._outbound: dict[int, Outbound] = {}
        self._holders = options.scheme.holders
        self._owed: Location | None = None
        self._lacks: int | None = None
        self._everywhere = 0

    @property
    def unshipped(self) -> int:
        """Entries that may be shipped and that some peer is not known to have; 0 at a follower."""
        return max((out.unacknowledged for out in self._outbound.values()), default=0)

    def alone_with(self, position: int) -> bool:
        """Whether it leads and ships, and no peer is known to hold the log up to there."""
        lines = self._outbound.values()
        return bool(lines) and all(out.acked is None or out.acked < position for out in lines)

    # -- holding -----------------------------------------------------------------------------

    def _advanced(self) -> None:
        if not self.ready:
            return
        self._note_applied()
        if self.leads:
            if self._on_device:
                self.ctx.point("C7")
            for out in self._outbound.values():
                out.push()
            if self._holders > 1:
                self.ctx.point("C8")
            self._commit()
        else:
            self._see_whether_whole()
            if self._owed is not None:
                self.ctx.point("C9")
            self._acknowledge()

    def _commit(self) -> None:
        """Advance to the entries that enough members hold; who waited for them goes on."""
        held = self.journal.held
        if self._holders > 1:
            # Who has not caught up with what this reign began with may still have to give up what it has.
            start = self.reigns[-1].start
            holders = [held]
            for out in self._outbound.values():
                acked = out.acked
                holders.append(0 if acked is None or acked < start else acked)
            holders.sort(reverse=True)
            held = holders[self._holders - 1]
        self._committed_to(held)

    def _committed_to(self, position: int) -> None:
        if position > self.committed:
            for out in self._outbound.values():
                out.committed = position
            super()._committed_to(position)
            if self.alone_with(position):
                self.ctx.point("R4")

    def _gave_up(self, length: int) -> None:
        self._lacks = None
        self._outbound = {}
        # Where the leader alone holds what it acknowledges, what it gave up is owed, and not undone.
        learnt = SILENT if self._holders == 1 else ROLLED_BACK
        self._in_vain(length, learnt)

    # -- leading and following ---------------------------------------------------------------

    def _lead(self) -> None:
        ship, scheme, journal = self.options.ship, self.options.scheme, self.journal
        alone = scheme.holders == 1
        everywhere = self._everywhere_by_now if self.keeper.active else None
        self._outbound = {
            number: Outbound(
                self.ctx,
                peer,
                ship,
                journal=journal,
                # What is acknowledged by others must outlive this process, or be asked for when it starts.
                upto=(lambda: journal.durable) if alone else (lambda: journal.held),
                promise=_no_promise,
                header=(self.options.number, self.options.shard),
                at_once=not scheme.ship_every_us,
                install=self._hand_over,
                everywhere=everywhere,
            )
            for number, peer in self.options.peers
            if not alone or scheme.ship_every_us is not None
        }
        for out in self._outbound.values():
            out.reigns = self.reigns
            out.committed = self.committed
            out.released = self.released

    def _hand_over(self, out: Outbound) -> None:
        """Send a peer what everything came to, in place of what is no longer kept."""
        image = self.keeper.image()
        out.handed_over(image.position)
        self.ctx.send(
            out.peer,
            Install(
                source=self.options.number,
                shard=self.options.shard,
                reigns=self.reigns,
                position=image.position,
                snapshots=image.snapshots,
                window=image.window,
                committed=self.committed,
                upto=self.journal.held,
                session=out.session,
                challenge=out.challenge,
                released=self.released,
            ),
        )

    def let_go(self) -> None:
        """The others may let go of it too, once all have."""
        super().let_go()
        for out in self._outbound.values():
            out.released = self.released

    def wanted_by_peers(self, patience: int) -> list[int]:
        """Up to where each peer has the log, but for those that lack more than `patience` entries.

        A leader that promised to follow another leads no more, and still has what nobody else has. A follower
        has it from its leader: it may lead next, and would have nothing for a peer that it did not wait for.
        """
        scheme = self.options.scheme
        if not self.reigns or (self._holders == 1 and scheme.ship_every_us is None):
            return []
        if self.leader != self.options.number:
            return [self._everywhere]
        # Who has told nothing yet lacks what is kept, as far as anybody knows, and is waited for no longer than that.
        length, unknown = self.journal.length, self.journal.base.position
        acked = [unknown if out.acked is None else out.acked for out in self._outbound.values()]
        return [upto for upto in acked or [unknown for _ in self.options.peers] if length - upto <= patience]

    def _everywhere_by_now(self) -> int:
        """Up to where all have the log whom its head is kept for."""
        return min(self.wanted_by_peers(self.options.log.peer_patience), default=self.journal.length)

    @handles(Install)
    def on_install(self, msg: Install, sender: Location) -> Generator[Wait, Any, None] | None:
        """Stand behind a snapshot of everything, if it is from the leader and goes further than this log.

        Also if it was meant for an earlier life: what is committed is, and the answer tells of this one.
        """
        theirs = msg.reigns[-1].epoch
        if not self.ready or theirs < self.promised or self.leads:
            return None
        return self._stand_behind(msg, sender)

    def _stand_behind(self, msg: Install, sender: Location) -> Generator[Wait, Any, None]:
        self.ready = False
        if msg.reigns[-1].epoch > self.epoch:
            yield from self._adopt(msg.reigns)
        if msg.position > self.journal.length:
            yield from self._undisturbed()
            yield from self.numbering.stands_behind(msg.position, msg.released)
            yield from self._install(msg.position, msg.snapshots, msg.window)
        self._begin()
        self._inbound.challenge = msg.challenge
        self._committed_to(min(msg.committed, self.journal.length))
        self._owed = sender
        self._acknowledge()

    @handles(Ship)
    def on_ship(self, msg: Ship, sender: Location) -> Generator[Wait, Any, None] | None:
        """Follow the leader of the latest reign; tell one of an earlier that it is over."""
        if not self.ready:
            return None
        theirs = msg.reigns[-1].epoch
        if theirs < self.promised:
            self._send_ack(sender, 0, 0)
            return None
        if theirs > self.epoch:
            return self._adopt_and_follow(msg, sender)
        if not self.leads:
            self._follow(msg, sender)
        return None

    def _adopt_and_follow(self, ship: Ship, sender: Location) -> Generator[Wait, Any, None]:
        self.ready = False
        yield from self._adopt(ship.reigns)
        self._begin()
        self._follow(ship, sender)

    def _follow(self, ship: Ship, sender: Location) -> None:
        """Take the leader's entries; answer when they are held here."""
        at_once = not self._inbound.is_expected(ship, self.session)
        fresh = self._inbound.take(ship)
        self._owed = sender if fresh or at_once else self._owed
        if ship.first > self._inbound.received + 1:
            self.ctx.point("R2")
        if fresh:
            self._take(fresh)
            self.ctx.point("R1")
            self._hold()
        if ship.committed > self.committed:
            self._committed_to(min(ship.committed, self.journal.length))
        self.released = max(self.released, ship.released)
        self._everywhere = ship.everywhere  # less than before where a peer has lost what it had
        if not self.whole and ship.session == self.session:
            # All that it ever acknowledged is up to there; what comes later under load is not waited for.
            self._lacks = ship.upto if self._lacks is None else min(self._lacks, ship.upto)
            self._see_whether_whole()
        if at_once:
            self._acknowledge()
            if self.journal.held < self.journal.length:
                self._owed = sender  # and again once the rest is held

    def _see_whether_whole(self) -> None:
        if self._lacks is not None and self.journal.held >= self._lacks and not self.whole:
            self.whole, self._lacks = True, None
            self.ctx.set_timer(0, self._become_whole)

    def _take(self, entries: Sequence[Entry]) -> None:
        self._append_all(entries)
        if self.aside.entries:
            for entry in entries:
                self.aside.met(entry)

    def _acknowledge(self) -> None:
        """Tell the leader what is held here, if it waits to hear; it still waits for what is not held yet."""
        leader, journal = self._owed, self.journal
        if leader is not None:
            if journal.held == journal.length:
                self._owed = None
            self._send_ack(leader, journal.held, self._inbound.challenge)

    def _send_ack(self, leader: Location, upto: int, challenge: int) -> None:
        self.ctx.send(
            leader,
            ShipAck(
                receiver=self.options.number,
                shard=self.options.shard,
                epoch=max(self.epoch, self.promised),
                session=self.session,
                upto=upto,
                challenge=challenge,
            ),
        )

    @handles(ShipAck)
    def on_ship_ack(self, msg: ShipAck, sender: Location) -> None:
        """Note what a follower holds, and release the answers that waited for it."""
        if not self.leads:
            return
        if msg.epoch > self.epoch:
            self.promised = max(self.promised, msg.epoch)  # its reign is over, and the next leader will call
            return
        out = self._outbound.get(msg.receiver)
        acknowledged = msg.epoch == self.epoch and out is not None
        if acknowledged and out.acknowledged(msg.session, msg.challenge, msg.upto):  # type: ignore[union-attr]
            self._commit()

    # -- what goes on ------------------------------------------------------------------------

    def _live(self) -> Generator[Wait, Any, None]:
        options = self.options
        self._live_beside()
        if options.scheme.ship_every_us:
            self.ctx.set_timer(0, self._ship_at_times, options.scheme.ship_every_us)
        while True:
            if self.leads:
                for out in list(self._outbound.values()):
                    out.tick()
            self._surface()
            yield self.ctx.sleep(options.ship.heartbeat_us)

    def _ship_at_times(self, every_us: int) -> Generator[Wait, Any, None]:
        # A clock of its own: heartbeats are no multiple of the period, and would make it longer.
        self.shipments.start(self.ctx.mono_us())
        while True:
            yield self.ctx.sleep(every_us)
            if self.leads:
                self.shipments.begin(self.ctx.mono_us())
                for out in list(self._outbound.values()):
                    out.ship()
                self.shipments.end()


def _no_promise() -> int:
    return 0
