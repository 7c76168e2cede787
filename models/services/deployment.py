"""The service, its control plane and its clients over a topology: its options, and what of them is refused.

`layout` says where its parts are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.clients import Workload
from models.detection.words import detector_of
from models.domain import Domain
from models.factories import Reading
from models.groups import Group
from models.keyspace.storage import groups_of
from models.raft.deployment import raft_scheme, too_many
from models.raft.options import RaftOptions
from models.retrying.backoff import Backoff
from models.retrying.budget import BudgetKind, BudgetOptions
from models.retrying.policy import RetryPolicy
from models.services.deciding import Room
from models.services.layout import STORE, ServiceLayout
from models.services.options import ControlOptions, ScalingOptions
from models.services.plane import ControlPlane, Kinds
from models.store.schemes import Scheme
from models.system import Site, System
from sim.topology import Topology

__all__ = ["service"]


def service(
    site: Site,
    workload: Workload,
    kinds: Kinds | None = None,
    *,
    least: int = 2,
    most: int = 6,
    spare: int = 0,
    per_host: int = 2,
    reserved: int = 0,
    target_per_s: float = 50.0,
    tolerance: float = 0.1,
    settle_us: int = 10_000_000,
    delay_us: int = 1_000_000,
    delay_spread: float = 0.2,
    begun: bool = True,
    schedulers: int = 1,
    watchers: int = 3,
    members: int = 3,
    spread: str = "host",
    election_us: int = 500_000,
    heartbeat_us: int = 100_000,
    beat_us: int = 250_000,
    lease_us: int = 1_500_000,
    suspect_us: int = 1_000_000,
    detector: str = "",
    report_us: int = 250_000,
    decide_us: int = 250_000,
    patience_us: int = 500_000,
    preserve: float = 0.6,
    cache_us: int = 2_000_000,
    attempts: int = 3,
    budget: BudgetKind = BudgetKind.RATIO,
    ratio: float = 0.2,
) -> System:
    """One service of `least` to `most` instances, each of which takes `delay` (give or take `delay_spread`) to start.

    With `begun` the first of them run from the beginning, where the scheduler is about to have them.
    Watchers suspect an instance after `suspect` of silence, or by a `detector` of its heartbeats, in the words of
    `models.detection.words`. `members` and `spread` are of the two Raft groups, the log of assignments and the store of
    acts. Clients retry under a budget: without one (`budget = "none"`) a service that is short of an instance may never
    come back.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    read, topology = Reading(site, workload), site.topology
    kinds = kinds or Kinds()
    if not 0 <= delay_spread < 1:
        read.problems.append(f"{delay_spread=} is no share of the delay; give a number in [0, 1)")
    read.at_least(1, delay_us=delay_us)
    delays_us = round(delay_us * (1 - delay_spread)), round(max(1, delay_us) * (1 + delay_spread))
    control = read.of(
        lambda: ControlOptions(
            beat_us=beat_us,
            lease_us=lease_us,
            suspect_us=suspect_us,
            report_us=report_us,
            decide_us=decide_us,
            grace_us=max(1, delays_us[1] + suspect_us + 4 * patience_us),
            patience_us=patience_us,
            preserve=preserve,
            cache_us=cache_us,
        )
    )
    watched = read.of(lambda: detector_of(detector, max(4, beat_us))) if detector else None
    scaling = read.of(
        lambda: ScalingOptions(
            least=least, most=most, target_per_s=target_per_s, tolerance=tolerance, settle_us=settle_us, spare=spare
        )
    )
    policy = _policy(read, workload, attempts, budget, ratio)
    rooms = _rooms(topology, per_host, reserved)
    read.problems += _no_room(rooms, most, per_host, reserved)
    read.problems += _no_servers(topology, schedulers=schedulers, watchers=watchers)
    raft = read.of(
        lambda: RaftOptions(election_us=election_us, heartbeat_us=heartbeat_us, retry_us=max(1, 2 * heartbeat_us))
    )
    scheme = read.of(lambda: raft_scheme(members, members, spread))
    if scheme is not None:
        read.problems += too_many(topology, scheme.spread, topology.regions[0], False, members, 0)
    read.done()
    assert scheme is not None
    assert control is not None
    assert scaling is not None
    assert policy is not None
    assert raft is not None
    registry, store = _groups(topology, kinds, scheme)
    plane = ControlPlane(
        topology=topology,
        servers=tuple(topology.servers(region) for region in topology.regions),
        kinds=kinds,
        registry=registry,
        rooms=rooms,
        control=control,
        scaling=scaling,
        watched=watched,
        schedulers=schedulers,
        watchers=watchers,
    )
    laid = ServiceLayout(topology=topology, workload=workload, plane=plane, store=store, policy=policy)
    return laid.system(raft, begun=least + spare if begun else 0, delays_us=delays_us)


def _policy(read: Reading, workload: Workload, attempts: int, budget: BudgetKind, ratio: float) -> RetryPolicy | None:
    """How clients retry."""
    if budget is BudgetKind.RATIO and not ratio > 0:
        read.problems.append(f"{ratio=} allows no retry, ever; raise it, or take another `budget`")
        ratio = 1.0
    return read.of(
        lambda: RetryPolicy(
            attempts=attempts,
            patience_us=workload.attempt_timeout_us,
            backoff=Backoff(base_us=workload.backoff_us, cap_us=max(workload.backoff_us, workload.deadline_us)),
            budget=BudgetOptions(kind=budget, ratio=ratio),
        )
    )


def _groups(topology: Topology, kinds: Kinds, scheme: Scheme) -> tuple[Group, ...]:
    """The log of assignments and the store of acts."""
    domains: tuple[Domain[Any], ...] = (kinds.assignments(), kinds.acts())
    home = topology.regions[0]
    return tuple(
        group
        for first, domain in enumerate(domains)
        for group in groups_of(topology, domain, scheme, home, 1, first=first * STORE)
    )


def _rooms(topology: Topology, per_host: int, reserved: int) -> tuple[Room, ...]:
    return tuple(
        Room(host=host.index, at=host.location, region=topology.region_number(region), places=per_host)
        for region in topology.regions
        for host in topology.servers(region)[max(0, reserved) :]
    )


def _no_room(rooms: Sequence[Room], most: int, per_host: int, reserved: int) -> list[str]:
    wrong = [f"{reserved=} is negative; give at least 0"] if reserved < 0 else []
    if per_host < 1:
        wrong.append(f"{per_host=} lets no instance run; give at least 1")
    elif len(rooms) * per_host < most:
        nearest = len(rooms) * per_host
        way_out = f"give most={nearest}" if nearest else f"reserve fewer than {reserved} servers"
        wrong.append(
            f"{most=} instances on {len(rooms)} hosts of {per_host} each: there is room for {nearest}; {way_out}, "
            "or more hosts"
        )
    return wrong


def _no_servers(topology: Topology, **counts: int) -> list[str]:
    servers = sum(len(topology.servers(region)) for region in topology.regions)
    wrong = []
    for name, count in counts.items():
        if not 1 <= count <= servers:
            wrong.append(f"{name}={count} on {servers} servers, one on each; give 1..{servers}")
        elif name == "watchers" and count % 2 == 0:
            ways = " or ".join(str(way) for way in (count - 1, count + 1) if way <= servers)
            wrong.append(f"{name}={count}: an even group survives no more failures than one of one less; give {ways}")
    return wrong
