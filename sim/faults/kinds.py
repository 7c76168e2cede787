"""What each kind of fault means on a given topology.

A *cut* is a pair of host sets: messages from the first to the second are lost. Partitions
are unions of cuts, so partial and one-way ones need no machinery of their own. A *crash*
takes hosts down and says what they lose.

A crash aimed at a region, a cluster or `*` spares client hosts: they stand for people, who
go on asking (and being measured) while the machines are down. Name a client host, or the
cluster `clients`, to strike it. A cut spares nobody: its region's clients are cut off too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from sim.faults.fault import Fault, ParamValue, Trigger
from sim.topology import Topology
from sim.wording import way_to

__all__ = ["KINDS", "CrashKind", "Cut", "FaultKind", "FaultProblem", "ParamRule", "check_schedule"]


@dataclass(frozen=True, slots=True)
class Cut:
    """Messages from any host of `src` to any other of `dst` are lost; the way back is open."""

    src: frozenset[int]
    dst: frozenset[int]


class CrashKind(StrEnum):
    """What a host loses when it goes down."""

    PROCESS_CRASH = "process-crash"
    POWER_LOSS = "power-loss"


class ParamRule(NamedTuple):
    """What a parameter must be: `bool` or `selectors` (a tuple of targets), and what for."""

    type: str
    required: bool
    doc: str


class FaultProblem(NamedTuple):
    """Something wrong with a fault: at which field, its value, the rule, the way out."""

    field: str
    value: str
    rule: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.field} = {self.value}: {self.rule}; {self.way_out}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One kind of fault.

    Attributes:
        name: Its key in `KINDS` and in scenario files.
        doc: One sentence for people.
        params: The parameters that it knows, by name.
        sides: For a partition, the two sides of a fault of this kind (sources, sinks).
        two_way: Whether the cut holds from sinks to sources as well.
        crash: What its targets lose, None for a partition.
    """

    name: str
    doc: str
    params: Mapping[str, ParamRule] = field(default_factory=lambda: MappingProxyType({}))
    sides: Callable[[Fault, Topology], tuple[frozenset[int], frozenset[int]]] | None = None
    two_way: bool = True
    crash: CrashKind | None = None

    def validate(self, fault: Fault, topology: Topology) -> list[FaultProblem]:
        """All that is wrong with a fault of this kind on this topology; empty if nothing."""
        problems = self.check_names(fault, topology)
        if problems or self.sides is None:
            return problems
        src, dst = self.sides(fault, topology)
        shown = _shown(fault.targets)
        if not dst:
            problems.append(FaultProblem("targets", shown, "nobody is on the other side", "name fewer targets"))
        elif src & dst:
            shared = topology.hosts[min(src & dst)].path
            problems.append(FaultProblem("targets", shown, f"{shared} is on both sides", "name it on one side only"))
        return problems

    def check_names(self, fault: Fault, topology: Topology) -> list[FaultProblem]:
        """The part of `validate` about targets and parameters taken one by one."""
        problems = list(_bad_selectors("targets", fault.targets, topology))
        problems += self._bad_params(fault.params, topology)
        return problems

    def cuts(self, fault: Fault, topology: Topology) -> tuple[Cut, ...]:
        """The cuts that a fault of this kind makes while it lives."""
        if self.sides is None:
            return ()
        src, dst = self.sides(fault, topology)
        return (Cut(src, dst), Cut(dst, src)) if self.two_way else (Cut(src, dst),)

    def crashed(self, fault: Fault, topology: Topology) -> frozenset[int]:
        """The hosts that a fault of this kind keeps down while it lives."""
        if self.crash is None:
            return frozenset()
        return frozenset(
            index
            for target in fault.targets
            for index in topology.select(target)
            if not topology.hosts[index].client or _names_clients(target, topology)
        )

    def _bad_params(self, params: Mapping[str, ParamValue], topology: Topology) -> Iterable[FaultProblem]:
        for name, value in params.items():
            rule = self.params.get(name)
            if rule is None:
                way_out = way_to(name, self.params) if self.params else "leave it out"
                unknown = f"{self.name} has no such parameter"
                yield FaultProblem(f"params.{name}", _shown(value), unknown, way_out)
            elif rule.type == "bool":
                if not isinstance(value, bool):
                    yield FaultProblem(f"params.{name}", _shown(value), "not a truth value", "write true or false")
            elif not isinstance(value, tuple) or not value:
                yield FaultProblem(f"params.{name}", _shown(value), "not a list of targets", "list at least one")
            else:
                yield from _bad_selectors(f"params.{name}", value, topology)
        for name, rule in self.params.items():
            if rule.required and name not in params:
                missing = f"{self.name} needs it: {rule.doc}"
                yield FaultProblem(f"params.{name}", "(nothing)", missing, "add it")


def check_schedule(faults: Sequence[Fault], topology: Topology) -> None:
    """Check a schedule before the world starts.

    Raises:
        ValueError: an id occurs twice, a kind is unknown, a fault waits for a trigger, or its
            targets or parameters make no sense here. All of these at once, one a line.
    """
    lines: list[str] = []
    seen: set[str] = set()
    for fault in faults:
        problems: list[FaultProblem] = []
        if fault.id in seen:
            problems.append(FaultProblem("id", fault.id, "another fault has this id", "rename one"))
        seen.add(fault.id)
        if isinstance(fault.at, Trigger):
            shown = str(fault.at.point or fault.at.note)
            problems.append(FaultProblem("at", shown, "a fault begins at an instant here", "give a time"))
        kind = KINDS.get(fault.kind)
        if kind is None:
            unknown = FaultProblem("kind", fault.kind, "no such kind", way_to(fault.kind, KINDS))
            problems.append(unknown)
        else:
            problems += kind.validate(fault, topology)
        lines += [f"fault {fault.id!r}: {problem}" for problem in problems]
    if lines:
        raise ValueError("\n".join(lines))


def _targets(fault: Fault, topology: Topology) -> frozenset[int]:
    return _chosen(fault.targets, topology)


def _against_the_rest(fault: Fault, topology: Topology) -> tuple[frozenset[int], frozenset[int]]:
    inside = _targets(fault, topology)
    return inside, frozenset(range(len(topology.hosts))) - inside


def _against_some(fault: Fault, topology: Topology) -> tuple[frozenset[int], frozenset[int]]:
    return _targets(fault, topology), _chosen(_selectors(fault.params["against"]), topology)


def _towards(fault: Fault, topology: Topology) -> tuple[frozenset[int], frozenset[int]]:
    if "to" not in fault.params:
        return _against_the_rest(fault, topology)
    return _targets(fault, topology), _chosen(_selectors(fault.params["to"]), topology)


def _selectors(value: ParamValue) -> tuple[str, ...]:
    assert isinstance(value, tuple), value  # validated before anything is computed
    return value


def _chosen(selectors: Iterable[str], topology: Topology) -> frozenset[int]:
    return frozenset(index for name in selectors for index in topology.select(name))


def _names_clients(target: str, topology: Topology) -> bool:
    return all(topology.hosts[index].client for index in topology.select(target))


def _bad_selectors(field: str, selectors: Iterable[str], topology: Topology) -> Iterable[FaultProblem]:
    for name in selectors:
        try:
            topology.select(name)
        except ValueError as problem:
            rule, _, way_out = str(problem).partition("; ")
            yield FaultProblem(field, _shown(name), rule.removeprefix(f"{name!r} "), way_out)


def _shown(value: ParamValue) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _by_name(*kinds: FaultKind) -> Mapping[str, FaultKind]:
    return MappingProxyType({kind.name: kind for kind in kinds})


KINDS: Final = _by_name(
    FaultKind(
        name="partition-full",
        doc="The targets, still joined to each other, lose everything else, both ways.",
        sides=_against_the_rest,
    ),
    FaultKind(
        name="partition-partial",
        doc="The targets and `against` lose each other, both ways; third parties reach both.",
        params=MappingProxyType({"against": ParamRule("selectors", True, "the other side")}),
        sides=_against_some,
    ),
    FaultKind(
        name="partition-one-way",
        doc="What the targets send to `to` (or to everything else) is lost; the way back is open.",
        params=MappingProxyType({"to": ParamRule("selectors", False, "who hears nothing")}),
        sides=_towards,
        two_way=False,
    ),
    FaultKind(
        name="process-crash",
        doc="The targets' processes die and lose their heap; they restart when it ends.",
        crash=CrashKind.PROCESS_CRASH,
    ),
    FaultKind(
        name="power-loss",
        doc="The targets lose heap and page cache, with `torn` half a record of it stays.",
        params=MappingProxyType({"torn": ParamRule("bool", False, "tear the unflushed tail")}),
        crash=CrashKind.POWER_LOSS,
    ),
)
