"""Along which lines a domain is split: regions, clusters, or both, a tree in which clusters merge into regions.

Every part owns a sub-domain, with a number of its own in the addresses that it mints. Split by `region` or by
`cluster`, every part ships its stream to every other. Split by `both`, the clusters of a region ship to each other and
to the region's relay (`models.relay`), which makes one stream of theirs in canonical order; only relays speak across
regions, and each hands on to the clusters of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from models.clients import Route, Workload
from models.confidence.visible.outcomes import Line
from models.domain import Domain
from models.factories import mix_of
from models.hearing import Upstream
from models.layout import STORE, client_placements, shard_of
from models.ledger import Ledger, split_ledger
from models.losing import LosableShard
from models.losing_regions import LosableRelay, TreeShard
from models.merging_end import Merging
from models.relay import RelayOptions
from models.settling import Settling
from models.split import SplitShard
from models.store.group.wire import ShipOptions
from models.store.options import MemberOptions
from models.store.schemes import Scheme, Spread, Tier
from models.system import BANK_RECORDS, System
from sim.host import Context, Placement
from sim.topology import Location, Topology, at_service
from sim.wording import way_to

__all__ = ["RELAY", "Lines", "Part", "SplitLayout", "home_among", "lines_of", "parts_of"]

RELAY: Final = "relay"

#: Answered when the sub-domain has flushed, shipped to the others at once behind the answer.
_BEHIND: Final = Scheme(name="delayed-ship", tier=Tier.DEVICE, ship_every_us=0, spread=Spread.REGION)


class Lines(StrEnum):
    """Where a domain is cut into sub-domains."""

    REGION = "region"
    CLUSTER = "cluster"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What owns a sub-domain: a region, or a cluster of one.

    Attributes:
        number: Of the sub-domain, from 1.
        name: Its own, as topologies select it.
        region: Where it is.
        servers: Its hosts; shard i is on the i-th.
    """

    number: int
    name: str
    region: str
    servers: tuple[Location, ...]


def lines_of(words: str) -> Lines:
    """The lines that a scenario names; ValueError for others."""
    if words not in [str(one) for one in Lines]:
        raise ValueError(f"lines={words!r} are none; {way_to(words, Lines)}")
    return Lines(words)


def parts_of(topology: Topology, lines: Lines) -> tuple[Part, ...]:
    """What owns the sub-domains, in the topology's order.

    Raises:
        ValueError: the topology lacks such lines, or parts differ in how many servers they have.
    """
    clusters = {region: _clusters(topology, region) for region in topology.regions}
    has_regions, has_clusters = len(clusters) > 1, all(len(names) > 1 for names in clusters.values())
    lacks = []
    if lines is not Lines.CLUSTER and not has_regions:
        lacks.append(f"one region, {topology.regions[0]}")
    if lines is not Lines.REGION and not has_clusters:
        lacks.append(f"a region of one cluster, {next(r for r, names in clusters.items() if len(names) < 2)}")
    if lacks:
        can = [str(Lines.REGION)] * has_regions + [str(Lines.CLUSTER)] * has_clusters
        nearest = f"take lines={can[0]!r}, or " if can else ""
        told = f"lines={str(lines)!r} cuts along what the topology lacks: it has {' and '.join(lacks)}"
        raise ValueError(f"{told}; {nearest}give it more of them")
    found: list[Part] = []
    for region, names in clusters.items():
        for name, servers in [(region, topology.servers(region))] if lines is Lines.REGION else names.items():
            number = topology.region_number(region) if lines is Lines.REGION else len(found) + 1
            hosts = tuple(host.location for host in servers)
            found.append(Part(number=number, name=name, region=region, servers=hosts))
    counts = {part.name: len(part.servers) for part in found}
    if len(set(counts.values())) != 1 or not all(counts.values()):
        raise ValueError(f"parts have {counts} servers; give each the same number, at least 1")
    return tuple(found)


def home_among(parts: Sequence[Part], name: str) -> int:
    """The number of the part that a scenario names as home, or the first; a region's name stands for its first part.

    Raises:
        ValueError: nothing here is called so.
    """
    for part in parts:
        if name in ("", part.name, part.region):
            return part.number
    raise ValueError(f"home={name!r} is no part here; {way_to(name, [part.name for part in parts])}")


def _clusters(topology: Topology, region: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for host in topology.servers(region):
        found.setdefault(f"{region}/{host.cluster}", []).append(host)
    return found


class SplitLayout:
    """Shards, relays and clients of a domain that is split, over a topology.

    A client asks one part of its region about an aggregate, always the same; where there are several, neighbouring
    clients ask different ones, so that parts of one region do write the same aggregate.

    Shards of a kind that takes something `beside` what all do are given it; with a `line`, clients say what became of
    what nobody answered.

    Attributes:
        parts: What owns the sub-domains.
        sources: Numbers of the sub-domains.
        shards: How many each has.
    """

    def __init__(
        self,
        topology: Topology,
        workload: Workload,
        ship: ShipOptions,
        lines: Lines,
        settling: Settling,
        kind: type[LosableShard] = LosableShard,
        line: Line | None = None,
        beside: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self.parts = parts_of(topology, lines)
        self.sources = tuple(part.number for part in self.parts)
        self._settling = settling
        self._kind: Any = TreeShard if lines is Lines.BOTH and kind is LosableShard else kind
        self._beside = beside
        self._line = line
        self.shards = len(self.parts[0].servers)
        self._lines = lines
        self._topology = topology
        self._workload = workload
        self._ship = ship
        self._stores = {part.number: tuple(at_service(one, STORE) for one in part.servers) for part in self.parts}
        self._within: dict[str, list[Part]] = {}
        for part in self.parts:
            self._within.setdefault(part.region, []).append(part)

    def system(self, merging: Merging) -> System:
        """The finished system; its ledger reads every store that is up and has recovered."""
        domain = merging.domain
        shard_at = [shard_of(account, self.shards) for account in range(self._workload.accounts)]

        def route_of(region: str, index: int) -> Route:
            parts = self._within[region]
            stores = [[(store,) for store in self._stores[part.number]] for part in parts]
            return lambda account: stores[(account + index) % len(parts)][shard_at[account]]

        mix = mix_of(domain, self._workload)
        clients = client_placements(self._topology, self._workload, mix, route_of, line=self._line)
        stores = {
            region: tuple(store for part in parts for store in self._stores[part.number])
            for region, parts in self._within.items()
        }
        return System(
            placements=(*self._shards(domain, merging), *self._relays(), *clients),
            stores=stores,
            entry=lambda region, account: stores[region][shard_of(account, self.shards)],
            ledger=lambda service_of: self._ledger(service_of, merging),
            records=BANK_RECORDS,
            merging=merging,
            groups=self._groups(),
            together=self._regions() if self._lines is Lines.BOTH else (),
        )

    def _groups(self) -> dict[str, tuple[Location, ...]]:
        """By shard, its stores, of which operators may declare one lost."""
        names = [f"{STORE}-{shard}" for shard in range(self.shards)]
        return {name: tuple(stores[shard] for stores in self._stores.values()) for shard, name in enumerate(names)}

    def _regions(self) -> tuple[tuple[Location, ...], ...]:
        """By region and shard, the stores that can be lost together alone: their relay goes with them."""
        return tuple(
            tuple(self._stores[part.number][shard] for part in parts)
            for parts in self._within.values()
            for shard in range(self.shards)
        )

    def _shards(self, domain: Domain[Any], merging: Merging) -> list[Placement]:
        def make(options: MemberOptions, upstream: Upstream | None) -> Callable[[Context], Any]:
            others = tuple(stores[options.shard] for n, stores in self._stores.items() if n != options.number)
            settling = replace(self._settling, others=others)
            more: dict[str, Any] = {"policy": merging.policy, "upstream": upstream, "settling": settling}
            return lambda ctx: self._kind(ctx, options, domain, **more, **self._beside)

        placed = []
        for part in self.parts:
            near = self.parts if self._lines is not Lines.BOTH else self._within[part.region]
            for shard, server in enumerate(part.servers):
                options = MemberOptions(
                    number=part.number,
                    shard=shard,
                    peers=tuple((one.number, self._stores[one.number][shard]) for one in near if one is not part),
                    home=0,
                    scheme=_BEHIND,
                    forward_timeout_us=self._workload.attempt_timeout_us,
                    ship=self._ship,
                )
                upstream = self._upstream(part, shard) if self._lines is Lines.BOTH else None
                placed.append(Placement(host=server, name=STORE, make=make(options, upstream), kind=self._kind))
        return placed

    def _upstream(self, part: Part, shard: int) -> Upstream:
        others = [region for region in self._within if region != part.region]
        return Upstream(
            number=self._number(part.region),
            relay=self._relay_at(part.region, shard),
            streams=tuple(
                (self._number(region), tuple(one.number for one in self._within[region])) for region in others
            ),
            stores=tuple(
                (one.number, self._stores[one.number][shard]) for region in others for one in self._within[region]
            ),
        )

    def _relays(self) -> list[Placement]:
        if self._lines is not Lines.BOTH:
            return []
        placed = []
        for region, parts in self._within.items():
            for shard in range(self.shards):
                options = RelayOptions(
                    number=self._number(region),
                    shard=shard,
                    clusters=tuple((part.number, self._stores[part.number][shard]) for part in parts),
                    regions=tuple(
                        (self._number(other), self._relay_at(other, shard)) for other in self._within if other != region
                    ),
                    ship=self._ship,
                )
                make = _relay_maker(options)
                placed.append(Placement(host=parts[0].servers[shard], name=RELAY, make=make, kind=LosableRelay))
        return placed

    def _number(self, region: str) -> int:
        """Of a region's stream, apart from those of all sub-domains."""
        return len(self.parts) + self._topology.region_number(region)

    def _relay_at(self, region: str, shard: int) -> Location:
        return at_service(self._within[region][0].servers[shard], RELAY)

    def _ledger(self, service_of: Callable[[Location], Any], merging: Merging) -> Ledger:
        shards: list[dict[int, SplitShard]] = []
        missing = 0
        for shard in range(self.shards):
            found = {}
            for part in self.parts:
                store = service_of(self._stores[part.number][shard])
                if isinstance(store, SplitShard) and store.ready:
                    found[part.number] = store
                else:
                    missing += 1
            shards.append(found)
        regions = {part.number: self._topology.region_number(part.region) for part in self.parts}
        return replace(split_ledger(shards, merging=merging, regions=regions), missing=missing)


def _relay_maker(options: RelayOptions) -> Callable[[Context], LosableRelay]:
    return lambda ctx: LosableRelay(ctx, options)
