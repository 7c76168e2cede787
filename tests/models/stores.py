"""Small worlds with a whole store in them: three regions, a server or two each, some load."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from models import EventKind, Ledger, Site, Status, System, Workload
from sim.faults import Fault
from sim.history import HistoryRow, Kind
from sim.host import HostOptions
from sim.latency import public_cloud
from sim.topology import grid
from sim.world import World

REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
SECOND = 1_000_000
NOTES = ("applied", "stable", "compensated", "divergent", "reconciled", "promoted", "role")


@dataclass
class Run:
    """A finished run and what it left."""

    world: World
    system: System
    ledger: Ledger
    notes: dict[str, list[tuple[int, int, int | str]]] = field(default_factory=dict)

    @property
    def rows(self) -> list[HistoryRow]:
        return self.world.history.rows

    def accepted(self) -> set[int]:
        """Ids of the commands whose client was told yes."""
        return {row.op for row in self.rows if row.kind is Kind.OK}

    def effective(self) -> set[int]:
        """Ids of the commands that stand in the final order with a success, reversed or not."""
        events = (event for events in self.ledger.final.values() for event in events)
        return {e.command_id for e in events if e.kind is not EventKind.DENIED}

    def statuses(self) -> dict[Status, int]:
        """How many events of the final order have each status."""
        counts: dict[Status, int] = defaultdict(int)
        for events in self.ledger.final.values():
            for event in events:
                counts[event.status] += 1
        return dict(counts)

    def regions_agree(self) -> bool:
        """Whether every region sees the same balances."""
        first, *others = self.ledger.balances.values()
        return all(other == first for other in others)


def run_store(
    factory: Any,
    *,
    seed: int = 1,
    faults: tuple[Fault, ...] = (),
    hosts: int = 1,
    rate: float = 30,
    ends_s: int = 12,
    until_s: int = 25,
    accounts: int = 10,
    opening_balance: int = 20_000,
    **options: Any,
) -> Run:
    """Run a design under load until `ends_s`, with faults, and on until `until_s`."""
    topology = grid(REGIONS, clusters=1, hosts=hosts, cores=2)
    workload = Workload(rate_per_s=rate, ends_us=ends_s * SECOND, accounts=accounts, opening_balance=opening_balance)
    system = factory(Site(topology), workload, **options)
    world = World(
        topology=topology,
        latency=public_cloud(jitter=0.05),
        hosts=HostOptions(default_service_us=200),
        seed=seed,
        faults=faults,
    )
    notes: dict[str, list[tuple[int, int, int | str]]] = {name: [] for name in NOTES}
    for name in NOTES:
        world.on_note(name, lambda t, at, value, name=name: notes[name].append((t, at, value)))
    for placement in system.placements:
        world.place(placement)
    world.run(until_s * SECOND)
    world.check_conservation()
    return Run(world, system, system.ledger(world.service), notes)


def fault(kind: str, target: str, at_s: float, for_s: float, **params: Any) -> Fault:
    """A fault at a time, in seconds."""
    return Fault(
        id=f"{kind}-{target}-{at_s}",
        kind=kind,
        targets=(target,),
        at=round(at_s * SECOND),
        for_us=round(for_s * SECOND),
        params=params,
    )
