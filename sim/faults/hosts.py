"""Hosts that fail: slow, paused, crashed, without power; their disks and clocks; whole domains.

A *failure domain* is what goes down together: a rack, a cluster's power, a region. Such a kind
insists on targets of its level, so that a slip of the pen does not switch off a region.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from sim.faults.fault import Fault
from sim.faults.host_effect import HostEffect
from sim.faults.kinds import CrashKind, FaultKind, Group, struck
from sim.faults.params import FaultProblem, ParamRule, number, shift, shown, whole
from sim.faults.partitions import PARTITIONS, against_the_rest
from sim.topology import Topology

__all__ = ["CLOCKS", "DISKS", "DOMAINS", "HOSTS"]

_DOWN: Final = (
    "dropped: host down",
    "missed: host down",
    "dropped: connection reset",
    "missed: connection reset",
    "lost in crash",
)
_NONE: Final[Mapping[str, ParamRule]] = MappingProxyType({})
_TORN: Final[Mapping[str, ParamRule]] = MappingProxyType({"torn": ParamRule("bool", False, "tear the unflushed tail")})
_TIMES: Final[Mapping[str, ParamRule]] = MappingProxyType(
    {"factor": ParamRule("factor", True, "how many times as long it takes")}
)


def _kind(
    name: str,
    group: Group,
    doc: str,
    host: Callable[[Fault], HostEffect],
    evidence: str,
    params: Mapping[str, ParamRule] = _NONE,
    lasting: bool | None = None,
    check: Callable[[Fault, Topology], Iterable[FaultProblem]] | None = None,
) -> FaultKind:
    return FaultKind(
        name=name, group=group, doc=doc, params=params, host=host, evidence=(evidence,), lasting=lasting, check=check
    )


def _slow(fault: Fault) -> HostEffect:
    return HostEffect(slow_factor=number(fault, "factor", 1.0))


def _bad_slow(fault: Fault, topology: Topology) -> Iterable[FaultProblem]:
    for target in fault.targets:
        if not any(topology.hosts[index].cores for index in struck(replace(fault, targets=(target,)), topology)):
            rule = "no host of it has a core to slow down"
            yield FaultProblem("targets", shown(target), rule, "name servers; a client's work takes no core time")


def _paused(fault: Fault) -> HostEffect:
    return HostEffect(paused=True)


def _slow_disk(fault: Fault) -> HostEffect:
    return HostEffect(disk_slow_factor=number(fault, "factor", 1.0))


def _lies(fault: Fault) -> HostEffect:
    return HostEffect(fsync_lies=True)


def _full(fault: Fault) -> HostEffect:
    return HostEffect(disk_full=True)


def _offset(fault: Fault) -> HostEffect:
    return HostEffect(clock_offset_us=shift(fault, "offset"))


def _jump(fault: Fault) -> HostEffect:
    return HostEffect(clock_offset_us=shift(fault, "by"))


def _drift(fault: Fault) -> HostEffect:
    return HostEffect(clock_drift_ppm=whole(fault, "ppm", 0))


def _dark(name: str, level: str | None, doc: str) -> FaultKind:
    return FaultKind(
        name=name,
        group=Group.HOST,
        doc=doc,
        params=_TORN,
        level=level,
        crash=CrashKind.POWER_LOSS,
        evidence=_DOWN,
    )


HOSTS: Final = (
    _kind(
        "host-slow",
        Group.HOST,
        "Every message costs the targets `factor` times its service time.",
        _slow,
        "slowed",
        _TIMES,
        check=_bad_slow,
    ),
    _kind(
        "host-pause",
        Group.HOST,
        "The targets stand still and keep everything; messages, timers and replies take place late, when it ends.",
        _paused,
        "put aside",
    ),
    FaultKind(
        name="process-crash",
        group=Group.HOST,
        doc="The targets' processes die and lose their heap; they restart when it ends.",
        crash=CrashKind.PROCESS_CRASH,
        evidence=_DOWN,
    ),
    _dark("power-loss", None, "The targets lose heap and page cache, with `torn` half a record of it stays."),
)

DISKS: Final = (
    FaultKind(
        name="disk-loss",
        group=Group.DISK,
        doc="The targets' disks are gone with all they held; an empty one takes their place when it ends.",
        loses_disk=True,
        evidence=("disk refusals", "perished"),
    ),
    _kind(
        "disk-slow",
        Group.DISK,
        "Every flush that the targets begin takes `factor` times as long.",
        _slow_disk,
        "slow flushes",
        _TIMES,
    ),
    _kind(
        "fsync-lies",
        Group.DISK,
        "The targets' flushes are acknowledged and not done; an honest one makes up for it, a power loss does not.",
        _lies,
        "flushes lied",
    ),
    _kind(
        "disk-full",
        Group.DISK,
        "The targets' disks take no more records; reading, flushing and truncating go on.",
        _full,
        "disk refusals",
    ),
)

CLOCKS: Final = (
    _kind(
        "clock-offset",
        Group.CLOCK,
        "The targets' wall clocks are wrong by `offset` until it ends.",
        _offset,
        "read off its time",
        MappingProxyType({"offset": ParamRule("signed duration", True, "what they show beyond the time")}),
    ),
    _kind(
        "clock-drift",
        Group.CLOCK,
        "Both clocks of the targets gain `ppm` microseconds a second, timers with them; what was gained stays.",
        _drift,
        "used while it drifted",
        MappingProxyType({"ppm": ParamRule("ppm", True, "parts in a million, negative if they lose")}),
    ),
    _kind(
        "clock-jump",
        Group.CLOCK,
        "The targets' wall clocks jump `by` at once and for good; the monotonic ones do not.",
        _jump,
        "read off its time",
        MappingProxyType({"by": ParamRule("signed duration", True, "how far")}),
        lasting=True,
    ),
)

DOMAINS: Final = (
    _dark("rack", "rack", "The servers of whole racks lose power together."),
    _dark("cluster-power", "cluster", "The servers of whole clusters lose power together."),
    FaultKind(
        name="region-unreachable",
        group=Group.PARTITION,
        doc="Whole regions, clients and all, are cut off from everything else, both ways.",
        level="region",
        sides=against_the_rest,
        evidence=PARTITIONS[0].evidence,
    ),
    FaultKind(
        name="region-destroyed",
        group=Group.HOST,
        doc="Every server of whole regions is lost with its disk, for ever.",
        level="region",
        crash=CrashKind.POWER_LOSS,
        loses_disk=True,
        lasting=True,
        evidence=_DOWN,
    ),
)
