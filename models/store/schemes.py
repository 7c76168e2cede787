"""Persistence schemes: what must have happened to an event, and where, before it is acknowledged.

Five names and one small algebra behind them. A scheme says on which *tier* a copy must lie (heap,
page cache, device), how many *holders* must have one, how far apart these are (*spread*: no two in
one failure domain of that level), how often a page cache is flushed behind the acknowledgement, and
how often the log is shipped to other regions behind it. What a failure destroys follows from
that and is nothing that a scheme could claim: `lost_by` computes it, experiments measure it.

| scheme | acknowledged when | lost by |
|---|---|---|
| local-mem | applied in the heap | any process crash, all since the last snapshot |
| local-persist | flushed to the local device | disk loss, region destroyed |
| local-persist, periodic | in the page cache | power loss, up to the period |
| multi-mem | in the heap of k holders | the power or processes of all of them |
| multi-persist | flushed by k holders | k disks; a region, unless a holder is outside |
| delayed-ship | flushed locally, shipped later | disk or region loss, what was not shipped yet; the last copy, all |
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from sim.topology import Topology

__all__ = [
    "SCHEMES",
    "Failure",
    "Loss",
    "Promise",
    "Recovery",
    "Scheme",
    "Spread",
    "Struck",
    "Tier",
    "holders_of",
    "lost_by",
    "promise_of",
]


class Tier(IntEnum):
    """Where a copy lies; each is outlived by those after it."""

    HEAP = 0
    PAGE_CACHE = 1
    DEVICE = 2


class Spread(IntEnum):
    """The level at which no two holders share a failure domain."""

    HOST = 0
    RACK = 1
    CLUSTER = 2
    REGION = 3


class Failure(StrEnum):
    """What goes wrong, to the host that acknowledged and to all that share its fate."""

    PROCESS_CRASH = "process crash"
    HOST_POWER = "host power"
    RACK_POWER = "rack power"
    CLUSTER_POWER = "cluster power"
    DISK_LOSS = "disk loss"
    REGION_DESTROYED = "region destroyed"


class Recovery(StrEnum):
    """What goes on where a host went down."""

    AT_ONCE = "same host at once"
    LATER = "same host later"
    ELSEWHERE = "another host"  # the first is given up for good, its disk with it


class Struck(StrEnum):
    """Whose host it was."""

    LEADER = "leader"
    FOLLOWER = "follower"
    CLIENT = "client"


class Loss(StrEnum):
    """What of the acknowledged events a failure may take."""

    NOTHING = "nothing"
    PERIOD = "up to one period"  # of flushing
    UNSHIPPED = "what was not shipped yet"
    SINCE_SNAPSHOT = "all since the last snapshot"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """When an event is acknowledged.

    Attributes:
        name: What scenarios call it.
        tier: Where each holder's copy must lie.
        holders: How many must have one, the host that acknowledges among them.
        spread: How far apart they are.
        flush_every_us: How often a page cache is flushed, or a heap saved, behind the acknowledgement;
            None for never.
        ship_every_us: How often the log goes to other members behind it, 0 for at once; None for never.
        copies: How many members keep a copy, `holders` of which must have an event before it is
            acknowledged; None for as many as must.

    Raises:
        ValueError: no holders, or a period that is none or makes no sense on this tier.
    """

    name: str
    tier: Tier
    holders: int = 1
    spread: Spread = Spread.HOST
    flush_every_us: int | None = None
    ship_every_us: int | None = None
    copies: int | None = None

    def __post_init__(self) -> None:
        if self.holders < 1:
            raise ValueError(f"{self.holders=} acknowledge nothing; ask for at least 1")
        if self.copies is not None and self.copies < self.holders:
            raise ValueError(f"{self.copies=} cannot hold what {self.holders=} must; keep at least as many")
        if self.flush_every_us is not None and self.flush_every_us < 1:
            raise ValueError(f"flush_every_us={self.flush_every_us} is no period; give at least 1, or None for never")
        if self.ship_every_us is not None and self.ship_every_us < 0:
            raise ValueError(f"ship_every_us={self.ship_every_us} is no period; give 0 for at once, or None for never")
        if self.ship_every_us is not None and self.holders > 1:
            raise ValueError(
                f"{self.ship_every_us=} ships behind the acknowledgement, and {self.holders} holders come before it; "
                "leave it out, or ask for 1 holder"
            )
        if self.flush_every_us is not None and self.tier is Tier.DEVICE:
            raise ValueError(
                f"{self.flush_every_us=} is for copies in memory, and those on the device are flushed at once; "
                "leave it out"
            )
        if self.tier is Tier.PAGE_CACHE and self.flush_every_us is None:
            raise ValueError(f"{self.name!r} leaves its page cache unflushed; say how often with flush_every_us")

    @property
    def members(self) -> int:
        """How many keep a copy."""
        return self.holders if self.copies is None else self.copies


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a scheme promises for one host that goes down.

    Attributes:
        lost: What of the acknowledged events may be gone.
        window_us: How long before, at most, they were acknowledged: 0 where nothing may be gone, None where
            there is no bound. What flushing and shipping themselves take comes on top.
        served: Whether commands are served again.
    """

    lost: Loss
    window_us: int | None
    served: bool


#: The schemes of the lab with their usual numbers; `replace` makes others of them.
SCHEMES: Final[tuple[Scheme, ...]] = (
    Scheme(name="local-mem", tier=Tier.HEAP),
    Scheme(name="local-persist", tier=Tier.DEVICE),
    Scheme(name="local-persist-periodic", tier=Tier.PAGE_CACHE, flush_every_us=1_000_000),
    Scheme(name="multi-mem", tier=Tier.HEAP, holders=3),
    Scheme(name="multi-persist", tier=Tier.DEVICE, holders=3),
    Scheme(name="delayed-ship", tier=Tier.DEVICE, ship_every_us=1_000_000, copies=2, spread=Spread.REGION),
)

# The last tier that a failure takes from a host that it strikes.
_TAKES: Final = (
    (Failure.PROCESS_CRASH, Tier.HEAP),
    (Failure.HOST_POWER, Tier.PAGE_CACHE),
    (Failure.RACK_POWER, Tier.PAGE_CACHE),
    (Failure.CLUSTER_POWER, Tier.PAGE_CACHE),
    (Failure.DISK_LOSS, Tier.DEVICE),
    (Failure.REGION_DESTROYED, Tier.DEVICE),
)
# The smallest spread at which a failure strikes one holder only.
_APART: Final = (
    (Failure.PROCESS_CRASH, Spread.HOST),
    (Failure.HOST_POWER, Spread.HOST),
    (Failure.RACK_POWER, Spread.RACK),
    (Failure.CLUSTER_POWER, Spread.CLUSTER),
    (Failure.DISK_LOSS, Spread.HOST),
    (Failure.REGION_DESTROYED, Spread.REGION),
)


def lost_by(scheme: Scheme, failure: Failure, *, times: int = 1) -> Loss:
    """What of the acknowledged events may be gone after a failure.

    Holders that rejoin do so by the scheme's rule, on their disks and after a full resync, never on trust.

    Args:
        scheme: Under which they were acknowledged.
        failure: What happened, in the worst place.
        times: To how many failure domains of that kind, before anything was repaired.

    Raises:
        ValueError: it happened less than once.
    """
    if times < 1:
        raise ValueError(f"{times=} is no failure; give at least 1")
    takes = dict(_TAKES)[failure]
    if scheme.tier > takes:
        return Loss.NOTHING
    # Copies closer together than that may all be in one of its failure domains.
    struck = times if scheme.spread >= dict(_APART)[failure] else scheme.members
    if struck < scheme.holders:
        return Loss.NOTHING
    if scheme.ship_every_us is not None and struck < scheme.members:
        return Loss.UNSHIPPED
    if takes is Tier.DEVICE:
        return Loss.ALL
    return Loss.PERIOD if scheme.tier is Tier.PAGE_CACHE else Loss.SINCE_SNAPSHOT


def promise_of(scheme: Scheme, failure: Failure, recovery: Recovery, struck: Struck = Struck.LEADER) -> Promise:
    """What a scheme promises for one host that goes down and is recovered from.

    A host that never comes back takes its disk along, so to give it up is to lose that. What a follower or a
    client loses, the leader still has; and events are served again while enough members are left to hold them.

    Args:
        scheme: Under which events were acknowledged.
        failure: `PROCESS_CRASH` or `HOST_POWER`, of that host alone.
        recovery: What goes on afterwards.
        struck: Whose host it was.

    Raises:
        ValueError: a failure of another kind.
    """
    if failure not in (Failure.PROCESS_CRASH, Failure.HOST_POWER):
        raise ValueError(f"{failure=} is no crash of one host; give PROCESS_CRASH or HOST_POWER, or ask `lost_by`")
    gone = recovery is Recovery.ELSEWHERE
    lost = Loss.NOTHING
    if struck is Struck.LEADER:
        lost = lost_by(scheme, Failure.DISK_LOSS if gone else failure)
    windows = {
        Loss.NOTHING: 0,
        Loss.PERIOD: scheme.flush_every_us,
        Loss.SINCE_SNAPSHOT: scheme.flush_every_us,
        Loss.UNSHIPPED: scheme.ship_every_us,
        Loss.ALL: None,
    }
    served = not gone or struck is Struck.CLIENT or scheme.members - 1 >= scheme.holders
    return Promise(lost=lost, window_us=windows[lost], served=served)


def holders_of(scheme: Scheme, topology: Topology, host: int, among: Collection[int] | None = None) -> tuple[int, ...]:
    """The hosts that hold what a host acknowledges: itself first, then the nearest that are far enough apart.

    Args:
        scheme: Says how many and how far.
        topology: Whose servers there are.
        host: The index of a server.
        among: The indices of those that may hold anything; None for all servers.

    Raises:
        ValueError: there are not so many hosts, racks, clusters or regions.
    """
    wanted = scheme.members
    chosen = [host]
    taken = {_domain(topology, host, scheme.spread)}
    for other in _by_nearness(topology, host):
        if len(chosen) == wanted:
            break
        if among is not None and other not in among:
            continue
        domain = _domain(topology, other, scheme.spread)
        if domain not in taken:
            chosen.append(other)
            taken.add(domain)
    if len(chosen) < wanted:
        level = scheme.spread.name.lower()
        raise ValueError(
            f"scheme {scheme.name!r} asks for {wanted} holders, each in another {level}, and from "
            f"{topology.hosts[host].path} there are {len(chosen)}; lower `holders` or `copies`, spread them less, "
            f"or add a {level}"
        )
    return tuple(chosen)


def _by_nearness(topology: Topology, host: int) -> list[int]:
    """All other servers: those of the same cluster first, then of the region, then the rest, each in order."""
    here = topology.hosts[host]
    servers = [spec for region in topology.regions for spec in topology.servers(region) if spec.index != host]

    def distance(index: int) -> tuple[bool, bool, int]:
        spec = topology.hosts[index]
        return (spec.region != here.region, (spec.region, spec.cluster) != (here.region, here.cluster), index)

    return sorted((spec.index for spec in servers), key=distance)


def _domain(topology: Topology, host: int, spread: Spread) -> tuple[object, ...]:
    """The failure domain of a host at a level; a host without a rack is a rack of its own."""
    spec = topology.hosts[host]
    if spread is Spread.REGION:
        return (spec.region,)
    if spread is Spread.CLUSTER:
        return (spec.region, spec.cluster)
    if spread is Spread.RACK and spec.rack is not None:
        return (spec.region, spec.cluster, spec.rack)
    return (spec.path,)
