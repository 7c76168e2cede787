"""Tiers of services over a topology, and users who ask the first: the system of `retry-storm`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from models.clients import Workload
from models.layout import CLIENT, maker
from models.retrying.backoff import Backoff, Jitter
from models.retrying.breaker import Breaker, BreakerOptions
from models.retrying.budget import BudgetKind, BudgetOptions
from models.retrying.intake import IntakeOptions, Order
from models.retrying.policy import RetryPolicy
from models.retrying.tier import Tier, TierOptions
from models.retrying.users import UserOptions, Users
from models.stores import noted
from models.system import Site, System
from sim.host import Placement
from sim.topology import Location, Topology, at_service
from sim.wording import Refused

__all__ = ["TIER", "tier_locations", "tiers"]

TIER: Final = "tier"


def tiers(
    site: Site,
    workload: Workload,
    breaker_kind: type[Breaker] = Breaker,
    *,
    depth: int = 2,
    units: int = 1,
    last_units: int = 10,
    attempts: int = 3,
    tier_attempts: int = 3,
    base_us: int = 100_000,
    cap_us: int = 10_000_000,
    jitter: Jitter = Jitter.FULL,
    share: float = 0.2,
    budget: BudgetKind = BudgetKind.NONE,
    tokens: int = 10,
    ratio: float = 0.1,
    free_per_s: float = 0.0,
    breaker: bool = False,
    window: int = 20,
    threshold: float = 0.5,
    open_us: int = 1_000_000,
    probes: int = 2,
    workers: int = 50,
    last_workers: int = 1,
    limit: int = 1_000,
    order: Order = Order.FIFO,
    propagates: bool = False,
    drops_stale: bool = False,
    sheds: bool = False,
) -> System:
    """So many tiers, dealt to the servers in turns; every tier but the last asks the one below it.

    `attempts` are those of users, `tier_attempts` of tiers: 1 is no retry. Users and tiers share the rest of the
    policy. `units` of service time (`Execute`) is a tier's own work, `last_units` that of the last, whose
    `last_workers` should be the cores of its hosts; the other tiers have `workers` each.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    problems: list[str] = []
    topology = site.topology
    servers = [host.location for region in topology.regions for host in topology.servers(region)]
    if not 1 <= depth <= len(servers):
        problems.append(f"{depth=} tiers on {len(servers)} servers: each needs one; give 1..{len(servers)}")
    backoff = noted(problems, lambda: Backoff(base_us=base_us, cap_us=cap_us, jitter=jitter, share=share))
    spent = noted(problems, lambda: BudgetOptions(kind=budget, tokens=tokens, ratio=ratio, free_per_s=free_per_s))
    least = min(10, max(1, window))
    cut = noted(
        problems,
        lambda: BreakerOptions(window=window, threshold=threshold, least=least, open_us=open_us, probes=probes),
    )
    policy = noted(
        problems,
        lambda: RetryPolicy(
            attempts=attempts,
            patience_us=workload.attempt_timeout_us,
            backoff=backoff or Backoff(),
            budget=spent or BudgetOptions(),
            breaker=cut if breaker else None,
        ),
    )
    below = noted(problems, lambda: replace(policy or RetryPolicy(), attempts=tier_attempts))
    intake = noted(
        problems,
        lambda: IntakeOptions(workers=workers, limit=limit, order=order, drops_stale=drops_stale, sheds=sheds),
    )
    last = noted(problems, lambda: replace(intake or IntakeOptions(), workers=last_workers))
    options = noted(
        problems,
        lambda: TierOptions(
            units=units,
            policy=below or RetryPolicy(),
            intake=intake or IntakeOptions(),
            deadline_us=workload.deadline_us,
            propagates=propagates,
        ),
    )
    noted(problems, lambda: TierOptions(units=last_units))
    if not any(topology.clients(region) for region in topology.regions):
        problems.append("no client host asks for anything; give at least one")
    if problems:
        raise Refused(problems)
    assert options is not None
    found = tier_locations(topology, depth)
    placed = []
    for number, locations in enumerate(found):
        mine = replace(options, below=found[number + 1]) if number + 1 < depth else options
        if number + 1 == depth:
            mine = replace(mine, units=last_units, intake=last)
        placed += [
            Placement(host=_host(location), name=TIER, make=maker(Tier, mine), kind=Tier) for location in locations
        ]
    users = UserOptions(entries=found[0], share=1.0, first_id=1, policy=policy, propagates=propagates)
    return System(
        placements=(*placed, *_users(topology, workload, users, breaker_kind)),
        stores={f"tier-{number + 1}": locations for number, locations in enumerate(found)},
        records="requests",
    )


def tier_locations(topology: Topology, depth: int) -> tuple[tuple[Location, ...], ...]:
    """By tier, where its services are: tier t has the servers t, t + depth, and so on."""
    servers = [host.location for region in topology.regions for host in topology.servers(region)]
    return tuple(tuple(at_service(server, TIER) for server in servers[number::depth]) for number in range(depth))


def _users(
    topology: Topology, workload: Workload, options: UserOptions, breaker_kind: type[Breaker]
) -> list[Placement]:
    hosts = [host for region in topology.regions for host in topology.clients(region)]
    return [
        Placement(
            host=host.location,
            name=CLIENT,
            make=maker(Users, workload, replace(options, share=1 / len(hosts), first_id=index << 40 | 1), breaker_kind),
            kind=Users,
        )
        for index, host in enumerate(hosts)
    ]


def _host(location: Location) -> Location:
    return Location((int(location) >> 64) << 64)
