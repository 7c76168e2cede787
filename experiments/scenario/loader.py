"""From a file, or a shipped name, to a `Scenario`, or to every mistake in it at once."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from experiments.scenario import checks
from experiments.scenario.beside import Beside
from experiments.scenario.factory import defaulted, read_options, resolve
from experiments.scenario.imported import is_import, read_import
from experiments.scenario.latency import latency_of
from experiments.scenario.nemesis import NemesisSection, check_nemesis, nemesis_options
from experiments.scenario.operations import (
    OperationSection,
    as_operations,
    check_against,
    check_operations,
    restarts,
    with_runbooks,
)
from experiments.scenario.problems import NOTHING, Finding, Problem, ScenarioError, finding, shown
from experiments.scenario.property import Property, PropertyUse, claim
from experiments.scenario.refusals import refusals, refusals_beside
from experiments.scenario.scenario import Scenario, SystemChoice, frozen_document
from experiments.scenario.schema import (
    SECTIONS,
    ConnectionsSection,
    FaultSection,
    HostsSection,
    LatencySection,
    PropertySection,
    Read,
    RunSection,
    TopologySection,
    WorkloadSection,
    read_section,
)
from models.clients import Workload
from sim.faults import Fault, marks_of, trigger_problems
from sim.host import HostOptions
from sim.message import Layer
from sim.nemesis import Options
from sim.network import ConnectionOptions
from sim.wording import way_to

__all__ = ["load", "parse", "shipped"]

_SUFFIX: Final = ".toml"
_TABLES: Final[Mapping[str, type[BaseModel]]] = MappingProxyType(
    {
        "topology": TopologySection,
        "hosts": HostsSection,
        "latency": LatencySection,
        "connections": ConnectionsSection,
        "run": RunSection,
        "workload": WorkloadSection,
        "nemesis": NemesisSection,
    }
)
#: What a factory is told beside its options.
_TOLD: Final = frozenset({"topology", "workload"})
_LISTS: Final[Mapping[str, type[BaseModel]]] = MappingProxyType(
    {"fault": FaultSection, "operation": OperationSection, "property": PropertySection}
)


def shipped() -> tuple[str, ...]:
    """The names of the scenarios that come with the lab, in order of the alphabet."""
    folder = files("experiments").joinpath("scenarios")
    return tuple(sorted(f.name.removesuffix(_SUFFIX) for f in folder.iterdir() if f.name.endswith(_SUFFIX)))


def load(source: str | Path, *, properties: Collection[str] | Mapping[str, Property[Any]] | None = None) -> Scenario:
    """Read a scenario.

    Args:
        source: A path that ends in `.toml`, or the name of a shipped scenario.
        properties: The properties that exist; None means those of `experiments.properties`.

    Raises:
        ScenarioError: with every mistake that was found.
    """
    file = str(source)
    name = Path(file).name.removesuffix(_SUFFIX)
    folder = Path(file).parent
    if file.endswith(_SUFFIX) or len(Path(file).parts) > 1:
        text = _read(Path(file), file)
    else:
        name = file.replace("-", "_")
        if name not in shipped():
            rule = "no scenario of this name comes with the lab"
            way_out = f"a file's path ends in {_SUFFIX}; {way_to(name, shipped())}"
            raise ScenarioError([Problem(file or NOTHING, "scenario", shown(file), rule, way_out)])
        file = f"{name}{_SUFFIX}"
        folder = Path(str(files("experiments").joinpath("scenarios")))
        text = (folder / file).read_text(encoding="utf-8-sig")
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as broken:  # besides the reader's: endless digits, or endless brackets
        raise ScenarioError([_syntax_problem(file, text, str(broken))]) from None
    return parse(document, name=name, file=file, text=text, properties=properties, folder=folder)


def parse(
    document: Mapping[str, Any],
    *,
    name: str,
    file: str = "(memory)",
    text: str = "",
    properties: Collection[str] | Mapping[str, Property[Any]] | None = None,
    folder: Path | None = None,
    beside: Mapping[str, str] | None = None,
) -> Scenario:
    """Read a scenario from what a TOML file holds.

    Args:
        document: The content, as plain values.
        name: The scenario's name.
        file: Where it came from, for messages.
        text: The file, comments and all.
        properties: As in `load`.
        folder: Where files that it names are looked for; the working directory if None.
        beside: Contents of such files that are known already, by name.

    Raises:
        ScenarioError: with every mistake that was found.
    """
    if properties is None:
        from experiments.properties import PROPERTIES

        properties = PROPERTIES
    reader = _Reader(document, properties, Beside(folder or Path(), beside or {}))
    made = reader.scenario(name, file, text)
    if made is None:
        raise ScenarioError(Problem(file, *found) for found in reader.findings)
    return made


class _Reader:
    """One reading of one document: what was right, and everything that was not."""

    def __init__(
        self, document: Mapping[str, Any], properties: Collection[str] | Mapping[str, Property[Any]], beside: Beside
    ) -> None:
        self.findings: list[Finding] = []
        self._beside = beside
        self._document = document
        for key, value in document.items():
            if key not in SECTIONS:
                self._add([Finding(key, shown(value), "unknown key", way_to(key, SECTIONS))])
        self._question = document.get("question", "")
        if not isinstance(self._question, str) or "\n" in self._question:
            self._add([Finding("question", shown(self._question), "not one line of text", "write one")])
        tables = {key: self._table(key, model) for key, model in _TABLES.items()}
        self.topology, self.hosts = tables["topology"].values, tables["hosts"].values
        self.latency, self.run = tables["latency"].values, tables["run"].values
        self.connections, self.workload = tables["connections"].values, tables["workload"].values
        self.regions: list[str] | None = self.topology.get("regions")
        self._add(checks.check_racks(self.topology))
        self._add(checks.check_size(self.topology))
        self.world = checks.topology_of(self.topology, self.hosts.get("cores", 1))
        self.delays, found = latency_of(self.latency, self.regions, self.world, beside)
        self._add(found)
        self._add(checks.check_times(self.run, self.workload))
        self._add(checks.check_load(self.workload))
        self._unread: frozenset[str] | None = None
        self.system = self._system()
        messages = checks.message_names() if self.system else None
        self._add(checks.check_hosts(self.hosts, messages))
        self._add(checks.check_connections(self.connections, messages))
        self._add(checks.check_legs(self.latency.get("legs"), messages))
        self.faults = self._list("fault")
        for path, fault in self.faults:
            self._add(checks.check_fault(path, fault, self.run.get("until"), self.world, self.regions))
        self._add(checks.check_ids(self.faults))
        self.operations = self._list("operation")
        self._add(check_operations(self.operations, self.faults, self.run.get("until"), self.world))
        self.nemesis = tables["nemesis"].values
        self._add(check_nemesis(self.nemesis, document.get("nemesis"), self.run.get("until"), self.world))
        self.properties = [values for _, values in self._list("property")]
        self._add(checks.check_properties(self.properties, properties))
        self._table_of = properties if isinstance(properties, Mapping) else {}
        self._claims = [self._claim(number, values) for number, values in enumerate(self.properties)]

    def scenario(self, name: str, file: str, text: str) -> Scenario | None:
        """The scenario, None if there is a finding."""
        if self.findings:
            self._add(self._beside_defaults())
            return None
        assert self.world is not None
        assert self.delays is not None
        assert self.system is not None
        workload = self._workload()
        faults = tuple(checks.as_fault(fault) for _, fault in self.faults)
        operations = as_operations(self.operations, self.world)
        rolling = list(restarts(self.operations, self.run["until"], self.world))
        self._add(found for found in rolling if isinstance(found, Finding))
        try:
            # Laid out once in vain: a factory may refuse what its signature cannot tell, and only
            # the services in place say what a fault may wait for.
            system = self.system.build(self.world, workload)
            places = {values["id"]: path for path, values in self.operations}
            self._add(check_against(system, operations, places, self.world))
            if not self.findings:
                system = with_runbooks(system, operations, self.world)
            marks = marks_of(system.placements, self.world, system.templates)
        except ValueError as refused:
            self._add(refusals(self.system, refused))
            return None
        for (path, _), fault in zip(self.faults, faults, strict=True):
            for problem in trigger_problems(fault, marks, self.world):
                self._add([Finding(f"{path}.{problem.field}", problem.value, problem.rule, problem.way_out)])
        for number, prop in enumerate(self._claims):
            if prop is not None:
                path = f"property[{number}].name"
                ledger = system.ledger is not None
                self._add(checks.fitting(prop[0], path, ledger=ledger, records=system.records))
        nemesis = self._nemesis(workload)
        if self.findings:
            return None
        return Scenario(
            name=name,
            file=file,
            question=self._question,
            text=text,
            topology=self.world,
            latency=self.delays,
            hosts=self._host_options(),
            connections=self._connection_options(),
            faults=(*faults, *(found for found in rolling if isinstance(found, Fault))),
            operations=operations,
            until_us=self.run["until"],
            warm_up_us=self.run["warm_up"],
            workload=workload,
            system=self.system,
            properties=tuple(self._uses()),
            nemesis=nemesis,
            document=frozen_document(self._document),
            beside=MappingProxyType(dict(self._beside.contents)),
        )

    def _table(self, key: str, model: type[BaseModel]) -> Read:
        if key not in self._document and SECTIONS[key]:
            self._add([Finding(key, NOTHING, "this section is required", f"add [{key}]")])
            return Read({}, [])
        read = read_section(model, self._document.get(key, {}), key)
        self._add(read.findings)
        return read

    def _list(self, key: str) -> list[tuple[str, Mapping[str, Any]]]:
        """The sections of a list, each with its place; a fault may stand for a whole log of them."""
        raw = self._document.get(key, [])
        if not isinstance(raw, list):
            self._add([Finding(key, shown(raw), "not a list of tables", f"write it under [[{key}]], brackets doubled")])
            return []
        sections: list[tuple[str, Mapping[str, Any]]] = []
        for number, item in enumerate(raw):
            path = f"{key}[{number}]"
            if key == "fault" and is_import(item):
                imported, findings = read_import(item, path, self._beside)
                sections += imported
            else:
                values, findings = read_section(_LISTS[key], item, path)
                sections.append((path, values))
            self._add(findings)
        return sections

    def _system(self) -> SystemChoice | None:
        raw = self._document.get("system")
        if not isinstance(raw, Mapping):
            value = NOTHING if raw is None else shown(raw)
            self._add([Finding("system", value, "this section is required", "add [system] with a factory")])
            return None
        if "factory" not in raw:
            self._add([Finding("system.factory", NOTHING, "is required", "add it")])
            return None
        made = resolve(raw["factory"])
        if isinstance(made, Finding):
            self._add([made])
            return None
        options = {key: value for key, value in raw.items() if key != "factory"}
        values, findings = read_options(made, options, self.regions)
        self._add(findings)
        wrong = {found.path.removeprefix("system.") for found in findings}
        if "factory" not in wrong:
            self._unread = defaulted(made, wrong)
        sound = {name: value for name, value in values.items() if name not in (self._unread or ())}
        return SystemChoice(factory=raw["factory"], make=made, options=MappingProxyType(sound))

    def _beside_defaults(self) -> list[Finding]:
        """What is wrong with the system beside options that cannot be read, where all that it is told can be."""
        about = {found.path.partition(".")[0].partition("[")[0] for found in self.findings}
        if self.system is None or self._unread is None or self.world is None or about & _TOLD:
            return []
        return refusals_beside(self.system, self._unread, self.world, self._workload())

    def _claim(self, number: int, values: Mapping[str, Any]) -> tuple[Property[Any], dict[str, Any]] | None:
        """A claimed property with its parameters; None if it is not known, or only by name."""
        name, raw = values.get("name", ""), values.get("params", {})
        prop = self._table_of.get(name)
        if prop is None and ":" in name:
            made = resolve(name, f"property[{number}].name")
            if isinstance(made, Finding):
                self._add([made])
                return None
            prop = claim(made)
        if prop is None:
            return None
        params, findings = read_options(prop.judge, raw, None, f"property[{number}].params")
        self._add(findings)
        return prop, params

    def _uses(self) -> Iterator[PropertyUse]:
        for values, found in zip(self.properties, self._claims, strict=True):
            params = {} if found is None else found[1]
            yield PropertyUse(name=values["name"], mode=values["mode"], params=MappingProxyType(params))

    def _nemesis(self, workload: Workload) -> Options | None:
        if "nemesis" not in self._document:
            return None
        try:
            return nemesis_options(self.nemesis, self.run["until"], workload)
        except ValueError as refused:
            self._add([finding("nemesis", self._document["nemesis"], str(refused))])
            return None

    def _host_options(self) -> HostOptions:
        return HostOptions(
            inbox_limit=self.hosts["inbox"],
            service_us=tuple(self.hosts["service_times"].items()),
            default_service_us=self.hosts["service_time"],
            flush_us_min=self.hosts["flush_min"],
            flush_us_max=self.hosts["flush_max"],
            priority=self.hosts["priority"],
            layer_caps=tuple(
                (Layer[name.upper()], share)
                for name, share in self.hosts["layer_caps"].model_dump(exclude_none=True).items()
            ),
        )

    def _connection_options(self) -> ConnectionOptions:
        return ConnectionOptions(
            retransmit_us_min=self.connections["retransmit_min"],
            retransmit_us_max=self.connections["retransmit_max"],
            timeout_us=self.connections["timeout"],
            carried=frozenset(self.connections["messages"]),
        )

    def _workload(self) -> Workload:
        load = self.workload
        return Workload(
            rate_per_s=load["rate"],
            accounts=load["accounts"],
            zipf_exponent=load["zipf_exponent"],
            deposit_fraction=load["deposit_fraction"],
            amount_min=load["amount_min"],
            amount_max=load["amount_max"],
            opening_balance=load["opening_balance"],
            begins_us=load["begins"],
            ends_us=load["ends"],
            deadline_us=load["deadline"],
            attempt_timeout_us=load["attempt_timeout"],
            backoff_us=load["backoff"],
            audit_us=load["audit"],
            contended=load["contended"],
            locality=load["locality"],
            only=None if load["only"] is None else frozenset(load["only"]),
        )

    def _add(self, findings: Any) -> None:
        self.findings.extend(findings)


def _read(path: Path, file: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a byte order mark
    except OSError as failed:
        why = (failed.strerror or str(failed)).lower()
        raise ScenarioError([Problem(file, "file", shown(file), why, "give a readable file")]) from None
    except UnicodeDecodeError:
        raise ScenarioError([Problem(file, "file", shown(file), "not UTF-8 text", "save it as UTF-8")]) from None


def _syntax_problem(file: str, text: str, message: str) -> Problem:
    """The error of the TOML reader, `... (at line 3, column 5)`, with the line itself."""
    rule, _, place = message.rstrip(")").partition(" (at ")
    number = place.partition("line ")[2].partition(",")[0]
    lines = text.splitlines()
    line = lines[int(number) - 1].strip() if number.isdigit() and int(number) <= len(lines) else NOTHING
    return Problem(file, place or "end of file", shown(line), f"not TOML: {rule.lower()}", "correct the line")
