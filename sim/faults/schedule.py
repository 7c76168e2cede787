"""A whole schedule against the world that it is for: names, targets, triggers, who can be touched.

What is wrong is told all at once and before anything runs: a host that does not exist, a crash
point that nobody marks, a fault that nobody would notice because it can never begin.

A fault aimed at `@here` has a target only when its trigger fires. It is judged on every host
where that may be: it is refused if it makes sense on none of them (a rack that fails, where no
host that passes the point stands in one), and where it makes sense on some, only what happens
there counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sim.faults.catalogue import KINDS
from sim.faults.fault import HERE, Fault, Trigger
from sim.faults.kinds import FaultKind, Group, struck
from sim.faults.params import FaultProblem, shown
from sim.host import Placement, Template
from sim.topology import HostSpec, Topology, host_of
from sim.wording import way_to

__all__ = [
    "Exposure",
    "Marks",
    "check_schedule",
    "check_triggers",
    "exposure",
    "fault_problems",
    "fits",
    "marks_of",
    "resolved",
    "trigger_problems",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What the services of one host mark, by their own word.

    Attributes:
        points: Crash points that they pass.
        notes: Names that they note, or `name=value`.
    """

    points: frozenset[str]
    notes: frozenset[str]

    def fires(self, trigger: Trigger) -> bool:
        """Whether what a trigger waits for can happen."""
        if trigger.point is not None:
            return trigger.point in self.points
        return trigger.note is not None and self.notes_like(trigger.note)

    def notes_like(self, note: str) -> bool:
        """Whether such a note can be made; a bare name among `notes` stands for any value."""
        name, with_value, _ = note.partition("=")
        if with_value:
            return note in self.notes or name in self.notes
        return any(known.partition("=")[0] == name for known in self.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Hosts that some fault of a schedule may touch, and which therefore need the machinery.

    Attributes:
        strained: May be paused or slowed down.
        skewed: May have wrong clocks.
    """

    strained: frozenset[int]
    skewed: frozenset[int]


def check_schedule(faults: Sequence[Fault], topology: Topology) -> None:
    """Check a schedule against the hosts that it names.

    Raises:
        ValueError: an id occurs twice, a kind is unknown, or a fault's targets, length,
            parameters or trigger make no sense here. All of these at once, one a line.
    """
    lines: list[str] = []
    seen: set[str] = set()
    for fault in faults:
        problems: list[FaultProblem] = []
        if fault.id in seen:
            problems.append(FaultProblem("id", fault.id, "another fault has this id", "rename one"))
        seen.add(fault.id)
        problems += fault_problems(fault, topology)
        lines += [f"fault {fault.id!r}: {problem}" for problem in problems]
    _refuse(lines)


def fault_problems(fault: Fault, topology: Topology) -> list[FaultProblem]:
    """All that is wrong with one fault, but for what only the services know."""
    kind = KINDS.get(fault.kind)
    if kind is None:
        return [FaultProblem("kind", fault.kind, "no such kind", way_to(fault.kind, KINDS))]
    if not isinstance(fault.at, Trigger):
        if HERE not in fault.targets:
            return kind.validate(fault, topology)
        rule = "only a trigger says where it fired"
        return [FaultProblem("targets", shown(HERE), rule, "name a host, or begin at a point or note")]
    there = fault.at.host
    problems = [] if there is None else list(_bad_host(there, topology))
    if HERE not in fault.targets:
        return problems + kind.validate(fault, topology)
    hosts = topology.hosts if there is None or problems else (topology.host(there),)
    return problems + _bad_everywhere(fault, hosts, topology)


def fits(fault: Fault, topology: Topology, host: int) -> bool:
    """Whether a fault makes sense if its trigger fires on `host`; always, if it is not aimed at `@here`."""
    return HERE not in fault.targets or not _problems_at(fault, topology.hosts[host], topology)


def _bad_everywhere(fault: Fault, hosts: Iterable[HostSpec], topology: Topology) -> list[FaultProblem]:
    """What is wrong with a fault aimed at `@here` on the first of these hosts; nothing if it fits one."""
    told: list[FaultProblem] = []
    for host in hosts:
        found = _problems_at(fault, host, topology)
        if not found:
            return []
        told = told or found
    return told


def _problems_at(fault: Fault, host: HostSpec, topology: Topology) -> list[FaultProblem]:
    """What is wrong with a fault aimed at `@here` if that is this host, in the words that somebody wrote."""
    if _names_here(fault, host) is None:
        way_out = "give the topology racks" if not topology.names("rack") else "wait on a host that has one"
        return [FaultProblem("targets", shown(HERE), f"{host.path} stands in no rack", way_out)]
    found = KINDS[fault.kind].validate(resolved(fault, topology, host.index), topology)
    here = _names_here(fault, host) or ""
    return [
        problem._replace(value=shown(fault.targets), rule=f"where that is {here}, {problem.rule}")
        if problem.field == "targets" and shown(here) in problem.value
        else problem
        for problem in found
    ]


def _names_here(fault: Fault, host: HostSpec) -> str | None:
    """What `@here` stands for on a host: itself, or its rack, cluster or region if the kind wants one."""
    level = KINDS[fault.kind].level
    cluster = f"{host.region}/{host.cluster}"
    rack = None if host.rack is None else f"{cluster}/{host.rack}"
    return {"region": host.region, "cluster": cluster, "rack": rack}.get(level or "", host.path)


def resolved(fault: Fault, topology: Topology, host: int) -> Fault:
    """The fault with `@here` replaced by `host`, or by its rack, cluster or region if the kind wants one."""
    if HERE not in fault.targets:
        return fault
    here = _names_here(fault, topology.hosts[host])
    assert here is not None, "only where it fits"
    return replace(fault, targets=tuple(here if target == HERE else target for target in fault.targets))


def check_triggers(faults: Sequence[Fault], marks: Mapping[str, Marks], topology: Topology) -> None:
    """Check that whatever a fault waits for is marked by somebody on whose host it makes sense.

    Args:
        faults: A schedule that passed `check_schedule`.
        marks: By host path, from `marks_of`.
        topology: The same that the schedule was checked against.

    Raises:
        ValueError: nobody marks a point or makes a note that a fault waits for, or only hosts
            do where the fault makes no sense; all at once.
    """
    _refuse([f"fault {f.id!r}: {problem}" for f in faults for problem in trigger_problems(f, marks, topology)])


def trigger_problems(fault: Fault, marks: Mapping[str, Marks], topology: Topology) -> Iterable[FaultProblem]:
    """What is wrong with the trigger of one fault, given what services mark."""
    trigger = fault.at
    if not isinstance(trigger, Trigger):
        return
    here = {path: m for path, m in marks.items() if trigger.host in (None, path)}
    firing = [path for path, m in here.items() if m.fires(trigger)]
    where = "nobody" if trigger.host is None else f"nobody on {trigger.host}"
    if firing:
        if HERE in fault.targets:
            yield from _bad_everywhere(fault, (topology.host(path) for path in firing), topology)
    elif trigger.point is not None:
        points = frozenset[str]().union(*(m.points for m in here.values()))
        yield FaultProblem("at.point", shown(trigger.point), f"{where} marks it", way_to(trigger.point, points))
    elif trigger.note is not None:
        notes = frozenset[str]().union(*(m.notes for m in here.values()))
        yield FaultProblem("at.note", shown(trigger.note), f"{where} notes it", way_to(trigger.note, notes))


def marks_of(
    placements: Iterable[Placement], topology: Topology, templates: Iterable[Template] = ()
) -> dict[str, Marks]:
    """What the services of each host mark, by its path; what can be provisioned may run on any."""
    found: dict[str, tuple[set[str], set[str]]] = {host.path: (set(), set()) for host in topology.hosts}
    kinds = [(topology.hosts[topology.index_of(host_of(p.host))].path, p.kind) for p in placements]
    kinds += [(path, template.kind) for path in found for template in templates]
    for path, kind in kinds:
        if kind is None:
            continue
        points, notes = found[path]
        for base in kind.__mro__:
            points |= getattr(base, "POINTS", frozenset())
            notes |= getattr(base, "NOTES", frozenset())
    return {path: Marks(points=frozenset(p), notes=frozenset(n)) for path, (p, n) in found.items()}


def exposure(faults: Iterable[Fault], topology: Topology) -> Exposure:
    """The hosts whose pace or clocks some fault of a checked schedule may touch."""
    strained: set[int] = set()
    skewed: set[int] = set()
    for fault in faults:
        kind = KINDS[fault.kind]
        if kind.host is None or kind.group is Group.DISK:
            continue
        (skewed if kind.group is Group.CLOCK else strained).update(_reach(fault, kind, topology))
    return Exposure(strained=frozenset(strained), skewed=frozenset(skewed))


def _reach(fault: Fault, kind: FaultKind, topology: Topology) -> frozenset[int]:
    """Every host that a fault may strike, wherever its trigger fires."""
    if HERE not in fault.targets:
        return struck(fault, topology)
    assert isinstance(fault.at, Trigger)
    hosts = range(len(topology.hosts)) if fault.at.host is None else [topology.host(fault.at.host).index]
    here = [resolved(fault, topology, host) for host in hosts if fits(fault, topology, host)]
    return frozenset(index for made in here for index in struck(made, topology))


def _bad_host(path: str, topology: Topology) -> Iterable[FaultProblem]:
    try:
        topology.host(path)
    except ValueError as problem:
        rule, _, way_out = str(problem).partition("; ")
        yield FaultProblem("at.host", shown(path), rule.removeprefix(f"{path!r} "), way_out)


def _refuse(lines: Sequence[str]) -> None:
    if lines:
        raise ValueError("\n".join(lines))
