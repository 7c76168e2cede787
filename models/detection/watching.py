"""Two detectors side by side on the same hosts, so that one trouble shows which of them it fools.

Detectors of heartbeats watch from the first host, to which every other beats; a membership protocol runs on all. Both
go by name as `fails` and `holds`, after what a scenario claims of them; which detector each is, the scenario chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from models.clients import Workload
from models.detection.beats import Beater, BeatOptions, Watcher, WatchOptions
from models.detection.choosing import Kind, plan_of
from models.detection.swim import MEMBERLIST_LAN, SWIM, Member, SwimOptions, members
from models.detection_end import DetectionEnd, Mind
from models.ledger import Ledger
from models.system import Site, System
from sim.host import Context, Placement
from sim.topology import HostSpec, Location, at_service

__all__ = ["watched"]

_HEART: Final = "heart"
_ROLES: Final = ("fails", "holds")


_GROUPS: Final[Mapping[Kind, SwimOptions]] = MappingProxyType({Kind.SWIM: SWIM, Kind.LIFEGUARD: MEMBERLIST_LAN})


def watched(
    site: Site,
    workload: Workload,
    *,
    fails: Kind,
    holds: Kind,
    eta_us: int = 250_000,
    factor: float = 4.0,
    window: int = 100,
    look_us: int = 0,
    guard_us: int = 5_000_000,
) -> System:
    """Two detectors of whoever runs on the site's servers; clients have nothing to do.

    `eta` is between heartbeats; `factor` in means or intervals of silence, and `window`, are of detectors that leave
    them to the user. With `look` they change their minds only when they look; the guard needs that.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    del workload
    topology = site.topology
    servers = [host for region in topology.regions for host in topology.servers(region)]
    problems = []
    if len(servers) < 2:
        problems.append(f"there is {len(servers)} server and nobody to watch; give hosts = 2 or more")
    if eta_us < 4:
        problems.append(f"{eta_us=} is no interval; give at least 4")
    if not 0 < factor <= 1_000:
        problems.append(f"{factor=} is no patience; give more than 0, up to 1000")
    if not 1 <= window <= 1_000_000:
        problems.append(f"{window=} is no window; give 1 to 1000000")
    if Kind.CASSANDRA_GUARDED in (fails, holds) and not 0 < look_us < guard_us:
        problems.append(f"{look_us=} and {guard_us=}: a guard needs looks, and a pause longer than between two of them")
    if problems:
        raise ValueError("; ".join(problems))
    observer, others = servers[0], servers[1:]
    hearts = tuple(at_service(host.location, _HEART) for host in others)
    told = tuple(
        at_service(observer.location, role)
        for role, kind in zip(_ROLES, (fails, holds), strict=True)
        if kind not in _GROUPS
    )
    placements: list[Placement] = []
    for role, kind in zip(_ROLES, (fails, holds), strict=True):
        if kind in _GROUPS:
            placements += members([host.location for host in servers], _GROUPS[kind], role)
            continue
        guard = guard_us if kind is Kind.CASSANDRA_GUARDED else 0
        plan = plan_of(Kind.CASSANDRA if guard else kind, eta_us, factor, window)
        options = WatchOptions(subjects=hearts, plan=plan, look_us=look_us, guard_us=guard)
        placements.append(Placement(host=observer.location, name=role, make=partial(_watcher, options), kind=Watcher))
    if told:
        beats = BeatOptions(watchers=told, eta_us=eta_us)
        placements += [
            Placement(host=host.location, name=_HEART, make=partial(_beater, beats), kind=Beater) for host in others
        ]
    return System(placements=tuple(placements), ledger=partial(_ledger, servers), records="detection")


def _watcher(options: WatchOptions, ctx: Context) -> Watcher:
    return Watcher(ctx, options)


def _beater(options: BeatOptions, ctx: Context) -> Beater:
    return Beater(ctx, options)


def _ledger(servers: Sequence[HostSpec], service_of: Callable[[Location], Any]) -> Ledger:
    """Whom each detector suspected; there are no events."""
    minds: dict[str, tuple[Mind, ...]] = {}
    verdicts: dict[str, tuple[Mind, ...]] = {}
    for role in _ROLES:
        paths = {at_service(host.location, name): host.path for host in servers for name in (role, _HEART)}
        thought: list[Mind] = []
        judged: list[Mind] = []
        for host in servers:
            service = service_of(at_service(host.location, role))
            if isinstance(service, Watcher | Member):
                doubts = service.transitions if isinstance(service, Watcher) else service.doubts
                thought += (Mind(one.t_us, host.path, paths[one.subject], one.suspected) for one in doubts)
                judged += (Mind(one.t_us, host.path, paths[one.subject], one.suspected) for one in service.transitions)
        minds[role], verdicts[role] = tuple(sorted(thought)), tuple(sorted(judged))
    empty = Ledger(final={}, balances={}, divergent=(), conflicts=0, watermark="applied")
    return replace(empty, detection=DetectionEnd(minds=minds, verdicts=verdicts))
