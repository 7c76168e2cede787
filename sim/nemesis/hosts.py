"""Families that strike hosts: clocks, disks, pauses, crashes, and what fails together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sim.nemesis.hand import Family, Ground, Hand

__all__ = ["HOSTS", "surely"]

_MS: Final = 1_000
_S: Final = 1_000_000
#: NTP corrects no more than this: a clock that drifts faster is broken, and known to be.
_DRIFT_PPM: Final = 500


def _clock(hand: Hand) -> None:
    kind, targets = hand.one(("clock-offset", "clock-drift", "clock-jump")), hand.victims()
    if kind == "clock-drift":
        sign = -1 if hand.happens(0.5) else 1
        hand.strike(kind, targets, params={"ppm": sign * round(hand.spread(10, _DRIFT_PPM))})
        return
    shift = hand.shift(_MS, 100 * _S)
    if kind == "clock-offset":
        hand.strike(kind, targets, params={"offset": shift})
        return
    # A jump has no end: what ends it is a jump back, as when somebody sets the clock right.
    at, for_us, lasts = hand.when(), hand.length(), hand.lasts()
    hand.strike(kind, targets, at=at, params={"by": shift})
    ground = hand.ground
    limit_us = ground.limit_us(hand.faults[-1])
    if not (lasts and limit_us is None):
        back = shift.removeprefix("-") if shift.startswith("-") else f"-{shift}"
        # Before the limit, by when it has happened; and a correction begins like any other fault, within the window.
        end_us = min(at + for_us, (ground.ends_us if limit_us is None else min(limit_us, ground.ends_us)) - 1)
        hand.strike(kind, targets, at=end_us, params={"by": back})


def _disk_kinds(ground: Ground) -> Sequence[str]:
    unfair = [kind for kind in ("disk-loss", "fsync-lies") if kind in ground.allow and _exposed(ground)]
    return ("disk-slow", "disk-full", "power-loss", *unfair)


def _exposed(ground: Ground) -> Sequence[str]:
    """The servers whose disks may be lost."""
    return [path for path in ground.servers if ground.topology.host(path).index in ground.exposed]


def _disk(hand: Hand) -> None:
    kind, targets = hand.one(_disk_kinds(hand.ground)), hand.victims()
    if kind == "disk-slow":
        hand.strike(kind, targets, params={"factor": hand.factor(2, 200)})
    elif kind == "disk-full":
        hand.strike(kind, targets)
    elif kind == "power-loss":
        hand.strike(kind, targets, params={"torn": True})
    else:
        victim = hand.one(_exposed(hand.ground))
        lies = hand.strike(kind, (victim,))
        if kind == "fsync-lies" and isinstance(lies.at, int) and hand.happens(0.75):
            # A lie is found out by nothing but a power loss.
            latest_us = hand.ground.ends_us - hand.shortest_us
            room_us = min(lies.for_us or latest_us, latest_us - lies.at)
            at = lies.at + (hand.draws.between(1, room_us) if room_us >= 1 else 0)
            hand.strike("power-loss", (victim,), at=at, params={"torn": hand.happens(0.5)})


def surely(kind: str, hand: Hand) -> None:
    """Strike one whose disk may be lost in each of the first two thirds, long enough to be missed and not for good."""
    ground = hand.ground
    third_us = max(1, (ground.ends_us - ground.begins_us) // 3)
    for since_us in (ground.begins_us, ground.begins_us + third_us):
        at = max(ground.begins_us, hand.grain(hand.draws.between(since_us, since_us + third_us // 2)))
        for_us = min(max(hand.length(), third_us // 4), third_us)
        hand.strike(kind, (hand.one(_exposed(ground)),), at=at, for_us=for_us, must_end=True)


def _pause(hand: Hand) -> None:
    kind, targets, factor = hand.one(("host-pause", "host-slow")), hand.victims(), hand.factor(2, 200)
    if kind == "host-pause":
        hand.strike(kind, targets)
    else:
        hand.strike(kind, targets, params={"factor": factor})


def _crash(hand: Hand) -> None:
    kind, torn = hand.one(("process-crash", "power-loss")), hand.happens(0.5)
    params = {"torn": True} if torn and kind == "power-loss" else {}
    servers = hand.ground.servers
    if len(servers) > 1 and hand.happens(0.1):
        # One after the other, as somebody does who restarts a fleet.
        at, gap_us, for_us = hand.when(), hand.grain(hand.length() / len(servers)), hand.length()
        latest_us = hand.ground.ends_us - hand.shortest_us
        for number, host in enumerate(hand.some(servers, hand.draws.between(2, len(servers)))):
            hand.strike(
                kind,
                (host,),
                at=min(at + number * gap_us, latest_us),
                for_us=max(hand.shortest_us, for_us),
                params=params,
            )
    else:
        hand.strike(kind, hand.victims(), params=params)


def _domains(ground: Ground) -> list[tuple[str, str]]:
    """The kinds of group that there are here, and the level of each."""
    found = [("rack", "rack"), ("cluster-power", "cluster"), ("region-unreachable", "region")]
    if "region-destroyed" in ground.allow and ground.healed_us is None and ground.exposed:
        found.append(("region-destroyed", "region"))
    return [(kind, level) for kind, level in found if _groups(ground, kind, level)]


def _groups(ground: Ground, kind: str, level: str) -> Sequence[str]:
    topology = ground.topology
    if kind == "region-unreachable":
        return ground.sides(level)
    if kind == "region-destroyed":
        return [r for r in ground.units(level) if ground.exposed.issuperset(h.index for h in topology.servers(r))]
    return ground.units(level)


def _group(hand: Hand) -> None:
    kind, level = hand.one(_domains(hand.ground))
    names = _groups(hand.ground, kind, level)
    torn, twice = hand.happens(0.5), hand.happens(0.1) and kind in ("rack", "cluster-power") and len(names) > 1
    targets = hand.some(names, 2 if twice else 1)
    if kind in ("rack", "cluster-power") and torn:
        hand.strike(kind, targets, params={"torn": True})
    else:
        hand.strike(kind, targets)


def _has_servers(ground: Ground) -> bool:
    return bool(ground.servers)


HOSTS: Final = (
    Family(
        name="clock",
        doc="Clocks that are wrong, drift, or jump and are set right again.",
        kinds=("clock-offset", "clock-drift", "clock-jump"),
        possible=_has_servers,
        strike=_clock,
    ),
    Family(
        name="disk",
        doc="Disks that are slow or full, or lose a torn tail with the power; where allowed, that lie or are lost.",
        kinds=("disk-slow", "disk-full", "power-loss", "disk-loss", "fsync-lies"),
        possible=_has_servers,
        strike=_disk,
    ),
    Family(
        name="pause",
        doc="Hosts that stand still or are slow.",
        kinds=("host-pause", "host-slow"),
        possible=_has_servers,
        strike=_pause,
    ),
    Family(
        name="crash",
        doc="Processes die and hosts lose power, alone, together or one after the other.",
        kinds=("process-crash", "power-loss"),
        possible=_has_servers,
        strike=_crash,
    ),
    Family(
        name="groups",
        doc="What fails together: a rack, a cluster's power, a region unreachable; where allowed, a region destroyed.",
        kinds=("rack", "cluster-power", "region-unreachable", "region-destroyed"),
        possible=lambda ground: bool(_domains(ground)),
        strike=_group,
    ),
)
