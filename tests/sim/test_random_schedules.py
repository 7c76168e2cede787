"""Random overlapping schedules of every kind: nothing uncounted, nothing left behind, the same twice."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st

from sim.faults import NO_EFFECT, Fault, ParamValue, marks_of, schedule_from_json, schedule_to_json
from sim.host import Context, HostOptions, Placement, Service, handles
from sim.latency import uniform
from sim.testing.strategies import schedules
from sim.topology import Location, at_service, grid
from sim.world import World
from tests.sim.small_worlds import Ping

TOPOLOGY = grid(["a", "b", "c", "d"], clusters=1, hosts=2, cores=1, clients=0, racks=2)
END_US = 60_000


class Chatter(Service):
    """Pings a neighbour every 500 us by its own clock, writes down what it gets, passes points."""

    POINTS: ClassVar[frozenset[str]] = frozenset({"got"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"size"})

    def __init__(self, ctx: Context, to: Location) -> None:
        super().__init__(ctx)
        self.to = to

    def start(self) -> Any:
        self.size = len(self.ctx.disk.read("log"))
        while True:
            yield self.ctx.sleep(500)
            answer = yield self.ctx.call(self.to, Ping(n=self.size), 2_000)
            if answer is not None:
                self.ctx.point("answered")

    @handles(Ping)
    def ping(self, msg: Ping, sender: Location) -> Any:
        self.ctx.point("got")
        self.size = self.ctx.disk.append("log", msg.n) + 1
        yield self.ctx.disk.flush("log")
        self.ctx.note("size", self.size)
        return Ping(n=self.size)


def build(faults: tuple[Fault, ...], seed: int) -> World:
    made = World(
        topology=TOPOLOGY,
        latency=uniform(list("abcd"), between_regions_rtt_us=600, within_cluster_rtt_us=200),
        hosts=HostOptions(default_service_us=20, flush_us_min=50, flush_us_max=150, respawn_us=1_000),
        seed=seed,
        faults=faults,
    )
    for number, host in enumerate(TOPOLOGY.hosts):
        to = at_service(TOPOLOGY.hosts[(number + 3) % len(TOPOLOGY.hosts)].location, "chatter")
        made.place(
            Placement(host=host.location, name="chatter", make=lambda ctx, to=to: Chatter(ctx, to), kind=Chatter)
        )
    return made


MARKS = marks_of([p for machine in build((), 0).machines for p in machine.placements], TOPOLOGY)


@settings(max_examples=60, deadline=None)
@given(schedules(TOPOLOGY, ends_us=END_US // 2, heal=True, marks=MARKS), st.integers(0, 1_000))
def test_any_schedule_is_counted_undone_and_repeatable(faults: tuple[Fault, ...], seed: int) -> None:
    assert schedule_from_json(schedule_to_json(faults)) == faults
    made = build(faults, seed)
    made.run(END_US)
    made.check_conservation()
    # All has ended and left no effect.
    assert made.injector.live == ()
    assert all(machine.effect == NO_EFFECT for machine in made.machines)
    assert not any(made.network.blocked(a, b) for a in range(8) for b in range(8))
    assert all(machine.up or machine.perished for machine in made.machines)
    timed = [fault for fault in faults if isinstance(fault.at, int)]
    assert {fault.id for fault in timed} <= {fault.id for fault in made.injector.begun}
    again = build(faults, seed)
    again.run(END_US)
    assert again.digest() == made.digest()
    assert [e.grown for e in again.encounters()] == [e.grown for e in made.encounters()]


def test_a_swizzle_is_a_function_of_seed_fault_and_order() -> None:
    def heals(seed: int, **params: ParamValue) -> list[tuple[int, int]]:
        """Links in the order in which they heal."""
        fault = Fault(
            id="s", kind="partition-swizzled", targets=("a",), at=0, for_us=2_000, params={"heal": "2ms", **params}
        )
        made = build((fault,), seed)
        found: list[tuple[int, int]] = []
        links = [(a, b) for a in range(8) for b in range(8) if (a < 2) != (b < 2)]
        for t in range(1, 2_002):
            made.run(t)
            found += [link for link in links if link not in found and not made.network.blocked(*link)]
        assert sorted(found) == links
        return found

    first = heals(1)
    assert first == heals(1, order=0)
    assert first != heals(1, order=1)
    assert first != heals(2)


def test_a_schedule_draws_nothing_from_what_others_draw() -> None:
    """The arrivals of a run are the same with and without a fault that draws an order."""
    quiet = build((), 3)
    far = Fault(
        id="s", kind="partition-swizzled", targets=("d",), at=50_000, for_us=2_000, params={"heal": "1ms", "order": 4}
    )
    noisy = build((far,), 3)
    for made in (quiet, noisy):
        made.run(50_000)
    assert quiet.digest() == noisy.digest()
