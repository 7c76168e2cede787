"""What do the parts of the network cost that a plain scenario does not use?

All but the last run PHOLD, as `kernel` does: 256 messages in flight between hosts; whoever
receives one sends it on to a host drawn at random. Messages a CPU second, for the record:

- `plain`: 64 hosts, nothing unusual;
- `counters` and `full_trace`: the same at the higher trace levels;
- `lossless_effects`: the same with a fault on every link that delays and duplicates nothing
  but has to be asked about each message;
- `connections`: the same, each pair of hosts over a connection;
- `four_classes`: eight hosts, links of finite bandwidth with about four messages at each, a
  quarter of them of each layer, the top one under a rate cap.

`hosts` is a world of 10,000 hosts in five regions. Each runs a service that sends a heartbeat
to the next host once a second: messages a CPU second, and bytes of memory a host, all told.
"""

from __future__ import annotations

import statistics
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import process_time
from typing import Any, ClassVar, Final

import numpy as np

from experiments.workers import calm_collector
from sim.chance import Chance
from sim.effects import LinkEffect
from sim.host import Context, HostOptions, Placement, Service, handles
from sim.kernel import Environment
from sim.latency import LatencyModel, uniform
from sim.latency.tier import Tier
from sim.message import Layer, Message, Transport
from sim.network import Network, Receive
from sim.topology import Location, at_service, grid
from sim.trace import Trace, TraceLevel
from sim.world import World

__all__ = ["heartbeats", "phold", "run"]

MESSAGES: Final = 40_000
IN_FLIGHT: Final = 256
REPETITIONS: Final = 3
BASE_US: Final = 10_000
JITTER: Final = 0.1
REGIONS: Final = ("r1", "r2", "r3", "r4", "r5")
HOSTS: Final = 10_000
BEATS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ball(Message):
    """A message that PHOLD passes around, of the lowest layer."""

    type_id: ClassVar[int] = 0x1000_0001
    number: int = 0

    def wire_bytes(self) -> int:
        """A hundred, whatever the number."""
        return 100


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBall(Ball):
    """The same, one layer up."""

    type_id: ClassVar[int] = 0x2000_0001


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterBall(Ball):
    """The same, two layers up."""

    type_id: ClassVar[int] = 0x4000_0001


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionBall(Ball):
    """The same, of the highest layer."""

    type_id: ClassVar[int] = 0x8000_0001


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Ball):
    """The same, over a connection."""

    type_id: ClassVar[int] = 0x1000_0002
    transport: ClassVar[Transport] = Transport.CONNECTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat(Message):
    """A heartbeat."""

    type_id: ClassVar[int] = 0x2000_0002
    number: int


def phold(
    messages: int,
    *,
    hosts: int = 64,
    balls: Sequence[type[Ball]] = (Ball,),
    level: TraceLevel = TraceLevel.OFF,
    bytes_per_s: int | None = None,
    caps: Mapping[Layer, int] | None = None,
    effects: Sequence[LinkEffect] = (),
) -> float:
    """CPU seconds for `messages` deliveries."""
    env = Environment()
    topology = grid(["r"], clusters=1, hosts=hosts, cores=1, clients=0)
    latency = replace(_latency(), bytes_per_s={} if bytes_per_s is None else {Tier.WITHIN_CLUSTER: bytes_per_s})
    latency = replace(latency, layer_caps=caps or {})
    network = Network(env, topology, latency, Chance(1), Trace(level, lambda: int(env.now)))
    network.set_effects([], effects)
    destinations = np.random.Generator(np.random.PCG64(1)).integers(0, hosts, 8191).tolist()
    done = env.event()
    left = messages
    at = 0

    def receiver(host: int) -> Receive:
        def receive(src: int, message: Message, meta: Any, row: int) -> None:
            nonlocal left, at
            left -= 1
            if not left:
                done.succeed()
            at = (at + 1) % 8191
            network.send(host, destinations[at], message)

        return receive

    for host in range(hosts):
        network.attach(host, receiver(host))
    for number in range(IN_FLIGHT):
        network.send(number % hosts, destinations[number], balls[number % len(balls)](number=number))
    # Links, connections and first blocks are made at first use; that is set-up, not sending.
    left = -1
    env.run(until=40 * BASE_US)
    left = messages
    begun = process_time()
    env.run(until=done)
    took = process_time() - begun
    network.check_conservation()
    return took


def _latency() -> LatencyModel:
    rtt_us = 2 * BASE_US
    return uniform(
        ["r"], between_regions_rtt_us=0, within_cluster_rtt_us=rtt_us, same_host_rtt_us=rtt_us, jitter=JITTER
    )


class Heart(Service):
    """Sends a heartbeat to the next host every second, and counts those it hears."""

    def __init__(self, ctx: Context, following: Location) -> None:
        super().__init__(ctx)
        self.following = following
        self.heard = 0
        self.told = 0

    def start(self) -> None:
        """Begin at an instant of its own, so that the beats are spread."""
        self.ctx.set_timer(self.ctx.rng("phase").below(1_000_000), self.beat)

    def beat(self) -> None:
        """Tell the next host, and set the next beat."""
        self.told += 1
        self.ctx.send(self.following, Beat(number=self.told))
        self.ctx.set_timer(1_000_000, self.beat)

    @handles(Beat)
    def hear(self, msg: Beat, sender: Location) -> None:
        """Count one."""
        self.heard += 1


def ring(hosts: int) -> World:
    """A world of so many hosts in five regions, each with a heart that beats for the next."""
    topology = grid(REGIONS, clusters=10, hosts=hosts // (10 * len(REGIONS)), cores=1, clients=0)
    latency = uniform(REGIONS, between_regions_rtt_us=80_000, jitter=JITTER)
    world = World(topology=topology, latency=latency, hosts=HostOptions(), seed=1)
    for spec in topology.hosts:
        following = topology.hosts[(spec.index + 1) % len(topology.hosts)]
        to = at_service(following.location, "heart")
        world.place(Placement(host=spec.location, name="heart", make=lambda ctx, to=to: Heart(ctx, to)))  # type: ignore[misc]
    return world


def heartbeats(hosts: int, beats: int) -> tuple[float, int]:
    """Messages a CPU second over that many beats, and bytes a host after two."""
    world = ring(hosts)
    world.run(2_000_000)  # links and first blocks
    before = world.network.totals()["delivered"]
    begun = process_time()
    world.run((2 + beats) * 1_000_000)
    took = process_time() - begun
    delivered = world.network.totals()["delivered"] - before
    world.check_conservation()
    tracemalloc.start()
    weighed = ring(hosts)
    weighed.run(2_000_000)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return delivered / took, round(held / hosts)


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure everything; the top level is messages a CPU second, and bytes a host."""
    calm_collector()  # as in the workers of a sweep
    everyone = frozenset(range(64))
    asked = [LinkEffect(src=everyone, dst=everyone, delay_us=1)]
    contestants: dict[str, Callable[[], float]] = {
        "plain": lambda: phold(MESSAGES),
        "counters": lambda: phold(MESSAGES, level=TraceLevel.COUNTERS),
        "full_trace": lambda: phold(MESSAGES, level=TraceLevel.FULL),
        "lossless_effects": lambda: phold(MESSAGES, effects=asked),
        "connections": lambda: phold(MESSAGES, balls=[Letter]),
        "four_classes": lambda: phold(
            MESSAGES,
            hosts=8,
            balls=[RegionBall, ClusterBall, HostBall, Ball],
            bytes_per_s=20_000,  # 5 ms a message
            caps={Layer.REGION: 10_000},
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for repetition in range(1, REPETITIONS + 1):
        progress(f"network: repetition {repetition} of {REPETITIONS}")
        for name, contestant in contestants.items():
            seconds[name].append(contestant())
    progress(f"network: {HOSTS} hosts in {len(REGIONS)} regions")
    rate, bytes_per_host = heartbeats(HOSTS, BEATS)
    measured = {name: round(MESSAGES / statistics.median(took)) for name, took in seconds.items()}
    return {**measured, "hosts": round(rate), "bytes_per_host": bytes_per_host, "detail": {"hosts": HOSTS}}
