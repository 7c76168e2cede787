"""Every property by name, and the verdicts on a scenario's claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from experiments.evidence import Evidence
from experiments.properties.bank import BANK
from experiments.properties.cores import CORES
from experiments.properties.deliveries import DELIVERIES
from experiments.properties.detections import DETECTIONS
from experiments.properties.elections import ELECTIONS
from experiments.properties.flows import FLOWS
from experiments.properties.histories import HISTORIES
from experiments.properties.layers import LAYERS
from experiments.properties.loadings import LOADINGS
from experiments.properties.majorities import MAJORITIES
from experiments.properties.merges import MERGES
from experiments.properties.operations import OPERATIONS
from experiments.properties.pipelines import PIPELINES
from experiments.properties.placings import PLACINGS
from experiments.properties.queues import QUEUES
from experiments.properties.quorums import QUORUMS
from experiments.properties.readings import READINGS
from experiments.properties.retries import RETRIES
from experiments.properties.runs import RUNS, not_healed
from experiments.properties.schemes import SCHEMES
from experiments.properties.selects import SELECTS
from experiments.properties.sequences import SEQUENCES
from experiments.properties.services import SERVICES
from experiments.properties.visibles import VISIBLES
from experiments.scenario.factory import resolve
from experiments.scenario.problems import raised
from experiments.scenario.property import Property, PropertyUse, Sort, claim
from sim.checkers import Outcome, Verdict

__all__ = ["PROPERTIES", "find", "judge"]

_LONGEST_SHOWN: Final = 300

PROPERTIES: Final[Mapping[str, Property[Any]]] = MappingProxyType(
    {
        p.name: p
        for p in (
            *BANK,
            *CORES,
            *DELIVERIES,
            *DETECTIONS,
            *ELECTIONS,
            *FLOWS,
            *HISTORIES,
            *LAYERS,
            *LOADINGS,
            *MAJORITIES,
            *MERGES,
            *OPERATIONS,
            *PIPELINES,
            *PLACINGS,
            *QUEUES,
            *QUORUMS,
            *RETRIES,
            *READINGS,
            *RUNS,
            *SCHEMES,
            *SELECTS,
            *SEQUENCES,
            *SERVICES,
            *VISIBLES,
        )
    }
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
    except (Exception, SystemExit) as failed:  # noqa: BLE001 - somebody else's code, and it may call exit()
        return Verdict(Outcome.UNKNOWN, (), f"{use.name} raised {raised(failed)}")
    if not isinstance(made, Verdict):
        return Verdict(Outcome.UNKNOWN, (), f"{use.name} returned {type(made).__name__}; a property returns a Verdict")
    return _as_it_should_be(use.name, made)


def _as_it_should_be(name: str, made: Verdict) -> Verdict:
    """A verdict of somebody else's with parts of the right types; what cannot be read makes it unknown."""
    given: object = made.witness
    reason: object = made.reason
    try:
        outcome, witness = Outcome(made.outcome), () if given is None else tuple(made.witness)
    except (TypeError, ValueError):
        outcome, witness = None, ()
    if outcome is None or not all(type(op) is int for op in witness) or not isinstance(reason, str | None):
        shown = f"{name} returned {made!r}"
        shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[: _LONGEST_SHOWN - 4]} ..."
        rule = "a Verdict holds an Outcome, ids of operations and a text"
        return Verdict(Outcome.UNKNOWN, (), f"{shown}; {rule}")
    return Verdict(outcome, witness, reason or ("" if outcome is Outcome.VALID else "no reason was given"))


def _while_faults_last(found: Verdict, prop: Property[Any], evidence: Evidence) -> Verdict:
    """What ought to come right once faults are over cannot be held against a run in which they were not.

    Judges that read a ledger see to this themselves: they know what no heal mends.
    """
    if prop.sort is not Sort.LIVENESS or found.outcome is not Outcome.INVALID or not evidence.unhealed:
        return found
    return Verdict(Outcome.UNKNOWN, found.witness, f"{found.reason}, but {not_healed(evidence)}")
