"""Clients of small systems: operations drawn from a mix, in sessions, and an audit at rest.

Where the bank's clients speak of accounts, these speak of registers, counters, locks, sets,
queues and logs, in the vocabulary of the sequential specifications that judge them. Arrivals
are open loop and every operation is drawn before any answer is known, so leaving some out
(`Workload.only`) leaves the others as they were. An operation belongs to one of a few sessions
and waits until its session is free: a session is sequential, as its guarantees demand.

The audit comes after the load: each client reads every key at every replica of its region, in
a session named `audit/<number of the replica>`, so that checkers can tell what is readable where.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final, NamedTuple

from models.addressing import PROBE, Scope, message_type_id
from models.clients import Workload, zipf_weights
from sim.history import Kind, Operation
from sim.host import Context, Placement, Service, Wait
from sim.message import Message
from sim.topology import Location, Topology

__all__ = ["AUDIT", "MIXES", "Ask", "Driver", "DriverOptions", "Reply", "drivers"]

#: Sessions whose name begins so read everything at rest.
AUDIT: Final = "audit/"
#: Argument or answer of an operation.
Plain = int | str | tuple[int, ...] | None

_AUDIT_PAUSE_US: Final = 250_000
_AUDIT_ATTEMPTS: Final = 20
#: Audits are numbered from here, out of the way of the load.
_AUDIT_FIRST: Final = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Message):
    """An operation, to a replica.

    Attributes:
        op: Its id; a repeated attempt has the same.
        f: What is asked.
        key: On what.
        value: Argument.
        client: Which session of which client asks, for those who must know (a lock's holder).
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PROBE, 1, command=True)
    op: int
    f: str
    key: int
    value: Plain = None
    client: str = ""

    def wire_bytes(self) -> int:
        """A header and a few numbers."""
        return 104


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Message):
    """The answer: done, or surely not done and never to be (`ok` is False).

    Attributes:
        op: The operation's id.
        ok: Whether it took place.
        value: What it found, or why it did not take place.
        version: Version of the key that the answer speaks of.
    """

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PROBE, 2)
    op: int
    ok: bool = True
    value: Plain = None
    version: int | None = None


class Drawn(NamedTuple):
    """One operation of the load, before anybody asked."""

    op: int
    session: int
    f: str
    key: int
    value: Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What is asked of one kind of object.

    Attributes:
        shares: By what is asked, its share; they sum to 1.
        small: Whether arguments come from 0 to 4, so that compare-and-set can succeed; else each is
            given once.
        audited: What reads a whole object; "" if nothing does.
    """

    shares: Mapping[str, float]
    small: bool = False
    audited: str = "read"

    def chosen(self, chance: float) -> str:
        """What is asked where a number in [0, 1) says `chance`."""
        for f, share in self.shares.items():
            chance -= share
            if chance < 0:
                return f
        return f


#: By sequential specification, what its clients ask for.
MIXES: Final[Mapping[str, Mix]] = MappingProxyType(
    {
        "register": Mix(shares=MappingProxyType({"read": 0.5, "write": 0.5})),
        "cas-register": Mix(shares=MappingProxyType({"read": 0.4, "write": 0.3, "cas": 0.3}), small=True),
        "mutex": Mix(shares=MappingProxyType({"acquire": 0.5, "release": 0.5}), audited=""),
        "counter": Mix(shares=MappingProxyType({"add": 0.6, "read": 0.4})),
        "set": Mix(shares=MappingProxyType({"add": 0.6, "read": 0.4})),
        "queue": Mix(shares=MappingProxyType({"enqueue": 0.5, "dequeue": 0.5}), audited=""),
        "append-log": Mix(shares=MappingProxyType({"append": 0.6, "read": 0.4})),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverOptions:
    """How the clients of one host ask.

    Attributes:
        specification: A key of `MIXES`.
        replicas: Whom they may ask, of all regions.
        near: Of these, by number, those of the client's own region: it asks the first of them if it
            is sticky, and audits each.
        roaming: Whether each operation goes to any replica at random.
        retries: Whether an attempt without answer, or refused, is repeated with the same id until the deadline.
        deletes: Which part of the writes delete, that is, write nothing.
        sessions: How many operations may be under way at once.
        share: Part of the whole load's rate.
        first_id: Operation ids count up from here.
        first_value: Arguments that are given once count up from here.
    """

    specification: str
    replicas: tuple[Location, ...]
    near: tuple[int, ...]
    roaming: bool = False
    retries: bool = False
    deletes: float = 0.0
    sessions: int = 3
    share: float = 1.0
    first_id: int = 1
    first_value: int = 1


class Driver(Service):
    """All users of one client host.

    Args:
        ctx: Its host.
        workload: Rate, keys (`accounts`), deadlines; amounts and balances are not used.
        options: How they ask.
    """

    def __init__(self, ctx: Context, workload: Workload, options: DriverOptions) -> None:
        super().__init__(ctx)
        self._workload = workload
        self._options = options
        self._mix = MIXES[options.specification]
        self._draws = ctx.rng("arrivals")
        self._keys = tuple(zipf_weights(workload.accounts, workload.zipf_exponent))
        self._gap_us = 1_000_000 / (workload.rate_per_s * options.share)
        self._due_us = float(workload.begins_us)
        self._count = 0
        self._waiting: tuple[deque[Drawn], ...] = tuple(deque() for _ in range(options.sessions))
        self._busy = [False] * options.sessions

    def start(self) -> None:
        """Schedule the first arrival and the audit; a host that restarts later stays idle."""
        now_us = self.ctx.mono_us()
        if now_us <= self._workload.begins_us:
            self._schedule()
        audit_us = self._workload.audit_us
        if audit_us is not None and now_us <= audit_us and self._mix.audited:
            self.ctx.set_timer(audit_us - now_us, self._audit)

    # -- the load --------------------------------------------------------------------------

    def _schedule(self) -> None:
        self._due_us += self._draws.exponential(self._gap_us)
        due_us = round(self._due_us)
        if due_us < self._workload.ends_us:
            self.ctx.set_timer(max(0, due_us - self.ctx.mono_us()), self._arrive)

    def _arrive(self) -> Generator[Wait, Any, None] | None:
        drawn = self._draw()
        self._schedule()
        if not self._workload.issues(drawn.op):
            return None
        self._waiting[drawn.session].append(drawn)
        return None if self._busy[drawn.session] else self._session(drawn.session)

    def _draw(self) -> Drawn:
        """The next operation; the same draws whichever it is, to keep the sequence in step."""
        draws, options = self._draws, self._options
        chance, key, session = draws.random(), draws.pick(self._keys), draws.below(options.sessions)
        old, new = draws.below(5), draws.below(5)
        count, self._count = self._count, self._count + 1
        f = self._mix.chosen(chance)
        value: Plain = new if self._mix.small else options.first_value + count
        if f == "cas":
            value = (old, new)
        elif options.specification == "counter":
            value = 1 + new
        if f in ("read", "dequeue", "acquire", "release") or (f == "write" and self._deletes(count)):
            value = None
        return Drawn(options.first_id + count, session, f, key, value)

    def _deletes(self, count: int) -> bool:
        """Whether an operation, if it writes, writes nothing; from its number, so that it takes no draw."""
        share = self._options.deletes
        return share > 0 and _scattered(count + 1, 1_000_000) < share * 1_000_000

    def _session(self, number: int) -> Generator[Wait, Any, None]:
        """Carry out what waits in one session, one after the other."""
        self._busy[number] = True
        waiting = self._waiting[number]
        while waiting:
            yield from self._operate(waiting.popleft())
        self._busy[number] = False

    def _operate(self, drawn: Drawn) -> Generator[Wait, Any, None]:
        ctx, workload, options = self.ctx, self._workload, self._options
        replica = options.near[0]
        if options.roaming:
            # From the operation's number, not from a sequence: operations that are left out take no draw.
            replica = _scattered(drawn.op, len(options.replicas))
        name = f"s{drawn.session}"
        self._record(drawn, Kind.INVOKE, drawn.value, None, name)
        deadline_us = ctx.mono_us() + workload.deadline_us
        ask = Ask(op=drawn.op, f=drawn.f, key=drawn.key, value=drawn.value, client=f"{options.first_id >> 40}/{name}")
        backoff_us, unanswered, reason = workload.backoff_us, False, None
        while (left_us := deadline_us - ctx.mono_us()) > 0:
            reply = yield ctx.call(options.replicas[replica], ask, min(workload.attempt_timeout_us, left_us))
            if isinstance(reply, Reply) and reply.ok:
                self._record(drawn, Kind.OK, reply.value, reply.version, name)
                return
            if isinstance(reply, Reply):
                reason = reply.value
            else:
                unanswered = True
            if not options.retries:
                break
            if (left_us := deadline_us - ctx.mono_us()) > 0:
                yield ctx.sleep(min(backoff_us, left_us))
                backoff_us *= 2
        self._record(drawn, Kind.INFO if unanswered else Kind.FAIL, reason, None, name)

    # -- the audit -------------------------------------------------------------------------

    def _audit(self) -> Generator[Wait, Any, None]:
        """Read every key at every near replica, patiently."""
        options = self._options
        count = 0
        for number in options.near:
            for key in range(self._workload.accounts):
                drawn = Drawn(options.first_id + _AUDIT_FIRST + count, 0, self._mix.audited, key, None)
                count += 1
                if self._workload.issues(drawn.op):
                    yield from self._look(drawn, number)

    def _look(self, drawn: Drawn, number: int) -> Generator[Wait, Any, None]:
        name = f"{AUDIT}{number}"
        self._record(drawn, Kind.INVOKE, None, None, name)
        ask = Ask(op=drawn.op, f=drawn.f, key=drawn.key, client=name)
        for _ in range(_AUDIT_ATTEMPTS):
            reply = yield self.ctx.call(self._options.replicas[number], ask, self._workload.attempt_timeout_us)
            if isinstance(reply, Reply) and reply.ok:
                self._record(drawn, Kind.OK, reply.value, reply.version, name)
                return
            yield self.ctx.sleep(_AUDIT_PAUSE_US)
        self._record(drawn, Kind.INFO, None, None, name)

    def _record(self, drawn: Drawn, kind: Kind, value: Plain, version: int | None, session: str) -> None:
        self.ctx.record(Operation(drawn.op, kind, drawn.f, drawn.key, value, version, session))


def drivers(
    topology: Topology,
    workload: Workload,
    specification: str,
    replicas: Sequence[Location],
    *,
    roaming: bool = False,
    retries: bool = False,
    sessions: int = 3,
) -> tuple[Placement, ...]:
    """A driver on every client host, the load shared equally.

    Args:
        topology: Where clients are.
        workload: What all of them together do.
        specification: A key of `MIXES`.
        replicas: Whom they may ask; in a region without any, clients ask the first.
        roaming: As in `DriverOptions`.
        retries: As in `DriverOptions`.
        sessions: As in `DriverOptions`.

    Raises:
        ValueError: no mix of this name, or nobody to ask.
    """
    if specification not in MIXES:
        raise ValueError(f"{specification=} is no mix; choose one of {', '.join(MIXES)}")
    if not replicas:
        raise ValueError(f"{replicas=}: there is nobody to ask; name at least one replica")
    clients = [host for region in topology.regions for host in topology.clients(region)]
    regions = [topology.hosts[topology.index_of(replica)].region for replica in replicas]
    placed = []
    for index, host in enumerate(clients):
        near = tuple(number for number, region in enumerate(regions) if region == host.region) or (0,)
        options = DriverOptions(
            specification=specification,
            replicas=tuple(replicas),
            near=near,
            roaming=roaming,
            retries=retries,
            sessions=sessions,
            share=1 / len(clients),
            first_id=(index + 1) << 40 | 1,
            first_value=(index + 1) * 100_000 + 1,
        )
        placed.append(Placement(host=host.location, name="client", make=_maker(workload, options), kind=Driver))
    return tuple(placed)


def _maker(workload: Workload, options: DriverOptions) -> Any:
    return lambda ctx: Driver(ctx, workload, options)


def _scattered(number: int, below: int) -> int:
    """A whole number below `below` that looks random, the same for the same number."""
    return (number * 0x9E3779B97F4A7C15 >> 32 & 0xFFFFFFFF) * below >> 32
