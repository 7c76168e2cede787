"""A follower's acknowledgements: what arrives while it flushes is owed one of its own."""

from __future__ import annotations

from models.clients import Workload
from models.stores import store
from models.system import Site
from sim.history import Kind
from sim.host import HostOptions
from sim.latency import public_cloud
from sim.topology import grid
from sim.world import World

SECOND = 1_000_000


def test_entries_that_arrive_during_a_flush_are_acknowledged_after_the_next():
    topology = grid(("us-east-1",), clusters=1, hosts=3, cores=2)
    workload = Workload(rate_per_s=150, ends_us=4 * SECOND, accounts=50)
    system = store(Site(topology), workload, scheme="multi-persist:3/3", heartbeat_us=200_000)
    world = World(topology=topology, latency=public_cloud(), hosts=HostOptions(), seed=1)
    for placement in system.placements:
        world.place(placement)
    world.run(6 * SECOND)
    took = [
        ending.t_us - beginning.t_us
        for beginning, ending in world.history.pairs()
        if ending is not None and ending.kind is Kind.OK and beginning.t_us > SECOND
    ]
    # Three waits for a flush of at most 3 ms, at the leader and at a follower; a heartbeat comes only every 200 ms.
    assert len(took) > 200
    assert max(took) < 20_000
