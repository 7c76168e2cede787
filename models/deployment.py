"""Designs laid over a topology: each factory says which services run where.

All four give every region the same hosts and shards. Shard i of a region is the store on its
i-th server; monitors and operators, where a design has them, sit on the first. A factory's
keyword arguments are its options; in a scenario file durations, rates and sizes lose their
suffix and gain a unit (`heartbeat = "200ms"` is `heartbeat_us`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from models.clients import Client, Workload, zipf_weights
from models.failover import FailoverShard
from models.home import HomeShard, ShardOptions
from models.ledger import Ledger, home_ledger, split_ledger
from models.merge import MergePolicy
from models.monitor import Monitor, MonitorOptions
from models.reconcile import Operator, OperatorOptions
from models.requests import shard_of
from models.shipping import ShipOptions
from models.split import SplitShard
from models.system import BANK_RECORDS, Site, System
from sim.host import Context, Placement, Service
from sim.topology import Location, RegionName, Topology, at_service

__all__ = [
    "home_failover",
    "home_region",
    "majority_fixed_leader",
    "region_split",
]

STORE: Final = "store"
MONITOR: Final = "monitor"
OPERATOR: Final = "operator"
CLIENT: Final = "client"
_HOME: Final = RegionName("us-east-1")

_Store = TypeVar("_Store", bound=HomeShard | SplitShard)


def home_region(
    site: Site,
    workload: Workload,
    *,
    home: RegionName = _HOME,
    heartbeat_us: int = 500_000,
    resend_us: int = 1_000_000,
) -> System:
    """One region owns the domain and answers when it has flushed; logs are shipped behind."""
    ship = ShipOptions(heartbeat_us=heartbeat_us, resend_us=resend_us)
    return _home(site, workload, home, ship, commit_regions=1)


def majority_fixed_leader(
    site: Site,
    workload: Workload,
    *,
    home: RegionName = _HOME,
    heartbeat_us: int = 500_000,
    resend_us: int = 1_000_000,
) -> System:
    """One region decides and answers when a majority of regions has flushed; no election."""
    ship = ShipOptions(heartbeat_us=heartbeat_us, resend_us=resend_us)
    majority = len(site.topology.regions) // 2 + 1
    return _home(site, workload, home, ship, commit_regions=majority)


def home_failover(
    site: Site,
    workload: Workload,
    *,
    home: RegionName = _HOME,
    heartbeat_us: int = 500_000,
    resend_us: int = 1_000_000,
    monitor_heartbeat_us: int = 500_000,
    suspect_after_us: int = 5_000_000,
    reconcile_delay_us: int = 60_000_000,
    reconcile_per_s: float = 1.0,
) -> System:
    """As `home_region`, with monitors that promote another region when the home falls silent.

    The preference is the order of the topology. Operators begin `reconcile_delay_us` after they
    find divergent entries and submit `reconcile_per_s` of them.
    """
    layout = _Layout(site.topology, workload, ShipOptions(heartbeat_us=heartbeat_us, resend_us=resend_us))
    number = layout.number_of(home)
    placements = layout.stores(FailoverShard, lambda ctx, options: FailoverShard(ctx, options, home=number))
    preference = tuple(layout.numbers.values())
    for region, servers in layout.servers.items():
        others = {r: s for r, s in layout.servers.items() if r != region}
        monitor = MonitorOptions(
            region=layout.numbers[region],
            peers=tuple((layout.numbers[r], at_service(s[0], MONITOR)) for r, s in others.items()),
            stores=layout.store_locations[region],
            home=number,
            preference=preference,
            heartbeat_us=monitor_heartbeat_us,
            suspect_after_us=suspect_after_us,
        )
        operator = OperatorOptions(
            stores=layout.store_locations[region], delay_us=reconcile_delay_us, rate_per_s=reconcile_per_s
        )
        placements += [
            Placement(host=servers[0], name=MONITOR, make=_maker(Monitor, monitor), kind=Monitor),
            Placement(host=servers[0], name=OPERATOR, make=_maker(Operator, operator), kind=Operator),
        ]
    return layout.system(placements, FailoverShard, home_ledger)


def region_split(
    site: Site,
    workload: Workload,
    *,
    merge: str = "canonical",
    heartbeat_us: int = 500_000,
    resend_us: int = 1_000_000,
) -> System:
    """Every region owns a sub-domain and accepts locally; a merge domain in each reconciles.

    `merge` is `canonical`, or `last-writer-wins` as the negative control.
    """
    if merge not in [str(policy) for policy in MergePolicy]:
        raise ValueError(f"{merge=} is no policy; choose one of {', '.join(MergePolicy)}")
    policy = MergePolicy(merge)
    layout = _Layout(site.topology, workload, ShipOptions(heartbeat_us=heartbeat_us, resend_us=resend_us))
    placements = layout.stores(SplitShard, lambda ctx, options: SplitShard(ctx, options, policy=policy))
    return layout.system(placements, SplitShard, split_ledger)


def _home(site: Site, workload: Workload, home: str, ship: ShipOptions, *, commit_regions: int) -> System:
    layout = _Layout(site.topology, workload, ship)
    number = layout.number_of(home)
    placements = layout.stores(
        HomeShard, lambda ctx, options: HomeShard(ctx, options, home=number, commit_regions=commit_regions)
    )
    return layout.system(placements, HomeShard, home_ledger)


class _Layout:
    """Shards and clients over a topology, the same for every design.

    Attributes:
        numbers: By region, its number.
        servers: By region, the locations of its servers.
        store_locations: By region, its stores by shard.
    """

    def __init__(self, topology: Topology, workload: Workload, ship: ShipOptions) -> None:
        self.numbers = {region: topology.region_number(region) for region in topology.regions}
        self.servers = {r: tuple(host.location for host in topology.servers(r)) for r in topology.regions}
        counts = {region: len(servers) for region, servers in self.servers.items()}
        if len(set(counts.values())) != 1 or not all(counts.values()):
            raise ValueError(f"regions have {counts} servers; give each the same number, at least 1")
        self.shards = next(iter(counts.values()))
        self.store_locations = {
            region: tuple(at_service(server, STORE) for server in servers) for region, servers in self.servers.items()
        }
        self._topology = topology
        self._workload = workload
        self._ship = ship

    def number_of(self, region: str) -> int:
        """A region's number; ValueError for an unknown one."""
        if region not in self.numbers:
            raise ValueError(f"home {region!r} is no region here; choose one of {', '.join(self.numbers)}")
        return self.numbers[region]

    def entry(self, region: str, account: int) -> Location:
        """The store of the region that has the account's shard."""
        return self.store_locations[region][shard_of(account, self.shards)]

    def stores(self, kind: type[Service], make: Callable[[Context, ShardOptions], Any]) -> list[Placement]:
        """A store of a kind on every server."""
        return [
            Placement(host=server, name=STORE, make=_maker(make, self._options(region, shard)), kind=kind)
            for region, servers in self.servers.items()
            for shard, server in enumerate(servers)
        ]

    def _options(self, region: str, shard: int) -> ShardOptions:
        others = [r for r in self.numbers if r != region]
        return ShardOptions(
            region=self.numbers[region],
            shard=shard,
            peers=tuple((self.numbers[r], self.store_locations[r][shard]) for r in others),
            opening_balance=self._workload.opening_balance,
            # The client has given up on the attempt by then.
            forward_timeout_us=self._workload.attempt_timeout_us,
            ship=self._ship,
        )

    def clients(self) -> list[Placement]:
        """A client service on every client host; regions share the load equally."""
        accounts = range(self._workload.accounts)
        cumulative = tuple(zipf_weights(len(accounts), self._workload.zipf_exponent))
        shards = [shard_of(account, self.shards) for account in accounts]
        placed = []
        for region, number in self.numbers.items():
            entries = tuple(self.store_locations[region][shard] for shard in shards)
            hosts = self._topology.clients(region)
            for index, host in enumerate(hosts):
                share = 1 / (len(self.numbers) * len(hosts))
                first_id = number << 48 | index << 40 | 1
                make = _client_maker(self._workload, share, first_id, entries, cumulative)
                placed.append(Placement(host=host.location, name=CLIENT, make=make, kind=Client))
        return placed

    def system(
        self,
        placements: Sequence[Placement],
        kind: type[_Store],
        read: Callable[[list[dict[int, _Store]]], Ledger],
    ) -> System:
        """The finished system; its ledger reads every store that is up and has recovered."""

        def ledger(service_of: Callable[[Location], Any]) -> Ledger:
            shards: list[dict[int, _Store]] = []
            missing = 0
            for shard in range(self.shards):
                found = {}
                for region, number in self.numbers.items():
                    store = service_of(self.store_locations[region][shard])
                    if isinstance(store, kind) and store.ready:
                        found[number] = store
                    else:
                        missing += 1
                shards.append(found)
            return replace(read(shards), missing=missing)

        return System(
            placements=(*placements, *self.clients()),
            stores=self.store_locations,
            entry=self.entry,
            ledger=ledger,
            records=BANK_RECORDS,
        )


def _maker(make: Callable[[Context, Any], Any], options: object) -> Callable[[Context], Any]:
    return lambda ctx: make(ctx, options)


def _client_maker(
    workload: Workload,
    share: float,
    first_id: int,
    entries: Sequence[Location],
    cumulative: Sequence[float],
) -> Callable[[Context], Client]:
    return lambda ctx: Client(ctx, workload, share=share, first_id=first_id, entries=entries, cumulative=cumulative)
