"""Processes laid out: an application of purses and transfers, each domain on shards of its own, and its manager.

The manager sits on the last server of the home region; where there are several, the others are on those before it.
Clients order transfers between purses and hear that they are ordered, no more. Closing the books is the
judge's: once all processes have ended, no money came or went.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from models.clients import Drawn, Draws, Workload, zipf_weights
from models.domain import Application
from models.domains.transfer import Order, Transfer
from models.groups import Group, group_system, members_of, operator_of
from models.keyspace.storage import groups_of
from models.layout import maker
from models.mixes import DOMAIN_SHIFT
from models.outbox.feed import FeedOptions, FollowedShard
from models.outbox.owning import OwnerOptions
from models.outbox.submitting import StoreOptions
from models.outbox.tenures import Tenure
from models.processes.definition import Process
from models.processes.manager import Manager
from models.processes.owned import OwnedManager
from models.processes.purse import Purse
from models.processes.transfers import PATIENCE_US, transfer_process
from models.store.options import MemberOptions
from models.store.words import scheme_of
from models.stores import home_of, noted
from models.system import BANK_RECORDS, Site, System
from sim.host import Placement
from sim.topology import Location, Topology, at_service
from sim.wording import Refused

__all__ = ["MANAGER", "TransferMix", "lay_out", "transfers"]

MANAGER: Final = "manager"


class TransferMix:
    """Orders of transfers, each a new one, between purses of a Zipf popularity."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._cumulative = zipf_weights(workload.accounts, workload.zipf_exponent)

    def draw(self, draws: Draws) -> Drawn:
        """Four draws."""
        workload = self._workload
        number = draws.below(1 << 32)
        source, target = draws.pick(self._cumulative), draws.pick(self._cumulative)
        amount = draws.between(workload.amount_min, workload.amount_max)
        if target == source:
            target = (source + 1) % workload.accounts
        command = Order(source=source, target=target, amount=amount)
        return Drawn(Transfer.number << DOMAIN_SHIFT | number, command, "order", amount)


def transfers(
    site: Site,
    workload: Workload,
    *,
    ceiling: int = 1_000_000,
    patience_us: int = PATIENCE_US,
    compensates: bool = True,
    purses: str = "multi-persist:2/3",
    orders: str = "multi-persist:2/3",
    shards: int = 2,
    home: str = "",
    managers: int = 1,
    lets_go: bool = True,
    suspect_us: int = 600_000,
    promote_after_us: int = 0,
) -> System:
    """Transfers between purses that begin with the workload's opening balance and hold at most `ceiling`, 0 for any.

    Money that cannot be given goes back, unless the process never `compensates`: then it must be that none ever has to.
    Of several `managers` one manages, and after so long a silence (`suspect`) the next one takes its place; whether the
    one before then `lets_go` of what it has under way makes no difference to the money (`models.processes.owned`).

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    return lay_out(
        site,
        workload,
        ceiling=ceiling,
        patience_us=patience_us,
        compensates=compensates,
        purses=purses,
        orders=orders,
        shards=shards,
        home=home,
        managers=managers,
        lets_go=lets_go,
        suspect_us=suspect_us,
        promote_after_us=promote_after_us,
    )


def lay_out(
    site: Site,
    workload: Workload,
    kind: type[Manager] = Manager,
    *,
    ceiling: int = 1_000_000,
    patience_us: int = PATIENCE_US,
    compensates: bool = True,
    purses: str = "multi-persist:2/3",
    orders: str = "multi-persist:2/3",
    shards: int = 2,
    home: str = "",
    managers: int = 1,
    lets_go: bool = True,
    suspect_us: int = 600_000,
    promote_after_us: int = 0,
) -> System:
    """As `transfers`, with another kind of manager, of several an owned one; ValueError as for that."""
    problems: list[str] = []
    topology = site.topology
    place = noted(problems, lambda: home_of(topology, home))
    purse = noted(problems, lambda: Purse(opening_balance=workload.opening_balance, ceiling=ceiling))
    process = noted(problems, lambda: _process(patience_us, ceiling, compensates))
    if workload.accounts < 2:
        problems.append(f"accounts={workload.accounts} leaves nobody to transfer to; give at least 2")
    groups: list[Group] = []
    for first, (domain, words) in enumerate(((purse or Purse(), purses), (Transfer(), orders))):
        scheme = noted(problems, lambda w=words: scheme_of(w))  # type: ignore[misc]
        if scheme is not None and place is not None:
            made = noted(
                problems,
                lambda d=domain, s=scheme, n=first: groups_of(topology, d, s, place, shards, first=n),  # type: ignore[misc]
            )
            groups += made or ()
    who = noted(problems, lambda: OwnerOptions(number=1, suspect_us=suspect_us))
    if place is not None and not 1 <= managers <= (servers := len(topology.servers(place))):
        problems.append(f"{managers=} do not fit on {servers} servers of {place}; give 1 to {servers}")
    tenures: tuple[Group, ...] = ()
    if managers > 1 and place is not None and (scheme := noted(problems, lambda: scheme_of(orders))) is not None:
        tenures = noted(problems, lambda: groups_of(topology, Tenure(), scheme, place, 1, first=2)) or ()
    if purse is not None and process is not None:
        # Whether every command of the process has an owner, told like all else.
        noted(problems, lambda: Application("transfers", (purse, process.domain), (process,)))
    if problems:
        raise Refused(tuple(dict.fromkeys(problems)))  # both domains may be laid out wrongly alike
    assert place is not None
    assert process is not None
    # A step that is given up is cancelled by a denial under its key: it must be stored.
    options = MemberOptions(
        number=0, shard=0, home=0, store_denials=True, forward_timeout_us=workload.attempt_timeout_us
    )
    placements = [one for group in (*groups, *tenures) for one in members_of(group, options, FollowedShard)]
    of = {
        number: tuple(tuple(at for _, at in group.members) for group in groups if group.domain.number == number)
        for number in (Purse.number, Transfer.number)
    }
    if tenures:
        several = kind if issubclass(kind, OwnedManager) else OwnedManager
        placements += _owned(topology, place, managers, tenures[0], of, process, who, lets_go, several)
    else:
        feed = FeedOptions(consumer=MANAGER, shards=of[Transfer.number])
        store = StoreOptions(shards=tuple(of.items()))
        host = topology.servers(place)[-1].location
        placements.append(Placement(host=host, name=MANAGER, make=maker(kind, feed, store, process), kind=kind))
    groups += tenures
    if promote_after_us:
        desk = (topology.clients(place) or topology.servers(place))[0].location
        placements.append(operator_of(desk, groups, promote_after_us, -1))
    return group_system(topology, workload, TransferMix(workload), groups, placements=placements, records=BANK_RECORDS)


def _process(patience_us: int, ceiling: int, compensates: bool) -> Process:
    """The process of a transfer, with or without the step that takes another back; Refused if it needs that."""
    process = transfer_process(patience_us, full=ceiling != 0)
    if compensates:
        return process
    try:
        return replace(process, steps=tuple(step for step in process.steps if not step.undoes))
    except Refused as refused:
        way = "leave it out, or give ceiling=0 and patience_us=0, with which nothing is denied after it"
        told = (reason.partition("; ")[0] for reason in refused.problems)
        raise Refused([f"{compensates=}: {reason}; {way}" for reason in told]) from None


def _owned(
    topology: Topology,
    place: str,
    managers: int,
    tenures: Group,
    of: Mapping[int, tuple[tuple[Location, ...], ...]],
    process: Process,
    who: OwnerOptions,
    lets_go: bool,
    kind: type[OwnedManager],
) -> list[Placement]:
    """Managers that follow each other, the first of them on the last server."""
    deciding = tuple(at for _, at in tenures.members)
    store = StoreOptions(shards=((Tenure.number, (deciding,)), *of.items()))
    hosts = [server.location for server in topology.servers(place)][-managers:][::-1]
    placed = []
    for index, host in enumerate(hosts):
        peers = tuple(at_service(other, MANAGER) for other in hosts if other != host)
        mine = replace(who, number=index + 1, peers=peers)
        feed = FeedOptions(consumer=f"{MANAGER}-{index + 1}", shards=(deciding, *of[Transfer.number]))
        make = maker(kind, feed, store, process, mine, lets_go)
        placed.append(Placement(host=host, name=MANAGER, make=make, kind=kind))
    return placed
