"""Small worlds that the tests of `sim` share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from sim.chance import Chance
from sim.effects import LinkEffect
from sim.kernel import Environment
from sim.latency import LatencyModel, uniform
from sim.latency.slow import SlowRule
from sim.latency.tier import Tier
from sim.message import Layer, Message, Transport
from sim.network import DEFAULT_CONNECTIONS, ConnectionOptions, Network
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
class Bytes(Message):
    """A message of as many bytes as it says, in the lowest layer."""

    type_id: ClassVar[int] = 0x1000_0003
    n: int = 0
    size: int = 100

    def wire_bytes(self) -> int:
        return self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgentBytes(Bytes):
    type_id: ClassVar[int] = 0x8000_0003


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Bytes):
    """As `Bytes`, on a connection."""

    type_id: ClassVar[int] = 0x1000_0004
    transport: ClassVar[Transport] = Transport.CONNECTION


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgentLetter(Letter):
    type_id: ClassVar[int] = 0x8000_0004


class Cut(NamedTuple):
    src: frozenset[int]
    dst: frozenset[int]


def one_way(src: int, dst: int) -> Cut:
    return Cut(frozenset({src}), frozenset({dst}))


def effect(src: int, dst: int, **what: Any) -> LinkEffect:
    return LinkEffect(src=frozenset({src}), dst=frozenset({dst}), **what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A network whose every arrival is logged as (time, src, dst, n)."""

    env: Environment
    network: Network
    log: list[tuple[int, int, int, int]]

    def attach(self, host: int) -> None:
        """Let a host log what it receives, as all do at first."""

        def receive(src: int, message: Message, meta: object, row: int) -> None:
            assert isinstance(message, Ping | Urgent | Bytes)
            self.log.append((int(self.env.now), src, host, message.n))

        self.network.attach(host, receive)

    def dropped(self) -> dict[str, int]:
        """Messages lost, by reason."""
        totals = self.network.totals()
        return {key.removeprefix("dropped: "): n for key, n in totals.items() if key.startswith("dropped")}


def flat(
    rtt_us: int = 200,
    jitter: float = 0.0,
    bytes_per_s: int | None = None,
    caps: Mapping[Layer, int] = MappingProxyType({}),
    slow_rules: tuple[SlowRule, ...] = (),
) -> LatencyModel:
    model = uniform(
        ["a", "b", "c"],
        between_regions_rtt_us=rtt_us,
        within_cluster_rtt_us=rtt_us,
        between_clusters_rtt_us=rtt_us,
        jitter=jitter,
    )
    bandwidths = {} if bytes_per_s is None else {Tier.BETWEEN_REGIONS: bytes_per_s}
    return replace(model, bytes_per_s=bandwidths, layer_caps=caps, slow_rules=slow_rules)


def three(hosts: int = 1) -> Topology:
    return grid(["a", "b", "c"], clusters=1, hosts=hosts, cores=1, clients=0)


def logged(
    *,
    jitter: float = 0.0,
    level: TraceLevel = TraceLevel.OFF,
    seed: int = 1,
    latency: LatencyModel | None = None,
    connections: ConnectionOptions = DEFAULT_CONNECTIONS,
) -> Pair:
    env = Environment()
    topology = three()
    trace = Trace(level, lambda: int(env.now))
    network = Network(env, topology, latency or flat(jitter=jitter), Chance(seed), trace, connections)
    pair = Pair(env=env, network=network, log=[])
    for host in range(len(topology.hosts)):
        pair.attach(host)
    return pair
