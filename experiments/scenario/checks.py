"""Checks that need more than one section: times against the run, faults against the topology.

Every function takes the values that were right on their own, by key, and copes with missing
ones: those were complained of already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from experiments.scenario.problems import Finding, shown
from experiments.scenario.property import Property
from experiments.scenario.schema import TriggerSection
from sim.faults import HERE, KINDS, Fault, Trigger, fault_problems
from sim.message import Message
from sim.topology import Topology, grid
from sim.units import format_us
from sim.wording import way_to

__all__ = [
    "check_connections",
    "check_fault",
    "check_hosts",
    "check_ids",
    "check_load",
    "check_properties",
    "check_racks",
    "check_size",
    "check_times",
    "fitting",
    "topology_of",
]

Values = Mapping[str, Any]

# Above these a slip of the keyboard is likelier than a wish, and the lab would run for days or out of memory.
MOST_HOSTS: Final = 100_000
MOST_COMMANDS: Final = 100_000_000


def topology_of(values: Values, cores: int) -> Topology | None:
    """The topology of a section, None if one of its values is missing or there are too many hosts."""
    count = _count_hosts(values)
    if count is None or count > MOST_HOSTS:
        return None
    return grid(
        values["regions"],
        clusters=values["clusters"],
        hosts=values["hosts"],
        cores=cores,
        clients=values["clients"],
        racks=min(values.get("racks", 0), values["hosts"]),
    )


def check_size(values: Values) -> Iterable[Finding]:
    """The hosts that the sections of a topology multiply to."""
    count = _count_hosts(values)
    if count is not None and count > MOST_HOSTS:
        rule = f"with its regions, clusters and clients makes {count:,} hosts, above {MOST_HOSTS:,}"
        yield Finding("topology.hosts", str(values["hosts"]), rule, "lower it, or one of these")


def _count_hosts(values: Values) -> int | None:
    if not {"regions", "clusters", "hosts", "clients"} <= set(values):
        return None
    return int(len(values["regions"]) * (values["clusters"] * values["hosts"] + values["clients"]))


def check_racks(values: Values) -> Iterable[Finding]:
    """Every rack has a host."""
    racks, hosts = values.get("racks", 0), values.get("hosts")
    if hosts is not None and racks > hosts:
        rule = f"more racks than the {hosts} hosts of a cluster"
        yield Finding("topology.racks", str(racks), rule, "a rack without hosts cannot fail: lower it")


def check_times(run: Values, workload: Values) -> Iterable[Finding]:
    """Warm-up and load against the run, and the load against itself."""
    until = run.get("until")
    if until is not None and run.get("warm_up", 0) >= until:
        yield Finding("run.warm_up", _time(run["warm_up"]), f"leaves nothing of a run of {_time(until)}", "shorten it")
    begins, ends = workload.get("begins"), workload.get("ends")
    if begins is not None and ends is not None and ends <= begins:
        yield Finding(
            "workload.ends", _time(ends), f"is not after workload.begins = {_time(begins)}", "give a later time"
        )
    if ends is not None and until is not None and ends > until:
        yield Finding(
            "workload.ends", _time(ends), f"is past the end of the run, {_time(until)}", "end it earlier or run longer"
        )
    audit = workload.get("audit")
    if audit is not None and ends is not None and audit < ends:
        rule = f"is before the load ends, {_time(ends)}"
        yield Finding("workload.audit", _time(audit), rule, "look when the load is over")
    if audit is not None and until is not None and audit >= until:
        rule = f"is past the end of the run, {_time(until)}"
        yield Finding("workload.audit", _time(audit), rule, "look earlier or run longer")
    low, high = workload.get("amount_min"), workload.get("amount_max")
    if low is not None and high is not None and high < low:
        yield Finding("workload.amount_max", str(high), f"is below workload.amount_min = {low}", "raise it")


def check_load(workload: Values) -> Iterable[Finding]:
    """The commands that a whole run would issue."""
    rate, begins, ends = workload.get("rate"), workload.get("begins"), workload.get("ends")
    if rate is None or begins is None or ends is None:
        return
    commands = rate * (ends - begins) / 1_000_000
    if commands > MOST_COMMANDS:
        rule = f"issues about {commands:,.0f} commands from {_time(begins)} to {_time(ends)}, above {MOST_COMMANDS:,}"
        yield Finding("workload.rate", shown(f"{rate:.15g}/s"), rule, "lower it or shorten the load")


def check_hosts(hosts: Values, messages: Collection[str] | None) -> Iterable[Finding]:
    """Flush times against each other, caps against priority, and service times against the messages that exist."""
    caps = hosts["layer_caps"].model_dump(exclude_none=True) if "layer_caps" in hosts else {}
    if caps and not hosts.get("priority", True):
        rule = "all layers wait in one inbox, so none can be held back alone"
        yield Finding("hosts.layer_caps", shown(caps), rule, "leave out one of the two")
    low, high = hosts.get("flush_min"), hosts.get("flush_max")
    if low is not None and high is not None and high < low:
        yield Finding("hosts.flush_max", _time(high), f"is below hosts.flush_min = {_time(low)}", "raise it")
    for name, us in hosts.get("service_times", {}).items():
        if messages is not None and name not in messages:
            path = f"hosts.service_times.{name}"
            yield Finding(path, _time(us), "no message of this name exists", way_to(name, messages))


def check_legs(legs: object, messages: Collection[str] | None) -> Iterable[Finding]:
    """Delays by message class against the messages that exist."""
    if messages is None or not isinstance(legs, Mapping):
        return
    for name in legs:
        if name not in messages:
            path = f"latency.legs.{name}"
            yield Finding(path, shown(legs[name]), "no message of this name exists", way_to(name, messages))


def check_connections(connections: Values, messages: Collection[str] | None) -> Iterable[Finding]:
    """Back-off against itself, and what is to travel on connections against the messages that exist."""
    low, high = connections.get("retransmit_min"), connections.get("retransmit_max")
    if low is not None and high is not None and high < low:
        rule = f"is below connections.retransmit_min = {_time(low)}"
        yield Finding("connections.retransmit_max", _time(high), rule, "raise it")
    for number, name in enumerate(connections.get("messages", ())):
        path = f"connections.messages[{number}]"
        if messages is not None and name not in messages:
            yield Finding(path, shown(name), "no message of this name exists", way_to(name, messages))
        elif name in connections["messages"][:number]:
            yield Finding(path, shown(name), "occurs twice", "leave one out")


def message_names() -> frozenset[str]:
    """The names of all message classes imported so far."""
    names: set[str] = set()
    waiting = list(Message.__subclasses__())
    while waiting:
        message = waiting.pop()
        names.add(message.__name__)
        waiting += message.__subclasses__()
    return frozenset(names)


def check_fault(
    path: str, values: Values, until: int | None, topology: Topology | None, regions: list[str] | None
) -> Iterable[Finding]:
    """One fault against the run and the topology.

    Args:
        path: Where it is, such as `fault[0]`.
        values: What was right of it.
        until: End of the run.
        topology: The world's; None if its section has a mistake.
        regions: The names of the regions, which may be right even so.
    """
    at, lasts = values.get("at"), values.get("for")
    if isinstance(at, TriggerSection) and (at.point is None) == (at.note is None):
        value = shown(at.model_dump(exclude_unset=True))
        yield Finding(f"{path}.at", value, "not one trigger", "give it a `point` or a `note`")
        at = None
    if isinstance(at, TriggerSection) and at.until is not None and at.until <= at.since:
        rule = f"is not after at.since = {_time(at.since)}"
        yield Finding(f"{path}.at.until", _time(at.until), rule, "give it time to be met")
        at = None
    if isinstance(at, TriggerSection) and until is not None and at.since >= until:
        rule = f"waits past the end of the run, {_time(until)}"
        yield Finding(f"{path}.at.since", _time(at.since), rule, "let it count earlier or run longer")
    if isinstance(at, int) and until is not None:
        if at >= until:
            rule = f"begins past the end of the run, {_time(until)}"
            yield Finding(f"{path}.at", _time(at), rule, "begin it earlier or run longer")
        elif lasts is not None and at + lasts > until:
            rule = f"ends at {_time(at + lasts)}, past the end of the run, {_time(until)}"
            yield Finding(f"{path}.for", _time(lasts), rule, "shorten it or run longer; without `for` it never ends")
    name = values.get("kind")
    if name is None:
        return
    if name not in KINDS:
        yield Finding(f"{path}.kind", shown(name), "no such kind of fault", way_to(name, KINDS))
        return
    # A trigger with a mistake of its own may still be one, and then `@here` is not another.
    begins = Trigger(point="?") if at is None and not isinstance(values.get("at"), int) else at or 0
    known = {"id": "?", "targets": ["*"], "for": None, "params": {}} | dict(values) | {"at": begins}
    fault = as_fault(known)
    if topology is not None:
        problems = fault_problems(fault, topology)
    else:
        # The topology has a mistake of its own; what remains to be said is about names.
        skeleton, fault = _skeleton(fault, regions)
        problems = KINDS[name].check_names(fault, skeleton)
    for problem in problems:
        # Of what is missing it was said already why.
        if problem.field.partition(".")[0] in values or problem.field.partition(".")[0] not in known:
            yield Finding(f"{path}.{problem.field}", problem.value, problem.rule, problem.way_out)


def as_fault(values: Values) -> Fault:
    """A fault from the values of its section."""
    at = values["at"]
    if isinstance(at, TriggerSection):
        at = Trigger(point=at.point, note=at.note, nth=at.nth, host=at.host, since_us=at.since, until_us=at.until)
    params = {name: tuple(v) if isinstance(v, list) else v for name, v in values["params"].items()}
    return Fault(
        id=values["id"],
        kind=values["kind"],
        targets=tuple(values["targets"]),
        at=at,
        for_us=values["for"],
        params=params,
    )


def as_section(fault: Fault) -> dict[str, Any]:
    """The section of a fault, as somebody would write it; it reads back as this very fault."""
    at: Any = fault.at
    if isinstance(at, Trigger):
        at = {
            "point": at.point,
            "note": at.note,
            "nth": at.nth,
            "host": at.host,
            "since": format_us(at.since_us) if at.since_us else None,
            "until": None if at.until_us is None else format_us(at.until_us),
        }
        at = {key: value for key, value in at.items() if value is not None}
    else:
        at = format_us(at)
    section = {"id": fault.id, "kind": fault.kind, "targets": list(fault.targets), "at": at}
    if fault.for_us is not None:
        section["for"] = format_us(fault.for_us)
    params = {name: list(value) if isinstance(value, tuple) else value for name, value in fault.params.items()}
    return section | ({"params": params} if params else {})


def _skeleton(fault: Fault, regions: list[str] | None) -> tuple[Topology, Fault]:
    """A topology of regions alone, and the fault with its selectors cut down to regions.

    Where not even the regions are known, those that the fault names are taken for right.
    """

    def region_of(selector: str) -> str:
        return selector.partition("/")[0]

    params = {
        name: tuple(region_of(item) for item in value) if isinstance(value, tuple) else value
        for name, value in fault.params.items()
    }
    targets = tuple(region_of(target) for target in fault.targets if target != HERE) or ("*",)
    named = {*targets, *(item for value in params.values() if isinstance(value, tuple) for item in value)}
    names = regions if regions else sorted(named - {"*", ""}) or ["?"]
    cut_down = Fault(id=fault.id, kind=fault.kind, targets=targets, at=0, for_us=None, params=params)
    return grid(names, clusters=1, hosts=1, cores=0), cut_down


def check_ids(faults: Iterable[tuple[str, Values]]) -> Iterable[Finding]:
    """Every fault has a name of its own."""
    seen: set[str] = set()
    for path, values in faults:
        name = values.get("id")
        if name is not None and name in seen:
            yield Finding(f"{path}.id", shown(name), "another fault has this id", "rename one")
        seen.add(name or "")


def check_properties(properties: list[Values], known: Collection[str]) -> Iterable[Finding]:
    """Every property exists, and is claimed once; one of a user's own is named `package.module:callable`."""
    seen: set[str] = set()
    for number, values in enumerate(properties):
        name = values.get("name")
        path = f"property[{number}].name"
        if name is not None and name not in known and ":" not in name:
            yield Finding(path, shown(name), "no such property", way_to(name, known))
        if name is not None and name in seen:
            yield Finding(path, shown(name), "claimed twice", "leave one out")
        seen.add(name or "")


def fitting(prop: Property[Any], path: str, *, ledger: bool, records: str) -> Iterable[Finding]:
    """Whether a system leaves what a property reads."""
    if prop.ledger and not ledger:
        yield Finding(path, shown(prop.name), "needs a ledger, which this system does not keep", "claim another")
    if prop.records is not None and records not in prop.records:
        told = shown(records) if records else "nothing in particular"
        rule = f"is about {' or '.join(sorted(prop.records))}, and the clients of this system record {told}"
        yield Finding(path, shown(prop.name), rule, "claim another")


def _time(us: int) -> str:
    return shown(format_us(us))
