"""Effects laid out: the store and its tenures on servers, performers beside it, the world outside on a host of its own.

Performers are on the last servers of the home region; the receiver is on the last client host, which keeps nothing
of the store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from models.clients import Drawn, Draws, Workload
from models.delivery_ends import OutsideEnd
from models.effects.domain import Effect, Request
from models.effects.outside import Outside, OutsideOptions, receiver_of
from models.effects.performing import Ordering, Performer, PerformerOptions
from models.effects.promises import promise_of
from models.effects.retrying import AskFirst, Policy, policy_of
from models.groups import Group, group_system, members_of, operator_of
from models.keyspace.storage import groups_of
from models.layout import maker
from models.ledger import Ledger
from models.mixes import DOMAIN_SHIFT
from models.outbox.feed import FeedOptions, FollowedShard
from models.outbox.owning import OwnerOptions
from models.outbox.submitting import StoreOptions
from models.outbox.tenures import Tenure
from models.store.options import MemberOptions
from models.store.words import scheme_of
from models.stores import home_of, noted
from models.system import BANK_RECORDS, Site, System
from sim.host import Placement
from sim.topology import Location, Topology, at_service
from sim.wording import Refused, way_to

__all__ = ["PERFORMER", "RECEIVER", "EffectMix", "effects", "lay_out", "ordering_of"]

PERFORMER: Final = "performer"
RECEIVER: Final = "outside"
#: What an effect may be declared to be, for its receiver to bear out.
_DECLARED: Final = ("plain", "idempotent", "queryable")


class EffectMix:
    """Requests of effects, each a new one."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload

    def draw(self, draws: Draws) -> Drawn:
        """Two draws."""
        number, amount = draws.below(1 << 32), draws.between(self._workload.amount_min, self._workload.amount_max)
        return Drawn(Effect.number << DOMAIN_SHIFT | number, Request(amount=amount), "request", amount)


def effects(
    site: Site,
    workload: Workload,
    *,
    ordering: str = "intent-act-result",
    semantics: str = "ask-first",
    receiver: str = "gateway",
    declared: str = "plain",
    dedup: int = -1,
    fences: bool = True,
    owners: int = 2,
    scheme: str = "multi-persist:2/3",
    shards: int = 1,
    home: str = "",
    suspect_us: int = 600_000,
    act_us: int = 300_000,
    promote_after_us: int = 0,
) -> System:
    """Effects that clients request, on a receiver outside; a `dedup` below 0 is what the receiver usually has.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    return lay_out(
        site,
        workload,
        ordering=ordering,
        semantics=semantics,
        receiver=receiver,
        declared=declared,
        dedup=dedup,
        fences=fences,
        owners=owners,
        scheme=scheme,
        shards=shards,
        home=home,
        suspect_us=suspect_us,
        act_us=act_us,
        promote_after_us=promote_after_us,
    )


def lay_out(
    site: Site,
    workload: Workload,
    performer: type[Performer] = Performer,
    outside: type[Outside] = Outside,
    *,
    ordering: str = "intent-act-result",
    semantics: str = "ask-first",
    receiver: str = "gateway",
    declared: str = "plain",
    dedup: int = -1,
    fences: bool = True,
    owners: int = 2,
    scheme: str = "multi-persist:2/3",
    shards: int = 1,
    home: str = "",
    suspect_us: int = 600_000,
    act_us: int = 300_000,
    promote_after_us: int = 0,
    policy: Policy | None = None,
) -> System:
    """As `effects`, with other kinds of performers and receivers, or a policy at hand; ValueError as for that."""
    problems: list[str] = []
    topology = site.topology
    order = noted(problems, lambda: ordering_of(ordering))
    policy = policy or noted(problems, lambda: policy_of(semantics))
    can = noted(problems, lambda: receiver_of(receiver, dedup=dedup, fences=None if fences else False))
    chosen = noted(problems, lambda: scheme_of(scheme))
    place = noted(problems, lambda: home_of(topology, home))
    if can is not None:
        problems += _borne_out(declared, policy, can)
    if place is not None:
        problems += _room(topology, place, owners)
    groups: list[Group] = []
    if chosen is not None and place is not None:
        groups += noted(problems, lambda: groups_of(topology, Tenure(), chosen, place, 1)) or ()
        groups += noted(problems, lambda: groups_of(topology, Effect(), chosen, place, shards)) or ()
    who = noted(problems, lambda: OwnerOptions(number=1, suspect_us=suspect_us))
    if act_us < 1:
        problems.append(f"{act_us=} is no patience; give at least 1")
    if problems:
        raise Refused(problems)
    assert place is not None
    at = at_service(topology.clients(place)[-1].location, RECEIVER)
    how = PerformerOptions(ordering=order, receiver=at, policy=policy, act_us=act_us)
    member = MemberOptions(number=0, shard=0, home=0, forward_timeout_us=workload.attempt_timeout_us)
    placements = [one for group in groups for one in members_of(group, member, FollowedShard)]
    placements += _performers(topology, place, groups, who, how, owners, performer)
    placements.append(Placement(host=_host(at), name=RECEIVER, make=maker(outside, can), kind=outside))
    if promote_after_us:
        placements.append(operator_of(topology.clients(place)[0].location, groups, promote_after_us, -1))
    system = group_system(topology, workload, EffectMix(workload), groups, placements=placements, records=BANK_RECORDS)
    assert system.ledger is not None
    promise = promise_of(order, policy, can, owners)
    read = system.ledger

    def ledger(service_of: Callable[[Location], Any]) -> Ledger:
        found = service_of(at)
        book = tuple(found.book) if isinstance(found, Outside) else None
        return replace(read(service_of), outside=OutsideEnd(book=book, promise=promise))

    return replace(system, ledger=ledger)


def ordering_of(words: str) -> Ordering:
    """The ordering of a name; ValueError for another."""
    if words not in list(Ordering):
        raise ValueError(f"ordering={words!r} orders nothing; {way_to(words, Ordering)}")
    return Ordering(words)


def _borne_out(declared: str, policy: Policy | None, can: OutsideOptions) -> list[str]:
    """What is said of effects that their receiver does not bear out."""
    problems = []
    if declared not in _DECLARED:
        problems.append(f"declared={declared!r} says nothing of effects; {way_to(declared, _DECLARED)}")
    if declared == "idempotent" and not can.dedup:
        problems.append(
            f"declared='idempotent': receiver {can.kind!r} has no dedup: it does again what it is asked again; "
            "give it `dedup` of at least 1, or declare the effect plain"
        )
    if declared == "queryable" and not can.queryable:
        problems.append(f"declared='queryable': receiver {can.kind!r} cannot be asked; choose gateway or printer")
    if isinstance(policy, AskFirst) and not can.queryable:
        problems.append(
            f"semantics='ask-first': receiver {can.kind!r} cannot be asked what became of an effect; "
            "choose gateway or printer, or at-most-once or at-least-once"
        )
    return problems


def _room(topology: Topology, place: str, owners: int) -> list[str]:
    """What there is no room for."""
    problems = []
    servers = len(topology.servers(place))
    if not 1 <= owners <= servers:
        problems.append(f"{owners=} do not fit on {servers} servers of {place}; give 1 to {servers}")
    if not topology.clients(place):
        problems.append(f"{place} has no client host for the world outside; give it `clients` of at least 1")
    return problems


def _performers(
    topology: Topology,
    place: str,
    groups: list[Group],
    who: OwnerOptions,
    how: PerformerOptions,
    owners: int,
    kind: type[Performer],
) -> list[Placement]:
    hosts = [server.location for server in topology.servers(place)][-owners:]
    shards = tuple(tuple(location for _, location in group.members) for group in groups)
    store = StoreOptions(shards=((Tenure.number, shards[:1]), (Effect.number, shards[1:])))
    placed = []
    for index, host in enumerate(hosts):
        mine = replace(
            who,
            number=index + 1,
            peers=tuple(at_service(other, PERFORMER) for other in hosts if other != host),
        )
        feed = FeedOptions(consumer=f"{PERFORMER}-{index + 1}", shards=shards)
        placed.append(Placement(host=host, name=PERFORMER, make=maker(kind, feed, store, mine, how), kind=kind))
    return placed


def _host(at: Location) -> Location:
    return Location((int(at) >> 64) << 64)
