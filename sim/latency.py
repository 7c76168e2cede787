"""How long a message takes from one host to another, by directed pair.

Two parts: a *delay* is a distribution from which one-way delays are drawn in blocks; a
*latency model* says which delay an ordered pair of hosts has. Propagation comes from a
table of measured round trips. One-way delays cannot be measured without synchronised
clocks, so the delay from A to B is taken as half of the round trip that A measured: the
table's asymmetry stays, and a round trip in the simulator is the mean of the two measured.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Protocol

import numpy

from sim.topology import HostSpec
from sim.units import format_us

__all__ = ["Constant", "Delay", "Jittered", "LatencyModel", "public_cloud", "uniform"]

#: Round trips inside a region (FACTS: between zones 1 to 2 ms, inside one about .1 ms).
SAME_HOST_US: Final = 20
WITHIN_CLUSTER_US: Final = 100
BETWEEN_CLUSTERS_US: Final = 1_500
_TABLE: Final = "inter_region_rtt.csv"


class Delay(Protocol):
    """A distribution of one-way delays."""

    @property
    def mean_us(self) -> float:
        """The mean, microseconds."""
        ...

    def draw(self, rng: numpy.random.Generator, n: int) -> list[int]:
        """`n` delays in whole microseconds, each at least 0.

        Shaped by the generator's own methods: numpy's log, exp and power give different
        last bits on different processors, and a digest must not.
        """
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """Always `delay_us` microseconds; draws nothing."""

    delay_us: int

    def __post_init__(self) -> None:
        _check_us("delay_us", self.delay_us)

    @property
    def mean_us(self) -> float:
        """The delay itself."""
        return float(self.delay_us)

    def draw(self, rng: numpy.random.Generator, n: int) -> list[int]:
        """`n` times the same."""
        return [self.delay_us] * n


@dataclass(frozen=True, slots=True)
class Jittered:
    """A floor of `base_us` plus an exponential jitter of mean `jitter_mean_us`, rounded.

    Draws one exponential a delay.
    """

    base_us: int
    jitter_mean_us: float

    def __post_init__(self) -> None:
        _check_us("base_us", self.base_us)
        if not 0 <= self.jitter_mean_us < float("inf"):
            raise ValueError(f"{self.jitter_mean_us=} is no mean; give a finite number of at least 0")

    @property
    def mean_us(self) -> float:
        """Floor plus mean jitter."""
        return self.base_us + self.jitter_mean_us

    def draw(self, rng: numpy.random.Generator, n: int) -> list[int]:
        """`n` independent delays."""
        base = self.base_us
        # Truncating x + 1/2 rounds to the nearest, so the mean stays the mean.
        return [base + int(x + 0.5) for x in rng.exponential(self.jitter_mean_us, n).tolist()]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyModel:
    """Which delay an ordered pair of hosts has.

    Attributes:
        one_way_us: Propagation by (from region, to region), microseconds.
        same_host_us: One way between two services of a host.
        within_cluster_us: One way between hosts of a cluster.
        between_clusters_us: One way between clusters of a region, the clients' included.
        jitter: Mean jitter as a share of propagation, in [0, 1]; 0 makes delays constant.
    """

    one_way_us: Mapping[tuple[str, str], int]
    same_host_us: int = SAME_HOST_US // 2
    within_cluster_us: int = WITHIN_CLUSTER_US // 2
    between_clusters_us: int = BETWEEN_CLUSTERS_US // 2
    jitter: float = 0.0

    def __post_init__(self) -> None:
        for pair, delay_us in self.one_way_us.items():
            _check_us("->".join(pair), delay_us)
        _check_us("same_host_us", self.same_host_us)
        _check_us("within_cluster_us", self.within_cluster_us)
        _check_us("between_clusters_us", self.between_clusters_us)
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"{self.jitter=} is not a share of the delay; give 0 to 1")

    def between(self, src: HostSpec, dst: HostSpec) -> Delay:
        """The delay from one host to another.

        Raises:
            ValueError: they are in two regions of which nothing is known.
        """
        base_us = self.base_us(src, dst)
        return Jittered(base_us, base_us * self.jitter) if self.jitter else Constant(base_us)

    def base_us(self, src: HostSpec, dst: HostSpec) -> int:
        """The propagation from one host to another, microseconds; raises as `between`."""
        if src.region != dst.region:
            return self.between_regions_us(src.region, dst.region)
        if src.cluster != dst.cluster:
            return self.between_clusters_us
        return self.same_host_us if src.name == dst.name else self.within_cluster_us

    def between_regions_us(self, src: str, dst: str) -> int:
        """The propagation from one region to another, microseconds; raises as `between`."""
        found = self.one_way_us.get((src, dst))
        if found is None:
            known = sorted({b for a, b in self.one_way_us if a == src})
            reach = f"from {src!r} it knows {', '.join(known)}" if known else self._origins(src)
            raise ValueError(
                f"no delay is known from {src!r} to {dst!r}; {reach}; choose such a region or add "
                f"a measured row to {_TABLE}"
            )
        return found

    def missing(self, regions: Iterable[str]) -> list[tuple[str, str]]:
        """The ordered pairs of different `regions` of which nothing is known, in order."""
        names = list(regions)
        pairs = [(a, b) for a in names for b in names if a != b]
        return [pair for pair in pairs if pair not in self.one_way_us]

    def _origins(self, src: str) -> str:
        known = ", ".join(sorted({a for a, _ in self.one_way_us})) or "none"
        return f"{src!r} is not in the table, whose regions are {known}"


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
    return LatencyModel(
        one_way_us=_half_of_table(),
        same_host_us=same_host_rtt_us // 2,
        within_cluster_us=within_cluster_rtt_us // 2,
        between_clusters_us=between_clusters_rtt_us // 2,
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
    half = between_regions_rtt_us // 2
    return LatencyModel(
        one_way_us=MappingProxyType({(a, b): half for a in names for b in names if a != b}),
        same_host_us=same_host_rtt_us // 2,
        within_cluster_us=within_cluster_rtt_us // 2,
        between_clusters_us=between_clusters_rtt_us // 2,
        jitter=jitter,
    )


def _half_of_table() -> Mapping[tuple[str, str], int]:
    text = files("sim.data").joinpath(_TABLE).read_text(encoding="utf-8")
    table: dict[tuple[str, str], int] = {}
    for row in csv.DictReader(text.splitlines()):
        pair = (row["from"], row["to"])
        assert pair not in table, f"{_TABLE} gives {pair} twice"
        # Exact: 72.7 ms is no binary fraction, and a rounded product would be off by one.
        table[pair] = int(Fraction(row["rtt_ms"]) * 1_000) // 2
    return MappingProxyType(table)


def _check_us(name: str, value: int) -> None:
    if value.__class__ is not int or value < 0:
        shown = format_us(value) if value.__class__ is int else repr(value)
        raise ValueError(f"{name}={shown} is no delay; give a whole number of microseconds >= 0")
