"""`[[fault]] import = "outages.csv"`: a log of outages as faults of a scenario.

`at` shifts the whole log; `origin` is the date that counts as its begin, the earliest without
one; `kind` and `params` hold for every row that names no kind; `id` begins the faults' ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from experiments.scenario.beside import Beside
from experiments.scenario.problems import Finding, shown
from experiments.scenario.schema import Duration, Name, Section, read_section
from sim.faults import KINDS, Fault
from sim.imports import OutageRules, read_outages
from sim.imports.outages import Struck, endpoints_of, instant_us
from sim.wording import way_to

__all__ = ["ImportSection", "is_import", "read_import"]


def _date(text: str) -> str:
    instant_us(text)
    return text


class ImportSection(Section):
    """One `[[fault]]` that stands for a log."""

    import_: Name = Field(alias="import")
    id: Name = "outage"
    at: Duration = 0
    origin: Annotated[str, AfterValidator(_date)] | None = None
    kind: Name | None = None
    params: dict[str, bool | int | float | str | list[str]] = Field(default_factory=dict)


def is_import(raw: object) -> bool:
    """Whether a `[[fault]]` stands for a log."""
    return isinstance(raw, Mapping) and "import" in raw


def read_import(raw: object, path: str, beside: Beside) -> tuple[list[tuple[str, Mapping[str, Any]]], list[Finding]]:
    """The faults of a log, as the sections that somebody would have written, each with its place."""
    read = read_section(ImportSection, raw, path)
    findings, values = read.findings, read.values
    kind = values.get("kind")
    if kind is not None and kind not in KINDS:
        findings.append(Finding(f"{path}.kind", shown(kind), "no such kind of fault", way_to(kind, KINDS)))
        kind = None
    if "import" not in values:
        return [], findings
    rules = OutageRules(
        id=values.get("id", "outage"),
        shift_us=values.get("at", 0),
        origin=values.get("origin"),
        kind=kind,
        params={name: tuple(v) if isinstance(v, list) else v for name, v in values.get("params", {}).items()},
    )
    name = values["import"]
    outages, found = beside.read(name, f"{path}.import", lambda text, file: read_outages(text, file, rules))
    findings += found
    if outages is None and name in beside.contents:
        # What is right of a refused log is checked all the same: one round of mending serves all.
        rest = endpoints_of(beside.contents[name], name, rules)
        return [_section(path, name, line, struck) for line, struck in rest.items()], findings
    sections: list[tuple[str, Mapping[str, Any]]] = []
    for line, fault in outages or ():
        place, section = _section(path, name, line, fault)
        sections.append((place, {**section, "id": fault.id, "at": fault.at, "for": fault.for_us}))
    return sections, findings


def _section(path: str, name: str, line: int, what: Fault | Struck) -> tuple[str, Mapping[str, Any]]:
    """What somebody would have written of a row's fault, but for its id and its times, and the row's place."""
    params = {key: list(value) if isinstance(value, tuple) else value for key, value in what.params.items()}
    section = {"kind": what.kind, "targets": list(what.targets), "params": params}
    return f"{path}.import, {name} line {line}: fault", section
