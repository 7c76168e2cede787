"""A leader that has forgotten its log comes back to find that another has led since."""

from __future__ import annotations

import pytest

from models.clients import Workload
from models.stores import store
from models.system import Site
from sim.faults import Fault
from sim.history import Kind
from sim.host import HostOptions
from sim.latency import public_cloud
from sim.topology import grid
from sim.world import World

SECOND = 1_000_000


@pytest.mark.parametrize("seed", range(3))
def test_it_writes_nothing_more_in_its_former_reign(seed: int):
    topology = grid(("us-east-1",), clusters=3, hosts=1, cores=2)
    # Between its return and the first word of a member, a round trip later, clients ask the former leader.
    workload = Workload(
        rate_per_s=1_000,
        begins_us=500_000,
        ends_us=3_700_000,
        accounts=30,
        opening_balance=1_000_000,
        deadline_us=200_000,
        attempt_timeout_us=100_000,
    )
    system = store(Site(topology), workload, scheme="multi-mem:2/3@cluster", promote_after_us=500_000)
    dark = Fault(id="dark", kind="power-loss", targets=("us-east-1/c1/h1",), at=650_000, for_us=3 * SECOND)
    world = World(topology=topology, latency=public_cloud(), hosts=HostOptions(), seed=seed, faults=(dark,))
    promoted: list[int] = []
    world.on_note("promoted", lambda t_us, location, value: promoted.append(t_us))
    for placement in system.placements:
        world.place(placement)
    world.run(6 * SECOND)

    assert len(promoted) == 1
    accepted = {row.op for row in world.history.rows if row.kind is Kind.OK}
    assert system.ledger is not None
    ledger = system.ledger(world.service)
    kept = {event.command_id for events in ledger.final.values() for event in events}
    assert accepted - kept == set()
    views = list(ledger.balances.values())
    assert len(views) == 3
    assert views[0] == views[1] == views[2]
