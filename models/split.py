"""A store split along region lines: every region accepts locally, a merge domain reconciles.

Each region owns a sub-domain, its number the incarnation in the addresses it mints, so two
regions never mint the same. A shard decides against its merged view of everything it knows,
stamps the event with a hybrid clock, flushes, answers, and ships to the same shard of every
other region. Where the policy has a rule for what a sub-domain may accept, that is asked in place
of the domain's own; what it does not allow here is refused, and `models.granting` says who else is
asked. Beside it, on the same host and in files of its own, runs the merge domain: the fold of
`models.merging` under a policy.

A region's promise stays below its first entry that is not durable and above nothing it will
yet stamp. What the merge settled is saved as one record for each advance, outputs and vector
together. After a restart the outputs are read back and the streams are fetched again from the
vector on; the merge reads streams of sub-domains only, never what it wrote itself.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, ClassVar, Final

from models.addressing import Scope, mint, pack_type
from models.clock import HybridClock
from models.domain import Domain, Event
from models.domain.content import content_of
from models.hearing import Hearing, Upstream
from models.merging.fates import Fates
from models.merging.fold import MergeFold, Settled
from models.merging.policy import LocalRule, Policy
from models.merging.writes import Compensated, Write
from models.settling import Drawn, Settler, Settling
from models.store.group.shipping import Outbound, new_session
from models.store.group.wire import Ship, ShipAck
from models.store.log.chain import link
from models.store.log.entries import Entry
from models.store.log.journal import Journal
from models.store.log.streams import Streams, command_key
from models.store.options import MemberOptions
from models.store.requests import Answer, Submit, Unavailable, answer_of
from sim.host import Context, Service, Wait, handles
from sim.storage import TORN
from sim.topology import Location
from sim.tuples import made

__all__ = ["MERGED", "MakePolicy", "SplitShard", "write_of"]

#: Makes a policy for a domain that is split into sub-domains of these numbers.
MakePolicy = Callable[[Domain[Any], Sequence[int]], Policy]

#: How far ahead of the time a clock's ceiling is made durable. Short, since after a restart
#: stamps run ahead of the wall clock by it; long, since renewing it costs a flush.
_CLOCK_RESERVE_US: Final = 2_000_000
#: The file of what the merge settled, a record for each advance of the cut.
MERGED: Final = "merged"
#: Writes of one sub-domain that may wait for what they had seen, such as those of a region that hears one which we
#: do not; with more waiting, nothing is taken until there is room, and is sent again.
_WAITING: Final = 5_000
#: Up to which cut whoever is owed something has been told so.
_TOLD: Final = "told"


class SplitShard(Service):
    """One shard of one region's sub-domain, with its merge domain.

    Args:
        ctx: Its host.
        options: Who it is.
        domain: What is stored.
        policy: Makes what the merge domain merges by, from the domain and the numbers of the sub-domains.
        upstream: Where the writes of other regions come from, where clusters merge into regions; None where every
            sub-domain is a peer.
        settling: Where writes get their final place.

    Attributes:
        ready: Whether it has recovered; before that it refuses.
        log: Its sub-domain's entries.
        merge: Everything known, merged.
        saved_us: Up to which cut what was settled is on the disk.
        saving: Whether more is on its way there.
        fates: Of the writes that were settled.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"C3", "C5", "C6", "C7", "G1", "G2", "G3", "G4", "G5"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"stable", "compensated", "waiting", "late"})

    def __init__(
        self,
        ctx: Context,
        options: MemberOptions,
        domain: Domain[Any],
        *,
        policy: MakePolicy,
        upstream: Upstream | None = None,
        settling: Settling | None = None,
    ) -> None:
        super().__init__(ctx)
        self.options = options
        self.domain = domain
        self.ready = False
        self.session = 0
        self.log = Journal(ctx, segment=options.log.segment)
        self.log.on_durable = self._on_durable
        self.streams = Streams(domain, self.log, window=options.window)
        self.clock = HybridClock(ctx, reserve_us=_CLOCK_RESERVE_US)
        self.hearing = Hearing(ctx, options, upstream)
        self._sources = sorted((options.number, *self.hearing.origins))
        self._policy = policy(domain, self._sources)
        self._rule = self._policy if isinstance(self._policy, LocalRule) else None
        self.merge = self._empty_merge()
        self._settler = Settler(settling or Settling(), options.number, options.shard)
        self.saved_us = 0
        #: What all entries beyond a position of the log will have seen, whatever befalls us.
        self._said: tuple[int, tuple[tuple[int, int], ...]] = (0, ())
        self.saving = False
        self.fates = Fates()
        self._event_type = pack_type(Scope.SERVICE, command=False, domain=domain.number, incarnation=options.number)
        #: By sub-domain, the store of the same shard there.
        self._near = dict(options.peers if upstream is None else (*options.peers, *upstream.stores))
        lines = options.peers if upstream is None else (*options.peers, (upstream.number, upstream.relay))
        self._outbound = {number: self._line_to(peer) for number, peer in lines}
        self._outbounds = tuple(self._outbound.values())

    def _empty_merge(self) -> MergeFold:
        return MergeFold(self._policy, self._sources)

    def _line_to(self, peer: Location) -> Outbound:
        return Outbound(
            self.ctx,
            peer,
            self.options.ship,
            journal=self.log,
            upto=self.shippable,
            promise=self.promised,
            header=(self.options.number, self.options.shard),
            said=lambda: self._said,
        )

    @property
    def superseded(self) -> dict[int, bool]:
        """As `Fates.superseded`."""
        return self.fates.superseded

    @property
    def unshipped(self) -> int:
        """Durable entries that some peer is not known to have."""
        return max((out.unacknowledged for out in self._outbounds), default=0)

    def balances(self) -> dict[int, int | str | None]:
        """What this region would tell of every aggregate with a history."""
        merge, told = self.merge, self.domain.told
        return {instance: told(merge.state(instance)) for instance in merge.instances()}

    def stable_balances(self) -> dict[int, int | str | None]:
        """The same at the cut: what nothing will change any more."""
        merge, told = self.merge, self.domain.told
        return {instance: told(merge.stable(instance)) for instance in merge.instances()}

    # -- life --------------------------------------------------------------------------------

    def start(self) -> Generator[Wait, Any, None]:
        """Recover, serve, and from then on ship, settle and renew the clock's reserve."""
        self.session = new_session(self.ctx)
        yield from self.clock.recover()
        yield from self.log.recover()
        yield from self.hearing.recover()
        self.streams.rebuild(())
        self._recover_merge()
        self.ready = True
        while True:
            self.hearing.pay(self.session)
            for out in self._outbounds:
                out.tick()
            if self.clock.low:
                yield from self.clock.reserve()
            if self.ready:
                yield from self._settle()
            yield self.ctx.sleep(self.options.ship.heartbeat_us)

    def _recover_merge(self) -> None:
        records = self.ctx.disk.read(MERGED)
        if records and records[-1] is TORN:
            self.ctx.disk.truncate(MERGED, len(records) - 1)
            records.pop()
        self.merge.restore(records)
        told_us = max((one for one in self.ctx.disk.read(_TOLD) if one is not TORN), default=0)
        self.fates.forget()
        for record in records:
            self.fates.note(record)
            if record.cut_us > told_us:
                self._tell(record)
        self.saved_us = self.merge.cut_us
        if records:
            self.ctx.note("stable", self.merge.cut_us)  # we may have died between saving and telling
        vector = self.merge.vector()
        heard = self.hearing.begin(vector, self.merge.cut_us)
        for entry in self.log.entries:
            self.clock.observe(entry.stamp_us)
        # In canonical order nothing waits for what it had seen.
        for entry in sorted([*heard, *self.log.after(vector[self.options.number])]):
            self.clock.observe(entry.stamp_us)
            self.merge.ingest(write_of(entry))

    # -- commands ----------------------------------------------------------------------------

    @handles(Submit)
    def on_submit(
        self, msg: Submit, sender: Location
    ) -> Unavailable | Generator[Wait, Any, Answer | Unavailable | None]:
        """Decide here and now, and answer when the entry is durable here."""
        if not self.ready:
            return Unavailable(command_id=msg.command_id, reason="recovering")
        return self._serve(msg)

    def _serve(self, msg: Submit) -> Generator[Wait, Any, Answer | Unavailable | None]:
        self.ctx.point("C3")
        key, asked = command_key(msg.tenant, msg.command_id), False
        while (position := self.streams.done.get(key)) is None:
            if not self.is_whole:
                return Unavailable(command_id=msg.command_id, reason="recovering")
            event = self._decide(msg)
            if event is None:
                # Once: who is given less than it takes may ask again.
                if asked or not (yield from self._obtain(msg)):
                    return Unavailable(command_id=msg.command_id, reason="others must be heard first")
                asked = True
                continue
            stamp_us = self.clock.stamp()
            if stamp_us is not None:
                position = self._write(msg.tenant, msg.aggregate, msg.command_id, event, stamp_us)
                break
            yield from self.clock.reserve()
        assert isinstance(position, int), "a sub-domain keeps its whole log"
        yield from self.log.durable_at(position)
        self.ctx.point("C7")
        return answer_of(self.log.at(position), msg.command_id)

    @property
    def is_whole(self) -> bool:
        """Whether all that it wrote is in its view.

        After a restart some of it may wait for what it had seen. Whoever decided without it would decide that again,
        and give away twice what there is once.
        """
        return self.ready and self.merge.received(self.options.number) == self.log.length

    def _decide(self, msg: Submit) -> Event | None:
        """What a command leads to on the state of all sub-domains merged; None where others must be heard first."""
        if self._rule is not None:
            return self._rule.decide(self.merge.held(msg.aggregate), self.options.number, msg.command)
        decided: Event = self.domain.decide(self.merge.state(msg.aggregate), msg.command)
        return decided

    def _obtain(self, msg: Submit) -> Generator[Wait, Any, bool]:
        """Do something for a command that this sub-domain may not decide on alone; whether to look at it again."""
        self.ctx.note("waiting", msg.command_id)
        yield from ()
        return False

    def _write(self, tenant: int, instance: int, event_id: int, event: Event, stamp_us: int) -> int:
        """Append an event to the sub-domain's log; returns its position."""
        merge, domain = self.merge, self.domain
        stream = self.streams.of((tenant, instance))
        version, position = stream.version + 1, self.log.length + 1
        entry = Entry(
            stamp_us,
            self.options.number,
            position,
            1,
            tenant,
            mint(self._event_type, instance, version),
            event_id,
            self.ctx.now_us(),
            event,
            domain.told(domain.evolve(merge.state(instance), event)),
            link(stream.tip, version, (event_id, content_of(event))),
            merge.seen(self.options.number),
        )
        self.ctx.point("C5")
        self.log.append(entry)
        self.streams.apply(entry)
        merge.ingest(write_of(entry))
        self.ctx.point("C6")
        return position

    # -- streams -----------------------------------------------------------------------------

    def _on_durable(self) -> None:
        for out in self._outbounds:
            out.push()

    @handles(Ship)
    def on_ship(self, msg: Ship, sender: Location) -> None:
        """Take another sub-domain's entries, in order, into the merge."""
        if not self.ready or (msg.entries and self.merge.waiting > _WAITING):
            return
        expected = self.hearing.is_expected(msg, self.session)
        if msg.entries and msg.entries[0].stamp_us <= self.merge.cut_us:
            self.ctx.point("G5")
        late, observe, ingest = self.merge.late, self.clock.observe, self.merge.ingest
        for entry in self.hearing.take(msg):
            observe(entry.stamp_us)
            write = write_of(entry)
            ingest(write)
            self._heard(write)
        if self.merge.late > late:
            self.ctx.note("late", self.merge.late - late)
        if msg.entries:
            self.ctx.point("G4")
        elif msg.said[1]:
            self.merge.say(msg.source, msg.said[0], dict(msg.said[1]))
        # No answer to a client waits for this one, so while all goes well one a tick will do.
        if expected and msg.entries:
            self.hearing.owe(msg.source, sender)
        elif not expected:
            self.hearing.acknowledge(msg.source, sender, self.session)

    def _heard(self, write: Write) -> None:
        """Another sub-domain's write came; who learns from it does so here."""

    @handles(ShipAck)
    def on_ship_ack(self, msg: ShipAck, sender: Location) -> None:
        """Note what a peer has."""
        if self.ready:
            self._outbound[msg.receiver].acknowledged(msg.session, msg.challenge, msg.upto)

    def shippable(self) -> int:
        """Up to which position others may have what we wrote: what is not durable may never have been."""
        return self.log.durable

    def promised(self) -> int:
        """A time that no entry beyond the durable ones is or will be stamped at or below."""
        durable = self.log.durable
        if durable < self.log.length:
            return self.log.at(durable + 1).stamp_us - 1
        return self.clock.promise()

    # -- settling ------------------------------------------------------------------------------

    def _settle(self) -> Generator[Wait, Any, None]:
        """Give what is due its final place, if anything is; as the home, tell the others."""
        promises = self.hearing.promises(self.merge.lost)
        cut_us = self._settler.due_us(self.ctx.mono_us(), self.merge, promises, self._stable_cut())
        self.ctx.point("G1")
        settled = self.merge.settle(cut_us)
        if settled is not None:
            yield from self._save(settled)
        line = self._settler.line(self.merge)
        if line is not None:
            for other in self._settler.settling.others:
                self.ctx.send(other, line)

    def _stable_cut(self) -> int:
        return min([self.promised(), *self.hearing.promises(self.merge.lost).values()])

    @handles(Drawn)
    def on_drawn(self, msg: Drawn, sender: Location) -> None:
        """Note the home's line; it holds once all that lies below it is here."""
        self._settler.heard(msg)

    def _save(self, settled: Settled) -> Generator[Wait, Any, None]:
        """Make one advance of the cut durable, then tell."""
        life, vector = self.session, self.merge.vector()
        self.ctx.disk.append(MERGED, settled)
        self.ctx.point("G2")
        self.saving = True
        yield self.ctx.disk.flush(MERGED)
        self.saving = False
        if life != self.session:
            return  # another's records have taken the place of ours meanwhile
        self.saved_us = settled.cut_us
        self._say(vector)
        self.hearing.settled(vector)
        self.fates.note(settled)
        self.ctx.point("G3")
        if self._tell(settled):
            self.ctx.disk.replace(_TOLD, settled.cut_us)
        self.ctx.note("stable", settled.cut_us)

    def _say(self, vector: Mapping[int, int]) -> None:
        """What is settled and saved is in every view to come, and so our entries beyond the last will have seen it."""
        own = self.options.number
        self._said = (self.log.length, tuple((origin, vector[origin]) for origin in self._sources if origin != own))
        self.merge.say(own, self.log.length, dict(self._said[1]))

    def _tell(self, settled: Settled) -> bool:
        """Tell of compensations, each known by its request however often it is told; whether there were any."""
        owed = [output.event_id for output in settled.outputs if isinstance(output, Compensated)]
        if not self._settler.tells(self.merge):
            return False
        for event_id in owed:
            self.ctx.note("compensated", event_id)
        return bool(owed)


def write_of(entry: Entry) -> Write:
    """What the merge is told of an entry."""
    stamp_us, origin, position, _, _, address, event_id, _, event, _, _, seen, _ = entry
    return made(Write, (stamp_us, origin, position, address, event, event_id, seen))
