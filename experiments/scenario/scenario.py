"""A scenario that was found right: everything a run needs but its seed.

It is frozen. A variant (another system, no faults, another target) is made by editing the
document that it came from and reading that afresh, so that a variant is checked exactly as
a file is, and `fingerprint` covers whatever was varied.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final

from experiments.scenario.operations import ROLLING_RESTART, Operation
from experiments.scenario.problems import raised
from experiments.scenario.property import Mode, PropertyUse
from experiments.scenario.toml import to_toml
from models.clients import Workload
from models.system import Site, System
from sim.faults import Fault
from sim.host import HostOptions, Placement
from sim.latency import LatencyModel
from sim.nemesis import Options
from sim.network import ConnectionOptions
from sim.topology import Topology
from sim.wording import way_to

__all__ = ["Scenario", "SystemChoice", "frozen_document"]

_FACTORY: Final = "repair it: it is called with a site, a workload and its options, and returns a System"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemChoice:
    """The system under study.

    Attributes:
        factory: Its name, `package.module:callable`.
        make: The callable.
        options: What the file gives of its options, by parameter, converted.
    """

    factory: str
    make: Callable[..., System]
    options: Mapping[str, Any]

    def build(self, topology: Topology, workload: Workload) -> System:
        """Lay the system over a topology.

        Raises:
            ValueError: the factory refused, raised whatever else, or returned no `System`.
        """
        try:
            system = self.make(Site(topology), workload, **self.options)
        except ValueError:
            raise  # the factory's own words, with its way out
        except (Exception, SystemExit) as failed:
            raise ValueError(f"the factory raised {raised(failed)}; {_FACTORY}") from failed
        if not isinstance(system, System):
            raise ValueError(f"the factory returned {type(system).__name__}, which is no System; {_FACTORY}")
        _check_placements(system, topology)
        return system


def _check_placements(system: System, topology: Topology) -> None:
    """Everything that a system places is a placement, on a host that exists, once."""
    taken: set[tuple[int, str]] = set()
    found: Sequence[Any] = system.placements  # a user's factory, whose types nobody checked
    for number, placement in enumerate(found):
        if not isinstance(placement, Placement):
            told = type(placement).__name__
            raise ValueError(f"placements[{number}] of the system is a {told}, which is no Placement; {_FACTORY}")
        place = (topology.index_of(placement.host), placement.name)
        if place in taken:
            path = topology.hosts[place[0]].path
            raise ValueError(f"the system places two services named {placement.name!r} on {path}; rename one")
        taken.add(place)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """What `load` and `parse` return.

    Attributes:
        name: Stem of its file.
        file: Where it came from, for messages.
        question: What it asks, one line; may be empty.
        text: The file it started from, comments and all.
        topology: Regions, clusters, hosts.
        latency: Delays between them.
        hosts: What every server can do.
        connections: How patient connections are, and which messages take them.
        faults: What goes wrong, in order of the file, rolling restarts last.
        operations: What operators do.
        until_us: End of the run, exclusive.
        warm_up_us: What happens before is not measured.
        workload: What the clients do.
        system: The design under study.
        properties: What must hold.
        nemesis: What random faults a hunt draws for it; None where it does not say.
        document: The TOML it was read from, as plain values.
        beside: Contents of the files that the document names, by name.
    """

    name: str
    file: str
    question: str
    text: str
    topology: Topology
    latency: LatencyModel
    hosts: HostOptions
    connections: ConnectionOptions
    faults: tuple[Fault, ...]
    operations: tuple[Operation, ...]
    until_us: int
    warm_up_us: int
    workload: Workload
    system: SystemChoice
    properties: tuple[PropertyUse, ...]
    nemesis: Options | None
    document: Mapping[str, Any]
    beside: Mapping[str, str]

    def with_system(self, overrides: Mapping[str, Any]) -> Scenario:
        """The same world under another system.

        Args:
            overrides: Keys of `[system]` as the file spells them. With a `factory` they
                replace the section, since options belong to a factory; without one they are
                laid over it.

        Raises:
            ScenarioError: the new section is not right.
        """
        document = self._copy()
        before = {} if "factory" in overrides else document["system"]
        document["system"] = before | dict(overrides)
        return self._again(document)

    def with_section(self, section: str, overrides: Mapping[str, Any]) -> Scenario:
        """The same with keys of a table laid over, as a file spells them; `with_system` is for systems.

        Raises:
            ScenarioError: the table is not right.
        """
        document = self._copy()
        document[section] = document.get(section, {}) | dict(overrides)
        return self._again(document)

    def without_faults(self) -> Scenario:
        """The no-fault control: no faults, and no claim that one met traffic (*sometimes*)."""
        document = self._copy()
        document.pop("fault", None)
        document.pop("nemesis", None)
        _drop_restarts(document)
        claims = document.pop("property", [])
        document["property"] = [claim for claim in claims if claim["mode"] != Mode.SOMETIMES.value]
        return self._again(document)

    def with_fault_targets(self, fault_id: str, targets: Sequence[str]) -> Scenario:
        """The same with the fault `fault_id` aimed at `targets`.

        Raises:
            ValueError: no fault has this id.
            ScenarioError: the targets are not right.
        """
        document = self._copy()
        faults = {fault["id"]: fault for fault in document.get("fault", []) if "import" not in fault}
        if fault_id not in faults:
            raise ValueError(f"{fault_id!r} is no fault of {self.name}; {way_to(fault_id, faults)}")
        faults[fault_id]["targets"] = list(targets)
        return self._again(document)

    def with_faults(self, faults: Sequence[Fault]) -> Scenario:
        """The same with these faults in place of all it has, and nothing left to be drawn.

        Raises:
            ScenarioError: a fault is not right here.
        """
        from experiments.scenario.checks import as_section

        document = self._copy()
        document.pop("nemesis", None)
        _drop_restarts(document)  # they are among the faults
        document["fault"] = [as_section(fault) for fault in faults]
        return self._again(document)

    def without_audit(self) -> Scenario:
        """The same, and nobody reads everything at the end."""
        document = self._copy()
        document["workload"].pop("audit", None)
        return self._again(document)

    def with_claim_params(self, name: str, params: Mapping[str, Any]) -> Scenario:
        """The same with parameters of the claim `name` set, as a file spells them; those it has otherwise stay.

        Raises:
            ScenarioError: a parameter is not right.
        """
        document = self._copy()
        for use in document.get("property", []):
            if use["name"] == name:
                use["params"] = use.get("params", {}) | dict(params)
        return self._again(document)

    def to_toml(self) -> str:
        """A file that reads back as this scenario, without its comments; what lies beside it is in `beside`."""
        return to_toml(self.document)

    def fingerprint(self) -> str:
        """32 hexadecimal digits of its name and content, files beside it included; layout and comments do not count."""
        parts = [self.name, self._copy(), *([dict(self.beside)] if self.beside else [])]
        content = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return blake2b(content.encode(), digest_size=16).hexdigest()

    def _copy(self) -> dict[str, Any]:
        return deepcopy(dict(self.document))

    def _again(self, document: Mapping[str, Any]) -> Scenario:
        return _restore(document, *self._origin())

    def __reduce__(self) -> tuple[Any, ...]:
        # Read afresh in the worker process: read-only views and local factories do not pickle.
        return _restore, (self._copy(), *self._origin())

    def _origin(self) -> tuple[str, str, str, tuple[str, ...], dict[str, str]]:
        return self.name, self.file, self.text, tuple(use.name for use in self.properties), dict(self.beside)


def _drop_restarts(document: dict[str, Any]) -> None:
    """Leave out operations that are faults."""
    if "operation" in document:
        document["operation"] = [one for one in document["operation"] if one["action"] != ROLLING_RESTART]


def frozen_document(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A copy behind a read-only view."""
    return MappingProxyType(deepcopy(dict(document)))


def _restore(
    document: Mapping[str, Any], name: str, file: str, text: str, properties: tuple[str, ...], beside: dict[str, str]
) -> Scenario:
    from experiments.properties import PROPERTIES
    from experiments.scenario.loader import parse

    # Where a test read it with names of its own, these are all that is known of them.
    known = PROPERTIES if all(use in PROPERTIES or ":" in use for use in properties) else properties
    return parse(document, name=name, file=file, text=text, properties=known, beside=beside)
