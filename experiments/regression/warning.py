"""What a reader should know of a scenario before its first run: it is right, and perhaps not what was meant."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.scenario import Scenario
from sim.faults import destroyed_copies

__all__ = ["warnings"]


def warnings(scenario: Scenario) -> Iterator[str]:
    """A line for each thing whose every copy is lost, and for each fault of its own that can do nothing."""
    for warning in (*_idle(scenario), *_destroyed(scenario)):
        yield f"{scenario.name}: warning: {warning}"


def _destroyed(scenario: Scenario) -> tuple[str, ...]:
    topology = scenario.topology
    stores = scenario.system.build(topology, scenario.workload).stores.values()
    shards = zip(*stores, strict=True)
    copies = {
        f"shard {number}": [topology.index_of(location) for location in locations]
        for number, locations in enumerate(shards)
    }
    return destroyed_copies(scenario.faults, topology, copies)


def _idle(scenario: Scenario) -> Iterator[str]:
    """A fault that multiplies nothing: refused it could not be, since a nemesis draws it for any host."""
    hosts = scenario.hosts
    if hosts.default_service_us or any(us for _, us in hosts.service_us):
        return
    for fault in scenario.faults:
        if fault.kind == "host-slow":
            rule = "host-slow multiplies service times, and here all of them are 0, so it does nothing"
            yield f"fault {fault.id!r}: {rule}; give service_time in [hosts] a value above 0, or use host-pause"
