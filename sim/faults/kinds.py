"""What a kind of fault is: what it contributes while it lives, and how one is checked.

A live fault contributes any of these: *cuts* (messages from the first host set to the second
are lost), *link effects*, a *host effect*, and a *crash* that takes hosts down and says what
they lose. The injector asks every live fault afresh at each change and hands on the union, so
a kind never has to undo anything. Kinds that change while they live (a flapping cut) say when;
what they contribute is a function of the time since they began.

A host fault aimed at a region, a cluster, a rack or `*` spares client hosts: they stand for
people, who go on asking (and being measured) while the machines are down. Name a client host,
or the cluster `clients`, to strike it. A cut spares nobody: its region's clients are cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from sim.effects import LinkEffect
from sim.faults.fault import Fault
from sim.faults.host_effect import HostEffect
from sim.faults.params import FaultProblem, ParamRule, bad_params, bad_selectors, shown
from sim.topology import Topology
from sim.units import format_us

__all__ = ["CrashKind", "Cut", "FaultKind", "Group", "Order", "chosen", "struck"]

#: A shuffled order of n things, as the indices 0 to n - 1; the same whenever it is asked for.
Order = Callable[[int], tuple[int, ...]]
#: What two host sets a fault stands between: sources and sinks.
Sides = Callable[[Fault, Topology], tuple[frozenset[int], frozenset[int]]]


@dataclass(frozen=True, slots=True)
class Cut:
    """Messages from any host of `src` to any other of `dst` are lost; the way back is open."""

    src: frozenset[int]
    dst: frozenset[int]


class CrashKind(StrEnum):
    """What a host loses when it goes down."""

    PROCESS_CRASH = "process-crash"
    POWER_LOSS = "power-loss"


class Group(StrEnum):
    """What a kind of fault is about."""

    PARTITION = "partition"
    LINK = "link"
    HOST = "host"
    DISK = "disk"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One kind of fault.

    Attributes:
        name: Its key in `KINDS` and in scenario files.
        group: What it is about.
        doc: One sentence for people.
        params: The parameters that it knows, by name.
        level: What its targets must be (`region`, `cluster`, `rack`); None is anything.
        sides: For a plain partition, the two sides of a fault of this kind (sources, sinks).
        two_way: Whether that cut holds from sinks to sources as well.
        cuts_after: For any other partition, its cuts so many microseconds after it began.
        next_change: The next time after that at which those differ; None is never.
        links: What it does to links.
        host: What it does to each host that it strikes.
        crash: What its targets lose as they go down; None if they stay up.
        loses_disk: Whether what its targets had on disk is gone for good.
        evidence: Counters any of which grows while it lives if it met traffic, by their names in
            the accounts and evidence of the network (links that it strikes) and of hosts (that
            it strikes).
        lasting: True: it lasts for ever or is over at once, so `for` is refused. False: it needs
            one. None: either.
        check: What else can be wrong with one, once its names are right.
    """

    name: str
    group: Group
    doc: str
    params: Mapping[str, ParamRule] = field(default_factory=lambda: MappingProxyType({}))
    level: str | None = None
    sides: Sides | None = None
    two_way: bool = True
    cuts_after: Callable[[Fault, Topology, int, Order], tuple[Cut, ...]] | None = None
    next_change: Callable[[Fault, Topology, int], int | None] | None = None
    links: Callable[[Fault, Topology], tuple[LinkEffect, ...]] | None = None
    host: Callable[[Fault], HostEffect] | None = None
    crash: CrashKind | None = None
    loses_disk: bool = False
    evidence: tuple[str, ...] = ()
    lasting: bool | None = None
    check: Callable[[Fault, Topology], Iterable[FaultProblem]] | None = None

    def validate(self, fault: Fault, topology: Topology) -> list[FaultProblem]:
        """All that is wrong with a fault of this kind on this topology; empty if nothing."""
        problems = self.check_names(fault, topology)
        if not any(problem.field == "targets" for problem in problems):
            problems += self._bad_level(fault, topology)
        if problems:
            return problems
        problems += self._bad_sides(fault, topology)
        if self.check is not None:
            problems += self.check(fault, topology)
        return problems

    def check_names(self, fault: Fault, topology: Topology) -> list[FaultProblem]:
        """The part of `validate` about targets, length and parameters taken one by one."""
        problems = list(bad_selectors("targets", fault.targets, topology))
        if self.lasting is True and fault.for_us is not None:
            shown_for = shown(format_us(fault.for_us))
            problems.append(FaultProblem("for", shown_for, f"{self.name} has no end", "leave it out"))
        if self.lasting is False and fault.for_us is None:
            problems.append(FaultProblem("for", "(nothing)", f"{self.name} needs an end", "add it"))
        problems += bad_params(self.name, self.params, fault.params, topology)
        return problems

    def cuts(self, fault: Fault, topology: Topology, after_us: int = 0, order: Order | None = None) -> tuple[Cut, ...]:
        """The cuts of a live fault of this kind, so many microseconds after it began."""
        if self.cuts_after is not None:
            return self.cuts_after(fault, topology, after_us, order or in_order)
        if self.sides is None:
            return ()
        return between(*self.sides(fault, topology), two_way=self.two_way)

    def link_effects(self, fault: Fault, topology: Topology) -> tuple[LinkEffect, ...]:
        """What a live fault of this kind does to links."""
        return () if self.links is None else self.links(fault, topology)

    def crashed(self, fault: Fault, topology: Topology) -> frozenset[int]:
        """The hosts that a fault of this kind keeps down while it lives."""
        return frozenset() if self.crash is None else struck(fault, topology)

    def host_effects(self, fault: Fault, topology: Topology) -> dict[int, HostEffect]:
        """What a live fault of this kind does to hosts, by index."""
        if self.host is None and not self.loses_disk:
            return {}
        effect = HostEffect(disk_lost=True) if self.host is None else self.host(fault)
        return dict.fromkeys(sorted(struck(fault, topology)), effect)

    def _bad_level(self, fault: Fault, topology: Topology) -> Iterable[FaultProblem]:
        for target in fault.targets:
            level = topology.level(target)
            if self.level not in (None, level):
                some = topology.names(self.level or "")
                way_out = f"name one, as in {some[0]!r}" if some else f"give the topology {self.level}s"
                yield FaultProblem("targets", shown(target), f"a {level}, not a {self.level}", way_out)

    def _bad_sides(self, fault: Fault, topology: Topology) -> Iterable[FaultProblem]:
        if self.sides is None:
            return
        src, dst = self.sides(fault, topology)
        if not dst:
            yield FaultProblem("targets", shown(fault.targets), "nobody is on the other side", "name fewer targets")
        elif src & dst:
            rule = f"{topology.hosts[min(src & dst)].path} is on both sides"
            yield FaultProblem("targets", shown(fault.targets), rule, "name it on one side only")


def between(src: frozenset[int], dst: frozenset[int], *, two_way: bool = True) -> tuple[Cut, ...]:
    """The cuts between two sides; none where a side is empty."""
    if not (src and dst):
        return ()
    return (Cut(src, dst), Cut(dst, src)) if two_way else (Cut(src, dst),)


def in_order(n: int) -> tuple[int, ...]:
    """The order that leaves everything where it is."""
    return tuple(range(n))


def chosen(names: Iterable[str], topology: Topology) -> frozenset[int]:
    """The hosts that any of these selectors names."""
    return frozenset(index for name in names for index in topology.select(name))


def struck(fault: Fault, topology: Topology) -> frozenset[int]:
    """The hosts that a host fault strikes: clients only where they are named."""
    return frozenset(
        index
        for target in fault.targets
        for index in topology.select(target)
        if not topology.hosts[index].client or _names_clients(target, topology)
    )


def _names_clients(target: str, topology: Topology) -> bool:
    return all(topology.hosts[index].client for index in topology.select(target))
