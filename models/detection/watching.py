"""Two detectors side by side on the same hosts, so that one trouble shows which of them it fools.

Detectors of heartbeats watch from the first host, to which every other beats; a membership protocol runs on all. Both
go by name as `fails` and `holds`, after what a scenario claims of them; which detector each is, the scenario chooses,
in the words of `models.detection.words` or by the name of a protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from models.clients import Workload
from models.detection.beats import Beater, BeatOptions, Watcher, WatchOptions
from models.detection.swim import MEMBERLIST_LAN, SWIM, Member, SwimOptions, members
from models.detection.words import detector_of
from models.detection_end import DetectionEnd, Mind
from models.factories import Reading
from models.ledger import Ledger
from models.system import Site, System
from sim.host import Context, Placement
from sim.topology import HostSpec, Location, at_service

__all__ = ["watched"]

_HEART: Final = "heart"
_ROLES: Final = ("fails", "holds")
#: Protocols by which a group finds out together who is gone.
_GROUPS: Final[Mapping[str, SwimOptions]] = MappingProxyType({"swim": SWIM, "lifeguard": MEMBERLIST_LAN})
#: In front of a detector: after a pause of its own it convicts nobody for a while.
_GUARDED: Final = "guarded "


def watched(
    site: Site,
    workload: Workload,
    *,
    fails: str,
    holds: str,
    eta_us: int = 250_000,
    look_us: int = 0,
    guard_us: int = 5_000_000,
) -> System:
    """Two detectors of whoever runs on the site's servers; clients have nothing to do.

    Each is a detector, as in `mean:4 of 100` or `guarded cassandra`, or a protocol, `swim` or `lifeguard`. `eta` is
    between heartbeats. With `look` they change their minds only when they look; a guard needs that, and lasts `guard`.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    topology, read = site.topology, Reading(site, workload)
    servers = [host for region in topology.regions for host in topology.servers(region)]
    if len(servers) < 2:
        read.problems.append(f"there is {len(servers)} server and nobody to watch; give hosts = 2 or more")
    if eta_us < 4:
        read.problems.append(f"{eta_us=} is no interval; give at least 4")
    wanted = dict(zip(_ROLES, (fails, holds), strict=True))
    plans = {
        role: read.of(partial(detector_of, words.removeprefix(_GUARDED), max(4, eta_us)))
        for role, words in wanted.items()
        if words not in _GROUPS
    }
    if any(words.startswith(_GUARDED) for words in wanted.values()) and not 0 < look_us < guard_us:
        read.problems.append(
            f"{look_us=} and {guard_us=}: a guard needs looks, and a pause longer than between two of them"
        )
    read.done()
    observer, others = servers[0], servers[1:]
    hearts = tuple(at_service(host.location, _HEART) for host in others)
    placements: list[Placement] = []
    for role, words in wanted.items():
        plan = plans.get(role)
        if plan is None:
            placements += members([host.location for host in servers], _GROUPS[words], role)
            continue
        guard = guard_us if words.startswith(_GUARDED) else 0
        options = WatchOptions(subjects=hearts, plan=plan, look_us=look_us, guard_us=guard)
        placements.append(Placement(host=observer.location, name=role, make=partial(_watcher, options), kind=Watcher))
    if plans:
        beats = BeatOptions(watchers=tuple(at_service(observer.location, role) for role in plans), eta_us=eta_us)
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
