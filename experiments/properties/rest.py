"""Why what is judged at the end of a run may yet come right: it was not at rest."""

from __future__ import annotations

from typing import Final

from experiments.measures.observation import Observation
from experiments.properties.runs import not_healed
from sim.faults import KINDS

__all__ = ["unrest"]

#: A run is judged at rest so long after the last command and the last heal.
_REST_US: Final = 5_000_000


def unrest(seen: Observation) -> str:
    """What speaks against judging a run by its end; "" if nothing does."""
    waiting = seen.ledger.missing - len(_gone(seen))
    if waiting > 0:
        return f"{waiting} stores were down at the end, and what they hold is not known"
    if seen.unhealed:
        return not_healed(seen)
    ends = [f.at + f.for_us for f in seen.scenario.faults if isinstance(f.at, int) and f.for_us is not None]
    ends += [span.end_us for span in seen.spans if span.end_us is not None]
    quiet_us = seen.scenario.until_us - max([seen.scenario.workload.ends_us, *ends])
    if quiet_us < _REST_US:
        return (
            f"only {quiet_us / 1e6:.1f} s between the last command or heal and the end; give it {_REST_US / 1e6:.0f} s"
        )
    return ""


def _gone(seen: Observation) -> frozenset[int]:
    """Hosts that lost their disk for ever: nothing that only they held will come back."""
    faults, topology = seen.scenario.faults, seen.scenario.topology
    lasting = (f for f in faults if KINDS[f.kind].loses_disk and f.for_us is None)
    return frozenset(host for fault in lasting for host in KINDS[fault.kind].crashed(fault, topology))
