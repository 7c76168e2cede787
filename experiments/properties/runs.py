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


def disk_lost_and_refilled(seen: Evidence) -> Verdict:
    """A disk in use was lost, and afterwards a service of that host said that it holds again what it must.

    That it was in use is told by writes that it refused, or by a service that began with nothing.
    """
    topology, lost, back = seen.scenario.topology, [], []
    for encounter in seen.encounters:
        fault, ended_us = encounter.fault, encounter.ended_us
        if fault.kind != "disk-loss" or ended_us is None:
            continue
        for index in sorted({index for target in fault.targets for index in topology.select(target)}):
            begun_us = seen.anew.get(index, -1)
            if encounter.met or begun_us >= ended_us:
                lost.append(topology.hosts[index].path)
                if seen.held_again.get(index, -1) >= max(ended_us, begun_us):
                    back.append(topology.hosts[index].path)
    told = f"lost: {', '.join(lost) or 'none'}; back: {', '.join(back) or 'none'}"
    return Verdict(Outcome.VALID if back else Outcome.INVALID, (), told)


RUNS: Final = (
    claim(fault_fired, sort=Sort.EVIDENCE),
    claim(any_fault_fired, sort=Sort.EVIDENCE),
    claim(disk_lost_and_refilled, sort=Sort.EVIDENCE),
)
