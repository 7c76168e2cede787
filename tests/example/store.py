"""The README's example: a store of registers with a bug, and its mending, which is one option."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from experiments.evidence import Evidence
from models.clients import Workload
from models.driver import Ask, Reply, drivers
from models.system import Site, System
from sim.checkers import Outcome, Verdict
from sim.history import Kind
from sim.host import Context, Placement, Service, Wait, handles
from sim.storage import TORN
from sim.topology import Location, at_service


class Store(Service):
    """Registers by key, with a log from which they are read again after a crash.

    Args:
        ctx: Its host.
        flush_first: Whether an answer waits until the device holds what it tells of.
    """

    def __init__(self, ctx: Context, flush_first: bool) -> None:
        super().__init__(ctx)
        self.flush_first = flush_first
        self.cells: dict[int, tuple[int, Any]] = {}

    def start(self) -> None:
        """Read the log."""
        for record in self.ctx.disk.read("log"):
            if record is not TORN:
                key, version, value = record
                self.cells[key] = (version, value)

    @handles(Ask)
    def on_ask(self, msg: Ask, sender: Location) -> Generator[Wait, Any, Reply]:
        """Read or write a register."""
        version, value = self.cells.get(msg.key, (0, None))
        if msg.f == "write":
            version, value = version + 1, msg.value
            self.ctx.disk.append("log", (msg.key, version, value))
            self.cells[msg.key] = (version, value)
        if self.flush_first:
            yield self.ctx.disk.flush("log")
        return Reply(op=msg.op, value=value, version=version)


def store(site: Site, workload: Workload, *, flush_first: bool = False) -> System:
    """One store on the first server, and clients everywhere that read and write."""
    host = site.topology.hosts[0].location
    placed = Placement(host=host, name="store", make=lambda ctx: Store(ctx, flush_first), kind=Store)
    clients = drivers(site.topology, workload, "register", [at_service(host, "store")])
    return System(placements=(placed, *clients), records="register")


def versions_grow(seen: Evidence) -> Verdict:
    """No answer about a key has a lower version than one that came before it was asked for."""
    newest: dict[object, tuple[int, int]] = {}
    asked: dict[int, tuple[int, int]] = {}
    for row in seen.history:
        if row.kind is Kind.INVOKE:
            asked[row.op] = newest.get(row.key, (0, 0))
        elif row.kind is Kind.OK and row.version is not None:
            version, op = asked[row.op]
            if row.version < version:
                return Verdict(Outcome.INVALID, (op, row.op), f"version {version}, then version {row.version}")
            newest[row.key] = max(newest.get(row.key, (0, 0)), (row.version, row.op))
    return Verdict(Outcome.VALID)
