"""Which delay, bandwidth and slow component an ordered pair of hosts has.

The delay of one message is propagation plus noise; what changes with time for all messages
of a link is its slow component. Propagation comes from a table of measured round trips.
One-way delays cannot be measured without synchronised clocks, so the delay from A to B is
taken as half of the round trip that A measured: the table's asymmetry stays, and a round
trip in the simulator is the mean of the two measured. Where somebody has samples of the
delay between two regions, they replace propagation and noise of that pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from sim.chance import Chance
from sim.imports.rtt import read_rtt_matrix
from sim.latency.composed import Empirical, Shifted
from sim.latency.delays import Constant, Delay, Jittered, Shape, check_us
from sim.latency.slow import Slow, SlowRule
from sim.latency.tier import Tier
from sim.message import Layer
from sim.topology import HostSpec

__all__ = ["LatencyModel", "measured", "public_cloud", "uniform"]

#: Round trips inside a region (FACTS: between zones 1 to 2 ms, inside one about .1 ms).
SAME_HOST_US: Final = 20
WITHIN_CLUSTER_US: Final = 100
BETWEEN_CLUSTERS_US: Final = 1_500
_TABLE: Final = "inter_region_rtt.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyModel:
    """Delay, bandwidth and slow component by ordered pair of hosts.

    Attributes:
        one_way_us: Propagation by (from region, to region), microseconds.
        same_host_us: One way between two services of a host.
        within_cluster_us: One way between hosts of a cluster.
        between_clusters_us: One way between clusters of a region, the clients' included.
        jitter: Mean jitter as a share of propagation, in [0, 1]; 0 makes delays constant.
        noise: What is added to propagation instead of the jitter, by tier.
        samples: One-way delays measured between two regions, by (from, to); they hold
            propagation and noise both.
        bytes_per_s: Bandwidth of every link of a tier; a tier not named is unlimited.
        layer_caps: Most that a layer's messages may use of a link, bytes a second; only for
            layers above the lowest, which would otherwise starve it. Links of unlimited
            bandwidth are not capped.
        priority: Whether links let a higher layer go first; else all wait in one queue.
        slow_rules: What changes with time, and where.
        legs: By the name of a message's class, what such messages take on top of propagation,
            in place of jitter and noise, whatever the distance; a request and its answer are of
            two classes, so each direction of an exchange has its own. Not within a host.
    """

    one_way_us: Mapping[tuple[str, str], int]
    same_host_us: int = SAME_HOST_US // 2
    within_cluster_us: int = WITHIN_CLUSTER_US // 2
    between_clusters_us: int = BETWEEN_CLUSTERS_US // 2
    jitter: float = 0.0
    noise: Mapping[Tier, Shape] = field(default_factory=lambda: MappingProxyType({}))
    samples: Mapping[tuple[str, str], Empirical] = field(default_factory=lambda: MappingProxyType({}))
    bytes_per_s: Mapping[Tier, int] = field(default_factory=lambda: MappingProxyType({}))
    layer_caps: Mapping[Layer, int] = field(default_factory=lambda: MappingProxyType({}))
    priority: bool = True
    slow_rules: tuple[SlowRule, ...] = ()
    legs: Mapping[str, Shape] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for pair, delay_us in self.one_way_us.items():
            check_us("->".join(pair), delay_us)
        check_us("same_host_us", self.same_host_us)
        check_us("within_cluster_us", self.within_cluster_us)
        check_us("between_clusters_us", self.between_clusters_us)
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"{self.jitter=} is not a share of the delay; give 0 to 1")
        if Tier.SAME_HOST in self.bytes_per_s:
            raise ValueError("bytes_per_s has same_host; a host's messages to itself cross no link, so leave it out")
        if Layer.SERVICE in self.layer_caps:
            raise ValueError("layer_caps has SERVICE; the lowest layer takes what the others leave, so leave it out")
        if self.layer_caps and not self.priority:
            raise ValueError("layer_caps need priority: where all layers wait in one queue none can be held back alone")
        for what, rate in (*self.bytes_per_s.items(), *self.layer_caps.items()):
            if rate.__class__ is not int or rate < 1:
                raise ValueError(f"{what.name}: {rate!r} is no rate; give whole bytes a second >= 1")
        names = [rule.name for rule in self.slow_rules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two slow rules are called {name!r}; equal names would draw alike, so rename one")

    def between(self, src: HostSpec, dst: HostSpec) -> Delay:
        """The delay of a message from one host to another, its slow component apart.

        Raises:
            ValueError: they are in two regions of which nothing is known.
        """
        if self.samples:
            sampled = self.samples.get((src.region, dst.region))
            if sampled is not None and src.region != dst.region:
                return sampled
        base_us = self.base_us(src, dst)
        if self.noise:
            noise = self.noise.get(Tier.of(src, dst))
            if noise is not None:
                return Shifted(base_us, noise)
        return Jittered(base_us, base_us * self.jitter) if self.jitter else Constant(base_us)

    def leg(self, src: HostSpec, dst: HostSpec, message: str) -> Delay | None:
        """The delay of messages of one class, where it is not that of the link; raises as `between`."""
        noise = self.legs.get(message) if self.legs else None
        if noise is None or src.index == dst.index:
            return None
        return Shifted(self.base_us(src, dst), noise)

    def base_us(self, src: HostSpec, dst: HostSpec) -> int:
        """The propagation from one host to another, microseconds; raises as `between`."""
        if src.region != dst.region:
            return self.between_regions_us(src.region, dst.region)
        if src.cluster != dst.cluster:
            return self.between_clusters_us
        return self.same_host_us if src.name == dst.name else self.within_cluster_us

    def between_regions_us(self, src: str, dst: str) -> int:
        """The propagation from one region to another, microseconds; raises as `between`.

        Where there are samples it is the shortest of them.
        """
        sampled = self.samples.get((src, dst))
        if sampled is not None:
            return sampled.samples_us[0]
        found = self.one_way_us.get((src, dst))
        if found is None:
            known = sorted({b for a, b in self.one_way_us if a == src})
            reach = f"from {src!r} it knows {', '.join(known)}" if known else self._origins(src)
            raise ValueError(
                f"no delay is known from {src!r} to {dst!r}; {reach}; choose such a region or add "
                f"a measured row to {_TABLE}"
            )
        return found

    def bandwidth(self, src: HostSpec, dst: HostSpec) -> int | None:
        """Bytes a second from one host to another; None is unlimited."""
        return self.bytes_per_s.get(Tier.of(src, dst)) if self.bytes_per_s else None

    def slow(self, src: HostSpec, dst: HostSpec, chance: Chance) -> Slow | None:
        """What changes with time on the link from one host to another; None if nothing does.

        A function of the seed, the link and time: it draws from generators of its own, and
        asking it again makes an equal one.
        """
        covering = [rule for rule in self.slow_rules if rule.covers(src, dst)]
        return Slow([rule.course(src, dst, chance) for rule in covering]) if covering else None

    def missing(self, regions: Iterable[str]) -> list[tuple[str, str]]:
        """The ordered pairs of different `regions` of which nothing is known, in order."""
        names = list(regions)
        pairs = [(a, b) for a in names for b in names if a != b]
        return [pair for pair in pairs if pair not in self.one_way_us and pair not in self.samples]

    def _origins(self, src: str) -> str:
        known = ", ".join(sorted({a for a, _ in self.one_way_us})) or "none"
        return f"{src!r} is not in the table, whose regions are {known}"


def measured(
    rtt_us: Mapping[tuple[str, str], int],
    *,
    same_host_rtt_us: int = SAME_HOST_US,
    within_cluster_rtt_us: int = WITHIN_CLUSTER_US,
    between_clusters_rtt_us: int = BETWEEN_CLUSTERS_US,
    jitter: float = 0.0,
) -> LatencyModel:
    """Round trips as somebody measured them, by (from, to), halved; `jitter` as in the model.

    A round trip given from one side alone serves both ways.
    """
    halves = {pair: us // 2 for pair, us in rtt_us.items()}
    for (src, dst), half_us in list(halves.items()):
        halves.setdefault((dst, src), half_us)
    return LatencyModel(
        one_way_us=MappingProxyType(halves),
        same_host_us=same_host_rtt_us // 2,
        within_cluster_us=within_cluster_rtt_us // 2,
        between_clusters_us=between_clusters_rtt_us // 2,
        jitter=jitter,
    )


def public_cloud(
    *,
    same_host_rtt_us: int = SAME_HOST_US,
    within_cluster_rtt_us: int = WITHIN_CLUSTER_US,
    between_clusters_rtt_us: int = BETWEEN_CLUSTERS_US,
    jitter: float = 0.0,
) -> LatencyModel:
    """Measured round trips between regions of a public cloud, halved; `jitter` as in the model.

    Source: sim/data/inter_region_rtt.csv, where each row names its own. The pair
    us-west-2/eu-west-1 was measured at another time than the others.
    """
    text = files("sim.data").joinpath(_TABLE).read_text(encoding="utf-8")
    return measured(
        read_rtt_matrix(text, _TABLE),
        same_host_rtt_us=same_host_rtt_us,
        within_cluster_rtt_us=within_cluster_rtt_us,
        between_clusters_rtt_us=between_clusters_rtt_us,
        jitter=jitter,
    )


def uniform(
    regions: Iterable[str],
    *,
    between_regions_rtt_us: int,
    same_host_rtt_us: int = SAME_HOST_US,
    within_cluster_rtt_us: int = WITHIN_CLUSTER_US,
    between_clusters_rtt_us: int = BETWEEN_CLUSTERS_US,
    jitter: float = 0.0,
) -> LatencyModel:
    """The same round trip between any two of `regions`, for made-up maps and small cases."""
    names = list(regions)
    return measured(
        {(a, b): between_regions_rtt_us for a in names for b in names if a != b},
        same_host_rtt_us=same_host_rtt_us,
        within_cluster_rtt_us=within_cluster_rtt_us,
        between_clusters_rtt_us=between_clusters_rtt_us,
        jitter=jitter,
    )
