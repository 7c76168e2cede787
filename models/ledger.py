"""What a run came to: every event in the final order, as values, read from the stores at the end.

This is how an experiment learns the truth of a design without its objects. The final order is
the home's log in unsplit designs and the canonical order of the merge in the split.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from models.addressing import EventAddress, conflicts, unpack_type
from models.delivery_ends import OutboxEnd, OutsideEnd
from models.detection_end import DetectionEnd
from models.domain import Denied, Event
from models.domains.bank_account import Deposited, Withdrawn
from models.ends import ShardEnd
from models.heard_end import forgotten, known
from models.loading_end import LoadingEnd
from models.merging.policies import LastWriter, SilentLastWriter
from models.merging.rights import Granted
from models.merging.writes import Merged, Superseded, Write
from models.merging_end import Merging, MergingEnd, collisions, merging_end
from models.ordinals import pack_ordinal, unpack_ordinal
from models.pipeline_end import PipelineEnd
from models.placing_end import PlacingEnd
from models.reading_end import ReadingEnd
from models.retrying_end import RetryingEnd
from models.sequence_end import SequenceEnd
from models.services_end import ServicesEnd
from models.split import SplitShard, write_of
from models.store.group.aside import AsideKey, aside_key
from models.store.group.lineage import common_prefix, reached
from models.store.log.entries import OWN, Entry, audited, instance_of, version_of
from models.store.log.journal import Answered
from models.store.log.streams import command_key
from models.store.serving import Serving
from models.tenancy import operation_of
from models.visible_end import VisibleEnd

__all__ = [
    "EventKind",
    "FinalEvent",
    "Ledger",
    "Status",
    "home_ledger",
    "pack_ordinal",
    "split_ledger",
    "unpack_ordinal",
]


class EventKind(StrEnum):
    """What an event says happened."""

    DEPOSITED = "deposited"
    WITHDRAWN = "withdrawn"
    DENIED = "denied"
    OTHER = "other"  # of a domain without amounts, or no longer kept in full


class Status(StrEnum):
    """What became of an event."""

    MERGED = "merged"  # in its final place, with its effect
    COMPENSATED = "compensated"  # acknowledged, later reversed, with notice
    SUPERSEDED = "superseded"  # overwritten without notice
    TENTATIVE = "tentative"  # not yet in its final place when the run ended
    DIVERGENT = "divergent"  # set aside by a failover, or still to be; not reconciled when the run ended


class FinalEvent(NamedTuple):
    """One event and its fate.

    `ordinal` is compared with the notes that `Ledger.watermark` names, of the same shard. For
    `applied` both are an epoch and a position (`unpack_ordinal`; the rule is in `models.ordinals`),
    for `stable` a time stamp. `region` accepted it. Of several tenants `command_id` is the operation's
    of the history, since each counts its commands for itself (`models.tenancy`). `event` is the fact, None where it is
    no longer kept in full; `origin` and `position` are its place in its stream, and `seen` what its writer had of
    others, where there are several.
    """

    account: int
    command_id: int
    kind: EventKind
    amount: int
    accepted_us: int
    region: int
    shard: int
    ordinal: int
    status: Status
    address: int
    tenant: int = 0
    told: int | str | None = None
    event: Event | None = None
    origin: int = 0
    position: int = 0
    seen: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The end of a run.

    Attributes:
        final: By account, the events in the final order.
        balances: By region number, that region's view of each account that it knows of.
        stable: In a split, the same as far as it is final; `balances` are tentative beyond it.
        divergent: What failovers set aside: merged or compensated where the operator has dealt
            with it (a merged one stands in `final` too, as it was accepted again), else divergent.
            Also what a copy of an older reign, cut off at the end, would have to give up.
        conflicts: Addresses that stood for two different events.
        watermark: Name of the note that says how far a region is: `applied` or `stable`.
        missing: Stores that were down or still recovering at the end; what they hold is in none of
            the above, so an event that is nowhere may be there.
        ends: How the members of each shard ended, where their schemes are to be judged.
        sequence: The global sequence, where there is one.
        placing: The key space, where the store is placed by it.
        loading: The handlers before the store, where there are any.
        pipeline: The API servers before the store, where there are any.
        services: The service that is provisioned, where there is one.
        outside: What a world outside did, where there is one.
        outbox: What consumers of an outbox received, where there is one.
        reading: The read side, where there is one.
        retrying: What hedged calls came to, where there are any.
        detection: Whom detectors suspected, where detectors are what is studied.
        merging: The merge of sub-domains, where the domain is split.
        visible: What clients were told with a chance, where they are.
        remembered: In a split, what became of writes that nobody keeps any more, since whoever accepted them is gone
            and the others have settled them: by region that accepted, aggregate and version.
        place: The index in `ends` of the shard that an aggregate, of a tenant (0 if none is given), belongs to.
        tenants: Whose commands they are.
    """

    final: Mapping[int, tuple[FinalEvent, ...]]
    balances: Mapping[int, Mapping[int, int | str | None]]
    divergent: tuple[FinalEvent, ...]
    conflicts: int
    watermark: str
    missing: int = 0
    ends: tuple[ShardEnd, ...] = ()
    sequence: SequenceEnd | None = None
    placing: PlacingEnd | None = None
    loading: LoadingEnd | None = None
    pipeline: PipelineEnd | None = None
    services: ServicesEnd | None = None
    outside: OutsideEnd | None = None
    outbox: OutboxEnd | None = None
    reading: ReadingEnd | None = None
    retrying: RetryingEnd | None = None
    detection: DetectionEnd | None = None
    merging: MergingEnd | None = None
    visible: VisibleEnd | None = None
    stable: Mapping[int, Mapping[int, int | str | None]] = field(default_factory=lambda: MappingProxyType({}))
    remembered: Mapping[tuple[int, int, int], Status] = field(default_factory=lambda: MappingProxyType({}))
    place: Callable[..., int] | None = field(default=None, compare=False)
    tenants: int = 1


def home_ledger(shards: Sequence[Mapping[int, Serving]], *, tenants: int = 1) -> Ledger:
    """The ledger of an unsplit design.

    Args:
        shards: For each shard, its members by number; hosts that are down at the end are left out.
        tenants: Whose commands they are.
    """
    final: dict[int, list[FinalEvent]] = defaultdict(list)
    divergent: list[FinalEvent] = []
    clashes = 0
    for number, copies in enumerate(shards):
        # Of two that both take themselves for the leader, the later reign counts; where it is
        # down, the longest log of the latest reign is the most that can be known.
        ranked = sorted(copies.items(), key=lambda item: _rank(item[1]))
        if not ranked:
            continue
        truth = ranked[-1][1]
        for answered in truth.journal.base.window:
            final[instance_of(answered.address)].append(_no_longer_kept(answered, number, tenants))
        kept = [entry for entry in truth.journal.entries if entry.tenant != OWN]
        for entry in kept:
            event = _final(entry, number, pack_ordinal(entry.epoch, entry.position), Status.MERGED, tenants)
            final[event.account].append(event)
        aside = _set_aside(list(copies.values()), truth)
        divergent += [_final(e, number, pack_ordinal(e.epoch, e.position), status, tenants) for e, status in aside]
        # Two requests that led to equal facts are two events all the same.
        clashes += len(conflicts([_audited(e) for e, _ in aside], dict(map(_audited, kept))))
    return Ledger(
        final={account: tuple(final[account]) for account in sorted(final)},
        balances=_balances(shards),
        divergent=tuple(divergent),
        conflicts=clashes,
        watermark="applied",
        tenants=tenants,
    )


def _rank(copy: Serving) -> tuple[int, bool, int]:
    length = copy.journal.length
    alone = copy.options.scheme.holders == 1
    return (copy.epoch if alone else reached(copy.reigns, length), copy.leads, length)


def split_ledger(shards: Sequence[Mapping[int, SplitShard]], *, merging: Merging, regions: Mapping[int, int]) -> Ledger:
    """The ledger of a split.

    Args:
        shards: For each shard, its stores by sub-domain; hosts that are down at the end are left out.
        merging: What it is merged by.
        regions: By sub-domain, the number of the region that it is in.
    """
    final: dict[int, list[FinalEvent]] = defaultdict(list)
    remembered: dict[tuple[int, int, int], Status] = {}
    for number, stores in enumerate(shards):
        entries = known(stores, merging.sources)
        statuses = _statuses(list(stores.values()), entries)
        for address, counts in forgotten(stores, entries).items():
            region = regions[unpack_type(EventAddress.unpack(address).type_id).incarnation]
            told = any(store.superseded.get(address, False) for store in stores.values())
            status = Status.MERGED if counts else Status.COMPENSATED if told else Status.SUPERSEDED
            remembered[region, instance_of(address), version_of(address)] = status
        for entry in entries:
            if isinstance(entry.event, Granted):
                continue  # no client asked for it, and it changes no state of the whole
            event = _final(entry, number, entry.stamp_us, statuses[entry.address], region=regions[entry.origin])
            final[event.account].append(event)
    return Ledger(
        final={account: tuple(final[account]) for account in sorted(final)},
        balances=_balances(shards),
        divergent=(),
        conflicts=collisions(shards),
        watermark="stable",
        stable=_stable(shards),
        merging=merging_end(merging, shards),
        remembered=MappingProxyType(remembered),
    )


def _statuses(stores: Sequence[SplitShard], entries: Sequence[Entry]) -> dict[int, Status]:
    """By address, what became of the entries of a shard, given in canonical order."""
    settled: dict[int, int] = defaultdict(int)
    superseded: dict[int, bool] = {}
    for store in stores:
        for region, position in store.merge.vector().items():
            settled[region] = max(settled[region], position)
        for region, _, given in store.merge.standing().lost:
            settled[region] = max(settled[region], given)
    # Who is furthest has the last word of what was put out.
    for store in sorted(stores, key=lambda store: store.merge.cut_us):
        superseded = superseded | store.superseded if store.superseded else superseded
    overwritten = _overwritten(stores, entries)
    found = {}
    for entry in entries:
        status = Status.MERGED if entry.position <= settled[entry.origin] else Status.TENTATIVE
        if entry.address in superseded:
            status = Status.COMPENSATED if superseded[entry.address] else Status.SUPERSEDED
        elif entry.address in overwritten:
            status = Status.SUPERSEDED
        found[entry.address] = status
    return found


def _overwritten(stores: Sequence[SplitShard], entries: Sequence[Entry]) -> set[int]:
    """What last writer wins lost without a word; nothing under any policy that tells."""
    if not any(isinstance(store.merge.policy, SilentLastWriter) for store in stores):
        return set()
    told = LastWriter(stores[0].domain)
    by_aggregate: dict[int, list[Write]] = defaultdict(list)
    for entry in entries:
        by_aggregate[instance_of(entry.address)].append(write_of(entry))
    lost: set[int] = set()
    for writes in by_aggregate.values():
        held = told.begin()
        for write in writes:
            held, outputs = told.step(held, write)
            for output in outputs:
                if isinstance(output, Superseded):
                    lost.add(output.address)
                elif isinstance(output, Merged):
                    lost.discard(output.address)
    return lost


def _set_aside(copies: Sequence[Serving], truth: Serving) -> list[tuple[Entry, Status]]:
    """What was set aside, then what copies of older reigns would have to; each entry once."""
    found: dict[AsideKey, tuple[Entry, Status]] = {}
    if truth.options.scheme.holders > 1:
        return []  # what the truth does not hold was never acknowledged
    for store in copies:
        for entry in store.aside.entries:
            found.setdefault(aside_key(entry), (entry, _fate(store, entry)))
    for store in copies:
        if store.epoch < truth.epoch:
            keep = common_prefix(store.reigns, store.journal.length, truth.reigns)
            for entry in store.journal.after(max(keep, store.journal.base.position)):
                found.setdefault(aside_key(entry), (entry, Status.DIVERGENT))
    return list(found.values())


def _audited(entry: Entry) -> tuple[int, tuple[Any, ...]]:
    """Where an event is, unique over all tenancies, and what it is."""
    return command_key(entry.tenant, entry.address), audited(entry.event_id, entry.event)


def _fate(store: Serving, entry: Entry) -> Status:
    merged = store.aside.outcomes.get(aside_key(entry))
    if merged is None:
        return Status.DIVERGENT
    return Status.MERGED if merged else Status.COMPENSATED


def _final(
    entry: Entry, shard: int, ordinal: int, status: Status, tenants: int = 1, *, region: int | None = None
) -> FinalEvent:
    event = entry.event
    kind, amount = EventKind.OTHER, 0
    if isinstance(event, Deposited | Withdrawn):
        kind = EventKind.DEPOSITED if isinstance(event, Deposited) else EventKind.WITHDRAWN
        amount = event.amount
    elif isinstance(event, Denied):
        kind = EventKind.DENIED
    return FinalEvent(
        instance_of(entry.address),
        operation_of(entry.tenant, entry.event_id, tenants),
        kind,
        amount,
        entry.accepted_us,
        entry.origin if region is None else region,
        shard,
        ordinal,
        status,
        entry.address,
        entry.tenant,
        entry.told,
        event,
        entry.origin,
        entry.position,
        entry.seen,
    )


def _no_longer_kept(answered: Answered, shard: int, tenants: int) -> FinalEvent:
    """An event whose entry went behind a snapshot: that it counted is all that is known of it."""
    kind = EventKind.OTHER if answered.denied is None else EventKind.DENIED
    tenant, command_id = divmod(answered.key, 1 << 128)
    return FinalEvent(
        instance_of(answered.address),
        operation_of(tenant, command_id, tenants),
        kind,
        0,
        0,
        0,
        shard,
        0,
        Status.MERGED,
        answered.address,
        tenant,
        answered.told,
    )


def _stable(shards: Sequence[Mapping[int, SplitShard]]) -> dict[int, dict[int, int | str | None]]:
    views: dict[int, dict[int, int | str | None]] = defaultdict(dict)
    for stores in shards:
        for number, store in stores.items():
            views[number].update(store.stable_balances())
    return {number: dict(sorted(views[number].items())) for number in sorted(views)}


def _balances(shards: Sequence[Mapping[int, Serving | SplitShard]]) -> dict[int, dict[int, int | str | None]]:
    views: dict[int, dict[int, int | str | None]] = defaultdict(dict)
    for regions in shards:
        for region, store in regions.items():
            views[region].update(store.told() if isinstance(store, Serving) else store.balances())
    return {region: dict(sorted(views[region].items())) for region in sorted(views)}
