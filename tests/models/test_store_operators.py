"""Operators who have somebody lead: what they learn when that fails."""

from __future__ import annotations

from models.clients import Workload
from models.stores import store
from models.system import Site, System
from sim.faults import Fault
from sim.history import Kind
from sim.host import HostOptions
from sim.latency import public_cloud
from sim.topology import Topology, grid
from sim.world import World

SECOND = 1_000_000


def forced_and_answered(system: System, topology: Topology, fault: Fault, until_s: int) -> tuple[list[int], list[int]]:
    """When somebody was forced to lead, and when commands were answered with yes."""
    world = World(topology=topology, latency=public_cloud(), hosts=HostOptions(), seed=1, faults=(fault,))
    forced: list[int] = []
    world.on_note("forced", lambda t_us, location, value: forced.append(t_us))
    for placement in system.placements:
        world.place(placement)
    world.run(until_s * SECOND)
    return forced, [row.t_us for row in world.history.rows if row.kind is Kind.OK]


def test_a_promotion_that_fails_is_answered_so_that_forcing_follows_in_time():
    topology = grid(("us-east-1", "us-west-2"), clusters=1, hosts=1, cores=2)
    system = store(
        Site(topology),
        Workload(rate_per_s=20, ends_us=8 * SECOND, accounts=10),
        scheme="delayed-ship@region+200ms",
        promote_after_us=500_000,
        force_after_us=500_000,
    )
    gone = Fault(id="gone", kind="region-destroyed", targets=("us-east-1",), at=2 * SECOND, for_us=None)
    forced, answered = forced_and_answered(system, topology, gone, 10)
    # Two looks to be sure, one promotion in vain, one look more, and half a second of listening before it is
    # forced; to hear nothing took three seconds longer.
    assert len(forced) == 1
    assert forced[0] < 6 * SECOND
    assert answered[-1] > 7 * SECOND


def test_members_that_all_forgot_are_forced_although_the_leader_waits_for_whole_ones():
    topology = grid(("us-east-1",), clusters=1, hosts=3, cores=2)
    system = store(
        Site(topology),
        Workload(rate_per_s=20, ends_us=9 * SECOND, accounts=10),
        scheme="multi-mem:2/3",
        promote_after_us=500_000,
        force_after_us=1_000_000,
    )
    dark = Fault(id="dark", kind="cluster-power", targets=("us-east-1/c1",), at=2 * SECOND, for_us=SECOND)
    forced, answered = forced_and_answered(system, topology, dark, 12)
    assert len(forced) == 1
    assert answered[-1] > 8 * SECOND
