"""Small worlds that the tests of `sim` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sim.chance import Chance
from sim.kernel import Environment
from sim.latency import LatencyModel, uniform
from sim.message import Message
from sim.network import Network
from sim.topology import Topology, grid
from sim.trace import Trace, TraceLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping(Message):
    type_id: ClassVar[int] = 0x1000_0001
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgent(Message):
    type_id: ClassVar[int] = 0x8000_0002
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A network whose every arrival is logged as (time, src, dst, n)."""

    env: Environment
    network: Network
    log: list[tuple[int, int, int, int]]


def flat(rtt_us: int = 200, jitter: float = 0.0) -> LatencyModel:
    return uniform(
        ["a", "b", "c"],
        between_regions_rtt_us=rtt_us,
        within_cluster_rtt_us=rtt_us,
        between_clusters_rtt_us=rtt_us,
        jitter=jitter,
    )


def three(hosts: int = 1) -> Topology:
    return grid(["a", "b", "c"], clusters=1, hosts=hosts, cores=1, clients=0)


def logged(*, jitter: float = 0.0, level: TraceLevel = TraceLevel.OFF, seed: int = 1) -> Pair:
    env = Environment()
    topology = three()
    network = Network(env, topology, flat(jitter=jitter), Chance(seed), Trace(level, lambda: int(env.now)))
    log: list[tuple[int, int, int, int]] = []
    for host in range(len(topology.hosts)):

        def receive(src: int, message: Message, meta: object, row: int, host: int = host) -> None:
            assert isinstance(message, Ping)
            log.append((int(env.now), src, host, message.n))

        network.attach(host, receive)
    return Pair(env=env, network=network, log=log)
