"""A queue laid out: shards where the key space places them, producers, consumers, a receiver, and a desk.

The line of the key space is cut into `partitions`; each is a shard of the queue, a replication group whose members
are on the hosts that the placement gives it, the first of which leads at first. Where a key's letters are is asked
of the placement and nobody else. Shards stay where the first map puts them: who holds which letter is memory of the
leader's, and a stretch that moved would bring all that is held back once.

Producers and consumers are on every client host; the receiver, the desk and the operators on the first of the
home region, out of the way of what befalls servers.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Unpack

from models.addressing import Scope, pack_type
from models.clients import Workload
from models.factories import KeptOptions, LogOptions, Reading
from models.groups import backups_of, operator_of
from models.keyspace.directory import Line, first_directory
from models.keyspace.layout import first_map
from models.keyspace.placement import check_length, nodes_of
from models.keyspace.storage import PLACEMENTS, Stored, key_of, key_space
from models.keyspace.tablets import TabletMap
from models.queue.broker import Broker
from models.queue.consumer import ConsumerOptions
from models.queue.lanes import Lanes, Parking
from models.queue.layout import RECEIVER, QueueLayout
from models.queue.options import Mode, Overflow, QueueOptions
from models.queue.producer import ProducerOptions
from models.store.group.wire import ShipOptions
from models.store.schemes import SCHEMES, Scheme
from models.system import Site, System
from sim.topology import Topology, at_service
from sim.wording import way_to

__all__ = ["queue"]


def queue(
    site: Site,
    workload: Workload,
    kind: type[Broker] = Broker,
    lanes: type[Lanes] = Lanes,
    *,
    mode: str = "at-least-once",
    scheme: str = "multi-persist:2/3",
    placement: str = "ring",
    partitions: int = 2,
    home: str = "",
    vnodes: int = 64,
    slots: int = 0,
    salt: int = 0,
    ordered: bool = True,
    visibility_us: int = 1_000_000,
    attempts: int = 0,
    parking: str = "none",
    depth: int = 0,
    overflow: str = "refuse",
    waiting: int = 64,
    window: int = 0,
    batch: int = 1,
    linger_us: int = 0,
    take: int = 1,
    consumers: int = 2,
    wait_us: int = 200_000,
    work_us: int = 1_000,
    stall_share: float = 0.0,
    stall_us: int = 0,
    poison_share: float = 0.0,
    cured_us: int = -1,
    retry_us: int = -1,
    promote_after_us: int = 0,
    force_after_us: int = -1,
    gather_us: int = 500_000,
    heartbeat_us: int = 200_000,
    resend_us: int = 500_000,
    backup_every_us: int = 0,
    **log: Unpack[LogOptions],
) -> System:
    """A queue under one scheme. Keys are the workload's accounts; 0 stands for never, or for any number.

    Its members are of a `kind` and store `lanes`, which are no options: a subclass is a queue that differs in that.

    Args:
        site: Where.
        workload: What producers do.
        kind: What members are.
        lanes: What they store.
        mode: `at-most-once`, `at-least-once` or `deduplicated`.
        scheme: When a message is acknowledged; its copies and spread decide how long the preference list is.
        placement: What shards are placed by.
        partitions: How many shards there are.
        home: Region of the receiver and the people; the first if empty.
        vnodes: Virtual nodes on a ring.
        slots: Of open addressing; twice the partitions if 0.
        salt: Decides every hash.
        ordered: As the other options of this block, in `QueueOptions`.
        visibility_us: The same.
        attempts: The same.
        parking: The same: `none`, `alone` or `sequenced`.
        depth: The same.
        overflow: The same: `refuse` or `wait`.
        waiting: The same.
        window: The same; also of the receiver.
        batch: Messages that a producer sends together.
        linger_us: How long the first of them waits.
        take: Letters that a consumer takes together.
        consumers: On each client host.
        wait_us: How long a consumer's request waits for a letter.
        work_us: Mean time that a letter takes a consumer.
        stall_share: Chance that a consumer stands still at a batch.
        stall_us: For how long.
        poison_share: Share of the messages that are poison.
        cured_us: From when on none is; below 0 for never.
        retry_us: When the desk has what is parked tried again; below 0 for never.
        promote_after_us: How long a shard is without a leader before operators promote another.
        force_after_us: From then to forcing it; below 0 for never.
        gather_us: How long one that is forced listens.
        heartbeat_us: Of the shards.
        resend_us: Of the shards.
        backup_every_us: Between backups.
        log: How members keep their logs; an aggregate is a lane.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    read, topology = Reading(site, workload), site.topology
    chosen, place = read.scheme(scheme), read.home(home)
    numbers = {"ordered": ordered, "visibility_us": visibility_us, "depth": depth, "waiting": waiting}
    how = _behaviour(read, (mode, parking, overflow), window=window, attempts=attempts, **numbers)
    kept: KeptOptions = {**log, "window": max(window, 1), "store_denials": False}  # type: ignore[typeddict-item]
    member = read.member(
        kept,
        ship=lambda: ShipOptions(heartbeat_us=heartbeat_us, resend_us=resend_us),
        scheme=replace(chosen or SCHEMES[1], holders=1, copies=None),
        event_type=pack_type(Scope.SERVICE, command=False, domain=lanes.number),
        gather_us=gather_us,
    )
    read.at_least(1, partitions=partitions, batch=batch, take=take, consumers=consumers, vnodes=vnodes)
    read.at_least(1, wait_us=wait_us, work_us=work_us)
    read.at_least(0, linger_us=linger_us, stall_us=stall_us)
    read.never_or(promote_after_us=promote_after_us, backup_every_us=backup_every_us)
    read.problems += _of_clients(batch, linger_us, depth, stall_share, stall_us, poison_share)
    if parking == "none" and retry_us >= 0:
        read.problems.append(f"{retry_us=} has what is parked tried again, and nothing parks; choose a `parking`")
    if place is not None and not topology.clients(place):
        read.problems.append(f"region {place!r} has no client host, where the receiver would be; give it one")
    if placement not in PLACEMENTS:
        read.problems.append(f"{placement=} is no placement; {way_to(placement, PLACEMENTS)}")
    enough = chosen is not None and read.of(lambda: _enough(topology, scheme, chosen))
    start = None
    if chosen is not None and enough and placement in PLACEMENTS and partitions > 0 < vnodes:
        first = partial(_first, topology, workload, lanes.number, chosen, placement, partitions)
        start = read.of(lambda: first(vnodes=vnodes, salt=salt, slots=slots))
    read.done()
    assert chosen is not None
    assert place is not None
    assert how is not None
    assert member is not None
    assert start is not None
    laid = QueueLayout(
        topology=topology,
        workload=workload,
        scheme=chosen,
        domain=lanes(attempts, how.parking),
        queue=how,
        home=place,
        directory=first_directory(start, Line(None if placement == "tablets" else salt)),
    )
    once = how.mode is Mode.AT_MOST_ONCE
    producing = ProducerOptions(share=1.0, first_id=1, batch=batch, linger_us=linger_us, once=once, poison=poison_share)
    consuming = ConsumerOptions(
        name="",
        first_id=0,
        receiver=at_service(laid.desk, RECEIVER),
        batch=take,
        wait_us=wait_us,
        work_us=work_us,
        stall=stall_share,
        stall_us=stall_us,
        cured_us=cured_us,
        ask_us=workload.attempt_timeout_us,
        until_us=1 << 62,
    )
    placements = [
        *laid.members(kind, member),
        *laid.producers(producing),
        *laid.consumers(consuming, consumers),
        *laid.beside(retry_us),
    ]
    if promote_after_us:
        placements.append(operator_of(laid.desk, laid.groups, promote_after_us, force_after_us))
    if backup_every_us:
        placements.append(backups_of(laid.desk, laid.groups, backup_every_us))
    return laid.system(placements, backed_up=backup_every_us > 0)


def _behaviour(
    read: Reading, words: tuple[str, str, str], *, window: int, attempts: int, **numbers: Any
) -> QueueOptions | None:
    """How the queue behaves, by the words for its mode, its parking and its overflow, and the rest."""
    mode: Mode | None = read.of(lambda: _word(Mode, "mode", words[0]))
    parking: Parking | None = read.of(lambda: _word(Parking, "parking", words[1]))
    overflow: Overflow | None = read.of(lambda: _word(Overflow, "overflow", words[2]))
    # In place of a word that is none stands one that goes with the rest, so that no mistake is told that is not there.
    return read.of(
        lambda: QueueOptions(
            mode=mode or (Mode.DEDUPLICATED if window else Mode.AT_LEAST_ONCE),
            parking=parking or (Parking.ALONE if attempts else Parking.NONE),
            overflow=overflow or Overflow.REFUSE,
            window=window,
            attempts=attempts,
            **numbers,
        )
    )


def _enough(topology: Topology, words: str, scheme: Scheme) -> bool:
    """True; ValueError where servers stand in too few zones for a scheme."""
    try:
        check_length(scheme.members, nodes_of(topology), scheme.spread)
    except ValueError as refused:
        raise ValueError(f"scheme={words!r}: {refused}") from None
    return True


def _first(
    topology: Topology,
    workload: Workload,
    number: int,
    scheme: Scheme,
    placement: str,
    partitions: int,
    **placed: Any,
) -> TabletMap:
    """Who holds which stretch of the lanes of a domain's number; ValueError for what the placement refuses."""
    holders = None
    if placement != "tablets":
        parts = {(Stored.QUEUE, number): partitions}
        space = key_space(
            topology, placement=placement, spread=scheme.spread, copies=scheme.members, parts=parts, **placed
        )
        holders = partial(space.holders, Stored.QUEUE, number=number, n=scheme.members)
    return first_map(
        holders, partial(key_of, Stored.QUEUE, number=number), nodes_of(topology), scheme, workload, partitions
    )


def _word(kind: type[Any], name: str, word: str) -> Any:
    if word not in [str(one) for one in kind]:
        raise ValueError(f"{name}={word!r} is no {name}; {way_to(word, [str(one) for one in kind])}")
    return kind(word)


def _of_clients(
    batch: int, linger_us: int, depth: int, stall_share: float, stall_us: int, poison_share: float
) -> list[str]:
    """What of producers and consumers does not go together."""
    found = []
    if batch > 1 and linger_us < 1:
        found.append(f"{batch=} messages never meet with linger_us={linger_us}; let the first wait, or send one by one")
    if batch == 1 and linger_us > 0:
        found.append(f"{linger_us=} waits for others that batch=1 does not take; give a `batch`, or leave it out")
    if 0 < depth < batch:
        found.append(f"{batch=} messages never fit in {depth=}; deepen the queue, or send fewer together")
    for name, share in (("stall_share", stall_share), ("poison_share", poison_share)):
        if not 0 <= share <= 1:
            found.append(f"{name}={share} is no share; give a number in [0, 1]")
    if (stall_share > 0) != (stall_us > 0):
        found.append(f"{stall_share=} with {stall_us=}: who stands still does so for some time; give both or none")
    return found
