"""Members of a Raft group on fake hosts: alone while a test plays the others, or three with a small post office."""

from __future__ import annotations

from typing import Any

from models.addressing import mint
from models.detection import Plan
from models.domains.bank_account import BankAccount, Deposit, Deposited
from models.raft.membership import Elected
from models.raft.options import RaftOptions
from models.raft.plan import RaftPlan, Reads
from models.raft.shard import RaftShard
from models.store.log.entries import OWN, Entry, tip_after
from models.store.options import MemberOptions
from models.store.requests import Submit
from models.store.schemes import Scheme, Tier
from sim.host import Wait
from sim.message import Message
from sim.testing import FakeContext
from sim.topology import Location, at_service, pack_location

ELECTION_US, BEAT_US = 100_000, 20_000
RAFT = Scheme(name="raft", tier=Tier.DEVICE, holders=2, copies=3)


def at(number: int) -> Location:
    return at_service(pack_location(number, 1, 1), "store")


def shard(
    ctx: FakeContext, number: int, *, reads: Reads = Reads.INDEX, detector: Plan | None = None, **more: Any
) -> RaftShard:
    peers = tuple((other, at(other)) for other in (1, 2, 3) if other != number)
    options = MemberOptions(number=number, shard=0, peers=peers, home=1, scheme=RAFT, **more)
    patience = RaftOptions(election_us=ELECTION_US, heartbeat_us=BEAT_US, retry_us=30_000, lease=reads is Reads.LEASE)
    plan = RaftPlan(
        founders=(1, 2, 3),
        raft=patience,
        reads=reads,
        rejoin_us=20_000,
        hand_over_us=200_000,
        detector=detector,
    )
    return RaftShard(ctx, options, BankAccount(opening_balance=100), plan=plan)


def alone(number: int = 1, ctx: FakeContext | None = None, **more: Any) -> tuple[FakeContext, RaftShard]:
    """A member that has recovered, by itself."""
    ctx = ctx or FakeContext(at(number))
    made = shard(ctx, number, **more)
    ctx.start(made)
    ctx.advance(5_000)
    return ctx, made


def deposit(command_id: int, amount: int = 10, account: int = 7) -> Submit:
    return Submit(command_id=command_id, aggregate=account, command=Deposit(amount=amount))


def said(ctx: FakeContext, kind: type[Message]) -> list[Any]:
    """What was sent of a kind since the last time, taken out."""
    found = [message for _, message in ctx.sent if isinstance(message, kind)]
    ctx.sent.clear()
    return found


def elected(position: int, term: int, leader: int, version: int) -> Entry:
    event = Elected(leader=leader, term=term, start=position - 1)
    return Entry(0, leader, position, term, OWN, mint(0, 0, version), 0, 0, event, None, 0)


def deposited(position: int, term: int, command_id: int) -> Entry:
    event = Deposited(amount=10)
    tip = tip_after(0, 1, command_id, event)
    return Entry(0, 2, position, term, 0, mint(0, 7, 1), command_id, 0, event, 110, tip)


class Trio:
    """Three members and the post between them; each message takes a millisecond."""

    def __init__(self, **more: Any) -> None:
        first = FakeContext(at(1))
        self.more = more
        self.ctxs = {1: first, 2: FakeContext(at(2), beside=first), 3: FakeContext(at(3), beside=first)}
        self.cut: set[int] = set()
        self.shards: dict[int, RaftShard] = {}
        for number in self.ctxs:
            self.begin(number)

    def begin(self, number: int) -> None:
        """A life of a member."""
        self.shards[number] = shard(self.ctxs[number], number, **self.more)
        self.ctxs[number].start(self.shards[number])

    def pass_time(self, ms: int) -> None:
        for _ in range(ms):
            self.ctxs[1].advance(1_000)
            for number, ctx in self.ctxs.items():
                posted, ctx.sent = ctx.sent, []
                calls, ctx.calls = ctx.calls, []
                for to, message in posted:
                    asked = next((wait for _, one, wait in calls if one is message), None)
                    self._carry(number, to, message, asked)

    def _carry(self, source: int, to: Location, message: Message, asked: Wait | None) -> None:
        target = next((number for number in self.ctxs if at(number) == to), None)
        if target is None or {source, target} & self.cut:
            return
        done = self.ctxs[target].deliver(self.shards[target], message, at(source))
        if asked is not None:
            done.when_done(asked.resolve)

    def ask(self, number: int, message: Message) -> Wait:
        return self.ctxs[number].deliver(self.shards[number], message)

    @property
    def leader(self) -> int:
        found = [number for number, one in self.shards.items() if one.leads and number not in self.cut]
        return max(found, key=lambda number: self.shards[number].core.term, default=0)
