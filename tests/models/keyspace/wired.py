"""Groups of a placed store on one clock: members, servers and a master that hear each other unless they are cut."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from models.domains.bank_account import BankAccount
from models.keyspace.directory import Source
from models.keyspace.keys import KEY_END
from models.keyspace.server import SERVER, member_name
from models.keyspace.shard import PlacedShard
from models.keyspace.words import Have, Hold
from models.store.options import LogPolicy, MemberOptions
from models.store.schemes import Scheme, Tier
from sim.host import Wait
from sim.testing import FakeContext
from sim.topology import Location, at_service, pack_location
from tests.models.shards import OPENING, deposit

LOCAL = Scheme(name="local-persist", tier=Tier.DEVICE)
HALF = KEY_END // 2
WHOLE_LOG = LogPolicy()


def host(number: int) -> Location:
    return pack_location(1, 1, number + 1)


def locate(group: int, number: int) -> Location:
    return at_service(host(number), member_name(group) if group else SERVER)


def point(tenant: int, aggregate: int) -> int:
    """Aggregates below 100 in the first half of the line, the others in the second."""
    return aggregate if aggregate < 100 else HALF + aggregate


class Wired:
    """Services by location on one clock; a message takes half a millisecond, and is lost where a pair of hosts is cut.

    Attributes:
        ctx: By location, the context of a service's present life.
        service: By location, the service; absent while it is down.
        cuts: Directed pairs of hosts.
        at_point: Called with location and crash point whenever one is passed.
    """

    def __init__(self) -> None:
        self.clock = FakeContext()
        self.ctx: dict[Location, FakeContext] = {}
        self.service: dict[Location, Any] = {}
        self.make: dict[Location, Callable[[Any], Any]] = {}
        self.cuts: set[tuple[Location, Location]] = set()
        self.at_point: Callable[[Location, str], None] = lambda where, name: None

    def run(self, ms: float) -> None:
        self.clock.advance(round(ms * 1_000))

    def place(self, where: Location, make: Callable[[Any], Any]) -> None:
        self.make[where] = make
        self.ctx[where] = FakeContext(where, beside=self.clock, seed=len(self.ctx))
        self.start(where)

    def start(self, where: Location) -> None:
        ctx = self.ctx[where]
        ctx.send = partial(self._send, ctx)  # type: ignore[method-assign]
        ctx.call = partial(self._call, ctx)  # type: ignore[method-assign]
        ctx.point = lambda name: self._passed(ctx, name)  # type: ignore[method-assign]
        self.service[where] = self.make[where](ctx)
        ctx.start(self.service[where])

    def crash(self, where: Location, how: str = "power_loss") -> None:
        """End a life; the next begins in a millisecond."""
        self.service.pop(where, None)
        self.ctx[where] = getattr(self.ctx[where], how)()
        self.clock._env.call_later(1_000, self.start, where)

    def cut(self, one: int, other: int) -> None:
        self.cuts |= {(host(one), host(other)), (host(other), host(one))}

    def ask(self, where: Location, message: Any, ms: float = 20) -> Any:
        """What a service answers within so many milliseconds, None for nothing."""
        reply = self.ctx[where].deliver(self.service[where], message, host(90))
        self.run(ms)
        return reply.value

    def _passed(self, ctx: FakeContext, name: str) -> None:
        if ctx._alive:
            ctx.points.append(name)
            self.at_point(ctx.location, name)

    def _heard(self, source: Location, to: Location) -> bool:
        return (Location((int(source) >> 64) << 64), Location((int(to) >> 64) << 64)) not in self.cuts

    def _later(self, source: Location, to: Location, fn: Any) -> None:
        if self._heard(source, to):
            self.clock._env.call_later(500, fn)

    def _deliver(self, source: Location, to: Location, msg: Any) -> Wait | None:
        service = self.service.get(to)
        return None if service is None else self.ctx[to].deliver(service, msg, source)

    def _send(self, ctx: FakeContext, to: Location, msg: Any) -> None:
        if ctx._alive:
            ctx.sent.append((to, msg))
            self._later(ctx.location, to, lambda: self._deliver(ctx.location, to, msg))

    def _call(self, ctx: FakeContext, to: Location, msg: Any, timeout_us: int) -> Wait:
        wait = Wait()

        def arrive() -> None:
            answer = self._deliver(ctx.location, to, msg)
            there = self.ctx.get(to)
            if answer is not None:
                answer.when_done(lambda value: reply(there, value))

        def reply(there: FakeContext | None, value: Any) -> None:
            if value is not None and there is not None and there._alive:
                self._later(to, ctx.location, lambda: wait.resolve(value))

        if ctx._alive:
            ctx.sent.append((to, msg))
            self._later(ctx.location, to, arrive)
            self.clock._env.call_later(timeout_us, wait.resolve)
        return wait


def _member(options: MemberOptions, ctx: FakeContext) -> PlacedShard:
    return PlacedShard(ctx, options, BankAccount(opening_balance=OPENING), point, locate)


class Groups(Wired):
    """Groups that hand stretches over; member m of a group is on node m."""

    def found(self, group: int, owners: tuple[int, ...], scheme: Scheme = LOCAL, log: LogPolicy = WHOLE_LOG) -> None:
        """A group, whose members know where they stand."""
        for number in owners:
            options = MemberOptions(
                number=number + 1,
                shard=group,
                peers=tuple((one + 1, locate(group, one)) for one in owners if one != number),
                home=owners[0] + 1,
                scheme=scheme,
                forward_timeout_us=200_000,
                log=log,
            )
            self.place(locate(group, number), partial(_member, options))
        self.run(50)

    def shard(self, group: int, number: int) -> PlacedShard:
        found: PlacedShard = self.service[locate(group, number)]
        return found

    def hold(self, group: int, owners: tuple[int, ...], begin: int, end: int, version: int, *sources: Source) -> None:
        """Tell all members of a group what to hold, as their servers would again and again."""
        message = Hold(version=version, begin=begin, end=end, owners=owners, sources=sources)
        for number in owners:
            where = locate(group, number)
            if where in self.service:
                self.ctx[where].deliver(self.service[where], message, host(90))

    def settle(self, group: int, owners: tuple[int, ...], begin: int, end: int, version: int, *sources: Source) -> bool:
        """The same until the leader has all of it; whether it has within five seconds."""
        for _ in range(50):
            self.hold(group, owners, begin, end, version, *sources)
            self.run(100)
            where = locate(group, owners[0])
            message = Hold(version=version, begin=begin, end=end, owners=owners, sources=sources)
            have = self.ask(where, message, 1) if where in self.service else None
            if isinstance(have, Have) and have.complete and have.leads:
                return True
        return False

    def submit(self, group: int, number: int, command_id: int, aggregate: int = 0) -> Any:
        return self.ask(locate(group, number), deposit(command_id, aggregate=aggregate))
