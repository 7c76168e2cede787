"""A broken register for the hunt: it answers a write before its copies have it, and copies are read as they are."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar

from experiments.evidence import Evidence
from models.addressing import PROBE, Scope, message_type_id
from models.clients import Workload
from models.driver import Ask, Reply, drivers
from models.system import Site, System
from sim.checkers import Outcome, Verdict
from sim.history import Kind
from sim.host import Context, Placement, Service, Wait, handles
from sim.message import Message
from sim.topology import Location, at_service


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Message):
    """What the writer sends to the others."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PROBE, 70, command=True)
    key: int
    version: int
    value: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied(Message):
    """That it has arrived."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, PROBE, 71)


class Register(Service):
    """Registers with one writer, the first replica, and readers everywhere.

    Args:
        ctx: Its host.
        replicas: All of them, the writer first.
        waits: Whether a write is answered only once every copy has it.
        raises: Whether the writer raises where a copy does not answer.
    """

    def __init__(self, ctx: Context, replicas: tuple[Location, ...], waits: bool, raises: bool) -> None:
        super().__init__(ctx)
        self.replicas, self.waits, self.raises = replicas, waits, raises
        self.cells: dict[int, tuple[int, Any]] = {}

    @handles(Ask)
    def on_ask(self, msg: Ask, sender: Location) -> Generator[Wait, Any, Reply]:
        if msg.f == "write" and self.ctx.location != self.replicas[0]:
            answer = yield self.ctx.call(self.replicas[0], msg, 400_000)
            return answer if isinstance(answer, Reply) else Reply(op=msg.op, ok=False, value="no writer")
        version, value = self.cells.get(msg.key, (0, None))
        if msg.f == "write":
            version, value = version + 1, msg.value
            self.cells[msg.key] = (version, value)
            copy = Copy(key=msg.key, version=version, value=value)
            calls = [self.ctx.call(other, copy, 300_000) for other in self.replicas[1:]]
            answers = (yield self.ctx.first(calls, need=len(calls))) if self.waits or self.raises else ()
            silent = any(answer is None for _, answer in answers)
            if self.raises and silent:
                raise RuntimeError(f"no copy of {msg.key}")
            if silent:
                return Reply(op=msg.op, ok=False, value="no copy")
        return Reply(op=msg.op, value=value, version=version)

    @handles(Copy)
    def on_copy(self, msg: Copy, sender: Location) -> Copied:
        self.cells[msg.key] = max(self.cells.get(msg.key, (0, None)), (msg.version, msg.value))
        return Copied()


def register(site: Site, workload: Workload, *, waits: bool = False, raises: bool = False) -> System:
    """A writer in the first region, a copy on every other server."""
    servers = [host.location for host in site.topology.hosts if not host.client]
    replicas = tuple(at_service(server, "register") for server in servers)
    placed = tuple(
        Placement(host=server, name="register", make=lambda ctx: Register(ctx, replicas, waits, raises), kind=Register)
        for server in servers
    )
    return System(placements=(*placed, *drivers(site.topology, workload, "register", replicas)), records="register")


def fresh_reads(seen: Evidence) -> Verdict:
    """No read misses a write that was acknowledged a second before it began."""
    done: list[tuple[int, int, int, int]] = []
    for begin, end in seen.history.pairs():
        if end is None or end.kind is not Kind.OK:
            continue
        missed = [
            op
            for at_us, op, key, version in done
            if key == end.key and at_us < begin.t_us - 1_000_000 and version > (end.version or 0)
        ]
        if end.f == "read" and missed:
            return Verdict(Outcome.INVALID, (missed[-1], end.op), f"operation {end.op} misses {missed[-1]}")
        if end.f == "write":
            done.append((end.t_us, end.op, int(end.key), end.version or 0))
    return Verdict(Outcome.VALID)


def audited_alike(seen: Evidence) -> Verdict:
    """At rest every copy of a key reads the same."""
    read: dict[object, set[object]] = {}
    ops: dict[object, list[int]] = {}
    for row in seen.history:
        if row.session.startswith("audit/") and row.kind is Kind.OK:
            read.setdefault(row.key, set()).add(row.value)
            ops.setdefault(row.key, []).append(row.op)
    for key, values in read.items():
        if len(values) > 1:
            return Verdict(Outcome.INVALID, tuple(ops[key]), f"key {key} reads as {len(values)} values")
    return Verdict(Outcome.VALID)


def core_is_fresh(seen: Evidence, *, core: tuple[str, ...] = ()) -> Verdict:
    """As `fresh_reads`; the core is there to be named."""
    return fresh_reads(seen)
