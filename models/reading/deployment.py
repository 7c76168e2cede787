"""A store with a read side: hosts that write and hosts that read, each failing and growing without the other.

The last `readers` servers of the home region read, the others write. In mode *async* consumers keep views on the
reading hosts; *inline*, rows are part of the write side's shards, and reading hosts only pass queries on; *live*,
reading hosts fold the logs at each query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from models.addressing import Scope, pack_type
from models.clients import BankMix, Workload
from models.confidence.providing import rule_of
from models.confidence.visible.deployment import clients_of, told_to
from models.detection.words import detector_of
from models.domains.bank_account import BankAccount
from models.factories import Reading
from models.groups import SEQUENCER, Group, group_system, members_of, operator_of, sequence_of, store_name
from models.layout import CLIENT, maker, shard_of
from models.ledger import Ledger
from models.reading.bell import Bell
from models.reading.ending import reading_end
from models.reading.feeding import FedShard
from models.reading.feeds import GlobalFeed
from models.reading.gateway import Gateway
from models.reading.inline import InlineShard
from models.reading.layout import GATEWAY, ReadLayout, part_of, route_from, view_groups, write_groups
from models.reading.options import MODES, Checkpoint, Poison, ProjectorOptions, combined
from models.reading.projections import Balances, Poisoned
from models.reading.projector import Projector
from models.reading.seated import Seated
from models.reading.staffing import StaffPlan
from models.reading.telling import SeeingUser
from models.reading.users import User, UserOptions
from models.reading.views import Views
from models.store.group.wire import ShipOptions
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy, MemberOptions
from models.system import Site, System
from sim.host import Context, Placement
from sim.topology import Location, Topology, at_service

__all__ = ["MODES", "READING_RECORDS", "reading"]

BELL: Final = "bell"
#: What users and consumers record: appends, reads, selects, and deliveries.
READING_RECORDS: Final = "reading"


def reading(
    site: Site,
    workload: Workload,
    kind: type[Projector] = Projector,
    rules: type[Views] = Views,
    feed: type[GlobalFeed] = GlobalFeed,
    door: type[Gateway] = Gateway,
    *,
    mode: str = "async",
    scheme: str = "multi-persist:2/3",
    views: str = "multi-persist:2/3",
    shards: int = 2,
    readers: int = 3,
    home: str = "",
    segments: int = 4,
    placement: str = "ring",
    consumers: int = 2,
    grown: int = 0,
    grows_us: int = 0,
    shrunk: int = 0,
    shrinks_us: int = 0,
    provision_us: int = 400_000,
    checkpoint: str = "atomic",
    idempotent: bool = True,
    poison: str = "park",
    poison_every: int = 0,
    mended_us: int = 0,
    global_sequence: bool = False,
    begins_us: int = 0,
    rebuild_us: int = 0,
    batch: int = 200,
    chunk: int = 200,
    poll_us: int = 20_000,
    waits: bool = False,
    project_us: int = 0,
    beat_us: int = 50_000,
    suspect_us: int = 400_000,
    detector: str = "",
    extend_us: int = 200_000,
    retry_us: int = 500_000,
    alarm: int = 0,
    band: int = 5_000,
    reads: float = 0.5,
    selects: float = 0.05,
    own: float = 0.5,
    tokens: bool = True,
    patience_us: int = 500_000,
    sessions: int = 8,
    promote_after_us: int = 0,
    force_after_us: int = -1,
    snapshot_every: int = 0,
    heartbeat_us: int = 200_000,
    records: bool = True,
    states: bool = False,
    decides: str = "",
) -> System:
    """The bank with a read side. 0 stands for never; of `force_after_us`, any number below 0.

    Consumers are of a `kind`, views follow `rules`, the global sequence is read by a `feed`, and a `door` stands before
    all that users ask; these are no options.

    Args:
        site: Where.
        workload: What users do; of its operations `reads` and `selects` are queries.
        kind: As above.
        rules: As above.
        feed: As above.
        door: As above.
        mode: One of `MODES`.
        scheme: Of the write side.
        views: Of the views, in mode async.
        shards: Of the write side.
        readers: Servers of the home region that read, the last ones; the others write.
        home: The region.
        segments: Parts of the key space that consumers share.
        placement: What segments' views are placed by, on the hosts that read; empty for near the first of them.
        consumers: How many share them at first.
        grown: As for a `StaffPlan`; 0 if there are never more.
        grows_us: As for a `StaffPlan`.
        shrunk: As for a `StaffPlan`; 0 if there are never fewer.
        shrinks_us: As for a `StaffPlan`.
        provision_us: As for a `StaffPlan`.
        checkpoint: `atomic`, `after` or `before`.
        idempotent: Whether the projection passes over an event that comes again.
        poison: `park` or `stop`.
        poison_every: Amounts that this divides cannot be projected.
        mended_us: When code is deployed that can.
        global_sequence: Whether consumers follow the global sequence in place of each log.
        begins_us: When consumers begin to read; 0 for at once.
        rebuild_us: When a second version of the projection begins beside the first.
        batch: Entries read at once.
        chunk: Entries between saves.
        poll_us: Between questions where nothing is new.
        waits: Whether the write side is asked to wait that long for news.
        project_us: What one event takes to project.
        beat_us: Between consumers' heartbeats.
        suspect_us: Silence after which a consumer is suspected, and its segments are taken; unless there is
            a `detector`.
        detector: What suspects by the heartbeats, in the words of `models.detection.words`; none if empty.
        extend_us: Between an owner's words that nothing is new.
        retry_us: Between attempts at what is parked.
        alarm: Withdrawals of so many cents are announced to a bell, once each; 0 for none.
        band: Cents that a band is wide; users ask for accounts by band.
        reads: As for `UserOptions`.
        selects: As for `UserOptions`.
        own: As for `UserOptions`.
        tokens: As for `UserOptions`.
        patience_us: As for `UserOptions`.
        sessions: As for `UserOptions`.
        promote_after_us: How long a group is without a leader before operators promote another.
        force_after_us: The same, before they force one who may lack what was acknowledged.
        snapshot_every: Of views: events between snapshots.
        heartbeat_us: Of the shards.
        records: Whether consumers record what they deliver.
        states: Whether views say how likely they are fresh.
        decides: When users wait rather than take what may be stale, in the words of `models.confidence.providing`.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    read, topology = Reading(site, workload), site.topology
    problems = read.problems
    domain = BankAccount(opening_balance=workload.opening_balance)
    rule = rules()
    place = read.home(home) or topology.regions[0]
    beside = read.desk(place).location
    written, kept = read.scheme(scheme), read.scheme(views)
    problems += combined(mode, global_sequence, force_after_us, rebuild_us, poison_every, states, decides)
    servers = topology.servers(place)
    if not 0 < readers < len(servers):
        problems.append(
            f"{readers=} of the {len(servers)} servers of {place!r} leaves nobody to read, or nobody to write; "
            f"give 1 to {len(servers) - 1}"
        )
        readers = 1
    writing, near = servers[:-readers], servers[-readers:]
    read.at_least(1, shards=shards, segments=segments, consumers=consumers)
    groups = (read.of(lambda: write_groups(topology, writing, domain, written, shards)) if written else None) or ()
    plan = read.of(
        lambda: StaffPlan(
            first=consumers,
            grown=grown,
            grows_us=grows_us,
            shrunk=shrunk,
            shrinks_us=shrinks_us,
            provision_us=provision_us,
        )
    )
    if max(consumers, grown) > 60:
        problems.append(f"consumers={max(consumers, grown)} are more than can be told apart; give at most 60")
    if (grown or shrunk) and (rebuild_us or mode != "async"):
        problems.append(
            f"{grown=}, {shrunk=}: the number of consumers changes in mode async, for one version of the projection; "
            "leave `rebuild` out, or these"
        )
    segments_of: tuple[Group, ...] = ()
    if kept and segments > 0:
        segments_of = read.of(lambda: view_groups(topology, near, rule, kept, segments, placement)) or ()
    projection = read.of(lambda: Balances(workload.opening_balance, idempotent=idempotent, band=band, alarm=alarm))
    poisoned = (
        read.of(
            lambda: Poisoned(
                workload.opening_balance, every=poison_every, idempotent=idempotent, band=band, alarm=alarm
            ),
        )
        if poison_every and projection is not None
        else None
    )
    saved = read.of(lambda: _word(Checkpoint, checkpoint, "checkpoint"))
    raised = read.of(lambda: _word(Poison, poison, "poison"))
    watching = read.of(lambda: detector_of(detector, max(4, beat_us))) if detector else None
    consumer = read.of(
        lambda: ProjectorOptions(
            number=1,
            order=(),
            views=(),
            stretches=(),
            checkpoint=saved or Checkpoint.ATOMIC,
            poison=raised or Poison.PARK,
            batch=batch,
            chunk=chunk,
            poll_us=poll_us,
            waits=waits,
            project_us=project_us,
            beat_us=beat_us,
            suspect_us=suspect_us,
            detector=watching,
            extend_us=extend_us,
            retry_us=retry_us,
            ask_us=workload.attempt_timeout_us,
            records=records,
            begins_us=begins_us,
            bell=at_service(beside, BELL) if alarm else None,
        ),
    )
    users = read.of(
        lambda: UserOptions(
            gateways=tuple(at_service(host.location, GATEWAY) for host in near),
            reads=reads,
            selects=selects,
            own=own,
            tokens=tokens,
            patience_us=patience_us,
            sessions=sessions,
        ),
    )
    read.done()
    assert plan is not None
    assert consumer is not None
    assert users is not None
    assert projection is not None
    options = MemberOptions(
        number=0,
        shard=0,
        home=0,
        ship=ShipOptions(heartbeat_us=heartbeat_us),
        forward_timeout_us=workload.attempt_timeout_us,
    )
    told = replace(options, sequencer=at_service(beside, SEQUENCER)) if global_sequence else options
    layout = ReadLayout(
        topology=topology,
        readers=tuple(near),
        sources=tuple(tuple(location for _, location in group.members) for group in groups),
        sequencer=at_service(beside, SEQUENCER) if global_sequence else None,
        groups=segments_of if mode == "async" else (),
        consumer=consumer,
        plan=plan,
        projection=poisoned or projection,
        mended=projection if poisoned and mended_us else None,
        mended_us=mended_us,
        rebuild_us=rebuild_us,
        domain=rule,
        kind=Seated if plan.changes and kind is Projector else kind,
        feed=feed,
        ask_us=workload.attempt_timeout_us,
        keys=max(1, workload.accounts // segments) if states else 0,
        waits=rule_of(decides) if decides else None,
        door=door,
    )
    placements = _writers(groups, told, layout, mode)
    placements += _readers(layout, options, snapshot_every, mode, groups)
    if global_sequence:
        placements += sequence_of(beside, groups)[:1]
    if alarm:
        placements.append(Placement(host=beside, name=BELL, make=Bell, kind=Bell))
    if plan.changes:
        placements.append(layout.staff(beside))
    if promote_after_us:
        watched = (*groups, *layout.groups)
        placements.append(operator_of(beside, watched, promote_after_us, force_after_us))
    return _finished(topology, workload, groups, layout, placements, users, mode, checkpoint, beside)


def _word(words: type[Checkpoint] | type[Poison], said: str, name: str) -> Any:
    if said not in [str(one) for one in words]:
        raise ValueError(f"{name}={said!r} is no policy; choose one of {', '.join(words)}")
    return words(said)


def _writers(groups: Sequence[Group], options: MemberOptions, layout: ReadLayout, mode: str) -> list[Placement]:
    """The members of the write side."""
    if mode != "inline":
        return [placement for group in groups for placement in members_of(group, options, FedShard)]
    projection, project_us = layout.projection, layout.consumer.project_us

    def inline(ctx: Context, mine: MemberOptions, domain: Any) -> InlineShard:
        return InlineShard(ctx, mine, domain, projection, project_us)

    return [
        Placement(host=one.host, name=one.name, make=one.make, kind=InlineShard)
        for group in groups
        for one in members_of(group, options, inline)  # type: ignore[arg-type]
    ]


def _readers(
    layout: ReadLayout, options: MemberOptions, snapshot_every: int, mode: str, groups: Sequence[Group]
) -> list[Placement]:
    """What stands on the reading hosts."""
    if mode == "inline":
        return layout.gateways(layout.sources, lambda key: shard_of(key, len(groups)))
    if mode == "live":
        return [*layout.live(), *layout.gateways(None, lambda key: 0)]
    keeping = replace(
        options,
        store_denials=False,
        event_type=pack_type(Scope.SERVICE, command=False, domain=layout.domain.number),
        log=LogPolicy(snapshots=SnapshotPolicy(every=snapshot_every or None)),
    )
    parts = tuple(tuple(location for _, location in group.members) for group in layout.groups)
    return [*layout.views(keeping), *layout.consuming(), *layout.gateways(parts, part_of(len(parts)))]


def _finished(
    topology: Topology,
    workload: Workload,
    groups: Sequence[Group],
    layout: ReadLayout,
    placements: Sequence[Placement],
    users: UserOptions,
    mode: str,
    checkpoint: str,
    bell: Location,
) -> System:
    """The system with users in place of the bank's clients, and the read side in its ledger."""
    made = group_system(topology, workload, BankMix(workload), groups, placements=placements, records=READING_RECORDS)
    others = [placement for placement in made.placements if placement.name != CLIENT]
    clients = [host for region in topology.regions for host in topology.clients(region)]
    for index, host in enumerate(clients):
        route = route_from(topology, host, groups)
        mine = replace(users, share=1 / len(clients), first_id=index + 1 << 40 | 1)
        user: type[User] = SeeingUser if layout.keys else User
        make = partial(SeeingUser, waits=layout.waits) if layout.keys else User
        others.append(Placement(host=host.location, name=CLIENT, make=maker(make, workload, mine, route), kind=user))
    assert made.ledger is not None
    due = layout.due() if layout.plan.changes else ()
    write_side: Callable[[Callable[[Location], Any]], Ledger] = made.ledger

    def ledger(service_of: Callable[[Location], Any]) -> Ledger:
        parts = groups if mode == "inline" else layout.groups
        end = reading_end(parts, service_of, checkpoint, mode, at_service(bell, BELL), due)
        told = replace(end, band=layout.projection.band, by_log=layout.sequencer is None)
        return replace(write_side(service_of), reading=told)

    views = {store_name(group.domain.name, group.shard): group for group in layout.groups}
    watched = {name: tuple(location for _, location in group.members) for name, group in views.items()}
    offered = (layout.template(),) if layout.plan.changes else ()
    whole = replace(made, placements=tuple(others), ledger=ledger, groups={**made.groups, **watched}, templates=offered)
    return told_to(whole, clients_of(topology)) if layout.keys else whole
