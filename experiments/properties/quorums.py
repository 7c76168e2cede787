"""What a design gives away, shown rather than forbidden: claimed *sometimes*."""

from __future__ import annotations

from typing import Final

from experiments.evidence import Evidence
from experiments.scenario.property import Sort, claim
from sim.checkers import Outcome, Verdict, replicas
from sim.checkers.replicas import AuditSpec

__all__ = ["QUORUMS"]


def loses_acknowledged_writes(seen: Evidence) -> Verdict:
    """An acknowledged write is nowhere at rest, and nothing that came after it stands in its place."""
    found = replicas.durable(seen.history, AuditSpec(initial=seen.initial))
    if found.outcome is Outcome.INVALID:
        return Verdict(Outcome.VALID, found.witness, found.reason)
    return Verdict(
        Outcome.INVALID, (), "nothing acknowledged was lost" if found.outcome is Outcome.VALID else found.reason
    )


QUORUMS: Final = (claim(loses_acknowledged_writes, sort=Sort.EVIDENCE, records=frozenset({"register"})),)
