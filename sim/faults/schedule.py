"""A whole schedule against the world that it is for: names, targets, triggers, who can be touched.

What is wrong is told all at once and before anything runs: a host that does not exist, a crash
point that nobody marks, a fault that nobody would notice because it can never begin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sim.faults.catalogue import KINDS
from sim.faults.fault import HERE, Fault, Trigger
from sim.faults.kinds import FaultKind, Group, struck
from sim.faults.params import FaultProblem, shown
from sim.host import Placement, Template
from sim.topology import Topology, host_of
from sim.wording import way_to

__all__ = [
    "Exposure",
    "Marks",
    "check_schedule",
    "check_triggers",
    "exposure",
    "fault_problems",
    "marks_of",
    "problems_here",
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
    trigger = fault.at if isinstance(fault.at, Trigger) else None
    problems = list(_bad_host(trigger.host, topology)) if trigger is not None and trigger.host is not None else []
    if HERE not in fault.targets:
        return problems + kind.validate(fault, topology)
    if trigger is None:
        rule = "only a trigger says where it fired"
        return [FaultProblem("targets", shown(HERE), rule, "name a host, or begin at a point or note")]
    only = None if problems or trigger.host is None else topology.host(trigger.host).index
    return problems + _wrong_everywhere(fault, topology, only)


def problems_here(fault: Fault, topology: Topology, host: int) -> list[FaultProblem]:
    """All that is wrong with a fault whose trigger is met on `host`: it does not begin there."""
    kind = KINDS[fault.kind]
    if HERE in fault.targets and kind.level == "rack" and topology.hosts[host].rack is None:
        return [FaultProblem("targets", shown(HERE), "no host here has a rack", "give the topology racks")]
    return kind.validate(resolved(fault, topology, host), topology)


def _wrong_everywhere(fault: Fault, topology: Topology, only: int | None) -> list[FaultProblem]:
    """What is wrong with a fault of `@here` wherever its trigger may be met; nothing if it is right somewhere."""
    hosts = range(len(topology.hosts)) if only is None else (only,)
    first = problems_here(fault, topology, hosts[0])
    elsewhere = [problem for problem in first if problem.field != "targets"]
    if elsewhere or not all(problems_here(fault, topology, host) for host in hosts[1:]):
        return elsewhere
    return [problem._replace(value=shown(HERE)) for problem in first]


def resolved(fault: Fault, topology: Topology, host: int) -> Fault:
    """The fault with `@here` replaced by `host`, or by its rack, cluster or region if the kind wants one."""
    if HERE not in fault.targets:
        return fault
    spec = topology.hosts[host]
    cluster = f"{spec.region}/{spec.cluster}"
    levels = {"region": spec.region, "cluster": cluster, "rack": f"{cluster}/{spec.rack}"}
    here = levels.get(KINDS[fault.kind].level or "", spec.path)
    return replace(fault, targets=tuple(here if target == HERE else target for target in fault.targets))


def check_triggers(faults: Sequence[Fault], marks: Mapping[str, Marks]) -> None:
    """Check that whatever a fault waits for is marked by somebody.

    Args:
        faults: A schedule that passed `check_schedule`.
        marks: By host path, from `marks_of`.

    Raises:
        ValueError: nobody marks a point or makes a note that a fault waits for; all at once.
    """
    _refuse([f"fault {f.id!r}: {problem}" for f in faults for problem in trigger_problems(f, marks)])


def trigger_problems(fault: Fault, marks: Mapping[str, Marks]) -> Iterable[FaultProblem]:
    """What is wrong with the trigger of one fault, given what services mark."""
    trigger = fault.at
    if not isinstance(trigger, Trigger):
        return
    here = [m for path, m in marks.items() if trigger.host in (None, path)]
    where = "nobody" if trigger.host is None else f"nobody on {trigger.host}"
    if trigger.point is not None:
        points = frozenset[str]().union(*(m.points for m in here))
        if trigger.point not in points:
            yield FaultProblem("at.point", shown(trigger.point), f"{where} marks it", way_to(trigger.point, points))
    elif trigger.note is not None and not any(m.notes_like(trigger.note) for m in here):
        notes = frozenset[str]().union(*(m.notes for m in here))
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
    return frozenset(index for host in hosts for index in struck(resolved(fault, topology, host), topology))


def _bad_host(path: str, topology: Topology) -> Iterable[FaultProblem]:
    try:
        topology.host(path)
    except ValueError as problem:
        rule, _, way_out = str(problem).partition("; ")
        yield FaultProblem("at.host", shown(path), rule.removeprefix(f"{path!r} "), way_out)


def _refuse(lines: Sequence[str]) -> None:
    if lines:
        raise ValueError("\n".join(lines))
