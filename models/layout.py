"""Where clients and stores sit on a topology, the same for every design.

Clients of a region share its part of the load; each asks the entries that a design gives it. A
design that keeps a member of every shard in every region is laid out by `RegionLayout`: shard i of
a region is the store on its i-th server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Final, TypeVar

from models.addressing import Scope, pack_type
from models.clients import Client, Mix, Route, Workload
from models.confidence.routing import Believed
from models.confidence.visible.outcomes import Line
from models.confidence.visible.seeing import SeeingClient
from models.demand import LocalMix
from models.detection import Plan
from models.domain import Domain
from models.domains.bank_account import BankAccount
from models.factories import mix_of
from models.ledger import Ledger
from models.routing import RoutingClient
from models.store.group.wire import ShipOptions
from models.store.options import MemberOptions
from models.store.schemes import Scheme
from models.system import BANK_RECORDS, System
from sim.host import Context, Placement, Service
from sim.topology import Location, Topology, at_service

__all__ = ["CLIENT", "STORE", "RegionLayout", "client_placements", "maker", "primary_of", "shard_of"]

STORE: Final = "store"
CLIENT: Final = "client"

_Store = TypeVar("_Store")


def shard_of(account: int, shards: int) -> int:
    """The shard, from 0, that an aggregate belongs to; the same in every region and every run."""
    digest = blake2b(account.to_bytes(8, "big"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % shards


def primary_of(account: int, shards: int, regions: Sequence[str]) -> str:
    """The region where an aggregate is at home, where each has a home of its own: those of shards take turns."""
    return regions[shard_of(account, shards) % len(regions)]


def client_placements(
    topology: Topology,
    workload: Workload,
    mix: Mix,
    route_of: Callable[[str, int], Route],
    *,
    tenants: int = 1,
    detector: Plan | Believed | None = None,
    line: Line | None = None,
) -> list[Placement]:
    """A client service on every client host; regions share the load equally.

    Args:
        topology: Where the client hosts are.
        workload: What all of them together do.
        mix: What they ask for.
        route_of: By region and place among its clients, where they ask.
        tenants: For how many.
        detector: By their answers, whom they ask after the others; None to ask in the order of the route.
        line: What they believe of the way to who executes, if they are to say what became of what nobody answered.
    """
    placed = []
    kind = SeeingClient if line is not None else Client if detector is None else RoutingClient
    for region in topology.regions:
        hosts = topology.clients(region)
        asked = _near(mix, topology, region, workload) if workload.locality else mix
        number = topology.region_number(region)
        for index, host in enumerate(hosts):
            share = 1 / (len(topology.regions) * len(hosts))
            first_id = number << 48 | index << 40 | 1
            make = _client_maker(workload, share, first_id, route_of(region, index), asked, tenants, detector, line)
            placed.append(Placement(host=host.location, name=CLIENT, make=make, kind=kind))
    return placed


def _near(mix: Mix, topology: Topology, region: str, workload: Workload) -> Mix:
    """The same for clients of a region, who prefer what is at home there."""
    shards = len(topology.servers(region))
    primaries = [primary_of(account, shards, topology.regions) for account in range(workload.accounts)]
    return LocalMix(mix, region, primaries, workload.locality)


def maker(make: Callable[..., Any], *arguments: object) -> Callable[[Context], Any]:
    """What makes a service in each of its lives."""
    return lambda ctx: make(ctx, *arguments)


class RegionLayout:
    """Shards and clients over a topology where every region has a member of every shard.

    Args:
        topology: Where.
        workload: What its clients do.
        ship: How logs are shipped.
        domain: What is stored, the bank's accounts if not given.
        taking_turns: Whether each shard has a home of its own (`primary_of`); else all have the one that is asked for.
        line: As for `client_placements`.

    Attributes:
        numbers: By region, its number.
        servers: By region, the locations of its servers.
        store_locations: By region, its stores by shard.
        shards: How many shards there are.
        domain: What is stored.
    """

    def __init__(
        self,
        topology: Topology,
        workload: Workload,
        ship: ShipOptions,
        *,
        domain: Domain[Any] | None = None,
        taking_turns: bool = False,
        line: Line | None = None,
    ) -> None:
        self.numbers = {region: topology.region_number(region) for region in topology.regions}
        self.servers = {r: tuple(host.location for host in topology.servers(r)) for r in topology.regions}
        counts = {region: len(servers) for region, servers in self.servers.items()}
        if len(set(counts.values())) != 1 or not all(counts.values()):
            raise ValueError(f"regions have {counts} servers; give each the same number, at least 1")
        self.shards = next(iter(counts.values()))
        self.store_locations = {
            region: tuple(at_service(server, STORE) for server in servers) for region, servers in self.servers.items()
        }
        self.domain = BankAccount(opening_balance=workload.opening_balance) if domain is None else domain
        self._taking_turns = taking_turns
        self._line = line
        self._topology = topology
        self._workload = workload
        self._ship = ship
        self._shard_of = [shard_of(account, self.shards) for account in range(workload.accounts)]

    def number_of(self, region: str) -> int:
        """A region's number; ValueError for an unknown one."""
        if region not in self.numbers:
            raise ValueError(f"home {region!r} is no region here; choose one of {', '.join(self.numbers)}")
        return self.numbers[region]

    def entry(self, region: str, account: int) -> Location:
        """The store of the region that has the account's shard."""
        return self.store_locations[region][shard_of(account, self.shards)]

    def stores(self, kind: type[Service], scheme: Scheme, home: int, **more: Any) -> list[Placement]:
        """A store of a kind on every server; `more` is handed to it."""

        def make(options: MemberOptions) -> Callable[[Context], Any]:
            return lambda ctx: kind(ctx, options, self.domain, **more)  # type: ignore[call-arg]

        return [
            Placement(host=server, name=STORE, make=make(self.options(region, shard, scheme, home)), kind=kind)
            for region, servers in self.servers.items()
            for shard, server in enumerate(servers)
        ]

    def options(self, region: str, shard: int, scheme: Scheme, home: int) -> MemberOptions:
        """What the member of a shard in a region is told."""
        others = [r for r in self.numbers if r != region]
        if self._taking_turns:
            home = tuple(self.numbers.values())[shard % len(self.numbers)]
        return MemberOptions(
            number=self.numbers[region],
            shard=shard,
            peers=tuple((self.numbers[r], self.store_locations[r][shard]) for r in others),
            home=home,
            scheme=scheme,
            event_type=pack_type(Scope.SERVICE, command=False, domain=self.domain.number),
            # The client has given up on the attempt by then.
            forward_timeout_us=self._workload.attempt_timeout_us,
            ship=self._ship,
        )

    def clients(self) -> list[Placement]:
        """A client service on every client host, which asks the stores of its own region."""

        def route_of(region: str, _: int) -> Route:
            entries = tuple((store,) for store in self.store_locations[region])
            return lambda account: entries[self._shard_of[account]]

        mix = mix_of(self.domain, self._workload)
        return client_placements(self._topology, self._workload, mix, route_of, line=self._line)

    def system(
        self,
        placements: Sequence[Placement],
        kind: type[_Store],
        read: Callable[[list[dict[int, _Store]]], Ledger],
        *,
        operable: bool = False,
    ) -> System:
        """The finished system; its ledger reads every store that is up and has recovered.

        Of an `operable` one the stores of a shard are members of one group, that operators may act on.
        """

        def ledger(service_of: Callable[[Location], Any]) -> Ledger:
            shards: list[dict[int, _Store]] = []
            missing = 0
            for shard in range(self.shards):
                found = {}
                for region, number in self.numbers.items():
                    store = service_of(self.store_locations[region][shard])
                    if isinstance(store, kind) and store.ready:  # type: ignore[attr-defined]
                        found[number] = store
                    else:
                        missing += 1
                shards.append(found)
            return replace(read(shards), missing=missing)

        return System(
            placements=(*placements, *self.clients()),
            stores=self.store_locations,
            entry=self.entry,
            groups={
                f"{STORE}-{shard}": tuple(stores[shard] for stores in self.store_locations.values())
                for shard in range(self.shards if operable else 0)
            },
            ledger=ledger,
            records=BANK_RECORDS,
        )


def _client_maker(
    workload: Workload,
    share: float,
    first_id: int,
    route: Route,
    mix: Mix,
    tenants: int,
    detector: Plan | Believed | None,
    line: Line | None,
) -> Callable[[Context], Client]:
    if line is not None:
        return lambda ctx: SeeingClient(
            ctx, workload, share=share, first_id=first_id, route=route, mix=mix, tenants=tenants, line=line
        )
    if detector is None:
        return lambda ctx: Client(ctx, workload, share=share, first_id=first_id, route=route, mix=mix, tenants=tenants)
    return lambda ctx: RoutingClient(
        ctx, workload, share=share, first_id=first_id, route=route, mix=mix, tenants=tenants, detector=detector
    )
