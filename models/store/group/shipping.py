"""Log shipping: what a shard holds reaches its peers, in order, without a gap.

One `Outbound` for each peer sends entries, in batches, up to a window; what is not acknowledged
is sent again from the first missing entry on, with back-off while nothing moves. One `Inbound`
for each source takes entries in order, drops what it has, holds what came too early (a bounded
number), and acknowledges cumulatively. Both are pure but for the sends and the clock.

An acknowledgement bears the receiver's *session*, a number drawn afresh in each of its lives, since
a life may have forgotten what an earlier one acknowledged, even that there was one. Within a
session it only grows. Another session is believed only if it echoes the sender's latest
*challenge*: so it cannot be an earlier life, whose words are still on the way.

Every message (`models.store.group.wire`) also says up to where the source's log is complete: the
*promise*, a time that no entry beyond those before `first` + len(entries) will be stamped at or
below. It counts only once all of them have arrived.
"""

from __future__ import annotations

from collections.abc import Callable

from models.store.group.lineage import Reign
from models.store.group.wire import Ship, ShipOptions
from models.store.log.entries import Entry
from models.store.log.journal import Journal
from sim.host import Context
from sim.topology import Location

__all__ = ["Inbound", "Outbound", "new_session"]


class Outbound:
    """The sending side towards one peer.

    Args:
        ctx: The service that ships.
        peer: Where to.
        options: How.
        journal: The log, read in place.
        upto: Up to which position entries may be shipped now.
        promise: The promise that holds when all of them have arrived.
        header: (source, shard) of every message.
        at_once: Ship each entry as soon as it may be; else `ship` says when.
        install: Sends the peer a snapshot in place of entries that are not kept; None where all are.
        everywhere: Up to where all have the log whom its head is kept for.
        ties: Whether several entries may bear one stamp.
        said: What entries to come will have seen, to be told where there are none.

    Attributes:
        acked: What the peer has, None until it told us in this life.
        reigns: Lineage to send along.
        committed: To send along.
        released: To send along.
        beyond: Called with what the peer has where that is more than there is.
    """

    def __init__(
        self,
        ctx: Context,
        peer: Location,
        options: ShipOptions,
        *,
        journal: Journal,
        upto: Callable[[], int],
        promise: Callable[[], int],
        header: tuple[int, int],
        at_once: bool = True,
        install: Callable[[Outbound], object] | None = None,
        everywhere: Callable[[], int] | None = None,
        ties: bool = False,
        said: Callable[[], tuple[int, tuple[tuple[int, int], ...]]] | None = None,
    ) -> None:
        self.peer = peer
        self.acked: int | None = None
        self.reigns: tuple[Reign, ...] = ()
        self.committed = 0
        self.released = 0
        self.beyond: Callable[[int], object] | None = None
        # A number of its own for each life: an echo of an earlier one proves nothing.
        self.challenge = ctx.rng("challenge").between(1, 1 << 40)
        self.session = 0
        self._ctx = ctx
        self._options = options
        self._journal = journal
        self._upto = upto
        self._promise = promise
        self._source, self._shard = header
        self._at_once = at_once
        self._install = install
        self._everywhere = everywhere
        self._ties = ties
        self._said = said
        self._sent = 0
        self._sent_us = -options.heartbeat_us
        self._asked_us = self._handed_us = -options.resend_us
        self._moved_us = 0
        self._due = 0
        self._patience_us = options.resend_us

    @property
    def unacknowledged(self) -> int:
        """How many entries that may be shipped the peer is not known to have."""
        return self._upto() - (self.acked or 0)

    def push(self) -> None:
        """Send what may be sent, is due and was not sent yet, as far as the window goes."""
        if self._at_once or self._sent < self._due:
            self._push()

    def ship(self) -> None:
        """It is time: all that may be sent now is due, and goes on as acknowledgements make room for it."""
        self._due = self._upto()
        self._push()

    def tick(self) -> None:
        """Send again what stays unanswered; else a heartbeat if the line was quiet."""
        now = self._ctx.mono_us()
        acked = self.acked
        behind = acked is not None and acked < self._journal.base.position
        if acked is not None and not behind and self._sent > acked and now - self._moved_us >= self._patience_us:
            self._patience_us = min(2 * self._patience_us, self._options.resend_us_max)
            self._resend(now)
        elif now - self._sent_us >= self._options.heartbeat_us:
            self._send(self._quiet_from(), self._quiet_from() - 1)

    def acknowledged(self, session: int, challenge: int, upto: int) -> bool:
        """Take an acknowledgement; returns whether `acked` changed."""
        now = self._ctx.mono_us()
        changed = self._note_acknowledged(now, session, challenge, upto)
        if self.acked is not None and self.acked < self._journal.base.position:
            # Only to a peer that answers: a snapshot of everything is much to send into a cut, again and again.
            self._hand_over(now)
        return changed

    def _note_acknowledged(self, now: int, session: int, challenge: int, upto: int) -> bool:
        # The peer may hold more than we have (a suffix that it has yet to give up, or one that we have lost).
        told, upto = upto, min(upto, self._upto())
        if session != self.session:
            if challenge != self.challenge:
                self._ask(now)
                return False
            if told > upto and self.beyond is not None:
                self.beyond(told)
                upto = min(upto, self._upto())
            self.session = session
            self.challenge += 1
            self.acked = self._sent = upto
        elif self.acked is None or upto > self.acked:
            self.acked = upto
            self._sent = max(self._sent, upto)
        else:
            # It lives and lacks what we sent: no need to sit out the back-off, yet one repeat a
            # round trip is enough, however many such answers a lost batch provokes.
            if upto == self.acked < self._sent and now - self._moved_us >= self._options.resend_us:
                self._resend(now)
            return False
        self._moved_us = now
        self._patience_us = self._options.resend_us
        self.push()
        return True

    def restart(self) -> None:
        """Forget where the peer stands and ask (the log under us was replaced)."""
        self.acked = None
        self.session = 0
        self.challenge += 1
        self._sent = 0

    def handed_over(self, position: int) -> None:
        """A snapshot up to a position is on its way; what follows it comes after it was acknowledged."""
        self._sent_us = self._ctx.mono_us()
        self._sent = min(self._sent, position)

    def _push(self) -> None:
        acked = self.acked
        if acked is None or acked < self._journal.base.position:
            return
        options = self._options
        end = min(self._upto() if self._at_once else self._due, acked + options.window)
        if self._sent < acked:
            self._sent = acked
        if self._sent == acked < end:
            self._moved_us = self._ctx.mono_us()  # the wait for an answer begins now
        while self._sent < end:
            last = min(end, self._sent + options.batch)
            self._send(self._sent + 1, last)
            self._sent = last

    def _quiet_from(self) -> int:
        """The position that a heartbeat speaks of: nothing beyond it was sent, or the peer is to say what it lacks."""
        all_of_it = self._at_once or self.acked is None or self._sent < self._journal.base.position
        return (self._upto() if all_of_it else self._sent) + 1

    def _hand_over(self, now: int) -> None:
        """Send a snapshot in place of what is no longer kept, unless the last is just under way."""
        if now - self._handed_us < self._options.resend_us:
            return
        self._handed_us = self._sent_us = now
        assert self._install is not None, "the log lost its head, and nobody sends what it came to"
        self._install(self)

    def _ask(self, now: int) -> None:
        """Another life speaks, or an earlier one: let it answer a new challenge."""
        if now - self._asked_us < self._options.resend_us and self._asked_us >= 0:
            return
        self._asked_us = now
        self.challenge += 1
        self._send(self._quiet_from(), self._quiet_from() - 1)

    def _resend(self, now: int) -> None:
        """One batch from the first missing entry: a probe, while nothing is known to get through."""
        assert self.acked is not None
        self._moved_us = now
        if self.acked < self._journal.base.position:
            return
        last = min(self._sent, self.acked + self._options.batch)
        self._sent = last
        self._send(self.acked + 1, last)

    def _send(self, first: int, last: int) -> None:
        upto = self._upto()
        batch = tuple(self._journal.after(first - 1, last - first + 1)) if last >= first else ()
        # Up to an entry that is not the last one, its own stamp is all that is certain, or what lies below it.
        promise_us = self._promise() if last >= upto else batch[-1].stamp_us - self._ties if batch else 0
        self._sent_us = self._ctx.mono_us()
        self._ctx.send(
            self.peer,
            Ship(
                source=self._source,
                shard=self._shard,
                reigns=self.reigns,
                first=first,
                entries=batch,
                promise_us=promise_us,
                probe=self.acked is None,
                committed=self.committed,
                upto=upto,
                session=self.session,
                challenge=self.challenge,
                released=self.released,
                everywhere=0 if self._everywhere is None else self._everywhere(),
                said=(0, ()) if self._said is None or batch else self._said(),
            ),
        )


class Inbound:
    """The receiving side from one source.

    Args:
        received: How many entries of the source are here already.
        promise_us: A promise of the source that they cover.
        held: Most batches to keep beyond a gap.

    Attributes:
        received: Entries here without a gap.
        promise_us: Largest promise covered by them.
        challenge: The source's last one.
    """

    def __init__(self, received: int = 0, promise_us: int = 0, *, held: int = 32) -> None:
        self.received = received
        self.promise_us = promise_us
        self.challenge = 0
        self._limit = held
        self._held: dict[int, Ship] = {}

    def take(self, ship: Ship) -> tuple[Entry, ...]:
        """The entries that became contiguous with this batch, in order; often just its own."""
        self.challenge = ship.challenge
        if ship.first > self.received + 1:
            self._hold(ship)
            return ()
        ready = self._accept(ship)
        while self._held and (first := min(self._held)) <= self.received + 1:
            ready += self._accept(self._held.pop(first))
        return ready

    def is_expected(self, ship: Ship, session: int) -> bool:
        """Whether the source sends just what is due, to this life, and knows it; else it should hear at once."""
        return ship.first == self.received + 1 and not ship.probe and ship.session == session

    def _hold(self, ship: Ship) -> None:
        """Keep a batch beyond a gap, if there is room and no longer one begins at its place."""
        kept = self._held.get(ship.first)
        room = len(self._held) < self._limit if kept is None else len(kept.entries) < len(ship.entries)
        if ship.entries and room:
            self._held[ship.first] = ship

    def _accept(self, ship: Ship) -> tuple[Entry, ...]:
        """Take what is new of a batch that leaves no gap."""
        end = ship.first + len(ship.entries) - 1
        fresh: tuple[Entry, ...] = ()
        if end > self.received:
            fresh = ship.entries[self.received + 1 - ship.first :]
            self.received = end
        self.promise_us = max(self.promise_us, ship.promise_us)
        return fresh


def new_session(ctx: Context) -> int:
    """The number of this life of the service, drawn afresh: not even a lost disk brings an earlier one back."""
    return ctx.rng("session").between(1, 1 << 50)
