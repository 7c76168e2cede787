"""An outbox laid out: orders on shards, a relay where its checkpoint is, consumers on client hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from models.clients import Drawn, Draws, Workload, zipf_weights
from models.delivery_ends import OutboxEnd
from models.groups import Group, group_system, members_of, operator_of
from models.keyspace.storage import Stored, groups_of, key_space, near_home
from models.layout import maker
from models.ledger import Ledger
from models.mixes import DOMAIN_SHIFT
from models.outbox.consumer import Consumer
from models.outbox.feed import FeedOptions, FollowedShard
from models.outbox.orders import Orders, Place
from models.outbox.relay import Relay, RelayOptions
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy, MemberOptions
from models.store.schemes import Scheme
from models.store.words import scheme_of
from models.stores import home_of, noted
from models.system import BANK_RECORDS, Site, System
from sim.host import Placement
from sim.topology import Location, Topology, at_service

__all__ = ["RELAY", "OrderMix", "OutboxShard", "consumer_name", "lay_out", "outbox"]

RELAY: Final = "relay"


class OutboxShard(FollowedShard):
    """A shard whose log is kept until the relay has delivered what it carries."""

    CONSUMERS: ClassVar[tuple[str, ...]] = (RELAY,)


class OrderMix:
    """Orders of so many customers, of a Zipf activity."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._cumulative = zipf_weights(workload.accounts, workload.zipf_exponent)

    def draw(self, draws: Draws) -> Drawn:
        """Two draws."""
        customer = draws.pick(self._cumulative)
        amount = draws.between(self._workload.amount_min, self._workload.amount_max)
        return Drawn(Orders.number << DOMAIN_SHIFT | customer, Place(amount=amount), "place", amount)


def outbox(
    site: Site,
    workload: Workload,
    *,
    consumers: tuple[str, ...] = Orders.TOPICS,
    lanes: int = 4,
    window: int = 10_000,
    scheme: str = "multi-persist:2/3",
    shards: int = 1,
    home: str = "",
    placement: str = "",
    prune: bool = True,
    promote_after_us: int = 0,
) -> System:
    """Orders whose messages are relayed to the consumers of their topics.

    Shards lie near home or, with a `placement`, where the key space puts them (`models.keyspace.storage.PLACEMENTS`).

    Raises:
        ValueError: whatever of the options makes no sense here, all at once; such as a topic without a consumer.
    """
    return lay_out(
        site,
        workload,
        consumers=consumers,
        lanes=lanes,
        window=window,
        scheme=scheme,
        shards=shards,
        home=home,
        placement=placement,
        prune=prune,
        promote_after_us=promote_after_us,
    )


def lay_out(
    site: Site,
    workload: Workload,
    relay: type[Relay] = Relay,
    consumer: type[Consumer] = Consumer,
    *,
    consumers: tuple[str, ...] = Orders.TOPICS,
    lanes: int = 4,
    window: int = 10_000,
    scheme: str = "multi-persist:2/3",
    shards: int = 1,
    home: str = "",
    placement: str = "",
    prune: bool = True,
    promote_after_us: int = 0,
) -> System:
    """As `outbox`, with other kinds of relays and consumers; ValueError as for that."""
    problems: list[str] = []
    topology = site.topology
    place = noted(problems, lambda: home_of(topology, home))
    chosen: Scheme | None = noted(problems, lambda: scheme_of(scheme))
    problems += _topics(consumers)
    if window < 1:
        problems.append(f"{window=} remembers no message, and a relay delivers some twice; give at least 1")
    if place is not None and not topology.clients(place):
        problems.append(f"{place} has no client host for consumers; give it `clients` of at least 1")
    groups: Sequence[Group] = ()
    if chosen is not None and place is not None:
        groups = noted(problems, lambda: _shards(topology, chosen, place, shards, placement)) or ()
    at = {} if problems or place is None else _places(topology, place, consumers)
    options = noted(problems, lambda: RelayOptions(consumers=tuple(at.items()), lanes=lanes))
    if problems:
        raise ValueError("; ".join(problems))
    assert place is not None
    assert chosen is not None
    log = LogPolicy(segment=10, snapshots=SnapshotPolicy(every=8), truncate=prune, sweep=prune, every_us=200_000)
    member = MemberOptions(number=0, shard=0, home=0, log=log, forward_timeout_us=workload.attempt_timeout_us)
    placements = [one for group in groups for one in members_of(group, member, OutboxShard)]
    members = tuple(tuple(location for _, location in group.members) for group in groups)
    host = _seat(topology, chosen, place, placement)
    feed = FeedOptions(consumer=RELAY, shards=members)
    placements.append(Placement(host=host, name=RELAY, make=maker(relay, feed, options), kind=relay))
    placements += [
        Placement(host=_host(location), name=consumer_name(topic), make=maker(consumer, window), kind=consumer)
        for topic, location in at.items()
    ]
    if promote_after_us:
        placements.append(operator_of(topology.clients(place)[0].location, groups, promote_after_us, -1))
    system = group_system(topology, workload, OrderMix(workload), groups, placements=placements, records=BANK_RECORDS)
    assert system.ledger is not None
    read = system.ledger

    def ledger(service_of: Callable[[Location], Any]) -> Ledger:
        end = _end(at, at_service(host, RELAY), members, service_of)
        return replace(read(service_of), outbox=end)

    return replace(system, ledger=ledger)


def _shards(topology: Topology, scheme: Scheme, home: str, shards: int, placement: str) -> tuple[Group, ...]:
    """The shards of orders, which an outbox has the keys of: both lie in one group, and are written as one."""
    return groups_of(topology, Orders(), scheme, home, shards, stored=Stored.OUTBOX, placement=placement)


def _seat(topology: Topology, scheme: Scheme, home: str, placement: str) -> Location:
    """The host of the relay's mark, which is a checkpoint, and so of the relay: near home, the last of its servers."""
    space = near_home(topology, home, scheme, first=-1)
    if placement:
        space = key_space(topology, placement=placement, parts={(Stored.CHECKPOINT, Orders.number): 1})
    (seat,) = space.places(Stored.CHECKPOINT, 0, RELAY, number=Orders.number, n=1)
    return _host(seat)


def consumer_name(topic: str) -> str:
    """What the consumer of a topic is called on its host."""
    return f"consumer-{topic}"


def _topics(consumers: tuple[str, ...]) -> list[str]:
    """Topics of which nobody hears, and consumers of none."""
    problems = [
        f"topic {topic!r} of domain {Orders.name!r} has no consumer, so what is written to the outbox under it "
        f"would wait for ever and keep the log from being pruned; name one in `consumers`"
        for topic in Orders.TOPICS
        if topic not in consumers
    ]
    known = ", ".join(Orders.TOPICS)
    problems += [
        f"consumer {topic!r} hears of nothing: no event carries this topic; choose from {known}"
        for topic in consumers
        if topic not in Orders.TOPICS
    ]
    if len(set(consumers)) < len(consumers):
        problems.append(f"{consumers=} names a topic twice; one consumer a topic")
    return problems


def _places(topology: Topology, place: str, consumers: Sequence[str]) -> dict[str, Location]:
    """Where the consumer of each topic is: on the client hosts in turns, the last first."""
    hosts = topology.clients(place)[::-1]
    return {
        topic: at_service(hosts[index % len(hosts)].location, consumer_name(topic))
        for index, topic in enumerate(consumers)
    }


def _end(
    at: dict[str, Location],
    relay: Location,
    members: Sequence[tuple[Location, ...]],
    service_of: Callable[[Location], Any],
) -> OutboxEnd:
    found = {topic: service_of(location) for topic, location in at.items()}
    relays = service_of(relay)
    shards = [service_of(location) for group in members for location in group]
    return OutboxEnd(
        received={topic: tuple(one.received) if isinstance(one, Consumer) else None for topic, one in found.items()},
        pruned=sum(one.journal.base.position for one in shards if isinstance(one, FollowedShard) and one.leads),
        waiting=sum(sum(left.values()) for left in relays.waiting.values()) if isinstance(relays, Relay) else None,
    )


def _host(at: Location) -> Location:
    return Location((int(at) >> 64) << 64)
