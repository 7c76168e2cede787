"""A store with one home: one region owns the domain, the others forward to it and keep copies.

Shard i of a region is its i-th server. A client enters at its own region's shard; where that
is the home it decides, appends, flushes, and answers once the entry is durable in
`commit_regions` regions, itself included. With 1 the log is shipped behind the answer (*home
region*); with a majority the answer waits for it (*majority, fixed leader*). Nobody is elected:
while the home is cut off the rest can only wait, and what the home has stays the truth.

A command may be repeated safely: its id finds the entry it led to, and the answer waits until
that entry is as durable as the first answer had to be.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, ClassVar

from models.addressing import BANK, Scope, mint, pack_type
from models.bank import AccountState, BankCommand, decide, evolve
from models.eventlog import Entry, EventLog
from models.ordinals import pack_ordinal
from models.requests import Answer, Forward, Submit, Unavailable, answer_of
from models.shipping import Inbound, Outbound, Ship, ShipAck, ShipOptions, next_session
from sim.host import Context, Service, Wait, handles
from sim.topology import Location

__all__ = ["HomeShard", "ShardOptions"]

#: The unsplit bank: its incarnation is 0 wherever it is written.
EVENT_TYPE = pack_type(Scope.SERVICE, command=False, domain=BANK)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardOptions:
    """What a shard of any design is told.

    Attributes:
        region: Number of its own region.
        shard: Its index.
        peers: (region number, location) of the same shard in every other region.
        opening_balance: What every account begins with.
        forward_timeout_us: How long a forwarded command may take.
        ship: How logs are shipped.
    """

    region: int
    shard: int
    peers: tuple[tuple[int, Location], ...]
    opening_balance: int
    forward_timeout_us: int
    ship: ShipOptions


class HomeShard(Service):
    """One shard in one region, as home or as copy.

    Args:
        ctx: Its host.
        options: Who it is.
        home: Number of the home region.
        commit_regions: Regions that must have an entry durable before it is acknowledged.

    Attributes:
        ready: Whether it has recovered; before that it refuses.
        home: The region it takes for the home.
        epoch: The reign it lives under.
        log: Its entries.
        committed: Entries that are durable in `commit_regions` regions, as the home knows it.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"C3", "C5", "C6", "C7", "C10"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"applied"})

    def __init__(self, ctx: Context, options: ShardOptions, *, home: int, commit_regions: int = 1) -> None:
        super().__init__(ctx)
        self.options = options
        self.home = home
        self.epoch = 1
        self.ready = False
        self.session = 0
        self.log = EventLog(ctx)
        self.log.on_durable = self._on_durable
        self.committed = 0
        self._commit_regions = commit_regions
        self._states: dict[int, AccountState] = {}
        self._position_of: dict[int, int] = {}
        self._peers = dict(options.peers)
        self._outbound: dict[int, Outbound] = {}
        self._inbound = Inbound(held=options.ship.held)
        self._waiting: list[tuple[int, int, Wait]] = []
        self._waits = 0

    @property
    def is_home(self) -> bool:
        """Whether this shard decides."""
        return self.home == self.options.region

    @property
    def unshipped(self) -> int:
        """Durable entries that some peer is not known to have; 0 at a copy."""
        return max((out.unacknowledged for out in self._outbound.values()), default=0)

    def balances(self) -> dict[int, int]:
        """This region's view of every account with a history."""
        return {account: state.balance for account, state in sorted(self._states.items())}

    # -- life --------------------------------------------------------------------------------

    def start(self) -> Generator[Wait, Any, None]:
        """Recover from the disk, then serve; the home ships for as long as it lives."""
        self.session = yield from next_session(self.ctx)
        yield from self._recover()
        self._outbound = self._lines() if self.is_home else {}
        self.ready = True
        self._on_durable()
        yield from self._reign()

    def _recover(self) -> Generator[Wait, Any, None]:
        yield from self.log.recover()
        self._rebuild()

    def _rebuild(self) -> None:
        """Derive everything held in memory from the log."""
        self._states.clear()
        self._position_of.clear()
        for entry in self.log.entries:
            self._position_of[entry.event.command_id] = entry.position
            self._evolve(entry)
        self._inbound = Inbound(len(self.log.entries), held=self.options.ship.held)

    def _reign(self) -> Generator[Wait, Any, None]:
        """Ship until the reign ends; at a copy it never begins."""
        epoch = self.epoch
        while self.is_home and self.epoch == epoch:
            for out in self._outbound.values():
                out.tick()
            yield self.ctx.sleep(self.options.ship.heartbeat_us)

    def _lines(self) -> dict[int, Outbound]:
        return {region: self._line_to(region) for region in self._peers}

    def _line_to(self, region: int) -> Outbound:
        return Outbound(
            self.ctx,
            self._peers[region],
            self.options.ship,
            entries=lambda: self.log.entries,
            durable=lambda: self.log.durable,
            promise=lambda: 0,
            header=(self.options.region, self.options.shard),
        )

    # -- commands ----------------------------------------------------------------------------

    @handles(Submit)
    def on_submit(self, msg: Submit, sender: Location) -> Unavailable | Generator[Wait, Any, Answer | None]:
        """Serve a client of this region, or hand its command on to the home."""
        if not self.ready:
            return Unavailable(command_id=msg.command.command_id, reason="recovering")
        return self._serve(msg.command) if self.is_home else self._forward(msg.command)

    @handles(Forward)
    def on_forward(self, msg: Forward, sender: Location) -> Unavailable | Generator[Wait, Any, Answer | None]:
        """Serve a command that another region handed on."""
        if not (self.ready and self.is_home):
            return Unavailable(command_id=msg.command.command_id, reason="not the home")
        return self._serve(msg.command)

    def _forward(self, command: BankCommand) -> Generator[Wait, Any, Answer | None]:
        answer: Answer | None = yield self.ctx.call(
            self._peers[self.home], Forward(command=command), self.options.forward_timeout_us
        )
        return answer

    def _serve(self, command: BankCommand) -> Generator[Wait, Any, Answer | None]:
        self.ctx.point("C3")
        position = self._position_of.get(command.command_id)
        entry = self._decide(command) if position is None else self.log.entries[position - 1]
        if not (yield from self.log.durable_at(entry.position)):
            return None  # set aside by a step-down; what becomes of it is not ours to say
        self.ctx.point("C7")
        if self._commit_regions > 1 and self.committed < entry.position:
            wait = self.ctx.wait()
            self._waits += 1
            heappush(self._waiting, (entry.position, self._waits, wait))
            yield wait
        self.ctx.point("C10")
        return answer_of(entry)

    def _decide(self, command: BankCommand) -> Entry:
        """One command, one event, appended to the log."""
        account = command.account
        state = self._states.get(account) or AccountState.opened(self.options.opening_balance)
        event = decide(state, command)
        after = evolve(state, event)
        version = self.log.version(account)
        now = self.ctx.now_us()
        entry = Entry(
            now,
            self.options.region,
            len(self.log.entries) + 1,
            self.epoch,
            mint(EVENT_TYPE, account, version + 1),
            now,
            event,
            after.balance,
        )
        self.ctx.point("C5")
        self._append(entry, version)
        self._states[account] = after
        self.ctx.point("C6")
        return entry

    def _append(self, entry: Entry, version: int) -> None:
        refused = self.log.append(entry, version)
        assert refused is None, f"one writer a shard, yet {refused}"
        self._position_of[entry.event.command_id] = entry.position

    def _evolve(self, entry: Entry) -> None:
        event = entry.event
        state = self._states.get(event.account) or AccountState.opened(self.options.opening_balance)
        self._states[event.account] = evolve(state, event)

    # -- replication -------------------------------------------------------------------------

    @handles(Ship)
    def on_ship(self, msg: Ship, sender: Location) -> Generator[Wait, Any, None] | None:
        """Take the home's entries; answer when they are durable here."""
        if not self.ready or self.is_home:
            return None
        return self._follow(msg, sender)

    def _follow(self, ship: Ship, sender: Location) -> Generator[Wait, Any, None]:
        answer = ship.entries or not self._inbound.is_expected(ship)
        for entry in self._inbound.take(ship):
            self._append(entry, self.log.version(entry.event.account))
            self._evolve(entry)
        if answer and (yield from self.log.durable_at(self._inbound.received)):
            self._acknowledge(sender)

    def _acknowledge(self, home: Location) -> None:
        self.ctx.send(
            home,
            ShipAck(
                receiver=self.options.region,
                shard=self.options.shard,
                epoch=self.epoch,
                session=self.session,
                upto=self.log.durable,
            ),
        )

    @handles(ShipAck)
    def on_ship_ack(self, msg: ShipAck, sender: Location) -> None:
        """Note what a copy has, and release the answers that waited for it."""
        if not (self.ready and self.is_home) or msg.epoch != self.epoch:
            return
        out = self._outbound.get(msg.receiver)
        if out is not None and out.acknowledged(msg.session, msg.upto) and self._commit_regions > 1:
            self._commit()

    def _on_durable(self) -> None:
        if not self.ready:
            return
        self._note_applied()
        for out in self._outbound.values():
            out.push()
        if self._commit_regions > 1 and self.is_home:
            self._commit()

    def _note_applied(self) -> None:
        """Tell how far this copy is, and of which reign (`models.ordinals`)."""
        self.ctx.note("applied", pack_ordinal(self.epoch, self.log.durable))

    def _commit(self) -> None:
        """Advance to the entries that enough regions hold; who waited for them goes on."""
        holders = [self.log.durable, *(out.acked or 0 for out in self._outbound.values())]
        holders.sort(reverse=True)
        self.committed = max(self.committed, holders[self._commit_regions - 1])
        released = []
        while self._waiting and self._waiting[0][0] <= self.committed:
            released.append(heappop(self._waiting)[2])
        # Resolved last, since each resumes its task at once.
        for wait in released:
            wait.resolve()
