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
from models.outbox.owned import OwnedConsumer, OwnedRelay
from models.outbox.owning import OwnerOptions
from models.outbox.relay import Relay, RelayOptions
from models.outbox.submitting import StoreOptions
from models.outbox.tenures import Tenure
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy, MemberOptions
from models.store.schemes import Scheme
from models.store.words import scheme_of
from models.stores import home_of, noted
from models.system import BANK_RECORDS, Site, System
from sim.host import Placement
from sim.topology import Location, Topology, at_service
from sim.wording import Refused

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
    relays: int = 1,
    fences: bool = True,
    suspect_us: int = 600_000,
    promote_after_us: int = 0,
) -> System:
    """Orders whose messages are relayed to the consumers of their topics.

    Shards lie near home or, with a `placement`, where the key space puts them (`models.keyspace.storage.PLACEMENTS`).
    Of several `relays` one delivers, and after so long a silence (`suspect`) another does; with `fences` consumers take
    nothing from the one before then (`models.outbox.owned`).

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
        relays=relays,
        fences=fences,
        suspect_us=suspect_us,
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
    relays: int = 1,
    fences: bool = True,
    suspect_us: int = 600_000,
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
    who = noted(problems, lambda: OwnerOptions(number=1, suspect_us=suspect_us))
    if place is not None and not 1 <= relays <= (servers := len(topology.servers(place))):
        problems.append(f"{relays=} do not fit on {servers} servers of {place}; give 1 to {servers}")
    tenures: Sequence[Group] = ()
    if relays > 1 and chosen is not None and place is not None:
        tenures = noted(problems, lambda: groups_of(topology, Tenure(), chosen, place, 1, first=1)) or ()
    if problems:
        raise Refused(problems)
    assert place is not None
    assert chosen is not None
    log = LogPolicy(segment=10, snapshots=SnapshotPolicy(every=8), truncate=prune, sweep=prune, every_us=200_000)
    member = MemberOptions(number=0, shard=0, home=0, log=log, forward_timeout_us=workload.attempt_timeout_us)
    placements = [one for group in groups for one in members_of(group, member, OutboxShard)]
    members = tuple(tuple(location for _, location in group.members) for group in groups)
    host = _seat(topology, chosen, place, placement)
    seats = [host, *(one.location for one in topology.servers(place)[::-1] if one.location != host)][:relays]
    if tenures:
        placements += _owned(seats, members, tenures[0], member, options, who)
        taking: type[Consumer] = OwnedConsumer
        make = maker(OwnedConsumer, window, fences)
    else:
        feed = FeedOptions(consumer=RELAY, shards=members)
        placements.append(Placement(host=host, name=RELAY, make=maker(relay, feed, options), kind=relay))
        taking, make = consumer, maker(consumer, window)
    placements += [
        Placement(host=_host(location), name=consumer_name(topic), make=make, kind=taking)
        for topic, location in at.items()
    ]
    if promote_after_us:
        watched = (*groups, *tenures)
        placements.append(operator_of(topology.clients(place)[0].location, watched, promote_after_us, -1))
    system = group_system(topology, workload, OrderMix(workload), groups, placements=placements, records=BANK_RECORDS)
    assert system.ledger is not None
    read = system.ledger

    def ledger(service_of: Callable[[Location], Any]) -> Ledger:
        end = _end(at, [at_service(seat, RELAY) for seat in seats], members, service_of)
        return replace(read(service_of), outbox=end)

    return replace(system, ledger=ledger)


def _owned(
    seats: Sequence[Location],
    members: tuple[tuple[Location, ...], ...],
    tenures: Group,
    member: MemberOptions,
    options: RelayOptions,
    who: OwnerOptions,
) -> list[Placement]:
    """Relays that follow each other, and the log that says which of them relays."""
    deciding = tuple(at for _, at in tenures.members)
    store = StoreOptions(shards=((Tenure.number, (deciding,)),))
    feed = FeedOptions(consumer=RELAY, shards=(deciding, *members))
    # Of tenures nothing is dropped: whoever begins anew reads them from the first on.
    placed = members_of(tenures, replace(member, log=LogPolicy()), FollowedShard)
    for index, host in enumerate(seats):
        peers = tuple(at_service(other, RELAY) for other in seats if other != host)
        make = maker(OwnedRelay, feed, options, store, replace(who, number=index + 1, peers=peers))
        placed.append(Placement(host=host, name=RELAY, make=make, kind=OwnedRelay))
    return placed


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
        f"{consumers=}: topic {topic!r} of domain {Orders.name!r} has no consumer, so what is written to the outbox "
        f"under it would wait for ever and keep the log from being pruned; add {topic!r}"
        for topic in Orders.TOPICS
        if topic not in consumers
    ]
    known = ", ".join(Orders.TOPICS)
    problems += [
        f"{consumers=}: {topic!r} hears of nothing, since no event carries this topic; choose from {known}"
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
    relays: Sequence[Location],
    members: Sequence[tuple[Location, ...]],
    service_of: Callable[[Location], Any],
) -> OutboxEnd:
    found = {topic: service_of(location) for topic, location in at.items()}
    found_relays = [service_of(relay) for relay in relays]
    known = [one for one in found_relays if isinstance(one, Relay) and (len(relays) == 1 or one.goes_on())]
    shards = [service_of(location) for group in members for location in group]
    return OutboxEnd(
        received={topic: tuple(one.received) if isinstance(one, Consumer) else None for topic, one in found.items()},
        pruned=sum(one.journal.base.position for one in shards if isinstance(one, FollowedShard) and one.leads),
        waiting=sum(sum(left.values()) for left in known[-1].waiting.values()) if known else None,
    )


def _host(at: Location) -> Location:
    return Location((int(at) >> 64) << 64)
