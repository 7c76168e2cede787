"""Every property by name, and the verdicts on a scenario's claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from experiments.evidence import Evidence
from experiments.properties.bank import BANK
from experiments.properties.histories import HISTORIES
from experiments.properties.runs import RUNS
from experiments.scenario.factory import resolve
from experiments.scenario.problems import raised
from experiments.scenario.property import Property, PropertyUse, claim
from sim.checkers import Outcome, Verdict

__all__ = ["PROPERTIES", "find", "judge"]

PROPERTIES: Final[Mapping[str, Property[Any]]] = MappingProxyType({p.name: p for p in (*BANK, *HISTORIES, *RUNS)})


def find(name: str) -> Property[Any]:
    """A shipped property, or a user's own, `package.module:callable`; a scenario that was read has no others."""
    if name in PROPERTIES:
        return PROPERTIES[name]
    made = resolve(name)
    assert callable(made), f"{name} is no property, and no scenario claims it"
    return claim(made)


def judge(evidence: Evidence, uses: Iterable[PropertyUse]) -> dict[str, Verdict]:
    """The verdict on each claim of a scenario, by its name."""
    return {use.name: _verdict(use, evidence) for use in uses}


def _verdict(use: PropertyUse, evidence: Evidence) -> Verdict:
    """What one property says; a user's own may raise or return anything, and then nothing is known."""
    prop = find(use.name)
    if use.name in PROPERTIES:
        return prop.holds(evidence, **use.params)
    try:
        found: object = prop.holds(evidence, **use.params)
    except Exception as failed:  # noqa: BLE001 - somebody else's code
        return Verdict(Outcome.UNKNOWN, (), f"{use.name} raised {raised(failed)}")
    if isinstance(found, Verdict):
        return found
    return Verdict(Outcome.UNKNOWN, (), f"{use.name} returned {type(found).__name__}; a property returns a Verdict")
