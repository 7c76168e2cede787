"""What can be said of any run, whatever its clients record."""

from __future__ import annotations

from typing import Final

from experiments.evidence import Evidence
from experiments.scenario.property import Sort, claim
from sim.checkers import Outcome, Verdict

__all__ = ["RUNS", "not_healed"]


def fault_fired(seen: Evidence) -> Verdict:
    """Every fault of the schedule began, and messages, flushes or whatever it strikes ran into it."""
    met = {encounter.fault.id: encounter.met for encounter in seen.encounters}
    told = ", ".join(f"{fault.id}: {met.get(fault.id, 'never')}" for fault in seen.scenario.faults)
    good = all(met.get(fault.id, 0) for fault in seen.scenario.faults)
    return Verdict(Outcome.VALID if good else Outcome.INVALID, (), f"times met: {told}")


def not_healed(seen: Evidence) -> str:
    """Why what is wrong at the end may yet come right: faults that were still live."""
    return f"{', '.join(seen.unhealed)} had not ended, and what waits for that may yet come right"


def any_fault_fired(seen: Evidence) -> Verdict:
    """Some fault began, and messages, flushes or whatever it strikes ran into it: enough of a drawn schedule."""
    met = [encounter.fault.id for encounter in seen.encounters if encounter.met]
    told = f"met: {', '.join(met)}" if met else f"none of {len(seen.encounters)} faults that began met anything"
    return Verdict(Outcome.VALID if met else Outcome.INVALID, (), told)


RUNS: Final = (claim(fault_fired, sort=Sort.EVIDENCE), claim(any_fault_fired, sort=Sort.EVIDENCE))
