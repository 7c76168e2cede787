"""What was so at the instants of decision: from the schedule of faults, the answers to probes, and the stores.

This is what no teller and no model sees. Of a host that did not answer it is the schedule that says whether it was
dead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from experiments.spectrum.decisions import Truth
from experiments.spectrum.worlds import OTHER, SUBJECTS, THIRD, Staged
from sim.faults import Fault

__all__ = ["LATE_US", "UNANSWERED_US", "condition_of", "run_to_the_end"]

#: An answer after this is late, and after the other is none.
LATE_US: Final = 500_000
UNANSWERED_US: Final = 2_000_000
_HERE: Final = "a/c1/h1"
_DEADLY: Final = frozenset({"process-crash", "cluster-power", "power-loss"})
_OWNERS: Final = (OTHER, THIRD)


def run_to_the_end(staged: Staged, until_us: int) -> tuple[Truth, ...]:
    """Run a world to its end, and say what was so at each instant."""
    known = dict.fromkeys(_OWNERS, 0)
    fresh: list[Mapping[str, bool]] = []
    instants = set(staged.instants_us)
    # Whoever dies takes what it has written out of sight, so one looks just before.
    deaths = {fault.at for fault in staged.faults if fault.kind in _DEADLY and isinstance(fault.at, int)}
    for at_us in sorted(instants | deaths):
        staged.world.run(at_us)
        now: dict[str, bool] = {}
        for owner in _OWNERS:
            known[owner], came = staged.missing(owner, known[owner])
            now[owner] = came >= known[owner]
        if at_us in instants:
            fresh.append(MappingProxyType(now))
    staged.world.run(until_us)
    staged.world.check_conservation()
    answered_us = staged.answered_us()
    found = []
    for number, at_us in enumerate(staged.instants_us):
        conditions = {path: condition_of(path, staged.faults, at_us) for path in SUBJECTS}
        fates = {
            path: _fate(answered_us.get((number, staged.places[path])), conditions[path] == "dead") for path in SUBJECTS
        }
        found.append(Truth(condition=conditions, fate=fates, fresh=fresh[number]))
    return tuple(found)


def condition_of(path: str, faults: Iterable[Fault], at_us: int) -> str:
    """What a host was to who looks from the first region, by the faults that were live at an instant."""
    live = [one for one in faults if isinstance(one.at, int) and one.at <= at_us < one.at + (one.for_us or 1 << 62)]
    if any(one.kind in _DEADLY and _among(path, one.targets) for one in live):
        return "dead"
    if any(one.kind.startswith("partition") and _parts(path, one) for one in live):
        return "unreachable"
    slow = any(one.kind == "link-slow" and "factor" in one.params and _slows(path, one) for one in live)
    return "slow" if slow else "up"


def _fate(answered_us: int | None, dead: bool) -> str:
    if answered_us is None or answered_us > UNANSWERED_US:
        return "dead" if dead else "unreachable"
    return "slow" if answered_us > LATE_US else "up"


def _among(path: str, targets: Iterable[str]) -> bool:
    return any(path == target or path.startswith(f"{target}/") for target in targets)


def _parts(path: str, fault: Fault) -> bool:
    """Whether a cut stands between a host and here, one way or both."""
    other = fault.params.get("against", fault.params.get("to"))
    here, there = _among(_HERE, fault.targets), _among(path, fault.targets)
    if not isinstance(other, tuple):
        return here != there
    return (here and _among(path, other)) or (there and _among(_HERE, other))


def _slows(path: str, fault: Fault) -> bool:
    to = fault.params.get("to")
    if not isinstance(to, tuple):
        return _among(path, fault.targets)
    return (_among(_HERE, fault.targets) and _among(path, to)) or (_among(path, fault.targets) and _among(_HERE, to))
