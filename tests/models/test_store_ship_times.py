"""A scheme that ships behind its answer does so by its own clock, whatever heartbeats and windows are."""

from __future__ import annotations

from itertools import pairwise

from models.clients import Workload
from models.store.group.wire import Ship
from models.stores import store
from models.system import Site
from sim.host import HostOptions
from sim.latency import public_cloud
from sim.topology import grid
from sim.trace import TraceLevel
from sim.world import World

SECOND = 1_000_000


def shipments(scheme: str, rate: float, ends_s: int = 4) -> list[tuple[int, int]]:
    """(instant, number of entries) of what a home sent its peer."""
    topology = grid(("us-east-1", "us-west-2"), clusters=1, hosts=1, cores=2)
    workload = Workload(rate_per_s=rate, ends_us=ends_s * SECOND, accounts=50)
    system = store(Site(topology), workload, scheme=scheme)
    world = World(
        topology=topology,
        latency=public_cloud(),
        hosts=HostOptions(default_service_us=20),
        seed=1,
        trace=TraceLevel.FULL,
    )
    for placement in system.placements:
        world.place(placement)
    world.run((ends_s + 4) * SECOND)
    rows = [row for row in world.trace.rows if row.kind == "send" and isinstance(row.message, Ship)]
    return [(row.t_us, len(row.message.entries)) for row in rows if row.message.entries]


def test_a_period_that_is_no_multiple_of_the_heartbeat_is_kept():
    instants = [t_us for t_us, _ in shipments("delayed-ship@region+250ms", rate=60)]
    gaps = {later - earlier for earlier, later in pairwise(instants)}
    assert len(instants) > 10
    assert gaps == {250_000}


def test_more_than_a_window_in_a_period_goes_on_with_the_acknowledgements():
    # 2,000 entries may be under way; 2 s at 1,700 a second are more.
    sent = shipments("delayed-ship@region+2s", rate=1_700)
    assert sum(entries for t_us, entries in sent if t_us < 3 * SECOND) > 3_000
