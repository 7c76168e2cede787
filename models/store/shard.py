"""A shard of the store: it decides commands, appends their events, and answers when that is safe.

One command, one event. The leader finds the aggregate's state, decides, appends; the log's entry
is flushed and shipped as the scheme demands, and once so many members hold it where they must, it
is *committed* and its client is told. A request that comes again finds by its id what it came to
the first time, and waits for that to be committed as the first one did.

Nothing waits on its own: one flush is under way at a time and serves all that was appended before,
and requests wait in one heap by position. The crash points C3 to C10 of the lab stand where they
are passed.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from heapq import heappop, heappush
from typing import Any, ClassVar, Final

from models.addressing import mint
from models.domain import Denied, Domain, Event, State
from models.domain.forms import content_of
from models.store.appending import Append as AppendRequest
from models.store.appending import Deleted as ClosedStream
from models.store.appending import Expect, Idempotent, IdempotentNotReady, Ok, WrongExpectedVersion, decide_append
from models.store.aside import AsideKey, DivergentEntries, DivergentQuery, Reconciled, ReconciledNoted
from models.store.chain import link
from models.store.entries import Closed, Deleted, Entry, instance_of
from models.store.image import Image
from models.store.journal import Answered
from models.store.keeping import Keeper
from models.store.member import Member
from models.store.options import InDoubt as Doubt
from models.store.options import MemberOptions
from models.store.publishing import Publisher
from models.store.requests import (
    EXPECT_ANY,
    EXPECT_NO_STREAM,
    EXPECT_STREAM,
    Accepted,
    Answer,
    Append,
    Conflict,
    Delete,
    Forward,
    Gone,
    InDoubt,
    Look,
    Outcome,
    OutcomeQuery,
    ReadStream,
    Refused,
    RolledBack,
    Seen,
    StreamSlice,
    Submit,
    Unavailable,
    answer_of,
)
from models.store.schemes import Tier
from models.store.shipping import Install, Outbound, Ship, ShipAck
from models.store.streams import Stream, StreamKey, command_key
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.topology import Location

__all__ = ["Shard"]

_EXPECT: Final = {EXPECT_ANY: Expect.ANY, EXPECT_NO_STREAM: Expect.NO_STREAM, EXPECT_STREAM: Expect.STREAM_EXISTS}

# What a request that waited for its event to be committed learns.
_COMMITTED: Final = 0
_ROLLED_BACK: Final = 1
_IN_DOUBT: Final = 2
_SILENT: Final = 3


class Shard(Member):
    """One member of one shard of one domain.

    Args:
        ctx: Its host.
        options: Who it is.
        domain: What it stores.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset(
        {"C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11", "C12", "N1", "N2", "N3", "N4"}
    )

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx, options, domain)
        scheme = options.scheme
        self.journal.on_durable = self._advanced
        self.keeper = Keeper(self)
        self.publisher = Publisher(self, options.subscriber)
        self._outbound: dict[int, Outbound] = {}
        self._holders = scheme.holders
        self._on_device = scheme.tier is Tier.DEVICE
        self._flushing = False
        self._owed: Location | None = None
        self._waiting: list[tuple[int, int, Wait, int]] = []
        self._waits = 0
        self._loading: dict[StreamKey, Wait] = {}
        self._asked_at = 0

    @property
    def unshipped(self) -> int:
        """Entries that may be shipped and that some peer is not known to have; 0 at a follower."""
        return max((out.unacknowledged for out in self._outbound.values()), default=0)

    def told(self) -> dict[int, int | str | None]:
        """This member's view of every aggregate with a history, whoever its tenant: for small worlds and reports."""
        view = {}
        for tenant, instance in sorted(self.streams):
            stream = self.streams.by_key[tenant, instance]
            if stream.state is None:
                self.streams.load((tenant, instance), self.snapshots.latest.get((tenant, instance)))
            assert stream.state is not None
            view[instance] = self.domain.told(stream.state)
        return view

    # -- commands ----------------------------------------------------------------------------

    @handles(Submit)
    def on_submit(self, msg: Submit, sender: Location) -> Any:
        """Serve it here, or have the leader serve it."""
        return self._serve(msg) if self.leads else self._elsewhere(msg, msg.command_id)

    @handles(Append)
    def on_append(self, msg: Append, sender: Location) -> Any:
        """As for a command."""
        return self._serve_append(msg, msg.event, msg.expected) if self.leads else self._elsewhere(msg, msg.event_id)

    @handles(Delete)
    def on_delete(self, msg: Delete, sender: Location) -> Any:
        """As for a command."""
        marker = Closed() if msg.for_ever else Deleted()
        return self._serve_append(msg, marker, msg.expected) if self.leads else self._elsewhere(msg, msg.event_id)

    @handles(Forward)
    def on_forward(self, msg: Forward, sender: Location) -> Any:
        """Serve what another member handed on; refuse it if this one does not lead."""
        request = msg.request
        if isinstance(request, Submit):
            if self.leads:
                return self._serve(request)
            return Unavailable(command_id=request.command_id, reason="not the leader")
        if self.leads:
            if isinstance(request, Append):
                return self._serve_append(request, request.event, request.expected)
            if isinstance(request, Delete):
                return self._serve_append(request, Closed() if request.for_ever else Deleted(), request.expected)
        assert isinstance(request, Append | Delete), f"{request} is nothing that is handed on"
        return Unavailable(command_id=request.event_id, reason="not the leader")

    def _elsewhere(self, request: Message, request_id: int) -> Unavailable | Generator[Wait, Any, Any]:
        if not self.ready:
            return Unavailable(command_id=request_id, reason="recovering")
        leader = self.leader
        if leader == self.options.number or self.promised > self.epoch:
            return Unavailable(command_id=request_id, reason="no leader")
        return self._hand_on(request, self._locations[leader])

    def _hand_on(self, request: Message, leader: Location) -> Generator[Wait, Any, Any]:
        answer = yield self.ctx.call(leader, Forward(request=request), self.options.forward_timeout_us)
        return answer

    def _serve(self, msg: Submit) -> Generator[Wait, Any, Answer | None]:
        self.ctx.point("C3")
        key = command_key(msg.tenant, msg.command_id)
        found = self.streams.done.get(key)
        if found is None:
            stream_key = (msg.tenant, msg.aggregate)
            stream = self.streams.of(stream_key)
            while stream.state is None:
                yield from self._load(stream_key, stream)
                if not self.leads:
                    return Unavailable(command_id=msg.command_id, reason="not the leader")
            found = self.streams.done.get(key)  # it may have come twice while this one loaded
            if found is None:
                made = self._decide(msg, stream)
                if isinstance(made, Gone):
                    return made
                if isinstance(made, str):  # denied, and not stored: as true as the state it was decided on
                    learnt = yield from self._until_committed(stream.last)
                    if learnt:
                        return self._in_doubt(learnt, msg.command_id)
                    return Refused(command_id=msg.command_id, version=stream.version, reason=made)
                found = made
        entry = found if isinstance(found, Answered) else self.journal.at(found)
        if instance_of(entry.address) != msg.aggregate:
            reason = "its id was used for another aggregate"
            return Unavailable(command_id=msg.command_id, reason=reason)
        learnt = _COMMITTED
        if isinstance(found, int) and found > self.committed:
            learnt = yield from self._until_committed(found)
        if learnt:
            return self._in_doubt(learnt, msg.command_id)
        self.ctx.point("C10")
        return answer_of(entry, msg.command_id)

    def _decide(self, msg: Submit, stream: Stream) -> int | str | Gone:
        """One command, one event, appended; or why it was denied, where denials are not stored."""
        if stream.closed:
            return Gone(command_id=msg.command_id)
        domain, state = self.domain, stream.state
        event = domain.decide(state, msg.command)
        if isinstance(event, Denied):
            if not self.options.store_denials:
                return event.reason
            after = state
        else:
            after = domain.evolve(state, event)
        self.ctx.point("C5")
        return self._write(msg.tenant, msg.aggregate, msg.command_id, stream, event, after)

    def _write(
        self, tenant: int, aggregate: int, event_id: int, stream: Stream, event: Event, after: State | None
    ) -> int:
        """Append an event to a stream and see to it that it will be held; returns its position."""
        version = stream.version + 1
        position = self.journal.length + 1
        now = self.ctx.now_us()
        entry = Entry(
            now,
            self.options.number,
            position,
            self.epoch,
            tenant,
            mint(self.options.event_type, aggregate, version),
            event_id,
            now,
            event,
            None if after is None else self.domain.told(after),
            link(stream.tip, version, (event_id, content_of(event))),
        )
        self.journal.append(entry)
        self.aside.met(entry)
        self.keeper.appended(self.streams.apply(entry, after), entry)
        self.ctx.point("C6")
        self._hold()
        return position

    # -- appends -----------------------------------------------------------------------------

    def _serve_append(
        self, msg: Append | Delete, event: Event, expected: int
    ) -> Generator[Wait, Any, Accepted | Conflict | Gone | Unavailable | InDoubt | RolledBack | None]:
        """A writer's own event: `models.store.appending` says what becomes of it."""
        self.ctx.point("C3")
        key = (msg.tenant, msg.aggregate)
        stream = self.streams.of(key)
        while stream.state is None:
            yield from self._load(key, stream)
            if not self.leads:
                return Unavailable(command_id=msg.event_id, reason="not the leader")
        head = self.streams.head(key, self.committed)
        decision = decide_append(head, AppendRequest(msg.event_id, _EXPECT.get(expected, expected)))
        if isinstance(decision, ClosedStream):
            return Gone(command_id=msg.event_id)
        if isinstance(decision, WrongExpectedVersion):
            return Conflict(command_id=msg.event_id, expected=expected, current=decision.current)
        learnt, told = _COMMITTED, None
        if isinstance(decision, Ok):
            known = event.__class__ in self.domain.effects
            after = self.domain.evolve(stream.state, event) if known else self.domain.initial()
            self.ctx.point("C5")
            position = self._write(msg.tenant, msg.aggregate, msg.event_id, stream, event, after)
            told = self.domain.told(after)
            learnt = yield from self._until_committed(position)
        elif isinstance(decision, IdempotentNotReady):
            found = self.streams.done.get(command_key(msg.tenant, msg.event_id))
            learnt = yield from self._until_committed(found if isinstance(found, int) else stream.last)
        else:
            assert isinstance(decision, Idempotent)
        if learnt:
            return self._in_doubt(learnt, msg.event_id)
        self.ctx.point("C10")
        return Accepted(command_id=msg.event_id, version=decision.version, told=told)

    # -- questions ---------------------------------------------------------------------------

    @handles(Look)
    def on_look(self, msg: Look, sender: Location) -> Any:
        """Tell the state of an aggregate, once all that it comes from is committed; only the leader knows."""
        return self._look(msg) if self.leads else None

    def _look(self, msg: Look) -> Generator[Wait, Any, Seen | None]:
        key = (msg.tenant, msg.aggregate)
        stream = self.streams.of(key)
        while stream.state is None:
            yield from self._load(key, stream)
        told, version, exists = self.domain.told(stream.state), stream.version, not stream.deleted
        if (yield from self._until_committed(stream.last)):
            return None
        return Seen(aggregate=msg.aggregate, version=version, told=told, exists=exists and version > 0)

    @handles(ReadStream)
    def on_read_stream(self, msg: ReadStream, sender: Location) -> StreamSlice | None:
        """Hand out a stream's committed events, as far as they are kept and not deleted."""
        if not self.leads:
            return None
        key = (msg.tenant, msg.aggregate)
        stream = self.streams.of(key)
        after = max(msg.after, stream.first - 1) if not stream.deleted else stream.version
        entries = [entry for entry in self.streams.entries_of(key, after) if entry.position <= self.committed]
        gone = stream.version - len(stream.positions)
        return StreamSlice(
            aggregate=msg.aggregate,
            entries=tuple(entries[: msg.limit]),
            first=max(stream.first, gone + 1),
            version=stream.version,
        )

    @handles(OutcomeQuery)
    def on_outcome_query(self, msg: OutcomeQuery, sender: Location) -> Outcome | None:
        """Tell what became of a request."""
        if not self.leads:
            return None
        found = self.streams.done.get(command_key(msg.tenant, msg.event_id))
        if found is None:
            return Outcome(event_id=msg.event_id, outcome="unknown")
        sure = isinstance(found, Answered) or found <= self.committed
        return Outcome(event_id=msg.event_id, outcome="committed" if sure else "in doubt")

    # -- loading -----------------------------------------------------------------------------

    def _load(self, key: StreamKey, stream: Stream) -> Generator[Wait, Any, None]:
        """Bring a state into memory; who asks meanwhile waits for the same."""
        under_way = self._loading.get(key)
        if under_way is not None:
            yield under_way
            return
        done = self._loading[key] = self.ctx.wait()
        snapshot = self.snapshots.latest.get(key)
        self.ctx.point("C4")
        cost_us = self.options.replay_us * (stream.version - (snapshot.version if snapshot else 0))
        if cost_us:
            yield self.ctx.sleep(cost_us)
        if self.streams.get(key) is stream:
            self.streams.load(key, snapshot)
            self.keeper.loaded(key, stream, cost_us)
        del self._loading[key]
        done.resolve()

    # -- holding -----------------------------------------------------------------------------

    def _hold(self) -> None:
        """Something was appended: flush it, or count it as held."""
        if not self._on_device:
            self._advanced()
        elif not self._flushing:
            self._flushing = True
            self.ctx.set_timer(0, self._flush)

    def _flush(self) -> Generator[Wait, Any, None]:
        """One flush after the other until nothing is left."""
        journal = self.journal
        while journal.durable < journal.length:
            yield from journal.durable_at(journal.length)
        self._flushing = False

    def _held_all(self) -> Generator[Wait, Any, None]:
        journal = self.journal
        while journal.held < journal.length:
            yield from journal.durable_at(journal.length)

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
            if self._owed is not None:
                self.ctx.point("C9")
            self._acknowledge()

    def _commit(self) -> None:
        """Advance to the entries that enough members hold; who waited for them goes on."""
        held = self.journal.held
        if self._holders > 1:
            holders = [held, *(out.acked or 0 for out in self._outbound.values())]
            holders.sort(reverse=True)
            held = holders[self._holders - 1]
        self._committed_to(held)

    def _committed_to(self, position: int) -> None:
        if position <= self.committed:
            return
        self.committed = position
        for out in self._outbound.values():
            out.committed = position
        self.publisher.advanced()
        waiting = self._waiting
        released = []
        while waiting and waiting[0][0] <= position:
            released.append(heappop(waiting)[2])
        # Resolved last, since each resumes its task at once.
        for wait in released:
            wait.resolve(_COMMITTED)

    def _until_committed(self, position: int) -> Generator[Wait, Any, int]:
        """Wait for an entry to be committed; returns what was learnt."""
        if position <= self.committed:
            return _COMMITTED
        wait = self.ctx.wait()
        self._waits += 1
        heappush(self._waiting, (position, self._waits, wait, self.ctx.mono_us()))
        learnt: int = yield wait
        return learnt

    def _in_doubt(self, learnt: int, request_id: int) -> InDoubt | RolledBack | None:
        if learnt == _ROLLED_BACK:
            return RolledBack(command_id=request_id)
        return InDoubt(command_id=request_id) if learnt == _IN_DOUBT else None

    def _surface(self) -> None:
        """Say what the policy says of what has waited too long."""
        policy, now = self.options.in_doubt, self.ctx.mono_us()
        if policy is Doubt.BLOCK or not self._waiting:
            return
        late = [one for one in self._waiting if now - one[3] >= self.options.doubt_us]
        if late:
            self._waiting = sorted(one for one in self._waiting if now - one[3] < self.options.doubt_us)
            for one in late:
                one[2].resolve(_IN_DOUBT if policy is Doubt.SURFACE else _SILENT)

    def _gave_up(self, length: int) -> None:
        self._outbound = {}
        # Where the leader alone holds what it acknowledges, what it gave up is owed, and not undone.
        learnt = _SILENT if self._holders == 1 else _ROLLED_BACK
        vain = [one for one in self._waiting if one[0] > length]
        self._waiting = sorted(one for one in self._waiting if one[0] <= length)
        for one in vain:
            one[2].resolve(learnt)
        self.keeper.forget()

    def _progress(self) -> bool:
        moved = self.committed > self._asked_at or self.committed == self.journal.length
        self._asked_at = self.committed
        return moved

    # -- leading and following ---------------------------------------------------------------

    def _lead(self) -> None:
        ship, scheme, journal = self.options.ship, self.options.scheme, self.journal
        alone = scheme.holders == 1
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
                every_us=scheme.ship_every_us or None,
                install=self._hand_over,
            )
            for number, peer in self.options.peers
            if not alone or scheme.ship_every_us is not None
        }
        for out in self._outbound.values():
            out.reigns = self.reigns
            out.committed = self.committed

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
            ),
        )

    def wanted_by_peers(self, patience: int) -> list[int]:
        """Up to where each peer has the log, but for those that lack more than `patience` entries."""
        if not self.leads:
            return []
        length = self.journal.length
        return [out.acked or 0 for out in self._outbound.values() if length - (out.acked or 0) <= patience]

    def _undisturbed(self) -> Generator[Wait, Any, None]:
        while self.keeper.cutting is not None:
            yield self.keeper.cutting

    def _image(self) -> Image:
        return self.keeper.image()

    @handles(Install)
    def on_install(self, msg: Install, sender: Location) -> Generator[Wait, Any, None] | None:
        """Stand behind a snapshot of everything, if it is from the leader and goes further than this log."""
        theirs = msg.reigns[-1].epoch
        if not self.ready or theirs < self.promised or self.leads or msg.session != self.session:
            return None
        return self._stand_behind(msg, sender)

    def _stand_behind(self, msg: Install, sender: Location) -> Generator[Wait, Any, None]:
        self.ready = False
        if msg.reigns[-1].epoch > self.epoch:
            yield from self._adopt(msg.reigns)
        if msg.position > self.journal.length:
            yield from self._undisturbed()
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
            self._tell_deposed(sender)
            return None
        if theirs > self.epoch:
            return self._adopt_and_follow(msg, sender)
        if not self.leads:
            self._follow(msg, sender)
        return None

    def _tell_deposed(self, sender: Location) -> None:
        self._send_ack(sender, 0, 0)

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
        if fresh:
            self._take(fresh)
            self._hold()
        if ship.committed > self.committed:
            self._committed_to(min(ship.committed, self.journal.length))
        if not self.whole and ship.session == self.session and self.journal.held >= ship.upto:
            self.whole = True
            self.ctx.set_timer(0, self._become_whole)
        if at_once:
            self._acknowledge()

    def _take(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.journal.append(entry)
            self.aside.met(entry)
            self.keeper.appended(self.streams.apply(entry), entry)

    def _acknowledge(self) -> None:
        """Tell the leader what is held here, if it waits to hear."""
        leader, self._owed = self._owed, None
        if leader is not None:
            self._send_ack(leader, self.journal.held, self._inbound.challenge)

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
        self.ctx.set_timer(0, self.keeper.live)
        if options.subscriber is not None:
            self.ctx.set_timer(0, self.publisher.live)
        if options.scheme.flush_every_us is not None:
            self.ctx.set_timer(0, self._flush_at_times, options.scheme.flush_every_us)
        while True:
            if self.leads:
                for out in list(self._outbound.values()):
                    out.tick()
                self._surface()
            yield self.ctx.sleep(options.ship.heartbeat_us)

    def _flush_at_times(self, every_us: int) -> Generator[Wait, Any, None]:
        while True:
            yield self.ctx.sleep(every_us)
            if self.ready and self.journal.durable < self.journal.length:
                yield from self.journal.durable_at(self.journal.length)

    # -- reconciliation ----------------------------------------------------------------------

    @handles(DivergentQuery)
    def on_divergent_query(self, msg: DivergentQuery, sender: Location) -> DivergentEntries | None:
        """Hand the operator what is left."""
        return DivergentEntries(entries=tuple(self.aside.unreconciled[: msg.limit])) if self.ready else None

    @handles(Reconciled)
    def on_reconciled(self, msg: Reconciled, sender: Location) -> Generator[Wait, Any, ReconciledNoted] | None:
        """Write down that an entry has been dealt with; one that is not set aside here is ignored."""
        key = AsideKey(msg.epoch, msg.position, msg.command_id)
        return self._reconciled(msg, key) if self.ready and key in self.aside else None

    def _reconciled(self, msg: Reconciled, key: AsideKey) -> Generator[Wait, Any, ReconciledNoted]:
        if (yield from self.aside.settle(key, msg.merged)):
            self.ctx.note("reconciled" if msg.merged else "compensated", key.command_id)
        return ReconciledNoted(epoch=msg.epoch, position=msg.position)


def _no_promise() -> int:
    return 0
