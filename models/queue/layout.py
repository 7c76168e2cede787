"""Where the parts of a queue are: brokers, producers, consumers, receiver, desk; and how its end is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from models.clients import Workload
from models.ends import ShardEnd, shard_end
from models.groups import BACKUPS, Group, store_name
from models.keyspace.directory import Directory
from models.keyspace.storage import Stored, key_of
from models.layout import CLIENT, maker
from models.ledger import Ledger, home_ledger
from models.queue.broker import Broker
from models.queue.clients import Brokers
from models.queue.consumer import Consumer, ConsumerOptions, Receiver
from models.queue.desk import Desk, DeskOptions
from models.queue.lanes import Lanes
from models.queue.options import QueueOptions
from models.queue.producer import Producer, ProducerOptions
from models.store.options import MemberOptions
from models.store.schemes import Scheme
from models.store.serving import Serving
from models.system import System
from sim.host import Context, Placement
from sim.topology import Location, Topology, at_service

__all__ = ["CONSUMER", "DESK", "RECEIVER", "RECORDS", "QueueLayout"]

CONSUMER: Final = "consumer"
DESK: Final = "desk"
RECEIVER: Final = "receiver"
#: What its clients record: `append` by producers, `deliver` by the receiver, and words of their own beside.
RECORDS: Final = "subscription"

#: Where ids of operations begin that are not the producers'; those of producers are below.
_CONSUMERS_FIRST: Final = 1 << 56
_RECEIVER_FIRST: Final = 1 << 60
_DESK_FIRST: Final = 1 << 61


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLayout:
    """What of a queue is where."""

    topology: Topology
    workload: Workload
    scheme: Scheme
    domain: Lanes
    queue: QueueOptions
    home: str
    directory: Directory

    @property
    def desk(self) -> Location:
        """The host of the receiver and the people."""
        return self.topology.clients(self.home)[0].location

    @property
    def groups(self) -> tuple[Group, ...]:
        """The shards, by their stretches of the line."""
        return tuple(
            Group(
                domain=self.domain,
                shard=shard,
                scheme=self.scheme,
                hosts=held.owners,
                members=tuple((host + 1, self._at(shard, host)) for host in held.owners),
            )
            for shard, held in enumerate(self.directory.held)
        )

    def _at(self, shard: int, host: int) -> Location:
        return at_service(self.topology.hosts[host].location, store_name(self.domain.name, shard))

    def members(self, kind: type[Broker], options: MemberOptions) -> list[Placement]:
        """The brokers."""
        placed = []
        for group in self.groups:
            for host, (number, _) in zip(group.hosts, group.members, strict=True):
                mine = replace(
                    options,
                    number=number,
                    shard=group.shard,
                    peers=tuple(member for member in group.members if member[0] != number),
                    home=group.members[0][0],
                    scheme=self.scheme,
                )
                make = maker(kind, mine, self.domain, self.queue)
                name = store_name(self.domain.name, group.shard)
                placed.append(Placement(host=self.topology.hosts[host].location, name=name, make=make, kind=kind))
        return placed

    def producers(self, options: ProducerOptions) -> list[Placement]:
        """On every client host; regions share the load equally."""
        topology, placed = self.topology, []
        for region in topology.regions:
            hosts = topology.clients(region)
            for index, host in enumerate(hosts):
                first_id = topology.region_number(region) << 48 | index << 40 | 1
                mine = replace(options, share=1 / (len(topology.regions) * len(hosts)), first_id=first_id)
                make = self._client(region, partial(_producer, self.workload, mine))
                placed.append(Placement(host=host.location, name=CLIENT, make=make, kind=Producer))
        return placed

    def consumers(self, options: ConsumerOptions, each: int) -> list[Placement]:
        """On every client host, so many."""
        hosts = [host for region in self.topology.regions for host in self.topology.clients(region)]
        placed = []
        for count, (host, number) in enumerate((host, number) for host in hosts for number in range(each)):
            name = f"{CONSUMER}-{number}"
            mine = replace(options, name=f"{host.path}/{name}", first_id=_CONSUMERS_FIRST | count << 40 | 1)
            make = self._client(host.region, partial(_consumer, mine))
            placed.append(Placement(host=host.location, name=name, make=make, kind=Consumer))
        return placed

    def beside(self, retry_us: int) -> Sequence[Placement]:
        """The receiver and the desk."""
        fenced, window = self.queue.ordered, self.queue.window
        options = DeskOptions(
            first_id=_DESK_FIRST,
            retry_us=retry_us,
            audit_us=self.workload.audit_us,
            ask_us=self.workload.attempt_timeout_us,
        )
        receiver = partial(Receiver, window=window, fenced=fenced, first_id=_RECEIVER_FIRST)
        desk = self._client(self.home, partial(_desk, options))
        return (
            Placement(host=self.desk, name=RECEIVER, make=receiver, kind=Receiver),
            Placement(host=self.desk, name=DESK, make=desk, kind=Desk),
        )

    def _client(self, region: str, make: Callable[[Context, Brokers], Any]) -> Callable[[Context], Any]:
        # Each life of a client learns anew whom to ask.
        return lambda ctx: make(ctx, self._brokers(region))

    def _brokers(self, region: str) -> Brokers:
        """The shards as a client of a region begins to know them: the nearest member first, the home before others."""
        hosts, on_line = self.topology.hosts, self.directory.on_line
        lane = partial(key_of, Stored.QUEUE, number=self.domain.number)
        members = []
        for group in self.groups:
            far = [hosts[host].region != region for host in group.hosts]
            order = sorted(range(len(far)), key=lambda index, far=far: (far[index], index))  # type: ignore[misc]
            members.append([group.members[index][1] for index in order])
        begins = [held.begin for held in self.directory.held]
        return Brokers(begins, lambda key: on_line(lane(key)), members)

    def system(self, placements: Sequence[Placement], *, backed_up: bool) -> System:
        """What is placed, as a system whose end `ledger` reads.

        Args:
            placements: All of it.
            backed_up: Whether backups are among it.
        """
        groups = {store_name(group.domain.name, group.shard): group for group in self.groups}
        return System(
            placements=tuple(placements),
            ledger=self.ledger,
            records=RECORDS,
            groups={name: tuple(location for _, location in group.members) for name, group in groups.items()},
            backups={name: at_service(self.desk, BACKUPS) for name in groups} if backed_up else {},
        )

    def ledger(self, service_of: Callable[[Location], Any]) -> Ledger:
        """The end of a run, over all members that are up."""
        copies: list[Mapping[int, Serving]] = []
        ends: list[ShardEnd] = []
        missing = 0
        for group in self.groups:
            services = {number: service_of(location) for number, location in group.members}
            found = {number: one for number, one in services.items() if isinstance(one, Serving) and one.ready}
            missing += len(services) - len(found)
            copies.append(found)
            members = {(n, n - 1): one if isinstance(one, Serving) else None for n, one in services.items()}
            ends.append(shard_end(group.domain.name, group.shard, group.scheme, members))
        return replace(home_ledger(copies), missing=missing, ends=tuple(ends))


def _producer(workload: Workload, options: ProducerOptions, ctx: Context, brokers: Brokers) -> Producer:
    return Producer(ctx, workload, options, brokers)


def _consumer(options: ConsumerOptions, ctx: Context, brokers: Brokers) -> Consumer:
    return Consumer(ctx, options, brokers)


def _desk(options: DeskOptions, ctx: Context, brokers: Brokers) -> Desk:
    return Desk(ctx, options, brokers)
