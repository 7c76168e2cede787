"""Tiers of services over a topology, and users who ask the first: the system of `retry-storm` and of `hedging`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from models.clients import Workload
from models.effects.outside import Outside, receiver_of
from models.layout import CLIENT, maker
from models.ledger import Ledger
from models.retrying.backoff import Backoff, Jitter
from models.retrying.breaker import Breaker, BreakerOptions
from models.retrying.budget import BudgetKind, BudgetOptions
from models.retrying.intake import IntakeOptions, Order
from models.retrying.policy import RetryPolicy
from models.retrying.tier import Tier, TierOptions
from models.retrying.twice import Twice
from models.retrying.users import UserOptions, Users
from models.retrying_end import RetryingEnd
from models.stores import noted
from models.system import Site, System
from sim.host import Placement
from sim.topology import Location, Topology, at_service
from sim.wording import Refused

__all__ = ["RECEIVER", "TIER", "tier_locations", "tiers"]

TIER: Final = "tier"
RECEIVER: Final = "outside"


def tiers(
    site: Site,
    workload: Workload,
    breaker_kind: type[Breaker] = Breaker,
    tier_kind: type[Tier] = Tier,
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
    hedge: str = "",
    tier_hedge: str = "",
    receiver: str = "",
    dedup: int = -1,
) -> System:
    """So many tiers, dealt to the servers in turns; every tier but the last asks the one below it.

    `attempts` are those of users, `tier_attempts` of tiers: 1 is no retry. Users and tiers share the rest of the
    policy. `units` of service time (`Execute`) is a tier's own work, `last_units` that of the last, whose
    `last_workers` should be the cores of its hosts; the other tiers have `workers` each.

    `hedge` of users and `tier_hedge` of tiers are words of `hedging.hedge_of`, for a layer whose attempts are 1. With a
    `receiver`, such as `gateway`, each request has an effect outside, where `dedup` keys are remembered (below 0, as
    many as such a receiver usually does); what it would do twice may be neither retried nor hedged.

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
    can = noted(problems, lambda: receiver_of(receiver, dedup=dedup, fences=False)) if receiver else None
    if dedup >= 0 and not receiver:
        problems.append(f"{dedup=} keys that nobody remembers; name a receiver, such as gateway")
    twice = Twice(workload, can, breaker=breaker)
    users_hedge = twice.hedge(problems, "hedge", hedge, "attempts", attempts)
    tiers_hedge = twice.hedge(problems, "tier_hedge", tier_hedge, "tier_attempts", tier_attempts if depth > 1 else 1)
    if tier_hedge and depth == 1:
        problems.append(f"{tier_hedge=} and {depth=}: no tier asks another; set hedge, which is of users")
    if not any(topology.clients(region) for region in topology.regions):
        problems.append("no client host asks for anything; give at least one")
    if problems:
        raise Refused(problems)
    assert options is not None
    found = tier_locations(topology, depth)
    outside = _outside(topology) if can is not None else None
    placed = []
    for number, locations in enumerate(found):
        if number + 1 < depth:
            mine = replace(options, below=found[number + 1], hedge=tiers_hedge)
        else:
            mine = replace(options, units=last_units, intake=last, receiver=outside)
        placed += [
            Placement(host=_host(location), name=TIER, make=maker(tier_kind, mine), kind=tier_kind)
            for location in locations
        ]
    users = UserOptions(
        entries=found[0], share=1.0, first_id=1, policy=policy, hedge=users_hedge, propagates=propagates
    )
    asking = _users(topology, workload, users, breaker_kind)
    placed += asking
    if outside is not None:
        placed.append(Placement(host=_host(outside), name=RECEIVER, make=maker(Outside, can), kind=Outside))
    callers = [at_service(one.host, one.name) for one in asking] + [at for tier in found[:-1] for at in tier]
    return System(
        placements=tuple(placed),
        stores={f"tier-{number + 1}": locations for number, locations in enumerate(found)},
        ledger=partial(_ledger, callers, outside),
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


def _outside(topology: Topology) -> Location:
    """Where the world outside is: the last client host, out of the way of what befalls servers."""
    hosts = [host for region in topology.regions for host in topology.clients(region)]
    return at_service(hosts[-1].location, RECEIVER)


def _ledger(callers: Sequence[Location], outside: Location | None, service_of: Callable[[Location], Any]) -> Ledger:
    """What hedged calls and effects came to; there are no events."""
    found = [service_of(at) for at in callers]
    hedgers = [one.hedger for one in found if isinstance(one, Users | Tier) and one.hedger is not None]
    receiver = None if outside is None else service_of(outside)
    end = RetryingEnd(
        calls=sum(one.asked.requests for one in hedgers),
        copies=sum(one.asked.attempts for one in hedgers),
        won=sum(one.won for one in hedgers),
        held=sum(one.asked.refused_by_budget for one in hedgers),
        book=tuple(receiver.book) if isinstance(receiver, Outside) else None,
    )
    return Ledger(final={}, balances={}, divergent=(), conflicts=0, watermark="applied", retrying=end)


def _host(location: Location) -> Location:
    return Location((int(location) >> 64) << 64)
