"""Members of shards, each in a context of its own: alone before a test that plays the others, or joined."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from models.domains.bank_account import BankAccount, Deposit, Deposited, Withdraw
from models.store.group.aside import Reconciled, aside_key
from models.store.group.lineage import Reign
from models.store.group.wire import Ship
from models.store.group.words import Head, HeadQuery, Promote
from models.store.log.entries import Entry
from models.store.options import MemberOptions
from models.store.requests import EXPECT_ANY, Append, ReadStream, StreamSlice, Submit
from models.store.schemes import Scheme, Tier
from models.store.shard import Shard
from sim.host import Wait
from sim.testing import FakeContext
from sim.topology import Location, at_service, pack_location

OPENING = 100
#: Answered when the leader has flushed, shipped behind the answer.
BEHIND = Scheme(name="delayed-ship", tier=Tier.DEVICE, ship_every_us=0)
#: The only reign so far, of region 1.
FOUNDING = (Reign(1, 1, 0),)
LOCAL = Scheme(name="local-persist", tier=Tier.DEVICE)
QUORUM = Scheme(name="multi-persist", tier=Tier.DEVICE, holders=2, copies=3)
ALL = Scheme(name="multi-persist", tier=Tier.DEVICE, holders=3)
MEMORY = Scheme(name="multi-mem", tier=Tier.HEAP, holders=2, copies=3)
PAGES = Scheme(name="multi-persist-periodic", tier=Tier.PAGE_CACHE, holders=2, copies=3, flush_every_us=300_000)
SCHEMES = (LOCAL, QUORUM, ALL, MEMORY, PAGES)


def at(region: int, name: str = "store") -> Location:
    return at_service(pack_location(region, 1, 1), name)


def options(region: int, *, members: int = 3, **more: Any) -> MemberOptions:
    peers = tuple((r, at(r)) for r in range(1, members + 1) if r != region)
    return MemberOptions(
        **(
            {"number": region, "shard": 0, "peers": peers, "home": 1, "forward_timeout_us": 1_000_000, "scheme": BEHIND}
            | more
        )
    )


def ids(entries: Any) -> list[int]:
    return [entry.event_id for entry in entries]


# -- one member, before a test that plays the others ---------------------------------------------------


def started(ctx: FakeContext, region: int = 1, **more: Any) -> tuple[FakeContext, Shard]:
    """The shard of a region at the first instant of a life."""
    shard = Shard(ctx, options(region, **more), BankAccount(opening_balance=OPENING))
    ctx.start(shard)
    return ctx, shard


def shard_of_region(region: int, ctx: FakeContext | None = None, **more: Any) -> tuple[FakeContext, Shard]:
    """The same once it knows where it stands; the others, where it asks them, know nothing."""
    ctx, shard = started(ctx or FakeContext(at(region)), region, **more)
    for _ in range(20):
        ctx.advance(1_000)
        answer_heads(ctx)
    assert shard.ready
    ctx.sent.clear()
    return ctx, shard


def answer_heads(ctx: FakeContext, *, promise: bool = False) -> None:
    """Answer all that ask for heads: nobody has anything, nor promises anything unless told to."""
    for call in [call for call in ctx.calls if isinstance(call[1], HeadQuery)]:
        promised = call[1].epoch if promise else 0
        call[2].resolve(Head(number=0, promised=promised, reigns=(), length=0, whole=False))
        ctx.calls.remove(call)


def submit(ctx: FakeContext, shard: Shard, command_id: int, **more: Any) -> Any:
    """What a deposit of 1 is answered within 5 ms."""
    reply = ctx.deliver(shard, deposit(command_id, **more))
    ctx.advance(5_000)
    return reply.value


def deposit(command_id: int, *, aggregate: int = 0, amount: int = 1, tenant: int = 0) -> Submit:
    return Submit(command_id=command_id, aggregate=aggregate, command=Deposit(amount=amount), tenant=tenant)


def withdraw(command_id: int, *, aggregate: int = 0, amount: int = 1, tenant: int = 0) -> Submit:
    return Submit(command_id=command_id, aggregate=aggregate, command=Withdraw(amount=amount), tenant=tenant)


def batch(shard: Shard, *, reigns: tuple[Reign, ...] | None = None, first: int = 1, **more: Any) -> Ship:
    """What that shard would ship from its log."""
    fields: dict[str, Any] = {
        "source": shard.options.number,
        "shard": 0,
        "reigns": reigns or shard.reigns,
        "first": first,
        "entries": tuple(shard.journal.after(first - 1)),
        "promise_us": 0,
        "probe": False,
    }
    return Ship(**(fields | more))


def batch_of_reign(shard: Shard, epoch: int, start: int, first: int = 1) -> Ship:
    """What region 2 ships as the home of a reign that begins at `start`, with nothing in it yet."""
    reigns = tuple(reign for reign in shard.reigns if reign.start <= start and reign.epoch < epoch)
    return Ship(
        source=2,
        shard=0,
        reigns=(*reigns, Reign(epoch, 2, start)),
        first=first,
        entries=(),
        promise_us=0,
        probe=True,
    )


def promote(ctx: FakeContext, shard: Shard, epoch: int) -> Any:
    """What a monitor is answered, which does not ask whether others are heard."""
    reply = ctx.deliver(shard, Promote(epoch=epoch, force=True))
    ctx.advance(5_000)
    return reply.value


def reconciled(entry: Entry, *, merged: bool) -> Reconciled:
    key = aside_key(entry)
    return Reconciled(epoch=key.epoch, position=key.position, command_id=key.command_id, merged=merged)


# -- all members of a shard, joined -----------------------------------------------------------------------


class Cluster:
    """Members on one clock, whose messages take half a millisecond and are lost where a pair is cut.

    Attributes:
        ctx: By number, the context of a member's present life; kept while it is down.
        shard: By number, the member itself; absent while it is down.
        beside: By location, services that are no members, such as an archive, as (context, service).
        cuts: Directed pairs of locations that do not reach each other.
        sent: Every message that left, as (from, to, message).
    """

    def __init__(
        self, members: int = 3, *, domain: Any = None, flush_us: int = 1_000, start: bool = True, **more: Any
    ) -> None:
        self.domain = domain or BankAccount(opening_balance=OPENING)
        self.options = {number: options(number, members=members, **more) for number in range(1, members + 1)}
        self.clock = FakeContext(at(99))
        self.ctx: dict[int, FakeContext] = {}
        self.shard: dict[int, Shard] = {}
        self.beside: dict[Location, tuple[FakeContext, Any]] = {}
        self.cuts: set[tuple[Location, Location]] = set()
        self.sent: list[tuple[Location, Location, Any]] = []
        self.numbers = tuple(self.options)
        for number in self.numbers:
            self.ctx[number] = FakeContext(at(number), flush_us=flush_us, seed=number, beside=self.clock)
            if start:
                self.start(number)
        if start:
            self.run(50)

    # -- what a test does ----------------------------------------------------------------------

    def run(self, ms: float) -> None:
        """Let so many milliseconds pass."""
        self.clock.advance(round(ms * 1_000))

    def start(self, number: int, **changes: Any) -> None:
        """Let a member's next life begin, with changed options if any."""
        ctx = self.ctx[number]
        self.options[number] = replace(self.options[number], **changes)
        self._wire(ctx)
        self.shard[number] = Shard(ctx, self.options[number], self.domain)
        ctx.start(self.shard[number])

    def stop(self, number: int, how: str = "process_crash", **params: Any) -> None:
        """End a member's life."""
        self.shard.pop(number, None)
        self.ctx[number] = getattr(self.ctx[number], how)(**params)

    def crash(self, number: int, how: str = "process_crash", **params: Any) -> None:
        """End a member's life, and let the next begin at once."""
        self.stop(number, how, **params)
        self.start(number)

    def add(self, name: str, make: Any, *arguments: Any) -> Location:
        """A service that is no member; returns its location."""
        where = at(50 + len(self.beside), name)
        ctx = FakeContext(where, seed=50, beside=self.clock)
        self._wire(ctx)
        service = make(ctx, *arguments)
        self.beside[where] = (ctx, service)
        ctx.start(service)
        return where

    def service(self, where: Location) -> Any:
        return self.beside[where][1]

    def isolate(self, *numbers: int) -> None:
        """Cut members off from all others, one another included."""
        for one in numbers:
            for other in (*self.numbers, *self.beside):
                where = at(other) if other in self.numbers else other
                self.cuts |= {(at(one), where), (where, at(one))}

    def cut(self, a: int, b: int) -> None:
        self.cuts |= {(at(a), at(b)), (at(b), at(a))}

    def heal(self) -> None:
        self.cuts.clear()

    def ask(self, number: int, message: Any, ms: float = 20) -> Any:
        """What a member answers within so many milliseconds, None for nothing."""
        reply = self.send(number, message)
        self.run(ms)
        return reply.value

    def send(self, number: int, message: Any) -> Wait:
        return self.ctx[number].deliver(self.shard[number], message, at(98))

    def submit(self, number: int, command_id: int, ms: float = 20, **more: Any) -> Any:
        return self.ask(number, deposit(command_id, **more), ms)

    def leader(self) -> int:
        (found,) = [number for number, shard in self.shard.items() if shard.leads]
        return found

    def log(self, number: int) -> list[int]:
        return ids(self.shard[number].journal.entries)

    # -- the wires -------------------------------------------------------------------------------

    def _wire(self, ctx: FakeContext) -> None:
        ctx.send = partial(self._send, ctx)  # type: ignore[method-assign]
        ctx.call = partial(self._call, ctx)  # type: ignore[method-assign]

    def _later(self, source: Location, to: Location, fn: Any) -> None:
        if (source, to) not in self.cuts:
            self.clock._env.call_later(500, fn)

    def _deliver(self, source: Location, to: Location, msg: Any) -> tuple[FakeContext, Wait] | None:
        for number, shard in self.shard.items():
            if to == at(number):
                return self.ctx[number], self.ctx[number].deliver(shard, msg, source)
        if to in self.beside:
            ctx, service = self.beside[to]
            return ctx, ctx.deliver(service, msg, source)
        return None

    def _send(self, ctx: FakeContext, to: Location, msg: Any) -> None:
        if ctx._alive:
            self.sent.append((ctx.location, to, msg))
            self._later(ctx.location, to, lambda: self._deliver(ctx.location, to, msg))

    def _call(self, ctx: FakeContext, to: Location, msg: Any, timeout_us: int) -> Wait:
        wait = Wait()

        def reply(there: FakeContext, value: Any) -> None:
            if value is not None and there._alive:
                self._later(to, ctx.location, lambda: wait.resolve(value))

        def arrive() -> None:
            found = self._deliver(ctx.location, to, msg)
            if found is not None:
                there, answer = found
                answer.when_done(lambda value: reply(there, value))

        if ctx._alive:
            self.sent.append((ctx.location, to, msg))
            self._later(ctx.location, to, arrive)
            self.clock._env.call_later(timeout_us, wait.resolve)
        return wait


def cluster_of(scheme: Scheme = LOCAL, **more: Any) -> Cluster:
    return Cluster(members=scheme.members, scheme=scheme, **more)


def append(event_id: int, expected: int = EXPECT_ANY, *, amount: int = 1, aggregate: int = 0, **more: Any) -> Append:
    return Append(
        **(
            {"event_id": event_id, "aggregate": aggregate, "expected": expected, "event": Deposited(amount=amount)}
            | more
        )
    )


def read(cluster: Cluster, aggregate: int = 0, **more: Any) -> StreamSlice:
    found = cluster.ask(1, ReadStream(aggregate=aggregate, **more))
    assert isinstance(found, StreamSlice)
    return found
