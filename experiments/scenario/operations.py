"""`[[operation]]` of a scenario: what operators do by hand, and every mistake in it.

An operation is carried out by a runbook on a client host of its `operator`'s region, over the simulated
network. It begins at a time, or at what the operator can see: the end of another operation (`after`), or
a shard that nobody has led for a while (`unled`). A rolling restart needs no messages: it is process
crashes in sequence, and becomes so many faults as it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Final

from pydantic import Discriminator, Field, Tag

from experiments.scenario.problems import NOTHING, Finding, finding, shown
from experiments.scenario.schema import Duration, Name, Section, SomeTime, begins
from models.layout import maker
from models.operations import Action, Runbook, RunbookOptions, Step
from models.operations.membership import Membership
from models.system import System
from sim.faults import Fault
from sim.host import Placement
from sim.topology import HostSpec, Location, Topology, at_service, host_of
from sim.units import format_us
from sim.wording import way_to

__all__ = [
    "ROLLING_RESTART",
    "Operation",
    "OperationSection",
    "as_operations",
    "check_against",
    "check_operations",
    "restarts",
    "with_runbooks",
]

ROLLING_RESTART: Final = "rolling-restart"
RUNBOOK: Final = "runbook"
_ACTIONS: Final = (*Action, ROLLING_RESTART)
_MEMBERSHIP: Final = (Action.ADD_HOST, Action.REMOVE_HOST)
_PATIENCE_US: Final = 10_000_000

Values = Mapping[str, Any]


class OperationTriggerSection(Section):
    """`at = { after = "fence" }`, or `{ unled = "2s" }`; `delay` is waited besides."""

    after: Name | None = None
    unled: SomeTime | None = None
    delay: Duration = 0


class OperationSection(Section):
    """One `[[operation]]`; `for` and `gap` are a rolling restart's."""

    TRIGGER: ClassVar[type[Section]] = OperationTriggerSection

    id: Name
    action: Name
    targets: Annotated[list[Name], Field(min_length=1)]
    at: Annotated[
        Annotated[Duration, Tag("time")] | Annotated[OperationTriggerSection, Tag("trigger")], Discriminator(begins)
    ]
    shard: Name | None = None
    operator: Name | None = None
    patience: SomeTime | None = None
    # The alias is the key in the file; `for` is no name in Python.
    for_: SomeTime | None = Field(default=None, alias="for")
    gap: SomeTime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation that was found right on its own; `with_runbooks` finds out who is meant.

    Attributes:
        id: Its name.
        action: What is done.
        targets: Hosts, by path.
        shard: Of which shard; "" for the only one.
        operator: Region whose desk does it.
        at_us: When it begins; after what it waits for, if it waits.
        after: The operation that must have come to its end; "" for none.
        unled_us: For so long nobody led the shard; 0 if it does not matter.
        patience_us: How long it is tried.
    """

    id: str
    action: Action
    targets: tuple[str, ...]
    shard: str
    operator: str
    at_us: int
    after: str
    unled_us: int
    patience_us: int


# -- on their own ----------------------------------------------------------------------------


def check_operations(
    operations: Sequence[tuple[str, Values]],
    faults: Iterable[tuple[str, Values]],
    until_us: int | None,
    topology: Topology | None,
) -> Iterator[Finding]:
    """What is wrong with operations before the system is known.

    Args:
        operations: Each with its place, and what was right of it.
        faults: The file's own, whose ids rolling restarts must not use.
        until_us: End of the run.
        topology: The world's; None if its section has a mistake.
    """
    taken = {values["id"] for _, values in faults if "id" in values}
    before: dict[str, Values] = {}
    for path, values in operations:
        name, action = values.get("id"), values.get("action")
        if name in before:
            yield Finding(f"{path}.id", shown(name), "another operation has this id", "rename one")
        if action is not None and action not in _ACTIONS:
            yield Finding(f"{path}.action", shown(action), "no such action", way_to(action, _ACTIONS))
        yield from _check_time(path, values, until_us, before)
        yield from _check_kind(path, values)
        if topology is not None:
            yield from _check_places(path, values, topology)
            if action == ROLLING_RESTART and name is not None:
                ids = [fault for fault in (f"{name}-{n}" for n in range(1, 1 + len(topology.hosts))) if fault in taken]
                if ids:
                    rule = f"its restarts are faults, and another fault has the id {ids[0]!r}"
                    yield Finding(f"{path}.id", shown(name), rule, "rename one")
        if name is not None:
            before[name] = values


def _check_time(path: str, values: Values, until_us: int | None, before: Mapping[str, Values]) -> Iterator[Finding]:
    at = values.get("at")
    if isinstance(at, int):
        if until_us is not None and at >= until_us:
            rule = f"begins past the end of the run, {shown(format_us(until_us))}"
            yield Finding(f"{path}.at", shown(format_us(at)), rule, "begin it earlier or run longer")
        return
    if not isinstance(at, OperationTriggerSection):
        return
    if values.get("action") == ROLLING_RESTART:
        yield Finding(f"{path}.at", _written(at), "a rolling restart begins at a time", 'give one, as in "5s"')
    elif (at.after is None) == (at.unled is None):
        yield Finding(
            f"{path}.at", _written(at), "not one trigger", "give it `after` an operation, or `unled` for a time"
        )
    elif at.after is not None:
        desk = values.get("operator")
        able = [n for n, v in before.items() if v.get("action") != ROLLING_RESTART and v.get("operator") == desk]
        if at.after not in able:
            rule = "no operation above it that the same operator carries out"
            yield Finding(f"{path}.at.after", shown(at.after), rule, way_to(at.after, able))


def _written(at: OperationTriggerSection) -> str:
    """A trigger as the file spells it."""
    given = at.model_dump(exclude_unset=True)
    return shown({key: format_us(value) if isinstance(value, int) else value for key, value in given.items()})


def _check_kind(path: str, values: Values) -> Iterator[Finding]:
    """Keys that belong to other actions, and those that are missing."""
    action, targets = values.get("action"), values.get("targets")
    if action not in _ACTIONS:
        return
    restart = action == ROLLING_RESTART
    for key in ("for", "gap"):
        if restart and values.get(key, 0) is None:
            yield Finding(f"{path}.{key}", NOTHING, "a rolling restart needs it", 'add it, as in "2s"')
        elif not restart and values.get(key) is not None:
            rule = "only a rolling restart has it"
            yield Finding(f"{path}.{key}", shown(format_us(values[key])), rule, "leave it out")
    for key in ("shard", "operator", "patience"):
        if restart and values.get(key) is not None:
            value = format_us(values[key]) if key == "patience" else values[key]
            rule = "a rolling restart has none: processes are restarted where they run"
            yield Finding(f"{path}.{key}", shown(value), rule, "leave it out")
    if targets is not None and len(targets) > 1 and action not in (Action.DECLARE_LOST, ROLLING_RESTART):
        yield Finding(f"{path}.targets", shown(targets), f"{action} acts on one host", "write an operation for each")


def _check_places(path: str, values: Values, topology: Topology) -> Iterator[Finding]:
    """Targets and the operator's region against the topology."""
    desk, restart = values.get("operator"), values.get("action") == ROLLING_RESTART
    if desk is not None and desk not in topology.regions:
        yield Finding(f"{path}.operator", shown(desk), "no region here", way_to(desk, topology.regions))
    for number, target in enumerate(values.get("targets", ())):
        place = f"{path}.targets[{number}]"
        try:
            found = topology.select(target) if restart else (topology.host(target).index,)
        except ValueError as refused:
            yield finding(place, target, str(refused))
            continue
        if all(topology.hosts[index].client for index in found):
            yield Finding(place, shown(target), "holds clients, and no part of the system", "name servers")


# -- what they become ------------------------------------------------------------------------


def as_operations(sections: Iterable[tuple[str, Values]], topology: Topology) -> tuple[Operation, ...]:
    """The operations of sections that were found right, rolling restarts apart."""
    made = []
    for _, values in sections:
        if values["action"] == ROLLING_RESTART:
            continue
        at = values["at"]
        trigger = at if isinstance(at, OperationTriggerSection) else OperationTriggerSection()
        made.append(
            Operation(
                id=values["id"],
                action=Action(values["action"]),
                targets=tuple(values["targets"]),
                shard=values["shard"] or "",
                operator=values["operator"] or topology.regions[0],
                at_us=at if isinstance(at, int) else trigger.delay,
                after=trigger.after or "",
                unled_us=trigger.unled or 0,
                patience_us=values["patience"] or _PATIENCE_US,
            )
        )
    return tuple(made)


def restarts(sections: Iterable[tuple[str, Values]], until_us: int, topology: Topology) -> Iterator[Fault | Finding]:
    """The process crashes of every rolling restart, one host after the other; or what is wrong with one."""
    for path, values in sections:
        if values["action"] != ROLLING_RESTART:
            continue
        hosts = {index: None for target in values["targets"] for index in topology.select(target)}
        paths = [topology.hosts[index].path for index in hosts if not topology.hosts[index].client]
        last_us = values["at"] + (len(paths) - 1) * values["gap"] + values["for"]
        if last_us > until_us:
            told = f"{len(paths)} hosts take until {shown(format_us(last_us))}, past the end of the run"
            yield Finding(f"{path}.gap", shown(format_us(values["gap"])), told, "shorten it or run longer")
            continue
        for number, host in enumerate(paths):
            yield Fault(
                id=f"{values['id']}-{number + 1}",
                kind="process-crash",
                targets=(host,),
                at=values["at"] + number * values["gap"],
                for_us=values["for"],
                params={},
            )


def check_against(
    system: System, operations: Iterable[Operation], places: Mapping[str, str], topology: Topology
) -> Iterator[Finding]:
    """What is wrong with operations for this system.

    Args:
        system: As it is laid out.
        operations: Found right on their own.
        places: By id, where each stands.
        topology: The world's.
    """
    before: list[Operation] = []
    for operation in operations:
        path = places[operation.id]
        action = shown(str(operation.action))
        if not system.groups:
            way_out = "choose a system of replicated shards, such as models.stores:store"
            yield Finding(f"{path}.action", action, "this system has no shards that operators can act on", way_out)
        elif system.merging is not None and operation.action is not Action.DECLARE_LOST:
            rule = "no part of a split domain leads, so there is no lead to give or take"
            yield Finding(f"{path}.action", action, rule, f"choose {Action.DECLARE_LOST}")
        elif operation.action in _MEMBERSHIP and system.membership is None:
            able = [str(one) for one in Action if one not in _MEMBERSHIP]
            rule = "the members of this design are fixed when it is laid out; it has no membership change"
            yield Finding(f"{path}.action", action, rule, f"choose one of {', '.join(able)}, or a design that has it")
        elif operation.action in system.instead:
            rule = "cannot be done to a shard of this design"
            yield Finding(f"{path}.action", action, rule, system.instead[operation.action])
        else:
            yield from _check_members(system, before, operation, path, topology)
        before.append(operation)


def _check_members(
    system: System, before: Sequence[Operation], operation: Operation, path: str, topology: Topology
) -> Iterator[Finding]:
    if operation.shard and operation.shard not in system.groups:
        rule = "no shard of this system"
        yield Finding(f"{path}.shard", shown(operation.shard), rule, way_to(operation.shard, system.groups))
        return
    if not operation.shard and len(system.groups) > 1:
        rule = "the system has several shards"
        yield Finding(f"{path}.shard", NOTHING, rule, f"name one of {', '.join(sorted(system.groups))}")
        return
    shard = _shard(system, operation)
    members = _members(system, before, operation, topology)
    if operation.action is Action.RESTORE and shard not in system.backups:
        way_out = "have it keep them, as with backup_every in [system]"
        yield Finding(f"{path}.action", shown(str(operation.action)), "nobody keeps backups of the shard", way_out)
    hosts = [topology.hosts[topology.index_of(member)].path for member in members]
    joins = operation.action is Action.ADD_HOST
    spares = (
        [] if system.membership is None else [one for one in _paths(system.membership, topology) if one not in hosts]
    )
    able = spares if joins else hosts
    wrong = [(n, target) for n, target in enumerate(operation.targets) if target not in able]
    for number, target in wrong:
        rule = f"has no member of {shard}" + (" that could join" if joins else "")
        rule = f"has a member of {shard} already" if joins and target in hosts else rule
        way_out = f"choose one of {', '.join(able)}" if able else "lay out more of them, as with spares in [system]"
        yield Finding(f"{path}.targets[{number}]", shown(target), rule, way_out)
    if operation.action is Action.REMOVE_HOST and not wrong and len(hosts) == 1:
        yield Finding(
            f"{path}.targets", shown(list(operation.targets)), f"is the last member of {shard}", "add one first"
        )
    if operation.action is Action.DECLARE_LOST and not wrong:
        for one in system.together:
            paths = [topology.hosts[topology.index_of(member)].path for member in one if member in members]
            left = [one for one in paths if one not in operation.targets]
            if 0 < len(left) < len(paths):
                rule = f"are lost with {', '.join(left)} or not at all, since others hear of them by one relay"
                yield Finding(f"{path}.targets", shown(list(operation.targets)), rule, "name those too")
    if operation.action is Action.DECLARE_LOST and not wrong and set(hosts) <= set(operation.targets):
        rule = f"are all members of {shard}, which leaves nobody to lead"
        yield Finding(f"{path}.targets", shown(list(operation.targets)), rule, "spare one, or restore a backup")


def _shard(system: System, operation: Operation) -> str:
    return operation.shard or next(iter(system.groups))


def _members(
    system: System, before: Iterable[Operation], operation: Operation, topology: Topology
) -> tuple[Location, ...]:
    """The members of the shard that an operation is about, with those that operations above it take in or let go."""
    shard = _shard(system, operation)
    members = list(system.groups[shard])
    for one in before:
        if one.action in _MEMBERSHIP and (one.shard or shard) == shard:
            at = at_service(topology.host(one.targets[0]).location, shard)
            members = [member for member in members if member != at]
            members += [at] if one.action is Action.ADD_HOST else []
    return tuple(members)


def _paths(membership: Membership, topology: Topology) -> list[str]:
    return [topology.hosts[topology.index_of(host)].path for host in membership.able]


def with_runbooks(system: System, operations: Sequence[Operation], topology: Topology) -> System:
    """The system and beside it a runbook for every region whose operators have something to do."""
    desks: dict[str, list[Step]] = {}
    for number, operation in enumerate(operations):
        desks.setdefault(operation.operator, []).append(_step(system, operations[:number], operation, topology))
    placed = []
    for region, steps in desks.items():
        host: HostSpec = (topology.clients(region) or topology.servers(region))[0]
        options = RunbookOptions(steps=tuple(steps), membership=system.membership, split=system.merging is not None)
        placed.append(Placement(host=host.location, name=RUNBOOK, make=maker(Runbook, options), kind=Runbook))
    return replace(system, placements=(*system.placements, *placed)) if placed else system


def _step(system: System, before: Sequence[Operation], operation: Operation, topology: Topology) -> Step:
    shard, members = _shard(system, operation), _members(system, before, operation, topology)
    by_host = {host_of(member): member for member in members}
    hosts = [topology.host(target).location for target in operation.targets]
    return Step(
        id=operation.id,
        action=operation.action,
        shard=shard,
        members=members,
        # A change of membership is about the host, whichever member lives there; all else is said to the member itself.
        targets=tuple(hosts if operation.action in _MEMBERSHIP else (by_host.get(host, host) for host in hosts)),
        at_us=operation.at_us,
        after=operation.after,
        unled_us=operation.unled_us,
        patience_us=operation.patience_us,
        backup=system.backups.get(shard),
    )
