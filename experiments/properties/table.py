"""Every property by name, and the verdicts on a scenario's claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from experiments.evidence import Evidence
from experiments.properties.bank import BANK
from experiments.properties.cores import CORES
from experiments.properties.flows import FLOWS
from experiments.properties.histories import HISTORIES
from experiments.properties.runs import RUNS, not_healed
from experiments.properties.schemes import SCHEMES
from experiments.scenario.factory import resolve
from experiments.scenario.problems import raised
from experiments.scenario.property import Property, PropertyUse, Sort, claim
from sim.checkers import Outcome, Verdict

__all__ = ["PROPERTIES", "find", "judge"]

PROPERTIES: Final[Mapping[str, Property[Any]]] = MappingProxyType(
    {p.name: p for p in (*BANK, *CORES, *FLOWS, *HISTORIES, *RUNS, *SCHEMES)}
)


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
        found = prop.holds(evidence, **use.params)
        return found if prop.ledger else _while_faults_last(found, prop, evidence)
    try:
        made: object = prop.holds(evidence, **use.params)
    except Exception as failed:  # noqa: BLE001 - somebody else's code
        return Verdict(Outcome.UNKNOWN, (), f"{use.name} raised {raised(failed)}")
    if isinstance(made, Verdict):
        return made
    return Verdict(Outcome.UNKNOWN, (), f"{use.name} returned {type(made).__name__}; a property returns a Verdict")


def _while_faults_last(found: Verdict, prop: Property[Any], evidence: Evidence) -> Verdict:
    """What ought to come right once faults are over cannot be held against a run in which they were not.

    Judges that read a ledger see to this themselves: they know what no heal mends.
    """
    if prop.sort is not Sort.LIVENESS or found.outcome is not Outcome.INVALID or not evidence.unhealed:
        return found
    return Verdict(Outcome.UNKNOWN, found.witness, f"{found.reason}, but {not_healed(evidence)}")
