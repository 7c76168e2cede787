"""Processes laid out: an application of purses and transfers, each domain on shards of its own, and its manager.

The manager sits on the last server of the home region; clients order transfers between purses and hear that they are
ordered, no more. Closing the books is the judge's: once all processes have ended, no money came or went.
"""

from __future__ import annotations

from typing import Final

from models.clients import Drawn, Draws, Workload, zipf_weights
from models.domain import Application
from models.domains.transfer import Order, Transfer
from models.groups import Group, group_system, members_of, operator_of
from models.keyspace.storage import groups_of
from models.layout import maker
from models.mixes import DOMAIN_SHIFT
from models.outbox.feed import FeedOptions, FollowedShard
from models.outbox.submitting import StoreOptions
from models.processes.manager import Manager
from models.processes.purse import Purse
from models.processes.transfers import PATIENCE_US, transfer_process
from models.store.options import MemberOptions
from models.store.words import scheme_of
from models.stores import home_of, noted
from models.system import BANK_RECORDS, Site, System
from sim.host import Placement

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
    purses: str = "multi-persist:2/3",
    orders: str = "multi-persist:2/3",
    shards: int = 2,
    home: str = "",
    promote_after_us: int = 0,
) -> System:
    """Transfers between purses that begin with the workload's opening balance and hold no more than `ceiling`.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    return lay_out(
        site,
        workload,
        ceiling=ceiling,
        patience_us=patience_us,
        purses=purses,
        orders=orders,
        shards=shards,
        home=home,
        promote_after_us=promote_after_us,
    )


def lay_out(
    site: Site,
    workload: Workload,
    kind: type[Manager] = Manager,
    *,
    ceiling: int = 1_000_000,
    patience_us: int = PATIENCE_US,
    purses: str = "multi-persist:2/3",
    orders: str = "multi-persist:2/3",
    shards: int = 2,
    home: str = "",
    promote_after_us: int = 0,
) -> System:
    """As `transfers`, with another kind of manager; ValueError as for that."""
    problems: list[str] = []
    topology = site.topology
    place = noted(problems, lambda: home_of(topology, home))
    purse = noted(problems, lambda: Purse(opening_balance=workload.opening_balance, ceiling=ceiling))
    process = noted(problems, lambda: transfer_process(patience_us))
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
    if purse is not None and process is not None:
        # Whether every command of the process has an owner, told like all else.
        noted(problems, lambda: Application("transfers", (purse, process.domain), (process,)))
    if problems:
        raise ValueError("; ".join(dict.fromkeys(problems)))  # both domains may be laid out wrongly alike
    assert place is not None
    assert process is not None
    # A step that is given up is cancelled by a denial under its key: it must be stored.
    options = MemberOptions(
        number=0, shard=0, home=0, store_denials=True, forward_timeout_us=workload.attempt_timeout_us
    )
    placements = [one for group in groups for one in members_of(group, options, FollowedShard)]
    of = {
        number: tuple(tuple(at for _, at in group.members) for group in groups if group.domain.number == number)
        for number in (Purse.number, Transfer.number)
    }
    feed = FeedOptions(consumer=MANAGER, shards=of[Transfer.number])
    store = StoreOptions(shards=tuple(of.items()))
    host = topology.servers(place)[-1].location
    placements.append(Placement(host=host, name=MANAGER, make=maker(kind, feed, store, process), kind=kind))
    if promote_after_us:
        desk = (topology.clients(place) or topology.servers(place))[0].location
        placements.append(operator_of(desk, groups, promote_after_us, -1))
    return group_system(topology, workload, TransferMix(workload), groups, placements=placements, records=BANK_RECORDS)
