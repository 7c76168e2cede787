"""What is claimed of the crash table of replication."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.crashes.replicas.tables import ReplicaResult, summary
from experiments.experiment import Finding

__all__ = ["finding_of"]


def finding_of(found: Sequence[ReplicaResult]) -> Finding:
    """Of no row, as with the table of the write side: it is a function of the code alone."""
    bad = [str(one.cell) for one in found if one.wrong or not (one.reason or one.hits)]
    return Finding(
        claim="At every point of replication, whatever crashes or is cut off there, each scheme keeps its promise, "
        "and every point that applies was struck",
        holds=not bad if found else None,
        detail=summary(found) + (f" Not so: {'; '.join(bad[:3])}." if bad else ""),
    )
